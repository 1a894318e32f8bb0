"""The Simple Water Balance Model: one soil store, one snow store, five parameters.

Pure arithmetic on arrays; calibration and predictions are in `water_balance`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.ladder.problem import Array
from somobench.schemas.baseline_params import WaterBalanceParams

FREEZING = 273.15  # K
FIRST_WETNESS = 0.9  # of the capacity; forgotten during spin-up


class Parameters(NamedTuple):
    """Parameter sets; arrays broadcast to (set, cell).

    Attributes
    ----------
    capacity : water that the soil can hold, mm
    runoff_shape : exponent of wetness in runoff
    evaporation_shape : exponent of wetness in evaporation
    evaporation_maximum : greatest evaporation over net radiation as water
    melt_rate : mm K-1 d-1
    """

    capacity: Array
    runoff_shape: Array
    evaporation_shape: Array
    evaporation_maximum: Array
    melt_rate: Array

    def take(self, sets: NDArray[np.intp]) -> Parameters:
        """Return the chosen set of each cell, (1, cell), from sets (set, 1)."""
        return Parameters(*(values[sets, 0][None] for values in self))


class Weather(NamedTuple):
    """Daily input, (cell, day).

    Attributes
    ----------
    precipitation : mm d-1
    radiation : net radiation as water that it could evaporate, mm d-1
    temperature : K
    """

    precipitation: Array
    radiation: Array
    temperature: Array


def draw_parameters(params: WaterBalanceParams, seed: int) -> Parameters:
    """Draw parameter sets, (set, 1), log-uniform within their bounds.

    Each bound's range is divided into as many parts as there are sets and every part
    drawn from once (Latin hypercube).
    """
    count = params.parameter_sets
    generator = np.random.default_rng(seed)

    def draw_within(bounds: tuple[float, float]) -> Array:
        place = (generator.permutation(count) + generator.random(count)) / count
        low, high = np.log(bounds)
        drawn: Array = np.exp(low + place * (high - low))[:, None]
        return drawn

    return Parameters(
        capacity=draw_within(params.capacity),
        runoff_shape=draw_within(params.runoff_shape),
        evaporation_shape=draw_within(params.evaporation_shape),
        evaporation_maximum=draw_within(params.evaporation_maximum),
        melt_rate=draw_within(params.melt_rate),
    )


def simulate_wetness(
    parameters: Parameters, weather: Weather, spin_up_days: int
) -> NDArray[np.float32]:
    """Simulate the daily mean filling of the soil store.

    The first days of the weather are run through once before, as spin-up. A day's value
    is the mean of the store at its beginning and end, over the capacity.

    Parameters
    ----------
    parameters : Parameters, (set, cell) when broadcast
    weather : Weather, (cell, day)
    spin_up_days : int

    Returns
    -------
    array, (set, cell, day), 1, float32
        0 to 1.

    Notes
    -----
    Orth, Koster and Seneviratne 2013, doi:10.1175/JHM-D-12-099.1: runoff is water times
    wetness ** runoff_shape, evaporation is evaporation_maximum times wetness **
    evaporation_shape times radiation. Precipitation of days at or below 273.15 K is
    kept as snow and melts by degree-days. Here the step is explicit, what exceeds
    the capacity runs off, and negative net radiation evaporates nothing.
    """
    cells, days = weather.precipitation.shape
    shape = np.broadcast_shapes(parameters.capacity.shape, (1, cells))
    wetness = np.full(shape, FIRST_WETNESS)
    snow = np.zeros(shape)
    result = np.empty((*shape, days), np.float32)
    for day in range(min(spin_up_days, days)):
        wetness, snow = advance(parameters, weather, day, wetness, snow)
    for day in range(days):
        before = wetness
        wetness, snow = advance(parameters, weather, day, wetness, snow)
        result[..., day] = (before + wetness) / 2
    return result


def advance(
    parameters: Parameters, weather: Weather, day: int, wetness: Array, snow: Array
) -> tuple[Array, Array]:
    """Return filling of the soil, 1, and snow, mm, (set, cell), a day later."""
    above_freezing = weather.temperature[:, day] - FREEZING
    frozen = above_freezing <= 0
    fallen = weather.precipitation[:, day]
    melted = np.minimum(snow, parameters.melt_rate * np.maximum(above_freezing, 0.0))
    snow = snow + np.where(frozen, fallen, 0.0) - melted
    water = np.where(frozen, 0.0, fallen) + melted
    runoff = water * wetness**parameters.runoff_shape
    radiation = np.maximum(weather.radiation[:, day], 0.0)
    evaporation = (
        parameters.evaporation_maximum
        * wetness**parameters.evaporation_shape
        * radiation
    )
    gain = (water - runoff - evaporation) / parameters.capacity
    return np.clip(wetness + gain, 0.0, 1.0), snow
