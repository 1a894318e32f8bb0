"""Spearman's rank correlation and its first-order change when days are resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import (
    Additive,
    Finish,
    Floats,
    Scores,
    correlation,
    sum_products,
)

Positions = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class _Order:
    """Sorted places of every row, and the runs of equal values among them.

    Runs are counted through all rows one after another; a missing value, sorted to its
    row's end, is a run of its own.
    """

    places: Positions  # (row, time): position in the row of the k-th smallest value
    starts: Positions  # (run,) first place, in the flattened rows
    lengths: Positions  # (run,)

    @classmethod
    def of(cls, values: Floats) -> _Order:
        places = np.argsort(values, axis=1)
        ordered = np.take_along_axis(values, places, axis=1)
        new = np.ones(values.shape, dtype=bool)
        new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
        starts = np.flatnonzero(new)
        return cls(places, starts, np.diff(starts, append=values.size))

    def spread(self, of_runs: Floats) -> Floats:
        """Give every day the number of its run, (row, time)."""
        result = np.empty(self.places.shape)
        ordered = np.repeat(of_runs, self.lengths).reshape(result.shape)
        np.put_along_axis(result, self.places, ordered, axis=1)
        return result

    def ranks(self) -> Floats:
        """Rank from 1 within each row, ties by their average."""
        in_row = self.starts % self.places.shape[1]
        return self.spread(in_row + (self.lengths + 1) / 2.0)

    def sum_above(self, scores: Floats) -> Floats:
        """Sum `scores` over the days of greater value, and half of those of equal."""
        rows, size = self.places.shape
        before = np.zeros((rows, size + 1))
        ordered = np.take_along_axis(scores, self.places, axis=1)
        np.cumsum(ordered, axis=1, out=before[:, 1:])
        row = self.starts // size
        first = self.starts + row
        until = before.ravel()[first] + before.ravel()[first + self.lengths]
        return self.spread(before[row, size] - until / 2.0)


def average_ranks(values: Floats) -> Floats:
    """Rank each row from 1, ties by their average; NaN where the value is missing.

    Parameters
    ----------
    values : (row, time)

    Returns
    -------
    (row, time)
    """
    return np.where(np.isfinite(values), _Order.of(values).ranks(), np.nan)


def ranks_family(prediction: Floats, target: Floats, *, replicated: bool) -> Additive:
    """Describe pairs (row, time; NaN where not paired) by their ranks.

    A prediction that doesn't vary has 0, as in `somobench.metrics.moments.correlation`.
    Resampled days change rho to first order by the mean of its influence function:
    the day's own product of ranks, and the shift of all other ranks that it causes.
    """
    valid = np.isfinite(target)
    count = valid.sum(axis=1).astype(np.float64)
    order_u, order_v = _Order.of(prediction), _Order.of(target)
    with np.errstate(invalid="ignore", divide="ignore"):
        u, v = (
            np.where(valid, (order.ranks() - 0.5) / count[:, None] - 0.5, 0.0)
            for order in (order_u, order_v)
        )
        covariance = sum_products((u, v)) / count
        deviations = [np.sqrt(sum_products((ranks, ranks)) / count) for ranks in (u, v)]
    rho, scale = correlation(covariance, *deviations), deviations[0] * deviations[1]
    if not replicated:
        return Additive((), lambda _sums: {"spearman_r": rho})
    with np.errstate(invalid="ignore", divide="ignore"):
        others = (order_u.sum_above(v) + order_v.sum_above(u)) / count[:, None]
        change = (u * v + others - 3.0 * covariance[:, None]) / scale[:, None]
    change[scale == 0] = 0.0
    daily = valid.astype(np.float64), np.where(valid, change, 0.0)
    return Additive.of(daily, finish_ranks(rho))


def finish_ranks(rho: Floats) -> Finish:
    """Return what adds the mean change of resampled days to rho (row,)."""

    def finish(sums: Sequence[Floats]) -> Scores:
        days, shift = sums
        with np.errstate(invalid="ignore", divide="ignore"):
            return {"spearman_r": np.clip(rho + shift / days, -1.0, 1.0)}

    return finish
