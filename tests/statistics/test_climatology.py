"""Smoothed climatologies: windows, short records, neighbours, no leakage."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.days import days
from somobench.metrics.anomalies import LEAP_YEAR, seasonal_climatology
from somobench.statistics.climatology import (
    NONE,
    OTHER_CELLS,
    OWN,
    complete_climatologies,
    find_nearest_cells,
    record_weight,
    shrink_to_shape,
)

NAN = np.nan
SEASON = np.sin(2 * np.pi * np.arange(LEAP_YEAR) / LEAP_YEAR)


def one_day_a_year(day: int, value: float, length: int = 730) -> np.ndarray:
    series = np.full((1, length), NAN)
    series[0, day] = value
    return series


def calendar(length: int, start: str = "2017-01-01") -> np.ndarray:
    return days(length, start).day_of_year.to_numpy().astype(np.int64)


def test_single_day_reaches_as_far_as_the_two_windows() -> None:
    # Day 100 of 2017; the 5-day mean fills 98..102, a window of 7 adds 3: 95..105.
    found = seasonal_climatology(one_day_a_year(99, 0.3), calendar(730), 7)[0]
    filled = np.flatnonzero(np.isfinite(found)) + 1
    assert filled.tolist() == list(range(95, 106))
    assert found[filled - 1] == pytest.approx(np.full(11, 0.3))


def test_climatology_wraps_around_the_year() -> None:
    found = seasonal_climatology(one_day_a_year(0, 0.3), calendar(730), 7)[0]
    filled = np.flatnonzero(np.isfinite(found)) + 1
    # 1 January reaches 3 January in the series, 6 January and 364 in the window of 7.
    assert filled.tolist() == [1, 2, 3, 4, 5, 6, 364, 365, 366]


def test_days_of_the_year_are_averaged_over_years() -> None:
    # Two whole years, 0.1 and 0.3 all along: 0.2 on every day away from their border.
    series = np.r_[np.full(365, 0.1), np.full(365, 0.3)][None]
    found = seasonal_climatology(series, calendar(730), 1)[0]
    assert found[10:355] == pytest.approx(np.full(345, 0.2))
    assert np.isnan(found[365])  # day 366 of two ordinary years


def test_smoothing_agrees_with_pandas() -> None:
    rng = np.random.default_rng(4)
    series = np.where(rng.random(1200) < 0.4, NAN, rng.random(1200))
    doy = calendar(1200, "2015-06-01")
    first = pd.Series(series).rolling(5, center=True, min_periods=1).mean()
    by_day = first.groupby(doy).mean().reindex(range(1, 367))
    tiled = pd.concat([by_day] * 3, ignore_index=True)
    expected = tiled.rolling(35, center=True, min_periods=1).mean()[366:732]
    found = seasonal_climatology(series[None], doy, 35)[0]
    np.testing.assert_allclose(found, expected.to_numpy(), rtol=1e-12)


def test_smoothing_agrees_with_pytesmo_within_a_year_without_leap_day() -> None:
    anomaly = pytest.importorskip("pytesmo.time_series.anomaly")
    period = days(365, "2017-01-01")
    values = 0.3 + 0.1 * np.random.default_rng(5).random(365)
    expected = anomaly.calc_climatology(pd.Series(values, index=period))
    found = seasonal_climatology(values[None], calendar(365), 35)[0]
    # Its days after February are counted as in a leap year: one later than here.
    assert found[100:300] == pytest.approx(expected.to_numpy()[101:301], abs=1e-9)


def test_weight_of_the_record_grows_with_its_years() -> None:
    assert record_weight(np.array([0.0, 1.0, 2.0]), 1.0) == pytest.approx(
        [0, 0.5, 2 / 3]
    )
    assert record_weight(np.array([0.0, 2.0]), 0.0).tolist() == [0.0, 1.0]


def test_short_record_is_drawn_towards_the_shape_around_its_own_level() -> None:
    # Mean 0.25; departures 0.06 SEASON own, 0.03 SEASON pooled; weight 2/3:
    # 0.25 + 2/3 0.06 + 1/3 0.03 = 0.30 where SEASON is 1.
    own, shape = 0.25 + 0.06 * SEASON[None], 0.03 * SEASON[None]
    found = shrink_to_shape(own, shape, np.array([2 / 3]))[0]
    assert found[SEASON.argmax()] == pytest.approx(0.30, abs=1e-5)
    assert found.mean() == pytest.approx(0.25)


def test_days_of_the_year_without_record_get_level_and_shape() -> None:
    # A summer-only record that follows the shape exactly gives the whole year back.
    truth = 0.25 + 0.03 * SEASON
    own = np.where(np.arange(LEAP_YEAR) < 180, truth, NAN)[None]
    found = shrink_to_shape(own, 0.03 * SEASON[None], np.array([0.4]))[0]
    assert found == pytest.approx(truth)


def test_full_weight_leaves_a_climatology_as_it_is() -> None:
    own = 0.2 + 0.1 * np.random.default_rng(1).random((2, LEAP_YEAR))
    found = shrink_to_shape(own, np.zeros_like(own) + SEASON, np.ones(2))
    np.testing.assert_allclose(found, own)


def test_neighbours_are_nearest_in_climate_and_exclude_the_cell_itself() -> None:
    # Latitudes 0, 10, 20, 30 of donors; the column beside is constant and passed over.
    attributes = np.array([[0.0, 7], [10, 7], [20, 7], [30, 7], [12, 99]])
    donors = np.array([True, True, True, True, False])
    near = find_nearest_cells(attributes, donors, 2)
    assert near[0].tolist() == [1, 2]
    assert near[4].tolist() == [1, 2]


def test_neighbours_of_the_other_hemisphere_come_last() -> None:
    attributes = np.array([[-5.0], [60.0], [5.0]])
    donors = np.array([True, True, False])
    assert find_nearest_cells(attributes, donors, 2)[2].tolist() == [1, 0]


def test_unknown_attribute_of_a_cell_is_passed_over() -> None:
    attributes = np.array([[10.0, 1.0], [12.0, 5.0], [20.0, 1.1], [11.9, NAN]])
    donors = np.array([True, True, True, False])
    assert find_nearest_cells(attributes, donors, 1)[3].tolist() == [1]


def test_held_out_cell_gets_the_mean_of_its_neighbours() -> None:
    own = np.stack([0.2 + 0.1 * SEASON, 0.4 + 0.1 * SEASON, 0.9 + 0 * SEASON])
    donors = np.array([True, True, False])
    found = complete_climatologies(
        own, np.array([9.0, 9.0, 9.0]), donors, np.array([[1.0], [2], [3]]), 1.0
    )
    assert found.source.tolist() == [OWN, OWN, OTHER_CELLS]
    # Both donors have one shape, so shrinking changes nothing: mean level 0.3.
    assert found.values[2] == pytest.approx(0.3 + 0.1 * SEASON)


def test_single_cell_keeps_its_own_shape_whatever_its_length() -> None:
    own = 0.2 + 0.1 * SEASON[None]
    found = complete_climatologies(
        own, np.array([0.6]), np.array([True]), np.array([[1.0]]), 5.0
    )
    np.testing.assert_allclose(found.values, own)


def test_no_train_cell_at_all_gives_no_climatology() -> None:
    own = 0.2 + 0.1 * SEASON[None]
    found = complete_climatologies(
        own, np.array([0.1]), np.array([False]), np.array([[1.0]]), 1.0
    )
    assert found.source.tolist() == [NONE]
    assert np.isnan(found.values).all()


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_own_values_of_a_held_out_cell_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    own = rng.random((6, LEAP_YEAR))
    donors = np.array([True, False, True, True, False, True])
    attributes = rng.random((6, 3))
    years = rng.random(6) * 5
    expected = complete_climatologies(own, years, donors, attributes, 1.0)
    altered = np.where(donors[:, None], own, rng.random(own.shape))
    altered[4, 100:] = NAN
    years = np.where(donors, years, 7.0)
    found = complete_climatologies(altered, years, donors, attributes, 1.0)
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.source, expected.source)
