"""Days drawn again in blocks: one set of draws for every cell, metric and model.

Circular block bootstrap (Politis and Romano 1992): a draw joins blocks of consecutive
scored days until it is as long as the record. All cells share the blocks of a draw,
which keeps their correlation in space, and all models do, which pairs them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import Factors, Floats
from somobench.schemas.errors import UsageError

STEPS_PER_BLOCK = 4  # blocks start at quarters of their length
MINIMUM_BLOCKS = 4  # a record holds at least so many blocks, or blocks are shortened
MINIMUM_DAYS = 91  # scored days: fewer are one piece of weather and give no interval


@dataclass(frozen=True, eq=False)
class ResampledDays:
    """How often each draw uses each step of `step` consecutive scored days.

    Attributes
    ----------
    length, step : int
        Days in a block and in a step of it.
    wanted_length : int
        Days asked for; longer than `length` where the record was too short for it.
    scored : (time,) bool
        Days with any pair; the others are taken out before blocks are cut.
    weights : (draw, step)
    seed : int
    """

    length: int
    step: int
    wanted_length: int
    scored: NDArray[np.bool_]
    weights: Floats
    seed: int

    @property
    def draws(self) -> int:
        """Number of draws."""
        return int(self.weights.shape[0])

    @property
    def blocks(self) -> float:
        """Blocks that the record holds."""
        return float(self.scored.sum()) / self.length

    @property
    def enough(self) -> bool:
        """Whether the record is long enough for an interval."""
        return int(self.scored.sum()) >= MINIMUM_DAYS

    def sums(self, products: Sequence[Factors]) -> list[Floats]:
        """Sum products of (row, time) arrays over each draw's days, (draw, row)."""
        if not products:
            return []
        return self.draw_sums(np.array([self._sum_steps(each) for each in products]))

    def draw_sums(self, sums: Floats) -> list[Floats]:
        """Sum sums over steps (product, row, step) over each draw's, (draw, row)."""
        drawn = self.weights @ sums.reshape(-1, sums.shape[-1]).T
        return np.split(drawn, len(sums), axis=1)

    @property
    def bounds(self) -> NDArray[np.int64]:
        """Days at which steps begin, and the end of the record, (step + 1,)."""
        first = np.flatnonzero(self.scored)[:: self.step]
        return np.concatenate([[0], first[1:], [self.scored.size]])

    def _sum_steps(self, factors: Factors) -> Floats:
        """Sum a product over the days of every step, (row, step)."""
        daily = factors[0] * factors[1] if len(factors) > 1 else factors[0]
        if not self.scored.all():
            daily = daily[:, self.scored]
        rows, days = daily.shape
        whole = days - days % self.step
        steps = daily[:, :whole].reshape(rows, -1, self.step).sum(axis=2)
        if whole == days:
            return np.asarray(steps)
        rest = daily[:, whole:].sum(axis=1, keepdims=True)
        return np.concatenate([steps, rest], axis=1)

    def same_as(self, other: ResampledDays) -> bool:
        """Tell whether both use the same days in every draw."""
        return np.array_equal(self.scored, other.scored) and np.array_equal(
            self.weights, other.weights
        )


def resample_days(
    scored: NDArray[np.bool_], *, length: int, draws: int = 500, seed: int = 0
) -> ResampledDays:
    """Draw blocks of scored days with replacement.

    Parameters
    ----------
    scored : (time,) bool
        Days on which any cell has a pair.
    length : int
        Days in a block, from `somobench.uncertainty.block_length`. Shortened to a
        quarter of the scored days where there are too few, and rounded up to a multiple
        of 4 steps.
    draws : int
        With 0 there are scores and counts, and no replicates or intervals.
    seed : int
        The same seed, days and length give the same draws on every machine.

    Raises
    ------
    UsageError
        If no day is scored, the length is not positive, or draws are negative.
    """
    days = int(scored.sum())
    if days == 0 or length < 1 or draws < 0:
        raise UsageError(
            "block bootstrap",
            found=f"{days} scored days, blocks of {length} days, {draws} draws",
            expected="at least one day in all and a block, and no less than 0 draws",
        )
    wanted, length = length, max(1, min(length, days // MINIMUM_BLOCKS))
    step = -(-length // STEPS_PER_BLOCK)
    span = -(-length // step)
    steps = -(-days // step)
    blocks = -(-steps // span)
    generator = np.random.default_rng(seed)
    starts = generator.integers(0, steps, size=(draws, blocks))
    used = (starts[:, :, None] + np.arange(span)) % steps
    flat = (
        used.reshape(draws, blocks * span) + steps * np.arange(draws)[:, None]
    ).ravel()
    weights = np.bincount(flat, minlength=draws * steps).reshape(draws, steps)
    return ResampledDays(
        length=span * step,
        step=step,
        wanted_length=wanted,
        scored=scored.copy(),
        weights=weights.astype(np.float64),
        seed=seed,
    )
