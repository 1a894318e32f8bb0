"""Which days of which cells are samples of a role, and what balances know of them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.extremes import (
    MINIMUM_TRAIN_DAYS,
    compute_extreme_thresholds,
)
from somobench.schemas.variables import ROLES, TEST, TRAIN
from somobench.windows.balances import Samples
from somobench.windows.series import Series


class Selection(NamedTuple):
    """Samples in the order of cells and days, and what was left out."""

    cell: NDArray[np.int32]
    day: NDArray[np.int32]
    refused: dict[str, int]
    masked: float


def select_windows(
    series: Series, role: str, length: int, *, refuse_missing: bool
) -> Selection:
    """Return the days of a role that have a target and a window that may be read."""
    number = ROLES.index(role) + TRAIN
    refused = {"embargo": 0, "missing": 0}
    cells: list[NDArray[np.int32]] = []
    days: list[NDArray[np.int32]] = []
    known = 0
    for place in range(len(series.cells)):
        own = series.role[place]
        day = np.flatnonzero((own == number) & np.isfinite(series.target[place]))
        if number != TEST:
            held = count_back(own == TEST, length)[day]
            refused["embargo"] += int((held > 0).sum())
            day = day[held == 0]
        present = count_back(series.is_present[place], length)[day]
        if refuse_missing:
            refused["missing"] += int((present < length).sum())
            day, present = day[present == length], present[present == length]
        known += int(present.sum())
        cells.append(np.full(day.size, place, dtype=np.int32))
        days.append(day.astype(np.int32))
        _note_record(series)
    count = sum(day.size for day in days)
    masked = 1 - known / (count * length) if count else 0.0
    return Selection(np.concatenate(cells), np.concatenate(days), refused, masked)


def count_back(marked: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Count marked days in the window that ends on each day.

    Examples
    --------
    >>> count_back(np.array([True, False, True, True]), 2)
    array([1, 1, 1, 2])
    """
    sums = np.concatenate([np.zeros(length, dtype=np.int64), np.cumsum(marked)])
    return sums[length:] - sums[: marked.size]


def _note_record(series: Series) -> None:
    """Tell the arrays that the record of a cell was read."""
    for array in (series.known, series.observed, series.roles):
        array.note_reading(1, len(series.days) * array.values.itemsize)


def describe_samples(
    series: Series, cell: NDArray[np.integer], day: NDArray[np.integer]
) -> Samples:
    """Return region, regime and level of samples, by train days of their cells."""
    level = np.zeros(day.size, dtype=np.int8)
    deviation = np.zeros(day.size)
    edges = np.searchsorted(cell, np.arange(len(series.cells) + 1))
    for place, (first, last) in enumerate(pairwise(edges)):
        target, role = series.target[place], series.role[place]
        train = target[(role == TRAIN) & np.isfinite(target)].astype(np.float64)
        if first == last or train.size < MINIMUM_TRAIN_DAYS:
            continue
        values = target[day[first:last]]
        _note_record(series)
        limits = compute_extreme_thresholds(train[None])
        dry, wet = limits["dry"][0], limits["wet"][0]
        level[first:last] = (values > wet).astype(np.int8) - (values < dry)
        if train.std() > 0:
            deviation[first:last] = (values - train.mean()) / train.std()
    return Samples(
        region=series.groups["region"][cell],
        regime=series.groups["regime"][cell],
        level=level,
        deviation=deviation,
    )
