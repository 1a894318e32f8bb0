"""CEOP reference files: all depths of a station, soil temperature and moisture a row.

The layout that ISMN delivered first, as `CSE_Network_Station_start_end.stm`: nominal
date and time (UTC), actual date and time, CSE, network, station, latitude, longitude,
elevation, depth (ISMN: from and to), temperature, its flag, moisture, its flag; -999.99
is no value (CEOP Soil Temperature and Soil Moisture Data Set, format definition, UCAR).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import starmap

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.stations import SensorMetadata, SensorSeries
from somobench.pipelines.stations.archive import Content
from somobench.pipelines.stations.ismn.names import (
    SHOWN,
    UNNAMED_SENSOR,
    FileName,
    FileRefusedError,
    place_of,
)

ONE_DEPTH, TWO_DEPTHS = 15, 16  # columns of a row: CEOP's own, ISMN's
MISSING = -999.99
PLACES = {"ts": 4, "sm": 2}
"""Columns of each variable's value, counted from the end; its flag follows."""
_PLACE = slice(4, -4)


def read_ceop_file(
    content: Content, name: FileName, member: str, variable: str
) -> list[SensorSeries]:
    """Read one variable at every depth of a file, whole or not at all.

    Raises
    ------
    FileRefusedError
        For a row of other columns, numbers or times that can't be read, a place that
        changes, an impossible place or depth.
    """
    rows = [line.split() for line in content.decode("latin-1").splitlines()]
    numbered = [(number, row) for number, row in enumerate(rows, 1) if row]
    if not numbered:
        raise FileRefusedError("no rows", found="blank lines", expected="rows")
    width = len(numbered[0][1])
    for number, row in numbered:
        if len(row) != width or width not in (ONE_DEPTH, TWO_DEPTHS):
            raise _make_row_error(number, row, f"{ONE_DEPTH} or {TWO_DEPTHS} columns")
    by_place: dict[tuple[str, ...], list[tuple[int, list[str]]]] = {}
    for number, row in numbered:
        by_place.setdefault(tuple(row[_PLACE]), []).append((number, row))
    if len({place[:6] for place in by_place}) > 1:
        found = "; ".join(" ".join(place[:6]) for place in list(by_place)[:2])
        raise FileRefusedError("unreadable row", found=found, expected="one place")
    return [
        _make_series(part, _read_metadata(part[0], name, member, variable), name)
        for part in by_place.values()
    ]


def _read_metadata(
    first: tuple[int, list[str]], name: FileName, member: str, variable: str
) -> SensorMetadata:
    """Read names and place of a row; CEOP's heights below ground become depths."""
    number, row = first
    network, station = row[5:7]
    place = row[7:-4]
    if len(row) == ONE_DEPTH:
        place = [*place, place[-1]]
    try:
        depths = [abs(number) for number in map(float, place)][3:]
    except ValueError:
        raise _make_row_error(number, row, "numbers as place and depth") from None
    exact = name._replace(
        variable=variable, depth_from=min(depths), depth_to=max(depths)
    )
    return place_of((network, station, UNNAMED_SENSOR), place[:3], exact, member)


def _make_series(
    rows: list[tuple[int, list[str]]], metadata: SensorMetadata, name: FileName
) -> SensorSeries:
    at = PLACES[metadata.variable]
    values = np.array(
        list(starmap(lambda n, row: _parse_value(n, row, row[-at]), rows))
    )
    flags, codes = _encode_texts(row[1 - at] for _, row in rows)
    return SensorSeries(
        metadata=metadata,
        times=np.array(list(starmap(_parse_time, rows)), dtype="datetime64[m]"),
        values=np.where(values == MISSING, np.nan, values),
        flag_codes=codes,
        flag_names=flags,
        provider_codes=np.zeros(len(rows), dtype=np.int16),
        provider_names=("",),
        declared_start=name.start,
        declared_end=name.end,
    )


def _encode_texts(texts: Iterable[str]) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    names, codes = np.unique(list(texts), return_inverse=True)
    return tuple(names.tolist()), codes.astype(np.int16)


def _parse_value(number: int, row: list[str], text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise _make_row_error(number, row, "a decimal number as value") from None


def _parse_time(number: int, row: list[str]) -> np.datetime64:
    date, clock = row[:2]
    try:
        if date[4] + date[7] + clock[2] != "//:" or len(date + clock) != 15:  # noqa: PLR2004 (yyyy/mm/dd HH:MM)
            raise ValueError
        return np.datetime64(f"{date.replace('/', '-')}T{clock}", "m")
    except (ValueError, IndexError):
        expected = "a time 'yyyy/mm/dd HH:MM'"
        raise _make_row_error(number, row, expected) from None


def _make_row_error(number: int, row: list[str], expected: str) -> FileRefusedError:
    found = f"line {number}: {' '.join(row)[:SHOWN]!a}"
    return FileRefusedError("unreadable row", found=found, expected=expected)
