"""PLUMBER's distribution metrics: normalised mean error, tails and overlap.

Abramowitz et al. 2024 (PLUMBER2), doi:10.5194/bg-21-5517-2024, after Best et al. 2015,
doi:10.1175/JHM-D-14-0158.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import Additive, Finish, Floats, Scores, centre_rows

Bins = NDArray[np.int64]

BINS = 25  # of the histograms that overlap, from the lowest to the highest of both
TAILS = {"p5_difference": 0.05, "p95_difference": 0.95}
_REACH, _HALF = 0.05, 20  # how far a resampled level may move, in so many steps


def compute_row_quantiles(values: Floats, levels: Sequence[float] | Floats) -> Floats:
    """Interpolate quantiles of each row linearly, as numpy does by default.

    Parameters
    ----------
    values : (row, time)
        NaN is missing and left out.
    levels : (level,), 0 to 1

    Returns
    -------
    (row, level), NaN for an empty row
    """
    ordered = np.sort(values, axis=1).astype(np.float64)
    return _interpolate_sorted(ordered, np.asarray(levels))


def _interpolate_sorted(ordered: Floats, levels: Floats) -> Floats:
    last = np.isfinite(ordered).sum(axis=1)[:, None] - 1
    position = np.maximum(last, 0) * levels[None, :]
    below = np.floor(position).astype(np.intp)
    above = np.minimum(below + 1, np.maximum(last, 0))
    low = np.take_along_axis(ordered, below, axis=1)
    high = np.take_along_axis(ordered, above, axis=1)
    return np.asarray(low + (high - low) * (position - below))


@dataclass(frozen=True)
class Tail:
    """A quantile whose level moves as resampled days move the share below it."""

    nodes: Floats  # (row, node) quantiles at levels within `_REACH` of its own
    share: Floats  # (row,) share of days not above the quantile

    @classmethod
    def of(cls, ordered: Floats, values: Floats, level: float) -> Tail:
        """Take nodes from sorted series, and the share of days from values."""
        nodes = _interpolate_sorted(ordered, list_node_levels(level))
        count = np.isfinite(ordered).sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            share = (values <= nodes[:, _HALF][:, None]).sum(axis=1) / count
        return cls(nodes, share)

    @property
    def value(self) -> Floats:
        """The quantile at its own level, (row,)."""
        return self.nodes[:, _HALF]

    def resampled(self, share: Floats) -> Floats:
        """Quantile (..., row) when `share` of the days lies below (Bahadur 1966)."""
        shift = np.nan_to_num(self.share - share) * (_HALF / _REACH)
        position = np.clip(_HALF + shift, 0.0, 2.0 * _HALF)
        below = np.minimum(position.astype(np.intp), 2 * _HALF - 1)
        rows = np.broadcast_to(np.arange(self.nodes.shape[0]), below.shape)
        low, high = self.nodes[rows, below], self.nodes[rows, below + 1]
        return np.asarray(low + (high - low) * (position - below))


def list_node_levels(level: float) -> Floats:
    """Return the levels around a tail's own, the middle one, at which it has nodes."""
    steps = np.arange(-_HALF, _HALF + 1, dtype=np.float64)
    return np.asarray(level + steps * (_REACH / _HALF), dtype=np.float64)


def assign_bins(prediction: Floats, target: Floats) -> tuple[Bins, Bins]:
    """Bin both series of each row on common, equally wide bins; -1 is missing."""
    valid = np.isfinite(target)
    lowest = np.fmin.reduce(np.fmin(prediction, target), axis=1)[:, None]
    highest = np.fmax.reduce(np.fmax(prediction, target), axis=1)[:, None]
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        scale = BINS / (highest - lowest)
        scale = np.where(np.isfinite(scale), scale, 0.0)  # else all in one bin
        positions = [
            np.where(valid, np.minimum((v - lowest) * scale, BINS - 1), -1.0)
            for v in (prediction, target)
        ]
    return positions[0].astype(np.int64), positions[1].astype(np.int64)


def _count_bins(positions: Bins) -> Bins:
    rows = positions.shape[0]
    offset = positions + 1 + np.arange(rows)[:, None] * (BINS + 1)
    counts = np.bincount(offset.ravel(), minlength=rows * (BINS + 1))
    return counts.reshape(rows, BINS + 1)[:, 1:]


def _count_smaller_density(prediction: Floats, target: Floats) -> Floats:
    """Count the days (0, 1, 2) that fall in a bin where their own density is smaller.

    Its mean is the overlap of Perkins et al. 2007, doi:10.1175/JCLI4253.1: the sum
    over bins of the smaller of both relative frequencies.
    """
    x, y = assign_bins(prediction, target)
    fewer = _count_bins(x) < _count_bins(y)
    in_x = np.take_along_axis(fewer, np.maximum(x, 0), axis=1)
    in_y = ~np.take_along_axis(fewer, np.maximum(y, 0), axis=1)
    return np.where(x >= 0, in_x.astype(np.float64) + in_y, 0.0)


def distribution_family(prediction: Floats, target: Floats) -> Additive:
    """Describe pairs (row, time; NaN where not paired) by their distributions."""
    valid = np.isfinite(target)
    y, centre = centre_rows(target, valid)
    # near zero, where differences of quantiles keep their digits
    prediction, target = (each - centre[:, None] for each in (prediction, target))
    series = {"prediction": prediction, "target": target}
    ordered = {name: np.sort(values, axis=1) for name, values in series.items()}
    tails = [
        Tail.of(ordered[name], series[name], level)
        for level in TAILS.values()
        for name in series
    ]
    daily = (
        valid.astype(np.float64),
        np.where(valid, np.abs(prediction - target), 0.0),
        np.abs(y),
        y,
        np.where(valid, np.sign(y), 0.0),
        _count_smaller_density(prediction, target),
        *(
            (values <= tail.value[:, None]).astype(np.float64)
            for tail, values in zip(tails, 2 * list(series.values()), strict=True)
        ),
    )
    return Additive.of(daily, finish_distributions(tails))


def finish_distributions(tails: Sequence[Tail]) -> Finish:
    """Return what turns sums into scores; of each tail, prediction's and target's."""

    def finish(sums: Sequence[Floats]) -> Scores:
        count, error, spread, mean, balance, smaller, *below = sums
        with np.errstate(invalid="ignore", divide="ignore"):
            # the target's mean moves with the days; exact to first order
            spread = spread - mean * balance / count
            scores = {
                "normalised_mean_error": np.where(spread > 0, error / spread, np.nan),
                "pdf_overlap": np.clip(smaller / count, 0.0, 1.0),
            }
            values = [
                tail.resampled(share / count)
                for tail, share in zip(tails, below, strict=True)
            ]
        for index, name in enumerate(TAILS):
            scores[name] = np.abs(values[2 * index] - values[2 * index + 1])
        return scores

    return finish
