"""Compiled anomalies and climatologies of series."""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np

from somobench.compiling import compile_lazily
from somobench.metrics.kernels.arrays import Flags, Floats, Integers

_LANES, _BLOCK = 8, 128  # of numpy's pairwise sum


@compile_lazily()
def _sum_block(values: Floats, start: int, size: int) -> float:
    """Sum up to 128 values in eight lanes, as numpy does."""
    whole = size - size % _LANES
    total = 0.0
    if whole:
        lanes = values[start : start + _LANES].copy()
        for place in range(start + _LANES, start + whole, _LANES):
            for lane in range(_LANES):
                lanes[lane] += values[place + lane]
        total = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + (
            (lanes[4] + lanes[5]) + (lanes[6] + lanes[7])
        )
    for place in range(start + whole, start + size):
        total += values[place]
    return total


@compile_lazily()
def sum_pairwise(values: Floats, start: int, size: int) -> float:
    """Sum part of a row in numpy's order: halves of halves, down to blocks."""
    starts, sizes = np.empty(64, dtype=np.int64), np.empty(64, dtype=np.int64)
    sums, joined = np.empty(64), np.empty(64, dtype=np.bool_)
    starts[0], sizes[0], joined[0] = start, size, False
    open_parts, known = 1, 0
    while open_parts:
        open_parts -= 1
        if joined[open_parts]:
            known -= 1
            sums[known - 1] += sums[known]
        elif sizes[open_parts] <= _BLOCK:
            sums[known] = _sum_block(values, starts[open_parts], sizes[open_parts])
            known += 1
        else:
            first, whole = starts[open_parts], sizes[open_parts]
            half = whole // 2
            half -= half % _LANES
            joined[open_parts] = True
            starts[open_parts + 1], sizes[open_parts + 1] = first + half, whole - half
            starts[open_parts + 2], sizes[open_parts + 2] = first, half
            joined[open_parts + 1] = joined[open_parts + 2] = False
            open_parts += 3
    return sums[0]


@compile_lazily()
def _centre_row(values: Floats, deviations: Floats, valid: Flags) -> float:
    """Fill deviations from the mean, 0 where missing, and return the mean."""
    count = 0
    for day in range(values.size):
        valid[day] = np.isfinite(values[day])
        deviations[day] = values[day] if valid[day] else 0.0
        count += valid[day]
    mean = sum_pairwise(deviations, 0, values.size) / count
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
    deviations, mean = np.empty(size), np.empty(size)
    valid = np.empty(size, dtype=np.bool_)
    for row in range(rows):
        _centre_row(values[row], deviations, valid)
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
    mean = np.empty(wrapped.size)
    for row in range(rows):
        centre = _centre_row(values[row], deviations, valid)
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
            total = part[0] + sum_pairwise(part, 1, end - start - 1)
            yearly[present[place] - 1] = total / count
        for place in range(wrapped.size):
            wrapped[place] = yearly[(place - half) % year]
        centre = _centre_row(wrapped, around, known)
        _average_row(around, known, half, mean)
        for day in range(year):
            climatology[row, day] = mean[half + day] + centre
