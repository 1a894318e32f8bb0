"""Lists of defects on opened releases, held to `validate` in pieces.

    PYTHONPATH=tests python benchmarks/reliability/list_counts.py \\
        third|fourth RESULTS [PLACE[:STEP]] [MISSED]

Runs the defects of a list at PLACE, PLACE + STEP, ... (default 0:1) that RESULTS, a
JSON file, doesn't hold yet, and writes after each what it changed, whether it was
found, and by what. With MISSED, results of an earlier run, only those that were missed
there.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from remembered import Validator, read_results

from factories.faults.fourth_list import FOURTH_LIST
from factories.faults.third_list import THIRD_LIST
from factories.faults.third_list.opened import Defect, Opened
from factories.faults.third_list.writing import name_changes, write_copy

RELEASE = Path(__file__).resolve().parents[2] / "releases" / "virtual-2.0.0"
LISTS = {"third": THIRD_LIST, "fourth": FOURTH_LIST}
Rows = list[list[object]]
Results = Mapping[str, Mapping[str, Any]]


def try_defect(defect: Defect, validator: Validator) -> dict[str, list[Any]]:
    """Return which files a defect changes, and what `validate` says of the folder."""
    opened = Opened(RELEASE)
    defect(opened)
    with tempfile.TemporaryDirectory() as root:
        folder = write_copy(opened, Path(root, RELEASE.name))
        changed = name_changes(RELEASE, folder)
        return {"changed": changed, "found": validator.find(folder)}


def tabulate(first: Results, now: Results) -> Rows:
    """Count by part: tried, found at first sight, and found now."""
    rows: dict[str, list[int]] = {}
    for name, record in first.items():
        row = rows.setdefault(name.partition(": ")[0], [0, 0, 0])
        row[0] += 1
        row[1] += bool(record["found"])
        row[2] += bool(now.get(name, record)["found"])
    total = [sum(column) for column in zip(*rows.values(), strict=True)]
    return [*([part, *row] for part, row in rows.items()), ["all", *total]]


def name_defects(which: str) -> Iterator[tuple[str, Defect]]:
    """Give each defect of a list with its name: its part and its function's."""
    for part, defects in LISTS[which].items():
        for defect in defects:
            yield f"{part}: {defect.__name__}", defect


def main(which: str, results: str, chosen: str = "0:1", missed: str = "") -> None:
    """Run what is chosen and not known yet."""
    warnings.simplefilter("ignore")
    place, _, step = chosen.partition(":")
    path = Path(results)
    before = read_results(Path(missed)) if missed else {}
    found_before = {name for name, record in before.items() if record["found"]}
    validator = Validator()
    if found := validator.keep(RELEASE):
        message = f"the undamaged release: {found}"
        raise RuntimeError(message)
    for name, defect in [*name_defects(which)][int(place) :: int(step or 1)]:
        known = read_results(path)
        if name in known or name in found_before:
            continue
        known[name] = try_defect(defect, validator)
        path.write_text(json.dumps(known, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
