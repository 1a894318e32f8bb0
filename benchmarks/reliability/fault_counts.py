"""Faults tried on SoMoBench and on what it is made of, counted by how they end.

An outcome is `identical` (the right data), `refused` (a typed error, or any error of a
rival), `foreign` (another error of ours) or `silent` (other data).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pooch
import xarray as xr
from intake_xarray.xzarr import ZarrSource
from test_damaged_station_files import assert_accounted_for, run

import somobench
from factories.faults import damages
from factories.faults.bombs import BOMBS
from factories.faults.faulty_calls import failing, in_child, kill
from factories.faults.hostile_releases import list_defects
from factories.raw.ismn_files import write_folder
from factories.raw.station_damages import (
    DAMAGED,
    GOOD,
    GOOD_NAME,
    NAME,
    Refused,
    Same,
    headed,
)
from factories.releases import RELEASE, copy_release
from factories.web import loopback_server as web
from factories.web.remote_object import CONTENT, wanted
from somobench.catalog import release_files
from somobench.catalog.fetching import cache, fetch
from somobench.catalog.fetching.fetch import RemoteObject
from somobench.catalog.storage.atomic import replace_file, write_text
from somobench.schemas.errors import SomobenchError
from somobench.schemas.recipe import Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 5
TARGETS = "targets.zarr.zip"
ARRAY = "soil_moisture"
OUTCOMES = ("identical", "refused", "foreign", "silent")
Rows = list[list[object]]


_folder = tempfile.TemporaryDirectory


def judge(work: Callable[[], Any], expected: Any) -> str:
    """Say how one case ended."""
    try:
        found = work()
    except SomobenchError:
        return "refused"
    except Exception:  # noqa: BLE001 - whatever it is, it is counted
        return "foreign"
    same = found.identical(expected) if hasattr(found, "identical") else None
    return "identical" if same or found is expected else "silent"


def judge_rival(work: Callable[[], Any], expected: np.ndarray) -> str:
    """Say how one case ended; any error of a rival is a refusal."""
    try:
        found = np.asarray(work())
    except Exception:  # noqa: BLE001 - as above
        return "refused"
    same = found.shape == expected.shape and np.array_equal(found, expected, True)
    return "identical" if same else "silent"


def require_identical(outcome: str, reader: str) -> None:
    """Stop where a reader doesn't read undamaged data: its counts mean nothing."""
    if outcome != "identical":
        message = f"{reader}, given undamaged data: {outcome}"
        raise RuntimeError(message)


def tell(outcomes: Counter[str]) -> list[object]:
    """Return the counts of outcomes as cells of a row."""
    return [sum(outcomes.values()), *(outcomes[name] for name in OUTCOMES)]


def open_toy(*, lazy: bool = False) -> xr.Dataset:
    """Open what needs every file of the toy release."""
    cache._verified.clear()
    return somobench.open_dataset(
        "state", release=RELEASE, split="temporal", scaling="train", lazy=lazy
    ).compute()


def open_recorded() -> xr.Dataset:
    """Open it with the records of what was verified before."""
    return somobench.open_dataset(
        "state", release=RELEASE, split="temporal", scaling="train"
    )


@contextlib.contextmanager
def toy_release() -> Iterator[Path]:
    """Give a fresh copy of the toy release, the only local one."""
    with _folder() as root:
        places = {"SOMOBENCH_RELEASES": root, "SOMOBENCH_CACHE": f"{root}/cache"}
        with mock.patch.dict(os.environ, places), contextlib.chdir(root):
            yield copy_release(Path(root))


def read_zarr(path: Path) -> np.ndarray:
    import zarr

    with zarr.storage.ZipStore(path, mode="r") as store:
        return np.asarray(zarr.open_group(store, mode="r")[ARRAY][:])


def read_intake(path: Path) -> np.ndarray:
    source = ZarrSource(f"zip://::{path}", consolidated=False)
    return np.asarray(source.read()[ARRAY].to_numpy())


def read_pooch(path: Path, sha256: str) -> np.ndarray:
    registry = {path.name: f"sha256:{sha256}"}
    one = pooch.create(path.parent, "http://127.0.0.1:9/", registry=registry)
    return read_zarr(Path(one.fetch(path.name)))


def count_damages() -> Rows:
    """Damage a grid and a table at rest, in twelve kinds."""
    counts: dict[str, Counter[str]] = {}

    def add(reader: str, outcome: str) -> None:
        counts.setdefault(reader, Counter())[outcome] += 1

    rng = np.random.default_rng(20261129)
    with toy_release() as folder:
        whole, expected = folder.with_name("whole"), open_toy()
        shutil.copytree(folder, whole)
        path = folder / TARGETS
        plain = read_zarr(path)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        cases = [
            (TARGETS, it) for it in (damages.ANY_FILE | damages.ZIPPED_GRID).values()
        ]
        cases += [("splits.parquet", it) for it in damages.ANY_FILE.values()]
        rivals: dict[str, Callable[[], Any]] = {
            "Pooch 1.9 alone": lambda: read_pooch(path, digest),
            "stock intake-xarray": lambda: read_intake(path),
            "plain zarr": lambda: read_zarr(path),
        }
        for name, damage in cases * SEEDS:
            require_identical(judge(open_toy, expected), "SoMoBench")
            for reader, work in rivals.items():
                require_identical(judge_rival(work, plain), reader)
            damage(folder / name, rng)
            for lazy in (False, True):
                add("SoMoBench", judge(lambda lazy=lazy: open_toy(lazy=lazy), expected))
            if name == TARGETS:
                for reader, work in rivals.items():
                    add(reader, judge_rival(work, plain))
            shutil.copyfile(whole / name, folder / name)
    return [[reader, *tell(outcomes)] for reader, outcomes in counts.items()]


def count_rot() -> Rows:
    """Flip bits of verified files whose status stays, as a rotting disk does."""
    rng, outcomes = np.random.default_rng(7), Counter[str]()
    names = (TARGETS, "forcing.zarr.zip", "features.zarr.zip")
    with toy_release() as folder:
        states: dict[Path, cache.State] = {}
        state = cache._state

        def keep_state(stream: Any, path: Path) -> cache.State:
            return states.setdefault(path, state(stream, path))

        settled = mock.patch.object(cache, "SETTLED_SECONDS", -1.0)
        with mock.patch.object(cache, "_state", keep_state), settled:
            expected = open_recorded()
            for name in (*names, "splits.parquet", "cells.parquet") * 12:
                require_identical(judge(open_recorded, expected), "SoMoBench")
                if not {str(folder / name) for name in names} <= {*cache._verified}:
                    message = "no record of a verification: nothing is tried"
                    raise RuntimeError(message)
                content = (folder / name).read_bytes()
                damages.flip(folder / name, rng)
                outcomes[judge(open_recorded, expected)] += 1
                (folder / name).write_bytes(content)
    return [["SoMoBench", *tell(outcomes)]]


def count_swaps() -> Rows:
    """Replace a file between its verification and its reading."""
    ours, theirs = Counter[str](), Counter[str]()
    check = release_files.check_members
    with toy_release() as folder:
        path, expected = folder / TARGETS, open_toy()
        content, plain = path.read_bytes(), read_zarr(path)
        digest = hashlib.sha256(content).hexdigest()
        damages.ZIPPED_GRID["two chunks swapped"](path, np.random.default_rng(1))
        other = path.read_bytes()

        def swap(new: bytes) -> None:
            fresh = path.with_name("fresh")
            fresh.write_bytes(new)
            fresh.replace(path)

        def check_and_swap(stream: Any) -> None:
            check(stream)
            if Path(stream.name).name == TARGETS:
                swap(other)

        for _ in range(50):
            swap(content)
            with mock.patch.object(release_files, "check_members", check_and_swap):
                ours[judge(open_toy, expected)] += 1
            swap(content)
            fetched = pooch.create(
                folder, "http://127.0.0.1:9/", registry={TARGETS: f"sha256:{digest}"}
            ).fetch(TARGETS)
            swap(other)
            theirs[judge_rival(lambda it=fetched: read_zarr(Path(it)), plain)] += 1
    return [["SoMoBench", *tell(ours)], ["Pooch 1.9 alone", *tell(theirs)]]


def count_kills() -> Rows:
    """Kill a process at every system call of a fetch and of the writer of folders."""
    rows: Rows = []
    with (
        _folder() as root,
        web.serving(web.body(CONTENT)) as server,
    ):
        one = wanted(server.base)
        places = {"SOMOBENCH_CACHE": f"{root}/0", "NO_PROXY": "127.0.0.1"}
        with mock.patch.dict(os.environ, places):
            with failing(Path(root), 0, kill) as counter:
                fetch.fetch(one)
            wrong = again = killed = 0
            for number in range(1, counter.seen + 1):
                os.environ["SOMOBENCH_CACHE"] = f"{root}/{number}"

                def work(number: int = number) -> None:
                    with failing(Path(root), number, kill):
                        fetch.fetch(one)

                killed += os.WTERMSIG(in_child(work)) == signal.SIGKILL
                for path in Path(root, str(number), "sha256").glob("*/[0-9a-f]*"):
                    wrong += hashlib.sha256(path.read_bytes()).hexdigest() != path.name
                again += fetch.fetch(one).read_bytes() == CONTENT
    rows.append(["fetch", killed, wrong, counter.seen - again])
    rows.append(["scores written over others", *_kill_writer(overwrite=True)])
    rows.append(["new scores written", *_kill_writer(overwrite=False)])
    return rows


def _write_folder(target: Path, text: str, *, overwrite: bool = True) -> None:
    with replace_file(target, new=not overwrite) as fresh:
        fresh.mkdir()
        for name in ("scores.parquet", "score.json", "report.html"):
            write_text(text, fresh / name)


def _kill_writer(*, overwrite: bool) -> tuple[int, int, int]:
    """Return kills, folders of mixed or wrong content, and lost old ones."""
    with _folder() as root:
        target = Path(root, "0", "card")
        target.parent.mkdir()
        if overwrite:
            _write_folder(target, "old")
        with failing(Path(root), 0, kill) as counter:
            _write_folder(target, "new", overwrite=overwrite)
        mixed = lost = killed = 0
        for number in range(1, counter.seen + 1):
            target = Path(root, str(number), "card")
            target.parent.mkdir()
            if overwrite:
                _write_folder(target, "old")

            def work(number: int = number, target: Path = target) -> None:
                with failing(Path(root), number, kill):
                    _write_folder(target, "new", overwrite=overwrite)

            killed += os.WTERMSIG(in_child(work)) == signal.SIGKILL
            texts = [path.read_text() for path in target.glob("*")]
            mixed += len(set(texts)) > 1 or len(texts) not in {0, 3}
            lost += overwrite and not texts
        return killed, mixed, lost


def count_races() -> Rows:
    """Let processes write one new folder, and fetch one file, at once."""
    both = none = mixed = 0
    for _ in range(20):
        with _folder() as root:
            works = [
                partial(_write_folder, Path(root, "card"), text, overwrite=False)
                for text in ("one", "other")
            ]
            statuses = _fork(works)
            both += statuses == [0, 0]
            none += 0 not in statuses
            texts = [path.read_text() for path in Path(root, "card").glob("*")]
            mixed += len(texts) != 3 or len(set(texts)) > 1
    with (
        _folder() as root,
        web.serving(web.body(CONTENT)) as server,
    ):
        one = wanted(server.base)
        places = {"SOMOBENCH_CACHE": root, "NO_PROXY": "127.0.0.1"}
        with mock.patch.dict(os.environ, places):
            statuses = _fork([lambda: _fetch(one)] * 8)
        asked = len(server.asked)
    return [
        ["two writers of one new folder", 20, both + none + mixed],
        [f"eight processes, one file, {asked} request(s)", 8, 8 - statuses.count(0)],
    ]


def _fetch(one: RemoteObject) -> None:
    if fetch.fetch(one).read_bytes() != CONTENT:
        os._exit(1)


def _fork(works: list[Callable[[], object]]) -> list[int]:
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            status = 1
            with contextlib.suppress(BaseException):
                work()
                status = 0
            os._exit(status)
        children.append(child)
    return [os.waitpid(child, 0)[1] for child in children]


def _open_without_attrs(name: str, split: str | None) -> xr.Dataset:
    """Open a feature set; its attributes name the hash of the manifest."""
    dataset = somobench.open_dataset(name, release=RELEASE, split=split)
    dataset.attrs = {}
    return dataset


def count_hostile() -> Rows:
    """Open releases that a manifest vouches for and that make no sense."""
    rows: Rows = []
    for name, split in (("climatology", "temporal"), ("memory", None)):
        open_it = partial(_open_without_attrs, name, split)
        with toy_release() as folder:
            expected, defects = open_it(), list_defects(folder)
        outcomes: Counter[str] = Counter()
        for spoil in defects.values():
            with toy_release() as folder:
                spoil(folder)
                cache._verified.clear()
                outcomes[judge(open_it, expected)] += 1
        rows.append([f"{name}, split {split}", *tell(outcomes)])
    return rows


READER = """
import re, sys
from pathlib import Path
from somobench.submissions.reader import main
code = main(sys.argv[1:])
status = Path("/proc/self/status").read_text()
Path("peak.txt").write_text(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
sys.exit(code)
"""
ASKER = """
import json, re, subprocess, sys, time
from pathlib import Path
from somobench.schemas.errors import InputError
from somobench.submissions import child
from somobench.submissions.submission import open_submission
run, peaks = subprocess.run, []
def watched(command, **options):
    ended = run([*command[:2], "-c", sys.argv[2], *command[6:]], **options)
    peaks.append(int(Path(options["cwd"], "peak.txt").read_text()) // 1024)
    return ended
child.subprocess.run = watched
start = time.monotonic()
try:
    open_submission(sys.argv[1])
    said = "accepted"
except InputError:
    said = "refused"
seconds = time.monotonic() - start
status = Path("/proc/self/status").read_text()
parent = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) // 1024
print(json.dumps([said, parent, peaks[0], f"{seconds:.1f}"]))
"""


def measure_bombs() -> Rows:
    """Hand small files that declare much in as submissions.

    Each process tells its own peak: what the system says of an ended child includes
    the memory of the parent that it was forked from.
    """
    rows: Rows = []
    for name, (file, write, _) in BOMBS.items():
        with _folder() as root:
            path = write(Path(root, file))
            files = [it for it in (path, *path.rglob("*")) if it.is_file()]
            size = sum(it.stat().st_size for it in files) // 1000
            asked = [sys.executable, "-c", ASKER, str(path), READER]
            said = subprocess.run(asked, capture_output=True, text=True, check=True)
            rows.append([name, size, *json.loads(said.stdout)])
    return rows


def count_stations() -> Rows:
    """Read damaged station files with `ingest` and with the ismn package."""
    recipe = _cut_recipe()
    ours, theirs = Counter[str](), Counter[str]()
    if _read_with_ismn({NAME: GOOD}) != "read":
        message = "ismn, given an undamaged file: refused"
        raise RuntimeError(message)
    for files, expected in DAMAGED.values():
        with _folder() as root:
            archive = {GOOD_NAME: headed(station="GOOD")} | files
            try:
                *_, report = run(Path(root), recipe, archive)
                assert_accounted_for(report, expected)
                ours["accounted for"] += 1
            except SomobenchError:
                ours["accounted for" if isinstance(expected, Refused) else "other"] += 1
            except Exception:  # noqa: BLE001 - it is counted
                ours["other"] += 1
        names = [name for name in files if name.endswith(".stm")]
        if len(names) == len(files) == 1 and not isinstance(expected, Same):
            theirs[_read_with_ismn(files)] += 1
    return [
        ["SoMoBench", len(DAMAGED), ours["accounted for"], 0, ours["other"]],
        ["ismn 1.5.4", sum(theirs.values()), theirs["refused"], theirs["read"], 0],
    ]


def _cut_recipe() -> Recipe:
    content = load_recipe(ROOT / "conf/recipe/virtual.yaml").model_dump()
    content["period"] = {"start": "2020-01-01", "end": "2020-01-04"}
    content["stations"]["minimum_days"] = 2
    return Recipe.model_validate(content)


def _read_with_ismn(files: dict[str, bytes]) -> str:
    from ismn.filehandlers import DataFile

    with _folder() as root:
        try:
            write_folder(Path(root), files)
            DataFile(root, Path(next(iter(files)))).read_data()
        except BaseException:  # noqa: BLE001 - any error is a refusal
            return "refused"
    return "read"
