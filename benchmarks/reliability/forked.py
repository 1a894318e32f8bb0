"""Ask about a strange file in a process of its own, and tell how that ended.

The process that asks is a fork of this one, and so is the one that it lets read: both
have the libraries already, which takes most of a start. Each tells its peak of memory.
"""

from __future__ import annotations

import contextlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from somobench.schemas.errors import SomobenchError

PATIENCE = 90.0  # s until it counts as a hang, on a machine that others use
STATUS = Path("/proc/self/status")
FOREIGN, SILENT, SAME, REFUSED = "foreign", "silent", "identical", "refused"
HANGS, DIES = "hangs", "dies"


class Ending(NamedTuple):
    """How one question ended."""

    outcome: str
    said: str
    seconds: float
    """Of processors, with what it started."""
    asker: int
    """Peak of the process that asked, MB."""
    reader: int
    """Peak of the process that read, MB; 0 if there was none."""


def measure_peak() -> int:
    """Return the peak of this process, MB, its libraries included."""
    line = next(it for it in STATUS.read_text().splitlines() if it.startswith("VmHWM"))
    return int(line.split()[1]) // 1024


class Reader:
    """Stands for the module `subprocess`, where a module starts a reader of ours."""

    def __init__(self) -> None:
        self.peak = 0

    def run(
        self, command: list[str], **options: Any
    ) -> subprocess.CompletedProcess[Any]:
        """Run the module that a command names in a fork of this process."""
        place = command.index("-m") + 3  # behind the launcher and who launches
        with tempfile.TemporaryDirectory() as root:
            said = [Path(root, name) for name in ("stdout", "stderr")]
            child = os.fork()
            if child == 0:
                _become(command[place], command[place + 1 :], said, options)
            _, status, used = os.wait4(child, 0)
            self.peak = max(self.peak, used.ru_maxrss // 1024)
            out, errors = (it.read_text() if it.exists() else "" for it in said)
        code = os.waitstatus_to_exitcode(status)
        return subprocess.CompletedProcess(command, code, out, errors)

    def stand_in(self) -> SimpleNamespace:
        return SimpleNamespace(**vars(subprocess) | {"run": self.run})


def _become(
    module: str, arguments: list[str], said: list[Path], options: dict[str, Any]
) -> None:
    """Run a module as a program, and end."""
    code: Any = 70
    try:
        for number, path in enumerate(said, start=1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), number)
        os.chdir(options.get("cwd") or ".")
        os.environ.clear()
        os.environ.update(options.get("env") or {})
        tempfile.tempdir = os.environ.get("TMPDIR")
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException as error:  # noqa: BLE001 - told as Python would
        sys.stderr.write(f"Traceback\n{type(error).__name__}: {error}\n")
        code = 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code if isinstance(code, int) else 1)


def ask(modules: list[ModuleType], question: Callable[[], str]) -> Ending:
    """Return how a question ends that is asked in a process of its own.

    Parameters
    ----------
    modules : whose readers are forks
    question : callable
        Returns the outcome, where no error is raised.
    """
    with tempfile.TemporaryDirectory() as root:
        reply = Path(root, "reply.json")
        child = os.fork()
        if child == 0:
            os.setsid()
            with contextlib.suppress(BaseException):
                reply.write_text(json.dumps(_answer(modules, question)))
            os._exit(0)
        seconds = _wait(child)
        if seconds is None:
            return Ending(HANGS, "", PATIENCE, 0, 0)
        if not reply.exists():
            return Ending(DIES, "", seconds, 0, 0)
        outcome, said, asker, reader = json.loads(reply.read_text())
        return Ending(outcome, said, seconds, asker, reader)


def _wait(child: int) -> float | None:
    """Return the processor seconds of a process; None if it had to be killed."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        ended, _, used = os.wait4(child, os.WNOHANG)
        if ended:
            return used.ru_utime + used.ru_stime
        time.sleep(0.01)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def _answer(
    modules: list[ModuleType], question: Callable[[], str]
) -> tuple[str, str, int, int]:
    reader = Reader()
    for module in modules:
        vars(module)["subprocess"] = reader.stand_in()
    said = ""
    try:
        outcome = question()
    except SomobenchError as error:
        outcome, said = REFUSED, str(error)
        if "Traceback" in said or "Error:" in said:
            outcome = FOREIGN
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is counted
        outcome, said = FOREIGN, f"{type(error).__name__}: {error}"
    return outcome, said[:500], measure_peak(), reader.peak
