"""Grids with one wrong unit or value: each is caught by the check that should."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from factories.good.grids import Change, assert_caught, mapped, put, stuck, times
from somobench.schemas.variables import get_attrs

pytestmark = pytest.mark.heavy


def plus(name: str, amount: float) -> Change:
    return mapped(name, lambda x: (x + amount).astype(x.dtype))


def described(name: str, **attrs: object) -> Change:
    def changed(grid: xr.Dataset) -> xr.Dataset:
        grid = grid.copy()
        grid[name] = grid[name].assign_attrs(attrs)
        return grid

    return changed


def rescaled(grid: xr.Dataset) -> xr.Dataset:
    """Apply slope and offset a second time."""
    twice = grid["scale_offset"] + grid["scale_slope"] * grid["soil_moisture"]
    twice = twice.astype("float32").assign_attrs(grid["soil_moisture"].attrs)
    return grid.assign(soil_moisture=twice)


def both(factor: float) -> Change:
    """Multiply scaled, unscaled and offset, so that they still agree."""

    def changed(grid: xr.Dataset) -> xr.Dataset:
        for name in ("soil_moisture", "soil_moisture_in_situ", "scale_offset"):
            grid = times(name, factor)(grid)
        return grid

    return changed


def stepping(grid: xr.Dataset) -> xr.Dataset:
    """Raise one series by 0.6 half-way; the waves span 0.2 to 0.42."""
    grid = grid.copy(deep=True)
    grid["soil_moisture_in_situ"][1, 0, 100:] += 0.6
    grid["soil_moisture"][1, 0, 100:] += 0.3
    return grid


SCALED = "soil_moisture = scale_offset + scale_slope"

MUTATIONS: dict[str, tuple[str, Change, str, str]] = {
    # Units and magnitudes
    "unit says percent": (
        "targets",
        described("soil_moisture", units="%"),
        "soil_moisture",
        "attrs",
    ),
    "unit of rain says m": (
        "forcing",
        described("precipitation", units="m d-1"),
        "precipitation",
        "attrs",
    ),
    "soil moisture in percent": (
        "targets",
        both(100.0),
        "soil_moisture",
        "0.0 to 1.5 m3 m-3",
    ),
    "unpacked twice": ("targets", both(0.01), "soil_moisture", "a mean soil_moisture"),
    "scaled twice": ("targets", rescaled, "targets", SCALED),
    "not scaled": (
        "targets",
        lambda x: x.assign(
            soil_moisture=x["soil_moisture_in_situ"].assign_attrs(
                get_attrs("soil_moisture")
            )
        ),
        "targets",
        SCALED,
    ),
    "Celsius": (
        "forcing",
        plus("air_temperature", -273.15),
        "air_temperature",
        "180.0 to 335.0 K",
    ),
    "skin in Celsius": (
        "forcing",
        plus("skin_temperature", -273.15),
        "skin_temperature",
        "180.0 to 350.0 K",
    ),
    "rain in m": (
        "forcing",
        times("precipitation", 0.001),
        "precipitation",
        "a mean precipitation",
    ),
    "rain in kg m-2 s-1": (
        "forcing",
        times("precipitation", 1 / 86400),
        "precipitation",
        "a mean precipitation",
    ),
    "rain in micrometres": (
        "forcing",
        times("precipitation", 1000),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "humidity in g kg-1": (
        "forcing",
        times("specific_humidity", 1000),
        "specific_humidity",
        "0.0 to 0.04",
    ),
    "humidity as a fraction": (
        "forcing",
        times("relative_humidity", 0.01),
        "relative_humidity",
        "a mean relative_humidity",
    ),
    "radiation in J m-2": (
        "forcing",
        times("shortwave_radiation", 1e6),
        "shortwave_radiation",
        "-0.5 to 50.0",
    ),
    "radiation in W m-2": (
        "forcing",
        times("shortwave_radiation", 1 / 0.0864),
        "shortwave_radiation",
        "-0.5 to 50.0",
    ),
    "radiation in kWh m-2": (
        "forcing",
        times("shortwave_radiation", 1 / 3.6),
        "forcing",
        "radiation above the atmosphere",
    ),
    "net radiation in W m-2": (
        "forcing",
        times("net_radiation", 1 / 0.0864),
        "net_radiation",
        "-25.0 to 40.0",
    ),
    "evaporation downward": (
        "forcing",
        times("evaporation", -1.0),
        "evaporation",
        "a mean evaporation",
    ),
    "evaporation in m": (
        "forcing",
        times("evaporation", 0.001),
        "evaporation",
        "a mean evaporation",
    ),
    "reference in percent": (
        "forcing",
        times("reanalysis_soil_moisture", 100),
        "reanalysis_soil_moisture",
        "0.0 to 1.0",
    ),
    "reference unpacked twice": (
        "forcing",
        times("reanalysis_soil_moisture", 0.01),
        "reanalysis_soil_moisture",
        "a mean reanalysis_soil_moisture",
    ),
    # Values
    "one infinite": (
        "forcing",
        put("precipitation", np.inf, cell=1, time=199),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "one negative": (
        "forcing",
        put("precipitation", -0.1, cell=1, time=199),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "fill value not decoded": (
        "targets",
        put("soil_moisture", -9999.0, layer=0, cell=0, time=17),
        "soil_moisture",
        "0.0 to 1.5",
    ),
    "fill value of netCDF": (
        "forcing",
        put("air_temperature", 9.96921e36, cell=1, time=3),
        "air_temperature",
        "180.0 to 335.0",
    ),
    "still packed": (
        "forcing",
        described("air_temperature", scale_factor=0.01),
        "forcing",
        "decoded values",
    ),
    "int16 overflow": (
        "targets",
        put("observation_count", -32768, layer=0, cell=0, time=3),
        "observation_count",
        "at least 0",
    ),
    "above porosity": (
        "targets",
        mapped("soil_moisture", lambda x: x.where(x["time"].dt.day != 3, 1.2)),
        "soil_moisture",
        "more water than room",
    ),
    "forcing with a hole": (
        "forcing",
        put("air_temperature", np.nan, cell=1, time=3),
        "air_temperature",
        "no missing value",
    ),
    "missing everywhere": (
        "targets",
        times("soil_moisture", np.nan),
        "soil_moisture",
        "not missing everywhere",
    ),
    "reference missing everywhere": (
        "forcing",
        times("reanalysis_soil_moisture", np.nan),
        "reanalysis_soil_moisture",
        "not missing everywhere",
    ),
    "target stuck": (
        "targets",
        lambda x: stuck("soil_moisture_in_situ", 61)(stuck("soil_moisture", 61)(x)),
        "targets",
        "no soil_moisture at one value",
    ),
    "temperature stuck": (
        "forcing",
        stuck("air_temperature", 61),
        "forcing",
        "no air_temperature at one value",
    ),
    "rain stuck": (
        "forcing",
        put("precipitation", 3.0, cell=1),
        "forcing",
        "no precipitation at one value",
    ),
    "target steps": ("targets", stepping, "targets", "no step of a series"),
    # Variables among each other
    "value without observation": (
        "targets",
        put("observation_count", 0, layer=1, cell=1, time=9),
        "targets",
        "observations exactly where",
    ),
    "observation without value": (
        "targets",
        put("observation_count", 24, layer=1, cell=1, time=17),
        "targets",
        "observations exactly where",
    ),
    "nothing filled": (
        "targets",
        put("is_gapfilled", 1, layer=1, cell=1, time=17),
        "targets",
        "is_gapfilled only where",
    ),
    "value lost in scaling": (
        "targets",
        put("soil_moisture", np.nan, layer=1, cell=1, time=9),
        "targets",
        SCALED,
    ),
    "slope below zero": (
        "targets",
        times("scale_slope", -1.0),
        "scale_slope",
        "0 to 100.0",
    ),
    "sensor of another layer": (
        "targets",
        put("depth_to", 0.2, layer=0, cell=1),
        "targets",
        "inside its layer",
    ),
    # Features
    "climatology in percent": (
        "features",
        times("climatology", 100),
        "climatology",
        "-0.5 to 1.5",
    ),
    "climatology with a hole": (
        "features",
        put("climatology", np.nan, split=0, layer=0, cell=0, day_of_year=59),
        "features",
        "a whole climatology",
    ),
    "climatology out of nothing": (
        "features",
        put("climatology_source", 3, split=0, layer=0, cell=0),
        "features",
        "a whole climatology",
    ),
    "days from 0": (
        "features",
        lambda x: x.assign_coords(day_of_year=x["day_of_year"] - np.int16(1)),
        "day_of_year",
        "days 1 to 366",
    ),
    "year of 365 days": (
        "features",
        lambda x: x.isel(day_of_year=slice(365)),
        "day_of_year",
        "days 1 to 366",
    ),
    "statistics of Celsius": (
        "features",
        put("normalisation_mean", 12.0, split=0, variable=1),
        "features",
        "that the variable can have",
    ),
    "deviation below zero": (
        "features",
        times("normalisation_std", -1.0),
        "normalisation_std",
        "at least 0",
    ),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "dask"])
@pytest.mark.parametrize("defect", MUTATIONS)
def test_wrong_value_of_a_grid_is_caught_by_its_check(defect: str, lazy: bool) -> None:
    assert_caught(MUTATIONS[defect], lazy=lazy)
