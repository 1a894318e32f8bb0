"""How loops over rows of station files are compiled.

Imported only when rows are read: numba belongs to the extra `build`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., object])


def compile_lazily(function: Function) -> Function:
    """Compile at the first call, run without the interpreter lock.

    The result is kept on disk, unless no folder for it can be written.
    """
    try:
        compiler = numba.njit(cache=True, nogil=True, error_model="numpy")
        return cast(Function, compiler(function))
    except RuntimeError:
        compiler = numba.njit(nogil=True, error_model="numpy")
        return cast(Function, compiler(function))
