"""Try faults on SoMoBench and on what it is made of; write `docs/reliability.md`.

    PYTHONPATH=tests:tests/submissions:tests/system/faults \\
        python benchmarks/bench_reliability.py [FILE]

Needs what the tests need, and Linux; takes a few minutes. `fault_counts` counts every
number of the page.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import platform
import subprocess
import sys
import textwrap
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import fault_counts
import held_out_counts
import kill_counts
from fault_counts import OUTCOMES, ROOT, Rows


def table(heads: tuple[str, ...], rows: Rows) -> str:
    """Return a table in Markdown, numbers to the right."""
    lines = [" | ".join(heads), "|".join(["---", *["--:"] * (len(heads) - 1)])]
    lines += [" | ".join(map(str, row)) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


CASES = ("reader", "cases", *OUTCOMES)
SECTIONS: tuple[tuple[str, str, tuple[str, ...], Callable[[], Rows]], ...] = (
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
        "SIGKILL to the main process alone, at a random time of its work. Left: "
        "partial folders that the next run of a day later doesn't remove. Alive: "
        f"processes that it started and that run {kill_counts.PATIENCE:.0f} s later.",
        ("work", "kills", "wrong or mixed", "lost", "left", "alive"),
        kill_counts.count_random_kills,
    ),
    (
        "Races",
        "Wrong: more or fewer than one writer was told of success, a folder of "
        "both, or a process without the right bytes.",
        ("race", "tries", "wrong"),
        fault_counts.count_races,
    ),
    (
        "Releases that make no sense",
        "One defect each in a table, a grid or the manifest, with right hashes. "
        "Here `silent` counts defects that leave a release which can be read as "
        "another one: nothing tells a reader what was meant, `somobench "
        "validate` has more to go by.",
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
        "Defects that `somobench validate` finds",
        "Single defects of `virtual-2.0.0`, there when its manifest was "
        "written, so that hashes can't tell. The checks were made with these "
        "defects in view.",
        ("file", "defects", "found in the file alone", "found in the folder"),
        fault_counts.count_mutants,
    ),
    (
        "Defects that were held out",
        "Written down before the checks were looked at, as a faulty pipeline or a "
        "careless hand leaves them; manifest, Croissant and reports hold the hashes "
        "of the changed files. First: what the checks found that there were by then. "
        "Now: after they were mended with these defects in view.",
        (
            *("file", "defects", "first, file alone", "first, folder"),
            *("now, file alone", "now, folder"),
        ),
        held_out_counts.count_held_out,
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


def main() -> None:
    """Run every section and write the page."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    parts = []
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    start = time.monotonic()
    for title, what, heads, count in SECTIONS:
        began = time.monotonic()
        parts.append(
            f"## {title}\n\n{textwrap.fill(what, 88)}\n\n{table(heads, count())}"
        )
        sys.stderr.write(f"{title}: {time.monotonic() - began:.0f} s\n")
    good, alarms = fault_counts.count_alarms()
    more, further = held_out_counts.count_harmless_alarms()
    page = PAGE.format(
        date=dt.date.today(),
        python=platform.python_version(),
        cores=os.cpu_count(),
        commit=commit,
        seconds=round(time.monotonic() - start),
        parts="\n\n".join(parts),
        good=good + more,
        alarms=alarms + further,
        missed=textwrap.fill(held_out_counts.list_missed(), 88),
    )
    given = sys.argv[1:] or [ROOT / "docs" / "reliability.md"]
    Path(given[0]).write_text(page, encoding="utf-8")


PAGE = """# Reliability

Written by `benchmarks/bench_reliability.py`, which counted every number below:
{date}, Python {python}, {cores} cores of an Intel Xeon, 24 GiB, {seconds} s, at commit
{commit}. Faults are small and seeded; what isn't listed wasn't run. `identical` is the
right data; `refused` a typed error that says what was found and expected (of other
software: any error); `foreign` an error of a library that came through; `silent` other
data without a word.

{parts}

Of the defects that were held out these are found nowhere:
{missed}.

Of {good} good files and harmless changes (the published releases; other chunks, codecs,
byte orders, attributes, writers of Parquet and JSON) {alarms} were refused.
"""


if __name__ == "__main__":
    main()
