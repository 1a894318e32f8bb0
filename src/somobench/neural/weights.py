"""How much a day counts in training, by where its target lies in its series."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from somobench.ladder.problem import Array, Problem, make_double
from somobench.windows.balances import balance_groups, weigh_extremes

UNIFORM, QUANTILE, EXTREME = "uniform", "quantile", "extreme"
WEIGHTINGS = (UNIFORM, QUANTILE, EXTREME)
DRY, WET = 0.1, 0.9  # quantiles of the train days of a series


def weigh_problem(problem: Problem, weighting: str) -> Problem:
    """Return a problem whose train and validation days count as a weighting says.

    Whether a validation day is extreme is judged by the train days of its series; of a
    series without any, by its own validation days.
    """
    if weighting == UNIFORM:
        return problem
    train = make_double(problem.train_target)
    validation = make_double(problem.validation_target)
    trained = np.isfinite(train).any(axis=2, keepdims=True)
    return replace(
        problem,
        train_weight=weigh_targets(train, weighting),
        validation_weight=weigh_targets(
            validation, weighting, np.where(trained, train, validation)
        ),
    )


def weigh_targets(target: Array, weighting: str, train: Array | None = None) -> Array:
    """Return the weight of every day with a target, 1 on average; 0 on other days.

    Parameters
    ----------
    target : (layer, cell, day), m3 m-3
        NaN on days that don't count.
    weighting : {"uniform", "quantile", "extreme"}
        Those of windows: `quantile` gives dry days (below the 10th percentile of the
        train days of their series), wet ones (above the 90th) and all others the same
        weight in all; `extreme` gives a day the more, the farther it is from the mean.
    train : (layer, cell, day), m3 m-3
        Train days that thresholds and moments are taken from; `target` by default. A
        series without any is neither dry nor wet, and at its mean.

    Returns
    -------
    (layer, cell, day)

    Examples
    --------
    >>> target = np.array([[[0.1, 0.2, 0.2, np.nan, 0.2, 0.3]]])
    >>> weigh_targets(target, "quantile")[0, 0].round(3)
    array([1.667, 0.556, 0.556, 0.   , 0.556, 1.667])
    """
    known = np.isfinite(target)
    weights = known.astype(np.float64)
    if weighting == UNIFORM or not known.any():
        return weights
    reference = target if train is None else train
    measured = np.zeros(target.shape)
    for layer, cell in np.argwhere(known.any(axis=2)):
        days, values = known[layer, cell], target[layer, cell]
        seen = reference[layer, cell][np.isfinite(reference[layer, cell])]
        if seen.size and seen.std() > 0:
            measure = _level if weighting == QUANTILE else _deviation
            measured[layer, cell, days] = measure(values[days], seen)
    weigh = weigh_extremes if weighting == EXTREME else balance_groups
    weights[known] = weigh(measured[known])
    return weights


def _level(values: Array, train: Array) -> Array:
    """Return -1 for dry days, 1 for wet ones, 0 for others."""
    low, high = np.quantile(train, [DRY, WET])
    return (values > high).astype(np.float64) - (values < low)


def _deviation(values: Array, train: Array) -> Array:
    return np.asarray((values - train.mean()) / train.std())
