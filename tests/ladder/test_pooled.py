"""Inputs, regressions and trees of pooled rungs, against values found by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.problems import make_problem
from somobench.ladder.boosting import count_best_trees, make_boosting_learner
from somobench.ladder.fit import Fit
from somobench.ladder.inputs import (
    Column,
    Design,
    Places,
    derive_design,
    standardise_statics,
    take_rows,
)
from somobench.ladder.pooled import Learned, Parts, Sample, fit_pooled, measure_errors
from somobench.ladder.references import shift_days
from somobench.ladder.regressions import (
    cluster_learner,
    learn_line,
    make_ridge_learner,
)
from somobench.schemas.baseline_params import BaselineParams, BoostingParams

EMPTY: Parts = []


def places(*pairs: tuple[int, int]) -> Places:
    cells, days = np.array(pairs).T
    return Places(cells, days)


def test_rows_hold_the_standardised_weather_of_as_many_days_before(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng)
    rain = np.arange(12, dtype="float32").reshape(2, 6)
    problem = replace(
        problem,
        forcing={"precipitation": rain},
        normalisation={"precipitation": (2.0, 4.0)},
    )
    design = Design(
        (Column("precipitation", 0), Column("precipitation", 3)), statics=False
    )
    # Cell 0 has rain 0 1 2 3 4 5: day 4 is (4-2)/4 = 0.5, three days before (1-2)/4.
    # Cell 1 has rain 6 to 11: day 2 is (8-2)/4 = 1.5; three days before lies outside
    # the period and counts as average, 0.
    rows = take_rows(problem, design, places((0, 4), (1, 2)))
    assert rows.tolist() == [[0.5, -0.25], [1.5, 0.0]]


def test_statics_are_standardised_over_train_cells_and_dropped_where_useless(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng, "spatial")
    # Places 1 and 4 are held out. Train cells have 1, 3, 1, 3: mean 2, deviation 1.
    statics = {
        "changing": np.array([1.0, 5.0, 3.0, 1.0, -2.0, 3.0]),
        "constant": np.array([7.0, 1.0, 7.0, 7.0, 2.0, 7.0]),
        "unknown": np.array([1.0, 2.0, 3.0, 4.0, np.nan, 6.0]),
    }
    found = standardise_statics(replace(problem, statics=statics))
    assert [values.tolist() for values in found] == [[-1, 3, 1, -1, -4, 1]]


@pytest.mark.parametrize(
    ("name", "columns", "above"),
    # Five weather variables; seven lags beside the day itself; skin temperature.
    [("forcing", 5, False), ("memory", 5 * 8, False), ("state", 5 * 8 + 1, True)],
)
def test_design_follows_the_definition_of_the_feature_set(
    name: str, columns: int, above: bool, rng: np.random.Generator
) -> None:
    design = derive_design(make_problem(rng), name)
    assert len(design.columns) == columns
    assert design.above is above
    lags = {column.lag for column in design.columns if "skin" in column.name}
    assert lags <= {0}


def test_ridge_is_the_closed_form_with_a_penalty_for_each_row(
    rng: np.random.Generator,
) -> None:
    x, noise = rng.normal(size=(50, 3)), rng.normal(size=50)
    y = x @ np.array([1.0, -2.0, 0.5]) + 3 + 0.1 * noise
    learned = make_ridge_learner([0.2])(Sample(x, y), [lambda: Sample(x, y)])
    centre = x - x.mean(axis=0)
    slopes = np.linalg.solve(
        centre.T @ centre + 0.2 * 50 * np.eye(3), centre.T @ (y - y.mean())
    )
    expected = y.mean() + centre @ slopes
    np.testing.assert_allclose(learned.predict(x), expected, rtol=1e-10)


def test_ridge_takes_the_penalty_with_the_least_validation_error(
    rng: np.random.Generator,
) -> None:
    x = rng.normal(size=(200, 1))
    train = Sample(x, 2 * x[:, 0])
    # Validation rows follow a slope of 1: with deviation about 1, a penalty of p
    # leaves a slope of 2 / (1 + p), so that of the three a penalty of 1 serves best.
    validation = [lambda: Sample(x, x[:, 0])]
    learned = make_ridge_learner([100.0, 1.0, 0.0001])(train, validation)
    assert learned.chosen == {"penalty": 1.0, "penalty_source": "validation values"}


def test_ridge_takes_the_middle_penalty_without_validation_rows() -> None:
    train = Sample(np.arange(5.0)[:, None], np.arange(5.0))
    learned = make_ridge_learner([10.0, 0.1, 1.0])(train, EMPTY)
    assert learned.chosen == {
        "penalty": 1.0,
        "penalty_source": "no validation values",
    }


def test_line_goes_through_points_on_a_line() -> None:
    # y = 0.1 + 0.02 x
    sample = Sample(np.array([[0.0], [5.0], [10.0]]), np.array([0.1, 0.2, 0.3]))
    learned = learn_line(sample, EMPTY)
    assert learned.predict(np.array([[2.0]])) == pytest.approx([0.14])


def test_clusters_each_have_a_line_of_their_own(rng: np.random.Generator) -> None:
    # y = x below 0 and y = 10 - x above: no single line, but two clusters at -5 and 5.
    x = np.concatenate([rng.normal(-5, 0.5, 100), rng.normal(5, 0.5, 100)])
    sample = Sample(x[:, None], np.where(x < 0, x, 10 - x))
    learned = cluster_learner(BaselineParams(clusters=2))(sample, EMPTY)
    predicted = learned.predict(np.array([[-4.0], [6.0]]))
    assert predicted == pytest.approx([-4.0, 4.0])
    assert learned.chosen == {"clusters": 2, "small_clusters": 0}


def test_cluster_with_few_rows_takes_the_line_over_all(
    rng: np.random.Generator,
) -> None:
    x = np.concatenate([rng.normal(0, 0.5, 100), np.full(5, 50.0)])
    sample = Sample(x[:, None], np.where(x < 25, 0.0, 1.0))
    params = BaselineParams(clusters=2, cluster_minimum_values=6)
    learned = cluster_learner(params)(sample, EMPTY)
    far = np.array([[50.0], [60.0]])
    # In its own cluster the target is constant; the overall line still rises.
    overall = learn_line(sample, EMPTY).predict(far)
    assert learned.predict(far) == pytest.approx(overall)
    assert overall[1] > overall[0] + 0.1
    assert learned.chosen["small_clusters"] == 1


def test_clusters_are_no_more_than_the_distinct_inputs() -> None:
    sample = Sample(np.array([[0.0], [1.0]] * 20), np.arange(40.0))
    learned = cluster_learner(BaselineParams(clusters=27))(sample, EMPTY)
    assert learned.chosen["clusters"] == 2


def test_trees_stop_where_the_validation_error_is_least() -> None:
    class Stages:
        """Predict 0.5, 0.9 and 1.4 after one, two and three trees."""

        def staged_predict(self, inputs: np.ndarray) -> list[np.ndarray]:
            return [np.full(len(inputs), value) for value in (0.5, 0.9, 1.4)]

    validation = [lambda: Sample(np.zeros((4, 1)), np.ones(4))]
    assert count_best_trees(Stages(), validation) == 2
    assert count_best_trees(Stages(), EMPTY) == 0


def test_boosting_predicts_with_the_trees_that_it_chose(
    rng: np.random.Generator,
) -> None:
    x = rng.normal(size=(400, 2))
    y = np.where(x[:, 0] > 0, 1.0, 0.0)
    params = BoostingParams(trees=30, leaf_minimum_values=5, learning_rate=0.3)
    train, validation = Sample(x[:300], y[:300]), [lambda: Sample(x[300:], y[300:])]
    learned = make_boosting_learner(params, 1)(train, validation)
    fewer = params.model_copy(update={"trees": learned.chosen["trees"]})
    refitted = make_boosting_learner(fewer, 1)(train, EMPTY)
    assert learned.predict(x).tobytes() == refitted.predict(x).tobytes()
    assert np.mean((learned.predict(x[300:]) - y[300:]) ** 2) < 0.02


def test_errors_over_parts_are_those_over_all_rows() -> None:
    # Errors 1, 2 and 4, which count once, twice and once: (1 + 2 * 4 + 16) / 4 = 6.25;
    # a model that predicts 1 more has errors 0, 1 and 3: (0 + 2 * 1 + 9) / 4 = 2.75.
    first = Sample(np.zeros((2, 1)), np.array([1.0, 2.0]), np.array([1.0, 2.0]))
    second = Sample(np.zeros((1, 1)), np.array([4.0]), np.array([1.0]))
    errors = measure_errors(
        lambda rows: [rows[:, 0], rows[:, 0] + 1], [lambda: first, lambda: second]
    )
    assert errors.tolist() == [6.25, 2.75]


def test_layer_above_is_an_input_below_the_first_layer(
    rng: np.random.Generator,
) -> None:
    # Layer 2 is made a line of layer 1, which no weather can tell.
    problem = make_problem(rng)
    assert problem.observed is not None
    targets = [problem.train_target, problem.validation_target, problem.observed]
    made = []
    for target in targets:
        changed = target.copy()
        changed[1] = 0.1 + 0.5 * changed[0]
        made.append(changed)
    problem = replace(
        problem, train_target=made[0], validation_target=made[1], observed=made[2]
    )
    design = Design((Column("precipitation", 0),), statics=False, above=True)
    fit = fit_pooled(problem, design, learn_line)
    assert isinstance(fit, Fit)
    wanted = problem.test[1] & np.isfinite(made[2][0])
    np.testing.assert_allclose(fit.values[1][wanted], made[2][1][wanted], rtol=1e-6)
    assert fit.summary["layer1"]["inputs"] == 1
    assert fit.summary["layer2"]["inputs"] == 2


def test_fit_draws_no_more_rows_than_allowed(rng: np.random.Generator) -> None:
    seen = []

    def learn(train: Sample, _validation: Parts) -> Learned:
        seen.append(train)
        return Learned(lambda rows: np.zeros(len(rows)), {})

    design = Design((Column("precipitation", 0),), statics=False)
    problem = make_problem(rng, maximum_values=100)
    for _ in range(2):
        fit = fit_pooled(problem, design, learn)
    assert isinstance(fit, Fit)
    assert fit.summary["layer1"]["drawn_values"] == 100
    assert [len(sample.target) for sample in seen] == [100] * 4
    # The same rows in the second run, and other rows than in the other layer.
    assert np.array_equal(seen[0].inputs, seen[2].inputs)
    assert not np.array_equal(seen[0].inputs, seen[1].inputs)


def test_day_before_shifts_each_series_by_a_day() -> None:
    series = np.array([[0.1, 0.2, 0.3], [0.4, np.nan, 0.6]])
    expected = np.array([[np.nan, 0.1, 0.2], [np.nan, 0.4, np.nan]])
    np.testing.assert_array_equal(shift_days(series, 1), expected)
