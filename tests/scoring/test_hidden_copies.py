"""The target on single days, and behind a curve; and what only seems so."""

from __future__ import annotations

import numpy as np
import pytest

from somobench.scoring.hidden_copies import find_monotone, find_partly_equal

EQUAL = 5.5e-6


def make_target(days: int = 400, seed: int = 0) -> np.ndarray:
    """Return a series that rises and falls, five decimals, (1, days)."""
    steps = np.random.default_rng(seed).standard_normal((1, days))
    values = steps.copy()
    for day in range(1, days):
        values[:, day] = 0.9 * values[:, day - 1] + 0.4 * steps[:, day]
    return np.round(0.25 + 0.03 * values, 5)


@pytest.mark.parametrize(("share", "found"), [(0.5, True), (0.1, True), (0.02, False)])
def test_target_on_a_share_of_days_is_found(share: float, found: bool) -> None:
    target, other = make_target(), make_target(seed=1)
    copied = np.random.default_rng(2).random(target.shape) < share
    mixed = np.where(copied, target, other)
    is_partly, days = find_partly_equal(mixed, target, EQUAL)
    assert is_partly.tolist() == [found]
    # All copied days count but the first, which has no day before.
    assert days[0] == copied[:, 1:].sum()


def test_few_values_of_a_coarse_sensor_are_no_copy() -> None:
    target, other = (np.round(make_target(seed=seed), 2) for seed in (0, 1))
    assert (np.abs(other - target) < EQUAL).mean() > 0.05
    assert not find_partly_equal(other, target, EQUAL)[0].any()


def test_target_of_another_day_is_no_copy_of_today() -> None:
    target = np.round(make_target(), 2)
    assert not find_partly_equal(np.roll(target, 2, axis=1), target, EQUAL)[0].any()


@pytest.mark.parametrize("curve", [np.sqrt, np.exp, lambda x: -(x**3), np.log])
def test_target_behind_a_curve_is_found(curve: object) -> None:
    target = make_target()
    assert find_monotone(curve(target), target, 0.02).tolist() == [True]  # type: ignore[operator]


def test_day_before_and_noise_are_no_curve() -> None:
    target = make_target()
    noisy = target + 0.005 * np.random.default_rng(1).standard_normal(target.shape)
    for values in (np.roll(target, 1, axis=1), noisy, np.full_like(target, 0.25)):
        assert not find_monotone(values, target, 0.02).any()


def test_dry_down_without_a_turn_is_not_looked_at() -> None:
    days = np.arange(200.0)
    target = 0.4 * np.exp(-days / 80)[None]
    assert not find_monotone(0.35 * np.exp(-days / 60)[None], target, 0.02).any()
