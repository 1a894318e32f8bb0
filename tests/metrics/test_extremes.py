"""Thresholds, two-by-two tables, SEDI at its edges, drought events and their lags."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from somobench.metrics.droughts import (
    droughts_family,
    find_drought_events,
    match_events,
)
from somobench.metrics.extremes import (
    compute_extreme_thresholds,
    extremes_family,
    mark_extreme_days,
    sedi,
)

NAN = np.nan


def table(*counts: float) -> float:
    """Return SEDI of hits, misses, false alarms and quiet days."""
    return float(sedi(*(np.array([count]) for count in counts))[0])


def test_thresholds_are_percentiles_of_train_days() -> None:
    # 0 to 100 in any order: the 10th percentile is 10, the 90th 90
    train = np.concatenate([np.arange(101.0)[::-1], [NAN] * 9])[None]
    limits = compute_extreme_thresholds(train)
    assert (limits["dry"][0], limits["wet"][0]) == (10.0, 90.0)


def test_row_with_few_train_days_has_no_threshold() -> None:
    train = np.full((2, 100), NAN)
    train[0, :90], train[1, :89] = 0.3, 0.3
    assert np.isnan(compute_extreme_thresholds(train)["dry"]).tolist() == [False, True]


def test_day_on_the_threshold_is_no_event() -> None:
    values, limit = np.array([[0.1, 0.2, 0.3, NAN]]), np.array([0.2])
    assert mark_extreme_days(values, limit, "dry")[0].tolist() == [
        True,
        False,
        False,
        False,
    ]
    assert mark_extreme_days(values, limit, "wet")[0].tolist() == [
        False,
        False,
        True,
        False,
    ]


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


# SEDI = (ln F - ln H + ln(1-H) - ln(1-F)) / (ln F + ln H + ln(1-H) + ln(1-F)) with the
# hit rate H and false-alarm rate F. Limits, at 0 < F < 1: ln H dominates as H goes to
# 0, -ln H / ln H = -1; ln(1-H) as H goes to 1, +1. At 0 < H < 1: +1 as F goes to 0, -1
# as F goes to 1. H = F is no skill, 0.
NO_HIT = -1.0
CORNERS = {
    # hits, misses, false alarms, quiet days: expected
    (0, 36, 1, 328): NO_HIT,  # H = 0
    (0, 5, 3, 92): NO_HIT,
    (0, 20, 8, 72): NO_HIT,
    (8, 12, 80, 0): NO_HIT,  # F = 1
    (0, 20, 80, 0): NO_HIT,  # everything wrong: H = 0, F = 1
    (0, 36, 0, 329): 0.0,  # never predicted: H = F = 0
    (36, 0, 329, 0): 0.0,  # always predicted: H = F = 1
    (5, 15, 20, 60): 0.0,  # H = F = 1/4
    (20, 0, 0, 80): 1.0,  # perfect
    (1, 0, 0, 1): 1.0,
    (0, 0, 5, 95): NAN,  # no event in the target
    (0, 0, 0, 100): NAN,
    (50, 50, 0, 0): NAN,  # nothing but events
    (0, 50, 0, 0): NAN,
    (0, 0, 0, 0): NAN,
}


@pytest.mark.parametrize(("counts", "expected"), CORNERS.items())
def test_sedi_at_the_corners_of_the_table(
    counts: tuple[int, ...], expected: float
) -> None:
    assert table(*counts) == pytest.approx(expected, abs=0, nan_ok=True)


def test_sedi_takes_a_rate_whose_limit_is_the_best_as_half_a_day_off() -> None:
    # no false alarm in 80 days counts as F = 1/160, no miss of 20 as H = 39/40
    assert table(10, 10, 0, 80) == pytest.approx(table(10, 10, 0.5, 79.5))
    assert table(20, 0, 8, 72) == pytest.approx(table(19.5, 0.5, 8, 72))
    assert 0 < table(10, 10, 1, 79) < table(10, 10, 0, 80) < 1
    assert 0 < table(19, 1, 8, 72) < table(20, 0, 8, 72) < 1


def test_half_a_day_off_does_not_turn_skill_over() -> None:
    # H = 1 > F = 4/5 with one event, and F = 0 < H = 1/10 with one other day: half a
    # day off would be H = 1/2 < F and F = 1/2 > H
    assert table(1, 0, 80, 20) == 0.0
    assert table(1, 9, 0, 1) == 0.0


@pytest.mark.parametrize("step", [1, 7])
def test_sedi_rises_with_hits_and_falls_with_false_alarms(step: int) -> None:
    by_hits = [table(hits, 36 - hits, 5, 300) for hits in range(0, 37, step)]
    by_alarms = [table(9, 27, alarms, 305 - alarms) for alarms in range(0, 306, step)]
    assert (np.diff(by_hits) > 0).all()
    assert (np.diff(by_alarms) < 0).all()


RATES = {
    # hits, misses, false alarms, quiet: hit rate, false-alarm rate, frequency bias
    (0, 4, 3, 5): (0.0, 3 / 8, 3 / 4),  # no hit
    (4, 0, 3, 5): (1.0, 3 / 8, 7 / 4),  # no miss
    (2, 2, 0, 8): (0.5, 0.0, 2 / 4),  # no false alarm
    (2, 2, 8, 0): (0.5, 1.0, 10 / 4),  # no quiet day
    (0, 4, 0, 8): (0.0, 0.0, 0.0),  # never predicted
    (4, 0, 8, 0): (1.0, 1.0, 3.0),  # always predicted
    (0, 0, 3, 9): (NAN, 3 / 12, NAN),  # no event
    (3, 9, 0, 0): (3 / 12, NAN, 3 / 12),  # nothing but events
    (0, 0, 0, 0): (NAN, NAN, NAN),
}


def series_of_table(
    side: str, hits: int, misses: int, false_alarms: int, quiet: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return prediction and target (1, day), 0.2 between events and other days."""
    event, other = (0.1, 0.3) if side == "dry" else (0.3, 0.1)
    predicted = [event] * hits + [other] * misses
    predicted += [event] * false_alarms + [other] * quiet
    observed = [event] * (hits + misses) + [other] * (false_alarms + quiet)
    gap = [NAN]  # a day without a pair, which also makes the empty table a series
    return np.array([predicted + gap]), np.array([observed + gap])


@pytest.mark.parametrize("side", ["dry", "wet"])
@pytest.mark.parametrize(("counts", "expected"), RATES.items())
def test_rates_at_the_corners_of_the_table(
    side: str, counts: tuple[int, ...], expected: tuple[float, ...]
) -> None:
    series = series_of_table(side, *counts)
    scores = extremes_family(side, *series, np.array([0.2])).totals()  # type: ignore[arg-type]
    names = ("hit_rate", "false_alarm_rate", "frequency_bias")
    found = [float(scores[f"{name}_{side}"][0]) for name in names]
    assert found == pytest.approx(list(expected), nan_ok=True)


@pytest.mark.parametrize("counts", [*RATES, *CORNERS, (7, 11, 13, 69)])
def test_table_agrees_with_scores_where_that_has_a_value(
    counts: tuple[int, ...],
) -> None:
    categorical = pytest.importorskip("scores.categorical")
    predicted, observed = series_of_table("wet", *counts)
    manager = categorical.BinaryContingencyManager(
        *(
            xr.DataArray(
                np.where(np.isnan(series[0]), NAN, series[0] > 0.2), dims="time"
            )
            for series in (predicted, observed)
        )
    ).transform()
    ours = extremes_family("wet", predicted, observed, np.array([0.2])).totals()
    compared = 0
    for name, oracle in (
        ("hit_rate", "probability_of_detection"),
        ("false_alarm_rate", "probability_of_false_detection"),
        ("frequency_bias", "frequency_bias"),
        ("sedi", "symmetric_extremal_dependence_index"),
    ):
        expected = float(getattr(manager, oracle)())
        if np.isfinite(expected):
            compared += 1
            assert float(ours[f"{name}_wet"][0]) == pytest.approx(expected, rel=1e-12)
    events, days = counts[0] + counts[1], sum(counts)
    assert compared >= (events > 0) * 2 + (days > events)


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
    events = find_drought_events(*states(text))
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
    events = find_drought_events(
        *states("-" * 6 + "d" * 12 + "w" * 6 + "d" * 12 + "-" * 6)
    )
    assert events.onset_known.tolist() == [False, True]
    assert events.recovery_known.tolist() == [True, False]


def test_event_is_matched_with_the_one_that_overlaps_most() -> None:
    target = find_drought_events(
        *states("w" * 5 + "d" * 40 + "w" * 20 + "d" * 10 + "w")
    )
    prediction = find_drought_events(
        *states("d" * 12 + "w" * 10 + "d" * 15 + "w" * 38 + "w")
    )
    # target [5, 45) meets [0, 12) for 7 days and [22, 37) for 15; [65, 75) meets none
    assert match_events(target, prediction).tolist() == [1, -1]
    nothing = find_drought_events(*states("w" * 30))
    assert match_events(target, nothing).tolist() == [-1, -1]
    assert match_events(nothing, target).tolist() == []


def series_of(text: str) -> np.ndarray:
    """Return soil moisture, 0.1 on dry and 0.3 on other days."""
    return np.where(np.array(list(text)) == "d", 0.1, 0.3)[None]


def test_lags_are_averages_over_matched_events() -> None:
    # Onsets 10 -> 13 and 60 -> 61: mean 2. Recoveries 30 -> 28 and 80 -> 84: mean 1.
    # A third event, at 110, is not predicted.
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


@pytest.mark.parametrize(
    ("target", "prediction", "rate", "lag"),
    [
        ("w" * 9 + "d" * 20 + "w" * 9, "w" * 38, 0.0, NAN),  # no hit
        ("w" * 9 + "d" * 20 + "w" * 9, "d" * 38, 1.0, NAN),  # always dry: no onset
        ("d" * 38, "d" * 38, 1.0, NAN),  # nothing but drought
        ("w" * 38, "w" * 9 + "d" * 20 + "w" * 9, NAN, NAN),  # false alarms alone
        ("w" * 9 + "d" * 20 + "w" * 9, "w" * 9 + "d" * 20 + "w" * 9, 1.0, 0.0),
    ],
)
def test_drought_scores_at_the_corners(
    target: str, prediction: str, rate: float, lag: float
) -> None:
    series = (series_of(letters) for letters in (prediction, target))
    scores = droughts_family(*series, np.array([0.2])).totals()
    names = ("drought_detection_rate", "drought_onset_lag", "drought_recovery_lag")
    found = [float(scores[name][0]) for name in names]
    assert found == pytest.approx([rate, lag, lag], nan_ok=True)


def test_row_without_drought_has_no_lag() -> None:
    wet = series_of("w" * 50)
    scores = droughts_family(wet, wet, np.array([0.2])).totals()
    assert all(np.isnan(values[0]) for values in scores.values())
