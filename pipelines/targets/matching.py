"""Give one series the mean and variance of another over the days that both have.

The arithmetic beneath scaling to a reference, gap filling and train-only scaling. A
series is an array over days, NaN where a day has no value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

NO_VARIANCE = "standard deviation over the overlap not positive"


class Rejection(NamedTuple):
    """Why a series is not used: the value found beside the one expected."""

    reason: str
    found: float | None
    expected: float | None


class Matching(NamedTuple):
    """The line `offset + slope * x` that gives a series the moments of another."""

    slope: float
    offset: float
    overlap_days: int


def compute_standard_deviation(values: Series) -> float:
    """Return the deviation with `ddof=1`: 0 for a constant, NaN below two values.

    A constant series such as 0.1, 0.1, 0.1 gives 1e-17 by the formula, and a stuck
    sensor would pass the test for a positive one.
    """
    if values.size <= 1:
        return float("nan")
    if values.min() == values.max():
        return 0.0
    return float(values.std(ddof=1))


def match_moments(
    series: Series, target: Series, minimum_overlap: int, too_short: str
) -> Matching | Rejection:
    """Find the line that gives `series` the mean and variance of `target`.

    Moments are those of the days on which both have a value, with `ddof=1`.

    Examples
    --------
    >>> x = np.array([1.0, 2.0, 3.0, np.nan])
    >>> match_moments(x, np.array([2.0, 4.0, 6.0, 9.0]), 3, "too short")
    Matching(slope=2.0, offset=0.0, overlap_days=3)
    """
    shared = np.isfinite(series) & np.isfinite(target)
    overlap = int(shared.sum())
    if overlap < minimum_overlap:
        return Rejection(too_short, overlap, minimum_overlap)
    x, y = series[shared], target[shared]
    spreads = compute_standard_deviation(x), compute_standard_deviation(y)
    if not min(spreads) > 0:
        found = None if np.isnan(spreads).any() else min(spreads)
        return Rejection(NO_VARIANCE, found, 0.0)
    slope = spreads[1] / spreads[0]
    return Matching(slope, float(y.mean() - x.mean() * slope), overlap)


def apply_matching(series: Series, matching: Matching) -> Series:
    """Transform the whole series; negative results become NaN, nothing is capped."""
    scaled = matching.offset + matching.slope * series
    return np.where(scaled < 0, np.nan, scaled)


def correlate(x: Series, y: Series) -> float:
    """Pearson correlation of two complete series; NaN where one is constant."""
    if not min(compute_standard_deviation(x), compute_standard_deviation(y)) > 0:
        return float("nan")
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum()))
