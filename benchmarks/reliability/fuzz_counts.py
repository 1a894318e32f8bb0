"""Damaged and hostile submissions and deliveries by seeds, counted by how they end.

    PYTHONPATH=tests python benchmarks/reliability/fuzz_counts.py RESULTS WHAT [SEEDS]

Asks about the damaged files of WHAT, `submissions` or `deliveries`, that RESULTS, a
JSON file, doesn't hold yet: all kinds of damage, those by seeds SEEDS (default 10)
times. Other data are `as the file says` where another reader finds them there as well.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from forked import FOREIGN, REFUSED, SAME, SILENT, Ending, ask
from remembered import read_results

from factories.faults.fuzzed import deliveries, submissions
from factories.faults.fuzzed.stores import EXECUTED

AS_SAID = "as the file says"
ACCOUNTED = "accounted for"
MOST_MEMORY = 512  # MB
ASKERS = "somobench.submissions.child", "somobench.validate"
Write = Callable[[Path, np.random.Generator], object]
Question = Callable[[Path], str]
GIVEN = "given.zip"
"""Its name says nothing of the content."""
Cases = Iterator[tuple[str, Write]]


def list_submissions(seeds: int) -> dict[str, Cases]:
    """Return damaged submissions by their form."""
    found: dict[str, Cases] = {
        form: submissions.list_classic(form, 5 * seeds) for form in submissions.CLASSIC
    }
    for version in (2, 3):
        found |= {
            f"Zarr {version}, a folder": submissions.list_stores(
                version, 2 * seeds, zipped=False
            ),
            f"Zarr {version}, zipped": submissions.list_stores(
                version, 2 * seeds, zipped=True
            ),
            f"zip of Zarr {version}": submissions.list_zips(version, seeds),
        }
    return found | {"CSV, and no format at all": iter(submissions.ODD.items())}


def ask_submission(path: Path, expected: np.ndarray) -> str:
    """Tell whether a submission is read, and read right."""
    from somobench.schemas.submission_names import PREDICTION
    from somobench.submissions.submission import open_submission

    read = open_submission(path).grid[PREDICTION].to_numpy()
    if np.array_equal(read, expected):
        return SAME
    return (
        AS_SAID if np.array_equal(np.sort(read, None), read_plainly(path)) else SILENT
    )


def read_plainly(path: Path) -> np.ndarray:
    """Return the values that xarray finds by the netCDF library or zarr, in order."""
    import xarray as xr

    kind = "zarr" if path.is_dir() or path.read_bytes()[:2] == b"PK" else "netcdf4"
    options = {"consolidated": False} if kind == "zarr" else {}
    store: Any = path
    if kind == "zarr" and path.is_file():
        from zarr.storage import ZipStore

        store = ZipStore(path, mode="r")
    with xr.open_dataset(store, engine=kind, **options) as grid:
        values = grid["soil_moisture"].to_numpy().astype("float32")
    return np.sort(values, None)


def list_deliveries(seeds: int) -> dict[str, Cases]:
    """Return damaged deliveries by what they hold."""
    with tempfile.TemporaryDirectory() as root:
        good = {form: make(Path(root)) for form, make in deliveries.GOOD.items()}
    found: dict[str, Cases] = {
        form: deliveries.list_defects(content, seeds) for form, content in good.items()
    }
    found[deliveries.WITHIN] = deliveries.list_inner_defects(
        good[deliveries.WITHIN], seeds
    )
    return found


def ask_delivery(path: Path, expected: dict[str, Any]) -> str:
    """Tell whether a delivery is read as the good one, or what is left out is said."""
    account = read_account(path)
    if account == expected:
        return SAME
    said = account["rejected_files"] or account.get("passed_over")
    return ACCOUNTED if said or account["files"] != expected["files"] else SILENT


def read_account(path: Path) -> dict[str, Any]:
    """Return what `validate` tells of a delivery, without its name."""
    from somobench.validate import validate_file

    (report,) = validate_file(path)
    account = dict(report.account or {})
    for name in ("lines", "keys"):
        account.pop(name, None)
    return account


READERS = {
    # Readers hide dask; what xarray loaded here needs it.
    "submissions": ("dask.base", "scipy.io", "zarr.storage", "netCDF4", ASKERS[0]),
    "deliveries": ("somobench.pipelines.tools.check_archive", *ASKERS),
}


def import_readers(what: str) -> list[ModuleType]:
    """Load what readers need; return the modules that start them."""
    for name in (*READERS[what], "somobench.submissions.gridded.arrange"):
        import_module(name)
    return [import_module(name) for name in ASKERS if name in READERS[what]]


def ask_all(results: Path, what: str, seeds: int) -> None:
    """Ask about every file that isn't known yet."""
    known, modules = read_results(results), import_readers(what)
    forms = list_submissions(seeds) if what == "submissions" else list_deliveries(seeds)
    for form, cases in forms.items():
        question = choose_question(form, what)
        for number, (name, write) in enumerate(cases):
            key = f"{form}: {name} {number}"
            if key not in known:
                rng = np.random.default_rng([number, len(form)])
                ending = ask_one(modules, write, rng, question)
                known[key] = ending._asdict()
                results.write_text(json.dumps(known, indent=1), encoding="utf-8")


def choose_question(form: str, what: str) -> Question:
    """Return what is asked of a file of a form, knowing what the good one holds."""
    if what == "submissions":
        values = submissions.make_grid()["soil_moisture"].to_numpy()
        return partial(ask_submission, expected=values)
    with tempfile.TemporaryDirectory() as root:
        path = Path(root, GIVEN)
        path.write_bytes(deliveries.GOOD[form](Path(root)))
        return partial(ask_delivery, expected=read_account(path))


def ask_one(
    modules: list[ModuleType],
    write: Write,
    rng: np.random.Generator,
    question: Question,
) -> Ending:
    """Write one damaged file and ask about it."""
    with tempfile.TemporaryDirectory() as root:
        path = Path(root, GIVEN)
        write(path, rng)
        ending = ask(modules, partial(question, path))
        if EXECUTED.exists():
            message = f"what a submission holds was executed: {ending}"
            raise RuntimeError(message)
        return ending


HEADS = (
    *("file", "cases", "right data", "refused or accounted for", AS_SAID),
    *(
        "foreign",
        "silent",
        "hang or death",
        "most memory, MB",
        "most processor time, s",
    ),
)


SECTIONS = (
    (
        "Damaged and hostile submissions",
        "submissions",
        "Handed to `open_submission`. Cuts, bits and words of headers by seeds; sizes "
        "of a billion, types, dims, codecs and documents that make no sense, pickles, "
        "bombs, links, pipes and devices once each. Other data are as the file says "
        "where the netCDF library or plain xarray find the same values in it: no "
        "format but packed chunks has a checksum. Nothing was executed. Memory and "
        "processor seconds are those of the process that asks and of the one that "
        "reads, forks that have the libraries already.",
    ),
    (
        "Damaged and hostile zips of deliveries",
        "deliveries",
        "Handed to `somobench validate`. Zips of FLUXNET's sites and of the Climate "
        "Data Store, damaged as those above: cuts and bits by seeds, and names, sizes, "
        "places, methods, links and members that lie, zips in zips, bombs. Accounted "
        "for: what is left out is named with the reason. Before readers were "
        "corrected, three of these defects (a name that isn't UTF-8, none, and a "
        "version to come) ended in errors of a library, and 100,000 columns took 12 s.",
    ),
)


def tabulate(results: dict[str, dict[str, Any]]) -> list[list[object]]:
    """Count the endings of each form."""
    rows: list[list[object]] = []
    for form in dict.fromkeys(key.partition(": ")[0] for key in results):
        endings = [it for key, it in results.items() if key.partition(": ")[0] == form]
        counts = Counter(it["outcome"] for it in endings)
        told = counts[REFUSED] + counts[ACCOUNTED]
        bad = len(endings) - sum(
            counts[it] for it in (SAME, REFUSED, ACCOUNTED, AS_SAID, FOREIGN, SILENT)
        )
        memory = max(max(it["asker"], it["reader"]) for it in endings)
        seconds = f"{max(it['seconds'] for it in endings):.1f}"
        parts = counts[SAME], told, counts[AS_SAID], counts[FOREIGN], counts[SILENT]
        rows.append([form, len(endings), *parts, bad, memory, seconds])
    return rows


def main(results: str, what: str, seeds: str = "10") -> None:
    """Ask about what isn't known yet."""
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    with contextlib.suppress(FileNotFoundError):
        EXECUTED.unlink()
    ask_all(Path(results), what, int(seeds))


if __name__ == "__main__":
    main(*sys.argv[1:])
