"""Which UTC day each value of a file belongs to, and which days are whole.

A value that stands for a span (bounds of time) belongs to the day of the span's middle,
any other to the day of its stamp. A day has a mean where it has all the values that the
file's step gives a day.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.submissions.gridded.calendars import (
    DAY,
    Stamps,
    decode_stamps,
    find_seconds,
)
from somobench.submissions.gridded.stored import find_bounds, unpack_variable
from somobench.submissions.units import decode_attribute

Indices = NDArray[np.int64]

TOLERANCE = 60  # s that steps may differ by: units of days in single precision
UNEVEN = 10  # a step of a day may differ by that part of it
NAMES = ("time", "valid_time", "date")
LEADS = ("step", "lead_time", "leadtime", "forecast_period")
STARTS = "forecast_reference_time"
"""Standard name of the times at which forecasts start."""


class Times(NamedTuple):
    """When the values of a file are.

    Attributes
    ----------
    name : of the dim
    stamps : (N,) UTC, of a span its middle
    step : seconds
    clock : of the first value, such as 06:00
    notes : what was understood
    """

    name: str
    stamps: Stamps
    step: int
    clock: str
    notes: tuple[str, ...]

    @property
    def day(self) -> Stamps:
        """UTC days, (N,)."""
        return np.asarray(self.stamps.astype("datetime64[D]"))

    @property
    def per_day(self) -> int:
        """Values that a whole day has."""
        return DAY // self.step


def find_time_name(dataset: xr.Dataset) -> str | None:
    """Return the variable along its own dim that is the time.

    What a standard name says counts before units, and units before names.
    """
    own = [str(name) for name in dataset.variables if dataset[name].dims == (name,)]
    named = [
        name
        for name in own
        if dataset.variables[name].dtype.kind == "M"
        or " since " in decode_attribute(dataset.variables[name].attrs.get("units"))
    ]
    standard = [name for name in own if _get_standard_name(dataset, name) == "time"]
    known = [name for name in own if name.lower() in NAMES]
    return next(iter((*standard, *named, *known)), None)


def _get_standard_name(dataset: xr.Dataset, name: str) -> str:
    return decode_attribute(dataset.variables[name].attrs.get("standard_name"))


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
    notes: list[str] = []
    along, lead = _find_valid_times(dataset, name)
    stamps = _decode(dataset, along, notes)
    bounds = find_bounds(dataset, along)
    middle, step = stamps, None
    if bounds is not None and dataset.variables[bounds].shape == (len(stamps), 2):
        edges = _decode(dataset, bounds, [], along)
        widths = edges[:, 1] - edges[:, 0]
        if (widths != np.timedelta64(0)).all():  # else values of a moment
            middle = edges[:, 0] + widths // 2
            step = _find_step(np.abs(widths).astype(np.int64))
            notes.append("a value belongs to the day of the middle of its bounds")
    step = step or _find_step(np.diff(np.sort(stamps)).astype(np.int64))
    if lead:
        hours = lead / 3600
        notes.append(f"a forecast belongs to the day that it is for, {hours:g} h on")
    ahead = np.timedelta64(lead, "s")
    clock = str((stamps[0] + ahead).astype("datetime64[m]"))[-5:]
    return Times(name, middle + ahead, step, clock, tuple(notes))


def _decode(
    dataset: xr.Dataset, name: str, notes: list[str], parent: str | None = None
) -> Stamps:
    """Return a variable's times; what its attributes don't say, its parent's do."""
    attrs = dict(dataset.variables[parent].attrs) if parent else {}
    attrs |= dataset.variables[name].attrs
    return decode_stamps(unpack_variable(dataset, name).to_numpy(), attrs, notes)


def _find_valid_times(dataset: xr.Dataset, name: str) -> tuple[str, int]:
    """Return the variable of the times that values are for, and what is added, s.

    They are the dim's own times, unless those are starts of forecasts.
    """
    if _get_standard_name(dataset, name) != STARTS:
        return name, 0
    for other in map(str, dataset.variables):
        is_valid = _get_standard_name(dataset, other) == "time"
        if dataset[other].dims == (name,) and (is_valid or other == "valid_time"):
            return other, 0
    for other in map(str, dataset.variables):
        is_lead = _get_standard_name(dataset, other) == "forecast_period"
        if dataset[other].size == 1 and (is_lead or other in LEADS):
            return name, _read_lead(dataset, other)
    raise InputError(
        "time of the file",
        found=f"{name} with standard_name {STARTS}",
        expected="the times that values are for",
        hint=f"a coordinate valid_time along {name}, or step, the forecasts' lead",
    )


def _read_lead(dataset: xr.Dataset, name: str) -> int:
    """Return a lead time in seconds."""
    value = unpack_variable(dataset, name).to_numpy().reshape(-1)[0]
    if value.dtype.kind == "m":
        return int(value / np.timedelta64(1, "s"))
    units = decode_attribute(dataset.variables[name].attrs.get("units"))
    seconds = find_seconds(units)
    if seconds is None or not np.isfinite(value):
        raise InputError(
            f"units of {name}",
            found=units[:80] or "none",
            expected="days, hours, minutes or seconds",
        )
    return round(float(value) * seconds)


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
    _refuse_twice(times)
    day, count = np.unique(times.day, return_counts=True)
    if (count > times.per_day).any():
        at = int(np.argmax(count > times.per_day))
        raise InputError(
            "time of the file",
            found=f"{count[at]} values on {day[at]}",
            expected=f"{times.per_day} a day, each once",
        )
    whole = np.intersect1d(day[count == times.per_day], wanted)
    whole = np.setdiff1d(whole, _find_uneven_days(times))
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


def _refuse_twice(times: Times) -> None:
    """Refuse a time that two values have: one of them would count double."""
    ordered = np.sort(times.stamps)
    same = np.flatnonzero(ordered[1:] == ordered[:-1])
    if same.size:
        raise InputError(
            "time of the file",
            found=f"{ordered[same[0]].astype('datetime64[m]')} twice",
            expected="each time once",
            hint="where runs overlap, keep the values of one of them",
        )


def _find_uneven_days(times: Times) -> Stamps:
    """Return days of which values lie nearer or further apart than the step."""
    ordered = np.sort(times.stamps)
    day = ordered.astype("datetime64[D]")
    steps = np.diff(ordered).astype(np.int64)
    allowed = max(TOLERANCE, times.step // UNEVEN)
    uneven = (np.abs(steps - times.step) > allowed) & (day[1:] == day[:-1])
    return np.asarray(day[1:][uneven])


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
