"""Forecasts: by hand, in a world whose rule is known, and what they may not read."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.problems import make_problem
from somobench.ladder.forecasts import (
    FORECASTS,
    LEADS,
    carry_error,
    forecast,
    measure_damping,
)
from somobench.ladder.problem import Problem
from somobench.ladder.references import shift_days

TEMPORAL_TEST = 700  # first test day of the factory's split


@pytest.fixture(scope="module")
def problem() -> Problem:
    return make_problem(np.random.default_rng(4))


def test_damping_of_an_error_that_halves_each_day() -> None:
    error = np.array([[[8.0, 4.0, 2.0, 1.0]]])
    assert measure_damping(error, (1, 2)).tolist() == [[0.5], [0.25]]


def test_damping_counts_pairs_of_known_days_alone() -> None:
    # Pairs a day apart: 2 to 1 and 4 to 4, so (2 + 16) / (4 + 16).
    error = np.array([[[2.0, 1.0, np.nan, 4.0, 4.0]]])
    assert measure_damping(error, (1,)).item() == pytest.approx(0.9)


def test_what_is_left_of_an_error_is_added_to_later_days() -> None:
    base = np.array([[[0.2, 0.3, 0.4]]])
    observed = np.array([[[0.3, np.nan, 0.9]]])
    found = carry_error(base, observed, np.array([[0.5], [0.1]]), (1, 2))
    # Error 0.1 on the first day: 0.3 + 0.05 a day later, 0.4 + 0.01 two days later.
    assert found[0, 0, 0].tolist() == pytest.approx([np.nan, 0.35, np.nan], nan_ok=True)
    assert found[1, 0, 0].tolist() == pytest.approx([np.nan] * 2 + [0.41], nan_ok=True)


@pytest.mark.parametrize("name", FORECASTS)
def test_forecast_reads_the_issue_day_and_none_later(
    problem: Problem, name: str
) -> None:
    day = 800
    assert problem.observed is not None
    observed = problem.observed.copy()
    assert np.isfinite(observed[0, 0, day])
    observed[0, 0, day] += 0.05
    before = forecast(name, problem)
    after = forecast(name, replace(problem, observed=observed))
    same = (before == after) | (np.isnan(before) & np.isnan(after))
    changed = {(lead + 1, cell, at) for lead, _, cell, at in np.argwhere(~same)}
    # The forecast of day t at lead L reads day t - L.
    assert changed <= {(lead, 0, day + lead) for lead in LEADS}
    assert (1, 0, day + 1) in changed


@pytest.mark.parametrize("name", FORECASTS)
def test_forecast_is_fitted_without_test_days(problem: Problem, name: str) -> None:
    assert problem.observed is not None
    observed = problem.observed.copy()
    observed[:, 1:, TEMPORAL_TEST:] += 0.1
    before = forecast(name, problem)
    after = forecast(name, replace(problem, observed=observed))
    np.testing.assert_array_equal(before[:, :, 0], after[:, :, 0])


@pytest.mark.parametrize("name", FORECASTS)
def test_forecast_is_missing_where_the_issue_day_is(
    problem: Problem, name: str
) -> None:
    assert problem.observed is not None
    found = forecast(name, problem)
    for number, lead in enumerate(LEADS):
        known = np.isfinite(shift_days(problem.observed, lead))
        known &= np.isfinite(problem.climatology) | (name != "damped_persistence")
        assert (np.isfinite(found[number]) == (known & problem.test)).all()


def test_rollout_of_one_step_is_the_direct_forecast(problem: Problem) -> None:
    rollout, direct = (
        forecast(name, problem)[0] for name in ("ridge_rollout", "ridge_direct")
    )
    np.testing.assert_array_equal(rollout, direct)


def test_rollout_follows_the_rule_of_its_world(problem: Problem) -> None:
    # Soil keeps a share of its water and takes up a share of the rain: a line from day
    # to day holds it exactly, ten days ahead as well as one.
    rain = problem.forcing["precipitation"].astype(float)
    water = np.zeros_like(rain)
    for day in range(1, rain.shape[1]):
        water[:, day] = 0.9 * water[:, day - 1] + 0.1 * rain[:, day]
    soil = np.stack([0.1 + 0.02 * water] * 2)
    days = (
        np.isfinite(values)
        for values in (problem.train_target, problem.validation_target)
    )
    train, validation = (np.where(known, soil, np.nan) for known in days)
    made = replace(
        problem, observed=soil, train_target=train, validation_target=validation
    )
    found = forecast("ridge_rollout", made)
    for number in (0, 9):
        tested = np.isfinite(found[number])
        assert np.abs(found[number] - soil)[tested].max() < 1e-3
