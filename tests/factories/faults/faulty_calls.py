"""System calls below a folder that fail, or kill the process, at the N-th of them."""

from __future__ import annotations

import fcntl
import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

CALLS: tuple[tuple[Any, str], ...] = (
    (os, "open"),
    (os, "stat"),
    (os, "lstat"),
    (os, "mkdir"),
    (os, "rename"),
    (os, "replace"),
    (os, "unlink"),
    (os, "fsync"),
    (io, "open"),
    (fcntl, "flock"),
)
READS: tuple[tuple[Any, str], ...] = ((os, "fstat"), (os, "pread"))
"""Calls on open files, whatever folder they are in."""


class Counter:
    """Counts the calls that concern a folder; `seen` is how many there were."""

    def __init__(self) -> None:
        self.seen = 0


@contextmanager
def failing(
    folder: Path,
    number: int,
    trouble: Callable[[], object],
    calls: tuple[tuple[Any, str], ...] = CALLS,
) -> Iterator[Counter]:
    """Let the call of this number make trouble; those before and after it work."""
    counter = Counter()
    below = (str(folder), os.fsencode(folder))

    def watched(plain: Callable[..., Any]) -> Callable[..., Any]:
        def call(what: Any, *args: Any, **kwargs: Any) -> Any:
            path = what if isinstance(what, str | bytes | int) else None
            if isinstance(what, Path):
                path = str(what)
            concerned = isinstance(path, int) or (
                path is not None and path.startswith(below[isinstance(path, bytes)])  # type: ignore[arg-type]
            )
            if concerned or hasattr(what, "fileno"):
                counter.seen += 1
                if counter.seen == number:
                    trouble()
            return plain(what, *args, **kwargs)

        return call

    with ExitStack() as patched:
        for module, name in calls:
            call = watched(getattr(module, name))
            patched.enter_context(mock.patch.object(module, name, call))
        yield counter


def error_of(code: int) -> Callable[[], object]:
    """Return a trouble that is a system error."""

    def fail() -> None:
        raise OSError(code, os.strerror(code))

    return fail


def kill() -> None:
    """Kill this process as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def in_child(work: Callable[[], object]) -> int:
    """Run work in a forked child and return its wait status."""
    child = os.fork()
    if child == 0:
        try:
            work()
        except BaseException:  # noqa: BLE001 - the child must not run pytest's code
            os._exit(3)
        os._exit(0)
    return os.waitpid(child, 0)[1]


def partials(folder: Path) -> list[Path]:
    return list(folder.rglob(".partial-*"))
