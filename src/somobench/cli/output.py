"""How the command line prints: tables, JSON, and texts that can't move the cursor."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Sequence
from typing import Any

UNITS = ("B", "kB", "MB", "GB")
THOUSAND = 1000


def escape_controls(text: str, keep: str = "") -> str:
    """Replace control characters, so that a text from a file can't steer a terminal."""
    return "".join(
        letter if letter.isprintable() or letter in keep else "\ufffd"
        for letter in text
    )


def prepare_streams() -> None:
    """Let letters that a terminal's encoding lacks be shown by their number."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
    """Print a table: drawn on a terminal, else one line a row with tabs between."""
    cells = [[escape_controls(str(cell)) for cell in row] for row in rows]
    if sys.stdout is None or not sys.stdout.isatty():
        for row in cells:
            say("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*heads, box=None, pad_edge=False)
    for row in cells:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    Console().print(table)


def format_size(size: int) -> str:
    """Return a number of bytes with three digits or so."""
    value = float(size)
    for unit in UNITS:
        if value < THOUSAND or unit == UNITS[-1]:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= THOUSAND
    raise AssertionError
