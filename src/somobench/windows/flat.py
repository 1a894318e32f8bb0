"""Arrays in memory, or in a scratch file that is mapped where they are large."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import InputError

MAPPED_AROUND = 2 * 64 * 1024  # bytes that Linux maps beside what a reader touches


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
    if os.getpid() != owner:
        return
    for path in folder.glob("*"):
        path.unlink(missing_ok=True)
    folder.rmdir()


class FlatArray:
    """An array in memory, or mapped from a scratch file.

    A mapped one is handed to another process by the path of its file, not by value.

    Attributes
    ----------
    values : array
        Writable until `freeze`.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        dtype: Any,
        *,
        scratch: Scratch | None = None,
        budget: int = 0,
    ) -> None:
        self._shape, self._dtype, self._budget = shape, np.dtype(dtype), budget
        self._scratch = scratch
        self._path: Path | None = None
        self._map: mmap.mmap | None = None
        if scratch is None:
            self.values: NDArray[Any] = np.zeros(shape, self._dtype)
            return
        self._path = scratch.path / f"{len(list(scratch.path.iterdir()))}.bin"
        _reserve(self._path, int(np.prod(shape)) * self._dtype.itemsize)
        self._open(self._path, mmap.ACCESS_WRITE)

    def _open(self, path: Path, access: int) -> None:
        with path.open("r+b") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=access)
        self._map = mapped
        self.values = np.frombuffer(mapped, self._dtype).reshape(self._shape)
        self._touched = 0

    @property
    def is_mapped(self) -> bool:
        """Whether the array lies in a file."""
        return self._map is not None

    def freeze(self) -> None:
        """Let nobody write any more."""
        self.values.flags.writeable = False

    def note_reading(self, count: int, size: int) -> None:
        """Count what was read, and let go of mapped pages when the budget is used up.

        Parameters
        ----------
        count, size : int
            Pieces, and bytes of each.
        """
        if self._map is None:
            return
        self._touched += count * (size + MAPPED_AROUND)
        if self._touched > self._budget:
            self.let_go()

    def let_go(self) -> None:
        """Give the memory of mapped pages back; their content stays in the file."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)
            self._touched = 0

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        if self._map is not None:
            state |= {"values": None, "_map": None, "_scratch": None}
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
