"""Processes that are killed at random times, and what they leave.

A row tells kills, results that are wrong or mixed, what was there before and is lost,
partial and temporary folders that the next run a day later leaves, and processes alive
2 s later.
"""

from __future__ import annotations

import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xarray as xr
import yaml

from factories.scoring import RELEASE as SKILL
from factories.scoring import SPLIT, copy_world, predicted
from factories.toy_manifest import RELEASE, toy_manifest
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import write_parquet
from test_building import recipe_text, write_checkout

ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("KILLS", "30"))  # of each work
PATIENCE = 2.0  # s in which what a killed process started must end
DAYS_LATER = 2 * 86_400
MARK = "SOMOBENCH_KILLED"
OTHER = "wet_years"
TEMPORARY = (".partial-*", "somobench-*", "*-somobench", "builds/*/dvc.yaml")
Files = Mapping[str, bytes]
Row = list[object]


class Work(NamedTuple):
    """A program, what it makes, and what is there before it runs."""

    name: str
    command: list[str]
    folder: Path
    result: Path
    before: Callable[[], object]
    is_wrong: Callable[[Files, Files], bool]
    keeps: bool
    """Whether a killed one leaves what was there before, or nothing may be there."""


def count_random_kills() -> list[Row]:
    """Kill what publishes, builds and scores."""
    chance = random.Random(20261130)  # noqa: S311 (no secret)
    makers = _make_publishing, _make_stage, _make_build, _make_evaluation
    asked = os.environ.get("KILLED", "")
    return [_count_work(make, chance) for make in makers if asked in make.__name__]


def _count_work(make: Callable[[Path], Work], chance: random.Random) -> Row:
    """Kill a program again and again, then let it end two days later."""
    kills = wrong = lost = alive = 0
    with tempfile.TemporaryDirectory() as given:
        root = Path(given)
        (root / "tmp").mkdir()
        work = make(root)
        whole, seconds = _run_whole(work, root)
        for number in range(KILLS):
            work.before()
            process, mark = _start(work, root)
            _wait(process, work, chance.uniform(0.05, 1.05) * seconds, number % 2 == 1)
            process.kill()
            process.wait()
            kills += process.returncode == -signal.SIGKILL
            time.sleep(PATIENCE)
            alive += _end_all(process.pid, mark)
            found = _read_all(work.result)
            wrong += bool(found) and work.is_wrong(found, whole)
            lost += work.keeps and not found
        work.before()
        _age(root)
        ended = _start(work, root)[0]
        lost += ended.wait() != 0 or work.is_wrong(_read_all(work.result), whole)
        left = [path for name in TEMPORARY for path in root.rglob(name)]
        sys.stderr.write(f"{work.name}: {seconds:.1f} s; left {left}\n")
    return [work.name, kills, wrong, lost, len(left), alive]


def _run_whole(work: Work, root: Path) -> tuple[Files, float]:
    work.before()
    began = time.monotonic()
    process, _ = _start(work, root, shown=True)
    if process.wait():
        raise RuntimeError(work.name)
    return _read_all(work.result), time.monotonic() - began


def _start(
    work: Work, root: Path, *, shown: bool = False
) -> tuple[subprocess.Popen[bytes], str]:
    """Start a program in a session of its own; return it with what marks its kin."""
    mark = secrets.token_hex(8)
    said = None if shown else subprocess.DEVNULL
    process = subprocess.Popen(
        work.command,
        cwd=work.folder,
        env=os.environ
        | {
            MARK: mark,
            "TMPDIR": str(root / "tmp"),
            "SOMOBENCH_RELEASES": str(root / "releases"),
            "SOMOBENCH_DATA": str(root / "signals"),
            "DVC_SITE_CACHE_DIR": str(root / "site"),
            "SHELL": "/bin/bash",
        },
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=said,
    )
    return process, mark


def _wait(
    process: subprocess.Popen[bytes], work: Work, seconds: float, writing: bool
) -> None:
    """Wait so long; every other time, a part of it after it began to write instead."""
    if not writing:
        time.sleep(seconds)
        return
    known = _list_unfinished(work)
    while process.poll() is None and _list_unfinished(work) <= known:
        time.sleep(0.001)
    time.sleep(seconds / 5)


def _list_unfinished(work: Work) -> set[Path]:
    folders = work.result, work.result.parent
    return {path for folder in folders for path in folder.glob(".partial-*")}


def _end_all(session: int, mark: str) -> int:
    """Return how many processes of a session, or with a mark, live; end them."""
    living = {*_list_session(session), *_list_marked(mark)}
    for one in living:
        os.kill(one, signal.SIGKILL)
    return len(living)


def _list_session(session: int) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            yield int(entry.name)


def _list_marked(mark: str) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                yield int(entry.name)
        except OSError:
            continue


def _read_all(folder: Path) -> Files:
    """Return what has a name of its own; what is unfinished hasn't."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".partial-" not in str(path)
    }


def _age(root: Path) -> None:
    """Let everything that is unfinished or temporary be of the day before yesterday."""
    then = time.time() - DAYS_LATER
    for name in TEMPORARY:
        for path in root.rglob(name):
            for item in (*path.rglob("*"), path):
                os.utime(item, (then, then), follow_symlinks=False)


def _differ_by_name(found: Files, whole: Files) -> bool:
    return found.keys() != whole.keys()


def _differ(found: Files, whole: Files) -> bool:
    return found != whole


def _hold_others(found: Files, whole: Files) -> bool:
    """Tell whether a file is another one; of a stage some may be missing."""
    return any(whole.get(name) != content for name, content in found.items())


def _make_publishing(root: Path) -> Work:
    checkout, releases = root / "checkout", root / "published"
    source = checkout / "data" / "release"
    source.mkdir(parents=True)
    files = {f"{letter}.zarr.zip": os.urandom(20_000_000) for letter in "abcd"}
    for name, content in files.items():
        (source / name).write_bytes(content)
    (source / "MANIFEST.json").write_text(json.dumps(toy_manifest(files)))
    (checkout / "dvc.lock").write_text("stages: {}\n")
    module = "somobench.pipelines.release.publish"
    return Work(
        f"python -m {module}",
        [sys.executable, "-m", module, str(releases)],
        checkout,
        releases / RELEASE,
        lambda: shutil.rmtree(releases / RELEASE, ignore_errors=True),
        _differ,
        keeps=False,
    )


def _make_evaluation(root: Path) -> Work:
    copy_world(root)
    given, card = root / "mine.nc", root / "card"
    predicted(0.5).to_dataset(name="soil_moisture").to_netcdf(given)
    command = [sys.executable, "-m", "somobench.cli", "evaluate", str(given)]
    command += ["--release", SKILL, "--split", SPLIT, "--out", str(card)]
    command += ["--ladder", f"{root}/data/predictions/{SPLIT}.zarr.zip"]
    command += ["--overwrite"]
    name = "somobench evaluate --overwrite"
    return Work(name, command, root, card, list, _differ_by_name, keeps=True)


def _make_stage(root: Path) -> Work:
    """Make a small world with two splits, and stage `scores` under DVC."""
    copy_world(root)
    data = root / "data"
    _add_split(data)
    shutil.copy(ROOT / "params.yaml", root)
    outputs = ("scores.parquet", "cell_scores.parquet", "shift_costs.parquet")
    stage = {
        "cmd": "python -m somobench.pipelines.scores",
        "deps": ["data/predictions"],
        "outs": [f"data/{name}" for name in (*outputs, "scores.json")],
    }
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"scores": stage}}))
    dvc = [sys.executable, "-m", "dvc"]
    subprocess.run([*dvc, "init", "--no-scm", "-q"], cwd=root, check=True)

    def remove() -> None:
        for name in (*outputs, "scores.json"):
            (data / name).unlink(missing_ok=True)

    command = [*dvc, "repro", "--force"]
    name = "dvc repro, stage scores"
    return Work(name, command, root, data, remove, _hold_others, keeps=True)


def _add_split(folder: Path) -> None:
    """Let another split hold the days and predictions of the one that is there."""
    splits = pd.read_parquet(folder / "splits.parquet")
    both = pd.concat([splits, splits.assign(split=OTHER)], ignore_index=True)
    write_parquet(both, folder / "splits.parquet")
    features = open_zarr_zip(folder / "features.zarr.zip").load()
    other = features.assign_coords(split=[OTHER])
    joined = xr.concat([features, other], "split", data_vars="minimal")
    write_zarr_zip(joined, folder / "features.zarr.zip")
    predictions = folder / "predictions"
    grid = open_zarr_zip(predictions / f"{SPLIT}.zarr.zip").load()
    del grid.attrs["split"]
    grid = grid.assign_attrs(split=OTHER)
    write_zarr_zip(grid, predictions / f"{OTHER}.zarr.zip", {"rung": 1})


def _make_build(root: Path) -> Work:
    checkout = root / "checkout"
    checkout.mkdir()
    (root / "signals").mkdir()
    write_checkout(checkout, ROOT)
    (checkout / "conf/recipe/other.yaml").write_text(recipe_text("other"))
    releases = checkout / "releases"
    code = "from somobench.building import build_recipe; build_recipe('other')"
    return Work(
        "somobench build",
        [sys.executable, "-c", code],
        checkout,
        releases / "other-0.1.0",
        lambda: shutil.rmtree(releases / "other-0.1.0", ignore_errors=True),
        _differ,
        keeps=False,
    )
