"""Another archive at the same path is never taken for the old one, and DVC says so."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from factories.programs import run_program
from factories.raw.virtual_recipes import make_recipe

ROOT = Path(__file__).resolve().parents[2]
CONTENT = b"an archive"
CODE = ("catalog", "pipelines", "schemas", "src")

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.heavy]


def real_params() -> dict[str, Any]:
    """Return parameters of a recipe with one archive and a generated reanalysis."""
    content = make_recipe(regions=("europe",), cells=1, end="2016-02-29").model_dump(
        mode="json"
    )
    content["stations"]["inputs"] = [
        {
            "name": "archive",
            "path": "ismn/a.zip",
            "sha256": None,
            "producer": "ISMN",
            "licence": "closed",
            "citation": "Mine.",
        }
    ]
    return content


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkout with the first two stages, and an archive outside of it."""
    folder = tmp_path_factory.mktemp("place") / "checkout"
    (folder.parent / "archives/ismn").mkdir(parents=True)
    (folder.parent / "archives/ismn/a.zip").write_bytes(CONTENT)
    for name in CODE:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    pipeline = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))
    stages = {name: pipeline["stages"][name] for name in ("inputs", "raw")}
    (folder / "dvc.yaml").write_text(
        yaml.safe_dump({"stages": stages}, sort_keys=False)
    )
    (folder / "params.yaml").write_text(yaml.safe_dump(real_params()), "utf-8")
    run(folder, "git", "init", "--quiet")
    dvc(folder, "init", "--quiet")
    dvc(folder, "repro")
    return folder


def run(folder: Path, *command: str) -> str:
    place = folder.parent
    environment = {
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(place / "site"),
        "SOMOBENCH_CACHE": str(place / "cache"),
        "SOMOBENCH_DATA": str(place / "archives"),
    }
    return run_program(folder, *command, **environment)


def dvc(folder: Path, *arguments: str) -> str:
    return run(folder, sys.executable, "-m", "dvc", *arguments)


def repro(folder: Path) -> list[str]:
    return re.findall(r"Running stage '(\w+)'", dvc(folder, "repro"))


def recorded(folder: Path) -> int:
    (record,) = [
        item
        for item in json.loads((folder / "data/raw/inputs.json").read_text())
        if item["role"] == "stations"
    ]
    return int(record["size"])


def test_same_archive_runs_nothing_but_the_look_at_it(checkout: Path) -> None:
    assert repro(checkout) == ["inputs"]
    assert json.loads(dvc(checkout, "status", "--json")) == {
        "inputs": ["always changed"]
    }


def test_other_archive_at_the_same_path_runs_what_depends_on_it(
    checkout: Path,
) -> None:
    archive = checkout.parent / "archives/ismn/a.zip"
    status = archive.stat()
    archive.write_bytes(CONTENT + b", another")
    os.utime(archive, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert "inputs" in json.loads(dvc(checkout, "status", "--json"))
    assert repro(checkout) == ["inputs", "raw"]
    assert recorded(checkout) == len(CONTENT) + 9
    # And the first one again, whose outputs are in DVC's cache.
    archive.write_bytes(CONTENT)
    assert repro(checkout) == ["inputs"]
    assert recorded(checkout) == len(CONTENT)
