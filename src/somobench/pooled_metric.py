"""Medians of one metric over groups of cells, their replicates and intervals."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.cell_draws import Group
from somobench.metric_kernels import Floats
from somobench.score_rows import Replicates

MINIMUM_CELLS = 5  # scored cells that a group needs to count in a balanced pool
_ENOUGH_DRAWS = 0.5  # share of draws with a value that an interval needs


@dataclass(frozen=True, eq=False)
class Pooled:
    """Pooled scores of one metric: values (group,), replicates (group, draw)."""

    values: Floats
    replicates: Floats
    counts: NDArray[np.int64]


def pool_metric(values: Floats, replicates: Replicates, groups: list[Group]) -> Pooled:
    """Take medians of values (row,) and replicates (draw, row); NaN rows are out."""
    known = np.where(np.isfinite(values), 0.0, np.nan).astype(np.float32)
    kept = replicates + known
    medians, resampled, counts = [], [], []
    for group in groups:
        finite = values[group.rows][np.isfinite(values[group.rows])]
        medians.append(float(np.median(finite)) if finite.size else np.nan)
        resampled.append(group.medians(kept))
        counts.append(finite.size)
    return Pooled(np.array(medians), np.array(resampled), np.array(counts))


def with_balanced(
    pooled: Pooled, groups: list[Group], balanced: Iterable[str]
) -> Pooled:
    """Append, for each balanced pool, the mean over its groups with enough cells."""
    values, replicates, counts = [pooled.values], [pooled.replicates], [pooled.counts]
    for pool in balanced:
        own = np.array([group.pool == pool for group in groups])
        own &= pooled.counts >= MINIMUM_CELLS
        some = bool(own.any())
        draws = pooled.replicates.shape[1]
        values.append(np.array([pooled.values[own].mean() if some else np.nan]))
        replicates.append(
            pooled.replicates[own].mean(axis=0)[None]
            if some
            else np.full((1, draws), np.nan)
        )
        counts.append(np.array([pooled.counts[own].sum()]))
    return Pooled(
        np.concatenate(values), np.concatenate(replicates), np.concatenate(counts)
    )


def percentile_interval(
    replicates: Floats | Replicates, level: float
) -> tuple[Floats, Floats]:
    """Percentile interval over the last axis; NaN where too few draws have a value."""
    finite = np.isfinite(replicates)
    enough = finite.mean(axis=-1) >= _ENOUGH_DRAWS
    bounds = np.full((2, *enough.shape), np.nan)
    for place in np.argwhere(enough):
        at = tuple(place)
        tails = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
        bounds[(slice(None), *at)] = np.quantile(replicates[at][finite[at]], tails)
    return bounds[0], bounds[1]


def centred_interval(
    values: Floats, replicates: Floats | Replicates, level: float
) -> tuple[Floats, Floats]:
    """Percentile interval, moved so that the replicates' median is the score.

    Parameters
    ----------
    values : (...,)
        Scores of the record.
    replicates : (..., draw)
    level : float

    Notes
    -----
    Joining blocks changes what a record's score is expected to be: days of other
    seasons meet, and deviations from a mean shrink as they do in any sample. That is a
    bias of the replicates and no uncertainty of the score, so the distribution of
    replicates is centred on its own middle before it is laid around the score (Haerdle,
    Horowitz and Kreiss 2003, doi:10.1111/j.1751-5823.2003.tb00485.x).
    """
    lower, upper = percentile_interval(replicates, level)
    middle, _ = percentile_interval(replicates, 0.0)
    return values + (lower - middle), values + (upper - middle)
