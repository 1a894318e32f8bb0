"""Members of a station archive, a zip or a folder, read one at a time in memory.

Nothing is ever unpacked to disk. A zip is judged by its directory alone before any
member is read: one hostile entry refuses the whole archive. A damaged member is the
caller's to count, because the rest of the archive can still be right. What operating
systems, archivers and the `ismn` package leave in folders is no member.
"""

from __future__ import annotations

import os
import stat
import threading
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from somobench.catalog.storage.zip_directory import ZIP_ERRORS, refuse_large_directory
from somobench.pipelines.stations.inflate import Inflater
from somobench.schemas.errors import InputError

MAXIMUM_MEMBER_SIZE = 2**30  # bytes; ten million rows of the longer layout
MAXIMUM_RATIO = 200  # unpacked to packed; station files reach 30
RATIO_MATTERS_FROM = 2**20  # bytes unpacked; tiny members compress without bound

Content = bytes | bytearray
"""Bytes of a member; nobody changes them."""

LEFT_BY_PROGRAMS = frozenset(
    {"thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r", "__macosx"}
    | {"python_metadata", "@eadir", "$recycle.bin", "system volume information"}
)
"""Files and folders, in lower case, that programs put beside data: Windows, macOS and
its zips, network storage, and the index that the `ismn` package writes."""


class Member(NamedTuple):
    """A file of an archive: its name with `/`, and its size unpacked in bytes."""

    name: str
    size: int


class DamagedMemberError(InputError):
    """A member whose bytes can't be had: bad checksum, cut short, too large."""


class Archive(Protocol):
    """Files by name; `read` may be called from several threads."""

    @property
    def members(self) -> tuple[Member, ...]:
        """Files sorted by name."""
        ...

    def read(self, name: str) -> bytes:
        """Return a member's bytes, or raise DamagedMemberError."""
        ...

    def read_buffer(self, name: str) -> Content:
        """Return what `read` does, uncopied."""
        ...

    def read_start(self, name: str, size: int) -> bytes:
        """Return a member's first bytes, or raise DamagedMemberError."""
        ...


def is_left_by_program(name: str) -> bool:
    """Tell whether a member is hidden (`.DS_Store`, `._x`), or one of those names."""
    return any(
        part.startswith(".") or part.lower() in LEFT_BY_PROGRAMS
        for part in name.split("/")
    )


class FolderArchive:
    """The files below a folder; links to folders are not followed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        files = (
            Path(folder) / name for folder, _, names in os.walk(path) for name in names
        )
        self.members = tuple(
            sorted(
                Member(name, _get_size(path / name))
                for name in (file.relative_to(path).as_posix() for file in files)
                if not is_left_by_program(name)
            )
        )

    def read(self, name: str) -> bytes:
        """Return a file's bytes."""
        path = self._path / name
        try:
            _check_size(name, path.stat().st_size)
            _check_regular(name, path)
            return path.read_bytes()
        except OSError as error:
            raise _make_member_error(name, error) from error

    def open(self, name: str) -> BinaryIO:
        """Open a plain file, or raise DamagedMemberError."""
        path = self._path / name
        try:
            _check_regular(name, path)
            return path.open("rb")
        except OSError as error:
            raise _make_member_error(name, error) from error

    def read_buffer(self, name: str) -> Content:
        """Return a file's bytes."""
        return self.read(name)

    def read_start(self, name: str, size: int) -> bytes:
        """Return a file's first bytes."""
        try:
            _check_regular(name, self._path / name)
            with (self._path / name).open("rb") as file:
                return file.read(size)
        except OSError as error:
            raise _make_member_error(name, error) from error


class ZipArchive:
    """The members of an open zip file, once its directory proves harmless."""

    def __init__(self, path: Path, file: zipfile.ZipFile) -> None:
        self._zip = file
        self._lock = threading.Lock()
        _check_names(path, file.namelist())
        for entry in file.infolist():
            _check_entry(path, entry)
        entries = [entry for entry in file.infolist() if not entry.is_dir()]
        self._inflater = Inflater(file, file.infolist())
        self.members = tuple(
            sorted(
                Member(entry.filename, entry.file_size)
                for entry in entries
                if not is_left_by_program(entry.filename)
            )
        )

    def read(self, name: str) -> bytes:
        """Return a member's bytes, their checksum checked."""
        return bytes(self.read_buffer(name))

    def read_buffer(self, name: str) -> Content:
        """Return a member's bytes, their checksum checked, uncopied."""
        entry = self._zip.getinfo(name)
        _check_size(name, entry.file_size)
        content = self._inflater.read(entry)
        return self.read_start(name, -1) if content is None else content

    def read_start(self, name: str, size: int) -> bytes:
        """Return a member's first bytes; their checksum covers the whole member."""
        entry, end = self._zip.getinfo(name), self._zip.start_dir
        if not 0 <= entry.header_offset <= end - entry.compress_size:
            found = f"{entry.compress_size} bytes from {entry.header_offset} on"
            raise _make_member_error(name, found, f"a place in the first {end} bytes")
        try:
            with self._lock:  # zipfile counts its open members without one
                member = self._zip.open(name)
            try:
                return member.read(size)
            finally:
                with self._lock:
                    member.close()
        except ZIP_ERRORS as error:
            raise _make_member_error(name, error) from error


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip or a folder for reading.

    Raises
    ------
    InputError
        If the path is neither, if the zip's directory is damaged, or if it holds an
        entry that is absolute, climbs with `..`, uses backslashes, comes twice, is a
        link, a device, encrypted, packed by an unusual method, or a bomb.
    """
    if path.is_dir():
        yield FolderArchive(path)
        return
    if not path.is_file():
        raise InputError(
            f"station archive {path}", found="nothing", expected="a zip or a folder"
        )
    refuse_large_directory(path, f"station archive {path}")
    try:
        file = zipfile.ZipFile(path)
    except ZIP_ERRORS as error:
        raise InputError(
            f"station archive {path}", found=error, expected="a whole zip file"
        ) from error
    with file:
        yield ZipArchive(path, file)


def _check_names(path: Path, names: list[str]) -> None:
    for name in names:
        parts = name.removesuffix("/").split("/")
        drive = len(parts[0]) > 1 and parts[0][1] == ":"
        if "\\" in name or drive or {"", ".", ".."} & set(parts):
            raise _make_archive_error(
                path, name, "a relative path below the archive with '/'"
            )
        if not name.isprintable():
            raise _make_archive_error(path, name, "a name without control characters")
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise _make_archive_error(
            path, twice[0], f"each member once; {len(twice)} come twice"
        )


def _check_entry(path: Path, entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _make_archive_error(
            path, entry.filename, "a plain file, no link or device"
        )
    if entry.flag_bits & 1:
        raise _make_archive_error(path, entry.filename, "a member without encryption")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _make_archive_error(
            path, entry.filename, "a member that is stored or deflated"
        )
    ratio = entry.file_size / max(entry.compress_size, 1)
    if entry.file_size > RATIO_MATTERS_FROM and ratio > MAXIMUM_RATIO:
        raise _make_archive_error(
            path,
            f"{entry.filename} with {entry.file_size} bytes, packed {ratio:.0f} to 1",
            f"at most {MAXIMUM_RATIO} to 1",
        )


def _get_size(file: Path) -> int:
    """Size of a file; 0 of a link that leads nowhere, which reading reports."""
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _check_regular(name: str, path: Path) -> None:
    """Refuse a pipe or device, which might never end."""
    if path.exists() and not path.is_file():
        raise _make_member_error(name, "a pipe or device", "a plain file")


def _check_size(name: str, size: int) -> None:
    if size > MAXIMUM_MEMBER_SIZE:
        raise _make_member_error(
            name, f"{size} bytes", f"at most {MAXIMUM_MEMBER_SIZE} bytes"
        )


def _make_archive_error(path: Path, found: str, expected: str) -> InputError:
    return InputError(
        f"station archive {path}",
        found=ascii(found),
        expected=expected,
        hint="get the archive again from its producer",
    )


def _make_member_error(
    name: str, found: object, expected: str = "a member that unpacks whole"
) -> DamagedMemberError:
    return DamagedMemberError(name, found=found, expected=expected)
