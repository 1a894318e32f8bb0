"""Compiled anomalies and climatologies of series."""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np

from somobench.compiling import LANES, compile_lazily, sum_pairwise
from somobench.metrics.kernels.arrays import Flags, Floats, Integers


@compile_lazily()
def _centre_row(
    values: Floats, deviations: Floats, valid: Flags, lane: Floats
) -> float:
    """Fill deviations from the mean, 0 where missing, and return the mean."""
    count = 0
    for day in range(values.size):
        valid[day] = np.isfinite(values[day])
        deviations[day] = values[day] if valid[day] else 0.0
        count += valid[day]
    mean = sum_pairwise(deviations, 0, values.size, lane) / count
    for day in range(values.size):
        deviations[day] = deviations[day] - mean if valid[day] else 0.0
    return mean


@compile_lazily()
def _average_row(deviations: Floats, valid: Flags, half: int, mean: Floats) -> None:
    """Fill the means over windows of one row; NaN over an empty window."""
    size = deviations.size
    sums, counts = np.zeros(size + 1), np.zeros(size + 1, dtype=np.int64)
    for day in range(size):
        sums[day + 1] = sums[day] + deviations[day]
        counts[day + 1] = counts[day] + valid[day]
    for day in range(size):
        first, end = max(day - half, 0), min(day + half + 1, size)
        count = counts[end] - counts[first]
        mean[day] = (sums[end] - sums[first]) / count if count else np.nan


@compile_lazily()
def fill_anomalies(values: Floats, half: int, anomalies: Floats) -> None:
    """Fill anomalies from the moving mean, (row, time); NaN where missing."""
    rows, size = values.shape
    deviations, mean, lane = np.empty(size), np.empty(size), np.empty(LANES)
    valid = np.empty(size, dtype=np.bool_)
    for row in range(rows):
        _centre_row(values[row], deviations, valid, lane)
        _average_row(deviations, valid, half, mean)
        for day in range(size):
            anomalies[row, day] = deviations[day] - mean[day] if valid[day] else np.nan


@compile_lazily()
def fill_climatology(
    values: Floats,
    order: Integers,
    starts: Integers,
    present: Integers,
    short: int,
    half: int,
    climatology: Floats,
) -> None:
    """Fill climatologies (row, day of year) from series.

    `order` sorts days by day of the year; those of `present[k]` begin at `starts[k]`.
    """
    rows, size = values.shape
    year = climatology.shape[1]
    deviations, smooth, part = np.empty(size), np.empty(size), np.empty(size)
    valid = np.empty(size, dtype=np.bool_)
    yearly, wrapped = np.empty(year), np.empty(year + 2 * half)
    around, known = np.empty(wrapped.size), np.empty(wrapped.size, dtype=np.bool_)
    mean, lane = np.empty(wrapped.size), np.empty(LANES)
    for row in range(rows):
        centre = _centre_row(values[row], deviations, valid, lane)
        _average_row(deviations, valid, short, smooth)
        yearly[:] = np.nan
        for place in range(starts.size):
            start = starts[place]
            end = starts[place + 1] if place + 1 < starts.size else size
            count = 0
            for index in range(start, end):
                value = smooth[order[index]] + centre
                count += np.isfinite(value)
                part[index - start] = value if np.isfinite(value) else 0.0
            total = part[0] + sum_pairwise(part, 1, end - start, lane)
            yearly[present[place] - 1] = total / count
        for place in range(wrapped.size):
            wrapped[place] = yearly[(place - half) % year]
        centre = _centre_row(wrapped, around, known, lane)
        _average_row(around, known, half, mean)
        for day in range(year):
            climatology[row, day] = mean[half + day] + centre
