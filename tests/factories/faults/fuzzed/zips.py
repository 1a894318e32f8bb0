"""Zips with one lie or defect each, made of the bytes of a good one.

A defect is a function of the zip's parts, which may change them, and a generator.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

Random = np.random.Generator
HUGE = 0xFFFFFFF0
BILLION = 1_000_000_000
_CENTRAL = struct.Struct("<4s4B4H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_LOCAL = struct.Struct("<4s2B4HL2L2H")
FIELDS = (
    *("signature", "create_version", "create_system", "extract_version", "reserved"),
    *("flags", "method", "time", "date", "crc", "packed", "size"),
    *("name_length", "extra_length", "comment_length", "disk", "internal"),
    *("external", "offset"),
)
END_FIELDS = (
    *("signature", "disk", "first_disk", "here", "count", "length", "offset"),
    "comment_length",
)


@dataclass
class Entry:
    """A line of a zip's directory; lengths are written as they are, or as is said."""

    fields: dict[str, Any]
    name: bytes
    extra: bytes = b""
    comment: bytes = b""


@dataclass
class Parts:
    """Members, directory and end of a zip."""

    body: bytearray
    entries: list[Entry]
    end: dict[str, int] = field(default_factory=dict)
    """What the end says other than what is there."""

    def pick(self, rng: Random) -> Entry:
        """Return one of the entries."""
        return self.entries[int(rng.integers(len(self.entries)))]

    def join(self) -> bytes:
        """Return the bytes of the zip."""
        lines = b"".join(map(_join_entry, self.entries))
        count = len(self.entries)
        end = dict(zip(END_FIELDS, (b"PK\5\6", 0, 0), strict=False))
        end |= {"here": count & 0xFFFF, "count": count & 0xFFFF, "length": len(lines)}
        end |= {"offset": len(self.body), "comment_length": 0} | self.end
        return bytes(self.body) + lines + _END.pack(*(end[it] for it in END_FIELDS))


def _join_entry(entry: Entry) -> bytes:
    texts = entry.name, entry.extra, entry.comment
    names = ("name_length", "extra_length", "comment_length")
    lengths = dict(zip(names, map(len, texts), strict=True))
    fields = lengths | entry.fields
    return _CENTRAL.pack(*(fields[name] for name in FIELDS)) + b"".join(texts)


def take_apart(content: bytes) -> Parts:
    """Return the parts of a good zip without a comment."""
    end = dict(zip(END_FIELDS, _END.unpack(content[-_END.size :]), strict=True))
    place, entries = end["offset"], []
    for _ in range(end["count"]):
        fields = dict(zip(FIELDS, _CENTRAL.unpack_from(content, place), strict=True))
        place += _CENTRAL.size
        texts = []
        for name in ("name_length", "extra_length", "comment_length"):
            length = fields.pop(name)
            texts.append(content[place : place + length])
            place += length
        entries.append(Entry(fields, *texts))
    return Parts(bytearray(content[: end["offset"]]), entries)


Defect = Callable[[Parts, Random], bytes]


def say(**fields: Any) -> Defect:
    """Let the directory say something else of a member."""

    def change(parts: Parts, rng: Random) -> bytes:
        parts.pick(rng).fields |= fields
        return parts.join()

    return change


def rename(name: bytes, flags: int = 0) -> Defect:
    """Give a member another name, in the directory and where it lies."""

    def change(parts: Parts, rng: Random) -> bytes:
        entry = parts.pick(rng)
        entry.fields["flags"] |= flags
        entry.name = name
        return parts.join()

    return change


def end_with(**fields: int) -> Defect:
    def change(parts: Parts, _: Random) -> bytes:
        parts.end = fields
        return parts.join()

    return change


def in_local(place: int, content: bytes) -> Defect:
    """Overwrite bytes of the header that stands before a member."""

    def change(parts: Parts, rng: Random) -> bytes:
        start = parts.pick(rng).fields["offset"] + place
        parts.body[start : start + len(content)] = content
        return parts.join()

    return change


def repeat(times: int) -> Defect:
    """List a member again and again."""

    def change(parts: Parts, rng: Random) -> bytes:
        parts.entries += [parts.pick(rng)] * times
        return parts.join()

    return change


def overlap(parts: Parts, _: Random) -> bytes:
    """Let all members lie where the first one does."""
    for entry in parts.entries:
        entry.fields |= {"offset": parts.entries[0].fields["offset"]}
    return parts.join()


def swap_members(parts: Parts, rng: Random) -> bytes:
    """Let the directory name two members by each other's name."""
    if len(parts.entries) > 1:
        one, other = rng.choice(len(parts.entries), 2, replace=False).tolist()
        names = parts.entries[other].name, parts.entries[one].name
        parts.entries[one].name, parts.entries[other].name = names
    return parts.join()


def flip_packed(parts: Parts, rng: Random) -> bytes:
    """Flip a bit in what is packed of a member."""
    entry = parts.pick(rng)
    start = entry.fields["offset"] + _LOCAL.size + len(entry.name)
    place = start + int(rng.integers(max(1, entry.fields["packed"])))
    parts.body[min(place, len(parts.body) - 1)] ^= 1 << int(rng.integers(8))
    return parts.join()


def truncate(parts: Parts, rng: Random) -> bytes:
    content = parts.join()
    return content[: int(rng.integers(1, len(content)))]


def flip_directory(parts: Parts, rng: Random) -> bytes:
    """Flip a bit in the directory, or in the end."""
    content = bytearray(parts.join())
    place = int(rng.integers(len(parts.body), len(content)))
    content[place] ^= 1 << int(rng.integers(8))
    return bytes(content)


def flip_local(parts: Parts, rng: Random) -> bytes:
    """Flip a bit in the header that stands before a member."""
    start = parts.pick(rng).fields["offset"]
    parts.body[start + int(rng.integers(_LOCAL.size))] ^= 1 << int(rng.integers(8))
    return parts.join()


def zero_block(parts: Parts, rng: Random) -> bytes:
    content = bytearray(parts.join())
    start = int(rng.integers(len(content)))
    content[start : start + 512] = bytes(len(content[start : start + 512]))
    return bytes(content)


def append_zip(name: str, members: Mapping[str, bytes]) -> Defect:
    """Put a zip into the zip."""
    return lambda parts, _: add_member(parts.join(), name, pack(members))


def add_member(content: bytes, name: str, added: bytes) -> bytes:
    """Return a zip with one more member."""
    stream = io.BytesIO(content)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, added)
    return stream.getvalue()


def pack(members: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


def unpack(content: bytes) -> dict[str, bytes]:
    """Return the members of a good zip."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def nest(parts: Parts, _: Random, depth: int = 5) -> bytes:
    """Put the zip into a zip, again and again."""
    content = parts.join()
    for number in range(depth):
        content = pack({f"inner_{number}.zip": content})
    return content


def fill(megabytes: int, ending: str) -> Defect:
    """Add a member of zeros, which takes a thousandth of its size."""

    def change(parts: Parts, _: Random) -> bytes:
        stream = io.BytesIO(parts.join())
        block = bytes(1_000_000)
        with (
            zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive,
            archive.open(f"zeros{ending}", "w", force_zip64=True) as member,
        ):
            for _ in range(megabytes):
                member.write(block)
        return stream.getvalue()

    return change


def lie_of_64_bits(parts: Parts, rng: Random) -> bytes:
    """Let a member have sizes of 64 bits that no disk holds."""
    entry = parts.pick(rng)
    entry.fields |= {"size": 0xFFFFFFFF, "packed": 0xFFFFFFFF}
    entry.extra = struct.pack("<HHQQ", 1, 16, 1 << 62, 1 << 62)
    return parts.join()


def claim_members(parts: Parts, _: Random) -> bytes:
    """Let an end of 64 bits claim a directory that isn't there."""
    content = parts.join()
    end = content[-_END.size :]
    place = len(content) - _END.size
    large = struct.pack(
        *("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0),
        *(1 << 40, 1 << 40, 1 << 44, len(parts.body)),
    )
    return content[:place] + large + struct.pack("<4sLQL", b"PK\6\7", 0, place, 1) + end


LINK, PIPE, DEVICE = 0o120777 << 16, 0o010644 << 16, 0o020644 << 16
DEFECTS: Mapping[str, Defect] = MappingProxyType(
    {
        "cut": truncate,
        "a bit of what is packed": flip_packed,
        "a bit of the directory": flip_directory,
        "a bit of a header": flip_local,
        "a block of zeros": zero_block,
        "an absolute name": rename(b"/etc/passwd"),
        "a name that climbs": rename(b"../../etc/passwd"),
        "a name of Windows": rename(b"C:\\temp\\x.csv"),
        "a name with a zero byte": rename(b"a\0b.csv"),
        "a name with an escape": rename(b"\x1b[2Jx.csv"),
        "a name that isn't UTF-8": rename(b"\xff\xfe\xe9.csv", 0x800),
        "a name of Latin letters": rename(b"Z\x94ge.csv"),
        "a long name": rename(b"n" * 60_000),
        "no name": rename(b""),
        "a link": say(external=LINK, create_system=3),
        "a pipe": say(external=PIPE, create_system=3),
        "a device": say(external=DEVICE, create_system=3),
        "encryption": say(flags=1),
        "strong encryption": say(flags=0x41),
        "a patch": say(flags=0x20),
        "bzip2": say(method=12),
        "LZMA": say(method=14),
        "an unknown method": say(method=99),
        "stored, it says": say(method=0),
        "size of a billion": say(size=BILLION),
        "size of 4 GB": say(size=HUGE),
        "size of nothing": say(size=0),
        "packed to a billion": say(packed=BILLION),
        "packed to nothing": say(packed=0),
        "both sizes of a billion": say(size=BILLION, packed=BILLION),
        "another checksum": say(crc=1),
        "a place beyond the file": say(offset=HUGE),
        "a place in another member": say(offset=7),
        "a version to come": say(extract_version=99),
        "a name that is longer": say(name_length=60_000),
        "an extra that is longer": say(extra_length=60_000),
        "another disk": say(disk=7),
        "sizes of 64 bits that lie": lie_of_64_bits,
        "an end that claims a trillion": claim_members,
        "an end that counts one": end_with(count=1, here=1),
        "an end that counts none": end_with(count=0, here=0),
        "an end that counts many": end_with(count=65_535, here=65_535),
        "a directory of nothing": end_with(length=0),
        "a directory of 4 GB": end_with(length=HUGE),
        "a directory elsewhere": end_with(offset=3),
        "a comment that is longer": end_with(comment_length=60_000),
        "no mark of a member": in_local(0, b"XXXX"),
        "another name at its place": in_local(_LOCAL.size, b"other"),
        "another method at its place": in_local(8, b"\x63\0"),
        "a member twice": repeat(1),
        "a member 70,000 times": repeat(70_000),
        "members that overlap": overlap,
        "names swapped": swap_members,
        "zips in zips": nest,
        "a zip that is none": lambda parts, _: add_member(
            parts.join(), "other.zip", b"PK\3\4 no zip"
        ),
        "a zip of a hostile name": append_zip("other.zip", {"../x.csv": b"x"}),
        "a member of nothing": lambda parts, _: add_member(parts.join(), "x.csv", b""),
        "300 MB of zeros": fill(300, ".csv"),
        "1 GB of zeros as netCDF": fill(1000, ".nc"),
        "nothing": lambda _, __: b"",
        "an end alone": lambda _, __: _END.pack(b"PK\5\6", 0, 0, 0, 0, 0, 0, 0),
        "a beginning alone": lambda _, __: b"PK\3\4",
    }
)
SEEDED = ("cut", "a block of zeros", *(it for it in DEFECTS if it.startswith("a bit")))
"""Defects that differ from seed to seed; of others one is enough."""


def spoil(content: bytes, name: str, rng: Random) -> bytes:
    """Return a good zip with a defect."""
    return DEFECTS[name](take_apart(content), rng)
