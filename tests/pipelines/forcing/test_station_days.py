"""Daily values of hourly stations, gaps and their filling, one station out of many."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from somobench.pipelines.forcing.station.days import (
    DAY_RULES,
    StationDayRule,
    StationDays,
    is_hourly,
    make_station_days,
)
from somobench.pipelines.forcing.station.merging import (
    Gap,
    StationSeries,
    fill_gap,
    find_gaps,
    merge_stations,
)
from somobench.pipelines.stations import SensorMetadata, SensorSeries
from somobench.schemas.variables import VARIABLES

NAN = np.nan
DAYS = np.arange(np.datetime64("2018-07-01"), np.datetime64("2018-07-04"))
HOURS = np.datetime64("2018-07-01T00", "m") + np.arange(72) * np.timedelta64(60, "m")


def series(
    values: list[float], *, times: NDArray[np.datetime64] | None = None, flags: str = ""
) -> SensorSeries:
    """Return hourly values; `flags` has one letter a value, all good where empty."""
    given_times = HOURS[: len(values)] if times is None else times
    letters = np.array(list(flags or "G" * len(values)))
    names, codes = np.unique(letters, return_inverse=True)
    place = SensorMetadata(
        "SCAN", "X", "n.s.", 20.0, -155.6, 0.0, 0.0, 0.0, "p", "x.stm"
    )
    return SensorSeries(
        place, given_times, np.array(values, float), codes.astype(np.int16),
        tuple(names.tolist()), np.zeros(len(values), np.int16), ("",),
    )  # fmt: skip


def days_of(
    item: SensorSeries, rule: StationDayRule, variable: str = "precipitation"
) -> StationDays:
    return make_station_days(
        item, variable, rule, days=DAYS, good_flags=("G",), minimum_count=20
    )


RAIN = DAY_RULES["ismn"]["precipitation"]
AIR = DAY_RULES["ismn"]["air_temperature"]


def test_rain_of_midnight_belongs_to_the_day_before() -> None:
    # The value at 00:00 of 2 July is rain of the last hour of 1 July; that at 00:00
    # of 1 July fell in June and isn't counted.
    values = [5.0] + [0.0] * 23 + [7.0] + [0.0] * 23 + [1.0] * 24
    found = days_of(series(values), RAIN)
    # 3 July has 23 of its hours, 1 mm each, and 24 with the missing one scaled in.
    # 2 July's last hour is the 1.0 at 00:00 of 3 July.
    np.testing.assert_allclose(found.values, [7.0, 1.0, 24.0])
    assert dict(found.dropped) == {"outside period": 1}


def test_missing_hours_do_not_count_as_dry() -> None:
    # 20 of 24 hours with 0.5 mm: 24 * 0.5 = 12 mm, not the 10 mm added up.
    times = HOURS[1:21]
    found = days_of(series([0.5] * 20, times=times), RAIN)
    assert found.values[0] == pytest.approx(12.0)
    fewer = days_of(series([0.5] * 19, times=times[:19]), RAIN)
    assert np.isnan(fewer.values).all()
    assert dict(fewer.dropped) == {"days of too few hours": 1}


def test_temperature_is_the_mean_of_good_hours_in_kelvin() -> None:
    # 22 good hours of 10 degrees; a flagged one and one that isn't a number don't
    # count. Midnight belongs to the day that it opens.
    values = [10.0] * 22 + [99.0, NAN]
    found = days_of(series(values, flags="G" * 22 + "CG"), AIR, "air_temperature")
    assert found.values[0] == pytest.approx(283.15)
    assert dict(found.dropped) == {"flag C": 1, "not finite": 1}


def test_impossible_values_are_dropped_and_counted() -> None:
    values = [10.0] * 21 + [-9999.0, 1e20, -150.0]
    found = days_of(series(values), AIR, "air_temperature")
    assert found.values[0] == pytest.approx(283.15)
    assert dict(found.dropped) == {"impossible": 3}
    wet = days_of(series([0.0] + [100.0] * 24), RAIN)
    # 24 hours of 100 mm, each possible, make a day of 2400 mm, which isn't.
    assert np.isnan(wet.values[0])
    assert wet.dropped["impossible days"] == 1


def test_repeated_times_count_once_and_contradictions_never() -> None:
    times = np.concatenate([HOURS[1:25], HOURS[1:2], HOURS[2:3]])
    found = days_of(series([1.0] * 24 + [1.0, 9.0], times=times), RAIN)
    # One exact repeat; two rows of another hour contradict each other: 23 hours left.
    assert found.values[0] == pytest.approx(24.0)
    assert dict(found.dropped) == {"duplicate time": 1, "conflicting time": 2}


def test_order_of_rows_changes_nothing(rng: np.random.Generator) -> None:
    values = rng.gamma(0.2, 2.0, 72)
    order = rng.permutation(72)
    straight = days_of(series(values.tolist()), RAIN)
    shuffled = days_of(series(values[order].tolist(), times=HOURS[order]), RAIN)
    np.testing.assert_allclose(shuffled.values, straight.values, rtol=1e-12)


def test_hourly_radiation_is_energy_of_the_day() -> None:
    rule = DAY_RULES["uscrn_hourly"]["shortwave_radiation"]
    # 1200 W m-2 for half the hours: mean 600 W m-2, times 86400 s is 51.84 MJ m-2,
    # above what is possible; with 500 W m-2 it is 250 * 0.0864 = 21.6.
    bright = days_of(series([1200.0, 0.0] * 12), rule, "shortwave_radiation")
    assert np.isnan(bright.values[0])
    usual = days_of(series([500.0, 0.0] * 12), rule, "shortwave_radiation")
    assert usual.values[0] == pytest.approx(21.6)


def test_rhythm_of_rows_tells_hourly_series() -> None:
    assert is_hourly(series([1.0] * 5))
    assert is_hourly(series([1.0] * 4, times=HOURS[[0, 1, 2, 20]]))
    assert not is_hourly(series([1.0] * 5, times=HOURS[::3][:5]))
    assert not is_hourly(series([1.0]))


@pytest.mark.parametrize("source", ["ismn", "uscrn"])
def test_names_of_a_source_are_those_of_the_vocabulary(source: str) -> None:
    named = {
        name: variable.source_names[source]
        for name, variable in VARIABLES.items()
        if source in variable.source_names and name != "soil_moisture"
    }
    assert {name: rule.code for name, rule in DAY_RULES[source].items()} == named


def test_line_crosses_a_gap_and_repeats_the_only_neighbour_at_an_end() -> None:
    values = np.array([NAN, 1.0, NAN, NAN, 4.0, NAN])
    gaps = find_gaps(values)
    assert gaps == [Gap(0, 1), Gap(2, 4), Gap(5, 6)]
    found = [fill_gap(values, gap, "linear") for gap in gaps]
    assert [None if item is None else item.tolist() for item in found] == [
        [1.0], [2.0, 3.0], [4.0]
    ]  # fmt: skip
    assert fill_gap(np.array([NAN, NAN]), Gap(0, 2), "linear") is None


def test_window_mean_takes_measured_days_on_both_sides() -> None:
    # 15 days of 2 before the gap and 15 of 4 after it; what lies farther doesn't count.
    values = np.array([99.0] + [2.0] * 15 + [NAN] * 2 + [4.0] * 15 + [99.0])
    found = fill_gap(values, Gap(16, 18), "window mean")
    assert found is not None
    assert found.tolist() == [3.0, 3.0]


def test_window_mean_needs_ten_measured_days() -> None:
    values = np.array([1.0] * 5 + [NAN] + [1.0] * 5)
    assert fill_gap(values, Gap(5, 6), "window mean") is not None
    values[0] = NAN
    assert fill_gap(values, Gap(5, 6), "window mean") is None


def test_gap_is_filled_from_measured_days_alone() -> None:
    # Two gaps of one day, ten days apart, in rain of 0 before and 6 after: the second
    # estimate must not see the first. Around day 10: 10 zeros, 9 zeros and 5 sixes
    # after (days 11 to 25 but 20); around day 20: 14 zeros (5..19 but 10), 15 sixes.
    values = np.array([0.0] * 20 + [6.0] * 20)
    values[[10, 20]] = NAN
    merged = merge_stations("precipitation", [StationSeries("A", values)], 3)
    assert merged.values[10] == pytest.approx(5 * 6 / 24)
    assert merged.values[20] == pytest.approx(15 * 6 / 29)
    assert list(merged.runs()) == [("window mean", 10, 10), ("window mean", 20, 20)]


def test_primary_station_is_chosen_by_days_and_then_by_name() -> None:
    full = np.full(20, 1.0)
    short = full.copy()
    short[:2] = NAN
    chosen = merge_stations(
        "air_temperature",
        [StationSeries(name, values) for name, values in
         (("C", full), ("A", short), ("B", full))],
        5,
    )  # fmt: skip
    assert chosen.primary == "B"
    assert set(chosen.origins) == {"B"}


@given(st.lists(st.one_of(st.none(), st.floats(-50, 50)), min_size=2, max_size=40))
def test_merged_series_is_complete_and_keeps_what_was_measured(
    values: list[float | None],
) -> None:
    measured = np.array([NAN if value is None else value for value in values])
    merged = merge_stations("air_temperature", [StationSeries("A", measured)], 5)
    longest = max((gap.days for gap in find_gaps(measured)), default=0)
    if np.isnan(measured).all() or longest > 5:
        assert merged.refused
        return
    kept = np.isfinite(measured)
    assert not merged.refused
    np.testing.assert_array_equal(merged.values[kept], measured[kept])
    low, high = measured[kept].min(), measured[kept].max()
    assert ((merged.values >= low) & (merged.values <= high)).all()
    filled = {at for _, first, last in merged.runs() for at in range(first, last + 1)}
    assert filled == set(np.flatnonzero(~kept).tolist())
