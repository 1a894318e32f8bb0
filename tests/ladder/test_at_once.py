"""Pooled rungs against ridges fitted by hand on a table of everything at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from factories.problems import make_problem
from somobench.ladder import pooled
from somobench.ladder.problem import Problem
from somobench.ladder.rungs import Prediction, fit_predict
from somobench.schemas.variables import DYNAMIC_FORCING

Array = NDArray[np.float64]
LAST_DECIMAL = 1.1e-5  # m3 m-3; of two predictions that are rounded apart


def stack_inputs(problem: Problem, feature_set: str) -> Array:
    """Return every input but the layer above, (cell, day, column)."""
    definition = problem.feature_sets[feature_set]
    names = [name for name in definition.variables if name in problem.forcing]
    columns = []
    for name in names:
        mean, std = problem.normalisation[name]
        known = (problem.forcing[name].astype(float) - mean) / (std or 1)
        for lag in definition.lags if name in DYNAMIC_FORCING else (0,):
            before = np.pad(known, ((0, 0), (lag, 0)))[:, : known.shape[1]]
            columns.append(np.nan_to_num(before))
    train = (problem.role == 1).any(axis=1)
    for name in sorted(problem.statics):
        values = problem.statics[name]
        if train.any() and np.isfinite(values).all() and values[train].std() > 0:
            centred = (values - values[train].mean()) / values[train].std()
            columns.append(np.repeat(centred[:, None], known.shape[1], axis=1))
    return np.stack(columns, axis=-1)


def solve_ridge(inputs: Array, target: Array, penalty: float) -> tuple[Array, float]:
    """Return slopes and intercept; the penalty counts for every row."""
    centre = inputs - inputs.mean(axis=0)
    square = centre.T @ centre + penalty * len(target) * np.eye(centre.shape[1])
    slopes = np.linalg.solve(square, centre.T @ (target - target.mean()))
    return slopes, target.mean() - inputs.mean(axis=0) @ slopes


def predict_at_once(problem: Problem, feature_set: str) -> Array:
    """Return what a ridge predicts, (layer, cell, day), m3 m-3, not rounded."""
    table = stack_inputs(problem, feature_set)
    result = np.full(problem.train_target.shape, np.nan)
    series: list[Any] = [problem.train_target, problem.validation_target]
    series.append(problem.observed)
    for place, layer in enumerate(problem.layers.tolist()):
        tables, known = [table] * 3, [np.full(table.shape[:2], fill_value=True)] * 3
        if feature_set == "state" and layer > 1:
            if layer - 1 not in problem.layers:
                continue
            above = problem.layers.tolist().index(layer - 1)
            mean, std = problem.normalisation[f"soil_moisture_layer{layer - 1}"]
            states = [(each[above] - mean) / (std or 1) for each in series]
            tables = [np.dstack([table, state]) for state in states]
            known = [np.isfinite(state) for state in states]
        rows = [np.isfinite(series[n][place]) & known[n] for n in (0, 1)]
        x, y = tables[0][rows[0]], problem.train_target[place][rows[0]].astype(float)
        if len(y) < problem.params.minimum_values:
            continue
        if len(y) > problem.params.maximum_values:
            draw = np.random.default_rng([problem.params.seed, layer])
            kept = draw.choice(len(y), problem.params.maximum_values, replace=False)
            x, y = x[np.sort(kept)], y[np.sort(kept)]
        penalties = sorted(problem.params.penalties)
        fits = [solve_ridge(x, y, penalty) for penalty in penalties]
        best = len(fits) // 2
        if rows[1].any():
            truth = problem.validation_target[place][rows[1]].astype(float)
            guesses = [tables[1][rows[1]] @ slopes + start for slopes, start in fits]
            best = int(np.argmin([((guess - truth) ** 2).mean() for guess in guesses]))
        asked = problem.test[place] & known[2]
        result[place][asked] = tables[2][asked] @ fits[best][0] + fits[best][1]
    return result


@pytest.fixture(scope="module")
def problem() -> Problem:
    """Return a problem with more rows than are drawn, and a record that begins late."""
    made = make_problem(np.random.default_rng(1), "spatial", maximum_values=1_500)
    weather = {name: values.copy() for name, values in made.forcing.items()}
    for values in weather.values():
        values[0, :30] = np.nan
    return replace(made, forcing=weather)


@pytest.mark.parametrize("feature_set", ["forcing", "memory", "state"])
def test_ridge_in_parts_is_that_of_everything_at_once(
    problem: Problem, feature_set: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "ROWS_AT_ONCE", 101)
    found = fit_predict(f"ridge_{feature_set}", problem)
    assert isinstance(found, Prediction)
    expected = predict_at_once(problem, feature_set)
    np.testing.assert_allclose(found.values, expected, rtol=0, atol=LAST_DECIMAL)
