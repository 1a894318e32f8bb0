"""What no continuous series has: repeats, values that stay, limits that cut it off."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from somobench.consistency.weather.arrays import (
    Floats,
    Mask,
    fail_cells,
    is_averaged,
    read_rows,
)
from somobench.schemas.errors import Failure

STEP = "quantisation_step"
LARGE = 20  # steps from zero, from which a value never stays
STAYS, EQUAL, REPEATED = 15, 10, 20  # days in a row
VARYING = (
    *("air_temperature", "skin_temperature", "specific_humidity", "evaporation"),
    *("shortwave_radiation", "net_radiation"),
)
SMOOTH = ("air_temperature", "reanalysis_soil_moisture")
UPPER = (
    *("air_temperature", "precipitation", "net_radiation", "shortwave_radiation"),
    *("specific_humidity", "evaporation"),
)
LOWER = ("air_temperature", "net_radiation")
HEAP = 10  # days at one limit
STEEP = 4  # times as many as at any of the next values
BESIDE = 20  # next values
COARSE = {"air_temperature": 0.4, "skin_temperature": 0.4, "specific_humidity": 4e-4}
"""Least distance of any two values of half a year, by variable: means of 96 values have
none as large."""
LEAST_CHANGE = 2  # steps from day to day, of days that are compared with a year before
HALF_A_YEAR = 182
SPREAD = 6  # times that distance, between the largest and smallest value
A_YEAR = 365
CORNERS = 1.5  # steps of the grid between centres, from which no corner is shared


def find_other_series(forcing: xr.Dataset) -> Iterator[Failure]:
    """Give variables with days that a mean of a model's nodes can't have.

    Sensors of stations stand still, are cut off and read in whole degrees.
    """
    if not is_averaged(forcing):
        return
    for name in VARYING:
        if read := read_rows(forcing, name):
            step = float(forcing[name].attrs.get(STEP, 0.0))
            wrong = _find_resting(read[0], LARGE * step)
            found = f"one value for {STAYS} days or more"
            yield from fail_cells(forcing, name, wrong, found, "others every day")
    for name, sign in [*((it, 1) for it in UPPER), *((it, -1) for it in LOWER)]:
        if read := read_rows(forcing, name):
            wrong = np.array([_is_cut_off(sign * row) for row in read[0]], dtype=bool)
            found = f"many days at one {'upper' if sign > 0 else 'lower'} limit"
            yield from fail_cells(forcing, name, wrong, found, "few at the limit")
    yield from _compare_equal(forcing)
    yield from _find_repeated(forcing)
    yield from _find_coarse(forcing)
    yield from _find_same_cells(forcing)


def _has_run(same: Mask, days: int) -> Mask:
    """Tell for each row whether it is true on so many days in a row."""
    if same.shape[1] < days:
        return np.zeros(len(same), dtype=bool)
    count = np.cumsum(np.pad(same, ((0, 0), (1, 0))), axis=1, dtype=np.int64)
    return np.asarray((count[:, days:] - count[:, :-days] == days).any(axis=1))


def _find_resting(values: Floats, least: float) -> Mask:
    same = (values[:, 1:] == values[:, :-1]) & (np.abs(values[:, 1:]) > least)
    return _has_run(same, STAYS - 1)


def _compare_equal(forcing: xr.Dataset) -> Iterator[Failure]:
    """Skin isn't the air to the last digit for many days in a row."""
    if read := read_rows(forcing, "skin_temperature", "air_temperature"):
        wrong = _has_run(read[0] == read[1], EQUAL)
        found = f"the air temperature of {EQUAL} days in a row"
        expected = "that of the surface"
        yield from fail_cells(forcing, "skin_temperature", wrong, found, expected)


def _is_cut_off(values: Floats) -> bool:
    """Tell whether the largest value is that of many days and the next ones of few."""
    known = values[np.isfinite(values)]
    if known.size <= HEAP:
        return False
    count = int((known == known.max()).sum())
    if count < HEAP:
        return False
    number = np.unique(known, return_counts=True)[1][-1 - BESIDE : -1]
    return bool(number.size == BESIDE and count > STEEP * number.max())


def _find_repeated(forcing: xr.Dataset) -> Iterator[Failure]:
    """Find weeks that are those of another year to the last digit."""
    for name in SMOOTH:
        if name not in forcing:
            continue
        array = forcing[name]
        first = array.isel(layer=0) if "layer" in array.dims else array
        values = first.transpose("cell", "time").to_numpy()
        least = LEAST_CHANGE * float(array.attrs.get(STEP, 0.0))
        changed = np.abs(np.diff(values, axis=1, prepend=np.nan)) > least
        wrong = np.zeros(len(values), dtype=bool)
        for year in range(A_YEAR, values.shape[1], A_YEAR):
            for lag in range(
                year, min(year + year // (4 * A_YEAR) + 2, len(values[0]))
            ):
                same = (values[:, lag:] == values[:, :-lag]) & changed[:, lag:]
                wrong |= _has_run(same, REPEATED)
        found = f"{REPEATED} days or more of another year"
        yield from fail_cells(forcing, name, wrong, found, "weather of its own")


def _find_coarse(forcing: xr.Dataset) -> Iterator[Failure]:
    for name, distance in COARSE.items():
        if read := read_rows(forcing, name):
            wrong = np.array([_is_coarse(row, distance) for row in read[0]])
            found = "rounded values for half a year"
            yield from fail_cells(forcing, name, wrong, found, "means of many values")


def _is_coarse(values: Floats, distance: float) -> bool:
    for start in range(0, values.size - HALF_A_YEAR + 1, HALF_A_YEAR):
        part = np.sort(values[start : start + HALF_A_YEAR])
        gaps = np.diff(part)
        apart = gaps[gaps > 0]
        wide = part[-1] - part[0] > SPREAD * distance
        if apart.size and wide and apart.min() >= distance:
            return True
    return False


def _find_same_cells(forcing: xr.Dataset) -> Iterator[Failure]:
    """Find cells without a common corner that have the same days."""
    resolution = forcing.attrs.get("grid_resolution")
    read = read_rows(forcing, "air_temperature")
    if read is None or not resolution:
        return
    places = np.stack([forcing[it].to_numpy() for it in ("latitude", "longitude")])
    first: dict[bytes, int] = {}
    wrong = np.zeros(len(read[0]), dtype=bool)
    for row, values in enumerate(read[0]):
        other = first.setdefault(values.tobytes(), row)
        apart = np.abs(places[:, row] - places[:, other]).max()
        wrong[row] = apart > CORNERS * resolution and np.isfinite(values).all()
    found = "the days of another cell"
    yield from fail_cells(forcing, "air_temperature", wrong, found, "days of its own")
