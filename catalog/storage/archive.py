"""Grids as one file: Zarr v3 in a stored zip, the same bytes for the same data.

Every chunk carries a crc32c, chunks of missing values are written too, and members
are sorted with fixed dates; zarr's own zip writer keeps none of these promises.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import threading
import warnings
import weakref
import zipfile
import zlib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, Crc32cCodec
from zarr.storage import MemoryStore, ZipStore

from somobench.catalog.storage.atomic import replace_file
from somobench.schemas.errors import IntegrityError

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # a member that says it is encrypted, or an unknown compression
    ValueError,
)
READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_opened: weakref.WeakValueDictionary[int, ProcessZipStore] = (
    weakref.WeakValueDictionary()
)


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

    def read(self, size: int = -1) -> bytes:
        """Read from the position on, by default to the end."""
        if size < 0:
            size = max(0, os.fstat(self._descriptor).st_size - self._position)
        found = _read_at(self._descriptor, size, self._position)
        self._position += len(found)
        return found

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the position."""
        size = os.fstat(self._descriptor).st_size
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: size}
        if (position := start[whence] + offset) < 0:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        self._position = position
        return position

    def open_again(self) -> PositionedFile:
        """Return the same file, at its start, though it may have lost its name."""
        return PositionedFile(os.dup(self._descriptor))

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def _read_at(descriptor: int, size: int, position: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, size, position)
    os.lseek(descriptor, position, os.SEEK_SET)  # where no process can be forked
    return os.read(descriptor, size)


class ProcessZipStore(ZipStore):
    """A read-only zip that forked children and other processes may read as well.

    Parameters
    ----------
    path : Path
    stream : binary file, optional
        The open file to read, which may be verified already; else `path` is opened.

    Raises
    ------
    IntegrityError
        When a member is read that is damaged, or the file was replaced meanwhile.
    """

    _index: str | None = None
    _file: PositionedFile | None = None

    def __init__(self, path: Path, stream: BinaryIO | None = None) -> None:
        super().__init__(path, mode="r")
        if stream is not None:
            self._file = PositionedFile(os.dup(stream.fileno()))

    def _sync_open(self) -> None:
        if self._index is None:
            self._open_file()
            self._index = _index_of(self._zf)
        else:
            self._reopen(self._index)
        self._is_open = True
        _opened[id(self)] = self

    def _open_file(self) -> None:
        self._lock = threading.RLock()
        self._file = (
            PositionedFile(os.open(self.path, READ_FLAGS))
            if self._file is None
            else self._file.open_again()
        )
        self._zf = zipfile.ZipFile(self._file)

    def _reopen(self, index: str) -> None:
        try:
            self._open_file()
        except DAMAGE as error:
            raise self._make_change_error(error) from error
        if _index_of(self._zf) != index:
            raise self._make_change_error("other members than when it was opened first")

    def leave_to_parent(self) -> None:
        """Read by file objects and locks of this process from the next member on."""
        self._lock = threading.RLock()
        self._is_open = False

    def close(self) -> None:
        """Close the file; whatever is read later opens it by its path."""
        super().close()
        if self._file is not None:
            self._file.close()
        self._file = None

    def __getstate__(self) -> dict[str, Any]:
        return super().__getstate__() | {"_file": None}

    def _get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._get(key, *args, **kwargs)
        except DAMAGE as error:
            raise self._make_change_error(
                f"{key}: {error or type(error).__name__}"
            ) from error

    def _make_change_error(self, found: object) -> IntegrityError:
        return IntegrityError(
            f"file {self.path}",
            found=found,
            expected="the members that were there when it was opened",
            hint="restore the file, then open the dataset again",
        )


def _index_of(archive: zipfile.ZipFile) -> str:
    """Return a digest of every member's name, crc32, size and place."""
    digest = hashlib.sha256()
    for member in archive.infolist():
        parts = (member.filename, member.CRC, member.file_size, member.header_offset)
        digest.update(repr(parts).encode())
    return digest.hexdigest()


def _leave_all_to_parent() -> None:
    for store in list(_opened.values()):
        store.leave_to_parent()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_all_to_parent)

FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip member can carry
CELLS_A_CHUNK = 64
"""Cells in one chunk; time is never divided, since models read whole series."""


def write_zarr_zip(
    dataset: xr.Dataset,
    path: Path | str,
    chunks: Mapping[str, int] | None = None,
) -> None:
    """Write a dataset as a Zarr v3 zip whose bytes depend on the data alone.

    Parameters
    ----------
    dataset : Dataset
        In memory or Dask-backed. Times are written as whole seconds since 1970.
    path : Path
        Replaced only when the new file is complete and reads back.
    chunks : mapping of dim to length, optional
        Chunk length by dimension; by default 64 cells, one layer, all of the rest.
    """
    members: dict[str, Any] = {}
    with warnings.catch_warnings(), zarr.config.set({"array.write_empty_chunks": True}):
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3.*")
        warnings.filterwarnings("ignore", message=".*not part in the Zarr format.*")
        _drop_encodings(dataset).to_zarr(
            MemoryStore(members),
            mode="w",
            zarr_format=3,
            consolidated=False,
            encoding=_build_encodings(dataset, chunks or {}),
            align_chunks=True,
        )
    with replace_file(path) as partial:
        _write_zip({name: members[name].to_bytes() for name in members}, partial)
        open_zarr_zip(partial).close()


def open_zarr_zip(
    source: Path | str | BinaryIO, chunks: Mapping[str, int] | None = None
) -> xr.Dataset:
    """Open a zipped grid lazily; with `chunks` (such as `{}`) backed by Dask.

    A file that is open already, and may be closed afterwards, is read itself, whatever
    has its name meanwhile.
    """
    if isinstance(source, Path | str):
        store: Any = ProcessZipStore(Path(source))
    else:
        store = ProcessZipStore(Path(source.name), source)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3.*")
        return xr.open_dataset(
            store,
            engine="zarr",
            chunks=chunks,
            consolidated=False,
            zarr_format=3,
        )


def _drop_encodings(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset without encodings that it brought from elsewhere."""
    return dataset.drop_encoding()


def _build_encodings(
    dataset: xr.Dataset, chunks: Mapping[str, int]
) -> dict[Hashable, dict[str, Any]]:
    return {
        name: _choose_encoding(variable, chunks)
        for name, variable in dataset.variables.items()
    }


def _choose_encoding(
    variable: xr.Variable, chunks: Mapping[str, int]
) -> dict[str, Any]:
    usual = {"cell": CELLS_A_CHUNK, "layer": 1, "split": 1}
    shape = tuple(
        max(1, min(chunks.get(str(dim), usual.get(str(dim), size)), size))
        for dim, size in variable.sizes.items()
    )
    encoding: dict[str, Any] = {"chunks": shape} if shape else {}
    if np.issubdtype(variable.dtype, np.datetime64):
        encoding |= {"units": "seconds since 1970-01-01", "dtype": "int64"}
    if variable.dtype.kind not in "OUST":
        codec = BloscCodec(cname="zstd", clevel=7, shuffle="bitshuffle")
        encoding["compressors"] = (codec, Crc32cCodec())
    else:
        encoding["compressors"] = (Crc32cCodec(),)
    return encoding


def _write_zip(members: Mapping[str, bytes], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, FIXED_DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, on whatever system it is written
            archive.writestr(entry, members[name])
