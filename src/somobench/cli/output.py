"""How the command line prints: tables, JSON, and texts that can't move the cursor."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from somobench.schemas.errors import InputError, UsageError

UNITS = ("B", "kB", "MB", "GB")
THOUSAND = 1000


def escape_controls(text: str, keep: str = "") -> str:
    """Replace control characters, so that a text from a file can't steer a terminal."""
    return "".join(
        letter if letter.isprintable() or letter in keep else "\ufffd"
        for letter in text
    )


class PatientStream(io.TextIOWrapper):
    """Standard output whose reader may have had enough: the rest is thrown away.

    A closed pipe is no error of ours, and what a command finds out after it still
    decides how it ends.
    """

    def write(self, text: str) -> int:
        """Write a text, or drop it."""
        try:
            return super().write(text)
        except BrokenPipeError:
            self._throw_away()
            return len(text)

    def flush(self) -> None:
        """Write out what is buffered, or drop it."""
        try:
            super().flush()
        except BrokenPipeError:
            self._throw_away()

    def _throw_away(self) -> None:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)


def prepare_streams() -> None:
    """Let a reader close its pipe, and a terminal lack letters, which go by number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout is sys.__stdout__:
        shown = sys.stdout
        sys.stdout = PatientStream(
            shown.buffer,
            encoding=shown.encoding,
            errors=shown.errors,
            line_buffering=shown.line_buffering,
        )


def finish_output() -> None:
    """Write out what is buffered; a full disk is reported while it still can be.

    Raises
    ------
    OSError
        If standard output doesn't take it. Nothing more is written there then.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise


def say(line: str) -> None:
    """Print a line, if there is a standard output."""
    if sys.stdout is not None:
        sys.stdout.write(line + "\n")


def show_json(content: Any) -> None:
    """Print content as JSON in ASCII, keys in order."""
    say(json.dumps(content, indent=2, sort_keys=True, default=str))


def show_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: drawn on a terminal, else a line of heads and one a row, tabs."""
    cells = [[escape_controls(str(cell)) for cell in row] for row in rows]
    if sys.stdout is None or not sys.stdout.isatty():
        for row in (heads, *cells):
            say("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*heads, box=None, pad_edge=False)
    for row in cells:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console().print(table)


def show_sections(sections: Iterable[tuple[str, Iterable[str]]]) -> None:
    """Print headings with their lines, which are indented."""
    for heading, lines in sections:
        say(escape_controls(heading))
        for line in lines:
            say(f"  {escape_controls(line)}")


def format_size(size: int) -> str:
    """Return a number of bytes with three digits or so."""
    value = float(size)
    for unit in UNITS:
        if value < THOUSAND or unit == UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= THOUSAND
    raise AssertionError


def check_page(out: Path, *, overwrite: bool) -> None:
    """Refuse a page that can't be written or may not be replaced, before any work."""
    if out.suffix != ".html":
        raise UsageError(f"file {out}", found=out.suffix or "none", expected=".html")
    if out.is_dir() or (out.exists() and not overwrite):
        raise UsageError(
            f"file {out}",
            found="it exists",
            expected="a new file",
            hint="choose another name, or add --overwrite",
        )


def write_page(text: str, out: Path) -> None:
    """Write a page or another text, whole or not at all."""
    from somobench.catalog.storage.atomic import write_text

    try:
        write_text(text, out)
    except OSError as error:
        raise InputError(
            f"file {out}", found=error.strerror, expected="a place that takes it"
        ) from error
