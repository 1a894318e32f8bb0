"""How loops over many values are compiled, and the sum that they share.

Numba, of the extra `build`, is imported with this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., object])
LANES, LONGEST = 8, 128  # values that numpy sums side by side, and in one loop
DEPTH = 130  # parts that wait: two a halving of what an integer counts


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
def sum_pairwise(values: Floats, start: int, stop: int, lane: Floats) -> float:
    """Sum in the order of numpy's loops (`DOUBLE_pairwise_sum`), to the last bit.

    Halves of halves, down to blocks. It doesn't call itself: what numba keeps of a
    function that does can't be loaded by a loop that another process compiled.

    Parameters
    ----------
    values : (N,)
    start, stop : int
    lane : (LANES,)
        Room for sums.
    """
    if stop - start <= LONGEST:
        return _sum_block(values, start, stop, lane)
    starts, stops = np.empty(DEPTH, np.int64), np.empty(DEPTH, np.int64)
    sums, is_divided = np.empty(DEPTH), np.empty(DEPTH, np.bool_)
    starts[0], stops[0], is_divided[0] = start, stop, False
    parts, known = 1, 0
    while parts:
        parts -= 1
        first, last = starts[parts], stops[parts]
        if is_divided[parts]:
            known -= 1
            sums[known - 1] += sums[known]
        elif last - first <= LONGEST:
            sums[known] = _sum_block(values, first, last, lane)
            known += 1
        else:
            half = (last - first) // 2
            middle = first + half - half % LANES
            is_divided[parts] = True
            starts[parts + 1], stops[parts + 1] = middle, last
            starts[parts + 2], stops[parts + 2] = first, middle
            is_divided[parts + 1] = is_divided[parts + 2] = False
            parts += 3
    return sums[0]


@compile_lazily()
def _sum_block(values: Floats, start: int, stop: int, lane: Floats) -> float:
    count = stop - start
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
