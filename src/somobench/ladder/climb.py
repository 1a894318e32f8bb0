"""What every rung predicts on the test part of a split, in one grid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.ladder.fit import NotAvailable
from somobench.ladder.problem import Problem
from somobench.ladder.rungs import RUNGS, Prediction, fit_predict
from somobench.schemas.variables import TEST, get_attrs

Outcomes = Mapping[str, Prediction | NotAvailable]


class AskedPart(NamedTuple):
    """Cells with a test day, and the days from the first to the last test day."""

    cells: NDArray[np.intp]
    days: slice


def select_part(problem: Problem) -> AskedPart:
    """Return the part of the grid that predictions are stored for."""
    tested = problem.role == TEST
    days = np.flatnonzero(tested.any(axis=0))
    period = slice(int(days[0]), int(days[-1]) + 1)
    return AskedPart(np.flatnonzero(tested.any(axis=1)), period)


def climb(problem: Problem) -> dict[str, Prediction | NotAvailable]:
    """Fit every rung, lowest first, and keep what it predicts on the test part."""
    part = select_part(problem)
    outcomes: dict[str, Prediction | NotAvailable] = {}
    for name in RUNGS:
        outcome = fit_predict(name, problem)
        if isinstance(outcome, Prediction):
            outcome = outcome._replace(values=outcome.values[:, part.cells, part.days])
        outcomes[name] = outcome
    return outcomes


def join_predictions(
    outcomes: Outcomes, problem: Problem, targets: xr.Dataset
) -> xr.Dataset:
    """Join the rungs that a split carries, on its test cells and days.

    Parameters
    ----------
    outcomes : by name of the rung, as of `climb`
    problem : Problem
    targets : Dataset of schema TARGETS

    Returns
    -------
    Dataset of schema PREDICTIONS
        Rungs in the order of the ladder; every day from the first to the last test day.
    """
    part = select_part(problem)
    found = {
        name: outcome.values
        for name, outcome in outcomes.items()
        if isinstance(outcome, Prediction)
    }
    marks = [int(RUNGS[name].needs_observations) for name in found]
    meaning = "1 where the rung reads observations of the cell that it predicts"
    axes = targets[["cell", "time", "layer"]].isel(cell=part.cells, time=part.days)
    grid = xr.Dataset(coords=axes.coords).assign_coords(rung=list(found))
    grid["soil_moisture"] = (
        ("rung", "layer", "cell", "time"),
        np.stack(list(found.values())),
        get_attrs("soil_moisture") | {"scaling": "train"},
    )
    grid["needs_observations"] = (
        "rung",
        np.array(marks, "int8"),
        {"long_name": meaning},
    )
    return grid.assign_attrs(split=problem.split)
