"""The water balance run through the weather of many cells, some of them at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from somobench.ladder.problem import Array, Problem
from somobench.ladder.swbm import Parameters, Weather, simulate_wetness

VALUES_AT_ONCE = 20_000_000  # of simulated wetness; 80 MB
VALUES_A_DAY = 10  # that a day's weather and wetness take of these
Cells = NDArray[np.intp]
WEATHER = ("precipitation", "net_radiation", "air_temperature")


def simulate_cells(
    problem: Problem, drawn: Parameters, sets: Cells, cells: Cells
) -> NDArray[np.float32]:
    """Simulate wetness of some cells, (cell, day), by one set each."""
    days = problem.role.shape[1]
    wetness = np.empty((len(cells), days), np.float32)
    for part in divide_cells(np.arange(len(cells)), VALUES_A_DAY * days):
        own = drawn.take(sets[part])
        wetness[part] = simulate_part(problem, own, cells[part])[0]
    return wetness


def divide_cells(cells: Cells, values_a_cell: int) -> Iterator[Cells]:
    """Yield cells in parts that are simulated at a time."""
    at_once = max(1, VALUES_AT_ONCE // values_a_cell)
    for start in range(0, len(cells), at_once):
        yield cells[start : start + at_once]


def simulate_part(
    problem: Problem, parameters: Parameters, cells: Cells
) -> NDArray[np.float32]:
    """Simulate wetness of some cells, (set, cell, day)."""
    series = {name: problem.forcing[name][cells] for name in WEATHER}
    weather = read_weather(series, problem.latent_heat)
    spin_up = problem.params.water_balance.spin_up_days
    return simulate_wetness(parameters, weather, spin_up)


def read_weather(
    forcing: Mapping[str, NDArray[np.float32]], latent_heat: float
) -> Weather:
    """Read daily input; before a cell's record its first days, after it dry cold ones.

    So a store begins in equilibrium with its own weather, however late that begins.

    Parameters
    ----------
    forcing : by variable, (cell, day), `WEATHER` at least
    latent_heat : MJ kg-1
    """
    series = {name: forcing[name].astype(np.float64) for name in WEATHER}
    known = np.all([np.isfinite(series[name]) for name in WEATHER], axis=0)
    if not known.all():
        series = {name: fill_outside(series[name], known) for name in WEATHER}
    return Weather(
        series["precipitation"],
        series["net_radiation"] / latent_heat,
        series["air_temperature"],
    )


def fill_outside(values: Array, known: NDArray[np.bool_]) -> Array:
    """Fill days outside a record: before it the record over and over, after it zero.

    Parameters
    ----------
    values : array, (cell, day)
    known : array, (cell, day), bool
        One run of days a cell.

    Examples
    --------
    >>> fill_outside(np.array([[np.nan, np.nan, 1.0, 2.0, 3.0, np.nan]]),
    ...              np.array([[False, False, True, True, True, False]]))
    array([[2., 3., 1., 2., 3., 0.]])
    """
    filled = np.where(known, values, 0.0)
    for cell in np.flatnonzero(known.any(axis=1) & ~known[:, 0]):
        days = np.flatnonzero(known[cell])
        first, record = int(days[0]), values[cell, days]
        filled[cell, :first] = record[(np.arange(first) - first) % len(record)]
    return filled
