"""How loops over many values are compiled.

Numba, of the extra `build`, is imported with the first loop.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., object])


def compile_lazily(*, reorder: bool = False) -> Callable[[Function], Function]:
    """Compile at the first call, run without the interpreter lock.

    The result is kept on disk, unless no folder for it can be written. With `reorder`
    sums may be taken in any order; other loops give the bits of the plain functions.
    """
    import numba

    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if reorder:
        options["fastmath"] = {"reassoc", "nsz", "contract"}

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, numba.njit(cache=True, **options)(function))
        except RuntimeError:
            return cast(Function, numba.njit(**options)(function))

    return decorate
