"""Measures of how predictions lie to a target, each a number a series; NaN is missing.

Arrays are (series, time) of float64. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MINIMUM_DAYS = 60
MINIMUM_BLOCKS = 4
WINDOW, WINDOW_DAYS = 35, 15  # d, and those of them that have to be known

Floats = NDArray[np.float64]


def correlate(one: Floats, other: Floats) -> Floats:
    """Correlate rows over the days that both have, (series,); NaN below 60 days."""
    both = np.isfinite(one) & np.isfinite(other)
    x, y = center(np.where(both, one, np.nan)), center(np.where(both, other, np.nan))
    norm = np.sqrt(np.nansum(x**2, axis=1) * np.nansum(y**2, axis=1))
    known = (both.sum(axis=1) >= MINIMUM_DAYS) & (norm > 0)
    product = np.nansum(x * y, axis=1)
    return np.divide(product, norm, out=np.full(len(x), np.nan), where=known)


def center(values: Floats) -> Floats:
    """Subtract the mean of each row."""
    known = np.isfinite(values)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, values, 0.0).sum(axis=1) / count
    centred: Floats = values - mean[:, None]
    return centred


def spread(values: Floats) -> Floats:
    """Return the standard deviation of each row; NaN where there is no day."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, center(values) ** 2, 0.0).sum(axis=1)
    return np.sqrt(
        np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
    )


def move(values: Floats, days: int) -> Floats:
    """Move rows `days` later; what isn't known then is NaN."""
    moved = np.full_like(values, np.nan)
    if days > 0:
        moved[:, days:] = values[:, :-days]
    elif days < 0:
        moved[:, :days] = values[:, -days:]
    else:
        moved[:] = values
    return moved


def correlate_changes(predicted: Floats, target: Floats, days: int = 0) -> Floats:
    """Correlate changes from day to day, of predictions moved `days` later."""
    changes = np.diff(predicted, axis=1)
    return correlate(move(changes, days), np.diff(target, axis=1))


def measure_lasting(predicted: Floats, target: Floats, block: int) -> Floats:
    """Measure what is left of errors when they are averaged over blocks of days.

    Errors are predictions minus the target, or what a line from the target to the
    predictions leaves, whichever lasts less: neither a factor nor damping hides them.

    Returns
    -------
    array, (series,), 1
        Standard deviation of block means over that of days: 1 for errors that last,
        1 / sqrt(block) for white noise, less where errors take each other back.
    """
    error, rest = center(predicted - target), leave_line(predicted, target)
    return np.fmin(_average_blocks(error, block), _average_blocks(rest, block))


def leave_line(values: Floats, along: Floats) -> Floats:
    """Return what a line from another series leaves of values, (series, time)."""
    both = np.isfinite(values) & np.isfinite(along)
    x, y = center(np.where(both, along, np.nan)), center(np.where(both, values, np.nan))
    square = np.nansum(x**2, axis=1)
    shared = np.nansum(x * y, axis=1)
    slope = np.divide(shared, square, out=np.zeros(len(x)), where=square > 0)
    rest: Floats = y - slope[:, None] * x
    return rest


def _average_blocks(error: Floats, block: int) -> Floats:
    count = error.shape[1] // block
    parts = error[:, : count * block].reshape(len(error), count, block)
    known = np.isfinite(parts)
    enough = known.sum(axis=2) >= block * 2 // 3
    total = np.where(known, parts, 0.0).sum(axis=2)
    means = np.where(enough, total / np.maximum(known.sum(axis=2), 1), np.nan)
    square = np.where(enough, means**2, 0.0).sum(axis=1)
    blocks = enough.sum(axis=1)
    day = spread(error)
    usable = (blocks >= MINIMUM_BLOCKS) & (day > 1e-6)  # noqa: PLR2004 - a copy's
    ratio = np.sqrt(square / np.maximum(blocks, 1))
    return np.divide(ratio, day, out=np.full(len(error), np.nan), where=usable)


def subtract_monthly_mean(values: Floats) -> Floats:
    """Return departures from a moving mean of 35 days."""
    known = np.isfinite(values)
    kernel = np.ones(WINDOW)
    sums = np.array([np.convolve(row, kernel, "same") for row in np.nan_to_num(values)])
    counts = np.array([np.convolve(row, kernel, "same") for row in known.astype(float)])
    enough = known & (np.round(counts) >= WINDOW_DAYS)
    departures: Floats = np.where(enough, values - sums / np.maximum(counts, 1), np.nan)
    return departures


def correlate_all(one: Floats, other: Floats) -> Floats:
    """Correlate every row with every other, (series, series), over common days."""
    a, b = np.nan_to_num(center(one)), np.nan_to_num(center(other))
    p, q = np.isfinite(one).astype(float), np.isfinite(other).astype(float)
    count = np.maximum(p @ q.T, 1.0)
    sum_a, sum_b = a @ q.T, p @ b.T
    square_a = (a**2) @ q.T - sum_a**2 / count
    square_b = p @ (b**2).T - sum_b**2 / count
    norm = np.sqrt(np.maximum(square_a, 0.0) * np.maximum(square_b, 0.0))
    known = (count >= MINIMUM_DAYS) & (norm > 0)
    shared = a @ b.T - sum_a * sum_b / count
    return np.divide(shared, norm, out=np.full(norm.shape, np.nan), where=known)


def average_days_of_year(values: Floats, days: NDArray[np.integer]) -> Floats:
    """Replace values by the mean of their day of the year, where two years have it.

    Parameters
    ----------
    values : array, (series, time)
    days : array, (time,)
        Day of the year.
    """
    result = np.full_like(values, np.nan)
    for day in np.unique(days):
        at = days == day
        part = values[:, at]
        known = np.isfinite(part)
        count = known.sum(axis=1, keepdims=True)
        mean = np.where(known, part, 0.0).sum(axis=1, keepdims=True)
        result[:, at] = np.where(
            known & (count > 1), mean / np.maximum(count, 1), np.nan
        )
    return result


def compare_layers(
    predicted: Floats,
    target: Floats,
    layers: NDArray[np.integer],
    cells: NDArray[np.str_],
) -> Iterator[tuple[int, int, Floats]]:
    """Yield pairs of layers, and what both of a cell gain in r when exchanged."""
    place = {
        (int(layer), str(cell)): row
        for row, (layer, cell) in enumerate(zip(layers, cells, strict=True))
    }
    known = sorted({int(layer) for layer in layers})
    for number, upper in enumerate(known):
        for lower in known[number + 1 :]:
            pairs = [
                (place[upper, cell], place[lower, cell])
                for cell in sorted({str(cell) for cell in cells})
                if (upper, cell) in place and (lower, cell) in place
            ]
            if not pairs:
                continue
            one, two = np.array(pairs).T
            gains = [
                correlate(predicted[mine], target[other])
                - correlate(predicted[mine], target[mine])
                for mine, other in ((one, two), (two, one))
            ]
            yield upper, lower, np.minimum(*gains)
