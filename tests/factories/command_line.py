"""The command line, run in this process; and programs, run in their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from somobench import cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run a command and return its exit code."""
    monkeypatch.setattr(sys, "argv", ["somobench", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    code = ended.value.code
    return code if isinstance(code, int) else 0


def run_program(folder: Path, *command: str, **environment: str) -> str:
    """Run a program in a folder, this Python's first; return what it prints."""
    programs = [str(Path(sys.executable).parent), os.environ["PATH"]]
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"PATH": os.pathsep.join(programs)} | environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout
