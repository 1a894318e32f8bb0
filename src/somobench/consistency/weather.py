"""Weather of each cell against its own physics: water, energy, days, saturation.

Means over all cells hide a region that came otherwise. Bounds lie beyond what land has,
so that they hold for any source.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.checks.derived import A_YEAR, LATENT_HEAT
from somobench.schemas.errors import Failure

RAIN, SOIL = "precipitation", "reanalysis_soil_moisture"
FEWEST_WET = 60  # days with rain, of a cell whose days are judged
EARLY, ON_TIME = (1, 2), (0, -1)  # days by which rain follows the rise that it makes
LEAST_BETTER = 0.1  # of a correlation
LEAST_ALIKE = 0.2  # median correlation over cells, of soil that this rain wets
MOST_EVAPORATIVE = 1.0  # latent heat over net radiation, where rain doesn't pay either
MOST_WATER = 1.1  # evaporation over precipitation
LEAST_EVAPORATION = -0.1  # mm d-1, of a cell's mean; frost and dew reach a tenth of it
COLDEST = 273.15  # K, of a cell where frost isn't all that evaporation is
LOWEST_PRESSURE = 50_000.0  # Pa; hardly a station stands above 5500 m
MOST_SATURATED = 1.05
STEP = 2e-4  # kg kg-1
MOST_DAYS = 0.01  # share of days above saturation
SAME = 0.5  # share of days on which two variables are equal
Floats = NDArray[np.float64]


def find_impossible_weather(forcing: xr.Dataset) -> list[Failure]:
    """Return variables that a cell can't have together, and days that can't follow."""
    if forcing.sizes["time"] < A_YEAR:
        return []
    return [
        *_compare_days(forcing),
        *_balance_cells(forcing),
        *_compare_temperatures(forcing),
        *_compare_saturation(forcing),
    ]


def _read(forcing: xr.Dataset, *names: str) -> list[Floats] | None:
    """Return variables, (cell, time), or nothing where one is missing."""
    if not {*names} <= {*map(str, forcing.data_vars)}:
        return None
    return [
        forcing[name].transpose("cell", "time").to_numpy().astype("float64")
        for name in names
    ]


def _fail(
    forcing: xr.Dataset, name: str, wrong: NDArray[np.bool_], found: str, expected: str
) -> Iterator[Failure]:
    if wrong.any():
        cell = forcing["cell"].to_numpy()[int(wrong.argmax())]
        where = f"forcing.zarr.zip {name}"
        yield Failure(
            where, f"{found} in {int(wrong.sum())} cells such as {cell}", expected
        )


def _compare_days(forcing: xr.Dataset) -> Iterator[Failure]:
    """Soil of the reanalysis gets wetter on the day of rain or the next, not before."""
    if SOIL not in forcing or forcing.attrs.get("day_definition", "UTC") != "UTC":
        return
    read = _read(forcing, RAIN)
    if read is None:
        return
    top = forcing[SOIL].isel(layer=0).transpose("cell", "time").to_numpy()
    rise = np.diff(top.astype("float64"), axis=1)[:, 2:-2]
    rain = np.log1p(np.maximum(read[0][:, 1:], 0))
    days = rise.shape[1]
    alike = {
        lag: _correlate(rain[:, 2 + lag : 2 + lag + days], rise)
        for lag in (*EARLY, *ON_TIME)
    }
    early, on_time = (
        np.max([alike[lag] for lag in lags], axis=0) for lags in (EARLY, ON_TIME)
    )
    if max(np.median(early), np.median(on_time)) < LEAST_ALIKE:
        return  # other rain than this wets the soil of the reanalysis
    wrong = (early - on_time > LEAST_BETTER) & ((rain > 0).sum(axis=1) >= FEWEST_WET)
    found = "rain a day or two after the soil of the reanalysis gets wetter"
    yield from _fail(forcing, RAIN, wrong, found, "rain before its water")


def _correlate(one: Floats, other: Floats) -> Floats:
    """Correlate rows; 0 where one is constant or lacks a day."""
    first, second = (it - it.mean(axis=1, keepdims=True) for it in (one, other))
    power = (first**2).sum(axis=1) * (second**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = (first * second).sum(axis=1) / np.sqrt(power)
    return np.nan_to_num(found)


def _balance_cells(forcing: xr.Dataset) -> Iterator[Failure]:
    """Evaporation is paid by energy or at least by water, and goes upward."""
    read = _read(forcing, "evaporation", "net_radiation", RAIN, "air_temperature")
    if read is None:
        return
    water, heat, rain, warmth = (it.mean(axis=1) for it in read)
    dear = (water * LATENT_HEAT > MOST_EVAPORATIVE * heat) & (heat > 0)
    wrong = dear & (water > MOST_WATER * rain)
    expected = "at most net radiation, or the rain of the cell"
    yield from _fail(forcing, "evaporation", wrong, "more than both", expected)
    down = (water < LEAST_EVAPORATION) & (warmth > COLDEST)
    yield from _fail(forcing, "evaporation", down, "a mean below 0", "positive upward")


def _compare_temperatures(forcing: xr.Dataset) -> Iterator[Failure]:
    read = _read(forcing, "skin_temperature", "air_temperature")
    if read is None:
        return
    wrong = (read[0] == read[1]).mean(axis=1) > SAME
    found = "the air temperature of most days"
    yield from _fail(forcing, "skin_temperature", wrong, found, "that of the surface")


def _compare_saturation(forcing: xr.Dataset) -> Iterator[Failure]:
    """Air holds no more water than saturated air of that temperature, even high up."""
    read = _read(forcing, "specific_humidity", "air_temperature")
    if read is None:
        return
    humidity, warmth = read
    # Bolton (1980), doi:10.1175/1520-0493(1980)108<1046:TCOEPT>2.0.CO;2, eq. 10
    pressure = 611.2 * np.exp(17.67 * (warmth - 273.15) / (warmth - 29.65))
    most = 0.622 * pressure / (LOWEST_PRESSURE - 0.378 * pressure)
    above = humidity > MOST_SATURATED * most + STEP
    wrong = above.mean(axis=1) > MOST_DAYS
    found = (
        f"above saturation on {above[wrong].mean():.0%} of days" if wrong.any() else ""
    )
    expected = "less than saturated air at 500 hPa holds"
    yield from _fail(forcing, "specific_humidity", wrong, found, expected)
