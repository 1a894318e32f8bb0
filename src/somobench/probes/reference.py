"""A model that keeps every rule that is probed: the Simple Water Balance Model.

Three layers are three soil stores of growing depth under the same weather, with one
parameter set for all cells. It is calibrated on nothing: it shows how a model behaves.
"""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import xarray as xr

from somobench.ladder.swbm import FIRST_WETNESS, Parameters, Weather, advance

LATENT_HEAT = 2.45  # MJ kg-1, as FAO-56
RADIATION_FROM_WARMTH = 0.25  # mm d-1 K-1 above 273.15 K, where there is no radiation
CAPACITIES = MappingProxyType({1: 100.0, 2: 200.0, 3: 400.0})  # mm, by layer
# The set for central Europe: Orth, Koster and Seneviratne 2013,
# doi:10.1175/JHM-D-12-099.1.
RUNOFF, EVAPORATION, MAXIMUM, MELT = 8.0, 0.2, 0.8, 1.5
DRIEST, WETTEST = 0.05, 0.45  # m3 m-3, of an empty store and, if unknown, a full one


def predict(forcing: xr.Dataset) -> xr.DataArray:
    """Predict daily soil moisture of three layers from weather.

    Parameters
    ----------
    forcing : Dataset, (cell, time)
        `precipitation`, mm d-1, `air_temperature`, K, and, where there is any,
        `net_radiation`, MJ m-2 d-1.

    Returns
    -------
    DataArray, (layer, cell, time), m3 m-3
    """
    return place_wetness(simulate(read_weather(forcing)), forcing)


def read_weather(forcing: xr.Dataset) -> Weather:
    """Return the input of the water balance."""
    series = {
        str(name): forcing[name].transpose("cell", "time").to_numpy().astype(float)
        for name in ("precipitation", "air_temperature", "net_radiation")
        if name in forcing
    }
    warmth = np.maximum(series["air_temperature"] - 273.15, 0.0)
    energy = series.get("net_radiation")
    water = RADIATION_FROM_WARMTH * warmth if energy is None else energy / LATENT_HEAT
    return Weather(series["precipitation"], water, series["air_temperature"])


def simulate(weather: Weather) -> np.ndarray:
    """Return the filling of the stores at the end of each day, (layer, cell, time)."""
    cells, days = weather.precipitation.shape
    parameters = Parameters(
        np.array(list(CAPACITIES.values()))[:, None],
        np.array(RUNOFF),
        np.array(EVAPORATION),
        np.array(MAXIMUM),
        np.array(MELT),
    )
    shape = (len(CAPACITIES), cells)
    wetness, snow = np.full(shape, FIRST_WETNESS), np.zeros(shape)
    result = np.empty((*shape, days))
    for day in range(days):
        wetness, snow = advance(parameters, weather, day, wetness, snow)
        result[..., day] = wetness
    return result


def place_wetness(wetness: np.ndarray, forcing: xr.Dataset) -> xr.DataArray:
    """Turn the filling of stores, 0 to 1, into soil moisture with labels."""
    coords = {
        "layer": list(CAPACITIES),
        "cell": forcing["cell"].to_numpy(),
        "time": forcing["time"].to_numpy(),
    }
    full = np.full(forcing.sizes["cell"], WETTEST)
    if "saturation" in forcing:
        full = forcing["saturation"].to_numpy()
    values = DRIEST + (full[None, :, None] - DRIEST) * wetness
    return xr.DataArray(values, coords, ("layer", "cell", "time"))
