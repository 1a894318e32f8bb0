"""Every kind of damage to a station file, and what must become of it.

`DAMAGED` holds the files of an archive beside a good one, and the outcome.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from factories.raw.ismn_files import file_name, header, rows, station_file

HOURS = 96
GOOD_NAME = file_name(station="GOOD")
NAME = file_name()
VALUES = [0.1 + 0.001 * hour for hour in range(HOURS)]
LINES = rows(VALUES)
GOOD = station_file(LINES)


@dataclass(frozen=True)
class Rejected:
    """The file is left out, for this reason."""

    reason: str


@dataclass(frozen=True)
class Dropped:
    """The file is read; so many values are dropped, by reason."""

    reasons: Mapping[str, int]
    sensor: str = ""
    """Why the sensor is not used, if it isn't."""
    repaired: int = 0
    """Rows put in order."""


@dataclass(frozen=True)
class Same:
    """The file is read as the undamaged one."""

    sensors: int = field(default=2)


@dataclass(frozen=True)
class Refused:
    """The archive is refused, with this in the message."""

    match: str


Outcome = Rejected | Dropped | Same | Refused
Files = dict[str, bytes]


def replaced(hour: int, text: str) -> bytes:
    """Write another text for the value of an hour."""
    values: list[float | str] = list(VALUES)
    values[hour] = text
    return station_file(rows(values))


def timed(text: str, hour: int = 5) -> bytes:
    """Write another text for the time of an hour."""
    lines = list(LINES)
    lines[hour] = text + lines[hour][16:]
    return station_file(lines)


def all_times(change: Callable[[pd.Timestamp], str]) -> bytes:
    times = (pd.Timestamp(line[:16].replace("/", "-")) for line in LINES)
    return station_file(
        [change(at) + line[16:] for at, line in zip(times, LINES, strict=True)]
    )


def flagged(flag: str, first: int, last: int) -> bytes:
    """Flag the hours from first to last."""
    lines = list(LINES)
    for hour in range(first, last + 1):
        lines[hour] = lines[hour].replace(" G M", f" {flag} M")
    return station_file(lines)


def scaled(factor: float, offset: float = 0.0) -> bytes:
    return station_file(rows([factor * value + offset for value in VALUES]))


def headed(**changes: Any) -> bytes:
    return station_file(LINES, first=header(**changes))


def one(content: bytes, name: str = NAME) -> Files:
    return {name: content}


def named(station: str) -> Files:
    """Name station, folder and file."""
    return {file_name(station=station): headed(station=station)}


def depths(*span: float) -> Files:
    """Give depths in name and header alike."""
    pair = (span[0], span[1])
    return {file_name(depths=pair): headed(depths=pair)}


DAMAGED: dict[str, tuple[Files, Outcome]] = {
    # What a community reader accepted in silence
    "one time twice, same value": (
        one(station_file([*LINES[:6], LINES[5], *LINES[6:]])),
        Dropped({"duplicate time": 1}),
    ),
    "one time twice, other value": (
        one(
            station_file(
                [*LINES[:6], rows([0.5], start="2020-01-01T05:00")[0], *LINES[6:]]
            )
        ),
        Dropped({"conflicting time": 2}),
    ),
    "rows out of order": (
        one(station_file([*LINES[:5], LINES[6], LINES[5], *LINES[7:]])),
        Dropped({}, repaired=1),
    ),
    "percent": (one(scaled(100)), Rejected("not m3 m-3")),
    "-9999 flagged good": (one(replaced(7, "-9999")), Dropped({"negative": 1})),
    "inf": (one(replaced(7, "inf")), Dropped({"not finite": 1})),
    "decimal comma": (one(replaced(7, "0,107")), Rejected("unreadable row")),
    "NUL": (one(replaced(7, "0.1\0")), Rejected("unreadable row")),
    "coordinates swapped": (
        one(headed(place=(10.0248, 53.67728)))
        | {file_name(station="THIRD"): headed(station="THIRD")},
        Rejected("swapped coordinates"),
    ),
    "latitude beyond the pole": (
        one(headed(place=(153.6, 110.0))),
        Rejected("impossible coordinates"),
    ),
    "further column": (
        one(station_file([f"{line} 1" for line in LINES])),
        Rejected("unreadable row"),
    ),
    "depth of the name differs": (
        one(GOOD, file_name(depths=(0.1, 0.1))),
        Rejected("depth differs from file name"),
    ),
    # Values
    "-99.9": (one(replaced(7, "-99.9")), Dropped({"negative": 1})),
    "9999": (one(replaced(7, "9999")), Dropped({"above 1": 1})),
    "1e20": (one(replaced(7, "1e20")), Dropped({"above 1": 1})),
    "nan": (one(replaced(7, "nan")), Dropped({"not finite": 1})),
    "kg m-2 of a layer of 10 cm": (one(scaled(100)), Rejected("not m3 m-3")),
    "mm of a layer of 50 cm": (one(scaled(500)), Rejected("not m3 m-3")),
    "Kelvin": (one(scaled(10, 275.0)), Rejected("not m3 m-3")),
    "all missing": (
        one(station_file(rows(["nan"] * HOURS))),
        Dropped({"not finite": HOURS}, sensor="fewer than 2 valid days"),
    ),
    "one row": (
        one(station_file(LINES[:1])),
        Dropped({}, sensor="fewer than 2 valid days"),
    ),
    # Times
    "24:00": (one(timed("2020/01/01 24:00")), Rejected("unreadable row")),
    ":60": (one(timed("2020/01/01 04:60")), Rejected("unreadable row")),
    "29 February of a common year": (
        one(timed("2021/02/29 05:00")),
        Rejected("unreadable row"),
    ),
    "local time": (one(timed("2020/01/01 05:00+01:00")), Rejected("unreadable row")),
    "day first": (
        one(all_times(lambda at: f"{at:%d/%m/%Y %H:%M}")),
        Rejected("unreadable row"),
    ),
    "a future date": (
        one(timed("2120/01/01 05:00")),
        Dropped({"outside declared days": 1}, repaired=90),
    ),
    "epoch seconds": (
        one(all_times(lambda at: f"{int(at.timestamp())}")),
        Rejected("unreadable row"),
    ),
    "epoch milliseconds": (
        one(all_times(lambda at: f"{int(at.timestamp() * 1000)}")),
        Rejected("unreadable row"),
    ),
    "year 12020": (one(timed("12020/01/01 05:00")), Rejected("unreadable row")),
    "year 9999": (one(timed("9999/01/01 05:00")), Rejected("unreadable row")),
    # Flags, as a sensor that is stuck, jumps, steps or freezes carries them
    "unknown flag": (one(flagged("Q7", 3, 4)), Dropped({"flag Q7": 2})),
    "joined flags": (
        one(flagged("D08,D03,D05", 3, 5)),
        Dropped({"flag D03,D05,D08": 3}),
    ),
    "provider's flag missing": (
        one(station_file([line.removesuffix(" M") for line in LINES])),
        Same(),
    ),
    "words as the provider's flag": (
        one(station_file([f"{line[:-1]}DLT >= 1.5,OK, OK" for line in LINES])),
        Same(),
    ),
    "both flags missing": (
        one(station_file([line.removesuffix(" G M") for line in LINES])),
        Rejected("unreadable row"),
    ),
    "stuck": (one(flagged("D10", 24, 47)), Dropped({"flag D10": 24})),
    "spike": (one(flagged("D06", 30, 30)), Dropped({"flag D06": 1})),
    "step": (one(flagged("D08", 30, 31)), Dropped({"flag D08": 2})),
    "frozen": (one(flagged("D01,D03", 24, 47)), Dropped({"flag D01,D03": 24})),
    # Depths
    "two sensors at one depth": (
        one(GOOD) | {file_name(sensor="Other"): headed(sensor="Other")},
        Same(sensors=3),
    ),
    "depth_from below depth_to": (depths(0.3, 0.1), Rejected("impossible depth")),
    "negative depth": (depths(-0.05, 0.05), Rejected("impossible depth")),
    "cm for m in the header": (
        one(headed(depths=(5, 5))),
        Rejected("depth differs from file name"),
    ),
    "cm for m everywhere": (depths(500, 500), Rejected("impossible depth")),
    # Names
    "blank in a name": (named("ST 01"), Same()),
    "comma in a name": (named("ST,01"), Same()),
    "resource fork of macOS": (
        one(GOOD) | {f"__MACOSX/NET/ST01/._{NAME.rpartition('/')[2]}": b"\0\5\x16\7"},
        Same(),
    ),
    "index of the ismn package": (
        one(GOOD) | {"python_metadata/ismn.csv": b"x", "python_metadata/ismn.log": b""},
        Same(),
    ),
    "underscore in a name": (named("ST_01"), Same()),
    "number sign in a name": (named("ST#1"), Same()),
    "slash in a name": (
        one(headed(station="ST/01")),
        Same(),
    ),
    "two dots in a name": ({"NET/../ST01.stm": GOOD}, Refused("relative path")),
    "absolute name": ({"/ST01.stm": GOOD}, Refused("relative path")),
    "letters beyond ASCII": (named("Stöt"), Same()),
    # Places
    "longitude 0 to 360": (
        one(headed(place=(19.8, 204.667))),
        Rejected("impossible coordinates"),
    ),
    "at a pole": (one(headed(place=(90.0, 10.0))), Same()),
    "latitude NaN": (
        one(station_file(LINES, first=header().replace("53.67728", "nan"))),
        Rejected("impossible coordinates"),
    ),
    "station renamed": (
        one(GOOD) | {file_name(station="ST99"): GOOD},
        Rejected("duplicate sensor"),
    ),
    "station moved": (
        one(GOOD)
        | {file_name(sensor="Other"): headed(sensor="Other", place=(53.9, 10.3))},
        Same(sensors=3),
    ),
    # Bytes
    "truncated gzip": (one(gzip.compress(GOOD)[:200]), Rejected("nested archive")),
    "zip in zip": ({"NET/ST01/more.zip": b"PK\3\4"}, Rejected("nested archive")),
    "nine columns": (
        one(station_file(LINES, first=header().rsplit(maxsplit=2)[0])),
        Rejected("header"),
    ),
    "line ends CR": (one(GOOD.replace(b"\n\r", b"\n").replace(b"\r\n", b"\r")), Same()),
    "line ends LF": (one(GOOD.replace(b"\n\r", b"\n").replace(b"\r\n", b"\n")), Same()),
    "line ends mixed": (
        one(GOOD.replace(b"\r\n", b"\n\r", 9).replace(b"\r\n", b"\r", 9)),
        Same(),
    ),
    "byte-order mark": (one(b"\xef\xbb\xbf" + GOOD), Rejected("byte-order mark")),
    "latin-1": (
        one(GOOD.replace(b"ST01", "Stöt".encode("latin-1"))),
        Rejected("not UTF-8"),
    ),
    "empty file": (one(b""), Rejected("empty file")),
    "header only": (one(station_file([])), Rejected("no rows")),
    "cut in its last row": (one(GOOD[:-8]), Rejected("truncated file")),
}
