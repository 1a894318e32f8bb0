"""Good releases of small worlds, and harmless variants of each, held to `validate`.

    PYTHONPATH=tests python benchmarks/reliability/good_world_counts.py \\
        RESULTS FIRST LAST [MORE]

Builds the worlds of seeds FIRST to LAST that RESULTS, a JSON file, doesn't hold yet,
validates each and MORE (default 7) harmless variants of it, and writes after each
what was found.
"""

from __future__ import annotations

import json
import logging
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from remembered import Validator, read_results

from factories.faults.harmless import HARMLESS
from factories.faults.vouched import spoilt
from factories.good.worlds import build_world
from somobench.schemas.errors import SomobenchError

Results = Mapping[str, Mapping[str, Any]]


def try_world(seed: int, variants: int, validator: Validator) -> dict[str, Any]:
    """Return what is found in the release of a seed, and in variants of it."""
    with tempfile.TemporaryDirectory() as root:
        try:
            release = build_world(seed, Path(root))
        except SomobenchError as error:
            return {"not built": str(error)}
        found = {"as it is": validator.keep(release)}
        possible = [
            (f"{file or 'folder'}: {what}", change)
            for file, what, change in HARMLESS
            if not file or (release / file).is_file()
        ]
        rng = np.random.default_rng([seed, 2])
        chosen = rng.choice(len(possible), variants, replace=False)
        for place in sorted(chosen.tolist()):
            name, change = possible[place]
            with spoilt(release, change) as folder:
                found[name] = validator.find(folder)
    return {"found": found}


def tabulate(results: Results) -> list[list[object]]:
    """Count worlds and variants: tried, and refused."""
    built = [it["found"] for it in results.values() if "found" in it]
    worlds = [it["as it is"] for it in built]
    variants = [
        found for it in built for name, found in it.items() if name != "as it is"
    ]
    return [
        ["small worlds, each by another recipe", len(worlds), sum(map(bool, worlds))],
        ["harmless changes of these", len(variants), sum(map(bool, variants))],
    ]


def main(results: str, first: str, last: str, variants: str = "7") -> None:
    """Try the seeds that are not known yet."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    path, validator = Path(results), Validator()
    known = read_results(path)
    for seed in range(int(first), int(last) + 1):
        if str(seed) in known:
            continue
        known[str(seed)] = try_world(seed, int(variants), validator)
        path.write_text(json.dumps(known, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
