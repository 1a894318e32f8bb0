"""When compiled loops are worth their start, and how they share the cores.

Compiled loops (`kernels`) need numba, of the extra `build`, and some tenths of a second
to load. Below two million values, and without numba, plain array functions do the work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from types import ModuleType
from typing import TypeVar

from somobench.catalog.storage.processors import count_cores

Item = TypeVar("Item")
Result = TypeVar("Result")

WORTH_IT = 2_000_000  # values


def find_kernels(values: int) -> ModuleType | None:
    """Return the compiled loops if there is enough to do, and numba to compile them."""
    if values < WORTH_IT:
        return None
    try:
        from somobench.metrics import kernels
    except ImportError:
        return None
    return kernels


def share_rows(rows: int, height: int) -> list[slice]:
    """Cut rows into parts of a height."""
    step = max(1, height)
    return [slice(first, min(first + step, rows)) for first in range(0, rows, step)]


def map_threads(
    work: Callable[[Item], Result],
    items: Sequence[Item],
    values: int,
    *,
    multiplies: bool = False,
) -> list[Result]:
    """Do work that frees the interpreter, on all cores if there are enough values.

    With `multiplies`, linear algebra, which the work calls, has one thread meanwhile:
    its own would wait for each other. To arrange that takes some milliseconds.
    """
    threads = min(count_cores(), len(items))
    if threads <= 1 or values < WORTH_IT:
        return [work(item) for item in items]
    held = _hold_linear_algebra() if multiplies else nullcontext()
    with held, ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))


def _hold_linear_algebra() -> AbstractContextManager[object]:
    """Limit linear algebra to one thread, where the extra `models` is installed."""
    try:
        from threadpoolctl import (  # type: ignore[import-untyped]  # ships no types
            threadpool_limits,
        )
    except ImportError:
        return nullcontext()
    held: AbstractContextManager[object] = threadpool_limits(limits=1)
    return held
