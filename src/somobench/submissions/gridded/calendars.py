"""Numbers of a file's time, in whatever calendar and unit, as UTC times."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.submissions.units import decode_attribute

Stamps = NDArray[np.datetime64]

DAY = 86_400  # s
NO_LEAP = ("noleap", "365_day")
MIXED = ("", "standard", "gregorian")
"""Calendars that are the Julian one before `GREGORIAN`, as CF 1.11, 4.4.1 has it."""
STANDARD = (*MIXED, "proleptic_gregorian")
GREGORIAN = (1582, 10, 15)
_EPOCH = 2_440_588  # Julian day number of 1970-01-01
_SECONDS: dict[str, float] = {"d": DAY, "day": DAY, "h": 3600, "hr": 3600, "hour": 3600}
_SECONDS |= {"min": 60, "minute": 60, "s": 1, "sec": 1, "second": 1}
_SECONDS |= {"ms": 1e-3, "millisecond": 1e-3, "us": 1e-6, "microsecond": 1e-6}
_SECONDS |= {"ns": 1e-9, "nanosecond": 1e-9}
_SINCE = re.compile(r"\s*([a-z]+)\s+since\s+([-+]?\d+)-(\d+)-(\d+)(.*)", re.I | re.S)
_CLOCK = re.compile(
    r"[\sT]*(\d+):(\d+)(?::(\d+)(?:\.\d*)?)?\s*(Z|UTC|GMT|[+]?0+:?0*)?\s*"
)
_ABSOLUTE = re.compile(r"\s*day as %Y%m%d(\.%f)?\s*")
_BEFORE_MONTH = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])


def find_seconds(unit: str) -> float | None:
    """Return the seconds of a unit of time, such as hours; None of anything else."""
    plain = unit.lower()
    return _SECONDS.get(plain) or _SECONDS.get(plain.removesuffix("s"))


def decode_stamps(values: Any, attrs: Mapping[Any, Any], notes: list[str]) -> Stamps:
    """Return times in seconds, (...) as they are given.

    Parameters
    ----------
    values : numbers, datetime64, or dates of cftime
    attrs : `units` and `calendar`, where values are numbers
    notes : list that gets what was understood

    Raises
    ------
    InputError
        For a calendar with days that don't exist, units without a date in UTC, and
        missing times.
    """
    if values.dtype.kind == "M":
        return np.asarray(values.astype("datetime64[s]"))
    if values.dtype.kind == "O" and all(hasattr(v, "calendar") for v in values.flat):
        return _take_dates(values, notes)
    units = decode_attribute(attrs.get("units"))
    calendar = decode_attribute(attrs.get("calendar")).lower()
    _check_calendar(calendar, notes)
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        found = f"values of dtype {values.dtype}, or missing ones"
        raise InputError("time of the file", found=found, expected="numbers with units")
    if _ABSOLUTE.fullmatch(units):
        return _decode_absolute(np.asarray(values, np.float64))
    since, clock = _parse_units(units)
    seconds = find_seconds(since[1]) or np.nan
    offset = np.round(np.asarray(values, np.float64) * seconds).astype(np.int64)
    offset += clock
    date = int(since[2]), int(since[3]), int(since[4])
    try:
        first = np.datetime64("{:04d}-{:02d}-{:02d}".format(*date), "s")
    except ValueError:
        raise _refuse_units(units) from None
    if calendar in NO_LEAP:
        return _add_without_leap_days(date, offset)
    if calendar in MIXED and date < GREGORIAN:
        first = np.datetime64(_count_julian_days(*date), "D").astype("datetime64[s]")
    return np.asarray(first + offset.astype("timedelta64[s]"))


def _check_calendar(calendar: str, notes: list[str]) -> None:
    if calendar not in STANDARD + NO_LEAP:
        raise InputError(
            "calendar of time",
            found=calendar[:80],
            expected="standard, or noleap",
            hint="days that don't exist can't be compared with observations",
        )
    if calendar in NO_LEAP and _NO_29 not in notes:
        notes.append(_NO_29)


_NO_29 = "its calendar has no 29 February"


def _take_dates(values: Any, notes: list[str]) -> Stamps:
    """Return dates of cftime, whose calendar they know."""
    for calendar in sorted({str(value.calendar) for value in values.flat}):
        _check_calendar(calendar, notes)
    dates = [np.datetime64(value.isoformat(), "s") for value in values.flat]
    return np.array(dates, "datetime64[s]").reshape(values.shape)


def _parse_units(units: str) -> tuple[re.Match[str], int]:
    """Return unit and date of `units`, and the seconds of its clock."""
    since = _SINCE.fullmatch(units)
    clock = _CLOCK.fullmatch(since[5]) if since and since[5].strip() else None
    if (
        since is None
        or find_seconds(since[1]) is None
        or (since[5].strip() and clock is None)
    ):
        raise _refuse_units(units)
    sizes = ((1, 3600), (2, 60), (3, 1))
    return since, sum(int(clock[place] or 0) * size for place, size in sizes) if (
        clock
    ) else 0


def _refuse_units(units: str) -> InputError:
    is_long = units.strip().lower().startswith(("mon", "year"))
    return InputError(
        "units of time",
        found=units[:80] or "none",
        expected="days, hours, minutes or seconds since a date, in UTC",
        hint="months have no days: give the times of daily values" if is_long else None,
    )


def _count_julian_days(year: int, month: int, day: int) -> int:
    """Return the days from 1970-01-01 to a date of the Julian calendar.

    Notes
    -----
    Explanatory Supplement to the Astronomical Almanac (1992), 12.95.

    Examples
    --------
    >>> np.datetime64(_count_julian_days(1582, 10, 5), "D")
    np.datetime64('1582-10-15')
    """
    early = (14 - month) // 12  # January and February end the year before
    years, months = year + 4800 - early, month + 12 * early - 3
    days = day + (153 * months + 2) // 5 + 365 * years + years // 4 - 32_083
    return days - _EPOCH


def _decode_absolute(values: NDArray[np.float64]) -> Stamps:
    """Return times of numbers such as 20200131.25."""
    days = np.floor(values).astype(np.int64)
    year, month, day = days // 10_000, days // 100 % 100, days % 100
    base = (year - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (month - 1)
    part = np.round((values - days) * DAY).astype("timedelta64[s]")
    return np.asarray(base.astype("datetime64[D]") + (day - 1) + part)


def _add_without_leap_days(
    since: tuple[int, int, int], seconds: NDArray[np.int64]
) -> Stamps:
    """Add seconds to a date in a calendar whose years have 365 days.

    Examples
    --------
    >>> _add_without_leap_days((2020, 2, 28), np.array([86_400])).tolist()
    [datetime.datetime(2020, 3, 1, 0, 0)]
    """
    year, month, day = since
    days = year * 365 + int(_BEFORE_MONTH[month - 1]) + day - 1 + seconds // DAY
    years, of_year = days // 365, days % 365
    months = np.searchsorted(_BEFORE_MONTH, of_year, side="right") - 1
    base = (years - 1970).astype("datetime64[Y]").astype("datetime64[M]") + months
    rest = (of_year - _BEFORE_MONTH[months]) * DAY + seconds % DAY
    return np.asarray(base.astype("datetime64[s]") + rest.astype("timedelta64[s]"))
