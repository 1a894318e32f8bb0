"""Folders for a while: gone at the end, and those of killed programs a day later."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from somobench.catalog.storage.scratch import make_scratch
from somobench.submissions import child

DAY = 86_400.0
KILLED = "somobench-abcd_123"


def leave(folder: Path, name: str, age: float) -> Path:
    """Leave a folder with a file, both last changed so many seconds ago."""
    left = folder / name
    left.mkdir()
    (left / "values.npy").touch()
    then = time.time() - age
    for path in (left / "values.npy", left):
        os.utime(path, (then, then))
    return left


def test_a_folder_is_there_for_as_long_and_then_gone(tmp_path: Path) -> None:
    with make_scratch(tmp_path) as folder:
        assert folder.parent == tmp_path
        (folder / "file").touch()
    assert not folder.exists()


def test_what_a_killed_program_left_is_removed_a_day_later(tmp_path: Path) -> None:
    old = leave(tmp_path, KILLED, 1.1 * DAY)
    new = leave(tmp_path, "somobench-abcd_124", 0.9 * DAY)
    in_use = leave(tmp_path, "somobench-abcd_125", 1.1 * DAY)
    os.utime(in_use / "values.npy")
    other = leave(tmp_path, "somobench-windows-abcd_123", 1.1 * DAY)
    link = tmp_path / "somobench-abcd_126"
    link.symlink_to(other)
    os.utime(link, (0, 0), follow_symlinks=False)
    with make_scratch(tmp_path):
        assert not old.exists()
    assert [path.exists() for path in (new, in_use, other, link)] == [True] * 4


def test_reading_a_submission_removes_what_killed_readers_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = leave(tmp_path, KILLED, 1.1 * DAY)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(child.InputError), child.run_confined("no_module", tmp_path):
        pass
    assert [*tmp_path.iterdir()] == []
    assert not old.exists()
