"""The table of inputs that pooled rungs read: a row a cell and day, a column an input.

Weather is standardised by the mean and deviation of train cells and days, attributes of
cells by those of train cells. A day before the first of the period, or of the cell's
record, counts as average.
"""

from __future__ import annotations

from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.ladder.problem import Array, Mask, Problem
from somobench.schemas.variables import DYNAMIC_FORCING

ABOVE = "soil_moisture_above"


class Column(NamedTuple):
    """A forcing variable as of so many days before."""

    name: str
    lag: int


class Design(NamedTuple):
    """Which inputs a rung reads."""

    columns: tuple[Column, ...]
    statics: bool
    above: bool = False


class Places(NamedTuple):
    """Cells and days of the rows of a table, (row,) each."""

    cells: NDArray[np.intp]
    days: NDArray[np.intp]


def derive_design(problem: Problem, name: str) -> Design:
    """Return the inputs of a feature set as the release defines it.

    Lags apply to meteorology alone. Attributes of cells belong to every feature set.
    """
    definition = problem.feature_sets[name]
    columns = [
        Column(variable, lag)
        for variable in definition.variables
        if variable != ABOVE
        for lag in (definition.lags if variable in DYNAMIC_FORCING else (0,))
    ]
    return Design(tuple(columns), statics=True, above=ABOVE in definition.variables)


def take_rows(problem: Problem, design: Design, places: Places, *more: Array) -> Array:
    """Return standardised inputs, (row, column), and further columns behind them.

    Nothing but the table itself and one column is held.
    """
    attributes = standardise_statics(problem) if design.statics else []
    columns = chain(
        (_gather_weather(problem, column, places) for column in design.columns),
        (values[places.cells] for values in attributes),
        more,
    )
    count = len(design.columns) + len(attributes) + len(more)
    rows = np.empty((len(places.cells), count))
    for number, values in enumerate(columns):
        rows[:, number] = values
    return rows


def standardise_statics(problem: Problem) -> list[Array]:
    """Return attributes that are known everywhere and differ between train cells."""
    trained = problem.train_cells
    result = []
    for name in sorted(problem.statics):
        values = problem.statics[name]
        if not trained.any() or not np.isfinite(values).all():
            continue
        spread = values[trained].std()
        if spread > 0:
            result.append((values - values[trained].mean()) / spread)
    return result


def standardise(problem: Problem, name: str, values: Array) -> Array:
    """Standardise values of a variable by its train mean and deviation."""
    mean, std = problem.normalisation[name]
    return (values - mean) / std if std > 0 else values - mean


def find_places(mask: Mask) -> Places:
    """Return where a (cell, day) mask is true, cell by cell."""
    return Places(*np.nonzero(mask))


def _gather_weather(problem: Problem, column: Column, places: Places) -> Array:
    days = places.days - column.lag
    series = problem.forcing[column.name]
    values = series[places.cells, np.maximum(days, 0)].astype(np.float64)
    known = (days >= 0) & np.isfinite(values)
    return np.where(known, standardise(problem, column.name, values), 0.0)
