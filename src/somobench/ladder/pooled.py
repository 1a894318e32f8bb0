"""Pooled fits: one model a layer for all cells, so that held-out cells are predicted.

A learner sees train rows, chooses on validation rows, and returns a function; what the
rows hold and which of them are asked for is decided here, the same for all learners.
Rows are drawn before their inputs are gathered, and all but train rows are gathered
some at a time, so that inputs take as much memory with many cells as with few.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
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
from somobench.ladder.inputs import Design, Places, standardise, take_rows
from somobench.ladder.problem import Array, Problem, Series, make_double

ROWS_AT_ONCE = 200_000  # of a prediction; 70 columns of them take 112 MB


class Sample(NamedTuple):
    """Inputs, (row, column), target, (row,), m3 m-3, and how much a row counts."""

    inputs: Array
    target: Array
    weight: Array | None = None


Predict = Callable[[Array], Array]
Parts = Sequence[Callable[[], Sample]]
"""Rows in parts; each is gathered when it is asked for, and again if asked again."""


class Learned(NamedTuple):
    """A fitted function of inputs, and what was chosen for it."""

    predict: Predict
    chosen: dict[str, Any]


Learner = Callable[[Sample, Parts], Learned]


class Role(NamedTuple):
    """Days that rows are taken from.

    Attributes
    ----------
    target : array, (layer, cell, day), m3 m-3
        NaN on other days.
    weight : array, (layer, cell, day), or None
    """

    target: Series
    weight: Array | None


class Table(NamedTuple):
    """The table of a layer: what a row of it holds.

    Attributes
    ----------
    problem : Problem
    design : Design
    place : place of the layer
    above : place of the layer whose target is an input, or None
    """

    problem: Problem
    design: Design
    place: int
    above: int | None

    def list_rows(self, role: Role) -> NDArray[np.intp]:
        """List the rows with a target, and a layer above where one is read."""
        wanted = np.isfinite(role.target[self.place])
        if self.above is not None:
            wanted &= np.isfinite(role.target[self.above])
        return np.flatnonzero(wanted)

    def gather(self, role: Role, rows: NDArray[np.intp]) -> Sample:
        """Gather rows of a role."""
        places = self.locate(rows)
        weight = None if role.weight is None else role.weight[self.place][places]
        inputs = self.stack_inputs(places, role.target)
        target = make_double(role.target[self.place][places])
        return Sample(inputs, target, weight)

    def locate(self, rows: NDArray[np.intp]) -> Places:
        """Return cells and days of rows, which count cell by cell."""
        return Places(*np.divmod(rows, self.problem.role.shape[1]))

    def stack_inputs(self, places: Places, series: Series) -> Array:
        """Return inputs of rows; a layer above is read from a (layer, cell, day)."""
        if self.above is None:
            return take_rows(self.problem, self.design, places)
        name = f"soil_moisture_layer{self.problem.layers[self.above]}"
        values = make_double(series[self.above][places])
        column = standardise(self.problem, name, values)
        return take_rows(self.problem, self.design, places, column)


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
    train = Role(problem.train_target, problem.train_weight)
    values = make_empty_values(problem)
    chosen, summary, reasons = {}, {}, {}
    for place, layer in enumerate(problem.layers.tolist()):
        key = make_layer_key(layer)
        above = place_above(problem, layer) if design.above else None
        if design.above and layer > 1 and above is None:
            reasons[key] = f"the release has no layer {layer - 1} above"
            continue
        table = Table(problem, design, place, above)
        rows, needed = table.list_rows(train), problem.params.minimum_values
        if len(rows) < needed:
            reasons[key] = f"{len(rows)} train values, {needed} needed"
            continue
        chosen_rows = draw_rows(rows, problem, layer)
        drawn = table.gather(train, chosen_rows)
        learned, facts = _learn(table, drawn, learn)
        del drawn  # the largest table, of which nothing is needed any more
        for places, inputs in gather_test_rows(table):
            values[place, places.cells, places.days] = learned.predict(inputs)
        chosen[key] = learned.chosen
        summary[key] = {"train_values": len(rows), **facts}
        if len(chosen_rows) < len(rows):
            summary[key]["drawn_values"] = len(chosen_rows)
    return join_layers(values, chosen, summary, reasons)


def _learn(
    table: Table, drawn: Sample, learn: Learner
) -> tuple[Learned, dict[str, Any]]:
    """Learn from train rows, and say how well it fits validation rows."""
    problem = table.problem
    validation = Role(problem.validation_target, problem.validation_weight)
    rows = table.list_rows(validation)
    parts = [partial(table.gather, validation, part) for part in _divide(rows)]
    learned = learn(drawn, parts)
    facts = {"validation_values": len(rows), "inputs": drawn.inputs.shape[1]}
    return learned, facts | _measure_fit(learned, parts)


def place_above(problem: Problem, layer: int) -> int | None:
    """Find the layer above; None for the first, and where the release lacks it."""
    found = np.flatnonzero(problem.layers == layer - 1)
    return int(found[0]) if found.size else None


def _divide(rows: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Yield rows in parts, in their order."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        yield rows[start : start + ROWS_AT_ONCE]


def draw_rows(rows: NDArray[np.intp], problem: Problem, layer: int) -> NDArray[np.intp]:
    """Draw at most the greatest number of train rows, in their order."""
    count, most = len(rows), problem.params.maximum_values
    if count <= most:
        return rows
    generator = np.random.default_rng([problem.params.seed, layer])
    return rows[np.sort(generator.choice(count, most, replace=False))]


def gather_test_rows(table: Table) -> Iterator[tuple[Places, Array]]:
    """Yield places and inputs of the rows to predict, part by part."""
    wanted = table.problem.test[table.place]
    series = table.problem.train_target
    if table.above is not None:
        if table.problem.observed is None:
            message = "the layer above needs observations of the cell"
            raise ValueError(message)
        series = table.problem.observed
        wanted = wanted & np.isfinite(series[table.above])
    for rows in _divide(np.flatnonzero(wanted)):
        places = table.locate(rows)
        yield places, table.stack_inputs(places, series)


def _measure_fit(learned: Learned, validation: Parts) -> dict[str, Any]:
    if not validation:
        return {}
    error = measure_errors(lambda inputs: [learned.predict(inputs)], validation)[0]
    return {"validation_rmse": round_finite(np.sqrt(error))}


def measure_errors(
    predict_each: Callable[[Array], Iterable[Array]], parts: Parts
) -> Array:
    """Return mean squared errors over all parts, weighted as they are, (m3 m-3)2.

    `predict_each` gives, of inputs, what each of several models predicts.
    """
    sums, total = list[Array](), 0.0
    for gather in parts:
        inputs, target, weight = gather()
        squares = ((values - target) ** 2 for values in predict_each(inputs))
        counts = np.float64(1) if weight is None else weight
        sums.append(np.array([(part * counts).sum() for part in squares]))
        total += len(target) if weight is None else weight.sum()
    return np.sum(sums, axis=0) / total
