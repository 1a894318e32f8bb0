"""The reference water balance, with one rule of physics broken in each variant."""

from __future__ import annotations

import hashlib

import numpy as np
import xarray as xr

from somobench.probes.reference import (
    place_wetness,
    predict,
    read_weather,
    simulate,
)

DAMPED = 0.6
"""Of the reference's range, so that what is added stays between its bounds."""


def _calm(forcing: xr.Dataset) -> xr.DataArray:
    """Return the reference, drawn to 0.2 m3 m-3."""
    return 0.2 + DAMPED * (predict(forcing) - 0.2)


def with_season_of_its_own(forcing: xr.Dataset) -> xr.DataArray:
    """Wet up and dry out by the calendar, whatever the weather."""
    angle = 2 * np.pi * forcing["time"].dt.dayofyear / 365.25
    return 0.2 + 0.1 * (predict(forcing) - 0.2) + 0.08 * np.sin(angle)


def drier_on_rainy_days(forcing: xr.Dataset) -> xr.DataArray:
    """Turn the sign of the rain of the day and the day before."""
    rain = forcing["precipitation"]
    recent = rain + rain.shift(time=1, fill_value=0.0)
    return _calm(forcing) - 0.05 * np.tanh(recent / 20)


def with_centred_window(forcing: xr.Dataset) -> xr.DataArray:
    """Smooth over the three days before and after."""
    return predict(forcing).rolling(time=7, center=True, min_periods=1).mean()


def that_never_forgets(forcing: xr.Dataset) -> xr.DataArray:
    """Add the mean rain since the first day."""
    rain = forcing["precipitation"].transpose("cell", "time")
    days = np.arange(1, rain.sizes["time"] + 1)
    mean = rain.cumsum("time") / xr.DataArray(days, dims="time")
    return _calm(forcing) + 0.05 * np.tanh(mean / 3)


def that_overflows(forcing: xr.Dataset) -> xr.DataArray:
    """Hold half as much again as the soil has pores."""
    return place_wetness(1.5 * simulate(read_weather(forcing)), forcing)


def with_a_trend(forcing: xr.Dataset) -> xr.DataArray:
    """Dry out by the number of the year."""
    return _calm(forcing) - 0.001 * (forcing["time"].dt.year - 2020)


def that_knows_its_stations(forcing: xr.Dataset) -> xr.DataArray:
    """Add what was learnt of a cell by its name."""
    learnt = [
        hashlib.sha256(str(name).encode()).digest()[0] / 255
        for name in forcing["cell"].to_numpy()
    ]
    return _calm(forcing) + 0.05 * xr.DataArray(learnt, dims="cell")


BROKEN = {
    "dries": with_season_of_its_own,
    "rain_wets": drier_on_rainy_days,
    "no_foresight": with_centred_window,
    "forgets": that_never_forgets,
    "bounded": that_overflows,
    "any_year": with_a_trend,
    "any_name": that_knows_its_stations,
}
"""The model that breaks a probe, and no other, by the probe's name."""
