"""Write files so that a killed or failed writer leaves nothing that opens."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

PARTIAL, OLD = ".partial-", "-old"
PLAIN_NAME = 200  # letters; with what is put before them, a name holds 255 bytes
NO_FOLDER_FLUSH = {errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOTSUP}
"""Answers of file systems that can't flush a folder, as PostgreSQL ignores them."""


LEFTOVER_SECONDS = 86_400  # s since its last change, after which nobody writes it
EXCHANGE, HERE = 2, -100
"""RENAME_EXCHANGE and AT_FDCWD of Linux: linux/fs.h, linux/fcntl.h."""


@contextlib.contextmanager
def replace_file(path: Path | str, *, new: bool = False) -> Iterator[Path]:
    """Yield a temporary sibling that replaces `path` if the block succeeds.

    The sibling may become a file or a folder. Its bytes are flushed to disk before
    the rename; on any error it is removed and `path` stays as it was. A folder changes
    places with the old one in one step where the system can, so that a killed writer
    leaves the old or the new one. Siblings that a killed writer left a day ago or
    longer are removed.

    Parameters
    ----------
    path : Path
    new : bool
        Refuse to replace a folder that holds files: of two writers the first one wins.

    Raises
    ------
    OSError
        ENOTEMPTY or EEXIST with `new`, if there is such a folder by then.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    tail = _shorten_name(target.name)
    partial = target.with_name(f"{PARTIAL}{secrets.token_hex(6)}{tail}")
    try:
        yield partial
        _flush(partial)
        if new:
            partial.rename(target)
        else:
            _move(partial, target)
        _flush_folder(target.parent)
    finally:
        _remove(partial)


def _shorten_name(name: str) -> str:
    """Return what of a file's name fits behind the name of a temporary sibling."""
    is_plain = name.isascii() and len(name) <= PLAIN_NAME
    return f"-{name}" if is_plain else "".join(Path(name).suffixes[-2:])[:16]


def _remove_leftovers(target: Path) -> None:
    """Remove what killed writers of a file or folder left beside it a day ago.

    What may be the last copy of a folder stays: one that was moved away while there is
    none under its name.
    """
    pattern = re.compile(
        f"{re.escape(PARTIAL)}[0-9a-f]{{12}}({OLD})?{re.escape(_shorten_name(target.name))}"
    )

    def is_leftover(item: os.DirEntry[str]) -> bool:
        found = pattern.fullmatch(item.name)
        return found is not None and (not found[1] or target.exists())

    remove_abandoned(target.parent, is_leftover)


def remove_abandoned(
    folder: Path, is_leftover: Callable[[os.DirEntry[str]], bool]
) -> None:
    """Remove what is a leftover by its name, if it wasn't changed for a day."""
    with contextlib.suppress(OSError):
        for item in list(os.scandir(folder)):
            if not is_leftover(item):
                continue
            if time.time() - _find_last_change(Path(item.path)) > LEFTOVER_SECONDS:
                _remove(Path(item.path))


def _find_last_change(path: Path) -> float:
    """Return when a file, or a folder or anything in it, was last changed."""
    inside = path.rglob("*") if path.is_dir() and not path.is_symlink() else ()
    return max(item.lstat().st_mtime for item in (path, *inside))


def _flush(path: Path, *, recurse: bool = True) -> None:
    """Force a file, or a folder and what it holds, to disk."""
    if recurse and path.is_dir():
        for child in path.rglob("*"):
            _flush(child, recurse=False)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    try:
        _flush(folder, recurse=False)
    except OSError as error:
        if error.errno not in NO_FOLDER_FLUSH:
            raise


def _move(partial: Path, target: Path) -> None:
    if not (partial.is_dir() and target.is_dir()):
        partial.replace(target)
        return
    if _exchange(partial, target):
        return
    tail = _shorten_name(target.name)
    old = target.with_name(f"{PARTIAL}{secrets.token_hex(6)}{OLD}{tail}")
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    _remove(old)


def _exchange(one: Path, other: Path) -> bool:
    """Let two paths change places in one step; False where the system can't."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    paths = (os.fsencode(one), os.fsencode(other))
    return bool(rename(HERE, paths[0], HERE, paths[1], EXCHANGE) == 0)


def _remove(path: Path) -> None:
    """Remove what was temporary; where the system refuses, it stays."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def format_json(content: Mapping[str, Any] | list[Any]) -> str:
    """Return the one JSON text of some content: sorted keys, no NaN."""
    return (
        json.dumps(
            content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False
        )
        + "\n"
    )


def write_text(text: str, path: Path | str) -> None:
    """Write a text file in UTF-8 with Unix line ends."""
    with replace_file(path) as partial:
        partial.write_bytes(text.encode())


def write_json(content: Mapping[str, Any] | list[Any], path: Path | str) -> None:
    """Write content as the one JSON text that it has."""
    write_text(format_json(content), path)


def write_parquet(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a table, without its index, and check that it reads back equal."""
    import pandas as pd

    with replace_file(path) as partial:
        frame.to_parquet(partial, index=False, compression="zstd")
        pd.testing.assert_frame_equal(
            pd.read_parquet(partial), frame.reset_index(drop=True)
        )


def write_parquet_parts(
    make_parts: Callable[[], Iterator[pd.DataFrame]], path: Path | str
) -> None:
    """Write a table that is made part by part, and check that it reads back equal.

    Parameters
    ----------
    make_parts : callable
        Gives at least one part, each with its own index; called again, the same ones.
    path : Path
    """
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    with replace_file(path) as partial:
        parts = make_parts()
        table = pa.Table.from_pandas(next(parts), preserve_index=False)
        with pq.ParquetWriter(partial, table.schema, compression="zstd") as writer:
            writer.write_table(table, max(len(table), 1))
            for frame in parts:
                table = pa.Table.from_pandas(frame, table.schema, preserve_index=False)
                writer.write_table(table, max(len(table), 1))
        with pq.ParquetFile(partial) as file:
            for number, frame in enumerate(make_parts()):
                found = file.read_row_group(number).to_pandas()
                pd.testing.assert_frame_equal(found, frame)
