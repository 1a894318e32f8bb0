"""Cells of a pool's groups drawn again, and medians over them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.metric_kernels import Floats
from somobench.pool_labels import NO_GROUP
from somobench.score_rows import Replicates


@dataclass(frozen=True, eq=False)
class Group:
    """Rows of one group of a pool and how often each draw uses them.

    `chosen` (draw, cell) holds positions in `rows`; with clusters `weights` (draw, row)
    counts instead.
    """

    pool: str
    label: str
    rows: NDArray[np.intp]
    chosen: NDArray[np.intp] | None = None
    weights: Floats | None = None

    @property
    def name(self) -> str:
        """Return `pool=label`, or the pool alone where it has only one group."""
        return self.pool if self.pool == self.label else f"{self.pool}={self.label}"

    def medians(self, replicates: Replicates) -> Floats:
        """Median over resampled cells of replicates (draw, row), (draw,)."""
        values = replicates[:, self.rows]
        if self.weights is not None:
            return _weighted_medians(values, self.weights)
        if self.chosen is None:
            return _medians(values)
        return _medians(np.take_along_axis(values, self.chosen, axis=1))


def _medians(values: Replicates) -> Floats:
    """Median over the last axis without NaN; NaN where all are."""
    ordered = np.sort(values, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1)
    places = np.maximum([(count - 1) // 2, count // 2], 0)
    middle = np.take_along_axis(ordered, np.moveaxis(places, 0, -1), axis=-1)
    return np.asarray(middle.astype(np.float64).mean(axis=-1))


def _weighted_medians(values: Replicates, weights: Floats) -> Floats:
    """Median of each row of values repeated by whole-numbered weights."""
    order = np.argsort(values, axis=-1)
    ordered = np.take_along_axis(values, order, axis=-1).astype(np.float64)
    share = np.take_along_axis(weights, order, axis=-1) * np.isfinite(ordered)
    cumulative = np.cumsum(share, axis=-1)
    half = cumulative[:, -1:] / 2.0
    middle = [
        np.take_along_axis(ordered, reached.argmax(axis=-1)[:, None], axis=-1)[:, 0]
        for reached in (cumulative >= half, cumulative > half)
    ]
    return np.where(half[:, 0] > 0, (middle[0] + middle[1]) / 2.0, np.nan)


def draw_groups(
    pools: Mapping[str, Sequence[Any]],
    *,
    draws: int,
    seed: int,
    clusters: Sequence[Any] | None = None,
) -> Iterator[Group]:
    """Draw the cells of every group of every pool, groups in order of their labels.

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
                chosen = generator.integers(0, rows.size, size=(draws, rows.size))
                yield Group(pool, label, rows, chosen=chosen)
                continue
            names, member = np.unique(whole[rows], return_inverse=True)
            equal = np.full(names.size, 1.0 / names.size)
            counts = generator.multinomial(names.size, equal, size=draws)
            yield Group(pool, label, rows, weights=counts[:, member].astype(float))
