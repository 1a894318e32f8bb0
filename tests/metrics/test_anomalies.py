"""Moving means, climatologies and days of the year, derived by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factories.anomalies import moving_anomaly, remove_season
from somobench.metrics.anomalies import (
    average_moving,
    count_leap_year_days,
    seasonal_climatology,
)

NAN = np.nan


@pytest.mark.parametrize(
    ("day", "number"),
    [
        ("2019-01-01", 1),
        ("2019-02-28", 59),
        ("2019-03-01", 61),
        ("2020-02-29", 60),
        ("2020-03-01", 61),
        ("2019-12-31", 366),
        ("1969-12-31", 366),
    ],
)
def test_days_are_counted_as_in_a_leap_year(day: str, number: int) -> None:
    assert count_leap_year_days(np.array([day], dtype="datetime64[ns]")).tolist() == [
        number
    ]


def test_moving_mean_is_centred_and_cut_off_at_the_ends() -> None:
    # window of 3: (1+2)/2, (1+2+6)/3, (2+6+7)/3, (6+7)/2
    values = np.array([[1.0, 2.0, 6.0, 7.0]])
    assert average_moving(values, 3)[0].tolist() == pytest.approx([1.5, 3.0, 5.0, 6.5])


def test_moving_mean_leaves_missing_days_out() -> None:
    # day 2 is missing: its neighbours average what is left, itself only if asked
    values = np.array([[1.0, NAN, 6.0, 8.0, NAN, NAN, NAN]])
    plain = [1.0, NAN, 7.0, 7.0, NAN, NAN, NAN]
    filled = [1.0, 3.5, 7.0, 7.0, 8.0, NAN, NAN]
    np.testing.assert_allclose(average_moving(values, 3)[0], plain)
    np.testing.assert_allclose(average_moving(values, 3, fill=True)[0], filled)


def test_window_of_35_days_reaches_17_days_either_side() -> None:
    values = np.zeros((1, 60))
    values[0, 30] = 35.0
    mean = average_moving(values)[0]
    assert np.flatnonzero(mean > 1e-9).tolist() == list(range(13, 48))
    assert mean[30] == pytest.approx(1.0)


def test_anomaly_is_the_value_less_its_moving_mean() -> None:
    values = np.array([[1.0, 2.0, 6.0, 7.0]])
    expected = [-0.5, -1.0, 1.0, 0.5]
    np.testing.assert_allclose(moving_anomaly(values, 3)[0], expected)


def test_climatology_wraps_around_the_turn_of_the_year() -> None:
    # A leap year that is 1 on its last day and 0 else. Windows of 5 days are cut off at
    # the end of the series: days 366, 365, 364 average 3, 4, 5 values and become 1/3,
    # 1/4, 1/5. Their sum, 47/60, spreads over 35 days.
    values = np.zeros((1, 366))
    values[0, -1] = 1.0
    climatology = seasonal_climatology(values, np.arange(1, 367))[0]
    assert climatology[0] == pytest.approx(47 / 60 / 35)
    assert climatology[348] == pytest.approx(47 / 60 / 35)
    assert climatology[345] == pytest.approx(0.0, abs=1e-15)
    assert climatology[20] == pytest.approx(0.0, abs=1e-15)


def test_climatology_is_missing_far_from_any_value() -> None:
    # one value on day 100: the first smoothing reaches days 98 to 102, the second 17 on
    values = np.full((1, 366), NAN)
    values[0, 99] = 0.3
    climatology = seasonal_climatology(values, np.arange(1, 367))[0]
    assert (np.flatnonzero(np.isfinite(climatology)) + 1).tolist() == list(
        range(98 - 17, 102 + 17 + 1)
    )
    np.testing.assert_allclose(climatology[np.isfinite(climatology)], 0.3)


def test_climatology_averages_years() -> None:
    time = pd.date_range("2018-01-01", "2019-12-31")
    day = count_leap_year_days(time.to_numpy())
    values = np.where(time.year == 2018, 0.2, 0.4)[None]
    climatology = seasonal_climatology(values, day)[0]
    assert climatology[180] == pytest.approx(0.3)


def test_input_is_untouched() -> None:
    values = np.array([[1.0, NAN, 3.0] * 10])
    before = values.copy()
    moving_anomaly(values)
    seasonal_climatology(values, np.arange(1, 31))
    np.testing.assert_array_equal(values, before)


def test_row_without_a_value_stays_missing() -> None:
    values = np.full((1, 40), NAN)
    assert np.isnan(average_moving(values, fill=True)).all()
    assert np.isnan(seasonal_climatology(values, np.arange(1, 41))).all()


def cosine(days: int, order: int = 1, phase: float = 0.4) -> np.ndarray:
    """Return a cosine of the year, (1, day), by leap-year days."""
    time = pd.date_range("2019-03-10", periods=days).to_numpy()
    return np.cos(order * 2 * np.pi * count_leap_year_days(time) / 366 + phase)[None]


def day_of(days: int) -> np.ndarray:
    return count_leap_year_days(pd.date_range("2019-03-10", periods=days).to_numpy())


@pytest.mark.parametrize("days", [120, 365, 549, 2000])
def test_season_is_removed_with_gaps_too(rng: np.random.Generator, days: int) -> None:
    season = 0.3 + 0.1 * cosine(days)
    season[rng.random((1, days)) < 0.3] = NAN
    (left,) = remove_season([season], day_of(days))
    np.testing.assert_array_equal(np.isnan(left), np.isnan(season))
    assert np.nanmax(np.abs(left)) < 1e-8


def test_departures_are_what_least_squares_leaves(rng: np.random.Generator) -> None:
    series = rng.random((3, 800))
    series[:, rng.random(800) < 0.3] = NAN
    angle = 2 * np.pi * day_of(800) / 366
    basis = np.array([np.ones(800), np.cos(angle), np.sin(angle)]).T
    kept = np.isfinite(series[0])
    (left,) = remove_season([series], day_of(800))
    for row in range(3):
        fit = np.linalg.lstsq(basis[kept], series[row, kept])[0]
        expected = series[row, kept] - basis[kept] @ fit
        np.testing.assert_allclose(left[row, kept], expected, rtol=0, atol=1e-13)


def test_second_harmonic_is_no_season_unless_the_climatology_has_it() -> None:
    days = 1464
    fast = cosine(days, 2)
    (left,) = remove_season([fast], day_of(days))
    assert np.std(left) > 0.9 * np.std(fast)
    by_day = np.cos(2 * 2 * np.pi * np.arange(1, 367) / 366 + 0.4)[None]
    (left,) = remove_season([0.2 * fast], day_of(days), 0.7 + 3 * by_day)
    assert np.abs(left).max() < 1e-12


def test_climatology_that_is_unknown_or_flat_removes_nothing_more(
    rng: np.random.Generator,
) -> None:
    series = [rng.random((2, 700)) for _ in range(2)]
    plain = remove_season(series, day_of(700))
    for value in (NAN, 0.3):
        given = remove_season(series, day_of(700), np.full((2, 366), value))
        np.testing.assert_allclose(given, plain, rtol=0, atol=1e-12)


def test_row_without_a_pair_has_no_departures() -> None:
    (left,) = remove_season([np.full((1, 400), NAN)], day_of(400))
    assert np.isnan(left).all()


def test_anomalies_far_from_zero_keep_their_digits(rng: np.random.Generator) -> None:
    values = rng.integers(0, 1000, (1, 300)) / 1024  # exact at any of these offsets
    expected = moving_anomaly(values)
    (season,) = remove_season([values], day_of(300))
    for offset in (1e3, 1e6, 1e9):
        np.testing.assert_allclose(
            moving_anomaly(values + offset), expected, rtol=0, atol=1e-13
        )
        (left,) = remove_season([values + offset], day_of(300))
        np.testing.assert_allclose(left, season, rtol=0, atol=1e-12)
