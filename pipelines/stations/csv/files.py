"""One CSV file of one sensor: a header of `# key: value` lines, then a table.

A file is read whole or rejected whole, with what was found and what would do.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.pipelines.stations import (
    FILE_SEPARATOR,
    Rejection,
    SensorMetadata,
    SensorSeries,
)

NAMES = ("network", "station", "sensor")
PLACE = ("latitude", "longitude", "depth_from", "depth_to")
OPTIONAL = ("elevation",)
TIME, VALUE, FLAG = COLUMNS = ("time", "soil_moisture", "flag")
GOOD = "G"
MISSING = frozenset({"", "nan", "na", "null", "none"})
MAXIMUM_LATITUDE, MAXIMUM_LONGITUDE, ALL_ROUND = 90.0, 180.0, 360.0  # degrees
LOWEST, HIGHEST = -500.0, 9000.0  # m
MAXIMUM_DEPTH = 10.0  # m; a larger number is in centimetres
LONGEST_NAME = 80
_LINE_END = re.compile(r"\r\n|\n|\r")
_KEY = re.compile(r"#\s*([A-Za-z_]+)\s*[:=]\s*(.*)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_CLOCK = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?"
_HOUR = re.compile(rf"{_CLOCK}(?:Z|\+00:?00)?", re.ASCII)
_ELSEWHERE = re.compile(rf"{_CLOCK}[+-]\d\d:?\d\d", re.ASCII)
_DAYS_OF_YEARS = np.datetime64("1900-01-01"), np.datetime64("2200-01-01")


class _RefusedError(Exception):
    """Why a file gives no series."""

    def __init__(self, reason: str, found: object, expected: str) -> None:
        super().__init__(reason)
        self.parts = reason, str(found)[:200], expected


class _Header(NamedTuple):
    """Keys of the header with their texts, and the line that the table begins with."""

    keys: Mapping[str, str]
    table: int


def read_sensor_file(content: bytes, name: str) -> SensorSeries | Rejection:
    """Read the bytes of a file.

    Parameters
    ----------
    content : bytes
        UTF-8, with or without a byte-order mark; lines end in LF, CRLF or CR.
    name : str
        Of the member, for messages.
    """
    try:
        text = content.decode("utf-8-sig")
        lines = _LINE_END.split(text)
        header = _read_header(lines)
        metadata = _make_metadata(header.keys, name)
        return _make_series(metadata, _read_table(lines, header.table), header.table)
    except UnicodeDecodeError as error:
        return Rejection(name, "unreadable text", str(error)[:200], "UTF-8")
    except _RefusedError as error:
        return Rejection(name, *error.parts)


def _read_header(lines: list[str]) -> _Header:
    keys: dict[str, str] = {}
    known = (*NAMES, *PLACE, *OPTIONAL)
    for number, line in enumerate(lines):
        if not line.startswith("#"):
            return _Header(keys, number)
        found = _KEY.fullmatch(line.strip())
        if found is None:
            continue  # a remark
        key = found[1].lower()
        if key in keys or key not in known:
            state = "twice" if key in keys else "no such key"
            expected = f"once each: {', '.join(known)} (which is optional)"
            raise _RefusedError(
                "header", f"line {number + 1}, {key}: {state}", expected
            )
        keys[key] = found[2].strip()
    raise _RefusedError("no rows", "a header", f"a line {','.join(COLUMNS)} after it")


def _make_metadata(keys: Mapping[str, str], name: str) -> SensorMetadata:
    lacking = [key for key in (*NAMES, *PLACE) if not keys.get(key)]
    if lacking:
        expected = "lines such as `# station: Field 1` before the table"
        raise _RefusedError("header", f"no {', '.join(lacking)}", expected)
    for key in NAMES:
        text = keys[key]
        if not text.isprintable() or len(text) > LONGEST_NAME or {*"/;"} & {*text}:
            expected = f"at most {LONGEST_NAME} letters without / and ;"
            raise _RefusedError(key, ascii(text), expected)
    latitude, longitude, depth_from, depth_to = (_parse(keys, key) for key in PLACE)
    _check_place(latitude, longitude)
    if not 0 <= depth_from <= depth_to <= MAXIMUM_DEPTH:
        found = f"{depth_from:g} to {depth_to:g}"
        raise _RefusedError("depth", found, "metres below the ground, upper edge first")
    return SensorMetadata(
        network=keys["network"],
        station=keys["station"],
        sensor=keys["sensor"],
        latitude=latitude,
        longitude=longitude,
        elevation=_parse_elevation(keys),
        depth_from=depth_from,
        depth_to=depth_to,
        variable="sm",
        source_file=name.replace(FILE_SEPARATOR, "_"),
    )


def _parse(keys: Mapping[str, str], key: str) -> float:
    try:
        number = float(keys[key])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise _RefusedError(key, ascii(keys[key]), "a number, with a decimal point")
    return number


def _parse_elevation(keys: Mapping[str, str]) -> float:
    if not keys.get("elevation"):
        return math.nan
    elevation = _parse(keys, "elevation")
    if not LOWEST <= elevation <= HIGHEST:
        expected = f"{LOWEST:g} to {HIGHEST:g} m"
        raise _RefusedError("elevation", elevation, expected)
    return elevation


def _check_place(latitude: float, longitude: float) -> None:
    if not abs(latitude) <= MAXIMUM_LATITUDE:
        raise _RefusedError("latitude", latitude, "-90 to 90 degrees north")
    if MAXIMUM_LONGITUDE < longitude <= ALL_ROUND:
        expected = f"-180 to 180 degrees east: write {longitude - ALL_ROUND:g}"
        raise _RefusedError("longitude", longitude, expected)
    if not abs(longitude) <= MAXIMUM_LONGITUDE:
        raise _RefusedError("longitude", longitude, "-180 to 180 degrees east")


def _read_table(lines: list[str], first: int) -> pd.DataFrame:
    """Return the table's texts; its columns are known and there are rows."""
    heads = [head.strip().lower() for head in lines[first].split(",")]
    extra = [head for head in heads if head not in COLUMNS]
    if heads[:2] != [TIME, VALUE] or extra or len(set(heads)) < len(heads):
        hint = f"; leave out {', '.join(extra)}" if extra and TIME in heads else ""
        expected = f"{TIME},{VALUE} or {','.join(COLUMNS)}{hint}"
        raise _RefusedError("columns", f"line {first + 1}: {lines[first]}", expected)
    rows = [line for line in lines[first + 1 :] if line.strip()]
    if not rows:
        raise _RefusedError("no rows", "a header", "rows after it")
    commas = len(heads) - 1
    for place, line in enumerate(lines[first + 1 :]):
        if line.strip() and line.count(",") != commas:
            found = f"line {first + 2 + place}: {line}"
            expected = f"{len(heads)} columns, decimal points and no quotes"
            raise _RefusedError("row", found, expected)
    return pd.read_csv(
        io.StringIO("\n".join(rows)),
        names=heads,
        dtype=str,
        keep_default_na=False,
        quoting=3,  # csv.QUOTE_NONE
        skipinitialspace=True,
    )


def _make_series(
    metadata: SensorMetadata, table: pd.DataFrame, line: int
) -> SensorSeries:
    times, is_daily = _parse_times(table[TIME].str.strip(), line)
    values = _parse_values(table[VALUE].str.strip(), line)
    flags = table[FLAG].str.strip() if FLAG in table else pd.Series("", table.index)
    codes, names = pd.factorize(flags.where(flags != "", GOOD), sort=True)
    return SensorSeries(
        metadata=metadata,
        times=times,
        values=values,
        flag_codes=codes.astype(np.int16),
        flag_names=tuple(map(str, names)),
        provider_codes=np.zeros(len(values), dtype=np.int16),
        provider_names=("",),
        minimum_count=1 if is_daily else None,
        quality=np.ones(len(values)),  # who wrote the file answers for its rows
    )


def _parse_times(texts: pd.Series, line: int) -> tuple[NDArray[np.datetime64], bool]:
    """Return times in UTC, and whether all are days."""
    is_day = texts.str.fullmatch(_DAY)
    known = is_day | texts.str.fullmatch(_HOUR)
    if not known.all():
        raise _make_time_error(texts, int(np.argmin(known)), line)
    if is_day.any() and not is_day.all():
        place = int(np.argmax(is_day != is_day.iloc[0]))
        raise _refuse_row("time", texts, place, line, "all days, or all times of a day")
    try:
        times = pd.to_datetime(texts, format="ISO8601", utc=True)
    except ValueError:
        wrong = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
        expected = "days of the calendar and times of a day, such as 2015-01-31T13:00"
        place = int(np.argmax(wrong.isna()))
        raise _refuse_row("time", texts, place, line, expected) from None
    stamps = times.dt.tz_localize(None)
    minutes = stamps.to_numpy().astype("datetime64[m]")
    outside = (minutes < _DAYS_OF_YEARS[0]) | (minutes >= _DAYS_OF_YEARS[1])
    if outside.any():
        expected = "a year from 1900 to 2199"
        raise _refuse_row("time", texts, int(np.argmax(outside)), line, expected)
    distinct = stamps.drop_duplicates()
    crowded = distinct.dt.floor("min").duplicated()
    if crowded.any():
        place = int(distinct.index[int(np.argmax(crowded))])
        raise _refuse_row("time", texts, place, line, "at most one value a minute")
    return minutes, bool(is_day.all())


def _make_time_error(texts: pd.Series, place: int, line: int) -> _RefusedError:
    text = str(texts.iloc[place])
    expected = "UTC, as 2015-01-31 or 2015-01-31T13:00"
    if _ELSEWHERE.fullmatch(text):
        with suppress(ValueError):  # no day of the calendar, or no such zone
            moved = pd.Timestamp(text).tz_convert("UTC")
            expected = f"UTC: this is {moved:%Y-%m-%dT%H:%M}"
    return _refuse_row("time", texts, place, line, expected)


def _parse_values(texts: pd.Series, line: int) -> NDArray[np.float64]:
    """Return values in m3 m-3; a missing one is NaN."""
    missing = texts.str.lower().isin(MISSING)
    numbers = pd.to_numeric(texts.where(~missing, "nan"), errors="coerce")
    wrong = numbers.isna() & ~missing
    if wrong.any():
        expected = "a number in m3 m-3, or nothing"
        raise _refuse_row("value", texts, int(np.argmax(wrong)), line, expected)
    return numbers.to_numpy(dtype=np.float64)


def _refuse_row(
    reason: str, texts: pd.Series, place: int, line: int, expected: str
) -> _RefusedError:
    found = f"row {place + 1} after line {line + 1}: {texts.iloc[place]!a}"
    return _RefusedError(reason, found, expected)
