"""Which UTC day each value of a file belongs to, and which days are whole.

A value that stands for a span (bounds of time) belongs to the day of the span's middle,
any other to the day of its stamp. A day has a mean where it has all the values that the
file's step gives a day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.submissions.units import decode_attribute

Stamps = NDArray[np.datetime64]
Indices = NDArray[np.int64]

DAY = 86_400  # s
TOLERANCE = 60  # s that steps may differ by: units of days in single precision
NAMES = ("time", "valid_time", "date")
NO_LEAP = ("noleap", "365_day")
STANDARD = ("", "standard", "gregorian", "proleptic_gregorian")
_SECONDS: dict[str, float] = {"d": DAY, "day": DAY, "h": 3600, "hr": 3600, "hour": 3600}
_SECONDS |= {"min": 60, "minute": 60, "s": 1, "sec": 1, "second": 1}
_SECONDS |= {"ms": 1e-3, "millisecond": 1e-3, "us": 1e-6, "microsecond": 1e-6}
_SECONDS |= {"ns": 1e-9, "nanosecond": 1e-9}
_SINCE = re.compile(r"\s*([a-z]+)\s+since\s+([-+]?\d+)-(\d+)-(\d+)(.*)", re.I | re.S)
_CLOCK = re.compile(r"[\sT]*(\d+):(\d+)(?::(\d+)(?:\.\d*)?)?\s*(Z|UTC|[+]?0+:?0*)?\s*")
_ABSOLUTE = re.compile(r"\s*day as %Y%m%d(\.%f)?\s*")
_BEFORE_MONTH = np.cumsum([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30])


class Times(NamedTuple):
    """When the values of a file are.

    Attributes
    ----------
    name : of the dim
    day : (N,) UTC days
    step : seconds
    clock : of the first value, such as 06:00
    notes : what was understood
    """

    name: str
    day: Stamps
    step: int
    clock: str
    notes: tuple[str, ...]

    @property
    def per_day(self) -> int:
        """Values that a whole day has."""
        return DAY // self.step


def find_time_name(dataset: xr.Dataset) -> str | None:
    """Return the variable along its own dim that is the time."""
    own = [str(name) for name in dataset.variables if dataset[name].dims == (name,)]
    for name in own:
        variable = dataset.variables[name]
        if (
            variable.dtype.kind == "M"
            or variable.attrs.get("standard_name") == "time"
            or " since " in decode_attribute(variable.attrs.get("units"))
        ):
            return name
    return next((name for name in own if name.lower() in NAMES), None)


def read_times(dataset: xr.Dataset) -> Times:
    """Read when the values of a file are.

    Raises
    ------
    InputError
        For no time, a calendar with days that don't exist, months or years as units,
        and steps longer than a day or of no whole number a day.
    """
    name = find_time_name(dataset)
    if name is None:
        listed = ", ".join(f"{dim} {size}" for dim, size in dataset.sizes.items())
        raise InputError(
            "time of the file",
            found=f"no coordinate of time among the dims {listed}"[:200],
            expected="one with units such as hours since 2020-01-01",
        )
    variable = dataset.variables[name]
    notes: list[str] = []
    stamps = _decode(variable.to_numpy(), variable.attrs, notes)
    bounds = dataset.variables.get(decode_attribute(variable.attrs.get("bounds")))
    middle, step = stamps, None
    if bounds is not None and bounds.shape == (len(stamps), 2):
        edges = _decode(bounds.to_numpy(), dict(variable.attrs) | bounds.attrs, [])
        widths = edges[:, 1] - edges[:, 0]
        if (widths != np.timedelta64(0)).all():  # else values of a moment
            middle = edges[:, 0] + widths // 2
            step = _find_step(np.abs(widths).astype(np.int64))
            notes.append("a value belongs to the day of the middle of its bounds")
    step = step or _find_step(np.diff(np.sort(stamps)).astype(np.int64))
    clock = str(stamps[0].astype("datetime64[m]"))[-5:]
    return Times(name, middle.astype("datetime64[D]"), step, clock, tuple(notes))


def select_whole_days(
    times: Times, wanted: Stamps
) -> tuple[Stamps, Indices, dict[str, int]]:
    """Select the values of whole days that are wanted.

    Returns
    -------
    days : (D,) wanted days that have all their values
    place : (N,) of each value its day among them, -1 for none
    lost : counts of wanted days: `partial` ones, and `outside` the file's period

    Raises
    ------
    InputError
        If there is no such day.
    """
    day, count = np.unique(times.day, return_counts=True)
    if (count > times.per_day).any():
        at = int(np.argmax(count > times.per_day))
        raise InputError(
            "time of the file",
            found=f"{count[at]} values on {day[at]}",
            expected=f"{times.per_day} a day, each once",
        )
    whole = np.intersect1d(day[count == times.per_day], wanted)
    inside = int(((wanted >= day[0]) & (wanted <= day[-1])).sum())
    if not whole.size:
        raise InputError(
            "days in common with the release",
            found=f"{day[0]} to {day[-1]} in the file, {wanted[0]} to {wanted[-1]} in"
            " the release",
            expected=f"days with all {times.per_day} values",
        )
    place = np.searchsorted(whole, times.day).clip(0, len(whole) - 1)
    place = np.where(whole[place] == times.day, place, -1)
    lost = {"partial": inside - len(whole), "outside": len(wanted) - inside}
    return whole, place.astype(np.int64), lost


def _find_step(steps: NDArray[np.int64]) -> int:
    """Return the usual step in seconds, of which a day has a whole number."""
    if steps.size == 0:
        raise InputError(
            "time of the file",
            found="fewer than two values",
            expected="a step of a day or shorter",
        )
    values, count = np.unique(steps, return_counts=True)
    usual = int(values[count.argmax()])
    per_day = max(1, round(DAY / max(usual, 1)))
    exact = DAY // per_day
    if usual <= 0 or abs(usual - exact) > TOLERANCE or exact * per_day != DAY:
        found = f"steps of {usual / DAY:.3g} days"
        raise InputError(
            "time of the file",
            found="the same time twice" if usual <= 0 else found,
            expected="steps of a day, or of a whole number a day",
            hint="monthly means can't be scored by day" if usual > DAY else None,
        )
    return exact


def _decode(values: Any, attrs: Mapping[Any, Any], notes: list[str]) -> Stamps:
    """Return times in seconds, (...) as they are given."""
    if values.dtype.kind == "M":
        return np.asarray(values.astype("datetime64[s]"))
    units = decode_attribute(attrs.get("units"))
    calendar = decode_attribute(attrs.get("calendar")).lower()
    if calendar not in STANDARD + NO_LEAP:
        raise InputError(
            "calendar of time",
            found=calendar[:80],
            expected="standard, or noleap",
            hint="days that don't exist can't be compared with observations",
        )
    if values.dtype.kind not in "iuf" or not np.isfinite(values).all():
        found = f"values of dtype {values.dtype}, or missing ones"
        raise InputError("time of the file", found=found, expected="numbers with units")
    if _ABSOLUTE.fullmatch(units):
        return _decode_absolute(np.asarray(values, np.float64))
    since = _SINCE.fullmatch(units)
    unit = since[1].lower() if since else ""
    seconds = _SECONDS.get(unit) or _SECONDS.get(unit.removesuffix("s"))
    clock = _CLOCK.fullmatch(since[5]) if since and since[5].strip() else None
    if since is None or seconds is None or (since[5].strip() and clock is None):
        hint = "monthly" if unit.startswith(("mon", "year")) else None
        raise InputError(
            "units of time",
            found=units[:80] or "none",
            expected="days, hours, minutes or seconds since a date, in UTC",
            hint=hint and "months have no days: give the times of daily values",
        )
    offset = np.round(np.asarray(values, np.float64) * seconds).astype(np.int64)
    offset += sum(
        int(clock[place] or 0) * size
        for place, size in ((1, 3600), (2, 60), (3, 1))
        if clock
    )
    year, month, day = int(since[2]), int(since[3]), int(since[4])
    if calendar in NO_LEAP:
        if "its calendar has no 29 February" not in notes:
            notes.append("its calendar has no 29 February")
        return _add_without_leap_days((year, month, day), offset)
    first = np.datetime64(f"{year:04d}-{month:02d}-{day:02d}", "s")
    return np.asarray(first + offset.astype("timedelta64[s]"))


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
