"""Files of NOAA's USCRN archives: which may be trusted, and when their rows are.

A file is read whole or rejected whole. Its layout stands in `uscrn_layout`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.pipelines.stations import Rejection
from somobench.pipelines.stations.archive import Archive, DamagedMemberError
from somobench.pipelines.stations.uscrn.layout import (
    DAILY,
    HOURLY,
    BadLine,
    Columns,
    Layout,
    parse_lines,
)

AN_HOUR = np.timedelta64(60, "m")
MAXIMUM_LATITUDE, MAXIMUM_LONGITUDE = 90, 180  # degrees
MAXIMUM_MOVE = 0.05  # degrees between rows; farther is another place

OTHER_PRODUCTS = {
    "CRND0103": "daily01, read by the station source uscrn",
    "CRNH0203": "hourly02, read by the station source uscrn_hourly",
    "CRND": "another version of daily01",
    "CRNH": "another version of hourly02",
    "CRNS0101": "subhourly01, values of five minutes",
    "CRNSIP": "soilsip01, soil moisture in percent",
    "CRNM": "monthly01, values of a month",
}
"""What files are, by the begin of their names; the first that fits."""
COMPANION_WORDS = ("readme", "header", "documentation", "station", "snapshot")
COMPANION_SUFFIXES = frozenset(
    {".pdf", ".html", ".htm", ".md", ".json", ".csv", ".tsv"}
)

_WBAN_NAME = re.compile(r"WBAN_(\d{5})")


@dataclass(frozen=True)
class Product:
    """What distinguishes one product's files."""

    prefix: str
    layout: Layout
    moisture: str
    """Name of the soil-moisture columns, with a place for the depth in cm."""
    hourly: bool


DAILY01 = Product("CRND0103", DAILY, "SOIL_MOISTURE_{}_DAILY", hourly=False)
HOURLY02 = Product("CRNH0203", HOURLY, "SOIL_MOISTURE_{}", hourly=True)


@dataclass(frozen=True)
class StationFile:
    """One station's year, in the order of its rows."""

    name: str
    station: str
    """As the file is named."""
    places: tuple[tuple[float, float], ...]
    """Latitude and longitude of the rows, each once, the last row's last."""
    times: NDArray[np.datetime64]
    """Begin of the day or hour that each row covers, datetime64[m]."""
    columns: Columns

    @property
    def place(self) -> tuple[float, float]:
        """Latitude and longitude of the last row."""
        return self.places[-1]


def is_companion(name: str) -> bool:
    """Tell whether a member is one of the texts that NOAA puts beside its data."""
    path = PurePosixPath(name.lower())
    if path.name.startswith("crn"):
        return False
    return path.suffix in COMPANION_SUFFIXES or path.name.startswith(COMPANION_WORDS)


def parse_member_name(name: str, product: Product) -> tuple[int, str] | None:
    """Return what a member's name claims; None where it isn't one of the product."""
    found = re.fullmatch(
        rf"{product.prefix}-(\d{{4}})-(\S+)\.txt", PurePosixPath(name).name
    )
    return (int(found[1]), found[2]) if found else None


def read_file(archive: Archive, name: str, product: Product) -> StationFile | Rejection:
    """Read a member and compare its rows with its name and with each other.

    Rejected are: a name of another product, bytes that can't be had, a line that
    doesn't fit the layout, a file without lines, several stations or positions,
    another station or year than the name has, impossible dates and positions. Rows
    that are twice or out of order are left to the rules for values.
    """
    named = parse_member_name(name, product)
    if named is None:
        expected = f"{product.prefix}-YYYY-<station>.txt"
        return Rejection(name, "file name", _describe(name), expected)
    try:
        content = archive.read(name)
    except DamagedMemberError as error:
        return Rejection(name, "damaged", str(error.found), str(error.expected))
    columns = parse_lines(content, product.layout)
    if isinstance(columns, BadLine):
        return _make_rejection(name, "line", columns)
    if len(columns.texts["WBANNO"]) == 0:
        return Rejection(name, "empty", f"{len(content)} bytes", "at least one line")
    times = _parse_times(columns, hourly=product.hourly)
    if isinstance(times, BadLine):
        return _make_rejection(name, "date", times)
    year, station = named
    places = _list_places(columns)
    return (
        _check_number(name, station, columns)
        or _check_places(name, places)
        or _check_year(name, year, times, hourly=product.hourly)
        or StationFile(name, station, places, times, columns)
    )


def _describe(name: str) -> str:
    """Say which product a file is of, where its name tells."""
    begin = PurePosixPath(name).name.upper()
    known = (text for key, text in OTHER_PRODUCTS.items() if begin.startswith(key))
    return " is ".join([ascii(name), *known][:2])


def _make_rejection(name: str, reason: str, bad: BadLine) -> Rejection:
    return Rejection(name, reason, f"line {bad.line}: {bad.found}", bad.expected)


def _check_number(name: str, station: str, columns: Columns) -> Rejection | None:
    numbers = sorted(set(columns.texts["WBANNO"].tolist()))
    named = _WBAN_NAME.fullmatch(station)
    if len(numbers) > 1:
        return Rejection(name, "station number", ", ".join(numbers[:3]), "one a file")
    if named is not None and named[1] != numbers[0]:
        return Rejection(name, "station number", numbers[0], named[1])
    return None


def _list_places(columns: Columns) -> tuple[tuple[float, float], ...]:
    """Give each place of the rows once, in the order of its last row."""
    pairs = zip(
        columns.numbers["LATITUDE"].tolist(),
        columns.numbers["LONGITUDE"].tolist(),
        strict=True,
    )
    return tuple(reversed(dict.fromkeys(reversed(list(pairs)))))


def is_moved(place: tuple[float, float], last: tuple[float, float]) -> bool:
    """Tell whether two places are farther apart than a correction."""
    north, east = (abs(a - b) for a, b in zip(place, last, strict=True))
    return max(north, east) > MAXIMUM_MOVE


def _check_places(
    name: str, places: tuple[tuple[float, float], ...]
) -> Rejection | None:
    """Refuse what isn't one place; the whole network lies north of the equator.

    That way swapped coordinates show, because American longitudes are negative.
    """
    for place in places:
        latitude, longitude = place
        if not 0 < latitude <= MAXIMUM_LATITUDE or abs(longitude) > MAXIMUM_LONGITUDE:
            expected = "latitude above 0 to 90, longitude -180 to 180"
            return Rejection(name, "position", str(place), expected)
        if is_moved(place, places[-1]):
            found = f"{place}, {places[-1]}"
            expected = f"one a file, corrected by at most {MAXIMUM_MOVE} degrees"
            return Rejection(name, "position", found, expected)
    return None


def _check_year(
    name: str, year: int, times: NDArray[np.datetime64], *, hourly: bool
) -> Rejection | None:
    """Refuse rows of another year.

    The first row of an hourly file may end at 00:00 of 1 January, and so cover the
    last hour of the year before.
    """
    first = np.datetime64(f"{year:04d}-01-01T00:00", "m")
    after = np.datetime64(f"{year + 1:04d}-01-01T00:00", "m")
    strange = (times < first - AN_HOUR * hourly) | (times >= after)
    if not strange.any():
        return None
    found = f"{int(strange.sum())} rows such as of {times[strange][0]}"
    return Rejection(name, "year", found, f"{year}, as the file is named")


def _parse_times(columns: Columns, *, hourly: bool) -> NDArray[np.datetime64] | BadLine:
    texts = columns.texts["UTC_DATE" if hourly else "LST_DATE"]
    dates = pd.to_datetime(pd.Series(texts), format="%Y%m%d", errors="coerce")
    times = dates.to_numpy().astype("datetime64[m]")
    if hourly:
        clock = columns.texts["UTC_TIME"]
        texts = np.char.add(np.char.add(texts, " "), clock)
        whole = np.isin(clock, [f"{hour:02d}00" for hour in range(24)])
        ends = np.where(whole, clock, "0").astype(np.int64) // 100
        times = np.where(whole, times + (ends - 1) * AN_HOUR, np.datetime64("NaT", "m"))
    wrong = np.isnat(times)
    if wrong.any():
        row = int(np.argmax(wrong))
        form = "YYYYMMDD and hour 0000 to 2300" if hourly else "YYYYMMDD"
        return BadLine(columns.lines[row], str(texts[row]), form)
    return np.asarray(times)
