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


def times_of(values: Any, units: str, **attrs: Any) -> Times:
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
        # 737,481 days by today's calendar, and two more in the Julian one of that time,
        # which calendar `standard` has before 1582-10-15 (cftime.num2date).
        ([737_483, 737_484, 737_485], "days since 0001-01-01"),
        ([17_699_592, 17_699_616, 17_699_640], "hours since 1-1-1 00:00:0.0 GMT"),
        ([159_746, 159_747, 159_748], "days since 1582-10-15"),
    ],
)
def test_units_of_many_kinds_are_the_same_days(values: list[float], units: str) -> None:
    expected = ["2020-02-27", "2020-02-28", "2020-02-29"]
    assert days_of(times_of(values, units)) == expected


def test_the_same_time_twice_is_refused() -> None:
    with pytest.raises(InputError, match="2020-02-27T00:00 twice"):
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
        ([0, 1], "days since 2020-13-01", "2020-13-01\n.*since a date"),
        ([0, 1], "days since 2020-02-30", "2020-02-30\n.*since a date"),
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


def test_todays_calendar_may_be_said_to_hold_always() -> None:
    # Python counts 737,481 days from date(1, 1, 1) to date(2020, 2, 27).
    found = times_of(
        [737_481, 737_482], "days since 0001-01-01", calendar="proleptic_gregorian"
    )
    assert days_of(found) == ["2020-02-27", "2020-02-28"]


def test_dates_that_xarray_decoded_without_leap_days_are_read() -> None:
    stamps = xr.Dataset(
        coords={
            "time": (
                "time",
                [0, 1, 2],
                {"units": "days since 2020-02-28", "calendar": "noleap"},
            )
        }
    )
    pytest.importorskip("cftime")
    found = read_times(xr.decode_cf(stamps))
    assert days_of(found) == ["2020-02-28", "2020-03-01", "2020-03-02"]


def test_packed_times_are_unpacked() -> None:
    found = times_of([0, 1, 2], "hours since 2020-02-27", scale_factor=24.0)
    assert days_of(found) == ["2020-02-27", "2020-02-28", "2020-02-29"]


def test_a_time_twice_in_a_day_that_lacks_another_is_refused() -> None:
    # Four values on the 28th: 0, 6, 12 and 12 UTC.
    hours = [0, 6, 12, 18, 24, 30, 36, 36, 48, 54, 60, 66]
    times = times_of(hours, "hours since 2020-02-27")
    with pytest.raises(InputError, match="2020-02-28T12:00 twice"):
        select_whole_days(times, WANTED)


def test_a_day_of_uneven_steps_is_partial() -> None:
    # Four values on the 28th: 0, 6, 12 and 13 UTC.
    hours = [0, 6, 12, 18, 24, 30, 36, 37, 48, 54, 60, 66]
    days, _, lost = select_whole_days(times_of(hours, "hours since 2020-02-27"), WANTED)
    assert days.astype(str).tolist() == ["2020-02-27", "2020-02-29"]
    assert lost["partial"] == 1


def make_forecast(**coords: Any) -> xr.Dataset:
    """Return the starts of forecasts, as cfgrib writes them."""
    attrs = {
        "units": "days since 2020-02-27",
        "standard_name": "forecast_reference_time",
    }
    return xr.Dataset(coords={"time": ("time", [0, 1, 2], attrs)} | coords)


def test_forecasts_belong_to_the_day_that_they_are_for() -> None:
    valid = {"units": "days since 2020-02-27", "standard_name": "time"}
    found = make_forecast(valid_time=("time", [1, 2, 3], valid))
    days = ["2020-02-28", "2020-02-29", "2020-03-01"]
    assert days_of(read_times(found)) == days
    lead = {"units": "hours", "standard_name": "forecast_period"}
    times = read_times(make_forecast(step=((), 24, lead)))
    assert days_of(times) == days
    assert times.notes == ("a forecast belongs to the day that it is for, 24 h on",)


def test_forecasts_of_unknown_lead_are_refused() -> None:
    with pytest.raises(
        InputError, match=r"forecast_reference_time\n(.*\n)*.*valid_time"
    ):
        read_times(make_forecast())


def test_bounds_are_found_where_xarray_puts_them() -> None:
    stamps = np.array([1.0, 2.0, 3.0])
    time = {"units": "days since 2020-02-27", "bounds": "edges"}
    stored = xr.Dataset(
        {"edges": (("time", "b"), np.stack([stamps - 1, stamps], axis=1))},
        {"time": ("time", stamps, time)},
    )
    found = read_times(xr.decode_cf(stored, decode_coords="all"))
    assert days_of(found) == ["2020-02-27", "2020-02-28", "2020-02-29"]
