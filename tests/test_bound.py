"""Whatever a process starts ends with it, also while it still loads libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="the end of a parent, as Linux tells it"
)

PATIENCE = 2.0  # s in which what a killed process started must end
SLOW = """
import os, time
from pathlib import Path
if Path(FOLDER).is_dir():
    Path(FOLDER, str(os.getpid())).touch()
    time.sleep(60)
"""
"""In place of a library, or of a program that workers load: never through with it."""
READ = """
import os, sys
from pathlib import Path
from somobench.submissions.child import run_confined
os.environ["PYTHONPATH"] = sys.argv[1]  # where the reader finds a numpy that is slow
with run_confined(sys.argv[2], Path(sys.argv[1], "numpy.py")):
    pass
"""
VALIDATE = """
import os, sys
from somobench.validate import ask_pipelines
os.environ["PYTHONPATH"] = sys.argv[1]
ask_pipelines("somobench.pipelines.tools.check_archive", "x", what="x")
"""
WORK = """
import os, sys, time
from functools import partial
from pathlib import Path
from somobench.parallel import map_items
folder, moment, scheduler = sys.argv[1:]
def read():
    return folder
def work(folder, item):
    Path(folder, "started", str(os.getpid())).touch()
    time.sleep(60)
if __name__ == "__main__":
    map_items(work, [1, 2], read, 2, scheduler or None)
elif moment == "loading":
    Path(folder, "started", str(os.getpid())).touch()
    time.sleep(60)
"""

STAGE = """
import os, subprocess, sys
os.environ["DVC_STAGE"] = "any"
code = "import sys; import somobench.pipelines; exec(open(sys.argv[1]).read())"
command = f"'{sys.executable}' -P -c '{code}' '{sys.argv[1]}'"
subprocess.run(["bash", "--noprofile", "--norc", "-c", command])
"""
"""As DVC runs a stage, by a shell that gives its place to the program."""
BUILD = """
import os, sys
from contextlib import contextmanager
from pathlib import Path
from somobench.building import run
folder = Path(sys.argv[1])
@contextmanager
def see_to_end(process):
    (folder / "started" / str(process.pid)).touch()
    time.sleep(60)
    yield
import time
run._end_with_us = see_to_end
with open(folder / "lock", "wb") as lock:
    run.make_runner(folder, os.environ, lock)("step", "sleep", "60")
"""
"""Killed between the start of a program and that of who ends it."""


def kill_when_started(command: list[str], started: Path, count: int) -> None:
    """Kill a program once so many processes said that they started; wait for them."""
    started.mkdir()
    with subprocess.Popen(command, cwd=started.parent) as program:
        deadline = time.monotonic() + 60
        while len([*started.iterdir()]) < count:
            assert program.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "nothing started"
            time.sleep(0.02)
        program.kill()
    deadline = time.monotonic() + PATIENCE
    living = {int(path.name) for path in started.iterdir()}
    while living and time.monotonic() < deadline:
        time.sleep(0.02)
        living = {process for process in living if is_alive(process)}
    for process in living:
        os.kill(process, 9)
    assert not living


def is_alive(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text("utf-8")
    except OSError:
        return False


@pytest.mark.parametrize(
    ("code", "module"),
    [
        (READ, "somobench.submissions"),
        (READ, "somobench.check_files"),
        (VALIDATE, "numpy is what it loads"),
    ],
)
def test_a_reader_that_still_loads_ends_with_who_asked(
    tmp_path: Path, code: str, module: str
) -> None:
    started = tmp_path / "started"
    slow = SLOW.replace("FOLDER", repr(str(started)))
    (tmp_path / "numpy.py").write_text(slow, encoding="utf-8")
    command = [sys.executable, "-P", "-c", code, str(tmp_path), module]
    kill_when_started(command, started, 1)


@pytest.mark.parametrize("scheduler", ["", "local"])
@pytest.mark.parametrize("moment", ["loading", "working"])
def test_workers_end_with_who_started_them(
    tmp_path: Path, moment: str, scheduler: str
) -> None:
    program = tmp_path / "program.py"
    program.write_text(WORK, encoding="utf-8")
    command = [sys.executable, str(program), str(tmp_path), moment, scheduler]
    kill_when_started(command, tmp_path / "started", 2)


def test_a_stage_ends_with_dvc(tmp_path: Path) -> None:
    started, library = tmp_path / "started", tmp_path / "library.py"
    library.write_text(SLOW.replace("FOLDER", repr(str(started))), encoding="utf-8")
    kill_when_started([sys.executable, "-c", STAGE, str(library)], started, 1)


def test_a_program_of_a_build_waits_until_its_end_is_seen_to(tmp_path: Path) -> None:
    command = [sys.executable, "-c", BUILD, str(tmp_path)]
    kill_when_started(command, tmp_path / "started", 1)


def test_a_child_whose_parent_is_gone_already_does_nothing(tmp_path: Path) -> None:
    gone = "999999999"
    command = [sys.executable, "-m", "somobench.bound", gone, "this"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (-9, b"", b"")
