"""Lists of single defects, held to `validate` in pieces.

    PYTHONPATH=tests python benchmarks/reliability/list_counts.py \\
        RESULTS [PLACE[:STEP] [LIST ...]]

Runs of the lists (default all) the defects at PLACE, PLACE + STEP, ... (default 0:1)
that RESULTS, a JSON file, doesn't hold yet, and writes after each what it changed,
whether it was found and by what, and the processor seconds that it took.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from defect_lists import FIRST_SIGHT, LISTS, ORIGINS, RELEASE, WHY_MISSED, Listed
from remembered import Validator, read_results

from somobench.catalog.storage.hashing import sha256_file

Results = Mapping[str, Mapping[str, Any]]
TEXT = (
    "Each is written into a copy of `virtual-2.0.0` of its own, there when the hashes "
    "and records of its documents were made, so that these can't tell; the whole "
    "folder is held to `validate`. All lists were run on one set of checks. First "
    "sight is what the checks found, of how many, that there were when a list came. "
    "Later ones were made with the missed ones in view: what is found now is no "
    "estimate for defects of another kind, what was found at first sight is."
)
PARTS = {
    "shift costs": "shift_costs",
    **dict.fromkeys(("manifest", "validation", "texts"), "documents"),
    "manifest and documents": "documents",
}
"""Parts by other words."""
HEADS = ("list", "defects", "found at first sight", "found now")


def name_defects(*lists: str) -> Iterator[tuple[str, Listed]]:
    """Give each defect of lists, or of all, by its list, part and words."""
    for one in lists or LISTS:
        for defect in LISTS[one]():
            yield f"{one} | {defect.name}", defect


def tabulate(results: Results) -> list[list[object]]:
    """Count by list: tried, found of tried at first sight, and found now."""
    rows: dict[str, list[int]] = {name: [0, 0] for name in LISTS}
    for name, defect in name_defects():
        if name in results and not defect.apart:
            row = rows[name.partition(" | ")[0]]
            row[0] += 1
            row[1] += bool(results[name]["found"])
    first = {
        name: FIRST_SIGHT.get(name, (0, 0)) for name, row in rows.items() if row[0]
    }
    total = [sum(column) for column in zip(*rows.values(), strict=True)]
    sights = [sum(column) for column in zip(*first.values(), strict=True)]
    return [
        *([name, rows[name][0], _tell(first[name]), rows[name][1]] for name in first),
        ["all", total[0], _tell(sights), total[1]],
    ]


def _tell(sight: Sequence[int]) -> str:
    found, tried = sight
    return f"{found} of {tried}" if tried else ""


def describe(results: Results) -> str:
    """Say how lists came about, what was missed and why, and what is left aside."""
    missed, aside, parts = list[str](), dict[str, list[int]](), Counter[str]()
    tried = Counter[str]()
    for name, defect in name_defects():
        if name not in results:
            continue
        found = bool(results[name]["found"])
        if defect.apart:
            row = aside.setdefault(defect.apart, [0, 0])
            row[0] += 1
            row[1] += found
            continue
        part = PARTS.get(defect.part, defect.part)
        tried[part] += 1
        parts[part] += found
        if not found:
            missed.append(f"{name} ({WHY_MISSED.get(name, 'no check asks')})")
    left = (f"{n} that {why} ({found} found)" for why, (n, found) in aside.items())
    by_part = (f"{part} {parts[part]} of {tried[part]}" for part in tried)
    seconds = round(sum(record["seconds"] for record in results.values()))
    came = "; ".join(f"{name}: {ORIGINS[name]}" for name in LISTS)
    return (
        f"The lists, and the commit of the checks that first saw them: {came}. "
        f"Found now by part: {', '.join(by_part)}. "
        f"Not found: {'; '.join(missed) or 'none'}. "
        f"Left aside: {'; '.join(left)}. Processor seconds of all: {seconds}."
    )


def try_defect(defect: Listed, validator: Validator) -> dict[str, Any]:
    """Return which files a defect changes, and what `validate` says of the folder."""
    began = time.process_time()
    with tempfile.TemporaryDirectory() as root:
        folder = defect.write(Path(root))
        changed = name_changes(RELEASE, folder)
        found = validator.find(folder)
    seconds = round(time.process_time() - began, 2)
    return {"changed": changed, "found": found, "seconds": seconds}


def name_changes(release: Path, folder: Path) -> list[str]:
    """Return the files that differ, are lacking or are there besides."""
    hashes: list[dict[str, str]] = [
        {
            f"{path.relative_to(root)}": sha256_file(path)
            for path in root.rglob("*")
            if path.is_file()
        }
        for root in (release, folder)
    ]
    names = sorted({*hashes[0], *hashes[1]})
    return [name for name in names if hashes[0].get(name) != hashes[1].get(name)]


def start_validator() -> Validator:
    """Return a validator of copies of the release, which is valid itself."""
    validator = Validator()
    if found := validator.keep(RELEASE):
        message = f"the undamaged release: {found}"
        raise RuntimeError(message)
    return validator


def main(results: str, chosen: str = "0:1", *names: str) -> None:
    """Run what is chosen and not known yet."""
    warnings.simplefilter("ignore")
    place, _, step = chosen.partition(":")
    path = Path(results)
    defects = {
        f"{it} | {one.name}": one for it in names or LISTS for one in LISTS[it]()
    }
    validator = start_validator()
    known = read_results(path)
    for name, defect in [*defects.items()][int(place) :: int(step or 1)]:
        if name not in known:
            known[name] = try_defect(defect, validator)
            path.write_text(json.dumps(known, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
