"""Processes that are killed at random times, and what they leave.

A row tells kills, results that are wrong or mixed, what was there before and is lost,
partial folders that the next run a day later leaves, and processes alive 2 s later.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

import pytest

from factories.faults.faulty_calls import in_child
from factories.scoring import RELEASE as SKILL
from factories.scoring import SPLIT, copy_world, predicted
from factories.toy_manifest import RELEASE, toy_manifest
from somobench.catalog.storage import atomic
from somobench.pipelines.release import publish
from test_building import recipe_text, write_checkout

ROOT = Path(__file__).resolve().parents[1]
PUBLISHES, CARDS, BUILDS = 60, 15, 8
PATIENCE = 2.0  # s in which what a killed process started must end
PARTIAL = ".partial-*"
Row = list[object]


def count_random_kills() -> list[Row]:
    """Kill what publishes, scores and builds."""
    chance = random.Random(20261129)  # noqa: S311 (no secret)
    return [
        ["publish", *_kill_publishers(chance)],
        ["somobench evaluate --overwrite", *_kill_evaluations(chance)],
        ["somobench build", *_kill_builds(chance)],
    ]


def _read_all(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _wait_and_kill(process: int, seconds: float) -> bool:
    """Kill a child after a while; tell whether it was alive."""
    time.sleep(seconds)
    os.kill(process, signal.SIGKILL)
    return os.WTERMSIG(os.waitpid(process, 0)[1]) == signal.SIGKILL


def _fork(work: Callable[[], object]) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    return child


def _kill_publishers(chance: random.Random) -> list[int]:
    kills = wrong = lost = left = 0
    files = {f"{letter}.zarr.zip": os.urandom(4_000_000) for letter in "abcd"}
    with tempfile.TemporaryDirectory() as root:
        source, releases = Path(root, "built", "release"), Path(root, "releases")
        source.mkdir(parents=True)
        for name, content in files.items():
            (source / name).write_bytes(content)
        (source / "MANIFEST.json").write_text(json.dumps(toy_manifest(files)))
        start = time.monotonic()
        in_child(lambda: publish.publish_release(source, releases))
        seconds, whole = time.monotonic() - start, _read_all(releases)
        for _ in range(PUBLISHES):
            shutil.rmtree(releases)
            child = _fork(lambda: publish.publish_release(source, releases))
            kills += _wait_and_kill(child, chance.uniform(0, 1.1 * seconds))
            named = releases / RELEASE
            if named.exists():
                wrong += _read_all(named) != _read_all_of(whole)
            with mock.patch.object(publish, "LEFTOVER_SECONDS", -1.0):
                publish.publish_release(source, releases)
            lost += any(_read_all(releases).get(name) != whole[name] for name in whole)
            left += len([*releases.glob(PARTIAL)])
    return [kills, wrong, lost, left, 0]


def _read_all_of(whole: dict[str, bytes]) -> dict[str, bytes]:
    return {name.partition("/")[2]: content for name, content in whole.items()}


def _list_group(group: int) -> Iterator[int]:
    """List the processes of a group that aren't dead."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            yield int(entry.name)


def _kill_group_leader(process: subprocess.Popen[bytes], seconds: float) -> int:
    """Kill a process alone; return how many of its group live on, and end them."""
    time.sleep(seconds)
    process.kill()
    process.wait()
    time.sleep(PATIENCE)
    living = [*_list_group(process.pid)]
    for one in living:
        os.kill(one, signal.SIGKILL)
    return len(living)


def _kill_evaluations(chance: random.Random) -> list[int]:
    kills = wrong = lost = left = living = 0
    with tempfile.TemporaryDirectory() as root:
        given, card = Path(root, "mine.nc"), Path(root, "card")
        predicted(0.5).to_dataset(name="soil_moisture").to_netcdf(given)
        command = [sys.executable, "-m", "somobench.cli", "evaluate", str(given)]
        command += ["--release", SKILL, "--split", SPLIT, "--out", str(card)]
        command += ["--ladder", f"{root}/data/predictions/{SPLIT}.zarr.zip"]
        command += ["--overwrite"]
        places = os.environ | {
            "TMPDIR": root,
            "SOMOBENCH_RELEASES": str(copy_world(Path(root))),
        }
        start = time.monotonic()
        subprocess.run(command, check=True, env=places, stdout=subprocess.DEVNULL)
        seconds, names = time.monotonic() - start, {*_read_all(card)}
        for _ in range(CARDS):
            process = subprocess.Popen(
                command, env=places, start_new_session=True, stdout=subprocess.DEVNULL
            )
            living += _kill_group_leader(process, chance.uniform(0.2, 1.05) * seconds)
            kills += process.returncode == -signal.SIGKILL
            lost += not card.exists()
            wrong += card.exists() and {*_read_all(card)} != names
        with mock.patch.object(atomic, "LEFTOVER_SECONDS", -1.0):
            atomic._remove_leftovers(card)
        left = len([*Path(root).glob(PARTIAL)])
    return [kills, wrong, lost, left, living]


def _kill_builds(chance: random.Random) -> list[int]:
    kills = wrong = lost = living = left = 0
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        checkout, signals = Path(root, "checkout"), Path(root, "signals")
        checkout.mkdir()
        signals.mkdir()
        write_checkout(checkout, ROOT)
        (checkout / "conf/recipe/other.yaml").write_text(recipe_text("other"))
        patch.setenv("SOMOBENCH_DATA", str(signals))
        patch.setenv("DVC_SITE_CACHE_DIR", str(Path(root, "site")))
        code = "from somobench.building import build_recipe; build_recipe('other')"
        command = [sys.executable, "-c", code]
        start = time.monotonic()
        subprocess.run(command, cwd=checkout, check=True, capture_output=True)
        seconds, whole = time.monotonic() - start, _read_all(checkout / "releases")
        for _ in range(BUILDS):
            shutil.rmtree(checkout / "releases")
            before = _count_stages(checkout)
            process = subprocess.Popen(
                command,
                cwd=checkout,
                start_new_session=True,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            _kill_group_leader(process, chance.uniform(0.1, 1.05) * seconds)
            kills += process.returncode == -signal.SIGKILL
            living += _count_stages(checkout) - before
            found = [*(checkout / "releases").glob("other-*")]
            wrong += any(_read_all(it.parent) != whole for it in found)
            ended = subprocess.run(
                command, cwd=checkout, capture_output=True, check=False
            )
            lost += ended.returncode != 0
            left += len([*(checkout / "releases").glob(PARTIAL)])
    return [kills, wrong, lost, left, living]


def _count_stages(checkout: Path) -> int:
    """Count the processes that work below a checkout."""
    count = 0
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            count += str(checkout) in str(entry.readlink())
        except OSError:
            continue
    return count
