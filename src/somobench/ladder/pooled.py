"""Pooled fits: one model a layer for all cells, so that held-out cells are predicted.

A learner sees train rows, chooses on validation rows, and returns a function; what the
rows hold and which of them are asked for is decided here, the same for all learners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from somobench.ladder.fit import (
    Outcome,
    join_layers,
    make_empty_values,
    make_layer_key,
    round_finite,
)
from somobench.ladder.inputs import (
    Design,
    Places,
    find_places,
    standardise,
    take_rows,
)
from somobench.ladder.problem import Array, Problem

ROWS_AT_ONCE = 200_000  # of a prediction; 70 columns of them take 112 MB


class Sample(NamedTuple):
    """Inputs, (row, column), target, (row,), m3 m-3, and how much a row counts."""

    inputs: Array
    target: Array
    weight: Array | None = None


Predict = Callable[[Array], Array]


class Learned(NamedTuple):
    """A fitted function of inputs, and what was chosen for it."""

    predict: Predict
    chosen: dict[str, Any]


Learner = Callable[[Sample, Sample], Learned]


def fit_pooled(problem: Problem, design: Design, learn: Learner) -> Outcome:
    """Fit each layer on train rows of all cells and predict the test rows.

    With `design.above`, layers below the first also take the observed target of the
    layer above, and rows without it are left out.

    Parameters
    ----------
    problem : Problem
        With observations if `design.above`.
    design : Design
    learn : callable
        Train and validation sample to a fitted function. The latter may be empty.
    """
    values = make_empty_values(problem)
    chosen, summary, reasons = {}, {}, {}
    for place, layer in enumerate(problem.layers.tolist()):
        key = make_layer_key(layer)
        above = place_above(problem, layer) if design.above else None
        if design.above and layer > 1 and above is None:
            reasons[key] = f"the release has no layer {layer - 1} above"
            continue
        train = gather_sample(
            problem, design, problem.train_target, problem.train_weight, place, above
        )
        if len(train.target) < problem.params.minimum_values:
            reasons[key] = (
                f"{len(train.target)} train values, "
                f"{problem.params.minimum_values} needed"
            )
            continue
        validation = gather_sample(
            problem,
            design,
            problem.validation_target,
            problem.validation_weight,
            place,
            above,
        )
        learned = learn(_draw_rows(train, problem, layer), validation)
        for rows, inputs in _test_rows(problem, design, place, above):
            values[place, rows.cells, rows.days] = learned.predict(inputs)
        chosen[key] = learned.chosen
        summary[key] = _summarise_fit(learned, train, validation)
    return join_layers(values, chosen, summary, reasons)


def place_above(problem: Problem, layer: int) -> int | None:
    """Find the layer above; None for the first, and where the release lacks it."""
    found = np.flatnonzero(problem.layers == layer - 1)
    return int(found[0]) if found.size else None


def gather_sample(  # noqa: PLR0917 - one call a role, named alike
    problem: Problem,
    design: Design,
    target: Array,
    weight: Array | None,
    place: int,
    above: int | None,
) -> Sample:
    """Gather the rows that have a target, and a layer above where one is read."""
    wanted = np.isfinite(target[place])
    if above is not None:
        wanted &= np.isfinite(target[above])
    rows = find_places(wanted)
    inputs = _stack_inputs(problem, design, rows, target, above)
    counted = None if weight is None else weight[place][rows]
    return Sample(inputs, target[place][rows], counted)


def _stack_inputs(
    problem: Problem, design: Design, rows: Places, series: Array, above: int | None
) -> Array:
    inputs = take_rows(problem, design, rows)
    if above is None:
        return inputs
    name = f"soil_moisture_layer{problem.layers[above]}"
    column = standardise(problem, name, series[above][rows])
    return np.column_stack([inputs, column])


def _draw_rows(train: Sample, problem: Problem, layer: int) -> Sample:
    """Draw at most the greatest number of rows, in their order."""
    count, most = len(train.target), problem.params.maximum_values
    if count <= most:
        return train
    generator = np.random.default_rng([problem.params.seed, layer])
    kept = np.sort(generator.choice(count, most, replace=False))
    weight = None if train.weight is None else train.weight[kept]
    return Sample(train.inputs[kept], train.target[kept], weight)


def _test_rows(
    problem: Problem, design: Design, place: int, above: int | None
) -> Iterator[tuple[Places, Array]]:
    """Yield places and inputs of the rows to predict, part by part."""
    wanted = problem.test[place]
    series = problem.train_target
    if above is not None:
        if problem.observed is None:
            message = "the layer above needs observations of the cell"
            raise ValueError(message)
        series = problem.observed
        wanted = wanted & np.isfinite(series[above])
    cells, days = find_places(wanted)
    for start in range(0, len(cells), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        rows = Places(cells[part], days[part])
        yield rows, _stack_inputs(problem, design, rows, series, above)


def _summarise_fit(
    learned: Learned, train: Sample, validation: Sample
) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "train_values": len(train.target),
        "validation_values": len(validation.target),
        "inputs": train.inputs.shape[1],
    }
    if len(validation.target):
        error = mean_squared_error(learned.predict, validation)
        summary["validation_rmse"] = round_finite(np.sqrt(error))
    return summary


def mean_squared_error(predict: Predict, sample: Sample) -> float:
    """Return the mean squared error on a sample, weighted as it is, (m3 m-3)2."""
    squares = (predict(sample.inputs) - sample.target) ** 2
    return float(np.average(squares, weights=sample.weight))
