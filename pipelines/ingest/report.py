"""Tables and counts of the `ingest` stage, from what became of each file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.pipelines.grid import cell_id, locate_cells
from somobench.pipelines.ingest.parts import ROW, load_days
from somobench.pipelines.ingest.places import Position, find_swapped_positions
from somobench.pipelines.ingest.sensor_days import SensorRecord
from somobench.pipelines.stations import (
    FILE_SEPARATOR,
    Note,
    Rejection,
    SensorSeries,
)

ROWS_A_TABLE = 1_000_000  # about 100 MB
STANDS_STILL = "of a sensor that stands still"

DUPLICATE = "duplicate sensor"
SWAPPED = "swapped coordinates"
OUT_OF_ORDER = "rows out of order"


@dataclass(frozen=True)
class Ingested:
    """Every file that was found: a sensor read, or a rejection."""

    sensors: tuple[SensorRecord, ...]
    """Sorted by sensor_id, each once."""
    rejections: tuple[Rejection, ...]


def prefix_archive(
    archive: str, item: SensorSeries | Rejection
) -> SensorSeries | Rejection:
    """Name the archive in front of the files that an item comes from."""
    if isinstance(item, Rejection):
        return replace(item, file=_prefix_files(archive, item.file))
    file = _prefix_files(archive, item.metadata.source_file)
    return replace(item, metadata=replace(item.metadata, source_file=file))


def _prefix_files(archive: str, files: str) -> str:
    names = files.split(FILE_SEPARATOR)
    return FILE_SEPARATOR.join(f"{archive}/{name}" for name in names)


def settle(
    records: Sequence[SensorRecord], rejections: Iterable[Rejection]
) -> Ingested:
    """Reject what only shows beside other files: swapped places, doubled sensors.

    Of two files of one sensor the one with more valid days stays, then the one whose
    name sorts first.
    """
    rejected = list(rejections)
    kept, places = _reject_swapped(records)
    rejected += places
    by_sensor: dict[str, list[SensorRecord]] = defaultdict(list)
    for record in kept:
        by_sensor[record.sensor_id].append(record)
    sensors = []
    for sensor in sorted(by_sensor):
        files = sorted(
            by_sensor[sensor],
            key=lambda record: (-record.valid_days, record.metadata.source_file),
        )
        sensors.append(files[0])
        rejected += [_reject_duplicate(record, files[0]) for record in files[1:]]
    rejected.sort(key=lambda rejection: (rejection.file, rejection.reason))
    return Ingested(tuple(sensors), tuple(rejected))


def _get_position(record: SensorRecord) -> Position:
    return record.metadata.latitude, record.metadata.longitude


def _reject_swapped(
    records: Sequence[SensorRecord],
) -> tuple[list[SensorRecord], list[Rejection]]:
    positions: dict[str, list[Position]] = defaultdict(list)
    for record in records:
        positions[record.metadata.network].append(_get_position(record))
    swapped = find_swapped_positions(positions)
    kept, rejected = [], []
    for record in records:
        nearest = swapped.get((record.metadata.network, _get_position(record)))
        if nearest is None:
            kept.append(record)
            continue
        rejected.append(
            Rejection(
                record.metadata.source_file,
                SWAPPED,
                "latitude {}, longitude {}".format(*_get_position(record)),
                "a place near the network's, such as {}, {}".format(*nearest),
            )
        )
    return kept, rejected


def _reject_duplicate(record: SensorRecord, kept: SensorRecord) -> Rejection:
    return Rejection(
        record.metadata.source_file,
        DUPLICATE,
        f"{record.valid_days} valid days of {record.sensor_id}",
        f"one file a sensor; {kept.metadata.source_file} has {kept.valid_days}",
    )


def make_stations_table(
    sensors: Sequence[SensorRecord], resolution: float
) -> pd.DataFrame:
    """Tabulate every sensor that was read, used or not (schema `SENSORS`).

    `start` and `end` are the first and last day of the file's rows as delivered.
    """
    places = np.array([_get_position(record) for record in sensors]).reshape(-1, 2)
    centres = locate_cells(places[:, 0], places[:, 1], resolution)
    metadata = [record.metadata for record in sensors]
    columns: dict[str, tuple[Any, str]] = {
        "sensor_id": ([record.sensor_id for record in sensors], "str"),
        "station_id": ([record.station_id for record in sensors], "str"),
        "network": ([item.network for item in metadata], "str"),
        "station": ([item.station for item in metadata], "str"),
        "sensor": ([item.sensor for item in metadata], "str"),
        "latitude": (places[:, 0], "float64"),
        "longitude": (places[:, 1], "float64"),
        "elevation": ([item.elevation for item in metadata], "float64"),
        "depth_from": ([item.depth_from for item in metadata], "float64"),
        "depth_to": ([item.depth_to for item in metadata], "float64"),
        "depth_from_cm": ([record.depth_from_cm for record in sensors], "int16"),
        "depth_to_cm": ([record.depth_to_cm for record in sensors], "int16"),
        "layer": ([record.layer for record in sensors], "int8"),
        "cell_id": (cell_id(*centres).tolist(), "str"),
        "day_definition": ([record.day_definition for record in sensors], "str"),
        "start": ([record.start for record in sensors], "datetime64[ns]"),
        "end": ([record.end for record in sensors], "datetime64[ns]"),
        "valid_days": ([record.valid_days for record in sensors], "int32"),
        "value_count": ([record.good for record in sensors], "int32"),
        "source_file": ([item.source_file for item in metadata], "str"),
    }
    return pd.DataFrame(
        {
            name: pd.Series(values, dtype=dtype)
            for name, (values, dtype) in columns.items()
        }
    )


def list_used(sensors: Sequence[SensorRecord]) -> list[SensorRecord]:
    """List the sensors whose days are used."""
    return [record for record in sensors if record.drop_reason is None]


def make_observations_tables(
    sensors: Sequence[SensorRecord], folder: Path, rows: int = ROWS_A_TABLE
) -> Iterator[pd.DataFrame]:
    """Tabulate the valid days of the sensors that are used, some sensors at a time.

    Parameters
    ----------
    sensors : sorted by sensor_id
    folder : Path
        Holds their days, in parts.
    rows : int
        A table ends with the sensor that brings it to so many.

    Yields
    ------
    DataFrame
        Schema `OBSERVATIONS`; one table without rows if no sensor is used.
    """
    waiting: list[SensorRecord] = []
    count = 0
    for record in list_used(sensors):
        waiting.append(record)
        count += record.valid_days
        if count >= rows:
            yield _tabulate_days(waiting, folder)
            waiting, count = [], 0
    if waiting or not list_used(sensors):
        yield _tabulate_days(waiting, folder)


def _tabulate_days(used: Sequence[SensorRecord], folder: Path) -> pd.DataFrame:
    repeats = [record.valid_days for record in used]
    ids = pd.Series([record.sensor_id for record in used], dtype="str")
    places = (record.days for record in used)
    days = np.concatenate([np.empty(0, ROW), *load_days(places, folder)])
    return pd.DataFrame(
        {
            "sensor_id": ids.array.take(np.repeat(np.arange(len(used)), repeats)),
            "time": days["day"].astype("datetime64[D]").astype("datetime64[ns]"),
            "soil_moisture": days["mean"],
            "observation_count": days["count"],
        }
    )


def account(
    ingested: Ingested, archives: list[dict[str, Any]], minimum_count: int
) -> dict[str, Any]:
    """Count what was kept and dropped; every total adds up.

    `files.found = files.read + files.rejected`, where a rejected file gave no sensor;
    every sensor read is kept or dropped for one reason; `values.read = values.good +
    sum(values.dropped)`; a day is a date with a good value, and is kept or dropped
    for one reason. `notes` says by kind where an archive contradicts itself and what
    counts, as `{"found", "used", "sensors"}`.
    """
    sensors = ingested.sensors
    dropped = [record for record in sensors if record.drop_reason is not None]
    used = list_used(sensors)
    days = Counter(
        {f"fewer than {minimum_count} good values": _count_days_below(sensors)}
    )
    days[STANDS_STILL] = sum(record.days_standing for record in sensors)
    for record in dropped:
        days[f"sensor {record.drop_reason}"] += record.valid_days
    values = sum((record.dropped for record in sensors), Counter[str]())
    reasons = Counter(item.reason for item in ingested.rejections)
    return {
        "archives": archives,
        "files": _count_files(ingested),
        "rejected_files": [vars(item) for item in ingested.rejections],
        "rejected_by_reason": dict(reasons),
        "values": {
            "read": sum(record.read for record in sensors),
            "good": sum(record.good for record in sensors),
            "dropped": dict(values),
        },
        "days": {
            "kept": sum(record.valid_days for record in used),
            "dropped": {reason: count for reason, count in days.items() if count},
        },
        "sensors": {
            "kept": len(used),
            "dropped": dict(Counter(str(record.drop_reason) for record in dropped)),
        },
        "dropped_sensors": [
            {"sensor_id": record.sensor_id, "reason": record.drop_reason}
            for record in dropped
        ],
        "repaired": {OUT_OF_ORDER: sum(record.out_of_order for record in sensors)},
        "notes": count_notes(note for record in sensors for note in record.notes),
    }


def count_notes(notes: Iterable[Note]) -> dict[str, list[dict[str, Any]]]:
    """Count equal notes, by kind."""
    counted: dict[str, list[dict[str, Any]]] = {}
    for note, count in sorted(Counter(notes).items()):
        entry = {"found": note.found, "used": note.used, "sensors": count}
        counted.setdefault(note.kind, []).append(entry)
    return counted


def _count_files(ingested: Ingested) -> dict[str, int]:
    read = {
        file
        for record in ingested.sensors
        for file in record.metadata.source_file.split(FILE_SEPARATOR)
    }
    rejected = {
        file
        for rejection in ingested.rejections
        for file in rejection.file.split(FILE_SEPARATOR)
    } - read
    return {
        "found": len(read) + len(rejected),
        "read": len(read),
        "rejected": len(rejected),
    }


def _count_days_below(sensors: Sequence[SensorRecord]) -> int:
    return sum(record.days_below for record in sensors)
