"""Time what we do against others on the same work, and write docs/performance.md.

    python benchmarks/harness.py [--small] [module ...]

Every contestant runs in fresh processes, in turns with the others: one call to warm up,
then the call that counts. Results are compared with ours before a time is believed.
Times are medians, by the clock and of all cores together, which other work on the
machine disturbs less; memory is the highest peak of a process. Modules (`MODULES`) say
what is timed; scripts of their own (`SCRIPTS`) are run and quoted. Whoever fails, or
takes longer than `LONGEST`, has a line that says so, and the others go on; once the
time is used up, a race has one round. `--small` tries everything on a hundredth of
the work, and like modules by name writes no page.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from performance_page import OURS, describe_row, find_least, write_page

HERE = Path(__file__).parent
MODULES = ("bench_metrics", "bench_anomalies", "bench_scoring", "bench_open")
SCRIPTS = {"bench_ismn_scale": ("300", "5"), "bench_windows": ()}
SCRIPT_SECONDS = 150  # of one, on two idle cores
ROUNDS = 3
LONGEST = 240  # s, of one process
USED_UP = 15 * 60  # s, after which a race has one round
if "--small" in sys.argv:
    os.environ["SOMOBENCH_SMALL"] = "1"  # for the processes that this one starts
IS_SMALL = "SOMOBENCH_SMALL" in os.environ
CELLS, DAYS = (60, 2000) if IS_SMALL else (1500, 8000)
FOLDER = Path(os.environ.get("SOMOBENCH_FOLDER", "."))
"""Where `prepare` leaves files, for this run alone."""
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Race:
    """One piece of work and those who do it.

    `make` gives the input, `contestants` take it and return arrays by name, of which
    those that ours has too must be equal within `rtol` and `atol`. `bars` are the
    ratios of their time to ours that are aimed at; of ours alone, seconds. Others warm
    up on what `shorten` leaves of the input. `digest` makes few numbers of large
    results, `prepare` files for all; neither is timed. `seconds` is what all rounds
    take on two idle cores.
    """

    work: str
    make: Callable[[], Any]
    contestants: Mapping[str, Callable[[Any], Arrays]]
    bars: Mapping[str, float] = field(default_factory=dict)
    rtol: float = 1e-9
    atol: float = 1e-10
    shorten: Callable[[Any], Any] | None = None
    digest: Callable[[Arrays], Arrays] = dict
    prepare: Callable[[], None] | None = None
    seconds: float = 60.0


def run_one(module: str, race: str, name: str, place: Path) -> None:
    """Do one contestant's work in this process; leave its arrays and its record."""
    warnings.simplefilter("ignore")
    chosen: Race = importlib.import_module(module).RACES[race]
    given = chosen.make()
    work = chosen.contestants[name]
    work(given if name == OURS or chosen.shorten is None else chosen.shorten(given))
    start, busy = time.perf_counter(), measure_work()
    found = work(given)
    seconds, busy = time.perf_counter() - start, measure_work() - busy
    whose = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    peak = max(resource.getrusage(who).ru_maxrss for who in whose) / 1e6
    np.savez(place, **chosen.digest(found))
    print(json.dumps({"seconds": seconds, "busy": busy, "gigabytes": peak}))


def measure_work() -> float:
    """Return the processor time of this process and those that it started, s."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def run_race(
    module: str, key: str, race: Race, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """Run a race in turns and return a row for every contestant, ours first."""
    records: dict[str, list[dict[str, float]]] = {name: [] for name in race.contestants}
    failures: dict[str, str] = {}
    if race.prepare is not None:
        call("--prepare", module, key)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            for name in race.contestants:
                if name in failures:
                    continue
                try:
                    place = Path(folder) / f"{name}.npz"
                    last = call("--one", module, key, name, place).splitlines()[-1]
                    compare_results(Path(folder), name, race)
                    records[name].append(json.loads(last))
                except (RuntimeError, AssertionError, OSError) as error:
                    failures[name] = " ".join(str(error).split())[:120]
    medians = {
        name: {key: statistics.median(one[key] for one in found) for key in found[0]}
        for name, found in records.items()
        if found and name not in failures
    }
    own = medians.get(OURS)
    return [
        {
            "work": race.work,
            "who": name,
            "bar": race.bars.get(name),
            "failure": failures.get(name, "ours failed" if own is None else None),
            **medians.get(name, {}),
            **_relate(medians.get(name), own),
            "shared": own is not None and own["seconds"] > 1.1 * own["busy"],
            "gigabytes": max((one["gigabytes"] for one in found), default=0.0),
        }
        for name, found in records.items()
    ]


def _relate(
    theirs: Mapping[str, float] | None, own: Mapping[str, float] | None
) -> dict[str, float]:
    if theirs is None or own is None:
        return {}
    return {
        "ratio": theirs["seconds"] / own["seconds"],
        "busy_ratio": theirs["busy"] / own["busy"],
        "judged_ratio": find_least(theirs) / find_least(own),
    }


def call(*arguments: str | Path) -> str:
    """Run a part of this script in a fresh process and return what it printed."""
    command = [sys.executable, __file__, *map(str, arguments)]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=LONGEST
        )
    except subprocess.TimeoutExpired as error:
        raise RuntimeError(f"took longer than {LONGEST} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise RuntimeError(lines[-1])
    return done.stdout


def compare_results(folder: Path, name: str, race: Race) -> None:
    """Refuse a contestant whose numbers aren't ours."""
    with np.load(folder / f"{name}.npz") as theirs, np.load(folder / "ours.npz") as own:
        for array in theirs.files:
            np.testing.assert_allclose(
                theirs[array],
                own[array],
                rtol=race.rtol,
                atol=race.atol,
                err_msg=f"{name}: {array} of {race.work}",
            )


def quote_script(name: str, arguments: tuple[str, ...]) -> str:
    """Run a benchmark that prints its own table, and return it."""
    command = [sys.executable, HERE / f"{name}.py", *arguments]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=2 * LONGEST
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {2 * LONGEST} s"
    if done.returncode == 0:
        return done.stdout
    last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return f"{done.stdout}did not end well: {last}"


def load_races(modules: Sequence[str]) -> dict[tuple[str, str], Race]:
    """Return the races of some modules; one that can't be imported is only named."""
    found: dict[tuple[str, str], Race] = {}
    for module in modules:
        try:
            races = importlib.import_module(module).RACES
        except ImportError as error:
            print(f"{module}: {error}", flush=True)
            continue
        found |= {(module, key): race for key, race in races.items()}
    return found


def run_races(
    races: Mapping[tuple[str, str], Race], *, keep_page: bool
) -> list[dict[str, Any]]:
    """Run races and print their rows; the page is kept as they come."""
    rows: list[dict[str, Any]] = []
    start = time.perf_counter()
    for (module, key), race in races.items():
        began = time.perf_counter()
        rounds = 1 if IS_SMALL or began - start > USED_UP else ROUNDS
        try:
            found = run_race(module, key, race, rounds)
        except RuntimeError as error:  # nothing could be prepared
            failed = {"work": race.work, "bar": None, "failure": str(error)}
            found = [failed | {"who": name} for name in race.contestants]
        rows += found
        print("\n".join(map(describe_row, found)))
        print(f"{key}: {time.perf_counter() - began:.0f} s", flush=True)
        if keep_page:
            write_page(rows, {}, ROUNDS)
    return rows


def main() -> None:
    """Run all races and scripts, or the modules named, which are only printed."""
    asked = [argument for argument in sys.argv[1:] if argument != "--small"]
    if asked[:1] == ["--one"]:
        run_one(asked[1], asked[2], asked[3], Path(asked[4]))
        return
    if asked[:1] == ["--prepare"]:
        warnings.simplefilter("ignore")
        importlib.import_module(asked[1]).RACES[asked[2]].prepare()
        return
    is_whole = not (asked or IS_SMALL)
    races, scripts = load_races(asked or MODULES), SCRIPTS if is_whole else {}
    expected = sum(race.seconds for race in races.values())
    minutes = (expected + len(scripts) * SCRIPT_SECONDS) / 60
    print(f"{len(races)} races, {len(scripts)} scripts: on two idle cores", end=" ")
    print(f"about {minutes:.0f} minutes", flush=True)
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as folder:
        os.environ["SOMOBENCH_FOLDER"] = folder
        rows = run_races(races, keep_page=is_whole)
    quoted: dict[str, str] = {}
    for name, arguments in scripts.items():
        print(f"{name} ...", flush=True)
        quoted[name] = quote_script(name, arguments)
        write_page(rows, quoted, ROUNDS)


if __name__ == "__main__":
    main()
