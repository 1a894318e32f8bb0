"""Stage `ingest`: station archives to one table of sensors and one of their days.

Every file and every value is either used or counted under the reason why not.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.catalog.storage.atomic import (
    write_json,
    write_parquet,
    write_parquet_parts,
)
from somobench.catalog.storage.processors import count_cores
from somobench.pipelines.ingest.parts import make_parts_folder
from somobench.pipelines.ingest.reading import read_stations
from somobench.pipelines.ingest.report import (
    Ingested,
    account,
    make_observations_tables,
    make_stations_table,
)
from somobench.pipelines.ingest.summary import summarise_ingest
from somobench.pipelines.inputs import (
    INPUTS_FILE,
    RAW_FOLDER,
    InputRecord,
    verify_inputs,
)
from somobench.pipelines.stations import find_station_source
from somobench.pipelines.stations.statics import read_statics
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import OBSERVATIONS, SENSORS, STATICS
from somobench.schemas.validate import validate_table

DATA = Path("data")
STATIONS_FILE = "stations.parquet"
OBSERVATIONS_FILE = "observations.parquet"
STATICS_FILE = "statics.parquet"
REPORT_FILE = "ingest.json"


def ingest(
    recipe: Recipe,
    inputs_file: Path | str,
    destination: Path | str,
    *,
    processes: int = 1,
) -> dict[str, Any]:
    """Read the recipe's station archives and write sensors, days and the account.

    Parameters
    ----------
    recipe : Recipe
    inputs_file : path
        Record of the `raw` stage; size and sha256 of each archive are checked.
    destination : path
        Folder that gets `stations.parquet`, `observations.parquet`,
        `statics.parquet` and `ingest.json`.
    processes : int
        At once; the result doesn't depend on it.

    Returns
    -------
    dict
        Content of `ingest.json`.

    Raises
    ------
    InputError
        If an archive is absent, damaged or hostile, or no sensor is usable.
    IntegrityError
        If an archive is not the one that was recorded.
    ValidationError
        If a table breaks its schema.
    """
    folder = Path(destination)
    inputs = verify_inputs(inputs_file, "stations")
    with make_parts_folder(folder) as parts:
        return _ingest_archives(recipe, inputs, folder, (parts, processes))


def _ingest_archives(
    recipe: Recipe,
    inputs: list[tuple[InputRecord, Path]],
    folder: Path,
    work: tuple[Path, int],
) -> dict[str, Any]:
    """Read, account and write, with a folder for parts and a number of processes."""
    parts, processes = work
    source = find_station_source(recipe.stations.source, recipe.stations)
    archives = [(record.source, path) for record, path in inputs]
    ingested = read_stations(archives, recipe, parts, processes=processes)
    minimum_count = source.minimum_count or recipe.stations.minimum_count
    report = account(
        ingested, [_describe_archive(record) for record, _ in inputs], minimum_count
    )
    if not report["sensors"]["kept"]:
        raise _make_empty_error(report)
    stations = make_stations_table(ingested.sensors, recipe.grid.resolution)
    statics, unread, credited = read_statics(archives, stations)
    report["static_variables"] = {
        "stations": stations["station_id"].nunique(),
        "described": len(statics),
        "rejected_files": [vars(item) for item in unread],
    }
    if credited:
        report["credits"] = credited
    validate_table(stations, SENSORS, STATIONS_FILE)
    validate_table(statics, STATICS, STATICS_FILE)
    write_parquet_parts(
        partial(_make_observations, ingested, parts), folder / OBSERVATIONS_FILE
    )
    write_parquet(stations, folder / STATIONS_FILE)
    write_parquet(statics, folder / STATICS_FILE)
    write_json(report, folder / REPORT_FILE)
    return report


def _make_observations(ingested: Ingested, parts: Path) -> Iterator[pd.DataFrame]:
    for table in make_observations_tables(ingested.sensors, parts):
        yield validate_table(table, OBSERVATIONS, OBSERVATIONS_FILE)


def _describe_archive(record: InputRecord) -> dict[str, object]:
    return {"name": record.name, "size": record.size, "sha256": record.sha256}


def _make_empty_error(report: dict[str, dict[str, dict[str, int]]]) -> InputError:
    reasons = Counter(report["rejected_by_reason"]) + Counter(
        report["sensors"]["dropped"]
    )
    listed = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
    return InputError(
        "station archives",
        found=f"no usable soil-moisture sensor ({listed or 'no station file'})",
        expected="at least one sensor in a layer with enough valid days",
    )


def main() -> None:
    """Run the stage on the recipe in `params.yaml`."""
    report = ingest(
        load_recipe(), RAW_FOLDER / INPUTS_FILE, DATA, processes=count_cores()
    )
    sys.stdout.write("\n".join(summarise_ingest(report)) + "\n")
