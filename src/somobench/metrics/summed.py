"""Families of metrics from sums that compiled loops take, one pass a family.

What a family is, and all that follows from sums, is in the plain modules; here their
daily values are added up over the steps of resampled days as they arise. Equal to the
plain families but for the order of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from somobench.metrics import kernels
from somobench.metrics.anomalies import WINDOW
from somobench.metrics.days import ResampledDays
from somobench.metrics.distributions import (
    BINS,
    TAILS,
    Tail,
    finish_distributions,
    list_node_levels,
)
from somobench.metrics.droughts import JOIN_DAYS, MINIMUM_DURATION, finish_droughts
from somobench.metrics.extremes import Side, finish_extremes
from somobench.metrics.moments import (
    ROUNDING,
    Finish,
    Floats,
    Scores,
    finish_anomalies,
    finish_moments,
)
from somobench.metrics.ranks import finish_ranks
from somobench.metrics.seasons import find_season_series

Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Summed:
    """Sums of daily values, (product, row, step), and what they determine."""

    sums: Floats
    finish: Finish

    def totals(self) -> Scores:
        """Return the scores of all days."""
        return self.finish(list(self.sums.sum(axis=2)))

    def drawn(self, days: ResampledDays) -> Scores:
        """Return the scores of every draw."""
        return self.finish(days.draw_sums(self.sums))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Paired series (row, time) whose sums are wanted over steps from `bounds`.

    The rest is as in `somobench.metrics.rows.Rows`.
    """

    prediction: Floats
    target: Floats
    day_of_year: Integers
    climatology: Floats | None
    thresholds: Mapping[str, Floats]
    bounds: Integers
    replicated: bool

    @cached_property
    def order(self) -> tuple[NDArray[np.int32], Integers]:
        """Days of each series by value, (2, row, time), and the number of pairs."""
        places = np.empty((2, *self.target.shape), dtype=np.int32)
        counts = np.empty(len(self.target), dtype=np.int64)
        for series, own in zip((self.prediction, self.target), places, strict=True):
            kernels.sort_rows(series, own, counts)
        return places, counts

    def make_sums(self, products: int) -> Floats:
        """Return room for sums."""
        return np.empty((products, len(self.target), self.bounds.size - 1))


def sum_moments(prediction: Floats, target: Floats, bounds: Integers) -> Summed:
    """Return the moments of series of one dtype, whose pairs need not be found yet."""
    centres = np.empty((2, len(target)))
    sums = np.empty((7, len(target), bounds.size - 1))
    kernels.sum_moments(prediction, target, bounds, centres, sums)
    return Summed(sums, finish_moments(*centres))


def _sum_anomalies(pairs: Pairs) -> Summed:
    centres, whole = np.empty((2, len(pairs.target))), np.array([0, pairs.bounds[-1]])
    series = pairs.prediction, pairs.target
    spread = np.empty((7, len(pairs.target), 1))
    kernels.sum_moments(*series, whole, centres, spread)
    means = spread[1:5, :, 0] / spread[0, :, 0].clip(1)
    deviations = np.sqrt((means[2:] - means[:2] ** 2).clip(0))
    floors = np.hypot(ROUNDING * centres, ROUNDING * deviations)
    anomalies = [np.empty_like(values) for values in series]
    for values, anomaly in zip(series, anomalies, strict=True):
        kernels.fill_anomalies(values, WINDOW // 2, anomaly)
    sums = pairs.make_sums(7)
    kernels.sum_moments(anomalies[0], anomalies[1], pairs.bounds, centres, sums)
    return Summed(sums, finish_anomalies("anomaly_r", floors))


def _sum_seasons(pairs: Pairs) -> Summed:
    series, finish = find_season_series(
        pairs.prediction,
        pairs.target,
        pairs.day_of_year,
        pairs.climatology,
        replicated=pairs.replicated,
    )
    sums = pairs.make_sums(len(series) * (len(series) + 1) // 2)
    kernels.sum_products(np.stack(series), pairs.bounds, sums)
    return Summed(sums, finish)


def _sum_ranks(pairs: Pairs) -> Summed:
    rho, sums = np.empty(len(pairs.target)), pairs.make_sums(2)
    series = pairs.prediction, pairs.target
    kernels.sum_ranks(*series, *pairs.order, pairs.bounds, rho, sums)
    return Summed(sums, finish_ranks(rho))


def _sum_distributions(pairs: Pairs) -> Summed:
    valid = np.isfinite(pairs.target)
    places, counts = pairs.order
    with np.errstate(invalid="ignore"):
        centre = np.where(valid, pairs.target, 0.0).sum(axis=1) / counts
    series = np.stack([pairs.prediction, pairs.target]) - centre[:, None]
    levels = np.array([list_node_levels(level) for level in TAILS.values()])
    levels = levels.repeat(2, axis=0)
    nodes = np.empty((len(levels), len(centre), levels.shape[1]))
    sums = pairs.make_sums(6 + len(levels))
    kernels.sum_distributions(
        series, places, counts, levels, BINS, pairs.bounds, nodes, sums
    )
    with np.errstate(invalid="ignore"):
        shares = sums[6:].sum(axis=2) / counts
    tails = [Tail(*both) for both in zip(nodes, shares, strict=True)]
    return Summed(sums, finish_distributions(tails))


def _sum_events(pairs: Pairs, side: Side) -> Summed:
    sums, limit = pairs.make_sums(4), pairs.thresholds[side]
    series = pairs.prediction, pairs.target
    kernels.sum_events(*series, limit, side == "wet", pairs.bounds, sums)
    return Summed(sums, finish_extremes(side))


def _sum_droughts(pairs: Pairs) -> Summed:
    sums, limit = pairs.make_sums(6), pairs.thresholds["dry"]
    series, rules = (pairs.prediction, pairs.target), (MINIMUM_DURATION, JOIN_DAYS)
    kernels.sum_droughts(*series, limit, *rules, pairs.bounds, sums)
    return Summed(sums, finish_droughts)


FAMILIES: Mapping[str, Callable[[Pairs], Summed]] = {
    "moments": lambda pairs: sum_moments(pairs.prediction, pairs.target, pairs.bounds),
    "ranks": _sum_ranks,
    "moving_anomaly": _sum_anomalies,
    "deseasonalised": _sum_seasons,
    "distribution": _sum_distributions,
    "extremes_dry": lambda pairs: _sum_events(pairs, "dry"),
    "extremes_wet": lambda pairs: _sum_events(pairs, "wet"),
    "droughts": _sum_droughts,
}
