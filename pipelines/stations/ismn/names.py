"""What an ISMN file says about itself: in its name, in its header, in its rows.

The header (or, in the CEOP layout, the first row) counts for names and place: folders
and file names write `CST-01` or `PuaAkala` for `CST_01` and `Pua_Akala`. The file name
counts for what it gives more exactly: depths to the micrometre (0.0508 for 0.05), the
probe where the rows name none, the first and last day. Depths must agree to the digits
that the header has. Where two writings differ, a `Note` says which counts.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from somobench.pipelines.stations import Note, SensorMetadata
from somobench.pipelines.stations.archive import Content
from somobench.schemas.errors import InputError

VARIABLES = frozenset(
    {"sm", "ts", "su", "p", "ta", "sd", "sweq", "tsf", "tsfq"}
    | {"fc", "wp", "paw", "ppaw", "sat", "si_h", "sa_h", "cl_h", "oc_h"}
)
"""Codes of ISMN variables in file names."""
LONG_NAMES = {"soil-moisture": "sm", "soil-temperature": "ts"}
"""Variables as the first archives wrote them."""
UNNAMED_SENSOR = "n.s."  # not specified: what ISMN writes where it knows no sensor
ABOVE_GROUND = frozenset({"p", "ta", "sd", "sweq", "tsf", "tsfq"})
MAXIMUM_DEPTH = 100.0  # m; the deepest ISMN probes hang in the tens of metres
LOWEST, HIGHEST = -500.0, 9000.0  # m; elevations beyond are codes for a missing one
SHOWN = 80

_FILE_NAME = re.compile(
    r".+_(?P<variable>[A-Za-z]+(?:_h|-[A-Za-z]+)?)"
    r"_(?P<depth_from>-?\d+\.\d+)_(?P<depth_to>-?\d+\.\d+)"
    r"(?:_(?P<sensor>.+))?_(?P<start>\d{8})_(?P<end>\d{8})",
    re.ASCII,
)
_CEOP_NAME = re.compile(r"[^_]+_[^_]+_.+_(?P<start>\d{8})_(?P<end>\d{8})", re.ASCII)
_DECIMAL = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)|nan", re.ASCII | re.IGNORECASE)
_TIME = re.compile(rb"\d{4}/\d\d/\d\d[ \t]+\d\d:\d\d(?=\s|$)")
_LINE_END = re.compile(rb"\r\n|\n\r|\r|\n")
_SEPARATORS = re.compile(r"[^0-9A-Za-z]+")
_NUMBERS_AT_END = re.compile(r"(?:_\d+)+$", re.ASCII)


class FileRefusedError(InputError):
    """A station file that can't be used as a whole."""

    def __init__(self, reason: str, *, found: object, expected: str) -> None:
        super().__init__(reason, found=str(found)[:200], expected=expected)
        self.reason = reason


class FileName(NamedTuple):
    """Parts of a station file's name, parsed from the right."""

    variable: str
    depth_from: float
    depth_to: float
    sensor: str
    start: np.datetime64
    end: np.datetime64

    @property
    def is_ceop(self) -> bool:
        """Whether the file holds all variables and depths of a station."""
        return not self.variable


@dataclass(frozen=True)
class Opening:
    """What stands before the rows, and where they start.

    `segment` is what every row repeats between its times and its value (CEOP only).
    """

    metadata: SensorMetadata
    start: int
    line: int
    segment: bytes
    notes: tuple[Note, ...]


def parse_file_name(member: str) -> FileName:
    """Read `..._variable_from_to_sensor_yyyymmdd_yyyymmdd.stm` from the right.

    Names of network and station before it may hold anything, the sensor's too; older
    names lack the sensor, CEOP's lack variable and depths as well.
    """
    stem = PurePosixPath(member).stem
    match = _FILE_NAME.fullmatch(stem)
    expected = "CSE_Network_Station_variable_from_to_sensor_start_end.stm"
    days = match or _CEOP_NAME.fullmatch(stem)
    if days is None:
        raise FileRefusedError("file name", found=stem, expected=expected)
    try:
        start, end = (
            np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}", "D")
            for day in (days["start"], days["end"])
        )
    except ValueError:
        raise FileRefusedError("file name", found=stem, expected=expected) from None
    if match is None:
        return FileName("", math.nan, math.nan, "", start, end)
    variable = LONG_NAMES.get(match["variable"].lower(), match["variable"])
    if variable not in VARIABLES:
        known = f"a variable of {', '.join(sorted(VARIABLES))}"
        raise FileRefusedError("file name", found=match["variable"], expected=known)
    depths = float(match["depth_from"]), float(match["depth_to"])
    return FileName(variable, *depths, match["sensor"] or "", start, end)


def parse_opening(content: Content, name: FileName, member: str) -> Opening:
    """Read header or first row, and check it against the file's name.

    Raises
    ------
    FileRefusedError
        With a reason of the table in `ismn`.
    """
    end = _LINE_END.search(content)
    first = content[: end.start()] if end else content
    if _TIME.match(first):
        metadata, segment, notes = _parse_first_row(_decode_line(first), name, member)
        return Opening(metadata, 0, 1, segment, notes)
    metadata, notes = _parse_header(_decode_line(first).split(), name, member)
    return Opening(metadata, end.end() if end else len(content), 2, b"", notes)


def _decode_line(line: Content) -> str:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise FileRefusedError(
            "not UTF-8", found=ascii(line[:SHOWN]), expected="a first line in UTF-8"
        ) from None
    if not text.replace("\t", " ").isprintable():
        raise FileRefusedError(
            "control character",
            found=ascii(text[:SHOWN]),
            expected="a first line of printable characters",
        )
    return text


def _parse_header(
    tokens: list[str], name: FileName, member: str
) -> tuple[SensorMetadata, tuple[Note, ...]]:
    """`CSE Network Station lat lon elev from to sensor`; names may hold blanks."""
    expected = (
        "CSE Network Station latitude longitude elevation depth_from depth_to sensor"
    )
    at = _find_place(tokens, 3, 1 if name.sensor else 0, name, expected)
    sensor = (
        _append_number(_clean_name(tokens[at + 5 :]), name.sensor) or UNNAMED_SENSOR
    )
    names = (_clean_name([tokens[1]]), _clean_name(tokens[2:at]), sensor)
    return _check_names(names, tokens[at : at + 5], name, member)


def _parse_first_row(
    line: str, name: FileName, member: str
) -> tuple[SensorMetadata, bytes, tuple[Note, ...]]:
    """Two times, `CSE Network Station lat lon elev from to`, value and flags."""
    tokens = line.split()
    expected = "a header line, or rows of 15 columns (CEOP)"
    at = _find_place(tokens, 7, 2, name, expected)
    names = (
        _clean_name([tokens[5]]),
        _clean_name(tokens[6:at]),
        name.sensor or UNNAMED_SENSOR,
    )
    metadata, notes = _check_names(names, tokens[at : at + 5], name, member)
    after_times = line.split(maxsplit=4)[4]
    segment = after_times.rsplit(maxsplit=len(tokens) - at - 5)[0]
    return metadata, segment.encode(), notes


def _find_place(
    tokens: list[str], first: int, after: int, name: FileName, expected: str
) -> int:
    """Find the five numbers of place and depth behind names that may hold numbers.

    `after` columns must follow. Where several fit, the depths in the file name decide.
    """
    starts = [
        at
        for at in range(first, len(tokens) - 4 - after)
        if all(_DECIMAL.fullmatch(token) for token in tokens[at : at + 5])
    ]
    if not starts:
        found = ascii(" ".join(tokens))[:SHOWN]
        raise FileRefusedError("header", found=found, expected=expected)
    agreeing = [at for at in starts if _depths_agree(tokens[at : at + 5], name)]
    return (agreeing or starts)[0]


def _check_names(
    names: tuple[str, str, str], place: list[str], name: FileName, member: str
) -> tuple[SensorMetadata, tuple[Note, ...]]:
    if not _depths_agree(place, name):
        raise FileRefusedError(
            "depth differs from file name",
            found=f"{place[3]} to {place[4]} m in the file",
            expected=f"{name.depth_from} to {name.depth_to} m as in its name",
        )
    metadata = place_of(names, place[:3], name, member)
    return metadata, tuple(_note_differences(metadata, place))


def _note_differences(metadata: SensorMetadata, place: list[str]) -> Iterator[Note]:
    """Say where header and file name differ, and which counts."""
    folder = metadata.source_file.rpartition("/")[0].rpartition("/")[2]
    if folder and folder != metadata.station:
        kind = "station is named by the header, not by the folder"
        yield Note(kind, folder, metadata.station)
    depths = metadata.depth_from, metadata.depth_to
    if tuple(float(text) for text in place[3:]) != depths:
        found = f"{place[3]} to {place[4]} m"
        kind = "depth is that of the file's name, not of the header"
        yield Note(kind, found, f"{depths[0]:g} to {depths[1]:g} m")


def place_of(
    names: tuple[str, str, str], place: list[str], name: FileName, member: str
) -> SensorMetadata:
    """Check latitude, longitude (degrees), elevation and depths (m) of a sensor.

    Parameters
    ----------
    names : network, station and sensor
    place : latitude, longitude and elevation as delivered
    name : FileName
        With the variable and its depths.
    member : str

    Raises
    ------
    FileRefusedError
        For a place or depth that can't be.
    """
    latitude, longitude, elevation = (float(token) for token in place)
    _check_position(latitude, longitude)
    _check_depth(name)
    return SensorMetadata(
        network=names[0],
        station=names[1],
        sensor=names[2],
        latitude=latitude,
        longitude=longitude,
        elevation=elevation if LOWEST <= elevation <= HIGHEST else math.nan,
        depth_from=name.depth_from,
        depth_to=name.depth_to,
        variable=name.variable,
        source_file=member,
    )


def _check_position(latitude: float, longitude: float) -> None:
    found = f"latitude {latitude}, longitude {longitude}"
    expected = "latitude -90 to 90, longitude -180 to 180, not both 0"
    if 90 < abs(latitude) <= 180 and abs(longitude) <= 90:  # noqa: PLR2004 (degrees)
        raise FileRefusedError("swapped coordinates", found=found, expected=expected)
    inside = abs(latitude) <= 90 and abs(longitude) <= 180  # noqa: PLR2004 (degrees)
    if not inside or latitude == longitude == 0:
        raise FileRefusedError("impossible coordinates", found=found, expected=expected)


def _check_depth(name: FileName) -> None:
    lowest = -MAXIMUM_DEPTH if name.variable in ABOVE_GROUND else 0.0
    if not lowest <= name.depth_from <= name.depth_to <= MAXIMUM_DEPTH:
        raise FileRefusedError(
            "impossible depth",
            found=f"{name.depth_from} to {name.depth_to} m",
            expected=f"{lowest:g} <= depth_from <= depth_to <= {MAXIMUM_DEPTH:g} m",
        )


def _depths_agree(place: list[str], name: FileName) -> bool:
    """Whether the file's depths are the name's, rounded to the digits they have."""
    pairs = zip(place[3:], (name.depth_from, name.depth_to), strict=True)
    return all(
        abs(float(text) - depth) <= 0.5 * 10.0 ** -len(text.partition(".")[2]) + 1e-9
        for text, depth in pairs
    )


def _clean_name(tokens: list[str]) -> str:
    """Name as delivered, blanks inside kept single, quotes around it taken off."""
    name = " ".join(tokens)
    quoted = len(name) > 2 and name[0] == name[-1] == "'"  # noqa: PLR2004 (quotes)
    return name[1:-1].strip() if quoted else name


def _append_number(sensor: str, in_file_name: str) -> str:
    """Add the number that newer file names append, which tells probes apart."""
    numbers = _NUMBERS_AT_END.search(in_file_name)
    if numbers is None:
        return sensor
    before = in_file_name[: numbers.start()]
    same = _SEPARATORS.sub("-", before) == _SEPARATORS.sub("-", sensor)
    return sensor + numbers[0] if same else sensor
