"""Compiled sums over the steps of a record: moments, products, days, events."""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np

from somobench.compiling import compile_lazily
from somobench.metrics.kernels.arrays import Floats, Integers

_INFINITY = np.inf


@compile_lazily(reorder=True)
def _sum_pairs(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Return the number of pairs and their sums; the loop is one for vectors."""
    count, sum_x, sum_y = 0, 0.0, 0.0
    for day in range(x.size):
        u, v = np.float64(x[day]), np.float64(y[day])
        paired = (abs(u) < _INFINITY) & (abs(v) < _INFINITY)
        a, b = u if paired else 0.0, v if paired else 0.0
        count += int(paired)
        sum_x += a
        sum_y += b
    return np.float64(count), sum_x, sum_y


@compile_lazily(reorder=True)
def _sum_squares(
    x: Floats, y: Floats, mean_x: float, mean_y: float, sums: Floats
) -> None:
    count, sx, sy, sxx, syy, sxy, see = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for day in range(x.size):
        u, v = np.float64(x[day]) - mean_x, np.float64(y[day]) - mean_y
        paired = (abs(u) < _INFINITY) & (abs(v) < _INFINITY)
        a, b = u if paired else 0.0, v if paired else 0.0
        e = a - b
        count += int(paired)
        sx += a
        sy += b
        sxx += a * a
        syy += b * b
        sxy += a * b
        see += e * e
    sums[0], sums[1], sums[2], sums[3] = count, sx, sy, sxx
    sums[4], sums[5], sums[6] = syy, sxy, see


@compile_lazily()
def sum_moments(
    x: Floats, y: Floats, bounds: Integers, centres: Floats, sums: Floats
) -> None:
    """Fill sums of 1, x, y, xx, yy, xy and (x - y)^2 about the means of pairs.

    `centres` (2, row) gets the means. Series may be float32; pairs are found here.
    """
    for row in range(x.shape[0]):
        count, sum_x, sum_y = _sum_pairs(x[row], y[row])
        mean_x, mean_y = sum_x / count, sum_y / count
        centres[0, row], centres[1, row] = mean_x, mean_y
        for step in range(bounds.size - 1):
            start, end = bounds[step], bounds[step + 1]
            own = sums[:, row, step]
            _sum_squares(x[row, start:end], y[row, start:end], mean_x, mean_y, own)


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
