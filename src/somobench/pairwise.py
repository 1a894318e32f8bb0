"""Compiled sums in the order of numpy's, for loops whose bits are to be numpy's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.compiling import compile_lazily

LANES, LONGEST = 8, 128  # values that numpy sums side by side, and in one loop


@compile_lazily()
def sum_pairwise(
    values: NDArray[np.float64], start: int, stop: int, lane: NDArray[np.float64]
) -> float:
    """Sum in the order of numpy's loops (`DOUBLE_pairwise_sum`), to the last bit.

    `lane` is room for `LANES` sums.
    """
    count = stop - start
    if count > LONGEST:
        half = start + count // 2 - count // 2 % LANES
        return sum_pairwise(values, start, half, lane) + sum_pairwise(
            values, half, stop, lane
        )
    if count < LANES:
        total = -0.0
        for place in range(start, stop):
            total += values[place]
        return total
    for number in range(LANES):
        lane[number] = values[start + number]
    whole = stop - count % LANES
    for place in range(start + LANES, whole, LANES):
        for number in range(LANES):
            lane[number] += values[place + number]
    total = ((lane[0] + lane[1]) + (lane[2] + lane[3])) + (
        (lane[4] + lane[5]) + (lane[6] + lane[7])
    )
    for place in range(whole, stop):
        total += values[place]
    return total
