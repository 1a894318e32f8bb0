"""Compiled sums over the steps of a record: moments, products, days, events."""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np

from somobench.compiling import compile_lazily
from somobench.metrics.kernels.arrays import Floats, Integers
from somobench.metrics.kernels.memory import ask_ahead, count_in_line

Moments = tuple[float, float, float, float, float, float, float]

_INFINITY = np.inf
_PIECE = 256  # days added up at once
_BLOCK = 4096  # values looked at at once
_FAR = 0.9  # share of a sum of squares that is due to the centre


@compile_lazily(reorder=True)
def _sum_pairs(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Return the number of pairs and their sums; the loop is one for vectors."""
    count, sum_x, sum_y = 0, 0.0, 0.0
    for day in range(x.size):
        u, v = np.float64(x[day]), np.float64(y[day])
        paired = abs(u - v) < _INFINITY
        a, b = u if paired else 0.0, v if paired else 0.0
        count += int(paired)
        sum_x += a
        sum_y += b
    return np.float64(count), sum_x, sum_y


@compile_lazily(reorder=True)
def _sum_squares(x: Floats, y: Floats, centre_x: float, centre_y: float) -> Moments:
    count, sx, sy, sxx, syy, sxy, see = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for day in range(x.size):
        u, v = np.float64(x[day]) - centre_x, np.float64(y[day]) - centre_y
        difference = u - v
        paired = abs(difference) < _INFINITY
        a, b = u if paired else 0.0, v if paired else 0.0
        e = difference if paired else 0.0
        count += 1.0 if paired else 0.0
        sx += a
        sy += b
        sxx += a * a
        syy += b * b
        sxy += a * b
        see += e * e
    return count, sx, sy, sxx, syy, sxy, see


@compile_lazily()
def _add(a: Moments, b: Moments) -> Moments:
    return (
        *(a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]),
        *(a[4] + b[4], a[5] + b[5], a[6] + b[6]),
    )


@compile_lazily()
def _average_first_pairs(x: Floats, y: Floats) -> tuple[float, float]:
    """Return the means of the first days that have pairs; NaN where none has."""
    for first in range(0, x.size, _PIECE):
        last = min(first + _PIECE, x.size)
        count, sum_x, sum_y = _sum_pairs(x[first:last], y[first:last])
        if count:
            return sum_x / count, sum_y / count
    return np.nan, np.nan


@compile_lazily()
def _sum_row(
    x: Floats,
    y: Floats,
    bounds: Integers,
    centre_x: float,
    centre_y: float,
    sums: Floats,
) -> None:
    line = count_in_line(x)
    for step in range(bounds.size - 1):
        own = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for first in range(bounds[step], bounds[step + 1], _PIECE):
            last = min(first + _PIECE, bounds[step + 1])
            ask_ahead(x, first, last, line)
            ask_ahead(y, first, last, line)
            part = x[first:last], y[first:last]
            own = _add(own, _sum_squares(part[0], part[1], centre_x, centre_y))
        for product in range(7):
            sums[product, step] = own[product]


@compile_lazily()
def _are_far(sums: Floats) -> bool:
    """Tell whether little is left of a sum of squares without its mean's share."""
    whole = np.empty(7)
    for product in range(7):
        whole[product] = sums[product].sum()
    count, sx, sy, sxx, syy, _, see = whole
    return bool(
        sx * sx > _FAR * count * sxx
        or sy * sy > _FAR * count * syy
        or (sx - sy) * (sx - sy) > _FAR * count * see
    )


@compile_lazily()
def sum_moments(
    x: Floats, y: Floats, bounds: Integers, centres: Floats, sums: Floats
) -> None:
    """Fill sums of 1, x, y, xx, yy, xy and (x - y)^2 about centres.

    `centres` (2, row) get the means of the first pairs, so that a series is read once;
    where these are far from the means of all pairs, they get those. Series may be
    float32; pairs are found here.
    """
    for row in range(x.shape[0]):
        own_x, own_y, own = x[row], y[row], sums[:, row]
        mean_x, mean_y = _average_first_pairs(own_x, own_y)
        _sum_row(own_x, own_y, bounds, mean_x, mean_y, own)
        if _are_far(own):
            count, sum_x, sum_y = _sum_pairs(own_x, own_y)
            mean_x, mean_y = sum_x / count, sum_y / count
            _sum_row(own_x, own_y, bounds, mean_x, mean_y, own)
        centres[0, row], centres[1, row] = mean_x, mean_y


@compile_lazily(reorder=True)
def _is_any_infinite(values: Floats) -> bool:
    found = False
    for day in range(values.size):
        found |= abs(values[day]) == _INFINITY
    return found


@compile_lazily()
def has_infinite(values: Floats) -> bool:
    """Tell whether a long series has an infinite value."""
    line = count_in_line(values)
    for first in range(0, values.size, _BLOCK):
        last = min(first + _BLOCK, values.size)
        ask_ahead(values, first, last, line)
        if _is_any_infinite(values[first:last]):
            return True
    return False


@compile_lazily(reorder=True)
def _multiply_sum(x: Floats, y: Floats) -> float:
    total = 0.0
    for day in range(x.size):
        total += x[day] * y[day]
    return total


@compile_lazily()
def sum_products(series: Floats, bounds: Integers, sums: Floats) -> None:
    """Fill sums of the products of all pairs of series (series, row, time).

    Pairs are the upper triangle of a matrix, row by row.
    """
    number, rows, _ = series.shape
    for row in range(rows):
        pair = 0
        for first in range(number):
            for second in range(first, number):
                for step in range(bounds.size - 1):
                    start, end = bounds[step], bounds[step + 1]
                    sums[pair, row, step] = _multiply_sum(
                        series[first, row, start:end], series[second, row, start:end]
                    )
                pair += 1


@compile_lazily()
def sum_days(daily: Floats, bounds: Integers, sums: Floats) -> None:
    """Fill the sums of one row's daily values (product, time), (product, step)."""
    for product in range(daily.shape[0]):
        for step in range(bounds.size - 1):
            total = 0.0
            for day in range(bounds[step], bounds[step + 1]):
                total += daily[product, day]
            sums[product, step] = total


@compile_lazily()
def sum_events(
    x: Floats, y: Floats, limit: Floats, wet: bool, bounds: Integers, sums: Floats
) -> None:
    """Fill counts of days, hits, predicted and observed events beyond a threshold."""
    for row in range(x.shape[0]):
        for step in range(bounds.size - 1):
            days, hits, predicted, observed = 0, 0, 0, 0
            for day in range(bounds[step], bounds[step + 1]):
                if not (np.isfinite(y[row, day]) and np.isfinite(limit[row])):
                    continue
                a = x[row, day] > limit[row] if wet else x[row, day] < limit[row]
                b = y[row, day] > limit[row] if wet else y[row, day] < limit[row]
                days += 1
                hits += a and b
                predicted += a
                observed += b
            sums[0, row, step], sums[1, row, step] = days, hits
            sums[2, row, step], sums[3, row, step] = predicted, observed
