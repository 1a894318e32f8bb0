"""The same work for every split of a release, on all cores that a process may use."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

from somobench.progress import tell_step

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
        return list(_tell_each((work(inputs, split) for split in splits), splits))
    pool = ProcessPoolExecutor(
        processes, get_context("spawn"), initializer=_prepare, initargs=(work, read)
    )
    with pool:
        return list(_tell_each(pool.map(_do, splits), splits))


def _tell_each(results: Iterable[Result], splits: Sequence[str]) -> Iterator[Result]:
    """Pass results on, and say which split is waited for."""
    waiting = iter(results)
    for number, split in enumerate(splits, 1):
        tell_step(f"split {number} of {len(splits)}, {split}")
        yield next(waiting)


def _prepare(work: Callable[[Inputs, str], Any], read: Callable[[], Inputs]) -> None:
    global _task  # noqa: PLW0603 - a worker has one task for its whole life
    _task = work, read()


def _do(split: str) -> Any:
    if _task is None:
        message = "a worker is asked before it is prepared"
        raise RuntimeError(message)
    work, inputs = _task
    return work(inputs, split)
