"""Folders for what a program needs while it runs."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from somobench.catalog.storage.atomic import remove_abandoned

PREFIX = "somobench-"
RANDOM = "[a-z0-9_]{8}"  # of a name that `tempfile` makes


@contextmanager
def make_scratch(parent: Path | None = None, prefix: str = PREFIX) -> Iterator[Path]:
    """Make a folder that is gone afterwards.

    Those of this user that killed programs left there a day ago or longer are removed.

    Parameters
    ----------
    parent : Path, optional
        By default the system's folder for temporary files.
    prefix : str
        How its name begins.
    """
    home = Path(parent or tempfile.gettempdir())
    pattern = re.compile(re.escape(prefix) + RANDOM)

    def is_ours(item: os.DirEntry[str]) -> bool:
        is_folder = item.is_dir(follow_symlinks=False)
        own = item.stat(follow_symlinks=False).st_uid == os.getuid()
        return is_folder and own and pattern.fullmatch(item.name) is not None

    remove_abandoned(home, is_ours)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=home) as folder:
        yield Path(folder)
