"""Work for splits that worker processes can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from somobench.schemas.errors import InputError


def read_inputs(folder: Path) -> str:
    """Return inputs, and note in a folder that this process read them."""
    with (folder / str(os.getpid())).open("a", encoding="utf-8") as stream:
        stream.write("read ")
    return "inputs"


def name_split(inputs: str, split: str) -> tuple[str, int]:
    """Return what was done with which inputs, and the process that did it."""
    return f"{inputs} of {split}", os.getpid()


def refuse_split(inputs: str, split: str) -> None:
    """Refuse a split."""
    raise InputError(f"split {split}", found=inputs, expected="others", hint="try")


def kill_worker_once(flag: Path, inputs: str, name: str) -> str:
    """Kill the process that works, the first time that it is asked."""
    if not flag.exists():
        flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return f"{inputs} of {name}"
