"""Compiled choice of the values that count and their daily means, each in one pass.

`selection` imports it where numba is installed, and says what the numbers mean;
without it array functions give the same.
"""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.compiling import LANES, compile_lazily, sum_pairwise

Integers = NDArray[np.int64]
Floats = NDArray[np.float64]

DECLARED, PERIOD, FINITE, BELOW, BEYOND, FLAGS = 0, 1, 2, 3, 4, 5
"""Places of reasons among the counts; those of flags follow, by code."""
NO_TIME = np.iinfo(np.int64).min
DAY = 1440  # minutes


@compile_lazily()
def choose_values(
    minutes: Integers,
    values: Floats,
    codes: NDArray[np.int16],
    is_good: NDArray[np.bool_],
    limits: Integers,
    maximum: float,
    kept_minutes: Integers,
    kept_values: Floats,
    counts: Integers,
) -> tuple[int, int]:
    """Copy the values that count, in order, and count the others by reason.

    Parameters
    ----------
    is_good : (code,)
    limits : minutes, the first inside and the first beyond, of what the file declares
        and of the period
    counts : (FLAGS + code,), zeros

    Returns
    -------
    tuple
        How many are kept, and how many rows stand after a later one. The first is -1
        where kept times don't increase, or a time is missing.
    """
    kept = out_of_order = 0
    latest = last = NO_TIME
    for row in range(minutes.size):
        minute, value, code = minutes[row], values[row], codes[row]
        if minute == NO_TIME:
            return -1, 0
        out_of_order += minute < latest
        latest = max(minute, latest)
        if minute < limits[0] or minute >= limits[1]:
            counts[DECLARED] += 1
        elif minute < limits[2] or minute >= limits[3]:
            counts[PERIOD] += 1
        elif not is_good[code]:
            counts[FLAGS + code] += 1
        elif not np.isfinite(value):
            counts[FINITE] += 1
        elif value < 0:
            counts[BELOW] += 1
        elif value > maximum:
            counts[BEYOND] += 1
        else:
            if minute <= last:
                return -1, 0
            kept_minutes[kept], kept_values[kept] = minute, value
            last = minute
            kept += 1
    return kept, out_of_order


@compile_lazily()
def average_days(
    minutes: Integers, values: Floats, minimum: int
) -> tuple[Integers, Floats, Integers, int]:
    """Average values at increasing times to days; as `daily.average_to_days`.

    Returns
    -------
    tuple
        Days since 1970 with enough values, their means, their counts, and the number of
        days with too few.
    """
    bound = minutes.size
    if bound > 0:
        bound = min(bound, minutes[-1] // DAY - minutes[0] // DAY + 1)
    days, counts = np.empty(bound, np.int64), np.empty(bound, np.int64)
    means = np.empty(bound, np.float64)
    lane = np.empty(LANES)
    kept = below = row = 0
    while row < minutes.size:
        first, day = row, minutes[row] // DAY
        end, least, most = (day + 1) * DAY, values[row], values[row]
        while row < minutes.size and minutes[row] < end:
            least, most = min(least, values[row]), max(most, values[row])
            row += 1
        if row - first < minimum:
            below += 1
            continue
        total = values[first] + sum_pairwise(values, first + 1, row, lane)
        mean = total / (row - first)
        days[kept], counts[kept] = day, row - first
        means[kept] = min(max(mean, least), most) + 0.0  # no zero with a sign
        kept += 1
    return days[:kept], means[:kept], counts[:kept], below
