"""Rung `water_balance`: SWBM calibrated on train days, cell by cell and layer by layer.

A cell with enough train days takes the parameter set whose wetness correlates best with
its target there, and a line from wetness to target. Every other cell takes the set that
correlates best on average over those cells, and one line through all their days.
"""

from __future__ import annotations

from collections.abc import Sequence
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
from somobench.ladder.simulation import (
    Cells,
    divide_cells,
    simulate_cells,
    simulate_part,
)
from somobench.ladder.swbm import (
    Parameters,
    Weather,
    draw_parameters,
    simulate_wetness,
)


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
        wetness = simulate_cells(problem, drawn, sets, everywhere)
        shared = simulate_cells(problem, drawn, np.full(cells.size, regional), cells)
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
        shared = simulate_cells(problem, drawn, np.full(cells.size, regional), cells)
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


def _train_correlations(
    problem: Problem, drawn: Parameters, wanted: NDArray[np.bool_]
) -> Array:
    """Correlate each set's wetness with train targets, (layer, cell, set).

    -1 for cells that aren't wanted, and where a correlation doesn't exist.
    """
    layers, cells, days = problem.train_target.shape
    sets = len(drawn.capacity)
    scores = np.full((layers, cells, sets), -1.0)
    for part in divide_cells(np.flatnonzero(wanted), sets * days):
        scores[:, part] = _correlate_cells(problem, drawn, part)
    return scores


def _correlate_cells(problem: Problem, drawn: Parameters, cells: Cells) -> Array:
    """Correlate as `_train_correlations` in some cells, simulated at once."""
    wetness = simulate_part(problem, drawn, cells)
    targets = make_double(problem.train_target[:, cells])
    return np.array(
        [
            [
                correlate_rows(wetness[:, number], target)
                for number, target in enumerate(layer)
            ]
            for layer in targets
        ]
    )


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
