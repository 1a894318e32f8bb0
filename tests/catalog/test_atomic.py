"""Writers: what is there is whole, what failed leaves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from somobench.catalog.storage import atomic
from somobench.catalog.storage.atomic import (
    format_json,
    replace_file,
    write_json,
    write_parquet,
    write_text,
)


def test_replacing_keeps_the_old_file_when_the_writer_fails(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    write_text("old", target)

    def fail() -> None:
        with replace_file(target) as partial:
            partial.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


def test_replacing_replaces_a_folder_whole(tmp_path: Path) -> None:
    target = tmp_path / "release"
    for name in ("first", "second"):
        with replace_file(target) as partial:
            partial.mkdir()
            (partial / name).write_text(name)
    assert [file.name for file in target.iterdir()] == ["second"]
    assert [file.name for file in tmp_path.iterdir()] == ["release"]


def make_folder(place: Path, name: str) -> None:
    with replace_file(place) as partial:
        partial.mkdir()
        (partial / name).write_text(name)


def test_folder_changes_places_in_one_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "scores"
    make_folder(target, "first")

    def die(*_: object) -> None:
        raise SystemExit

    # A writer that dies at its first rename, as if it were killed there.
    monkeypatch.setattr(Path, "rename", die)
    make_folder(target, "second")
    assert [file.name for file in target.iterdir()] == ["second"]
    assert [file.name for file in tmp_path.iterdir()] == ["scores"]


def test_folder_is_replaced_where_places_cannot_be_exchanged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(atomic, "_exchange", lambda *_: False)
    target = tmp_path / "scores"
    make_folder(target, "first")
    make_folder(target, "second")
    assert [file.name for file in target.iterdir()] == ["second"]
    assert [file.name for file in tmp_path.iterdir()] == ["scores"]


def test_first_of_two_writers_of_a_new_folder_wins(tmp_path: Path) -> None:
    target = tmp_path / "scores"

    def write_second() -> None:
        with replace_file(target, new=True) as partial:
            partial.mkdir()
            (partial / "second").touch()
            with replace_file(target, new=True) as other:
                other.mkdir()
                (other / "first").touch()

    with pytest.raises(OSError, match="not empty"):
        write_second()
    assert [file.name for file in target.iterdir()] == ["first"]
    assert [file.name for file in tmp_path.iterdir()] == ["scores"]


def test_leftovers_of_killed_writers_are_removed_after_a_day(tmp_path: Path) -> None:
    target, day = tmp_path / "scores", 86_400
    made = {
        ".partial-0123456789ab-scores": 2 * day,
        ".partial-0123456789ac-scores": day // 2,
        ".partial-0123456789ad-old-scores": 2 * day,
        ".partial-0123456789ae-others": 2 * day,
        ".partial-mine-scores": 2 * day,
    }
    for name, age in made.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").touch()
        for path in (tmp_path / name / "file", tmp_path / name):
            os.utime(path, (time.time() - age,) * 2)
    stays = [name for name, age in made.items() if age < day or "e-o" in name]
    stays.append(".partial-mine-scores")
    # The folder that was moved away is the last copy as long as there is no other.
    last = ".partial-0123456789ad-old-scores"
    make_folder(target, "first")
    left = {file.name for file in tmp_path.iterdir()}
    assert left == {*stays, last, "scores"}
    make_folder(target, "second")
    assert {file.name for file in tmp_path.iterdir()} == {*stays, "scores"}


def test_writer_that_writes_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), replace_file(tmp_path / "a"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_killed_writer_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    code = (
        "import sys, time; from somobench.catalog.storage.atomic import replace_file\n"
        "with replace_file(sys.argv[1]) as partial:\n"
        "    partial.write_text('half'); print('ready', flush=True); time.sleep(60)"
    )
    target = tmp_path / "grid.zarr.zip"
    writer = subprocess.Popen(
        [sys.executable, "-c", code, str(target)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    os.kill(writer.pid, signal.SIGKILL)
    writer.wait(timeout=10)
    writer.stdout.close()
    assert not target.exists()


def test_json_text_is_sorted_and_refuses_nan() -> None:
    assert format_json({"b": 1, "a": "é"}) == '{\n  "a": "é",\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_json({"a": float("nan")})


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["a", "b"], "number": [1.5, None]})
    for name in ("one", "two"):
        write_parquet(frame, tmp_path / f"{name}.parquet")
        write_json({"x": [1, 2]}, tmp_path / f"{name}.json")
    for suffix in ("parquet", "json"):
        one, two = (tmp_path / f"{name}.{suffix}" for name in ("one", "two"))
        assert one.read_bytes() == two.read_bytes()
