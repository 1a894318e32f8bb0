"""Targets against the stations behind and beside them.

Pure but for reading observations, which is done one column at a time with sensors as
codes: a large release has tens of millions of rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.report_statistics import (
    MINIMUM_PAIRS,
    Floats,
    row_correlations,
    summary,
)

PRIMARY = "primary"
GAP_FILLING = "gap-filling"
UNUSED = "accepted, filled no day"
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
    """Give the sensors of an observations table one by one, in its order."""
    table = pq.read_table(
        path,
        columns=["sensor_id", "time", "soil_moisture"],
        read_dictionary=["sensor_id"],
    ).to_pandas()
    codes = table["sensor_id"].cat.codes.to_numpy()
    names = table["sensor_id"].cat.categories
    since = table["time"].to_numpy("datetime64[ns]") - first_day
    position = since.astype(np.int64) // DAY
    values = table["soil_moisture"].to_numpy(np.float64)
    edges = np.flatnonzero(np.diff(codes)) + 1
    for start, stop in zip([0, *edges], [*edges, len(codes)], strict=True):
        if stop > start:
            rows = slice(start, stop)
            yield SensorDays(str(names[codes[start]]), position[rows], values[rows])


def roles_of(report: Mapping[str, Any]) -> dict[str, str]:
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


def _places(
    stations: pd.DataFrame, targets: xr.Dataset
) -> dict[str, tuple[int, int]]:
    """Return the position of each sensor's layer and cell in the grid of targets."""
    layer = targets.get_index("layer").get_indexer(pd.Index(stations["layer"]))
    cell = targets.get_index("cell").astype(str).get_indexer(stations["cell_id"])
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
    correlation, pairs = row_correlations(values[None, :], target[None, :])
    difference = (values - target)[np.isfinite(target)]
    largest = float(np.abs(difference).max()) if difference.size else float("nan")
    enough = pairs[0] >= MINIMUM_PAIRS
    mean = float(difference.mean()) if enough else float("nan")
    return float(correlation[0]), mean, largest


def by_role(comparisons: list[Comparison]) -> dict[str, Any]:
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
        differences = summary([item.largest_difference for item in items])
        return counts | {"largest_difference": differences.get("maximum")}
    differences = summary([item.mean_difference for item in items])
    return counts | {
        "compared": differences["count"],
        "correlation": summary([item.correlation for item in items]),
        "mean_difference": differences,
    }


def several_sources(
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
        "sensors": summary(accepted[several] + 1),
        "spread": summary(one["station_spread"].to_numpy()[several]),
        "correlation": summary(pairs),
    }


_ACCEPTED = (GAP_FILLING, UNUSED)
