"""Rungs that learn nothing of their own: climatology, reanalysis, persistence."""

from __future__ import annotations

import numpy as np

from somobench.ladder.fit import Fit, NotAvailable, Outcome
from somobench.ladder.problem import Array, Problem


def predict_climatology(problem: Problem) -> Outcome:
    """Predict the climatology of the day of the year."""
    return _predict_as_given(problem, problem.climatology, "no cell has a climatology")


def predict_reanalysis(problem: Problem) -> Outcome:
    """Predict what the reanalysis says of the layer, unchanged."""
    if problem.reanalysis is None:
        return NotAvailable("the forcing has no reanalysis_soil_moisture")
    return _predict_as_given(problem, problem.reanalysis, "no reanalysis on a test day")


def predict_persistence(problem: Problem) -> Outcome:
    """Predict the target of the day before; nothing where that is unknown.

    Raises
    ------
    ValueError
        If the problem comes without observations.
    """
    if problem.observed is None:
        message = "persistence needs observations of the cell"
        raise ValueError(message)
    return _predict_as_given(
        problem,
        shift_by_day(problem.observed),
        "no target on the day before a test day",
    )


def shift_by_day(series: Array) -> Array:
    """Return the value of the day before along the last axis; first day missing.

    Examples
    --------
    >>> day_before(np.array([0.2, np.nan, 0.3]))
    array([nan, 0.2, nan])
    """
    before = np.full_like(series, np.nan)
    before[..., 1:] = series[..., :-1]
    return before


def _predict_as_given(problem: Problem, series: Array, otherwise: str) -> Outcome:
    values = np.where(problem.test, series, np.nan)
    if not np.isfinite(values).any():
        return NotAvailable(otherwise)
    return Fit(values, {}, {})
