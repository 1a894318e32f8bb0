"""Write files so that a killed or failed writer leaves nothing that opens."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

PARTIAL = ".partial-"
PLAIN_NAME = 200  # letters; with what is put before them, a name holds 255 bytes
NO_FOLDER_FLUSH = {errno.EINVAL, errno.EBADF, errno.EACCES, errno.ENOTSUP}
"""Answers of file systems that can't flush a folder, as PostgreSQL ignores them."""


@contextlib.contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary sibling that replaces `path` if the block succeeds.

    The sibling may become a file or a folder. Its bytes are flushed to disk before
    the rename; on any error it is removed and `path` stays as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{PARTIAL}{secrets.token_hex(6)}{_tail(target.name)}")
    try:
        yield partial
        _flush(partial)
        _move(partial, target)
        _flush_folder(target.parent)
    finally:
        _remove(partial)


def _tail(name: str) -> str:
    """Return what of a file's name fits behind the name of a temporary sibling."""
    is_plain = name.isascii() and len(name) <= PLAIN_NAME
    return f"-{name}" if is_plain else "".join(Path(name).suffixes[-2:])[:16]


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
    old = target.with_name(f"{PARTIAL}{secrets.token_hex(6)}-old")
    target.rename(old)
    try:
        partial.rename(target)
    except OSError:
        old.rename(target)
        raise
    _remove(old)


def _remove(path: Path) -> None:
    """Remove what was temporary; where the system refuses, it stays."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def json_text(content: Mapping[str, Any] | list[Any]) -> str:
    """Return the one JSON text of some content: sorted keys, no NaN."""
    return (
        json.dumps(
            content, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False
        )
        + "\n"
    )


def write_text(text: str, path: Path | str) -> None:
    """Write a text file in UTF-8 with Unix line ends."""
    with replacing(path) as partial:
        partial.write_bytes(text.encode())


def write_json(content: Mapping[str, Any] | list[Any], path: Path | str) -> None:
    """Write content as the one JSON text that it has."""
    write_text(json_text(content), path)


def write_parquet(frame: pd.DataFrame, path: Path | str) -> None:
    """Write a table, without its index, and check that it reads back equal."""
    with replacing(path) as partial:
        frame.to_parquet(partial, index=False, compression="zstd")
        pd.testing.assert_frame_equal(
            pd.read_parquet(partial), frame.reset_index(drop=True)
        )
