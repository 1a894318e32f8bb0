"""Commands and stages, run in this process; and programs, run in their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

import pytest

from somobench import cli

BESIDE_RECORDS = {"inputs": "inputs.stage"}
"""Stages whose package is more than the stage: the module that holds it."""


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


def run_stages(
    folder: Path, stages: Iterable[str], inputs: Path, **environment: str
) -> None:
    """Run stages in a folder that holds params.yaml.

    Parameters
    ----------
    folder : Path
        Becomes the working directory; the stages write to its `data`.
    stages : iterable of str
        Modules of `somobench.pipelines`, whose `main` is what `python -m` runs.
    inputs : Path
        The root of the input archives.
    **environment : str
        Further variables that are set meanwhile.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in {"SOMOBENCH_DATA": str(inputs), **environment}.items():
            patch.setenv(name, value)
        for stage in stages:
            module = BESIDE_RECORDS.get(stage, stage)
            import_module(f"somobench.pipelines.{module}").main()
