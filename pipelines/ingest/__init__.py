"""Stage `ingest`: station archives to one table of sensors and one of their days.

Every file and every value is either used or counted under the reason why not.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.pipelines.ingest.report import (
    Ingested,
    account,
    make_observations_table,
    make_stations_table,
    prefix_archive,
    settle,
)
from somobench.pipelines.ingest.sensor_days import SensorRecord, make_sensor_record
from somobench.pipelines.ingest.summary import summarise_ingest
from somobench.pipelines.inputs import (
    INPUTS_FILE,
    RAW_FOLDER,
    InputRecord,
    verify_inputs,
)
from somobench.pipelines.stations import Rejection, find_station_source
from somobench.pipelines.stations.statics import read_statics
from somobench.progress import tell_step
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
    recipe: Recipe, inputs_file: Path | str, destination: Path | str
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
    source = find_station_source(recipe.stations.source, recipe.stations)
    inputs = verify_inputs(inputs_file, "stations")
    archives = [(record.source, path) for record, path in inputs]
    ingested = read_stations(archives, recipe)
    minimum_count = source.minimum_count or recipe.stations.minimum_count
    report = account(
        ingested, [_describe_archive(record) for record, _ in inputs], minimum_count
    )
    if not report["sensors"]["kept"]:
        raise _make_empty_error(report)
    stations = make_stations_table(ingested.sensors, recipe.grid.resolution)
    observations = make_observations_table(ingested.sensors)
    statics, unread, credited = read_statics(archives, stations)
    report["static_variables"] = {
        "stations": stations["station_id"].nunique(),
        "described": len(statics),
        "rejected_files": [vars(item) for item in unread],
    }
    if credited:
        report["credits"] = credited
    validate_table(stations, SENSORS, STATIONS_FILE)
    validate_table(observations, OBSERVATIONS, OBSERVATIONS_FILE)
    validate_table(statics, STATICS, STATICS_FILE)
    write_parquet(stations, folder / STATIONS_FILE)
    write_parquet(observations, folder / OBSERVATIONS_FILE)
    write_parquet(statics, folder / STATICS_FILE)
    write_json(report, folder / REPORT_FILE)
    return report


def read_stations(archives: list[tuple[str, Path]], recipe: Recipe) -> Ingested:
    """Reduce each file to its days as it is read; series are never kept.

    Each archive is read by the source that its record names. Of several archives,
    files are named with their archive's name before them.
    """
    records: list[SensorRecord] = []
    rejections: list[Rejection] = []
    for name, path in archives:
        source = find_station_source(name, recipe.stations)
        archive = path.name if len(archives) > 1 else None
        for number, found in enumerate(source.read(path, variable="sm"), 1):
            tell_step(f"reading {path.name}, file {number}")
            item = found if archive is None else prefix_archive(archive, found)
            outcome = (
                item
                if isinstance(item, Rejection)
                else make_sensor_record(item, source, recipe)
            )
            if isinstance(outcome, Rejection):
                rejections.append(outcome)
            else:
                records.append(outcome)
    return settle(records, rejections)


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
    report = ingest(load_recipe(), RAW_FOLDER / INPUTS_FILE, DATA)
    sys.stdout.write("\n".join(summarise_ingest(report)) + "\n")
