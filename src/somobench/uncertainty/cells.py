"""Cells of a pool's groups drawn again, and medians over them.

A group with scores of fewer than five cells keeps them: so few say nothing about other
places, and its intervals are about these cells in other weather.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import Floats
from somobench.metrics.rows import Replicates
from somobench.uncertainty.intervals import Resampled
from somobench.uncertainty.pools import NO_GROUP

MINIMUM_CELLS = 5  # cells, or clusters of them, from which others can be drawn

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Group:
    """Rows of one group of a pool and how often each draw uses them.

    Attributes
    ----------
    pool, label : str
    rows : (row,)
        Positions among all rows.
    units : (row,)
        Number of the cluster that a row belongs to, or of the row itself.
    chosen : (draw, place), positions in `rows`, optional
        A draw of larger clusters has more rows; the number of `rows` stands for none.
        A group that is too small to be drawn has no draws.
    """

    pool: str
    label: str
    rows: NDArray[np.intp]
    units: NDArray[np.intp]
    chosen: NDArray[np.intp] | None = None

    @property
    def name(self) -> str:
        """Return `pool=label`, or the pool alone where it has only one group."""
        return self.pool if self.pool == self.label else f"{self.pool}={self.label}"

    def count_units(self, values: Floats) -> int:
        """Count the cells or clusters with a value, of all rows' values (row,)."""
        units = self.units[np.isfinite(values[self.rows])]
        return int(np.count_nonzero(np.bincount(units)))

    def count_uses(self, draws: int) -> Floats:
        """Return how often each draw uses each row, (draw, row)."""
        rows = self.rows.size
        if self.chosen is None:
            return np.ones((draws, rows))
        counts = np.bincount(self._places.ravel(), minlength=draws * (rows + 1))
        return counts.reshape(draws, rows + 1)[:, :rows].astype(np.float64)

    def medians(
        self, values: Floats, replicates: Replicates, units: int | None = None
    ) -> Resampled:
        """Return the median over cells on every draw, (draw,).

        Parameters
        ----------
        values : (row,)
            Of all rows.
        replicates : (draw, row)
            The same on draws of days.
        units : int, optional
            Cells or clusters with a value, where they were counted before.
        """
        if not len(replicates):
            return Resampled(*[np.empty(0)] * 3)
        own = replicates[:, self.rows]
        days = _take_median(own)
        still = values[self.rows].astype(np.float32)[None]
        units = self.count_units(values) if units is None else units
        if units < MINIMUM_CELLS or self.chosen is None:
            alone = _take_median(still).repeat(len(own))
            return Resampled(days, days, alone)
        return Resampled(self._draw_medians(own), days, self._draw_medians(still))

    def _draw_medians(self, values: Replicates) -> Floats:
        """Median over the cells of every draw, of values (draw, row) or (1, row)."""
        none = np.full((len(values), 1), np.nan, dtype=values.dtype)
        padded = np.hstack([values, none])
        places = np.asarray(self.chosen) if len(values) == 1 else self._places
        return _take_median(padded.ravel().take(places))

    @cached_property
    def _places(self) -> NDArray[np.intp]:
        """Where rows of every draw lie in flat replicates with a NaN behind each."""
        chosen = np.asarray(self.chosen)
        return chosen + np.arange(len(chosen))[:, None] * (self.rows.size + 1)


def _take_median(values: Floats | Replicates) -> Floats:
    """Median over the last axis without NaN; NaN where all are."""
    half, odd = divmod(values.shape[-1], 2)
    if half and np.isfinite(values.sum()):  # the usual case, without sorting
        parted = np.partition(values, half, axis=-1)
        upper = parted[:, half].astype(np.float64)
        return upper if odd else (parted[:, :half].max(axis=-1) + upper) / 2.0
    ordered = np.sort(values, axis=-1)  # NaN comes last
    draw, count = np.arange(len(ordered)), np.isfinite(ordered).sum(axis=-1)
    low, high = np.maximum(count - 1, 0) // 2, count // 2
    return (ordered[draw, low].astype(np.float64) + ordered[draw, high]) / 2.0


def draw_groups(
    pools: Mapping[str, Sequence[Any]],
    *,
    draws: int,
    seed: int,
    clusters: Sequence[Any] | None = None,
) -> Iterator[Group]:
    """Draw the cells of every group of every pool, groups in order of their labels.

    Groups of fewer than five cells, or clusters, are given without draws.

    Parameters
    ----------
    pools : mapping of (row,) labels
        An empty label belongs to no group.
    draws, seed : int
        A group's draws depend on the seed and its own name alone.
    clusters : (row,) labels, optional
        Rows that are drawn together, such as those of one network or block of degrees.
    """
    whole = None if clusters is None else np.asarray(clusters, dtype=str)
    for pool, labels in pools.items():
        text = np.asarray(labels, dtype=str)
        for label in sorted(set(text.tolist()) - {NO_GROUP}):
            rows = np.flatnonzero(text == label)
            generator = np.random.default_rng(
                [seed, zlib.crc32(f"{pool}={label}".encode())]
            )
            if whole is None:
                units, count = np.arange(rows.size), rows.size
            else:
                names, units = np.unique(whole[rows], return_inverse=True)
                count = names.size
            group = Group(pool, label, rows, units)
            if count < MINIMUM_CELLS or not draws:
                yield group
            elif whole is None:
                chosen = generator.integers(0, count, size=(draws, count))
                yield replace(group, chosen=chosen)
            else:
                equal = np.full(count, 1.0 / count)
                counts = generator.multinomial(count, equal, size=draws)
                yield replace(group, chosen=_repeat_rows(counts[:, units]))


def _repeat_rows(counts: Counts) -> NDArray[np.intp]:
    """List, for each draw, every row as often as it counts (draw, row)."""
    draws, rows = counts.shape
    totals = counts.sum(axis=1)
    chosen = np.full((draws, totals.max()), rows, dtype=np.intp)
    listed = np.repeat(np.tile(np.arange(rows), draws), counts.ravel())
    chosen[np.arange(chosen.shape[1]) < totals[:, None]] = listed
    return chosen


@dataclass(frozen=True, eq=False)
class Pooled:
    """Pooled scores of one metric.

    Attributes
    ----------
    values : (group,)
    drawn : Resampled, (group, draw)
    counts, units : (group,), int
        Rows with a value, and the cells or clusters that they belong to.
    """

    values: Floats
    drawn: Resampled
    counts: Counts
    units: Counts


def pool_metric(values: Floats, replicates: Replicates, groups: list[Group]) -> Pooled:
    """Take medians of values (row,) and replicates (draw, row); NaN rows are out."""
    known = np.where(np.isfinite(values), 0.0, np.nan).astype(np.float32)
    kept = replicates + known
    units = [group.count_units(values) for group in groups]
    with np.errstate(over="ignore", invalid="ignore"):  # sums that look for NaN
        drawn = [
            group.medians(values, kept, count)
            for group, count in zip(groups, units, strict=True)
        ]
    return Pooled(
        np.array([_take_median(values[group.rows][None])[0] for group in groups]),
        Resampled(*(np.array(part) for part in zip(*drawn, strict=True))),
        np.array([np.isfinite(values[group.rows]).sum() for group in groups]),
        np.array(units),
    )


def append_balanced(
    pooled: Pooled, groups: list[Group], balanced: Iterable[str]
) -> Pooled:
    """Append, for each balanced pool, the mean over its groups with enough cells."""
    for pool in balanced:
        own = np.array([group.pool == pool for group in groups])
        own &= pooled.units[: own.size] >= MINIMUM_CELLS
        pooled = _append_mean(pooled, np.flatnonzero(own))
    return pooled


def _append_mean(pooled: Pooled, own: NDArray[np.intp]) -> Pooled:
    """Append the mean over some groups; NaN over none."""

    def mean(array: Floats) -> Floats:
        missing = np.full((1, *array.shape[1:]), np.nan)
        return array[own].mean(axis=0, keepdims=True) if own.size else missing

    return Pooled(
        np.concatenate([pooled.values, mean(pooled.values)]),
        Resampled(*(np.concatenate([part, mean(part)]) for part in pooled.drawn)),
        np.append(pooled.counts, pooled.counts[own].sum()),
        np.append(pooled.units, pooled.units[own].sum()),
    )
