"""Fits of pooled rungs against what the stage `baselines` reports of them.

A ridge regression on every input is little work, and its error on validation days knows
all of them: weather and its lags, attributes of cells, targets, roles, moments. What it
predicts of test days is there to be scored again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from somobench.ladder.fit import make_layer_key
from somobench.ladder.inputs import Design, derive_design
from somobench.ladder.pooled import (
    Predict,
    Role,
    Sample,
    Table,
    gather_test_rows,
    place_above,
)
from somobench.ladder.problem import Array, Problem
from somobench.schemas.errors import Failure

WHERE = "validation.json baselines"
FITTED = {"ridge_state": "state", "ridge_memory": "memory", "ridge_forcing": "forcing"}
"""Rungs that are fitted again, first the one that reads most, and their inputs."""
WITHOUT_LAYER_ABOVE = ("linear_1", "ridge_forcing", "ridge_memory", "gradient_boosting")
"""Pooled rungs that train on every target of a train day."""
CHOSEN = ("temporal", "spatial")
"""Splits that together train on nearly all cells and days, where a release has them."""
MOST_ROWS = 500_000  # above which rows are drawn, by the defaults of recipes
ROUNDED = 2e-6  # m3 m-3, of errors with six decimals, on other processors
Reports = Mapping[str, Any]


class Refit(NamedTuple):
    """A rung that was fitted again in one layer of a split.

    Attributes
    ----------
    rung : str
    place : place of the layer
    facts : counts of rows and inputs, and the error on validation days
    values : array, (cell, day), m3 m-3
        Predictions of test days; NaN on others, and where an input lacks.
    """

    rung: str
    place: int
    facts: dict[str, float]
    values: Array


def find_other_fits(
    baselines: Reports, problems: Mapping[str, Problem]
) -> tuple[list[Failure], dict[str, Refit]]:
    """Compare counts of rows of every split, and fits on two of them, with the report.

    Parameters
    ----------
    baselines : content of baselines.json
    problems : mapping of split to Problem

    Returns
    -------
    what differs, and the fits by split
    """
    failures: list[Failure] = []
    refits: dict[str, Refit] = {}
    try:
        for split, problem in problems.items():
            rungs = baselines.get("splits", {}).get(split, {})
            failures += _compare_rows(split, rungs, problem)
        for split in [*_choose_splits(problems)]:
            rungs = baselines.get("splits", {}).get(split, {})
            if refit := _fit_again(rungs, problems[split]):
                refits[split] = refit
                failures += _compare_fit(split, rungs, problems[split], refit)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        failures.append(Failure(WHERE, f"no {error}", "what every build reports"))
    return failures, refits


def _choose_splits(problems: Mapping[str, Problem]) -> Iterator[str]:
    """Give two splits, those of `CHOSEN` first."""
    ordered = [name for name in CHOSEN if name in problems]
    yield from [*ordered, *sorted(set(problems) - {*ordered})][: len(CHOSEN)]


def _fail(split: str, rung: str, what: str, found: Any, expected: Any) -> Failure:
    where = f"{WHERE} {rung} on {split}, {what}"
    return Failure(where, str(found), f"{expected}, of train and validation days")


def _compare_rows(split: str, rungs: Reports, problem: Problem) -> Iterator[Failure]:
    """Compare how many targets rungs were trained and chosen on."""
    for rung in WITHOUT_LAYER_ABOVE:
        fit = rungs.get(rung, {}).get("fit", {})
        for place, layer in enumerate(problem.layers.tolist()):
            summary = fit.get(make_layer_key(layer), {})
            for name, series in (
                ("train_values", problem.train_target),
                ("validation_values", problem.validation_target),
            ):
                expected = int(np.isfinite(series[place]).sum())
                if summary.get(name, expected) != expected:
                    what = f"{name} of layer {layer}"
                    yield _fail(split, rung, what, summary[name], expected)


def _compare_fit(
    split: str, rungs: Reports, problem: Problem, refit: Refit
) -> Iterator[Failure]:
    layer = problem.layers[refit.place]
    said = rungs[refit.rung]["fit"][make_layer_key(layer)]
    for name, expected in refit.facts.items():
        if abs(said[name] - expected) > ROUNDED:
            what = f"{name} of layer {layer}"
            yield _fail(split, refit.rung, what, said[name], round(expected, 6))


def _fit_again(rungs: Reports, problem: Problem) -> Refit | None:
    """Fit the rung that reads most again, in the first layer that it was fitted in."""
    for rung, inputs in FITTED.items():
        record = rungs.get(rung, {})
        for place, layer in enumerate(problem.layers.tolist()):
            key = make_layer_key(layer)
            said = record.get("fit", {}).get(key, {})
            if (
                said.get("validation_rmse") is None
                or inputs not in problem.feature_sets
            ):
                continue
            if _is_drawn(said) or said["train_values"] > MOST_ROWS:
                return None
            penalty = record["hyper_parameters"][key]["penalty"]
            design = derive_design(problem, inputs)
            return Refit(rung, place, *_fit_design(problem, design, place, penalty))
    return None


def _is_drawn(said: Reports) -> bool:
    """Tell whether a rung trained on some of its rows, which no report names."""
    drawn = said.get("drawn_values")
    return isinstance(drawn, int) and 0 < drawn < said["train_values"]


def _fit_design(
    problem: Problem, design: Design, place: int, penalty: float
) -> tuple[dict[str, float], Array]:
    """Return facts of a fit, and what it predicts of test days, (cell, day)."""
    layer = int(problem.layers[place])
    above = place_above(problem, layer) if design.above else None
    table = Table(problem, design, place, above)
    roles = Role(problem.train_target, None), Role(problem.validation_target, None)
    train, validation = (table.gather(role, table.list_rows(role)) for role in roles)
    predict = fit_ridge(train, penalty)
    errors = predict(validation.inputs) - validation.target
    values = np.full(problem.role.shape, np.nan)
    if above is None or problem.observed is not None:
        for places, inputs in gather_test_rows(table):
            values[places.cells, places.days] = predict(inputs)
    return {
        "train_values": len(train.target),
        "validation_values": len(validation.target),
        "inputs": train.inputs.shape[1],
        "validation_rmse": float(np.sqrt(np.mean(errors**2))),
    }, values


def fit_ridge(train: Sample, penalty: float) -> Predict:
    """Fit a ridge regression, with an intercept, to a sample.

    As the ladder's, without scikit-learn: whoever validates needn't have it.

    The penalty counts for each row of the sample.
    """
    middle, level = train.inputs.mean(axis=0), train.target.mean()
    centred = train.inputs - middle
    squares = centred.T @ centred
    squares[np.diag_indices_from(squares)] += penalty * len(train.target)
    # Inputs that don't vary have no slope.
    slopes = np.linalg.lstsq(squares, centred.T @ (train.target - level), rcond=None)[0]
    return lambda inputs: np.asarray((inputs - middle) @ slopes + level)
