"""Compiled order of series, and sums of their ranks."""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.compiling import compile_lazily
from somobench.metrics.kernels.arrays import Floats, Integers
from somobench.metrics.kernels.sums import sum_days

_DIGIT, _PLACES, _DIGITS = 11, 2048, 6  # of the 64 bits that are sorted by


@compile_lazily()
def sort_places(
    values: Floats, places: NDArray[np.int32], keys: NDArray[np.uint64]
) -> int:
    """Sort the finite values of a row: fill where the k-th smallest lies, count them.

    By digits of their bits, the lowest first; a digit that all values share is left
    out, as the low ones of series that were float32 are. `keys` (2, time) is scratch.
    """
    bits = values.view(np.uint64)
    other = np.empty_like(places)
    histogram = np.zeros((_DIGITS, _PLACES), dtype=np.int32)
    sign = np.uint64(1) << np.uint64(63)
    count = 0
    for day in range(values.size):
        if not np.isfinite(values[day]):
            continue
        key = bits[day] if values[day] != 0.0 else np.uint64(0)  # -0 is 0
        key = ~key if key & sign else key | sign
        keys[0, count], places[count] = key, day
        count += 1
        for digit in range(_DIGITS):
            histogram[digit, (key >> np.uint64(digit * _DIGIT)) & np.uint64(2047)] += 1
    source = 0
    for digit in range(_DIGITS):
        shift = np.uint64(digit * _DIGIT)
        if count and histogram[digit, (keys[0, 0] >> shift) & np.uint64(2047)] == count:
            continue
        position = 0
        for place in range(_PLACES):
            size = histogram[digit, place]
            histogram[digit, place] = position
            position += size
        for index in range(count):
            key = keys[source, index]
            place = (key >> shift) & np.uint64(2047)
            into = histogram[digit, place]
            histogram[digit, place] = into + 1
            keys[1 - source, into] = key
            other[into] = places[index]
        source = 1 - source
        places[:count] = other[:count]
    return count


@compile_lazily()
def sort_rows(values: Floats, places: NDArray[np.int32], counts: Integers) -> None:
    """Fill `places` (row, time) and the number of finite values of every row."""
    keys = np.empty((2, values.shape[1]), dtype=np.uint64)
    for row in range(values.shape[0]):
        counts[row] = sort_places(values[row], places[row], keys)


@compile_lazily()
def _rank_row(
    values: Floats, places: NDArray[np.int32], count: int, ranks: Floats
) -> None:
    """Fill mid-ranks from -0.5 to 0.5, ties by their average."""
    first = 0
    while first < count:
        end = first + 1
        while end < count and values[places[end]] == values[places[first]]:
            end += 1
        rank = first + (end - first + 1) / 2.0
        for place in range(first, end):
            ranks[places[place]] = (rank - 0.5) / count - 0.5
        first = end


@compile_lazily()
def _add_above(
    values: Floats,
    places: NDArray[np.int32],
    count: int,
    scores: Floats,
    above: Floats,
) -> None:
    """Add the scores on days of greater value, and half of those of equal value."""
    whole = 0.0
    for place in range(count):
        whole += scores[places[place]]
    before, first = 0.0, 0
    while first < count:
        end, until = first, before
        while end < count and values[places[end]] == values[places[first]]:
            until += scores[places[end]]
            end += 1
        for place in range(first, end):
            above[places[place]] += whole - (before + until) / 2.0
        before, first = until, end


@compile_lazily()
def sum_ranks(
    x: Floats,
    y: Floats,
    places: NDArray[np.int32],
    counts: Integers,
    bounds: Integers,
    rho: Floats,
    sums: Floats,
) -> None:
    """Fill Spearman's rho (row,), and sums of days and of rho's change by a day.

    `places` (2, row, time) are those of both series.
    """
    rows, size = x.shape
    for row in range(rows):
        count = counts[row]
        u, v, above = np.zeros(size), np.zeros(size), np.zeros(size)
        _rank_row(x[row], places[0, row], count, u)
        _rank_row(y[row], places[1, row], count, v)
        uv, uu, vv = 0.0, 0.0, 0.0
        for day in range(size):
            uv += u[day] * v[day]
            uu += u[day] * u[day]
            vv += v[day] * v[day]
        covariance = uv / count
        spread, of_target = np.sqrt(uu / count), np.sqrt(vv / count)
        scale = spread * of_target
        rho[row] = np.nan
        if of_target > 0.0:
            known = covariance / scale if spread > 0.0 else 0.0
            rho[row] = min(max(known, -1.0), 1.0)
        _add_above(x[row], places[0, row], count, v, above)
        _add_above(y[row], places[1, row], count, u, above)
        daily = np.zeros((2, size))
        for place in range(count):
            day = places[0, row, place]
            change = u[day] * v[day] + above[day] / count - 3.0 * covariance
            daily[0, day] = 1.0
            daily[1, day] = change / scale if scale > 0.0 else 0.0
        sum_days(daily, bounds, sums[:, row])
