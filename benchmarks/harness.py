"""Time what we do against others on the same work, and write docs/performance.md.

    python benchmarks/harness.py [module ...]

Every contestant runs in fresh processes, in turns with the others: one call to warm up,
then the call that counts. Results are compared with ours before a time is believed.
Times are medians, by the clock and of all cores together, which other work on the
machine disturbs less; memory is the highest peak of a process. Modules (`MODULES`) say
what is timed; scripts of their own (`SCRIPTS`) are run and quoted.
"""

from __future__ import annotations

import importlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "performance.md"
MODULES = ("bench_metrics", "bench_anomalies", "bench_scoring", "bench_open")
SCRIPTS = {"bench_ismn_scale": ("100", "2"), "bench_windows": ()}
ROUNDS = 3
OURS = "ours"
Arrays = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Race:
    """One piece of work and those who do it.

    `make` gives the input, `contestants` take it and return arrays by name, of which
    those that ours has too must be equal within `rtol` and `atol`. `bars` are the
    ratios of their time to ours that are aimed at; of ours alone, seconds. Others warm
    up on what `shorten` leaves of the input.
    """

    work: str
    make: Callable[[], Any]
    contestants: Mapping[str, Callable[[Any], Arrays]]
    bars: Mapping[str, float] = field(default_factory=dict)
    rtol: float = 1e-9
    atol: float = 1e-10
    shorten: Callable[[Any], Any] | None = None


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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    np.savez(place, **found)
    print(json.dumps({"seconds": seconds, "busy": busy, "gigabytes": peak}))


def measure_work() -> float:
    """Return the processor time of this process and those that it started, s."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + ended.ru_utime + ended.ru_stime


def run_race(module: str, key: str, race: Race) -> list[dict[str, Any]]:
    """Run a race in turns and return a row for every contestant, ours first."""
    times: dict[str, list[float]] = {name: [] for name in race.contestants}
    busy: dict[str, list[float]] = {name: [] for name in race.contestants}
    peaks = dict.fromkeys(race.contestants, 0.0)
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(ROUNDS):
            for name in race.contestants:
                place = Path(folder) / f"{name}.npz"
                command = [sys.executable, __file__, "--one", module, key, name, place]
                done = subprocess.run(command, check=True, capture_output=True)
                record = json.loads(done.stdout.splitlines()[-1])
                times[name].append(record["seconds"])
                busy[name].append(record["busy"])
                peaks[name] = max(peaks[name], record["gigabytes"])
                compare_results(Path(folder), name, race)
    medians = {name: statistics.median(values) for name, values in times.items()}
    worked = {name: statistics.median(values) for name, values in busy.items()}
    return [
        {
            "work": race.work,
            "who": name,
            "seconds": seconds,
            "busy": worked[name],
            "ratio": seconds / medians[OURS],
            "busy_ratio": worked[name] / worked[OURS],
            "gigabytes": peaks[name],
            "bar": race.bars.get(name),
        }
        for name, seconds in medians.items()
    ]


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


def describe_row(row: Mapping[str, Any]) -> str:
    """Write a row of the table."""
    bar, ratios = row["bar"], ["", ""]
    if row["who"] == OURS:
        met = bar is None or row["seconds"] <= bar
        aim = "" if bar is None else f"at most {bar * 1e3:,.0f} ms"
    else:
        ratios = [f"{row['ratio']:.1f}", f"{row['busy_ratio']:.1f}"]
        met = bar is None or row["ratio"] >= bar
        aim = "" if bar is None else f"{bar:g}"
    times = [f"{row[key] * 1e3:,.0f}" for key in ("seconds", "busy")]
    behind = "" if met else ", not reached"
    cells = [row["work"], row["who"], *times, *ratios, f"{aim}{behind}"]
    return "| " + " | ".join([*cells, f"{row['gigabytes']:.2f}"]) + " |"


def describe_machine() -> str:
    """Name the machine's class, and what ran."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    names = ("numpy", "xarray", "numba")
    versions = [f"{name} {importlib.import_module(name).__version__}" for name in names]
    cores = len(os.sched_getaffinity(0))
    python = f"Python {platform.python_version()}"
    return f"{cores} cores, {memory:.0f} GiB, {', '.join([python, *versions])}"


def write_page(rows: list[dict[str, Any]], quoted: Mapping[str, str]) -> None:
    """Write the page of all rows, those where we are behind included."""
    load = os.getloadavg()[0]
    today = datetime.now(UTC).date()
    lines = [
        "# Performance",
        "",
        f"`make bench`, {today}, {describe_machine()}; load {load:.1f} at the end.",
        f"Medians of {ROUNDS} runs in fresh processes, in turns; results are compared",
        "first. A ratio is the other's time over ours: above 1 we are faster. Aims are",
        "meant by the clock of an idle machine. Where others keep the cores busy,",
        "processor time, that of all cores together, tells more.",
        "",
        "| work | who | ms | processor ms | ratio | of processor | aim | peak GB |",
        "|---|---|---|---|---|---|---|---|",
        *map(describe_row, rows),
        "",
        (HERE / "limits.md").read_text(encoding="utf-8").strip(),
        "",
    ]
    for name, text in quoted.items():
        lines += [f"## `{name}.py`", "", "```", text.rstrip(), "```", ""]
    PAGE.write_text("\n".join(lines), encoding="utf-8")


def quote_script(name: str, arguments: tuple[str, ...]) -> str:
    """Run a benchmark that prints its own table, and return it."""
    command = [sys.executable, HERE / f"{name}.py", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    return done.stdout or f"did not run: {done.stderr.strip().splitlines()[-1]}"


def main() -> None:
    """Run all races and scripts, or the modules named, which are only printed."""
    asked = sys.argv[1:]
    if asked[:1] == ["--one"]:
        run_one(asked[1], asked[2], asked[3], Path(asked[4]))
        return
    rows: list[dict[str, Any]] = []
    for module in asked or MODULES:
        for key, race in importlib.import_module(module).RACES.items():
            rows += run_race(module, key, race)
            for row in rows[-len(race.contestants) :]:
                print(describe_row(row), flush=True)
        if not asked:
            write_page(rows, {})
    if not asked:
        write_page(
            rows, {name: quote_script(name, args) for name, args in SCRIPTS.items()}
        )


if __name__ == "__main__":
    main()
