"""Find series that are the target on some days, or through a curve. Pure.

Arrays are (series, time), m3 m-3, NaN on the same days.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_SHARE, LEAST_DAYS = 0.05, 10  # of days that equal the target
OTHER_DAYS = tuple(day for day in range(-10, 11) if day)
CLEARLY = 3.0  # times as many equal days as with the target of any other day
MONOTONE_ITSELF = 0.1  # of its standard deviation, that the target falls back at least


def find_partly_equal(
    predicted: Floats, target: Floats, equal: float
) -> tuple[Mask, NDArray[np.int64]]:
    """Find series that equal the target on some days, and on no other day's as often.

    Days on which the target is that of the day before don't count. A prediction that
    errs by 0.03 m3 m-3 meets a target of five decimals on one day in five thousand.
    Where a sensor knows few values, predictions made of such values meet those of other
    days as often.

    Parameters
    ----------
    predicted, target : array, (series, time), m3 m-3
    equal : float, m3 m-3
        How far equal values lie apart at most.

    Returns
    -------
    is_partly : (series,), bool
        5 % of the days, and ten, are equal, three times as many as when the target is
        moved by 1 to 10 days either way.
    days : (series,), int
        Equal days.
    """
    changed = np.zeros(target.shape, dtype=bool)
    changed[:, 1:] = np.abs(np.diff(target, axis=1)) > 2 * equal
    count = np.maximum(changed.sum(axis=1), 1)
    days = ((np.abs(predicted - target) <= equal) & changed).sum(axis=1)
    share = days / count
    elsewhere = np.zeros(len(target))
    for move in OTHER_DAYS:
        met = np.abs(predicted - np.roll(target, move, axis=1)) <= equal
        elsewhere = np.maximum(elsewhere, (met & changed).sum(axis=1) / count)
    enough = (days >= LEAST_DAYS) & (share >= LEAST_SHARE)
    return enough & (share >= CLEARLY * elsewhere), days


def find_monotone(predicted: Floats, target: Floats, scatter: float) -> Mask:
    """Find series that rise, or fall, with the target on all days, (series,).

    Parameters
    ----------
    predicted, target : array, (series, time)
    scatter : float
        How far a prediction may fall back, over the predictions' standard deviation.

    Notes
    -----
    A target that only rises or only falls is a curve of that of the day before, so any
    smooth model is a curve of it: series whose target isn't at least 10 % of its
    standard deviation off such a curve aren't looked at.
    """
    result = np.zeros(len(target), dtype=bool)
    for row, (ours, theirs) in enumerate(zip(predicted, target, strict=True)):
        known = np.isfinite(ours) & np.isfinite(theirs)
        before = np.isfinite(theirs[1:]) & np.isfinite(theirs[:-1])
        if known.sum() < LEAST_DAYS or not before.any():
            continue
        turns = _fall_back(theirs[:-1][before], theirs[1:][before])
        result[row] = (
            turns > MONOTONE_ITSELF
            and _fall_back(ours[known], theirs[known]) <= 2 * scatter
        )
    return result


def _fall_back(values: Floats, along: Floats) -> float:
    """Return by how much values fall back as another series rises, over their spread.

    The lesser one of a rising and a falling curve; infinite for a constant.
    """
    deviation = float(values.std())
    if deviation == 0:
        return float("inf")
    back = []
    for sign in (1.0, -1.0):
        ordered = (sign * values)[np.lexsort((-sign * values, along))]
        back.append(float((np.maximum.accumulate(ordered) - ordered).max()))
    return min(back) / deviation
