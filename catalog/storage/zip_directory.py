"""How large the directory of a zip is, told before it is loaded into memory; errors.

A line of 50 bytes becomes an object of some 600, and a directory may have any number.
"""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

from somobench.schemas.errors import InputError

ZIP_ERRORS = (
    *(zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError),
    *(RuntimeError, ValueError),  # passwords, odd versions, names that aren't UTF-8
)
"""What `zipfile` raises for a zip, or a member of one, that it can't read."""
MOST_MEMBERS = 500_000  # the whole ISMN holds about 30,000
MOST_BYTES = 24_000_000  # half a million lines at least
_END = struct.Struct("<4s4H2LH")  # PKWARE APPNOTE 4.3.16
_LOCATOR_64 = struct.Struct("<4sLQL")  # 4.3.15
_END_64 = struct.Struct("<4sQ2H2L4Q")  # 4.3.14
_LONGEST_COMMENT = 65_535


class DirectorySize(NamedTuple):
    """What the end of a zip says of its directory."""

    members: int
    bytes: int


def measure_directory(stream: BinaryIO) -> DirectorySize | None:
    """Return what the end of a zip says; None where there is no end.

    Of an end with 64-bit numbers that which `zipfile` reads counts, and lies right
    before what points to it.
    """
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - _LONGEST_COMMENT - _END.size))
    tail = stream.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0 or place + _END.size > len(tail):
        return None
    end = _END.unpack_from(tail, place)
    found = DirectorySize(end[4], end[5])
    position = size - len(tail) + place - _LOCATOR_64.size - _END_64.size
    if position < 0:
        return found
    stream.seek(position)
    large = stream.read(_END_64.size)
    if stream.read(4) != b"PK\x06\x07" or not large.startswith(b"PK\x06\x06"):
        return found
    record = _END_64.unpack(large)
    return DirectorySize(max(end[4], record[7]), max(end[5], record[8]))


def refuse_large_directory(
    source: Path | BinaryIO,
    what: str,
    *,
    members: int = MOST_MEMBERS,
    size: int = MOST_BYTES,
) -> None:
    """Refuse a zip whose directory alone would fill the memory.

    Parameters
    ----------
    source : path or open file
        What has no end of a zip passes: `zipfile` says what it is.
    what : str
        Its name for people.
    members, size : int
        What the directory may have at most; bytes.

    Raises
    ------
    InputError
        With what its end says.
    """
    if isinstance(source, Path):
        with source.open("rb") as stream:
            found = measure_directory(stream)
    else:
        found = measure_directory(source)
    if found is not None and (found.members > members or found.bytes > size):
        raise InputError(
            what,
            found=f"{found.members} members, a table of contents of {found.bytes}"
            " bytes",
            expected=f"at most {members} and {size}",
        )
