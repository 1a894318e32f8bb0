"""Fixed-width layouts of NOAA's USCRN products, and their lines as columns.

Knows where a field stands and what a number looks like; what a value means, and
which file may be trusted, is decided in `uscrn`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

DEPTHS_CM = (5, 10, 20, 50, 100)
SHOWN_BYTES = 60

Bytes = NDArray[np.uint8]

_BLANK, _DASH, _POINT, _ZERO, _NINE, _TILDE = 32, 45, 46, 48, 57, 126
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Layout:
    """Fields of a line in order, one blank between neighbours.

    `digits` are made of digits alone and stay text, so do `codes`; every other field
    is a decimal number.
    """

    widths: Mapping[str, int]
    digits: frozenset[str]
    codes: frozenset[str]

    @property
    def length(self) -> int:
        """Bytes of a line without its end."""
        return sum(self.widths.values()) + len(self.widths) - 1

    @property
    def numbers(self) -> tuple[str, ...]:
        """Names of the fields that are decimal numbers."""
        others = self.digits | self.codes
        return tuple(name for name in self.widths if name not in others)

    def spans(self) -> Iterator[tuple[str, int, int]]:
        """Give each field's name, first byte and the byte after its last."""
        ends = accumulate(self.widths.values(), lambda end, width: end + 1 + width)
        for (name, width), end in zip(self.widths.items(), ends, strict=True):
            yield name, end - width, end


def _repeat_by_depth(name: str, width: int) -> dict[str, int]:
    return {name.format(depth): width for depth in DEPTHS_CM}


def _make_layout(widths: dict[str, int], digits: set[str], codes: set[str]) -> Layout:
    return Layout(MappingProxyType(widths), frozenset(digits), frozenset(codes))


DAILY = _make_layout(
    {
        "WBANNO": 5, "LST_DATE": 8, "CRX_VN": 6, "LONGITUDE": 7, "LATITUDE": 7,
        "T_DAILY_MAX": 7, "T_DAILY_MIN": 7, "T_DAILY_MEAN": 7, "T_DAILY_AVG": 7,
        "P_DAILY_CALC": 7, "SOLARAD_DAILY": 8, "SUR_TEMP_DAILY_TYPE": 1,
        "SUR_TEMP_DAILY_MAX": 7, "SUR_TEMP_DAILY_MIN": 7, "SUR_TEMP_DAILY_AVG": 7,
        "RH_DAILY_MAX": 7, "RH_DAILY_MIN": 7, "RH_DAILY_AVG": 7,
        **_repeat_by_depth("SOIL_MOISTURE_{}_DAILY", 7),
        **_repeat_by_depth("SOIL_TEMP_{}_DAILY", 7),
    },
    {"WBANNO", "LST_DATE"},
    {"CRX_VN", "SUR_TEMP_DAILY_TYPE"},
)  # fmt: skip
"""daily01, 28 fields, 216 bytes (NOAA NCEI, readme of daily01, 2017-07-06)."""

HOURLY = _make_layout(
    {
        "WBANNO": 5, "UTC_DATE": 8, "UTC_TIME": 4, "LST_DATE": 8, "LST_TIME": 4,
        "CRX_VN": 6, "LONGITUDE": 7, "LATITUDE": 7,
        "T_CALC": 7, "T_HR_AVG": 7, "T_MAX": 7, "T_MIN": 7, "P_CALC": 7,
        "SOLARAD": 6, "SOLARAD_FLAG": 1, "SOLARAD_MAX": 6, "SOLARAD_MAX_FLAG": 1,
        "SOLARAD_MIN": 6, "SOLARAD_MIN_FLAG": 1,
        "SUR_TEMP_TYPE": 1, "SUR_TEMP": 7, "SUR_TEMP_FLAG": 1,
        "SUR_TEMP_MAX": 7, "SUR_TEMP_MAX_FLAG": 1,
        "SUR_TEMP_MIN": 7, "SUR_TEMP_MIN_FLAG": 1, "RH_HR_AVG": 5, "RH_HR_AVG_FLAG": 1,
        **_repeat_by_depth("SOIL_MOISTURE_{}", 7),
        **_repeat_by_depth("SOIL_TEMP_{}", 7),
    },
    {"WBANNO", "UTC_DATE", "UTC_TIME", "LST_DATE", "LST_TIME"},
    {
        "CRX_VN", "SUR_TEMP_TYPE", "SOLARAD_FLAG", "SOLARAD_MAX_FLAG",
        "SOLARAD_MIN_FLAG", "SUR_TEMP_FLAG", "SUR_TEMP_MAX_FLAG", "SUR_TEMP_MIN_FLAG",
        "RH_HR_AVG_FLAG",
    },
)  # fmt: skip
"""hourly02, 38 fields, 243 bytes (NOAA NCEI, readme of hourly02)."""


SEPARATORS = (b" ", b"\t")
"""Marks between the fields of copies that have lost their columns."""


@dataclass(frozen=True)
class Columns:
    """Fields by name in the order of the lines: numbers as float64, others as text."""

    numbers: Mapping[str, NDArray[np.float64]]
    texts: Mapping[str, NDArray[np.str_]]
    lines: tuple[int, ...]
    """Number of each line in its file, from 1."""
    is_squeezed: bool = False
    """The file has single blanks or tabs between fields, no fixed columns."""

    def flags(self, name: str) -> NDArray[np.str_]:
        """Return the quality flags of a field; empty texts where it has none."""
        absent = np.full(len(self.lines), "", dtype=np.str_)
        return self.texts.get(f"{name}_FLAG", absent)


@dataclass(frozen=True)
class BadLine:
    """The first line that isn't as the layout says."""

    line: int
    found: str
    expected: str


def parse_lines(content: bytes, layout: Layout) -> Columns | BadLine:
    r"""Read every line of a file; one that doesn't fit refuses them all.

    Lines end with `\n`, `\r` or `\r\n`; blank ones, blanks at the end of a line and
    a byte-order mark are skipped. Empty content gives empty columns. Copies with single
    blanks or tabs between all fields of all lines are read as the producer's.
    """
    lines = [
        (number, line.rstrip(b" "))
        for number, line in enumerate(
            content.removeprefix(_BYTE_ORDER_MARK).splitlines(), start=1
        )
        if line.strip()
    ]
    length, is_squeezed = layout.length, False
    if any(len(line) != length for _, line in lines):
        for mark in SEPARATORS:
            if all(_is_squeezed(line, mark, layout) for _, line in lines):
                lines = [(at, _widen_line(line, mark, layout)) for at, line in lines]
                is_squeezed = True
                break
    for number, line in lines:
        if len(line) != length:
            found = f"{len(line)} bytes: {_shorten_line(line)}"
            return BadLine(number, found, f"{length} bytes")
    table = np.frombuffer(b"".join(line for _, line in lines), dtype=np.uint8)
    table = table.reshape(-1, length)
    fitting = _match_bytes(table, layout)
    if not fitting.all():
        number, line = lines[int(np.argmin(fitting))]
        return BadLine(
            number, _shorten_line(line), "fields in their columns, blanks between"
        )
    columns = _parse_columns(table, layout, tuple(number for number, _ in lines))
    if isinstance(columns, Columns):
        return replace(columns, is_squeezed=is_squeezed)
    return columns


def _is_squeezed(line: bytes, mark: bytes, layout: Layout) -> bool:
    """Tell whether a line has every field, and single marks alone between them."""
    is_alone = mark * 2 not in line and (mark == b" " or b" " not in line)
    return is_alone and line.count(mark) + 1 == len(layout.widths)


def _widen_line(line: bytes, mark: bytes, layout: Layout) -> bytes:
    """Put the fields of a squeezed line into their columns."""
    fields = zip(line.split(mark), layout.widths.values(), strict=True)
    return b" ".join(field.rjust(width) for field, width in fields)


def _match_bytes(table: Bytes, layout: Layout) -> NDArray[np.bool_]:
    """Whether each line has only bytes that may stand where they stand."""
    digit = (table >= _ZERO) & (table <= _NINE)
    numeric = digit | (table == _DASH) | (table == _POINT) | (table == _BLANK)
    printable = (table >= _BLANK) & (table <= _TILDE)
    allowed = table == _BLANK
    for name, start, end in layout.spans():
        field = slice(start, end)
        if name in layout.codes:
            allowed[:, field] = printable[:, field]
        else:
            allowed[:, field] = (digit if name in layout.digits else numeric)[:, field]
    return np.asarray(allowed.all(axis=1))


def _parse_columns(
    table: Bytes, layout: Layout, lines: tuple[int, ...]
) -> Columns | BadLine:
    numbers: dict[str, NDArray[np.float64]] = {}
    texts: dict[str, NDArray[np.str_]] = {}
    for name, start, end in layout.spans():
        field = np.ascontiguousarray(table[:, start:end]).view(f"S{end - start}")[:, 0]
        if name in layout.digits | layout.codes:
            texts[name] = field.astype(np.str_)
            continue
        try:
            numbers[name] = field.astype(np.float64)
        except ValueError:
            row = next(row for row, text in enumerate(field) if not _is_number(text))
            found = f"{name} {field[row].decode()!a}"
            return BadLine(lines[row], found, "a decimal number")
    return Columns(numbers, texts, lines)


def _is_number(text: bytes) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _shorten_line(line: bytes) -> str:
    return ascii(line[:SHOWN_BYTES].decode("latin-1"))
