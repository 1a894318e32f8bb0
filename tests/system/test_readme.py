"""README: every block in it runs as printed.

Python blocks run in an empty folder. Shell lines run in a clone of the checkout, in
order, with the environment that runs the tests; `make test` and `pip install` are only
planned: the one is what runs here, the other would install over it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = BLOCK.findall(README)
PYTHON = [code for language, code in BLOCKS if language == "python"]
SHELL = [
    line
    for language, code in BLOCKS
    if language == "bash"
    for line in code.splitlines()
    if line and not line.startswith("#")
]


def test_every_block_is_of_a_language_that_is_run() -> None:
    assert {language for language, _ in BLOCKS} == {"python", "bash"}
    assert len(PYTHON) >= 1
    assert {"make release", "make test", "dvc repro"} <= set(SHELL)


@pytest.mark.parametrize("code", PYTHON, ids=range(len(PYTHON)))
def test_python_block_runs(code: str, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:__main__", "-c", code],
        cwd=tmp_path,
        check=True,
    )


def _environment(**more: str) -> dict[str, str]:
    programs = str(Path(sys.executable).parent)
    data = os.environ.get("SOMOBENCH_DATA", str(ROOT.parent / "shared" / "data"))
    path = os.pathsep.join([programs, os.environ["PATH"]])
    return {**os.environ, "PATH": path, "SOMOBENCH_DATA": data, **more}


def _run(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        shlex.split(_adapted(line)),
        cwd=folder,
        env=_environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def _adapted(line: str) -> str:
    """Let `make` use the environment at hand, and only plan tests and installation."""
    if line == "pip install somobench":
        plan = "install --dry-run --no-deps --no-build-isolation ."
        return f"{sys.executable} -m pip {plan}"
    if not line.startswith("make"):
        return line
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    installed = f"-o {sys.prefix}/.build-{version} -o {sys.prefix}/.dev-{version}"
    planned = " --dry-run" if line == "make test" else ""
    return f"{line} {installed} VENV={sys.prefix}{planned}"


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clone of the last commit, with the checkout's cache of stages."""
    folder = tmp_path_factory.mktemp("readme") / "somobench"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    cache = ROOT / ".dvc" / "cache"
    (folder / ".dvc/config.local").write_text(f"[cache]\n    dir = {cache}\n", "utf-8")
    return folder


@pytest.mark.slow
@pytest.mark.once
def test_shell_lines_run_in_order_and_leave_the_clone_clean(
    clone: Path, shared_data: Path
) -> None:
    for line in SHELL:
        done = _run(line, clone)
        assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    status = _run("git status --porcelain", clone).stdout
    assert status.replace("?? forcing.nc\n", "") == ""
    again = _run("dvc repro", clone)
    assert re.findall(r"Running stage '(\w+)'", again.stdout) == ["inputs"]
