"""The same work for every split of a release, on all cores that a process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

Inputs = TypeVar("Inputs")
Result = TypeVar("Result")
_task: tuple[Callable[[Any, str], Any], Any] | None = None
"""What a worker process does, and what it does it with."""


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def map_splits(
    work: Callable[[Inputs, str], Result],
    splits: Sequence[str],
    read: Callable[[], Inputs],
    processes: int,
) -> list[Result]:
    """Do work for every split, and return the results in order of `splits`.

    Parameters
    ----------
    work : callable
        Of what `read` gives and the name of a split. With several processes both are
        sent to them, so they have to be importable.
    splits : sequence of str
    read : callable
        Called once in every process: inputs are read there, and never sent.
    processes : int
        With one, all is done in this process.
    """
    processes = min(processes, len(splits))
    if processes <= 1:
        inputs = read()
        return [work(inputs, split) for split in splits]
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_prepare, initargs=(work, read)
    )
    with pool:
        return list(pool.map(_do, splits))


def _prepare(work: Callable[[Inputs, str], Any], read: Callable[[], Inputs]) -> None:
    global _task  # noqa: PLW0603 - a worker has one task for its whole life
    _task = work, read()


def _do(split: str) -> Any:
    if _task is None:
        message = "a worker is asked before it is prepared"
        raise RuntimeError(message)
    work, inputs = _task
    return work(inputs, split)
