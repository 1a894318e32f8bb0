"""Read raw stations or meteorology as a build would and print the account as JSON.

Run as `python -m somobench.pipelines.tools.check_archive PATH [KIND [RECIPE]]`, KIND
`archive` (of stations, by default) or `meteorology`. Every file is read or named with
the reason; every value of a station is counted as good or under the reason why not.
No other file is read, and none written outside the folder of temporary files.
Values are held to ISMN's good flag; the period is not limited.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from somobench.pipelines.forcing.era5.account import account_for
from somobench.pipelines.ingest.report import count_notes
from somobench.pipelines.stage import run_stage
from somobench.pipelines.stations import (
    Note,
    Rejection,
    find_station_source,
)
from somobench.pipelines.stations.archive import open_archive
from somobench.pipelines.stations.daily import reject_other_unit
from somobench.pipelines.stations.selection import select_good
from somobench.recognise import METEOROLOGY, STATION_FILE
from somobench.schemas.errors import UsageError
from somobench.schemas.recipe import CSV, Recipe, load_recipe
from somobench.submissions.confine import confine

GOOD_FLAGS = ("G",)
SAMPLE_NAME = "NET_NET_ONE_sm_0.05_0.05_PROBE_20200101_20200102.stm"
SAMPLE = "NET NET ONE 50.0 10.0 100.0 0.05 0.05 PROBE\n2020/01/01 00:00 0.1 G M\n"
FIRST, LAST = np.datetime64("1900-01-01"), np.datetime64("2199-12-31")
ARCHIVE_READERS = (("crnh0203", "uscrn_hourly"), ("crn", "uscrn"))
"""Begin of the names of USCRN's products."""
FLUXNET = re.compile(r"[a-z]+_[a-z]{2}-\w+_fluxnet(2015)?_.*\.(csv|zip)")
"""Names of flux towers' files, or of a site's zip; anything else is read as ISMN, or as
CSV where there is no file of ISMN."""


def check_archive(
    path: Path, variable: str = "sm", recipe: Recipe | None = None
) -> dict[str, Any]:
    """Account for every file and value of an archive.

    Parameters
    ----------
    path : Path
        Zip or folder, ISMN, USCRN, FLUXNET or CSV; or one CSV file.
    variable : str
        The source's code, `sm` by default.
    recipe : Recipe, optional
        Whose positions of sites count where the archive has none.

    Returns
    -------
    dict
        `reader`; `files` found, read, rejected; `rejected_files` with reason, found
        and expected; `values` read, good and dropped by reason; `sensors`; `notes` by
        kind, where the archive contradicts itself and what counts.

    Raises
    ------
    InputError
        If the archive as a whole is damaged or hostile.
    """
    reader = _recognise_reader(path)
    source = find_station_source(reader, None if recipe is None else recipe.stations)
    flags = GOOD_FLAGS if source.has_flags else None
    dropped: Counter[str] = Counter()
    rejections: list[Rejection] = []
    notes: list[Note] = []
    read = good = sensors = out_of_order = 0
    for item in source.read(path, variable=variable):
        outcome = (
            item
            if isinstance(item, Rejection)
            else reject_other_unit(item, flags) or item
        )
        if isinstance(outcome, Rejection):
            rejections.append(outcome)
            continue
        kept = select_good(outcome, good_flags=flags, start=FIRST, end=LAST)
        sensors += 1
        read += len(outcome.values)
        good += len(kept.values)
        dropped += kept.dropped
        out_of_order += kept.out_of_order
        notes += outcome.notes
    return {
        "reader": reader,
        "files": {
            "found": sensors + len(rejections),
            "read": sensors,
            "rejected": len(rejections),
        },
        "rejected_files": [vars(item) for item in rejections],
        "rejected_by_reason": dict(Counter(item.reason for item in rejections)),
        "values": {"read": read, "good": good, "dropped": dict(dropped)},
        "sensors": sensors,
        "repaired": {"rows out of order": out_of_order},
        "notes": count_notes(notes),
    }


def _recognise_reader(path: Path) -> str:
    if path.is_file() and path.suffix == CSV:
        return "csv"
    with open_archive(path) as archive:
        names = [item.name.rpartition("/")[2].lower() for item in archive.members]
    for name in names:
        for begin, reader in ARCHIVE_READERS:
            if name.startswith(begin):
                return reader
        if FLUXNET.fullmatch(name):
            return "fluxnet"
    is_csv = not any(name.endswith(STATION_FILE) for name in names) and any(
        name.endswith(CSV) for name in names
    )
    return "csv" if is_csv else "ismn"


def load_loops() -> None:
    """Load the compiled loops of readers, or compile and keep them.

    A confined process can neither keep what it compiles nor go on without.
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / SAMPLE_NAME).write_text(SAMPLE, encoding="ascii")
        check_archive(Path(folder))


def main() -> None:
    """Print the account of the archive, or of the meteorology, that is named."""
    if not 2 <= len(sys.argv) <= 4:  # noqa: PLR2004 - the program and its arguments
        raise UsageError(
            "arguments",
            found=" ".join(sys.argv[1:]) or "none",
            expected="a path, what it holds, and a recipe that is meant for it",
        )
    given, kind, recipe = (*sys.argv[1:], *(None,) * 2)[:3]
    path = Path(str(given))
    meant_for = None if recipe is None else load_recipe(recipe)
    if kind != METEOROLOGY:
        load_loops()
    confine(path.resolve(), Path(tempfile.gettempdir()))
    if kind == METEOROLOGY:
        account = account_for(path, meant_for)
    else:
        account = check_archive(path, recipe=meant_for)
    sys.stdout.write(json.dumps(account, indent=2) + "\n")


if __name__ == "__main__":
    run_stage(main)
