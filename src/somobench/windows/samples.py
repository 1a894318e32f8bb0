"""Which days of which cells are samples of a role, and what balances know of them."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.extremes import (
    MINIMUM_TRAIN_DAYS,
    compute_extreme_thresholds,
)
from somobench.schemas.variables import ROLES, TEST, TRAIN
from somobench.windows.balances import Samples
from somobench.windows.flat import FlatArray
from somobench.windows.series import Series

LET_GO = 64  # cells after which memory of mapped arrays is given back


class Selection(NamedTuple):
    """Samples in the order of cells and days, and what was left out.

    Attributes
    ----------
    rows : FlatArray, (cell * day,), int32 or int64
        Cell times number of days, plus day; the first `size` are samples.
    size : int
    refused : mapping of reason to count
    masked : float
    """

    rows: FlatArray
    size: int
    refused: dict[str, int]
    masked: float


def select_windows(
    series: Series, role: str, length: int, *, refuse_missing: bool
) -> Selection:
    """Return the days of a role that have a target and a window that may be read."""
    number = ROLES.index(role) + TRAIN
    refused = {"embargo": 0, "missing": 0}
    rows = series.padded.make_sibling((series.role.size,), _choose_dtype(series))
    count = known = 0
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
        rows.values[count : count + day.size] = place * own.size + day
        count += day.size
        if place % LET_GO == 0:
            series.let_go()
            rows.let_go()
    rows.freeze()
    masked = 1 - known / (count * length) if count else 0.0
    return Selection(rows, count, refused, masked)


def _choose_dtype(series: Series) -> type[np.integer[Any]]:
    return np.int32 if series.role.size < np.iinfo(np.int32).max else np.int64


def count_back(marked: NDArray[np.bool_], length: int) -> NDArray[np.int64]:
    """Count marked days in the window that ends on each day.

    Examples
    --------
    >>> count_back(np.array([True, False, True, True]), 2)
    array([1, 1, 1, 2])
    """
    sums = np.concatenate([np.zeros(length, dtype=np.int64), np.cumsum(marked)])
    return sums[length:] - sums[: marked.size]


def describe_samples(series: Series, rows: NDArray[np.integer[Any]]) -> Samples:
    """Return region, regime and level of samples, by train days of their cells.

    Parameters
    ----------
    rows : array, (sample,)
        As of `Selection`, in order.
    """
    cell, day = np.divmod(rows, len(series.days))
    level = np.zeros(day.size, dtype=np.int8)
    deviation = np.zeros(day.size)
    edges = np.searchsorted(cell, np.arange(len(series.cells) + 1))
    for place, (first, last) in enumerate(pairwise(edges)):
        target, role = series.target[place], series.role[place]
        train = target[(role == TRAIN) & np.isfinite(target)].astype(np.float64)
        if first == last or train.size < MINIMUM_TRAIN_DAYS:
            continue
        values = target[day[first:last]]
        limits = compute_extreme_thresholds(train[None])
        dry, wet = limits["dry"][0], limits["wet"][0]
        level[first:last] = (values > wet).astype(np.int8) - (values < dry)
        if train.std() > 0:
            deviation[first:last] = (values - train.mean()) / train.std()
        if place % LET_GO == 0:
            series.let_go()
    return Samples(
        region=series.groups["region"][cell],
        regime=series.groups["regime"][cell],
        level=level,
        deviation=deviation,
    )
