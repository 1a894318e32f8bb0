"""Write files so that a killed or failed writer leaves nothing that opens."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

PARTIAL = ".partial-"


@contextmanager
def replacing(path: Path | str) -> Iterator[Path]:
    """Yield a temporary sibling that replaces `path` if the block succeeds.

    The sibling may become a file or a folder. Its bytes are flushed to disk before
    the rename; on any error it is removed and `path` stays as it was.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{PARTIAL}{secrets.token_hex(6)}-{target.name}"[:250])
    try:
        yield partial
        _flush(partial)
        _move(partial, target)
        _flush(target.parent, recurse=False)
    finally:
        _remove(partial)


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


def _move(partial: Path, target: Path) -> None:
    if partial.is_dir() and target.is_dir():
        old = target.with_name(f"{PARTIAL}{secrets.token_hex(6)}-old")
        target.rename(old)
        partial.rename(target)
        shutil.rmtree(old)
    else:
        partial.replace(target)


def _remove(path: Path) -> None:
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
