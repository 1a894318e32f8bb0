"""What a long step is at, told to whoever listens; nobody does by default."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[str], None]
ERASE = "\r\x1b[K"  # begin of the line, and nothing on it
_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def tell_step(step: str) -> None:
    """Say what is done next, in a few words such as `scoring layer 1`."""
    listener = _listener.get()
    if listener is not None:
        listener(step)


@contextmanager
def listen_to_steps(listener: Listener) -> Iterator[None]:
    """Hand every step within to a function."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)


@contextmanager
def show_steps() -> Iterator[None]:
    """Show steps on a line of standard error, if that is a terminal; then erase it."""
    stream = sys.stderr
    if stream is None or not stream.isatty():
        yield
        return

    def show(step: str) -> None:
        shown = "".join(letter if letter.isprintable() else "?" for letter in step)
        stream.write(f"{ERASE}{shown} ...")
        stream.flush()

    try:
        with listen_to_steps(show):
            yield
    finally:
        stream.write(ERASE)
        stream.flush()
