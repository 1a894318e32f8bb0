"""How loops over many values are compiled, and the sum that they share.

Numba, of the extra `build`, is imported with this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])
LANES, LONGEST = 8, 128  # values that numpy sums side by side, and in one loop


def compile_lazily(*, reorder: bool = False) -> Callable[[Function], Function]:
    """Compile at the first call, run without the interpreter lock.

    The result is kept on disk, unless no folder for it can be written. With `reorder`
    sums may be taken in any order; other loops give the bits of the plain functions.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if reorder:
        options["fastmath"] = {"reassoc", "nsz", "contract"}

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, numba.njit(cache=True, **options)(function))
        except RuntimeError:
            return cast(Function, numba.njit(**options)(function))

    return decorate


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
