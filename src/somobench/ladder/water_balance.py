"""Rung `water_balance`: SWBM calibrated on train days, cell by cell and layer by layer.

A cell with enough train days takes the parameter set whose wetness correlates best with
its target there, and a line from wetness to target. Every other cell takes the set that
correlates best on average over those cells, and one line through all their days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.ladder.fit import (
    Outcome,
    join_layers,
    make_empty_values,
    make_layer_key,
    round_finite,
)
from somobench.ladder.pooled import draw_rows
from somobench.ladder.problem import Array, Problem, Series, make_double
from somobench.ladder.swbm import (
    Parameters,
    Weather,
    draw_parameters,
    simulate_wetness,
)

VALUES_AT_ONCE = 30_000_000  # of simulated wetness; 120 MB
VALUES_A_DAY = 10  # that a day's weather and wetness take of these
Cells = NDArray[np.intp]
WEATHER = ("precipitation", "net_radiation", "air_temperature")


class RegionalModel(NamedTuple):
    """What cells without observations take: a set, (1, 1), and a line to the target."""

    parameters: Parameters
    intercept: float
    slope: float


def fit_water_balance(problem: Problem) -> Outcome:
    """Calibrate the model on train days and predict the test days."""
    drawn = draw_parameters(problem.params.water_balance, problem.params.seed)
    own = np.isfinite(problem.train_target).sum(axis=2) >= _get_minimum_days(problem)
    scores = _train_correlations(problem, drawn, own.any(axis=0))
    values, everywhere = make_empty_values(problem), np.arange(own.shape[1])
    chosen, summary, reasons = {}, {}, {}
    for place, layer in enumerate(problem.layers.tolist()):
        key, cells = make_layer_key(layer), np.flatnonzero(own[place])
        if not cells.size:
            reasons[key] = f"no cell with {_get_minimum_days(problem)} train values"
            continue
        regional = int(np.argmax(scores[place, cells].mean(axis=0)))
        sets = np.full(own.shape[1], regional)
        sets[cells] = np.argmax(scores[place, cells], axis=1)
        wetness = _simulate_cells(problem, drawn, sets, everywhere)
        shared = _simulate_cells(problem, drawn, np.full(cells.size, regional), cells)
        lines = _fit_lines(problem, place, wetness, shared, cells)
        mapped = lines[:, :1] + lines[:, 1:] * wetness
        values[place] = np.where(problem.test[place], mapped, np.nan)
        chosen[key] = {"regional_set": _describe_parameters(drawn, regional)}
        best = scores[place, cells].max(axis=1)
        summary[key] = {
            "calibrated_cells": int(cells.size),
            "median_train_correlation": round_finite(np.median(best)),
        }
    return join_layers(values, chosen, summary, reasons)


def calibrate_region(problem: Problem) -> dict[int, RegionalModel]:
    """Calibrate on train days what cells without observations take, by layer.

    The set and line are those of `fit_water_balance` for such cells; a layer without a
    cell of enough train days is left out.
    """
    drawn = draw_parameters(problem.params.water_balance, problem.params.seed)
    own = np.isfinite(problem.train_target).sum(axis=2) >= _get_minimum_days(problem)
    scores = _train_correlations(problem, drawn, own.any(axis=0))
    models = {}
    for place, layer in enumerate(problem.layers.tolist()):
        cells = np.flatnonzero(own[place])
        if not cells.size:
            continue
        regional = int(np.argmax(scores[place, cells].mean(axis=0)))
        shared = _simulate_cells(problem, drawn, np.full(cells.size, regional), cells)
        line = _fit_shared_line(problem, place, shared, cells)
        models[layer] = RegionalModel(drawn.take(np.array([regional])), *line)
    return models


def run_regional(
    models: Sequence[RegionalModel],
    series: Sequence[Array],
    latent_heat: float,
    spin_up_days: int,
) -> Array:
    """Run models of a region in cells without observations, (layer, cell, day), m3 m-3.

    Parameters
    ----------
    models : one a layer
    series : of `WEATHER`, (cell, day) each, without a gap
    latent_heat : MJ kg-1
    spin_up_days : int
    """
    rain, radiation, temperature = series
    weather = Weather(rain, radiation / latent_heat, temperature)
    return np.stack(
        [
            model.intercept
            + model.slope * simulate_wetness(model.parameters, weather, spin_up_days)[0]
            for model in models
        ]
    )


def _get_minimum_days(problem: Problem) -> int:
    return problem.params.water_balance.minimum_days


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


def _train_correlations(
    problem: Problem, drawn: Parameters, wanted: NDArray[np.bool_]
) -> Array:
    """Correlate each set's wetness with train targets, (layer, cell, set).

    -1 for cells that aren't wanted, and where a correlation doesn't exist.
    """
    layers, cells, days = problem.train_target.shape
    sets = len(drawn.capacity)
    scores = np.full((layers, cells, sets), -1.0)
    for part in _divide(np.flatnonzero(wanted), sets * days):
        wetness = _simulate(problem, drawn, part)
        for number, cell in enumerate(part):
            for layer in range(layers):
                target = make_double(problem.train_target[layer, cell])
                scores[layer, cell] = correlate_rows(wetness[:, number], target)
    return scores


def _simulate_cells(
    problem: Problem, drawn: Parameters, sets: Cells, cells: Cells
) -> NDArray[np.float32]:
    """Simulate wetness of some cells, (cell, day), by one set each."""
    days = problem.role.shape[1]
    wetness = np.empty((len(cells), days), np.float32)
    for part in _divide(np.arange(len(cells)), VALUES_A_DAY * days):
        own = drawn.take(sets[part])
        wetness[part] = _simulate(problem, own, cells[part])[0]
    return wetness


def _divide(cells: Cells, values_a_cell: int) -> Iterator[Cells]:
    """Yield cells in parts that are simulated at a time."""
    at_once = max(1, VALUES_AT_ONCE // values_a_cell)
    for start in range(0, len(cells), at_once):
        yield cells[start : start + at_once]


def _simulate(
    problem: Problem, parameters: Parameters, cells: Cells
) -> NDArray[np.float32]:
    """Simulate wetness of some cells, (set, cell, day)."""
    series = {name: problem.forcing[name][cells] for name in WEATHER}
    weather = read_weather(series, problem.latent_heat)
    spin_up = problem.params.water_balance.spin_up_days
    return simulate_wetness(parameters, weather, spin_up)


def correlate_rows(series: NDArray[np.float32], target: Array) -> Array:
    """Correlate rows with one target over the days that it has.

    Parameters
    ----------
    series : array, (row, day)
    target : array, (day,)
        NaN on days that don't count.

    Returns
    -------
    array, (row,)
        -1 where a row or the target doesn't vary.
    """
    days = np.isfinite(target)
    if not days.any():
        return np.full(len(series), -1.0)
    x = series[:, days].astype(np.float64)
    x -= x.mean(axis=1, keepdims=True)
    y = target[days] - target[days].mean()
    norm = np.sqrt((x**2).sum(axis=1) * (y**2).sum())
    return np.divide(x @ y, norm, out=np.full(len(x), -1.0), where=norm > 0)


def _fit_lines(
    problem: Problem,
    place: int,
    wetness: NDArray[np.float32],
    shared: NDArray[np.float32],
    cells: Cells,
) -> Array:
    """Fit the line from wetness to target, (cell, 2): intercept and slope.

    `shared` is the wetness of the regional set in the calibrated `cells`.
    """
    target = problem.train_target[place]
    result = np.empty((len(target), 2))
    result[:] = _fit_shared_line(problem, place, shared, cells)
    for cell in cells:
        result[cell] = fit_line(wetness[cell], target[cell])
    return result


def _fit_shared_line(
    problem: Problem, place: int, shared: NDArray[np.float32], cells: Cells
) -> tuple[float, float]:
    """Fit one line to all days of some cells, as many as pooled fits draw."""
    target = problem.train_target[place, cells].ravel()
    known = np.flatnonzero(np.isfinite(target))
    rows = draw_rows(known, problem, int(problem.layers[place]))
    return fit_line(shared.ravel()[rows], target[rows])


def fit_line(x: NDArray[np.float32], y: Series) -> tuple[float, float]:
    """Fit intercept and slope by least squares over the days that `y` has."""
    from sklearn.linear_model import LinearRegression

    days = np.isfinite(y)
    inputs, known = make_double(x[days, None]), make_double(y[days])
    model = LinearRegression().fit(inputs, known)
    return float(model.intercept_), float(model.coef_[0])


def _describe_parameters(drawn: Parameters, number: int) -> dict[str, Any]:
    return {
        name: round_finite(values[number, 0], 4)
        for name, values in drawn._asdict().items()
    }
