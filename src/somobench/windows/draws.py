"""Which samples a batch holds: a function of seed and number of the batch alone.

So a run goes on where it stopped, and workers may share the batches in any way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.windows.balances import Weights

SEQUENTIAL, UNIFORM = "sequential", "uniform"


class Draws:
    """Batches of row numbers.

    Parameters
    ----------
    rows : int
        Samples to draw from.
    size : int
        Samples of a batch; the last one of an epoch may be smaller.
    sampler : str
        `sequential`: in order. `uniform`: every sample once an epoch, in an order that
        seed and epoch give. Anything else: with replacement, by `weights`.
    weights : array, (sample,), optional
    seed : int
    """

    def __init__(
        self,
        rows: int,
        size: int,
        *,
        sampler: str = UNIFORM,
        weights: Weights | None = None,
        seed: int = 0,
    ) -> None:
        self.rows, self.size, self.sampler, self.seed = rows, size, sampler, seed
        self.per_epoch = -(-rows // size)
        self._sums = None if weights is None else np.cumsum(weights)
        self._epoch, self._order = -1, np.empty(0, dtype=np.intp)

    def draw(self, number: int) -> NDArray[np.intp]:
        """Return the rows of a batch, counted from 0 through all epochs."""
        epoch, place = divmod(number, self.per_epoch)
        first = place * self.size
        last = min(first + self.size, self.rows)
        if self.sampler == SEQUENTIAL:
            return np.arange(first, last)
        if self._sums is not None:
            spots = np.random.default_rng([self.seed, number]).random(last - first)
            found = self._sums.searchsorted(spots * self._sums[-1], side="right")
            return np.minimum(found, self.rows - 1)
        if epoch != self._epoch:
            rng = np.random.default_rng([self.seed, epoch])
            self._epoch, self._order = epoch, rng.permutation(self.rows)
        return self._order[first:last]
