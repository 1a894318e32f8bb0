"""The whole pipeline in a copy of the checkout: what runs again, and what is found.

The copy takes the stages that the checkout has built from its cache; without a cache it
runs them. That a build elsewhere gives the same bytes is tested by `.ci/run`, which
builds the published release from nothing in other surroundings.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from factories.programs import run_program
from somobench.pipelines.release.verify_outputs import verify_outputs
from somobench.schemas.errors import IntegrityError
from somobench.schemas.recipe import load_recipe

ROOT = Path(__file__).resolve().parents[2]
STAGES: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))[
    "stages"
]
RELEASE = ROOT / "releases" / load_recipe(ROOT / "params.yaml").release.id

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]


def repro(folder: Path) -> list[str]:
    """Run the pipeline and return the stages that ran."""
    printed = run_program(folder, sys.executable, "-m", "dvc", "repro")
    return re.findall(r"Running stage '(\w+)'", printed)


def outputs(folder: Path) -> dict[str, str]:
    lock: dict[str, Any] = yaml.safe_load((folder / "dvc.lock").read_text("utf-8"))
    return {
        output["path"]: output["md5"]
        for stage in lock["stages"].values()
        for output in stage["outs"]
    }


def decoded(release: Path) -> dict[str, str]:
    """Return the hash of every array of a release, whatever bytes held it."""
    manifest = json.loads((release / "MANIFEST.json").read_text("utf-8"))
    return {
        f"{file}/{name}": array["sha256"]
        for file, record in manifest["files"].items()
        for name, array in record["arrays"].items()
    }


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a fresh copy of the checkout, with a copy of its cache, after a run."""
    folder = tmp_path_factory.mktemp("copy")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True).stdout
    for name in names.decode().split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    run_program(folder, "git", "init", "--quiet")
    if (ROOT / ".dvc/cache").is_dir():
        shutil.copytree(ROOT / ".dvc/cache", folder / ".dvc/cache")
    repro(folder)
    return folder


def test_built_release_has_the_published_values(built: Path) -> None:
    assert decoded(built / "data/release") == decoded(RELEASE)


def test_build_gives_the_committed_bytes(built: Path) -> None:
    if sys.version_info[:2] != (3, 11):
        pytest.skip("byte identity is promised on the Python of dvc.lock, 3.11")
    assert outputs(built) == outputs(ROOT)


def test_second_run_has_nothing_to_do(built: Path) -> None:
    assert repro(built) == ["inputs"]


def list_changed(folder: Path) -> set[str]:
    """Return the stages that DVC would run for what they depend on directly."""
    printed = run_program(
        folder, sys.executable, "-m", "dvc", "status", "--json", *STAGES
    )
    return set(json.loads(printed.splitlines()[-1]))


def test_changed_parameter_concerns_the_stages_that_depend_on_it(built: Path) -> None:
    before = (built / "params.yaml").read_text("utf-8")
    changed = before.replace("title: SoMoBench", "title: Another")
    assert changed != before
    (built / "params.yaml").write_text(changed, "utf-8")
    stages = list_changed(built)
    (built / "params.yaml").write_text(before, "utf-8")
    assert stages == {"inputs", "release"}


def test_changed_comment_concerns_its_stage_and_those_that_digest_it(
    built: Path,
) -> None:
    code = built / "pipelines/targets/__init__.py"
    before = code.read_text("utf-8")
    code.write_text(f"{before}# A comment changes no result.\n", "utf-8")
    stages = list_changed(built)
    code.write_text(before, "utf-8")
    # `features` builds train targets once more, with the code of `targets`.
    assert stages == {"inputs", "targets", "features", "release"}


def test_damaged_cache_is_found_before_anything_is_published(built: Path) -> None:
    path = "data/observations.parquet"
    digest = outputs(built)[path]
    verify_outputs(built)
    damaged = built / f".dvc/cache/files/md5/{digest[:2]}/{digest[2:]}"
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.chmod(0o644)
    damaged.write_bytes(content)
    (built / path).unlink()
    # DVC takes it as it is.
    run_program(built, sys.executable, "-m", "dvc", "checkout", path)
    with pytest.raises(IntegrityError, match=rf"{path}: md5 \w+, not {digest}"):
        verify_outputs(built)
