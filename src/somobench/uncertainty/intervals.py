"""Intervals of pooled scores from resampled days and cells.

A pooled score is uncertain because days are a sample of the weather, because cells are
a sample of places, and because of noise in each cell's own score. Draws of days and
cells together show all three, but the noise three times over (Owen 2007,
doi:10.1214/07-AOAS122); draws of days alone and of cells alone show it once each. The
three together give the variance with noise counted once. Few blocks of days, or few
cells, estimate a variance badly, which Student's t makes up for.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import Floats
from somobench.metrics.rows import Replicates

_ENOUGH_DRAWS = 0.5  # share of draws with a value that an interval needs
_FEWEST_FREEDOM = 3.0  # degrees: a record holds four blocks, a drawn group five cells


class Resampled(NamedTuple):
    """A pooled score on draws, (..., draw): of both, of days, and of cells alone.

    Without draws of cells, `cells` is the score itself and `both` equals `days`.
    """

    both: Floats
    days: Floats
    cells: Floats

    def join_draws(
        self, other: Resampled, join: Callable[[Floats, Floats], Floats]
    ) -> Resampled:
        """Join the draws of two models, draw by draw."""
        return Resampled(
            *(join(ours, theirs) for ours, theirs in zip(self, other, strict=True))
        )


def take_percentile_interval(
    replicates: Floats | Replicates, level: float
) -> tuple[Floats, Floats]:
    """Percentile interval over the last axis; NaN where too few draws have a value."""
    lower, _, upper = _take_percentiles(replicates, level)
    return lower, upper


def _take_percentiles(replicates: Floats | Replicates, level: float) -> Floats:
    """Return the lower end, the median and the upper end, (3, ...)."""
    tails = [(1.0 - level) / 2.0, 0.5, (1.0 + level) / 2.0]
    rows = replicates.reshape(-1, replicates.shape[-1])
    finite = np.isfinite(rows)
    found = np.full((3, len(rows)), np.nan)
    whole = finite.all(axis=1)
    found[:, whole] = np.quantile(rows[whole], tails, axis=1)
    for row in np.flatnonzero(~whole & (finite.mean(axis=1) >= _ENOUGH_DRAWS)):
        found[:, row] = np.quantile(rows[row][finite[row]], tails)
    return found.reshape(3, *replicates.shape[:-1])


def make_pooled_interval(
    values: Floats,
    drawn: Resampled,
    *,
    blocks: float,
    cells: NDArray[np.int64],
    level: float,
) -> tuple[Floats, Floats]:
    """Return the interval of pooled scores.

    Parameters
    ----------
    values : (...,)
        Scores of the record.
    drawn : Resampled, (..., draw)
    blocks : float
        Blocks of days in the record.
    cells : (...,)
        Cells, or clusters of them, that were drawn.
    level : float

    Returns
    -------
    lower and upper bounds, (...,)
        NaN where half of the draws have no value.

    Notes
    -----
    The percentiles of `drawn.both` give the shape, around the score: joining blocks
    changes what a record's score is expected to be, which is a bias of the replicates
    and no uncertainty of the score, so their median is laid on it (Haerdle, Horowitz
    and Kreiss 2003, doi:10.1111/j.1751-5823.2003.tb00485.x). The shape is stretched so
    that its variance counts noise once, and by the quotient of the quantiles of
    Student's t and the normal law, with the effective degrees of freedom of a sum of
    variances (Satterthwaite 1946, doi:10.2307/3002019). Where draws pile up on one
    value, such as an event that most of them miss, their middle is an end: there the
    interval reaches out to the plain percentiles. How often intervals cover the true
    score: docs/decisions/0009-intervals.md.
    """
    lower, middle, upper = _take_percentiles(drawn.both, level)
    factor = _measure_stretch(drawn, blocks, cells, level)
    low, high = values + factor * (lower - middle), values + factor * (upper - middle)
    piled_up = (lower == middle) ^ (upper == middle)
    return (
        np.where(piled_up, np.fmin(low, lower), low),
        np.where(piled_up, np.fmax(high, upper), high),
    )


def _measure_stretch(
    drawn: Resampled, blocks: float, cells: NDArray[np.int64], level: float
) -> Floats:
    """Return by how much percentiles of draws of both are too narrow or too wide."""
    both, days, places = (_compute_variance(part) for part in drawn)
    once = np.maximum(2.0 * (days + places) - both, np.maximum(days, places))
    of_cells = once - days
    with np.errstate(divide="ignore", invalid="ignore"):
        uncertain = days**2 / (blocks - 1.0) + np.where(
            of_cells > 0, of_cells**2 / (cells - 1.0), 0.0
        )
        freedom = once**2 / uncertain
        factor = np.sqrt(once / both) * _compare_t_with_normal(freedom, level)
    return np.asarray(np.where(both > 0, factor, 1.0))


def _compute_variance(replicates: Floats) -> Floats:
    """Variance over the last axis without NaN; 0 where fewer than two are finite."""
    finite = np.isfinite(replicates)
    count = np.maximum(finite.sum(axis=-1), 1)
    filled = np.where(finite, replicates, 0.0).astype(np.float64)
    mean = filled.sum(axis=-1) / count
    squares = np.where(finite, (filled - mean[..., None]) ** 2, 0.0).sum(axis=-1)
    return np.asarray(squares / count)


def _compare_t_with_normal(freedom: Floats, level: float) -> Floats:
    """Return the quantile of Student's t over that of the normal law.

    Abramowitz and Stegun 1964, 26.7.5; within 0.3 % from three degrees on, and fewer
    are taken as three.
    """
    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    n = np.maximum(np.nan_to_num(freedom, nan=np.inf), _FEWEST_FREEDOM)
    first = (z**3 + z) / 4.0
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96.0
    third = (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384.0
    fourth = (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160.0
    return np.asarray(
        1.0 + (first / n + second / n**2 + third / n**3 + fourth / n**4) / z
    )
