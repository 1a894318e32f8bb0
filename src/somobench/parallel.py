"""The same work for many items, on all cores that a process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from somobench.progress import tell_step

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
        return list(_tell_each((work(inputs, item) for item in items), items))
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_prepare, initargs=(work, read)
    )
    with pool:
        return list(_tell_each(pool.map(_do, items), items))


def _tell_each(results: Iterable[Result], items: Sequence[Item]) -> Iterator[Result]:
    """Pass results on, and say which is waited for."""
    waiting = iter(results)
    for number, item in enumerate(items, 1):
        name = f", {item}" if isinstance(item, str) else ""
        tell_step(f"{number} of {len(items)}{name}")
        yield next(waiting)


def _prepare(work: Callable[[Inputs, Item], Any], read: Callable[[], Inputs]) -> None:
    global _task  # noqa: PLW0603 - a worker has one task for its whole life
    _task = work, read()


def _do(item: Any) -> Any:
    if _task is None:
        message = "a worker is asked before it is prepared"
        raise RuntimeError(message)
    work, inputs = _task
    return work(inputs, item)
