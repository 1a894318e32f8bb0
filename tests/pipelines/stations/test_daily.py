"""Daily means: which values count, and what can and can't change a mean."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from somobench.pipelines.stations import SensorMetadata, SensorSeries
from somobench.pipelines.stations.daily import (
    DailyMeans,
    average_to_days,
    drop_standing_days,
    take_median_of_good,
)
from somobench.pipelines.stations.selection import GoodValues, select_good

START, END = np.datetime64("2020-01-01"), np.datetime64("2020-12-31")
METADATA = SensorMetadata(
    network="NET",
    station="ST01",
    sensor="Probe",
    latitude=53.7,
    longitude=10.0,
    elevation=20.0,
    depth_from=0.05,
    depth_to=0.05,
    variable="sm",
    source_file="a.stm",
)
Row = tuple[int, float, str]
"""Minutes since 2020-01-01, value, flag."""


def make_series(rows: Sequence[Row]) -> SensorSeries:
    names = tuple(dict.fromkeys(flag for _, _, flag in rows))
    minutes = np.array([minute for minute, _, _ in rows], dtype=np.int64)
    return SensorSeries(
        METADATA,
        np.datetime64("2020-01-01T00:00", "m") + minutes,
        np.array([value for _, value, _ in rows], dtype=np.float64),
        np.array([names.index(flag) for _, _, flag in rows], dtype=np.int16),
        names,
        np.zeros(len(rows), dtype=np.int16),
        ("M",),
        np.datetime64("2019-06-01"),
        np.datetime64("2021-06-01"),
    )


def selected(rows: Sequence[Row], flags: Sequence[str] | None = ("G",)) -> GoodValues:
    return select_good(make_series(rows), good_flags=flags, start=START, end=END)


def test_daily_mean_is_arithmetic_and_needs_the_minimum_count() -> None:
    # Day 1: six values, mean (1+2+3+4+5+6)/60 = 0.35. Day 2: five values, left out.
    hours = list(range(6)) + [24 + hour for hour in range(5)]
    times = np.datetime64("2020-01-01T00", "m") + 60 * np.array(hours)
    values = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6] + [0.9] * 5)
    daily = average_to_days(times, values, 6)
    assert daily.days.tolist() == [np.datetime64("2020-01-01").item()]
    assert daily.means.tolist() == pytest.approx([0.35])
    assert daily.counts.tolist() == [6]
    assert daily.counts.dtype == np.int16
    assert daily.days_below == 1


def test_day_ends_before_midnight() -> None:
    times = np.array(["2020-01-01T23:59", "2020-01-02T00:00"], dtype="datetime64[m]")
    daily = average_to_days(times, np.array([0.1, 0.3]), 1)
    assert daily.means.tolist() == [0.1, 0.3]


def test_no_values_give_no_days() -> None:
    daily = average_to_days(np.array([], dtype="datetime64[m]"), np.array([]), 6)
    assert (len(daily.days), len(daily.means), daily.days_below) == (0, 0, 0)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((60, 0.2, "D03"), "flag D03"),
        ((60, 0.2, "D05,D03"), "flag D03,D05"),  # sorted, so that order isn't a reason
        ((60, 0.2, "G,D03"), "flag D03,G"),
        ((60, 0.2, "U"), "flag U"),
        ((60, 0.2, "g"), "flag g"),
        ((60, -9999.0, "M"), "flag M"),  # the flag comes before the value
        ((60, math.nan, "G"), "not finite"),
        ((60, math.inf, "G"), "not finite"),
        ((60, -9999.0, "G"), "negative"),
        ((60, -0.001, "G"), "negative"),
        ((60, 1.001, "G"), "above 1"),
        ((60, 1e20, "G"), "above 1"),
        ((-60, 0.2, "G"), "outside period"),
        ((366 * 1440, 0.2, "G"), "outside period"),  # 2020 has 366 days
        ((-366 * 1440, 0.2, "G"), "outside declared days"),
        ((600 * 1440, 0.2, "D03"), "outside declared days"),
        ((0, 0.1, "G"), "duplicate time"),
    ],
)
def test_value_that_does_not_count_is_counted_by_reason(row: Row, reason: str) -> None:
    good = selected([(0, 0.1, "G"), row])
    assert good.values.tolist() == [0.1]
    assert dict(good.dropped) == {reason: 1}


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0])
def test_value_on_the_limit_counts(value: float) -> None:
    assert selected([(0, value, "G")]).values.tolist() == [value]


def test_day_after_the_declared_end_is_allowed_for_its_midnight() -> None:
    # Declared until 2021-06-01: the midnight that closes it is 2021-06-02 00:00.
    series = make_series([(518 * 1440, 0.1, "G"), (519 * 1440, 0.2, "G")])
    assert str(series.times[0]) == "2021-06-02T00:00"
    good = select_good(series, good_flags=("G",), start=START, end=END + 500)
    assert good.values.tolist() == [0.1]
    assert dict(good.dropped) == {"outside declared days": 1}


def test_contradicting_values_of_one_time_are_all_dropped() -> None:
    rows = [(0, 0.1, "G"), (0, 0.1, "G"), (0, 0.3, "G"), (60, 0.2, "G")]
    good = selected(rows)
    assert good.values.tolist() == [0.2]
    assert dict(good.dropped) == {"conflicting time": 3}


def test_flagged_value_at_the_time_of_a_good_one_leaves_it() -> None:
    good = selected([(0, 0.1, "G"), (0, 0.7, "C02")])
    assert good.values.tolist() == [0.1]
    assert dict(good.dropped) == {"flag C02": 1}


def test_rows_out_of_order_are_sorted_and_counted() -> None:
    good = selected([(120, 0.3, "G"), (0, 0.1, "G"), (60, 0.2, "G")])
    assert good.values.tolist() == [0.1, 0.2, 0.3]
    assert good.out_of_order == 2
    assert not good.dropped


def test_source_without_flags_counts_every_value() -> None:
    good = selected([(0, 0.1, ""), (60, -99.0, "")], flags=None)
    assert good.values.tolist() == [0.1]
    assert dict(good.dropped) == {"negative": 1}


def test_median_of_good_ignores_flagged_negative_and_missing_values() -> None:
    rows = [(0, 20.0, "G"), (1, 30.0, "G"), (2, 0.1, "C02"), (3, -9999.0, "G")]
    assert take_median_of_good(make_series([*rows, (4, math.nan, "G")]), ("G",)) == 25.0
    assert take_median_of_good(make_series(rows[2:3]), ("G",)) is None


VALUES = st.sampled_from([0.0, 0.1, 0.123, 0.3, 0.6, 1.0, 1.5, -0.1, -9999.0, math.nan])
ROWS = st.lists(
    st.tuples(
        st.integers(-200, 5000),
        VALUES,
        st.sampled_from(["G", "D03", "D03,D05", "C02"]),
    ),
    max_size=60,
)


def means(rows: Sequence[Row]) -> list[tuple[object, ...]]:
    good = selected(rows)
    daily = average_to_days(good.times, good.values, 2)
    return list(
        zip(
            daily.days.tolist(),
            daily.means.tolist(),
            daily.counts.tolist(),
            strict=True,
        )
    )


@given(ROWS, st.randoms(use_true_random=False))
def test_order_of_rows_changes_no_day_and_no_count(
    rows: list[Row], random: st.RandomGenerator
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    assert means(shuffled) == means(rows)
    assert selected(shuffled).dropped == selected(rows).dropped


@given(ROWS, ROWS)
def test_rows_that_are_not_good_change_no_day(rows: list[Row], more: list[Row]) -> None:
    bad = [row for row in more if row[2] != "G"]
    assert means(rows + bad) == means(rows)


@given(ROWS)
def test_every_row_is_kept_or_dropped_for_one_reason(rows: list[Row]) -> None:
    good = selected(rows)
    assert len(good.values) + sum(good.dropped.values()) == len(rows)
    assert (np.diff(good.times) > np.timedelta64(0, "m")).all()


@given(
    st.lists(
        st.tuples(st.integers(0, 3000), st.floats(0, 1)),
        min_size=1,
        unique_by=lambda row: row[0],
    )
)
def test_mean_lies_between_smallest_and_largest_value(
    rows: list[tuple[int, float]],
) -> None:
    rows.sort()
    times = np.datetime64("2020-01-01", "m") + np.array([time for time, _ in rows])
    values = np.array([value for _, value in rows])
    daily = average_to_days(times, values, 1)
    dates = times.astype("datetime64[D]")
    for day, mean, count in zip(daily.days, daily.means, daily.counts, strict=True):
        of_day = values[dates == day]
        assert of_day.min() <= mean <= of_day.max()
        assert count == len(of_day)
        assert mean == pytest.approx(math.fsum(of_day) / len(of_day), rel=1e-12)


def test_sensor_that_stands_still_loses_the_whole_run_and_no_other_day() -> None:
    days = np.arange("2020-01-01", "2020-01-08", dtype="datetime64[D]")
    # Gaps don't end a run; a change in the sixth decimal isn't one as published.
    means = np.array([0.30, 0.10, 0.100001, 0.10, 0.25, 0.25, 0.30])
    daily = DailyMeans(days, means, np.ones(7, "int16"), days_below=1)
    kept = drop_standing_days(daily, 2)
    assert kept.means.tolist() == [0.30, 0.25, 0.25, 0.30]
    assert kept.days[1] == days[4]
    assert (kept.days_standing, kept.days_below) == (3, 1)
    assert drop_standing_days(daily, None) is daily
    assert drop_standing_days(daily, 3).days_standing == 0
