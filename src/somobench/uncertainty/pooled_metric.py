"""Medians of one metric over groups of cells, and the same on draws."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import Floats
from somobench.metrics.rows import Replicates
from somobench.uncertainty.cells import MINIMUM_CELLS, Group
from somobench.uncertainty.intervals import Resampled

Counts = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Pooled:
    """Pooled scores of one metric.

    Attributes
    ----------
    values : (group,)
    drawn : Resampled, (group, draw)
    counts, units : (group,)
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
    medians, drawn, counts = [], [], []
    for group in groups:
        finite = values[group.rows][np.isfinite(values[group.rows])]
        medians.append(float(np.median(finite)) if finite.size else np.nan)
        drawn.append(group.medians(values, kept))
        counts.append(finite.size)
    return Pooled(
        np.array(medians),
        Resampled(*(np.array(part) for part in zip(*drawn, strict=True))),
        np.array(counts),
        np.array([group.unit_count(values) for group in groups]),
    )


def with_balanced(
    pooled: Pooled, groups: list[Group], balanced: Iterable[str]
) -> Pooled:
    """Append, for each balanced pool, the mean over its groups with enough cells."""
    for pool in balanced:
        own = np.array([group.pool == pool for group in groups])
        own &= pooled.units[: own.size] >= MINIMUM_CELLS
        pooled = _appended(pooled, np.flatnonzero(own))
    return pooled


def _appended(pooled: Pooled, own: NDArray[np.intp]) -> Pooled:
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
