"""One example a layer: monthly means of a target beside its sensors.

Pure: picks the cell with most sensors in its target; nothing about it is typical.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.release.report.station_numbers import (
    GAP_FILLING,
    PRIMARY,
    SensorDays,
)
from somobench.pipelines.release.report.statistics import round_number

MINIMUM_DAYS = 10  # of a month, for a mean that may be drawn
FILLING_SHOWN = 3  # gap-filling sensors drawn beside the primary


def choose_examples(report: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Return, by layer, the target with most gap-filling sensors; first id of equals.

    A layer without any gap-filling sensor has no example.
    """
    chosen: dict[int, dict[str, Any]] = {}
    ordered = sorted(
        report["sources"], key=lambda row: (-len(row[GAP_FILLING]), row["cell_id"])
    )
    for source in ordered:
        if source[GAP_FILLING]:
            chosen.setdefault(source["layer"], source)
    return chosen


def list_sensors_shown(source: Mapping[str, Any]) -> list[str]:
    """Return the sensors of an example that are drawn: the primary first."""
    return [source[PRIMARY], *source[GAP_FILLING][:FILLING_SHOWN]]


def average_by_month(
    source: Mapping[str, Any], targets: xr.Dataset, sensors: Mapping[str, SensorDays]
) -> dict[str, Any]:
    """Average a target, its primary and up to three filling sensors by month.

    Parameters
    ----------
    source : a row of `sources` of targets.json
    targets : schema TARGETS
    sensors : by id, at least those that `sensors_shown` names

    Returns
    -------
    dict
        `cell_id`, `months` (year-month), `filling_sensors` (all of them), and
        `series`: role, sensor_id (None for the target) and `means`, m3 m-3 unscaled;
        None in a month with fewer than ten days.
    """
    days = pd.DatetimeIndex(targets.get_index("time"))
    place = {"layer": source["layer"], "cell": source["cell_id"]}
    target = targets["soil_moisture_in_situ"].sel(place).to_numpy().astype(np.float64)
    series = [_series("target", None, target, days)]
    for name in list_sensors_shown(source):
        role = PRIMARY if name == source[PRIMARY] else GAP_FILLING
        values = np.full(len(days), np.nan)
        values[sensors[name].position] = sensors[name].values
        series.append(_series(role, name, values, days))
    return {
        "cell_id": source["cell_id"],
        "months": days.strftime("%Y-%m").unique().tolist(),
        "filling_sensors": len(source[GAP_FILLING]),
        "series": series,
    }


def _series(
    role: str, sensor: str | None, values: NDArray[np.float64], days: pd.Index
) -> dict[str, Any]:
    month = pd.PeriodIndex(days, freq="M")
    grouped = pd.Series(values).groupby(month.astype(str), sort=False)
    means = grouped.mean().where(grouped.count() >= MINIMUM_DAYS)
    return {
        "role": role,
        "sensor_id": sensor,
        "means": [round_number(value, 4) for value in means],
    }
