"""Which samples a batch holds: a function of seed and number of the batch alone.

So a run goes on where it stopped, and workers may share the batches in any way.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.windows.balances import Weights

Numbers = NDArray[np.uint64]
ROUNDS = 4
TOGETHER = 64  # batches that are shuffled at once
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
        self._known: tuple[int, int] = (-1, -1)
        self._shuffled = np.empty(0, dtype=np.intp)

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
        return self._look_up(epoch, place)[: last - first]

    def _look_up(self, epoch: int, place: int) -> NDArray[np.intp]:
        """Return rows from a batch on; those of its neighbours are kept."""
        part, batch = divmod(place, TOGETHER)
        if (epoch, part) != self._known:
            first = part * TOGETHER * self.size
            last = min(first + TOGETHER * self.size, self.rows)
            places = np.arange(first, last)
            self._shuffled = shuffle(places, self.rows, (self.seed, epoch))
            self._known = epoch, part
        return self._shuffled[batch * self.size :]


def shuffle(
    places: NDArray[np.intp], count: int, key: tuple[int, ...]
) -> NDArray[np.intp]:
    """Return what stands at some places of a random order of the numbers below `count`.

    No order is stored: places pass a Feistel network over the next even power of two,
    again and again until they are below `count`.

    Notes
    -----
    Four rounds of a random function make a random permutation (Luby and Rackoff 1988,
    doi:10.1137/0217022); walking until inside is Black and Rogaway 2002,
    doi:10.1007/3-540-45760-7_9. The function is the finaliser of SplitMix64.

    Examples
    --------
    >>> sorted(shuffle(np.arange(5), 5, (1, 0)).tolist())
    [0, 1, 2, 3, 4]
    """
    half = np.uint64(max(1, ((count - 1).bit_length() + 1) // 2))
    state = np.random.SeedSequence(key).generate_state(ROUNDS, np.uint64)
    keys = np.asarray(state, dtype=np.uint64)
    found = places.astype(np.uint64)
    outside = np.arange(found.size)
    while outside.size:
        found[outside] = _encrypt(found[outside], half, keys)
        outside = outside[found[outside] >= count]
    return found.astype(np.intp)


def _encrypt(numbers: Numbers, half: np.uint64, keys: Numbers) -> Numbers:
    mask = (np.uint64(1) << half) - np.uint64(1)
    left, right = numbers >> half, numbers & mask
    for key in keys:
        left, right = right, left ^ (_mix(right + key) & mask)
    return np.asarray((left << half) | right)


def _mix(numbers: Numbers) -> Numbers:
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        numbers = (numbers ^ (numbers >> np.uint64(shift))) * np.uint64(factor)
    return np.asarray(numbers ^ (numbers >> np.uint64(31)))
