"""The published target rule: numbers derived by hand, ties, thresholds, order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from somobench.pipelines.targets.matching import (
    NO_VARIANCE,
    Matching,
    Rejection,
    Series,
    apply_matching,
    compute_standard_deviation,
    correlate,
    match_moments,
)
from somobench.pipelines.targets.rule import (
    LOW_CORRELATION,
    NO_SOURCE,
    OVERLAP_NEGATIVES,
    OVERLAP_PRIMARY,
    OVERLAP_REFERENCE,
    TOO_FEW_DAYS,
    Candidate,
    IntervalTarget,
    Secondary,
    Thresholds,
    choose_interval,
    fill_gaps,
    make_filling_key,
    match_secondary,
    scale_candidate,
    station_spread,
    take_in_situ,
)
from somobench.statistics.digits import quantise

NAN = np.nan
SHORT = Thresholds(3, 3, 3, 0.30, 5)
"""The rule with overlaps and lengths of three days, for series short enough to see."""


def candidate(name: str, raw: Series, *, matching: Matching | None = None) -> Candidate:
    """Return a candidate scaled by `matching`, by default left as it is."""
    line = matching or Matching(1.0, 0.0, 0)
    return Candidate(name, f"id {name}", 0, raw, apply_matching(raw, line), line)


def scaled(raw: Series, reference: Series | None, thresholds: Thresholds) -> object:
    return scale_candidate(
        "a", "a", 0, raw=raw, reference=reference, thresholds=thresholds
    )


def wave(length: int, *, seed: int = 1, level: float = 0.3) -> Series:
    """Return a noisy season around `level`."""
    noise = np.random.default_rng(seed).normal(0, 0.01, length)
    return level + 0.05 * np.sin(np.arange(length) / 9) + noise


def interval(depth: tuple[int, int], name: str, length: int) -> IntervalTarget:
    raw = np.where(np.arange(200) < length, wave(200), NAN)
    return fill_gaps(*depth, [candidate(name, raw)], Thresholds())


def test_standard_deviation_divides_by_one_less_than_the_count() -> None:
    # mean 2.5, squares 2.25 + 0.25 + 0.25 + 2.25 = 5, over 4 - 1
    assert compute_standard_deviation(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(
        np.sqrt(5 / 3)
    )


def test_standard_deviation_of_a_stuck_sensor_is_exactly_zero() -> None:
    assert np.full(7, 0.1).std(ddof=1) > 0  # the formula alone misses it
    assert compute_standard_deviation(np.full(7, 0.1)) == 0
    assert np.isnan(compute_standard_deviation(np.array([0.1])))


def test_matching_gives_mean_and_deviation_of_the_other_series() -> None:
    # Shared days: x 0.1 0.2 0.3 (mean 0.2, std 0.1); y 0.28 0.34 0.34 (mean 0.32,
    # std sqrt((0.0016 + 0.0004 + 0.0004) / 2) = 0.0346410).
    x = np.array([0.1, 0.2, 0.3, 0.9, NAN])
    y = np.array([0.28, 0.34, 0.34, NAN, 0.9])
    matching = match_moments(x, y, 3, "short")
    assert matching == pytest.approx(Matching(0.346410, 0.250718, 3), abs=1e-6)


def test_matching_transforms_days_outside_the_overlap_too() -> None:
    # slope 0.02 / 0.1 = 0.2, offset 0.32 - 0.2 * 0.2 = 0.28; 0.28 + 0.2 * 0.9 = 0.46
    x = np.array([0.1, 0.2, 0.3, 0.9])
    y = np.array([0.30, 0.32, 0.34, NAN])
    matching = match_moments(x, y, 3, "short")
    assert isinstance(matching, Matching)
    assert apply_matching(x, matching) == pytest.approx([0.30, 0.32, 0.34, 0.46])


def test_matched_values_below_zero_are_missing_and_large_ones_stay() -> None:
    values = apply_matching(np.array([0.0, 0.1, 5.0, NAN]), Matching(2.0, -0.1, 9))
    assert values == pytest.approx([NAN, 0.1, 9.9, NAN], nan_ok=True)


@pytest.mark.parametrize("stuck", ["series", "reference"])
def test_matching_refuses_a_constant_series(stuck: str) -> None:
    flat, moving = np.full(4, 0.1), np.array([0.1, 0.2, 0.1, 0.3])
    pair = (flat, moving) if stuck == "series" else (moving, flat)
    assert match_moments(*pair, 3, "short") == Rejection(NO_VARIANCE, 0.0, 0.0)


@pytest.mark.parametrize(("overlap", "accepted"), [(89, False), (90, True)])
def test_reference_overlap_needs_ninety_days(overlap: int, accepted: bool) -> None:
    raw = wave(200)
    reference = np.where(np.arange(200) < overlap, wave(200, seed=2), NAN)
    outcome = scaled(raw, reference, Thresholds())
    if accepted:
        assert isinstance(outcome, Candidate)
        assert outcome.matching.overlap_days == 90
    else:
        assert outcome == Rejection(OVERLAP_REFERENCE, 89, 90)


@pytest.mark.parametrize(("length", "accepted"), [(89, False), (90, True)])
def test_ninety_valid_days_must_be_left_without_a_reference(
    length: int, accepted: bool
) -> None:
    raw = np.where(np.arange(200) < length, wave(200), NAN)
    outcome = scaled(raw, None, Thresholds())
    assert isinstance(outcome, Candidate) is accepted
    assert accepted or outcome == Rejection(TOO_FEW_DAYS, 89, 90)


def test_valid_days_are_counted_after_negatives_are_removed() -> None:
    # x mean 0.2, std 0.1; y mean 0.02, std sqrt((0.0004+0.0004+0.0016)/2) = 0.034641:
    # the first day becomes 0.02 - 0.034641 < 0, so two valid days are left.
    raw, reference = np.array([0.1, 0.2, 0.3]), np.array([0.0, 0.0, 0.06])
    assert scaled(raw, reference, SHORT) == Rejection(TOO_FEW_DAYS, 2, 3)


def test_scaled_values_are_rounded_to_five_decimals() -> None:
    raw = np.array([0.1234567, 0.2, 0.3])
    outcome = scaled(raw, None, SHORT)
    assert isinstance(outcome, Candidate)
    assert outcome.values.tolist() == [0.12346, 0.2, 0.3]
    assert outcome.raw[0] == 0.1234567


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_primary_has_the_moments_of_the_reference_on_shared_days(seed: int) -> None:
    rng = np.random.default_rng(seed)
    raw = np.where(rng.random(300) < 0.3, NAN, rng.uniform(0.05, 0.4, 300))
    reference = np.where(rng.random(300) < 0.2, NAN, rng.normal(0.3, 0.02, 300))
    outcome = scaled(raw, reference, Thresholds())
    assert isinstance(outcome, Candidate)
    shared = np.isfinite(raw) & np.isfinite(reference)
    assert np.isfinite(outcome.values[shared]).all()
    values, wanted = outcome.values[shared], reference[shared]
    assert values.mean() == pytest.approx(wanted.mean(), abs=1e-5)
    assert values.std(ddof=1) == pytest.approx(wanted.std(ddof=1), abs=1e-5)


def test_pearson_agrees_with_numpy() -> None:
    x, y = wave(50), wave(50, seed=3)
    assert correlate(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])
    assert np.isnan(correlate(x, np.full(50, 0.2)))


def test_primary_has_most_valid_days_then_the_first_name() -> None:
    longest = candidate("z", wave(100))
    shorter = candidate("a", np.where(np.arange(100) < 95, wave(100), NAN))
    assert fill_gaps(5, 5, [shorter, longest], Thresholds()).primary is longest
    equal = candidate("b", wave(100, seed=5))
    assert fill_gaps(5, 5, [longest, equal], Thresholds()).primary is equal


def test_secondary_fills_only_missing_days_and_nothing_is_averaged() -> None:
    # Primary 0.2 0.3 0.4 0.3 - 0.3 (five values). Secondary 0.1 0.2 0.3 - 0.5 - shares
    # three days: slope 0.1 / 0.1 = 1, offset 0.3 - 0.2 = 0.1; day 5 gets 0.5 + 0.1.
    primary = candidate("a", np.array([0.2, 0.3, 0.4, 0.3, NAN, 0.3]))
    secondary = candidate("b", np.array([0.1, 0.2, 0.3, NAN, 0.5, NAN]))
    target = fill_gaps(5, 5, [secondary, primary], SHORT)
    assert target.values == pytest.approx([0.2, 0.3, 0.4, 0.3, 0.6, 0.3])
    assert target.source.tolist() == [0, 0, 0, 0, 1, 0]
    assert (target.length, len(target.used)) == (6, 1)


def test_filled_values_are_rounded_to_five_decimals() -> None:
    # Shared days: primary mean 0.3, std 0.1; secondary mean 0.7 / 3, std 0.1527525:
    # slope 0.6546537, offset 0.1472475; 0.1472475 + 0.6546537 * 0.5 = 0.4745743
    primary = candidate("a", np.array([0.2, 0.3, 0.4, 0.3, NAN]))
    secondary = candidate("b", np.array([0.1, 0.2, 0.4, NAN, 0.5]))
    assert fill_gaps(5, 5, [primary, secondary], SHORT).values[4] == 0.47457


def test_better_correlated_secondary_fills_first() -> None:
    base = wave(200)
    hole = np.isin(np.arange(200), (10, 11))
    primary = candidate("a", np.where(hole, NAN, base))
    shorter = np.where(np.arange(200) < 150, 0.5 * base + 0.1, NAN)
    good = candidate("z", np.where(np.arange(200) == 11, NAN, shorter))
    poor = candidate("b", np.where(np.arange(200) < 180, wave(200, seed=8), NAN))
    target = fill_gaps(5, 5, [poor, primary, good], Thresholds())
    assert [item.candidate.name for item in target.accepted] == ["z", "b"]
    # A perfect line gives back what the primary would have had.
    assert target.values[10] == pytest.approx(base[10], abs=1e-5)
    assert target.source[[9, 10, 11]].tolist() == [0, 1, 2]


def test_equal_secondaries_are_ordered_by_overlap_length_and_name() -> None:
    def secondary(name: str, correlation: float, overlap: int, valid: int) -> Secondary:
        raw = np.where(np.arange(200) < valid, wave(200), NAN)
        return Secondary(candidate(name, raw), raw, correlation, overlap)

    expected = [
        secondary("f", 0.9, 90, 90),
        secondary("e", 0.8, 150, 160),
        secondary("d", 0.8, 149, 170),
        secondary("b", 0.8, 149, 160),
        secondary("c", 0.8, 149, 160),
    ]
    shuffled = [expected[place] for place in (3, 1, 4, 0, 2)]
    assert sorted(shuffled, key=make_filling_key) == expected


@pytest.mark.parametrize(("overlap", "accepted"), [(89, False), (90, True)])
def test_secondary_needs_ninety_days_shared_with_the_primary(
    overlap: int, accepted: bool
) -> None:
    base = wave(200)
    primary = candidate("a", np.where(np.arange(200) < 120, base, NAN))
    other = candidate("b", np.where(np.arange(200) >= 120 - overlap, base, NAN))
    outcome = match_secondary(primary, other, Thresholds())
    assert isinstance(outcome, Secondary) is accepted
    assert accepted or outcome == Rejection(OVERLAP_PRIMARY, 89, 90)


def test_secondary_overlap_is_checked_again_without_negative_values() -> None:
    # Primary: 89 days near 0.001 and one of 0.5; the secondary moves the other way,
    # so its lowest days are matched to values below zero and drop out.
    primary = candidate("a", np.r_[np.linspace(0.001, 0.002, 89), 0.5])
    other = candidate("b", np.r_[np.linspace(0.3, 0.1, 89), 0.31])
    outcome = match_secondary(primary, other, Thresholds())
    assert isinstance(outcome, Rejection)
    assert outcome.reason == OVERLAP_NEGATIVES
    assert outcome.found is not None
    assert outcome.found < 90


@pytest.mark.parametrize(("correlation", "accepted"), [(0.299, False), (0.301, True)])
def test_secondary_is_rejected_below_a_correlation_of_three_tenths(
    correlation: float, accepted: bool
) -> None:
    # Orthogonal unit waves x and n give corr(x, r x + sqrt(1 - r^2) n) = r exactly.
    angle = np.arange(200) * 2 * np.pi / 200
    x, n = np.sin(angle), np.cos(angle)
    mixed = correlation * x + np.sqrt(1 - correlation**2) * n
    primary = candidate("a", 0.3 + 0.05 * x)
    outcome = match_secondary(primary, candidate("b", 0.3 + 0.05 * mixed), Thresholds())
    if accepted:
        assert isinstance(outcome, Secondary)
        assert outcome.correlation == pytest.approx(0.301)
    else:
        assert isinstance(outcome, Rejection)
        assert outcome == (LOW_CORRELATION, pytest.approx(0.299), 0.30)


@given(st.permutations(range(5)), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_order_of_candidates_changes_nothing(order: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    members = [
        candidate(
            f"s{number}",
            np.where(rng.random(250) < 0.3, NAN, wave(250, seed=number % 3)),
        )
        for number in range(5)
    ]
    expected = fill_gaps(5, 5, members, Thresholds())
    found = fill_gaps(5, 5, [members[place] for place in order], Thresholds())
    assert found.primary is expected.primary
    np.testing.assert_array_equal(found.values, expected.values)
    np.testing.assert_array_equal(found.source, expected.source)


@pytest.mark.parametrize(
    ("first", "second", "chosen"),
    [
        # |20 - 20| < |15 - 20|, although the other is longer
        (((20, 20), "b", 100), ((10, 20), "a", 200), "b"),
        # both 5 from 20: the longer one
        (((15, 15), "a", 100), ((25, 25), "b", 200), "b"),
        # as near and as long: the first text of the interval, whoever is its primary
        (((15, 15), "b", 100), ((25, 25), "a", 100), "b"),
    ],
)
def test_depth_interval_is_nearest_then_longest_then_first(
    first: tuple[tuple[int, int], str, int],
    second: tuple[tuple[int, int], str, int],
    chosen: str,
) -> None:
    intervals = [interval(*first), interval(*second)]
    for order in (intervals, intervals[::-1]):
        best = choose_interval(order, 20, 90)
        assert best is not None
        assert best.primary.name == chosen


def test_equal_intervals_are_ordered_by_their_text_and_not_by_networks() -> None:
    # IDX_<cell>_dep0-10.dat comes before IDX_<cell>_dep5-5.dat, though AAA is first.
    point = interval((5, 5), "AAA_one_sD5-sD5_probe.dat", 100)
    wide = interval((0, 10), "ZZZ_two_sD0-sD10_probe.dat", 100)
    for order in ([point, wide], [wide, point]):
        assert choose_interval(order, 5, 90) is wide


def test_depth_interval_below_the_minimum_length_is_not_chosen() -> None:
    assert choose_interval([interval((20, 20), "a", 89)], 20, 90) is None


def test_in_situ_gives_the_scaled_value_back_by_the_primary_line() -> None:
    line = Matching(0.5, 0.1, 90)
    # scaled 0.15 0.2 0.25 0.2 - ; the secondary shares three of them: slope 1,
    # offset 0.2 - 0.3 = -0.1, and fills 0.6 - 0.1 = 0.5, in situ (0.5 - 0.1) / 0.5
    primary = candidate("a", np.array([0.1, 0.2, 0.3, 0.2, NAN]), matching=line)
    secondary = candidate("b", np.array([0.25, 0.3, 0.35, NAN, 0.6]))
    target = fill_gaps(5, 5, [primary, secondary], SHORT)
    in_situ = take_in_situ(target, 5)
    assert in_situ == pytest.approx([0.1, 0.2, 0.3, 0.2, 0.8])
    assert np.round(0.1 + 0.5 * in_situ, 5) == pytest.approx(target.values)


def test_in_situ_of_the_primary_keeps_two_decimals_more_than_the_target() -> None:
    # 0.1 + 0.5 * 0.1234567 = 0.16172835; five decimals mapped back give 0.12346
    line = Matching(0.5, 0.1, 90)
    raw = np.array([0.12345674, 0.2, 0.3])
    values = np.round(apply_matching(raw, line), 5)
    primary = Candidate("a", "a", 0, raw, values, line)
    assert take_in_situ(fill_gaps(5, 5, [primary], SHORT), 5)[0] == 0.1234567


def test_in_situ_keeps_the_raw_value_where_scaling_went_negative() -> None:
    # 2 * 0.01 - 0.1 < 0 on days 1 and 2; the secondary fills only day 2:
    # shared 0.1 0.3 0.5 against 0.1 0.3 0.5, so 0.2 stays 0.2, in situ 0.15
    line = Matching(2.0, -0.1, 90)
    primary = candidate("a", np.array([0.01, 0.01, 0.1, 0.2, 0.3, 0.2]), matching=line)
    secondary = candidate("b", np.array([NAN, 0.2, 0.1, 0.3, 0.5, NAN]))
    target = fill_gaps(5, 5, [primary, secondary], SHORT)
    assert target.source.tolist() == [NO_SOURCE, 1, 0, 0, 0, 0]
    assert np.isnan(target.values[0])
    assert take_in_situ(target, 5) == pytest.approx([0.01, 0.15, 0.1, 0.2, 0.3, 0.2])


def test_unscaled_target_is_its_in_situ_value_exactly() -> None:
    raw = np.array([0.1234567, 0.2, 0.3])
    outcome = scaled(raw, None, SHORT)
    assert isinstance(outcome, Candidate)
    target = fill_gaps(5, 5, [outcome], SHORT)
    assert take_in_situ(target, 5).tolist() == target.values.tolist()


def test_station_spread_is_that_of_the_unscaled_means() -> None:
    # means 0.2 and 0.3: std(ddof=1) = 0.1 / sqrt(2), mean 0.25, ratio 0.2828427
    primary = candidate("a", np.array([0.1, 0.2, 0.3, 0.2]))
    secondary = candidate("b", np.array([0.2, 0.3, 0.4, NAN]))
    target = fill_gaps(5, 5, [primary, secondary], SHORT)
    assert station_spread(target) == pytest.approx(0.2828427)
    assert np.isnan(station_spread(fill_gaps(5, 5, [primary], SHORT)))


def test_stored_factors_carry_twelve_significant_digits() -> None:
    values = quantise(np.array([[1 / 3], [2e-7 / 3]]))
    assert values.ravel().tolist() == [0.333333333333, 6.66666666667e-08]
