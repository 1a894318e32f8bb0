"""A zip of Zarr arrays that a process may share with the children it forks.

A forked child inherits the position in the file as well, so that parent and child
disturb each other's reads; here every process opens the file for itself.
"""

from __future__ import annotations

import os
import weakref

from zarr.storage import ZipStore

_opened: weakref.WeakValueDictionary[int, ProcessZipStore] = (
    weakref.WeakValueDictionary()
)


class ProcessZipStore(ZipStore):
    """A read-only zip that a forked child opens anew."""

    def _sync_open(self) -> None:
        super()._sync_open()
        _opened[id(self)] = self

    def open_again(self) -> None:
        """Leave the inherited file to the parent and open it anew."""
        self._is_open = False
        self._sync_open()


def _open_all_again() -> None:
    for store in list(_opened.values()):
        store.open_again()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_all_again)
