"""How loops over long series are compiled, and the arrays that they take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


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
