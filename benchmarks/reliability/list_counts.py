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
from pathlib import Path
from typing import Any

from defect_lists import LISTS, RELEASE, Listed
from remembered import Validator, read_results

from somobench.catalog.storage.hashing import sha256_file


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
