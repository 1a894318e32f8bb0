"""Thresholds, two-by-two tables, SEDI at its edges, drought events and their lags."""

from __future__ import annotations

import numpy as np
import pytest

from somobench.metrics.droughts import drought_events, droughts_family, matched_events
from somobench.metrics.extremes import (
    extreme_days,
    extreme_thresholds,
    extremes_family,
    sedi,
)

NAN = np.nan


def table(*counts: float) -> float:
    """Return SEDI of hits, misses, false alarms and quiet days."""
    return float(sedi(*(np.array([count]) for count in counts))[0])


def test_thresholds_are_percentiles_of_train_days() -> None:
    # 0 to 100 in any order: the 10th percentile is 10, the 90th 90
    train = np.concatenate([np.arange(101.0)[::-1], [NAN] * 9])[None]
    limits = extreme_thresholds(train)
    assert (limits["dry"][0], limits["wet"][0]) == (10.0, 90.0)


def test_row_with_few_train_days_has_no_threshold() -> None:
    train = np.full((2, 100), NAN)
    train[0, :90], train[1, :89] = 0.3, 0.3
    assert np.isnan(extreme_thresholds(train)["dry"]).tolist() == [False, True]


def test_day_on_the_threshold_is_no_event() -> None:
    values, limit = np.array([[0.1, 0.2, 0.3, NAN]]), np.array([0.2])
    assert extreme_days(values, limit, "dry")[0].tolist() == [True, False, False, False]
    assert extreme_days(values, limit, "wet")[0].tolist() == [False, False, True, False]


def test_rates_are_counted_by_hand() -> None:
    # dry below 0.2: target dry on days 1-4, prediction on days 3-6, day 8 has no pair
    target = np.array([[0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.3, NAN, 0.3, 0.3]])
    prediction = np.array([[0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.3, NAN, 0.3, 0.3]])
    scores = extremes_family("dry", prediction, target, np.array([0.2])).totals()
    assert scores["hit_rate_dry"][0] == pytest.approx(2 / 4)
    assert scores["false_alarm_rate_dry"][0] == pytest.approx(2 / 5)
    assert scores["frequency_bias_dry"][0] == pytest.approx(4 / 4)


def test_sedi_of_a_table_is_derived_by_hand() -> None:
    # H = 1/2, F = 1/4: (ln 1/4 - ln 1/2 + ln 1/2 - ln 3/4) / (their sum)
    numerator = np.log(1 / 4) - np.log(3 / 4)
    denominator = np.log(1 / 4) + 2 * np.log(1 / 2) + np.log(3 / 4)
    assert table(10, 10, 20, 60) == pytest.approx(numerator / denominator)


def test_sedi_is_zero_without_skill_and_one_if_perfect() -> None:
    assert table(5, 15, 20, 60) == pytest.approx(0.0)  # H = F
    assert table(20, 0, 0, 80) == 1.0
    assert table(0, 20, 0, 80) == 0.0  # never foretold
    assert table(20, 0, 80, 0) == 0.0  # always foretold


def test_sedi_takes_a_rate_of_zero_as_half_a_day() -> None:
    # no false alarm in 80 days counts as F = 1/160, no hit in 20 as H = 1/40
    assert table(10, 10, 0, 80) == pytest.approx(table(10, 10, 0.5, 79.5))
    assert table(0, 20, 8, 72) == pytest.approx(table(0.5, 19.5, 8, 72))
    assert table(0, 20, 8, 72) < 0 < table(10, 10, 0, 80) < 1


def test_sedi_is_missing_where_target_never_changes() -> None:
    assert np.isnan(table(0, 0, 5, 95))
    assert np.isnan(table(50, 50, 0, 0))


def test_row_without_threshold_has_no_score() -> None:
    series = np.array([[0.1, 0.3, 0.1]])
    scores = extremes_family("dry", series, series, np.array([NAN])).totals()
    assert all(np.isnan(values[0]) for values in scores.values())


def states(text: str) -> tuple[np.ndarray, np.ndarray]:
    """Read one letter a day: d dry, w not dry, - missing; dry and valid."""
    letters = np.array(list(text))
    return letters == "d", letters != "-"


def events_of(text: str) -> list[tuple[int, int]]:
    """Return onset and recovery of each event."""
    events = drought_events(*states(text))
    return list(zip(events.onset.tolist(), events.recovery.tolist(), strict=True))


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ("w" * 9 + "d" * 10 + "w" * 9, [(9, 19)]),
        ("w" * 9 + "d" * 9 + "w" * 9, []),  # too short
        ("w" + "d" * 6 + "w" * 5 + "d" * 6 + "w", [(1, 18)]),  # joined: 17 days
        ("w" + "d" * 6 + "w" * 6 + "d" * 6 + "w", []),  # two short ones
        ("w" + "d" * 6 + "-" * 5 + "d" * 6 + "w", [(1, 18)]),  # a short gap is dry
        ("w" + "d" * 10 + "-" * 6 + "d" * 10 + "w", [(1, 11), (17, 27)]),
        ("w" * 8 + "-" * 3 + "d" * 10, [(11, 21)]),  # a short gap keeps its past
        ("-" * 30, []),
        ("d" * 30, [(0, 30)]),
    ],
)
def test_drought_events_follow_the_rule(
    series: str, expected: list[tuple[int, int]]
) -> None:
    assert events_of(series) == expected


def test_onset_beside_a_long_gap_is_not_known() -> None:
    events = drought_events(*states("-" * 6 + "d" * 12 + "w" * 6 + "d" * 12 + "-" * 6))
    assert events.onset_known.tolist() == [False, True]
    assert events.recovery_known.tolist() == [True, False]


def test_event_is_matched_with_the_one_that_overlaps_most() -> None:
    target = drought_events(*states("w" * 5 + "d" * 40 + "w" * 20 + "d" * 10 + "w"))
    prediction = drought_events(
        *states("d" * 12 + "w" * 10 + "d" * 15 + "w" * 38 + "w")
    )
    # target [5, 45) meets [0, 12) for 7 days and [22, 37) for 15; [65, 75) meets none
    assert matched_events(target, prediction).tolist() == [1, -1]
    nothing = drought_events(*states("w" * 30))
    assert matched_events(target, nothing).tolist() == [-1, -1]
    assert matched_events(nothing, target).tolist() == []


def series_of(text: str) -> np.ndarray:
    """Return soil moisture, 0.1 on dry and 0.3 on other days."""
    return np.where(np.array(list(text)) == "d", 0.1, 0.3)[None]


def test_lags_are_averages_over_matched_events() -> None:
    # Onsets 10 -> 13 and 60 -> 61: mean 2. Recoveries 30 -> 28 and 80 -> 84: mean 1.
    # A third event, at 110, is not foretold.
    def days(*events: tuple[int, int]) -> np.ndarray:
        letters = ["w"] * 150
        for onset, recovery in events:
            letters[onset:recovery] = "d" * (recovery - onset)
        return series_of("".join(letters))

    target = days((10, 30), (60, 80), (110, 125))
    prediction = days((13, 28), (61, 84))
    scores = droughts_family(prediction, target, np.array([0.2])).totals()
    assert scores["drought_onset_lag"][0] == pytest.approx(2.0)
    assert scores["drought_recovery_lag"][0] == pytest.approx(1.0)
    assert scores["drought_detection_rate"][0] == pytest.approx(2 / 3)


def test_row_without_drought_has_no_lag() -> None:
    wet = series_of("w" * 50)
    scores = droughts_family(wet, wet, np.array([0.2])).totals()
    assert all(np.isnan(values[0]) for values in scores.values())
