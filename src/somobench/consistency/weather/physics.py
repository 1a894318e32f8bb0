"""Weather of each cell against its own physics: water, energy, days, saturation.

Means over all cells hide a region that came otherwise. Bounds lie beyond what land has,
so that they hold for any source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import xarray as xr

from somobench.consistency.weather.arrays import correlate_rows, fail_cells, read_rows
from somobench.schemas.checks.derived import LATENT_HEAT
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
HIGHEST, ABOVE = 9000.0, 1500.0  # m, of a station, and of the cell above it
SEA_LEVEL, SCALE_HEIGHT = 101_325.0, 7000.0  # Pa, m
LOW_WEATHER = 0.95  # of the pressure of fair weather
MOST_SATURATED = 1.05
STEP = 2e-4  # kg kg-1
MOST_DAYS = 0.01  # share of days above saturation
SAME = 0.5  # share of days on which two variables are equal


def find_other_physics(
    forcing: xr.Dataset, elevation: Mapping[str, float]
) -> Iterator[Failure]:
    """Give variables that a cell can't have together, and days that can't follow."""
    yield from _compare_days(forcing)
    yield from _balance_cells(forcing)
    yield from _compare_temperatures(forcing)
    yield from _compare_saturation(forcing, elevation)


def _compare_days(forcing: xr.Dataset) -> Iterator[Failure]:
    """Soil of the reanalysis gets wetter on the day of rain or the next, not before."""
    if SOIL not in forcing or forcing.attrs.get("day_definition", "UTC") != "UTC":
        return
    read = read_rows(forcing, RAIN)
    if read is None:
        return
    top = forcing[SOIL].isel(layer=0).transpose("cell", "time").to_numpy()
    rise = np.diff(top.astype("float64"), axis=1)[:, 2:-2]
    rain = np.log1p(np.maximum(read[0][:, 1:], 0))
    days = rise.shape[1]
    alike = {
        lag: np.nan_to_num(
            correlate_rows(rain[:, 2 + lag : 2 + lag + days], rise, days)
        )
        for lag in (*EARLY, *ON_TIME)
    }
    early, on_time = (
        np.max([alike[lag] for lag in lags], axis=0) for lags in (EARLY, ON_TIME)
    )
    if max(np.median(early), np.median(on_time)) < LEAST_ALIKE:
        return  # other rain than this wets the soil of the reanalysis
    wrong = (early - on_time > LEAST_BETTER) & ((rain > 0).sum(axis=1) >= FEWEST_WET)
    found = "rain a day or two after the soil of the reanalysis gets wetter"
    yield from fail_cells(forcing, RAIN, wrong, found, "rain before its water")


def _balance_cells(forcing: xr.Dataset) -> Iterator[Failure]:
    """Evaporation is paid by energy or at least by water, and goes upward."""
    read = read_rows(forcing, "evaporation", "net_radiation", RAIN, "air_temperature")
    if read is None:
        return
    water, heat, rain, warmth = (it.mean(axis=1) for it in read)
    dear = (water * LATENT_HEAT > MOST_EVAPORATIVE * heat) & (heat > 0)
    wrong = dear & (water > MOST_WATER * rain)
    expected = "at most net radiation, or the rain of the cell"
    yield from fail_cells(forcing, "evaporation", wrong, "more than both", expected)
    down = (water < LEAST_EVAPORATION) & (warmth > COLDEST)
    yield from fail_cells(
        forcing, "evaporation", down, "a mean below 0", "positive upward"
    )


def _compare_temperatures(forcing: xr.Dataset) -> Iterator[Failure]:
    read = read_rows(forcing, "skin_temperature", "air_temperature")
    if read is None:
        return
    wrong = (read[0] == read[1]).mean(axis=1) > SAME
    found = "the air temperature of most days"
    yield from fail_cells(
        forcing, "skin_temperature", wrong, found, "that of the surface"
    )


def _compare_saturation(
    forcing: xr.Dataset, elevation: Mapping[str, float]
) -> Iterator[Failure]:
    """Air holds no more water than saturated air of that temperature, even high up.

    Without a station in a cell, at 500 hPa; else 1500 m above the highest of them.
    """
    read = read_rows(forcing, "specific_humidity", "air_temperature")
    if read is None:
        return
    humidity, warmth = read
    # Bolton (1980), doi:10.1175/1520-0493(1980)108<1046:TCOEPT>2.0.CO;2, eq. 10
    vapour = 611.2 * np.exp(17.67 * (warmth - 273.15) / (warmth - 29.65))
    cells = forcing["cell"].to_numpy().astype(str)
    height = np.array([elevation.get(cell, HIGHEST) for cell in cells]) + ABOVE
    low = LOW_WEATHER * SEA_LEVEL * np.exp(-height / SCALE_HEIGHT)
    pressure = np.maximum(np.nan_to_num(low), LOWEST_PRESSURE)[:, None]
    most = 0.622 * vapour / (pressure - 0.378 * vapour)
    above = humidity > MOST_SATURATED * most + STEP
    wrong = above.mean(axis=1) > MOST_DAYS
    found = (
        f"above saturation on {above[wrong].mean():.0%} of days" if wrong.any() else ""
    )
    expected = "less than saturated air holds, at 500 hPa or far above the stations"
    yield from fail_cells(forcing, "specific_humidity", wrong, found, expected)
