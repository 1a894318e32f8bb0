"""The same work for many items, on all cores that a process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Inputs = TypeVar("Inputs")
Item = TypeVar("Item")
Result = TypeVar("Result")
_task: tuple[Callable[[Any, Any], Any], Any] | None = None
"""What a worker process does, and what it does it with."""


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def map_items(
    work: Callable[[Inputs, Item], Result],
    items: Sequence[Item],
    read: Callable[[], Inputs],
    processes: int,
) -> list[Result]:
    """Do work for every item, such as a split, and return the results in their order.

    Parameters
    ----------
    work : callable
        Of what `read` gives and an item. With several processes both are sent to them,
        so they have to be importable.
    items : sequence
    read : callable
        Called once in every process: inputs are read there, and never sent.
    processes : int
        With one, all is done in this process.
    """
    processes = min(processes, len(items))
    if processes <= 1:
        inputs = read()
        return [work(inputs, item) for item in items]
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_prepare, initargs=(work, read)
    )
    with pool:
        return list(pool.map(_do, items))


def _prepare(work: Callable[[Inputs, Item], Any], read: Callable[[], Inputs]) -> None:
    global _task  # noqa: PLW0603 - a worker has one task for its whole life
    _task = work, read()


def _do(item: Any) -> Any:
    if _task is None:
        message = "a worker is asked before it is prepared"
        raise RuntimeError(message)
    work, inputs = _task
    return work(inputs, item)
