"""Try faults on SoMoBench and on what it is made of; write `docs/reliability.md`.

    PYTHONPATH=tests:tests/submissions:tests/system/faults \\
        python benchmarks/reliability/bench_reliability.py [SECTION ...]

Needs what the tests need, and Linux. Counts every section, or those whose titles begin
with what is given; keeps the rows of each, its date and commit in
`docs/reliability.json`, and writes the page from there. So it can run in pieces, and
nothing on the page is written by hand. Later lists, small worlds and damaged files are
counted from what `second_list_counts.py`, `list_counts.py`, `good_world_counts.py` and
`fuzz_counts.py` left in the folder $PIECES:
`first-third*.json`, `other-thirds*.json`, `now*.json`, `third-first*.json`,
`third-now*.json`, `fourth-first*.json`, `fourth-now*.json`, `worlds*.json`,
`again*.json`, `submissions*.json`, `deliveries*.json`.
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
import held_out_counts
import kill_counts
import list_counts
import second_list_counts
import weather_counts
from fault_counts import OUTCOMES, ROOT, Rows
from reliability_page import PAGE, name_machine, table


def read_pieces(which: str) -> dict[str, Any]:
    """Return what pieces of a count left in the folder $PIECES."""
    found: dict[str, Any] = {}
    for file in sorted(Path(os.environ["PIECES"]).glob(f"{which}*.json")):
        found |= json.loads(file.read_text(encoding="utf-8"))
    return found


def count_second_list(which: str) -> Rows:
    """Count from what the pieces of `second_list_counts` left: first, and now."""
    return second_list_counts.tabulate(read_pieces(which), read_pieces("now"))


def count_second_list_again() -> Rows:
    """Count from the pieces that were run last, whatever was found before."""
    now = read_pieces("now")
    return [row[:3] for row in second_list_counts.tabulate(now, {})]


def count_list(which: str) -> Rows:
    """Count from what the pieces of `list_counts` left: first, and now."""
    return list_counts.tabulate(
        read_pieces(f"{which}-first"), read_pieces(f"{which}-now")
    )


def count_good() -> Rows:
    """Count good files, and harmless changes, that are refused."""
    return [
        ["good files", *fault_counts.count_alarms()],
        ["harmless changes", *held_out_counts.count_harmless_alarms()],
    ]


def count_good_worlds() -> Rows:
    """Count from what the pieces of `good_world_counts` left."""
    return good_world_counts.tabulate(read_pieces("worlds"), read_pieces("again"))


def count_fuzzed(what: str) -> Rows:
    """Count from what the pieces of `fuzz_counts` left."""
    return fuzz_counts.tabulate(read_pieces(what))


RESULTS = ROOT / "docs" / "reliability.json"
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
        "Now: after checks were added with these defects in view.",
        (
            *("file", "defects", "first, file alone", "first, folder"),
            *("now, file alone", "now, folder"),
        ),
        held_out_counts.count_held_out,
    ),
    (
        "Defects of a second list",
        "Five hundred more, written from the format of a release and a release, before "
        "its author had seen a check. Every third was tried on the checks of commit "
        "685e9d4, as they stood. Later checks were made by who wrote the list, with "
        "the missed ones of this third in view; few of the others were tried. Tried "
        "again are missed ones alone. Not in the sum are what nothing in a folder can "
        "contradict, and predictions, which lie outside of it.",
        ("part", "defects", "found at first sight", "missed and tried again", "found"),
        partial(count_second_list, "first-third"),
    ),
    (
        "The other two thirds of the second list",
        "The rest of these defects on the checks of commit ba8a6c8, most of them for "
        "the first time: they were made by who wrote the list, with the missed ones of "
        "the first third in view. Then checks were added with the missed ones of these "
        "two thirds in view, and those were tried again. Left out are two defects that "
        "changed nothing in this release.",
        ("part", "defects", "found at first sight", "missed and tried again", "found"),
        partial(count_second_list, "other-thirds"),
    ),
    (
        "The second list again",
        "Of the first third the first 145 of 167, without predictions and two that "
        "change nothing in this release; of the others what was missed, and all of "
        "features, whose checks were changed. The checks were made with the missed "
        "ones in view, and some came while this ran. Not found in the folder are sand "
        "and clay that changed places, soil of the next row, and one shift cost.",
        ("part", "defects", "found"),
        count_second_list_again,
    ),
    (
        "Defects of a third list",
        "A hundred and fifty by someone who had seen no check and no other list, from "
        "the format, a release and what its stages say of themselves. What a faulty "
        "pipeline derives from its own faulty values is mostly carried along: means, "
        "moments, counts and distributions agree with the defect. First: whole folders "
        "on the checks of commit 80034a4, each up to its first finding. Now: with "
        "those found at first, the missed ones that checks find which who wrote the "
        "list added with them in view, asked in memory and not as whole folders. Not "
        "found are elevations in feet and positions rounded within their cells. Sand "
        "and clay that changed places, and soil of the next row, of earlier lists are "
        "found now; one shift cost of trees isn't. With these checks the releases of "
        "six recipes on real data are valid.",
        ("part", "defects", "found at first sight", "found now"),
        partial(count_list, "third"),
    ),
    (
        "Defects of a fourth list",
        "A hundred and seventy-eight by someone who had seen no check and no other "
        "list, from the format, a release and what its stages do; 48 of weather and "
        "of the reanalysis. First: whole folders on the checks of commit 43a8de4, each "
        "up to its first finding. Now: with those found at first, the missed ones "
        "again, after checks were added by who wrote the list, with them in view. "
        "What is derived from faulty weather is carried along to means and moments, "
        "not to climatologies, fits and scores, and 36 of the 44 of forcing were found "
        "only by those and by targets: see the next section. Not found "
        "are a month of a region in reverse order, a quarter more humidity in one "
        "cell, positions rounded within their cells, and the sign of a rung's bias.",
        ("part", "defects", "found at first sight", "found now"),
        partial(count_list, "fourth"),
    ),
    (
        "Weather of the fourth list by itself",
        "The defects of forcing asked of the forcing and the table of sensors alone, "
        "as where a whole pipeline carries a fault along. At first sight, on the "
        "checks of commit 43a8de4, 8 were found. Not found are times that are a day "
        "off in part of the record or in a source's own soil, a month in reverse "
        "order, a quarter more humidity in one cell, rain that is half, "
        "twice, a tenth or a neighbour's, and exchanged layers or weights of the "
        "reanalysis, which targets contradict.",
        ("part", "defects", "found"),
        weather_counts.count_alone,
    ),
    (
        "Good releases and harmless changes",
        "Refused: good files and folders that `somobench validate` finds wrong. The "
        "published releases; other chunks, codecs, byte orders, attributes, writers of "
        "Parquet and JSON.",
        ("what", "tried", "refused"),
        count_good,
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


def count_section(title: str, count: Callable[[], Rows]) -> dict[str, Any]:
    """Count one section; return its rows with what is to be said of the run."""
    began = time.monotonic()
    rows = count()
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
    return {"rows": rows} | run


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
