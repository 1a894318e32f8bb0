"""Rows of an ISMN station file: bytes in, columns out, errors by line.

Knows the layout of a row and nothing of headers, units or quality.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import ModuleType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.stations.archive import Content
from somobench.schemas.errors import UsageError

SHOWN_BYTES = 60
WORD = 8  # bytes
NOTHING = bytes(WORD + 1)
_VALUE = 6
_EXPECTED = {
    1: "a time 'yyyy/mm/dd HH:MM' from 1900 to 2199",
    2: "a time, a value, a flag and at most a provider's flag",
    3: "the station, place and depth of the first row",
    4: "flags of printable ASCII characters",
    5: "no more than 1024 different flags",
    _VALUE: "a decimal number as value",
}
_LINE_END = re.compile(rb"[\r\n]")


@dataclass(frozen=True)
class Rows:
    """Columns of one file in the order of its rows; codes index the names."""

    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    flag_codes: NDArray[np.int16]
    flag_names: tuple[str, ...]
    provider_codes: NDArray[np.int16]
    provider_names: tuple[str, ...]


@dataclass(frozen=True)
class RowError:
    """The first row that can't be read, and how many can't."""

    line: int
    text: str
    expected: str
    count: int
    truncated: bool
    """The only such row is the last line of the file, and that line has no end."""

    @property
    def found(self) -> str:
        """Line, text and count in words."""
        others = f" and {self.count - 1} more rows" if self.count > 1 else ""
        return f"line {self.line}: {self.text}{others}"


def parse_rows(
    content: Content,
    *,
    start: int = 0,
    line: int = 1,
    segment: bytes = b"",
    careful: bool = False,
) -> Rows | RowError:
    r"""Read every row of a station file from `start` on.

    Lines end with `\n`, `\r`, `\r\n` or `\n\r`, mixed as they come; blank ones are
    skipped. Values equal `float(text)` exactly. Either every row is read, or none.

    Parameters
    ----------
    content : bytes
        The whole file.
    start, line : int
        Offset of the first row, and its line number for messages.
    segment : bytes
        For rows that repeat station, place and depth between time and value (CEOP):
        the text that must stand there, after a second time. The first, nominal time
        of such a row is used.
    careful : bool
        Read no row the fast way; the result is the same.

    Raises
    ------
    UsageError
        If numba isn't installed.
    """
    kernel = _import_kernel()
    columns, flags, providers, slow, state = kernel.read_rows(
        np.frombuffer(memoryview(content).toreadonly(), dtype=np.uint8),
        _view_words(content if len(content) > WORD else NOTHING),
        not (segment or careful or len(content) <= WORD),
        start,
        line,
        np.frombuffer(segment, dtype=np.uint8),
    )
    minutes, values, flag_codes, provider_codes = (
        column[: state[kernel.ROWS]] for column in columns
    )
    rows = Rows(
        minutes.view("datetime64[m]"),
        values,
        flag_codes,
        _decode_texts(content, flags[: state[kernel.FLAGS]]),
        provider_codes,
        _decode_texts(content, providers[: state[kernel.PROVIDERS]]),
    )
    bad = _read_slow(content, values, slow[: state[kernel.SLOW]])
    last = _Bad(state[kernel.LINE], state[kernel.LINE_START], kernel.COLUMNS)
    count = int(state[kernel.ERRORS]) + len(bad)
    if state[kernel.ERRORS]:
        bad.append(_Bad(*state[kernel.ERROR_LINE : kernel.ERROR_KIND + 1]))
    elif not bad and state[kernel.UNENDED] and _last_lacks_provider(rows):
        bad, count = [last], 1
    if not bad:
        return rows
    first = min(bad)
    ended = not state[kernel.UNENDED]
    truncated = bool(not ended and count == 1 and first.line == last.line)
    shown = _shorten_line(content, first.start)
    return RowError(int(first.line), shown, _EXPECTED[first.kind], count, truncated)


def _view_words(content: Content) -> NDArray[np.uint64]:
    """View the eight bytes from every place of a file on as a number, uncopied.

    There are two places at least: one would be of another layout, for which the loop
    would be compiled once more.
    """
    first = np.frombuffer(memoryview(content).toreadonly(), "<u8", count=1)
    count = len(content) - WORD + 1
    return np.lib.stride_tricks.as_strided(first, (count,), (1,), writeable=False)


def _import_kernel() -> ModuleType:
    """Import the compiled loop, which needs numba, when rows are read."""
    try:
        from somobench.pipelines.stations.ismn import kernel as ismn_kernel
    except ImportError as error:
        raise UsageError(
            "reading station files",
            found=error,
            expected="numba",
            hint="pip install 'somobench[build]'",
        ) from error
    return ismn_kernel


class _Bad(NamedTuple):
    """A row that can't be read: its line, where that begins, the kind of error."""

    line: int
    start: int
    kind: int


def _read_slow(
    content: Content, values: NDArray[np.float64], slow: NDArray[np.int64]
) -> list[_Bad]:
    """Fill in the values that the kernel leaves to `float`; give those it refuses."""
    errors = []
    for row, start, stop, line, line_start in slow.tolist():
        text = content[start:stop]
        try:
            if b"_" in text:  # Python's digit separator is no number in a file
                raise ValueError
            values[row] = float(text)
        except ValueError:
            errors.append(_Bad(line, line_start, _VALUE))
    return errors


def _last_lacks_provider(rows: Rows) -> bool:
    """Whether the last row, and only it, has no provider's flag."""
    if len(rows.values) < 2 or "" not in rows.provider_names:  # noqa: PLR2004 (a pair)
        return False
    absent = rows.provider_codes == rows.provider_names.index("")
    return bool(absent[-1]) and not absent[:-1].any()


def _decode_texts(content: Content, spans: NDArray[np.int64]) -> tuple[str, ...]:
    """Texts of flags; blanks inside a provider's are kept single."""
    return tuple(
        " ".join(content[start:stop].decode("ascii").split())
        for start, stop in spans.tolist()
    )


def _shorten_line(content: Content, start: int) -> str:
    """Begin of the line in printable ASCII."""
    text = _LINE_END.split(content[start : start + SHOWN_BYTES], maxsplit=1)[0]
    return ascii(text.decode("latin-1"))
