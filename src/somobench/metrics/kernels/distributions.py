"""Compiled sums behind distances between distributions."""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.compiling import compile_lazily
from somobench.metrics.kernels.arrays import Floats, Integers
from somobench.metrics.kernels.sums import sum_days


@compile_lazily()
def _interpolate(
    values: Floats, places: NDArray[np.int32], count: int, level: float
) -> float:
    """Return a quantile of a row, as numpy does by default; NaN of an empty one."""
    if count == 0:
        return np.nan
    position = (count - 1) * level
    below = int(np.floor(position))
    low = values[places[below]]
    high = values[places[min(below + 1, count - 1)]]
    return low + (high - low) * (position - below)


@compile_lazily()
def sum_distributions(
    series: Floats,
    places: NDArray[np.int32],
    counts: Integers,
    levels: Floats,
    bins: int,
    bounds: Integers,
    nodes: Floats,
    sums: Floats,
) -> None:
    """Fill quantiles around tails (tail, row, node) and the sums of their family.

    `series` (2, row, time) are predictions and targets less the targets' mean; `levels`
    (tail, node) alternate between both.
    """
    _, rows, size = series.shape
    tails, width = levels.shape
    for row in range(rows):
        daily, place = np.zeros((6 + tails, size)), np.zeros((2, size), dtype=np.int64)
        histogram, count = np.zeros((2, bins), dtype=np.int64), counts[row]
        lowest = min(
            _interpolate(series[0, row], places[0, row], count, 0.0),
            _interpolate(series[1, row], places[1, row], count, 0.0),
        )
        highest = max(
            _interpolate(series[0, row], places[0, row], count, 1.0),
            _interpolate(series[1, row], places[1, row], count, 1.0),
        )
        scale = bins / (highest - lowest)
        scale = scale if np.isfinite(scale) else 0.0  # all in one bin
        for index in range(count):
            day = places[0, row, index]
            for which in range(2):
                position = (series[which, row, day] - lowest) * scale
                place[which, day] = int(min(position, bins - 1.0))
                histogram[which, place[which, day]] += 1
        for tail in range(tails):
            which = tail % 2
            for node in range(width):
                nodes[tail, row, node] = _interpolate(
                    series[which, row], places[which, row], count, levels[tail, node]
                )
        for index in range(count):
            day = places[0, row, index]
            a, b = series[0, row, day], series[1, row, day]
            daily[0, day] = 1.0
            daily[1, day] = abs(a - b)
            daily[2, day] = abs(b)
            daily[3, day] = b
            daily[4, day] = np.sign(b)
            bin_x, bin_y = place[0, day], place[1, day]
            daily[5, day] = (histogram[0, bin_x] < histogram[1, bin_x]) + (
                histogram[0, bin_y] >= histogram[1, bin_y]
            )
            for tail in range(tails):
                below = series[tail % 2, row, day] <= nodes[tail, row, width // 2]
                daily[6 + tail, day] = below
        sum_days(daily, bounds, sums[:, row])
