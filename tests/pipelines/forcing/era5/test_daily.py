from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import (
    MEAN_OF_HOURS,
    SUM_OF_HOURS_ENDING,
    THE_DAYS_OWN,
    TOTAL_AT_NEXT_MIDNIGHT,
    DayRule,
    aggregate_days,
    choose_day_rule,
    derive_specific_humidity,
    find_days,
    gather_days,
)
from somobench.schemas.errors import UsageError

DAYS = np.array(["2020-02-28", "2020-02-29"], "datetime64[D]")


def hours_from(start: str, count: int) -> NDArray[np.datetime64]:
    return np.datetime64(start, "h") + np.arange(count)


def daily(
    times: NDArray[np.datetime64], values: NDArray[np.float64], rule: DayRule
) -> list[float]:
    positions = find_days(times, DAYS, rule)
    arranged = gather_days(values[:, np.newaxis], positions)
    return [float(value) for value in aggregate_days(arranged, rule)[:, 0]]


def test_hour_ending_total_takes_01_utc_to_next_midnight() -> None:
    # Value = hours since 00 UTC of the first day: 1 + ... + 24 = 300 and
    # 25 + ... + 48 = 876; the hour ending at 00 UTC of the first day (0) is not in it.
    times = hours_from("2020-02-28T00", 49)
    values = np.arange(49.0)
    values[0] = 1e6
    assert daily(times, values, SUM_OF_HOURS_ENDING) == [300.0, 876.0]


def test_instantaneous_mean_takes_00_to_23_utc() -> None:
    # (0 + ... + 23) / 24 = 11.5 and 35.5; the value at hour 48 is not in it.
    values = np.arange(49.0)
    values[48] = 1e6
    times = hours_from("2020-02-28T00", 49)
    assert daily(times, values, MEAN_OF_HOURS) == [11.5, 35.5]


def test_total_since_midnight_is_the_value_at_next_midnight() -> None:
    # Two units an hour, set back after each 00 UTC: 48 at the end of every day.
    times = hours_from("2020-02-28T01", 48)
    values = 2.0 * np.tile(np.arange(1.0, 25.0), 2)
    assert daily(times, values, TOTAL_AT_NEXT_MIDNIGHT) == [48.0, 48.0]


def test_daily_value_counts_for_the_day_that_its_time_lies_in() -> None:
    times = np.array(["2020-02-28T06", "2020-02-29T06"], "datetime64[h]")
    assert daily(times, np.array([3.0, 4.0]), THE_DAYS_OWN) == [3.0, 4.0]


@pytest.mark.parametrize("rule", [MEAN_OF_HOURS, SUM_OF_HOURS_ENDING])
def test_day_is_missing_when_one_hour_is_absent_or_nan(rule: DayRule) -> None:
    times, values = hours_from("2020-02-28T00", 49), np.ones(49)
    without_an_hour = np.delete(times, 30), np.delete(values, 30)
    assert np.isnan(daily(*without_an_hour, rule)).tolist() == [False, True]
    values[5] = np.nan
    assert np.isnan(daily(times, values, rule)).tolist() == [True, False]


def test_last_total_is_missing_without_the_next_midnight() -> None:
    times = hours_from("2020-02-28T00", 48)
    found = daily(times, np.ones(48), SUM_OF_HOURS_ENDING)
    assert found[0] == 24.0
    assert np.isnan(found[1])


def test_no_times_give_no_day() -> None:
    positions = find_days(hours_from("2020-01-01", 0), DAYS, MEAN_OF_HOURS)
    assert positions.shape == (2, 24)
    assert (positions == -1).all()


@pytest.mark.parametrize(
    ("frequency", "accumulation", "accumulated", "expected"),
    [
        ("hourly", "hour_ending", True, SUM_OF_HOURS_ENDING),
        ("hourly", "hour_ending", False, MEAN_OF_HOURS),
        ("hourly", "since_00_utc", True, TOTAL_AT_NEXT_MIDNIGHT),
        ("hourly", "since_00_utc", False, MEAN_OF_HOURS),
        ("daily", "daily_total", True, THE_DAYS_OWN),
        ("daily", "since_00_utc", True, TOTAL_AT_NEXT_MIDNIGHT),
        ("daily", "since_00_utc", False, THE_DAYS_OWN),
    ],
)
def test_day_rule_follows_frequency_and_accumulation(
    frequency: str, accumulation: str, accumulated: bool, expected: DayRule
) -> None:
    found = choose_day_rule(frequency, accumulation, accumulated=accumulated)  # type: ignore[arg-type]
    assert found == expected


@pytest.mark.parametrize(
    ("frequency", "accumulation"), [("hourly", "daily_total"), ("daily", "hour_ending")]
)
def test_day_rule_refuses_what_excludes_each_other(
    frequency: str, accumulation: str
) -> None:
    with pytest.raises(UsageError, match=f"{accumulation} with {frequency} input"):
        choose_day_rule(frequency, accumulation, accumulated=True)  # type: ignore[arg-type]


def test_specific_humidity_at_the_triple_point() -> None:
    # e = 611.21 Pa; 287.0597 / 461.5250 = 0.6219808;
    # 0.6219808 * 611.21 / (100000 - 0.3780192 * 611.21) = 380.1609 / 99768.951
    found = derive_specific_humidity(np.array([273.16]), np.array([100_000.0]))
    assert found[0] == pytest.approx(380.1609 / 99_768.951, rel=1e-6)


def test_specific_humidity_agrees_with_tabled_vapour_pressure() -> None:
    # Saturation over water is 2339 Pa at 20 degC and 7384 Pa at 40 degC (CRC tables).
    vapour = np.array([2339.0, 7384.0])
    expected = 0.622 * vapour / (101_325.0 - 0.378 * vapour)
    found = derive_specific_humidity(np.array([293.15, 313.15]), np.full(2, 101_325.0))
    np.testing.assert_allclose(found, expected, rtol=3e-3)


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6, allow_nan=False), min_size=49, max_size=49))
def test_daily_mean_lies_within_its_hours(values: list[float]) -> None:
    hourly = np.array(values)
    found = daily(hours_from("2020-02-28T00", 49), hourly, MEAN_OF_HOURS)
    for day, mean in enumerate(found):
        inside = hourly[24 * day : 24 * day + 24]
        slack = 1e-9 * (1 + np.abs(inside).max())
        assert inside.min() - slack <= mean <= inside.max() + slack
