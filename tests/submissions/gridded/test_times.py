"""UTC days of a file's values: whole ones, partial ones, other calendars."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from somobench.schemas.errors import InputError
from somobench.submissions.gridded.times import (
    Times,
    find_time_name,
    read_times,
    select_whole_days,
)

WANTED = np.arange("2020-02-27", "2020-03-03", dtype="datetime64[D]")


def times_of(values: Any, units: str, **attrs: str) -> Times:
    coordinate = ("time", np.asarray(values), {"units": units} | attrs)
    return read_times(xr.Dataset(coords={"time": coordinate}))


def days_of(times: Times) -> list[str]:
    return select_whole_days(times, WANTED)[0].astype(str).tolist()


def test_a_day_without_all_its_values_is_lost_and_counted() -> None:
    hours = [0, 6, 12, 18, 24, 30, 42, 48, 54, 60, 66]  # 12 UTC of the 28th is missing
    days, place, lost = select_whole_days(
        times_of(hours, "hours since 2020-02-27"), WANTED
    )
    assert days.astype(str).tolist() == ["2020-02-27", "2020-02-29"]
    assert place.tolist() == [0] * 4 + [-1] * 3 + [1] * 4
    assert lost == {"partial": 1, "outside": 2}


def test_a_value_of_a_span_belongs_to_the_day_of_its_middle() -> None:
    # Means over the day before midnight: the stamp of 28 February ends the 27th.
    stamps = np.array([1.0, 2.0, 3.0])
    grid = xr.Dataset(
        {"time_bnds": (("time", "b"), np.stack([stamps - 1, stamps], axis=1))},
        {
            "time": (
                "time",
                stamps,
                {"units": "days since 2020-02-27", "bounds": "time_bnds"},
            )
        },
    )
    assert days_of(read_times(grid)) == ["2020-02-27", "2020-02-28", "2020-02-29"]


def test_bounds_without_width_are_those_of_a_moment() -> None:
    stamps = np.array([0.0, 1.0])
    grid = xr.Dataset(
        {"edges": (("time", "b"), np.stack([stamps, stamps], axis=1))},
        {
            "time": (
                "time",
                stamps,
                {"units": "days since 2020-02-27", "bounds": "edges"},
            )
        },
    )
    assert days_of(read_times(grid)) == ["2020-02-27", "2020-02-28"]


def test_a_calendar_without_leap_days_has_no_29_february() -> None:
    found = times_of([0, 1, 2, 3], "days since 2020-02-27", calendar="noleap")
    assert days_of(found) == ["2020-02-27", "2020-02-28", "2020-03-01", "2020-03-02"]
    assert found.notes == ("its calendar has no 29 February",)


@pytest.mark.parametrize(
    ("values", "units"),
    [
        ([0, 1, 2], "days since 2020-02-27"),
        ([6, 30, 54], "hours since 2020-02-27 00:00:00"),
        ([0.25, 1.25, 2.25], "days since 2020-02-27T06:00Z"),
        ([20200227.5, 20200228.5, 20200229.5], "day as %Y%m%d.%f"),
        ([0, 86_400, 172_800], "seconds since 2020-2-27 0:0:0.0 UTC"),
        ([737_481, 737_482, 737_483], "days since 0001-01-01"),
    ],
)
def test_units_of_many_kinds_are_the_same_days(values: list[float], units: str) -> None:
    # numpy: 2020-02-27 is day 737481 from 0001-01-01, counted from 0.
    expected = ["2020-02-27", "2020-02-28", "2020-02-29"]
    assert days_of(times_of(values, units)) == expected


def test_the_same_time_twice_is_refused() -> None:
    with pytest.raises(InputError, match="4 values on 2020-02-27"):
        select_whole_days(
            times_of([0, 0, 12, 12, 24, 36], "hours since 2020-02-27")._replace(
                step=43_200
            ),
            WANTED,
        )


@pytest.mark.parametrize(
    ("values", "units", "match"),
    [
        ([0, 5, 10], "hours since 2020-02-27", "steps of 0.208 days"),
        ([0, 1], "months since 2020-01-01", "months since"),
        ([0, 1], "days since 2020-01-01 00:00 +05:30", "in UTC"),
        ([0.0, np.nan], "days since 2020-01-01", "missing ones"),
        ([0], "days since 2020-01-01", "fewer than two"),
    ],
)
def test_times_that_make_no_days_are_refused(
    values: list[float], units: str, match: str
) -> None:
    with pytest.raises(InputError, match=match):
        times_of(values, units)


def test_the_time_is_known_by_its_units_whatever_its_name() -> None:
    coordinate = ("t", [0, 1], {"units": "days since 2020-01-01"})
    assert find_time_name(xr.Dataset(coords={"t": coordinate})) == "t"
