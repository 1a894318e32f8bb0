"""Zips of grids that other programs pack: the same members in another shell."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from factories.faults.harmless.grids import GRIDS
from factories.faults.vouched import Defect

Members = dict[str, bytes]
NOW = (2026, 11, 30, 12, 0, 0)
# An extended time stamp, as Info-ZIP adds it to each member: tag, length, which, time.
TIME_STAMP = b"UT\x05\x00\x01" + (1_700_000_000).to_bytes(4, "little")


def backwards(members: Members, archive: zipfile.ZipFile) -> None:
    for name in sorted(members, reverse=True):
        archive.writestr(name, members[name])


def with_folders(members: Members, archive: zipfile.ZipFile) -> None:
    folders = {
        f"{above}/"
        for name in members
        for above in PurePosixPath(name).parents
        if f"{above}" != "."
    }
    for name in sorted({*members, *folders}):
        archive.writestr(name, members.get(name, b""))


def with_large_sizes(members: Members, archive: zipfile.ZipFile) -> None:
    """Write sizes of 64 bits, as programs do that don't know them beforehand."""
    for name, content in members.items():
        with archive.open(name, "w", force_zip64=True) as stream:
            stream.write(content)


def with_comment(members: Members, archive: zipfile.ZipFile) -> None:
    for name, content in members.items():
        archive.writestr(name, content)
    archive.comment = b"packed again, PK\x05 and all"


def from_elsewhere(members: Members, archive: zipfile.ZipFile) -> None:
    """Write members of today, of another system, with time stamps and comments."""
    for name, content in members.items():
        entry = zipfile.ZipInfo(name, NOW)
        entry.create_system, entry.extra, entry.comment = 0, TIME_STAMP, b"seen"
        archive.writestr(entry, content)


def indented(members: Members, archive: zipfile.ZipFile) -> None:
    """Format the documents again, with keys in order."""
    for name, content in members.items():
        if name.endswith("zarr.json"):
            document = json.loads(content)
            content = json.dumps(document, indent=4, sort_keys=True).encode()  # noqa: PLW2901
        archive.writestr(name, content)


def in_one_line(members: Members, archive: zipfile.ZipFile) -> None:
    for name, content in members.items():
        if name.endswith("zarr.json"):
            document = json.loads(content)
            content = json.dumps(document, separators=(",", ":")).encode()  # noqa: PLW2901
        archive.writestr(name, content)


def with_a_note(members: Members, archive: zipfile.ZipFile) -> None:
    """Add what programs leave beside members, and no reader of Zarr looks at."""
    for name, content in (
        {".DS_Store": b"\0\0", "notes.txt": b"seen"} | members
    ).items():
        archive.writestr(name, content)


SHELLS: dict[str, Callable[[Members, zipfile.ZipFile], None]] = {
    "members backwards": backwards,
    "folders as members": with_folders,
    "sizes of 64 bits": with_large_sizes,
    "a comment of the zip": with_comment,
    "members of another system": from_elsewhere,
    "documents with an indent": indented,
    "documents in one line": in_one_line,
    "a note among the members": with_a_note,
}


class _Pipe(io.RawIOBase):
    """A stream that can't go back, so that sizes follow the members."""

    def __init__(self) -> None:
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, content: object) -> int:
        self.content += bytes(content)  # type: ignore[call-overload]
        return len(bytes(content))  # type: ignore[call-overload]


def zip_again(
    name: str,
    pack: Callable[[Members, zipfile.ZipFile], None],
    *,
    piped: bool = False,
) -> Defect:
    """Pack the members of a grid's zip again."""

    def change(folder: Path) -> None:
        path = folder / f"{name}.zarr.zip"
        with zipfile.ZipFile(path) as archive:
            members = {it: archive.read(it) for it in archive.namelist()}
        stream = _Pipe() if piped else io.BytesIO()
        with zipfile.ZipFile(stream, "w") as archive:
            pack(members, archive)
        path.unlink()
        path.write_bytes(
            stream.content if isinstance(stream, _Pipe) else stream.getvalue()
        )

    return change


def list_zip_changes() -> Iterator[tuple[str, str, Defect]]:
    """Give changes of the shell of grids."""
    for name in GRIDS:
        file = f"{name}.zarr.zip"
        for what, pack in SHELLS.items():
            yield file, what, zip_again(name, pack)
        yield file, "sizes behind the members", zip_again(name, backwards, piped=True)
