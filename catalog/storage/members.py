"""Members of a zip, read by their place in one open file.

No position, lock or reader is shared, so that threads, forked children and processes
that got the object by pickling read it alike.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import struct
import threading
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from somobench.catalog.storage.zip_directory import ZIP_ERRORS
from somobench.schemas.errors import IntegrityError

READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # PKWARE APPNOTE 4.3.7
LOCAL_MAGIC = b"PK\x03\x04"
MOST_FROM_A_BYTE = 1032  # bytes: zlib, Technical Details, Maximum Compression Factor
ENCRYPTED, UTF8_NAME = 1, 1 << 11  # flags, PKWARE APPNOTE 4.4.4
_one_offset = threading.Lock()


class PositionedFile(io.RawIOBase):
    """A file that is read by position, so that forked processes share no offset."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._position = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it has positions."""
        return True

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return os.fstat(self._descriptor).st_size

    def read(self, size: int = -1) -> bytes:
        """Read from the position on, by default to the end."""
        left = max(0, self.size - self._position)
        size = left if size < 0 else min(size, left)
        found = self.read_at(size, self._position)
        self._position += len(found)
        return found

    def read_at(self, size: int, position: int) -> bytes:
        """Read at a position, whatever is read elsewhere meanwhile."""
        if hasattr(os, "pread"):
            return os.pread(self._descriptor, size, position)
        with _one_offset:  # where no process can be forked
            os.lseek(self._descriptor, position, os.SEEK_SET)
            return os.read(self._descriptor, size)

    def read_status(self) -> tuple[int, ...]:
        """Return what changes when somebody writes to the file."""
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns, found.st_ctime_ns

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}
        if (position := start[whence] + offset) < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class Members(Mapping[str, memoryview]):
    """The members of a zip by name, as they were when it was opened first.

    Every member is compared with its crc32 when it is read, unless it has a checksum of
    its own (`read_chunk`).

    Parameters
    ----------
    path : Path
    stream : binary file, optional
        The open file to read, which may be verified already and closed afterwards;
        else `path` is opened.

    Raises
    ------
    IntegrityError
        When a member is read that is damaged, or the file was replaced meanwhile.
    """

    def __init__(self, path: Path, stream: BinaryIO | None = None) -> None:
        self.path = path
        self._file: PositionedFile | None = PositionedFile(
            os.open(path, READ_FLAGS) if stream is None else os.dup(stream.fileno())
        )
        self._status: tuple[int, ...] | None = self._file.read_status()
        self._entries = _list_entries(self._file)
        self.index = _index_of(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self._open()[1])

    def __len__(self) -> int:
        return len(self._open()[1])

    def __contains__(self, name: object) -> bool:
        return name in self._open()[1]

    def __getitem__(self, name: str) -> memoryview:
        file, entries = self._open()
        try:
            return self._read(file, entries[name])
        except ZIP_ERRORS as error:
            raise self.make_error(f"{name}: {error or type(error).__name__}") from error

    def read_chunk(self, name: str) -> memoryview:
        """Return a member that has a checksum of its own, which the caller compares.

        Its crc32 is compared too, unless nobody has written to the file since it was
        opened: whatever is damaged fails its own checksum.
        """
        file, entries = self._open()
        try:
            entry = entries[name]
            if entry.compress_type == zipfile.ZIP_STORED:
                content = read_raw(file, entry)
                if file.read_status() == self._status:
                    return content
            return self._read(file, entry)
        except ZIP_ERRORS as error:
            raise self.make_error(f"{name}: {error or type(error).__name__}") from error

    def _read(self, file: PositionedFile, entry: zipfile.ZipInfo) -> memoryview:
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            with zipfile.ZipFile(_copy(file)) as archive:
                return memoryview(archive.read(entry))
        content = read_raw(file, entry)
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            if entry.file_size > MOST_FROM_A_BYTE * max(len(content), 1):
                message = f"{entry.filename!r} says {entry.file_size} bytes"
                raise zipfile.BadZipFile(message)
            inflate = zlib.decompressobj(-zlib.MAX_WBITS)
            content = memoryview(inflate.decompress(content, entry.file_size + 1))
        if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            message = f"Bad CRC-32 for file {entry.filename!r}"
            raise zipfile.BadZipFile(message)
        return content

    def _open(self) -> tuple[PositionedFile, Mapping[str, zipfile.ZipInfo]]:
        """Return the open file and its members; by its path where it was closed."""
        if self._file is None:
            try:
                file = PositionedFile(os.open(self.path, READ_FLAGS))
                entries = _list_entries(file)
            except ZIP_ERRORS as error:
                raise self.make_error(error or type(error).__name__) from error
            if _index_of(entries) != self.index:
                raise self.make_error("other members than when it was opened first")
            self._file, self._entries, self._status = file, entries, None
        return self._file, self._entries

    def close(self) -> None:
        """Close the file; whatever is read later opens it by its path."""
        if self._file is not None:
            self._file.close()
        self._file = None

    def __getstate__(self) -> dict[str, Any]:
        return {"path": self.path, "index": self.index, "_file": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ |= state
        self._open()

    def __dask_tokenize__(self) -> tuple[str, str]:
        return str(self.path), self.index

    def make_error(self, found: object) -> IntegrityError:
        """Return the error of a file that isn't what was opened."""
        return IntegrityError(
            f"file {self.path}",
            found=found,
            expected="the members that were there when it was opened",
            hint="restore the file, then open the dataset again",
        )


def _list_entries(file: PositionedFile) -> dict[str, zipfile.ZipInfo]:
    with zipfile.ZipFile(_copy(file)) as archive:
        return {entry.filename: entry for entry in archive.infolist()}


def _copy(file: PositionedFile) -> PositionedFile:
    """Return the same file at its start, though it may have lost its name."""
    return PositionedFile(os.dup(file._descriptor))


def _index_of(entries: Mapping[str, zipfile.ZipInfo]) -> str:
    """Return a digest of every member's name, crc32, size and place."""
    digest = hashlib.sha256()
    for member in entries.values():
        parts = (member.filename, member.CRC, member.file_size, member.header_offset)
        digest.update(repr(parts).encode())
    return digest.hexdigest()


def read_raw(
    file: PositionedFile, entry: zipfile.ZipInfo, end: int | None = None
) -> memoryview:
    """Return a member as it lies in the file, by one read where its header is plain.

    Parameters
    ----------
    file : PositionedFile
    entry : ZipInfo
    end : int, optional
        Position that it may not reach beyond.

    Raises
    ------
    one of ZIP_ERRORS
        If what lies there isn't the member that the directory names.
    """
    name_length = len(entry.orig_filename.encode("utf-8"))
    start = LOCAL_HEADER.size + name_length
    room = file.size - entry.header_offset - LOCAL_HEADER.size
    if entry.header_offset < 0 or entry.compress_size > room:
        raise EOFError("the file ends before its members")
    raw = file.read_at(start + entry.compress_size, entry.header_offset)
    if len(raw) < LOCAL_HEADER.size:
        raise EOFError("the file ends before its members")
    magic, _, flags, *_, named, extra = LOCAL_HEADER.unpack_from(raw)
    if magic != LOCAL_MAGIC:
        raise zipfile.BadZipFile("Bad magic number for file header")
    if (flags | entry.flag_bits) & ENCRYPTED:
        raise RuntimeError(f"File {entry.filename!r} is encrypted")
    encoding = "utf-8" if flags & UTF8_NAME else "cp437"
    name = raw[LOCAL_HEADER.size : LOCAL_HEADER.size + named]
    if name.decode(encoding) != entry.orig_filename:
        raise zipfile.BadZipFile(f"another name in the header of {entry.filename!r}")
    place = entry.header_offset + LOCAL_HEADER.size + named + extra
    if end is not None and place + entry.compress_size > end:
        raise zipfile.BadZipFile(f"{entry.filename!r} reaches into what follows it")
    if named + extra != name_length:
        return memoryview(file.read_at(entry.compress_size, place))
    return memoryview(raw)[start:]
