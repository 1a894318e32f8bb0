"""One daily FLUXNET file: read whole, or rejected with the reason.

Values stay as delivered; -9999 and empty fields become NaN. Rows that are twice or out
of order are left to the rules for values.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.pipelines.stations import Rejection

TIMESTAMP = "TIMESTAMP"
MISSING = -9999.0  # documented for every column
DAY_DIGITS = 8  # YYYYMMDD
SUB_DAILY = {"TIMESTAMP_START", "TIMESTAMP_END"}
FIRST_YEAR, LAST_YEAR = 1980, 2100  # towers since 1991, the reanalysis since 1981
MOST_LINES = 2 * 366 * (LAST_YEAR - FIRST_YEAR + 1)  # each day twice
QUALITY_SUFFIX = "_QC"


@dataclass(frozen=True)
class DailyFile:
    """A file's columns in the order of its rows."""

    name: str
    times: NDArray[np.datetime64]
    """datetime64[m], 00:00 of each day of local standard time."""
    table: pd.DataFrame
    """The columns that were asked for, float64."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of those columns."""
        return tuple(self.table.columns)


def read_daily_file(
    name: str, content: bytes, begin: str = ""
) -> DailyFile | Rejection:
    """Parse the columns of a daily file whose names have a certain begin.

    Rejected are: bytes that aren't text, a header without TIMESTAMP or with a name
    twice, stamps that aren't days, rows of another length than the header, fields that
    aren't numbers, a file without rows.
    """
    lines = _split_lines(name, content)
    if isinstance(lines, Rejection):
        return lines
    header = [item.strip() for item in next(csv.reader(lines[:1]))]
    problem = _check_header(name, header) or _check_lengths(name, lines, len(header))
    if problem is not None:
        return problem
    if len(lines) == 1:
        return Rejection(name, "empty", "a header alone", "at least one row")
    wanted = [item for item in header if item.startswith(begin) and item != TIMESTAMP]
    frame = pd.read_csv(
        io.StringIO("\n".join(lines)),
        dtype=str,
        header=0,
        names=header,
        usecols=[TIMESTAMP, *wanted],
    )
    times = _parse_days(name, frame[TIMESTAMP].fillna("").str.strip())
    if isinstance(times, Rejection):
        return times
    return _make_file(name, times, frame[wanted])


def _split_lines(name: str, content: bytes) -> list[str] | Rejection:
    """Return the lines that aren't blank, unless there are more than days."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Rejection(name, "text", str(error), "UTF-8")
    count = text.count("\n")
    if count > MOST_LINES:
        return Rejection(name, "line", f"{count} lines", "one a day, at most twice")
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        return Rejection(name, "empty", f"{len(content)} bytes", "a header and rows")
    return lines


def _check_header(name: str, header: list[str]) -> Rejection | None:
    if SUB_DAILY & set(header):
        found = "columns TIMESTAMP_START and TIMESTAMP_END, of hours"
        return Rejection(name, "sub-daily", found, "a daily file with TIMESTAMP")
    if TIMESTAMP not in header:
        found = f"columns {', '.join(header[:3])}"
        return Rejection(name, "header", found, "a column TIMESTAMP")
    twice = sorted(item for item, count in Counter(header).items() if count > 1)
    if twice:
        found = f"{', '.join(twice[:3])} twice"
        return Rejection(name, "header", found, "each column once")
    return None


def _check_lengths(name: str, lines: list[str], expected: int) -> Rejection | None:
    """Refuse rows that are cut short or too long, before they are taken for missing."""
    for number, line in enumerate(lines, start=1):
        fields = line.count(",") + 1
        if '"' in line:
            fields = len(next(csv.reader([line])))
        if fields != expected:
            found = f"line {number}: {fields} fields"
            return Rejection(name, "line", found, f"{expected} fields, as the header")
    return None


def _parse_days(name: str, stamps: pd.Series) -> NDArray[np.datetime64] | Rejection:
    digits = sorted(set(stamps.str.len()) - {DAY_DIGITS})
    if digits:
        odd = stamps[stamps.str.len() != DAY_DIGITS].iloc[0]
        kind = "sub-daily" if digits[-1] > DAY_DIGITS else "date"
        found = f"a stamp of {len(odd)} digits, {odd!r}"
        return Rejection(name, kind, found, "YYYYMMDD, a day")
    days = pd.to_datetime(stamps, format="%Y%m%d", errors="coerce")
    wrong = days.isna() | ~days.dt.year.between(FIRST_YEAR, LAST_YEAR)
    if wrong.any():
        found = f"{stamps[wrong].iloc[0]!r} ({int(wrong.sum())} rows)"
        expected = f"days YYYYMMDD from {FIRST_YEAR} to {LAST_YEAR}"
        return Rejection(name, "date", found, expected)
    return days.to_numpy().astype("datetime64[m]")


def _make_file(
    name: str, times: NDArray[np.datetime64], texts: pd.DataFrame
) -> DailyFile | Rejection:
    numbers = {}
    for column in texts.columns:
        values = pd.to_numeric(texts[column], errors="coerce").to_numpy(np.float64)
        wrong = np.isnan(values) & _mark_text(texts[column])
        if wrong.any():
            row = int(np.argmax(wrong))
            found = f"line {row + 2}: {column} {str(texts[column].iloc[row])[:20]!r}"
            return Rejection(name, "line", found, "numbers, -9999 where missing")
        numbers[column] = np.where(values == MISSING, np.nan, values)
    return DailyFile(name, times, pd.DataFrame(numbers))


def _mark_text(column: pd.Series) -> NDArray[np.bool_]:
    """Mark what is neither a number nor an empty field."""
    return np.asarray(column.notna() & (column.str.strip() != ""), dtype=bool)
