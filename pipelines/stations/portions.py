"""Members of an archive in portions: some files each, a few read at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from somobench.pipelines.stations.archive import Member

Result = TypeVar("Result")

WORKERS = 2  # inflating and parsing hold no interpreter lock
PORTION_SIZE = 2**22  # bytes, unpacked
PORTION_FILES = 64  # of small ones, beside which the cost of a portion is little


def cut_portions(
    members: Iterable[Member], size: int, files: int
) -> Iterator[tuple[Member, ...]]:
    """Cut members, in their order, into portions.

    Parameters
    ----------
    members : iterable
    size : int
        A portion ends with the member that brings it to so many bytes, unpacked.
    files : int
        Members that a portion has at most.
    """
    portion: list[Member] = []
    held = 0
    for member in members:
        portion.append(member)
        held += member.size
        if held >= size or len(portion) >= files:
            yield tuple(portion)
            portion, held = [], 0
    if portion:
        yield tuple(portion)


def read_portions(
    read: Callable[[tuple[Member, ...]], Result], members: Sequence[Member]
) -> Iterator[Result]:
    """Read members in portions and give what comes of each, in their order.

    `read` is called from `WORKERS` threads. What becomes of a portion waits until it is
    asked for: no more than one beyond those that are being read.
    """
    with ThreadPoolExecutor(WORKERS) as pool:
        waiting: deque[Future[Result]] = deque()
        for portion in cut_portions(members, PORTION_SIZE, PORTION_FILES):
            waiting.append(pool.submit(read, portion))
            if len(waiting) > WORKERS:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
