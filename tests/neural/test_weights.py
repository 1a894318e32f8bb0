"""How much days count, by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.problems import make_problem
from somobench.ladder.boosting import make_boosting_learner
from somobench.ladder.pooled import Sample, measure_errors
from somobench.ladder.regressions import make_ridge_learner
from somobench.ladder.rungs import Prediction, fit_predict
from somobench.neural.weights import weigh_problem, weigh_targets
from somobench.schemas.baseline_params import BoostingParams


def test_balance_gives_dry_wet_and_other_days_the_same_weight_in_all() -> None:
    # Percentiles 10 and 90 of 0 to 10 are 1 and 9: one day below, one above, nine not.
    target = np.arange(11.0)[None, None] / 100
    weights = weigh_targets(target, "quantile")[0, 0]
    assert weights[[0, 10]] == pytest.approx([11 / 3, 11 / 3])
    assert weights[1:10] == pytest.approx([11 / 27] * 9)


def test_extreme_days_count_one_plus_the_square_of_their_deviation() -> None:
    # Mean 0, deviation 1; the last day counts as three deviations away.
    train = np.array([[[-1.0, 1.0, np.nan, np.nan, np.nan]]])
    target = np.array([[[np.nan, np.nan, 0.0, 2.0, 7.0]]])
    weights = weigh_targets(target, "extreme", train)[0, 0]
    assert weights.tolist() == [0, 0, *(np.array([1, 5, 10]) / (16 / 3)).tolist()]


def test_uniform_weighting_leaves_a_problem_as_it_is(rng: np.random.Generator) -> None:
    problem = make_problem(rng)
    assert weigh_problem(problem, "uniform") is problem


@pytest.mark.parametrize("rung", ["ridge_memory", "gradient_boosting"])
def test_even_weights_predict_as_none(rung: str, rng: np.random.Generator) -> None:
    problem = make_problem(rng)
    even = np.isfinite(problem.train_target) * 2.0
    weighed = replace(problem, train_weight=even)
    first, second = (fit_predict(rung, each) for each in (problem, weighed))
    assert isinstance(first, Prediction)
    assert isinstance(second, Prediction)
    np.testing.assert_allclose(first.values, second.values, atol=2e-4)


def test_weight_of_two_is_a_row_given_twice() -> None:
    rng = np.random.default_rng(1)
    inputs, target = rng.normal(size=(60, 2)), rng.normal(size=60)
    twice = np.r_[np.arange(60), np.arange(20)]
    weighed = Sample(inputs, target, np.where(np.arange(60) < 20, 2.0, 1.0))
    repeated = Sample(inputs[twice], target[twice])
    fits = [make_ridge_learner([0.7])(sample, []) for sample in (weighed, repeated)]
    found, expected = (fit.predict(inputs) for fit in fits)
    np.testing.assert_allclose(found, expected)


def test_choice_on_validation_rows_follows_their_weight() -> None:
    inputs = np.zeros((2, 1))
    sample = Sample(inputs, np.array([0.0, 1.0]), np.array([1.0, 3.0]))
    errors = measure_errors(lambda rows: [np.zeros(len(rows))], [lambda: sample])
    assert errors.tolist() == [0.75]


def test_trees_lean_towards_heavy_rows() -> None:
    # Rows that inputs can't tell apart: the fit is their weighted mean.
    params = BoostingParams(trees=50, leaf_minimum_values=1)
    rows = np.zeros((40, 1))
    target = np.tile([0.0, 1.0], 20)
    train = Sample(rows, target, np.tile([1.0, 3.0], 20))
    learned = make_boosting_learner(params, 1)(train, [])
    assert learned.predict(rows[:1])[0] == pytest.approx(0.75, abs=1e-3)
