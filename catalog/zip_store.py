"""A zip of Zarr arrays that a process may share with its children and its workers.

A forked child inherits the position in the file as well, so that parent and child
disturb each other's reads; here every process opens the file for itself. A member is
read against its crc32, and a file that is opened again, in a child or a worker, must
have the members that it had at first: another file may have taken its place.
"""

from __future__ import annotations

import hashlib
import os
import weakref
import zipfile
import zlib
from typing import Any

from zarr.storage import ZipStore

from somobench.schemas.errors import IntegrityError

DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,  # a member that says it is encrypted, or an unknown compression
    ValueError,
)
_opened: weakref.WeakValueDictionary[int, ProcessZipStore] = (
    weakref.WeakValueDictionary()
)


class ProcessZipStore(ZipStore):
    """A read-only zip that a forked child opens anew.

    Raises
    ------
    IntegrityError
        When a member is read that is damaged, or the file was replaced meanwhile.
    """

    _index: str | None = None

    def _sync_open(self) -> None:
        if self._index is None:
            super()._sync_open()
            self._index = _index_of(self._zf)
        else:
            self._reopen(self._index)
        _opened[id(self)] = self

    def _reopen(self, index: str) -> None:
        try:
            super()._sync_open()
        except DAMAGE as error:
            raise self._changed(error) from error
        if _index_of(self._zf) != index:
            self._is_open = False
            self._zf.close()
            raise self._changed("other members than when it was opened first")

    def open_again(self) -> None:
        """Leave the inherited file to the parent and open it anew."""
        self._is_open = False
        self._sync_open()

    def _get(self, key: str, *args: Any, **kwargs: Any) -> Any:
        try:
            return super()._get(key, *args, **kwargs)
        except DAMAGE as error:
            raise self._changed(f"{key}: {error or type(error).__name__}") from error

    def _changed(self, found: object) -> IntegrityError:
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


def _open_all_again() -> None:
    for store in list(_opened.values()):
        store.open_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_all_again)
