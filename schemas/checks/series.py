"""Series that stand still, and series that jump to another level and stay there.

Limits lie beyond what good data show, so that what fails is wrong. Measured on daily
values of 713 real and virtual sensors (Hamburg 2010-2016, Hawaii 2005-2025, USCRN 2020,
virtual): the longest run of one value is 32 days inside a sensor's range (USCRN, which
delivers three decimals) and 77 days at its lowest value (a dry season at the residual
water content). The largest step, by the rule below, is 0.20 m3 m-3 (a first rain).
Shorter stillness and smaller steps happen in soil; they are the quality flags' affair
(Dorigo and others 2013, doi:10.2136/vzj2012.0097, flags D06 to D10).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandera.api.checks import Check

from somobench.schemas.checks import check_whole

STUCK_DAYS = 60  # values in a row inside the range of their series
STUCK_AT_MINIMUM_DAYS = 120  # values in a row at the lowest of their series
STUCK_ALWAYS_DAYS = 30  # values of a series that has only one
SAME = 5e-6  # m3 m-3, K, ...: values are published to five decimals
STEP = 0.25  # m3 m-3
STEP_DAYS = 30  # values on either side
BLOCK = 256  # series looked at together

Floats = NDArray[np.floating[Any]]
Integers = NDArray[np.integer[Any]]


def find_first_stuck(
    values: Floats, series: Integers, *, may_rest_at_zero: bool = False
) -> tuple[int, int] | None:
    """Find a series that keeps one value for too long.

    Parameters
    ----------
    values : (N,) finite, series one after the other, in time order
    series : (N,) number of the series, not decreasing
    may_rest_at_zero : bool
        Runs of zero are allowed: a dry season without rain, a polar night.

    Returns
    -------
    tuple of int, or None
        Position of the run's first value, and its length.
    """
    breaks = np.ones(len(values), dtype=bool)
    breaks[1:] = np.abs(np.diff(values)) >= SAME
    breaks[1:] |= series[1:] != series[:-1]
    first = np.flatnonzero(breaks)
    lengths = np.diff(first, append=len(values))
    for run in np.flatnonzero(lengths >= STUCK_ALWAYS_DAYS).tolist():
        start, length = int(first[run]), int(lengths[run])
        if may_rest_at_zero and values[start] == 0:
            continue
        if length > _count_allowed_days(values, series, start, length):
            return start, length
    return None


def _count_allowed_days(
    values: Floats, series: Integers, start: int, length: int
) -> int:
    begin, end = np.searchsorted(series, [series[start], series[start] + 1])
    if length == end - begin:
        return STUCK_ALWAYS_DAYS - 1
    lowest = values[begin:end].min()
    return STUCK_AT_MINIMUM_DAYS if values[start] < lowest + SAME else STUCK_DAYS


def find_first_step(values: Floats, series: Integers, days: Integers) -> int | None:
    """Find a jump from one day to the next that divides 30 values from 30 values.

    Returns
    -------
    int or None
        Position of the first value after it: all of the 30 from there lie more than
        `STEP` above, or below, all of the 30 before.
    """
    near = (np.diff(days) == 1) & (series[1:] == series[:-1])
    jumps = np.flatnonzero(near & (np.abs(np.diff(values)) > STEP)) + 1
    for at in jumps.tolist():
        start, stop = at - STEP_DAYS, at + STEP_DAYS
        if start < 0 or stop > len(values) or series[start] != series[stop - 1]:
            continue
        before, after = values[start:at], values[at:stop]
        rise, fall = after.min() - before.max(), before.min() - after.max()
        if max(rise, fall) > STEP:
            return at
    return None


def _arrange_rows(frame: pd.DataFrame) -> tuple[Floats, Integers, Integers]:
    """Values, sensor number and day of each row."""
    sensors = frame["sensor_id"].array
    changes = np.zeros(len(frame), dtype=np.int64)
    changes[1:] = np.asarray(sensors[1:] != sensors[:-1], dtype=bool)
    days = frame["time"].to_numpy().astype("datetime64[D]").astype(np.int64)
    return frame["soil_moisture"].to_numpy(), np.cumsum(changes), days


def _find_stuck_sensor(frame: pd.DataFrame) -> str | None:
    values, sensors, _ = _arrange_rows(frame)
    found = find_first_stuck(values, sensors)
    if found is None:
        return None
    row, length = found
    return (
        f"{frame['sensor_id'].iloc[row]} is {values[row]:.5f} on {length} days in a "
        f"row from {frame['time'].iloc[row]:%Y-%m-%d}"
    )


def _find_stepping_sensor(frame: pd.DataFrame) -> str | None:
    values, sensors, days = _arrange_rows(frame)
    row = find_first_step(values, sensors, days)
    if row is None:
        return None
    return (
        f"{frame['sensor_id'].iloc[row]} goes from {values[row - 1]:.5f} to "
        f"{values[row]:.5f} on {frame['time'].iloc[row]:%Y-%m-%d} and stays there"
    )


_COLUMNS = ("sensor_id", "time", "soil_moisture")
NO_STUCK_SENSOR = check_whole(
    f"no sensor at one value for more than {STUCK_DAYS} days in a row",
    _find_stuck_sensor,
    needs=_COLUMNS,
)
NO_STEP_OF_A_SENSOR = check_whole(
    f"no step of a sensor by more than {STEP} m3 m-3 that lasts {STEP_DAYS} days",
    _find_stepping_sensor,
    needs=_COLUMNS,
)


def _iterate_blocks(
    values: xr.DataArray,
) -> Iterator[tuple[int, Floats, Integers, Integers]]:
    """First series, then finite values, their series and their days, block by block."""
    array = values.transpose(..., "time").to_numpy()
    rows = array.reshape(-1, array.shape[-1])
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        series, days = np.nonzero(np.isfinite(block))
        yield start, block[series, days], series, days


def _describe_value(values: xr.DataArray, row: int, day: int) -> str:
    """Layer, cell and day of a value."""
    ordered = values.transpose(..., "time")
    places = np.unravel_index(row, ordered.shape[:-1])
    named = [
        f"{dim} {ordered[dim].to_numpy()[place]}"
        for dim, place in zip(ordered.dims, places, strict=False)
    ]
    return ", ".join([*named, str(ordered["time"].to_numpy()[day])[:10]])


def check_stuck_series(name: str, *, may_rest_at_zero: bool = False) -> Check:
    """Return a check that no series of a grid's variable stands still."""

    def find(dataset: xr.Dataset) -> str | None:
        values = dataset[name]
        for start, finite, series, days in _iterate_blocks(values):
            found = find_first_stuck(finite, series, may_rest_at_zero=may_rest_at_zero)
            if found is not None:
                at, length = found
                where = _describe_value(values, start + int(series[at]), int(days[at]))
                return f"{finite[at]:.5f} on {length} days in a row from {where}"
        return None

    return check_whole(
        f"no {name} at one value for more than {STUCK_DAYS} days", find, needs=(name,)
    )


def _find_stepping_series(dataset: xr.Dataset) -> str | None:
    values = dataset["soil_moisture_in_situ"]
    for start, finite, series, days in _iterate_blocks(values):
        at = find_first_step(finite, series, days)
        if at is not None:
            where = _describe_value(values, start + int(series[at]), int(days[at]))
            return f"from {finite[at - 1]:.5f} to {finite[at]:.5f} at {where}"
    return None


NO_STEP_OF_A_SERIES = check_whole(
    f"no step of a series by more than {STEP} m3 m-3 that lasts {STEP_DAYS} days",
    _find_stepping_series,
    needs=("soil_moisture_in_situ",),
)
