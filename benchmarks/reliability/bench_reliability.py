"""Try faults on SoMoBench and on what it is made of; write `docs/reliability.md`.

    PYTHONPATH=tests:tests/submissions:tests/system/faults \\
        python benchmarks/reliability/bench_reliability.py [SECTION ...]

Needs what the tests need, and Linux. Counts every section, or those whose titles begin
with what is given; keeps the rows of each, its date and commit in
`docs/reliability.json`, and writes the page from there. So it can run in pieces, and
nothing on the page is written by hand. Lists of defects, small worlds and damaged files
are counted from what `list_counts.py`, `good_world_counts.py` and `fuzz_counts.py` left
in the folder $PIECES: `lists*.json`, `worlds*.json`, `again*.json`,
`submissions*.json`, `deliveries*.json`.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import platform
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import fault_counts
import fuzz_counts
import good_world_counts
import harmless_counts
import kill_counts
import list_counts
import weather_counts
from fault_counts import OUTCOMES, ROOT, Rows
from reliability_page import PAGE, name_machine, table


def read_pieces(which: str) -> dict[str, Any]:
    """Return what pieces of a count left in the folder $PIECES."""
    found: dict[str, Any] = {}
    for file in sorted(Path(os.environ["PIECES"]).glob(f"{which}*.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def count_lists() -> tuple[Rows, str]:
    """Count from what the pieces of `list_counts` left."""
    results = read_pieces("lists")
    return list_counts.tabulate(results), list_counts.describe(results)


def count_good_worlds() -> Rows:
    """Count from what the pieces of `good_world_counts` left."""
    return good_world_counts.tabulate(read_pieces("worlds"), read_pieces("again"))


def count_fuzzed(what: str) -> Rows:
    """Count from what the pieces of `fuzz_counts` left."""
    return fuzz_counts.tabulate(read_pieces(what))


Counted = Rows | tuple[Rows, str]
"""Rows of a table, or with what is to be said of them."""
RESULTS = ROOT / "docs" / "reliability.json"
CASES = ("reader", "cases", *OUTCOMES)
SECTIONS: tuple[tuple[str, str, tuple[str, ...], Callable[[], Counted]], ...] = (
    (
        "Damage at rest",
        "Eleven kinds of damage to `targets.zarr.zip` and five to "
        "`splits.parquet`, five seeds each. SoMoBench opens eagerly and lazily, "
        "others read the grid. Every reader is given the undamaged files in "
        "between, and must read them.",
        CASES,
        fault_counts.count_damages,
    ),
    (
        "Bits that flip below an unchanged file status",
        "A record says that the file was verified in this state. `identical` is "
        "a bit that no value depends on.",
        CASES,
        fault_counts.count_rot,
    ),
    (
        "Files swapped between verification and reading",
        "Another valid grid is moved over the verified one.",
        CASES,
        fault_counts.count_swaps,
    ),
    (
        "Kills",
        "SIGKILL at every system call on files; counted are processes that it "
        "ended. Lost: what was there before, or what can't be fetched "
        "afterwards.",
        ("work", "kills", "wrong or mixed", "lost"),
        fault_counts.count_kills,
    ),
    (
        "Kills at random times",
        "SIGKILL to the main process alone: every other one at a random time, the rest "
        "within a fifth of the run after it began to write; counted are processes that "
        "were still there to be killed. Of builds, one stage stands for all. Left: "
        "partial and temporary folders that the next run of a day later doesn't "
        "remove. Alive: "
        f"processes that it started and that run {kill_counts.PATIENCE:.0f} s later.",
        ("work", "kills", "wrong or mixed", "lost", "left", "alive"),
        kill_counts.count_random_kills,
    ),
    (
        "Races",
        "Wrong: other than one writer reported success, a folder of "
        "both, or a process without the right bytes.",
        ("race", "tries", "wrong"),
        fault_counts.count_races,
    ),
    (
        "Releases that make no sense",
        "One defect each in a table, a grid or the manifest, with right hashes. "
        "Here `silent` is a region by another name: nothing in a release tells which "
        "names regions have.",
        ("opened", "cases", *OUTCOMES),
        fault_counts.count_hostile,
    ),
    (
        "Small submissions that would fill the memory",
        "Peak memory of the process that asked and of the confined one that "
        "reads, each as it says of itself; libraries included. Seconds with the "
        "start of the reader.",
        ("file", "kB", "outcome", "parent, MB", "child, MB", "s"),
        fault_counts.measure_bombs,
    ),
    (
        "Single defects of a release",
        list_counts.TEXT,
        list_counts.HEADS,
        count_lists,
    ),
    (
        "Weather of the fourth list by itself",
        "The defects of forcing asked of the forcing and the table of sensors alone, "
        "as where a whole pipeline carries a fault along. At first sight, on the "
        "checks of commit 43a8de4, 8 were found. Not found are times that are a day "
        "off in part of the record or in a source's own soil, a month in reverse "
        "order, rain that is half, twice, a tenth or a neighbour's, and exchanged "
        "layers or weights of the reanalysis, which targets contradict.",
        ("part", "defects", "found"),
        weather_counts.count_alone,
    ),
    (
        "Good releases and harmless changes",
        "Refused: good files and folders that `somobench validate` finds wrong. The "
        "published releases; other chunks, codecs, byte orders, attributes, writers of "
        "Parquet and JSON.",
        ("what", "tried", "refused"),
        harmless_counts.count_good,
    ),
    (
        "Good releases of small worlds",
        good_world_counts.TEXT,
        ("what", "tried", "refused at first sight", "refused now"),
        count_good_worlds,
    ),
    *(
        (title, text, fuzz_counts.HEADS, partial(count_fuzzed, what))
        for title, what, text in fuzz_counts.SECTIONS
    ),
    (
        "Damaged station files",
        "Accounted for: refused, left out or dropped with the reason, or read "
        "as the undamaged file; of ismn: any error. It gets the kinds that are "
        "one damaged file.",
        ("reader", "kinds", "accounted for", "read without an error", "other"),
        fault_counts.count_stations,
    ),
)


def count_section(title: str, count: Callable[[], Counted]) -> dict[str, Any]:
    """Count one section; return its rows with what is to be said of the run."""
    began = time.monotonic()
    counted = count()
    rows, note = counted if isinstance(counted, tuple) else (counted, "")
    seconds = round(time.monotonic() - began)
    sys.stderr.write(f"{title}: {seconds} s\n")
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    date, python = f"{dt.date.today()}", platform.python_version()
    run = {"date": date, "commit": commit, "python": python, "machine": name_machine()}
    return {"rows": rows} | run | ({"note": note} if note else {})


def write_page(counted: dict[str, Any]) -> str:
    """Return the page of all sections that were counted."""
    parts = []
    for title, what, heads, _ in SECTIONS:
        if title not in counted:
            continue
        found = counted[title]
        run = (
            f"{found['date']}, commit {found['commit']}, Python {found['python']}, "
            f"{found['machine']}."
        )
        text = textwrap.fill(f"{what} {found.get('note', '')}".strip(), 88)
        shown = table(heads, found["rows"])
        parts.append(f"## {title}\n\n{text}\n\n{shown}\n\n{run}")
    return PAGE.format(parts="\n\n".join(parts))


def main() -> None:
    """Count the sections that were asked for, and write the page of all."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    known = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for title, _, _, count in SECTIONS:
        if not sys.argv[1:] or title.startswith(tuple(sys.argv[1:])):
            known[title] = count_section(title, count)
            RESULTS.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    (ROOT / "docs" / "reliability.md").write_text(write_page(known), encoding="utf-8")


if __name__ == "__main__":
    main()
