"""Targets against the stations behind and beside them.

Pure but for reading observations, sensor by sensor: a large release has tens of
millions of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.release.report.statistics import (
    MINIMUM_PAIRS,
    Floats,
    correlate_rows,
    round_number,
    summarise,
)

PRIMARY = "primary"
GAP_FILLING = "gap-filling"
UNUSED = "accepted, filled no day"
FINE_DIGITS = 9  # targets keep up to seven decimals; their rounding must show
ROWS_A_BATCH = 1_000_000
DAY = 86_400_000_000_000  # ns


class SensorDays(NamedTuple):
    """Daily values of a sensor, m3 m-3, and their positions among the days."""

    sensor_id: str
    position: NDArray[np.int64]
    values: Floats


class Comparison(NamedTuple):
    """One sensor beside the target of its layer and cell.

    `correlation` and `mean_difference` (sensor less target, m3 m-3) are those of the
    days that the primary gave, NaN if these are too few; `largest_difference` is over
    the same days.
    """

    layer: int
    cell_id: str
    role: str
    correlation: float
    mean_difference: float
    largest_difference: float


def read_sensor_days(path: Path, first_day: np.datetime64) -> Iterator[SensorDays]:
    """Give the sensors of an observations table one by one, in its order.

    Rows are read a million at a time: memory is that of a batch and a sensor.
    """
    parts: list[SensorDays] = []
    for part in _parts(path, first_day):
        if parts and parts[0].sensor_id != part.sensor_id:
            yield _whole(parts)
            parts = []
        parts.append(part)
    if parts:
        yield _whole(parts)


def _parts(path: Path, first_day: np.datetime64) -> Iterator[SensorDays]:
    """Give runs of rows of one sensor; a sensor may go on in the next batch."""
    columns = ["sensor_id", "time", "soil_moisture"]
    with pq.ParquetFile(path, read_dictionary=columns[:1]) as file:
        for batch in file.iter_batches(ROWS_A_BATCH, columns=columns):
            names, times, values = batch.columns
            codes = names.indices.to_numpy()
            since = times.to_numpy(zero_copy_only=False).astype("datetime64[ns]")
            position = (since - first_day).astype(np.int64) // DAY
            edges = [0, *(np.flatnonzero(np.diff(codes)) + 1), len(codes)]
            for start, stop in pairwise(edges):
                rows = slice(start, stop)
                name = names.dictionary[int(codes[start])].as_py()
                yield SensorDays(name, position[rows], values.to_numpy()[rows])


def _whole(parts: list[SensorDays]) -> SensorDays:
    return SensorDays(
        parts[0].sensor_id,
        np.concatenate([part.position for part in parts]),
        np.concatenate([part.values for part in parts]),
    )


def list_roles(report: Mapping[str, Any]) -> dict[str, str]:
    """Return what became of each sensor that `targets.json` names."""
    roles = {row["sensor_id"]: row["reason"] for row in report["rejected_sensors"]}
    for source in report["sources"]:
        roles[source[PRIMARY]] = PRIMARY
        roles |= dict.fromkeys(source[GAP_FILLING], GAP_FILLING)
    return roles


def compare_sensors(
    path: Path,
    stations: pd.DataFrame,
    targets: xr.Dataset,
    roles: Mapping[str, str],
) -> Iterator[Comparison]:
    """Compare every sensor with the unscaled target of its layer and cell.

    Days that another series filled are left out: there the target is a filling
    sensor's own value, moved to the primary's mean and variance.

    Parameters
    ----------
    path : of observations.parquet
    stations : table SENSORS
    targets : schema TARGETS
    roles : by sensor_id; a sensor without one was accepted and filled no day
    """
    places = _places(stations, targets)
    first_day = targets["time"].to_numpy().astype("datetime64[ns]")[0]
    measured = _given_by_the_primary(targets)
    layers = targets["layer"].to_numpy().tolist()
    cells = targets["cell"].to_numpy().astype(str)
    has_target = np.isfinite(targets["scale_slope"].to_numpy())
    for sensor in read_sensor_days(path, first_day):
        place = places.get(sensor.sensor_id)
        if place is None or not has_target[place]:
            continue
        beside = measured[place][sensor.position].astype(np.float64)
        yield Comparison(
            layers[place[0]],
            cells[place[1]],
            roles.get(sensor.sensor_id, UNUSED),
            *_against(sensor.values, beside),
        )


def _places(stations: pd.DataFrame, targets: xr.Dataset) -> dict[str, tuple[int, int]]:
    """Return the position of each sensor's layer and cell in the grid of targets."""
    layers, cells = targets.get_index("layer"), targets.get_index("cell").astype(str)
    layer = layers.get_indexer(pd.Index(stations["layer"]))
    cell = cells.get_indexer(pd.Index(stations["cell_id"]))
    return {
        str(name): (int(row), int(column))
        for name, row, column in zip(stations["sensor_id"], layer, cell, strict=True)
        if row >= 0 and column >= 0
    }


def _given_by_the_primary(targets: xr.Dataset) -> NDArray[np.float32]:
    order = ("layer", "cell", "time")
    values = targets["soil_moisture_in_situ"].transpose(*order).to_numpy()
    filled = targets["is_gapfilled"].transpose(*order).to_numpy()
    return np.where(filled == 0, values, np.float32(np.nan))


def _against(values: Floats, target: Floats) -> tuple[float, float, float]:
    correlation, pairs = correlate_rows(values[None, :], target[None, :])
    difference = (values - target)[np.isfinite(target)]
    largest = float(np.abs(difference).max()) if difference.size else float("nan")
    enough = pairs[0] >= MINIMUM_PAIRS
    mean = float(difference.mean()) if enough else float("nan")
    return float(correlation[0]), mean, largest


def summarise_by_role(comparisons: list[Comparison]) -> dict[str, Any]:
    """Summarise the comparisons of a layer by what became of the sensors.

    Returns
    -------
    dict
        By role: `sensors`, `cells`, `compared` (with at least 90 common days), and
        summaries of `correlation` and `mean_difference`. Of primaries, whose values
        the target is made of, only the largest difference.
    """
    groups: dict[str, list[Comparison]] = defaultdict(list)
    for item in comparisons:
        groups[item.role].append(item)
    return {role: _group(role, groups[role]) for role in sorted(groups)}


def _group(role: str, items: list[Comparison]) -> dict[str, Any]:
    counts = {"sensors": len(items), "cells": len({item.cell_id for item in items})}
    if role == PRIMARY:
        largest = np.fmax.reduce([item.largest_difference for item in items])
        return counts | {"largest_difference": round_number(largest, FINE_DIGITS)}
    differences = summarise([item.mean_difference for item in items])
    return counts | {
        "compared": differences["count"],
        "correlation": summarise([item.correlation for item in items]),
        "mean_difference": differences,
    }


def describe_several_sources(
    targets: xr.Dataset, layer: int, comparisons: list[Comparison]
) -> dict[str, Any]:
    """Describe the cells of a layer with two or more accepted sensors.

    Returns
    -------
    dict
        `cells` of the layer, `cells_with_several`, `sensors` (primary and accepted, of
        these cells), `spread` (of station means, relative) and `correlation` (of each
        accepted sensor with its primary): summaries.
    """
    one = targets.sel(layer=layer)
    accepted = one["accepted_count"].to_numpy()
    several = accepted > 0
    pairs = [item.correlation for item in comparisons if item.role in _ACCEPTED]
    return {
        "cells": int(np.isfinite(one["scale_slope"].to_numpy()).sum()),
        "cells_with_several": int(several.sum()),
        "sensors": summarise(accepted[several] + 1),
        "spread": summarise(one["station_spread"].to_numpy()[several]),
        "correlation": summarise(pairs),
    }


_ACCEPTED = (GAP_FILLING, UNUSED)
