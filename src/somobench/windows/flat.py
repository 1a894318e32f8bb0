"""Arrays in memory, or in a scratch file where they are large; pieces read at random.

Pieces of a file are read, not mapped: Linux maps a mebibyte and more around each byte
that is touched, which would count as memory of the process. What runs through whole
records, in order, uses the mapped array and lets go of it.
"""

from __future__ import annotations

import math
import mmap
import os
import shutil
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from somobench.schemas.errors import InputError


class Scratch:
    """A folder for arrays that don't fit a budget; gone when nothing uses it any more.

    Parameters
    ----------
    parent : Path, optional
        On a disk with room; by default the system's folder for temporary files, which
        on some systems lies in memory.

    Raises
    ------
    InputError
        If no folder can be made there.
    """

    def __init__(self, parent: Path | None = None) -> None:
        try:
            self.path = Path(tempfile.mkdtemp(prefix="somobench-windows-", dir=parent))
        except OSError as error:
            raise InputError(
                f"scratch folder {parent or tempfile.gettempdir()}",
                found=error.strerror,
                expected="a folder that exists and may be written to",
                hint="name another: scratch=..., or raise memory_limit",
            ) from error
        weakref.finalize(self, _remove, self.path, os.getpid())


def _remove(folder: Path, owner: int) -> None:
    """Remove a folder, unless this is a forked child of the process that made it."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


class FlatArray:
    """An array in memory, or in a scratch file.

    One in a file is handed to another process by its path, not by value.

    Parameters
    ----------
    shape, dtype
        Zeros at first.
    scratch : Scratch, optional
        Where the file lies; without it the array is in memory.

    Attributes
    ----------
    values : array
        Mapped, if it lies in a file; writable until `freeze`.
    """

    def __init__(
        self, shape: tuple[int, ...], dtype: Any, *, scratch: Scratch | None = None
    ) -> None:
        self._shape, self._dtype, self._scratch = shape, np.dtype(dtype), scratch
        self._path: Path | None = None
        self._map: mmap.mmap | None = None
        self._file = -1
        size = math.prod(shape) * self._dtype.itemsize
        if scratch is None or not size:
            self.values: NDArray[Any] = np.zeros(shape, self._dtype)
            return
        self._path = scratch.path / f"{len(list(scratch.path.iterdir()))}.bin"
        _reserve(self._path, size)
        self._open(self._path, mmap.ACCESS_WRITE)

    def _open(self, path: Path, access: int) -> None:
        self._file = os.open(path, os.O_RDWR)
        weakref.finalize(self, os.close, self._file)
        self._map = mmap.mmap(self._file, 0, access=access)
        self.values = np.frombuffer(self._map, self._dtype).reshape(self._shape)

    @property
    def is_mapped(self) -> bool:
        """Whether the array lies in a file."""
        return self._map is not None

    def make_sibling(self, shape: tuple[int, ...], dtype: Any) -> FlatArray:
        """Return another array, in memory or in a file as this one is."""
        return FlatArray(shape, dtype, scratch=self._scratch)

    def freeze(self) -> None:
        """Let nobody write any more."""
        self.values.flags.writeable = False

    def let_go(self) -> None:
        """Give the memory of mapped pages back; their content stays in the file."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)

    def gather(self, starts: NDArray[np.intp], length: int = 1) -> NDArray[Any]:
        """Copy pieces of consecutive rows; a row is a cell and day, whatever it holds.

        Parameters
        ----------
        starts : array, (piece,)
            Rows counted through cells and days.
        length : int
            Rows of a piece.

        Returns
        -------
        array, (piece, values of `length` rows)
        """
        width = math.prod(self._shape[2:]) if len(self._shape) > 2 else 1  # noqa: PLR2004
        if self._map is not None:
            return self._read_pieces(starts, width, length)
        step = width * self._dtype.itemsize
        count = max(self.values.size // width - length + 1, 0)
        pieces: NDArray[Any] = as_strided(
            self.values,
            (count, length * width),
            (step, self._dtype.itemsize),
            writeable=False,
        )[starts]
        return pieces

    def _read_pieces(
        self, starts: NDArray[np.intp], width: int, length: int
    ) -> NDArray[Any]:
        found = np.empty((starts.size, length * width), self._dtype)
        size, step = length * width * self._dtype.itemsize, width * self._dtype.itemsize
        into = found.reshape(-1).view(np.uint8).data
        for place, start in enumerate(starts.tolist()):
            piece = into[place * size : (place + 1) * size]
            os.preadv(self._file, [piece], start * step)
        return found

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._map is not None:
            state |= {"values": None, "_map": None, "_scratch": None, "_file": -1}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._path is not None:
            self._open(self._path, mmap.ACCESS_READ)


def _reserve(path: Path, size: int) -> None:
    """Make a file of zeros whose blocks exist, so that a full disk is met here.

    Raises
    ------
    InputError
        If the disk doesn't take it.
    """
    try:
        with path.open("wb") as stream:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), 0, size)
            else:
                stream.truncate(size)
    except OSError as error:
        raise InputError(
            f"scratch file {path}",
            found=error.strerror,
            expected=f"room for {size} bytes",
            hint="name a folder with room: scratch=..., or raise memory_limit",
        ) from error
