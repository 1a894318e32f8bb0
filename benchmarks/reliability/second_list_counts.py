"""The second list of defects, held to `validate` in pieces.

    PYTHONPATH=tests python benchmarks/reliability/second_list_counts.py \\
        RESULTS [PLACE[:STEP]]

Runs the defects at PLACE, PLACE + STEP, ... (default 0:3) that RESULTS, a JSON file,
doesn't hold yet, and writes after each which were found, and by what.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from remembered import Validator, read_results

from factories.faults.second_list import DEFECTS, Defect, Folder

ROOT = Path(__file__).resolve().parents[2]
RELEASE, OLDER = (ROOT / "releases" / f"virtual-{it}" for it in ("2.0.0", "1.1.0"))
BESIDE = "predictions"
"""Part that lies beside a release: `validate` reads nothing outside its folder."""
Rows = list[list[object]]
Results = Mapping[str, Mapping[str, Any]]


def find_defect(defect: Defect, validator: Validator) -> list[list[str]]:
    """Return what `validate` says of a release with a defect, in this process."""
    with tempfile.TemporaryDirectory() as root:
        Path(root, "older").symlink_to(OLDER)
        folder = Folder(RELEASE, Path(root, "releases", RELEASE.name))
        defect.apply(folder)
        return validator.find(folder.write())


def name_defect(place: int) -> str:
    """Return a defect's place in the list, its part and its words."""
    return f"{place} {DEFECTS[place].part}: {DEFECTS[place].name}"


def tabulate(first: Results, now: Results) -> Rows:
    """Count by part: tried, found at first sight, and, of those missed, found now.

    Defects that nothing in a folder can contradict are counted apart, and so are those
    beside the folder.
    """
    counts: dict[str, list[int]] = {}
    for name, record in first.items():
        part = name.partition(" ")[2].partition(":")[0]
        if record.get("unknowable"):
            part = "can't be contradicted"
        elif part == BESIDE:
            part = "predictions, beside the folder"
        if "found" not in record:
            continue
        row = counts.setdefault(part, [0, 0, 0, 0])
        again = now.get(name)
        missed = not record["found"]
        row[0] += 1
        row[1] += not missed
        row[2] += bool(missed and again is not None)
        row[3] += bool(missed and again is not None and again["found"])
    own = [row for part, row in counts.items() if "," not in part and "'" not in part]
    total = [sum(column) for column in zip(*own, strict=True)]
    return [
        *([part, *row] for part, row in counts.items()),
        ["all that a folder can show", *total],
    ]


def main(results: str, chosen: str = "0:3") -> None:
    """Run what is chosen and not known yet."""
    warnings.simplefilter("ignore")
    place, _, step = chosen.partition(":")
    path = Path(results)
    known = read_results(path)
    validator = Validator()
    if found := validator.keep(RELEASE):
        message = f"the undamaged release: {found}"
        raise RuntimeError(message)
    for number in range(int(place), len(DEFECTS), int(step or len(DEFECTS))):
        if (name := name_defect(number)) in known:
            continue
        found = find_defect(DEFECTS[number], validator)
        known[name] = {"found": found, "unknowable": DEFECTS[number].unknowable}
        path.write_text(json.dumps(known, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
