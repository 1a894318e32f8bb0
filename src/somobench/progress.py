"""Report what a long step is at, to whoever listens; nobody does by default."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from contextvars import ContextVar
from typing import Any, TextIO

Listener = Callable[[str], None]
ERASE = "\r\x1b[K"  # begin of the line, and nothing on it
A_TICK = 1.0  # s
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
def show_steps(first: str = "") -> Iterator[None]:
    """Show steps and their seconds on a line of standard error, if it's a terminal.

    The line is erased before anything goes to standard output, and at the end.

    Parameters
    ----------
    first : what is done before the first step
    """
    stream = sys.stderr
    if stream is None or not stream.isatty():
        yield
        return
    line = _Line(stream, first)
    ticking = threading.Thread(target=line.tick, daemon=True)
    ticking.start()
    try:
        with listen_to_steps(line.begin), redirect_stdout(_Above(sys.stdout, line)):
            yield
    finally:
        line.ended.set()
        ticking.join()
        line.erase()


class _Line:
    """A line that says which step runs, and since when."""

    def __init__(self, stream: TextIO, step: str) -> None:
        self._stream, self._step, self._begun = stream, step, time.monotonic()
        self._lock = threading.Lock()
        self.ended = threading.Event()

    def begin(self, step: str) -> None:
        """Show another step."""
        shown = "".join(letter if letter.isprintable() else "?" for letter in step)
        self._step, self._begun = shown, time.monotonic()
        self._write(f"{ERASE}{shown} ...")

    def tick(self) -> None:
        """Show the seconds that the step takes, until the end."""
        while not self.ended.wait(A_TICK):
            seconds = time.monotonic() - self._begun
            self._write(f"{ERASE}{self._step} ... {seconds:.0f} s")

    def erase(self) -> None:
        """Leave an empty line."""
        self._write(ERASE)

    def _write(self, text: str) -> None:
        with self._lock:
            self._stream.write(text)
            self._stream.flush()


class _Above:
    """Standard output that erases the line before it writes."""

    def __init__(self, stream: Any, line: _Line) -> None:
        self._stream, self._line = stream, line

    def write(self, text: str) -> Any:
        self._line.erase()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
