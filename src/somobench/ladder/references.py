"""Rungs that learn nothing of their own: climatology, reanalysis, persistence."""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from somobench.ladder.fit import Fit, NotAvailable, Outcome
from somobench.ladder.problem import Problem, Series

AnySeries = TypeVar("AnySeries", bound=Series)


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
    return _predict_as_given(
        problem,
        shift_days(read_observed(problem), 1),
        "no target on the day before a test day",
    )


def read_observed(problem: Problem) -> Series:
    """Return targets of all days, (layer, cell, day), m3 m-3.

    Raises
    ------
    ValueError
        If the problem comes without observations.
    """
    if problem.observed is None:
        message = "this needs observations of the cell that it predicts"
        raise ValueError(message)
    return problem.observed


def shift_days(series: AnySeries, days: int) -> AnySeries:
    """Return the value of so many days before along the last axis; NaN at the start.

    Examples
    --------
    >>> shift_days(np.array([0.1, 0.2, 0.3]), 2)
    array([nan, nan, 0.1])
    """
    before = np.full_like(series, np.nan)
    before[..., days:] = series[..., : series.shape[-1] - days]
    return before


def _predict_as_given(problem: Problem, series: Series, otherwise: str) -> Outcome:
    values = np.where(problem.test, series, np.nan)
    if not np.isfinite(values).any():
        return NotAvailable(otherwise)
    return Fit(values, {}, {})
