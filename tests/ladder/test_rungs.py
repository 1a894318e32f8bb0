"""The ladder: what rungs predict, what they may know, and when they are refused."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from factories.problems import (
    make_inputs,
    make_problem,
    make_recipe,
)
from somobench.ladder.fit import NotAvailable
from somobench.ladder.problem import TRAIN, Problem
from somobench.ladder.rungs import (
    RUNGS,
    Prediction,
    bound_and_round,
    fit_predict,
    list_missing_inputs,
    use_one_thread,
)
from somobench.pipelines.baselines import build_split_problem
from somobench.schemas.errors import UnknownNameError, UsageError

SPLITS = ("temporal", "spatial")
MARKED = [name for name, rung in RUNGS.items() if rung.needs_observations]
UNMARKED = [name for name in RUNGS if name not in MARKED]


def predicted(name: str, problem: Problem) -> np.ndarray[Any, Any]:
    outcome = fit_predict(name, problem)
    assert isinstance(outcome, Prediction)
    return outcome.values


def test_ladder_names_the_four_published_rungs_and_marks_those_with_observations() -> (
    None
):
    published = {name for name, rung in RUNGS.items() if rung.reference}
    assert published == {
        "climatology",
        "ridge_forcing",
        "ridge_memory",
        "ridge_state",
    }
    assert set(MARKED) == {"persistence", "ridge_state"}
    # Order of information: rungs that read observations stand above all others.
    assert list(RUNGS) == [*UNMARKED, *MARKED]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", UNMARKED)
def test_rung_predicts_every_test_day_of_cells_with_a_target_and_nothing_else(
    name: str, split: str, rng: np.random.Generator
) -> None:
    problem = make_problem(rng, split)
    assert (np.isfinite(predicted(name, problem)) == problem.test).all()


def test_state_rung_is_missing_below_the_first_layer_where_the_layer_above_is(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng)
    values = predicted("ridge_state", problem)
    above = np.isfinite(problem.observed[0])
    assert (np.isfinite(values[0]) == problem.test[0]).all()
    assert (np.isfinite(values[1]) == problem.test[1] & above).all()
    assert (problem.test[1] & ~above).any()


def test_statics_are_means_over_train_days_and_the_table_s_further_numbers(
    rng: np.random.Generator,
) -> None:
    inputs = make_inputs(rng, make_recipe())
    problem = build_split_problem("temporal", inputs, make_recipe())
    train = (problem.role == TRAIN).any(axis=0)
    rain, energy = (
        inputs.forcing[name].to_numpy()[:, train].mean(axis=1, dtype=float)
        for name in ("precipitation", "net_radiation")
    )
    assert set(problem.statics) == {
        "latitude",
        "mean_air_temperature",
        "log_dryness",
        "sand_fraction",
    }
    np.testing.assert_allclose(problem.statics["log_dryness"], np.log(energy / rain))
    assert problem.statics["sand_fraction"].tolist() == pytest.approx(
        [0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    )


@pytest.mark.parametrize(
    ("name", "without", "reason"),
    [
        (
            "cluster_regression",
            ("specific_humidity",),
            "the forcing has no relative_humidity or specific_humidity",
        ),
        (
            "linear_1",
            ("shortwave_radiation", "net_radiation"),
            "the forcing has no shortwave_radiation or net_radiation",
        ),
        (
            "water_balance",
            ("net_radiation", "air_temperature"),
            "the forcing has no net_radiation, no air_temperature",
        ),
        (
            "reanalysis",
            ("reanalysis_soil_moisture",),
            "the forcing has no reanalysis_soil_moisture",
        ),
        (
            "ridge_state",
            ("skin_temperature",),
            "feature set state: the forcing has no skin_temperature",
        ),
    ],
)
def test_rung_without_its_inputs_is_not_available_with_the_reason(
    name: str, without: tuple[str, ...], reason: str, rng: np.random.Generator
) -> None:
    problem = make_problem(rng, without=without)
    assert fit_predict(name, problem) == NotAvailable(reason)


def test_line_takes_net_radiation_where_there_is_no_shortwave(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng, without=("shortwave_radiation",))
    outcome = fit_predict("linear_1", problem)
    assert isinstance(outcome, Prediction)
    assert outcome.chosen["layer1"]["variables"] == ["net_radiation"]


def test_layer_without_enough_train_values_is_left_out_with_the_reason(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng)
    few = problem.train_target.copy()
    few[1] = np.nan
    few[1, 0, :89] = 0.2
    outcome = fit_predict("ridge_forcing", replace(problem, train_target=few))
    assert isinstance(outcome, Prediction)
    assert outcome.summary["layer2"] == {"not_available": "89 train values, 90 needed"}
    assert not np.isfinite(outcome.values[1]).any()
    assert np.isfinite(outcome.values[0]).any()


def test_rung_that_can_fit_no_layer_is_not_available(rng: np.random.Generator) -> None:
    problem = make_problem(rng)
    nothing = np.full_like(problem.train_target, np.nan)
    empty = replace(problem, train_target=nothing)
    assert fit_predict("gradient_boosting", empty) == NotAvailable(
        "layer1: 0 train values, 90 needed; layer2: 0 train values, 90 needed"
    )
    assert fit_predict("water_balance", empty) == NotAvailable(
        "layer1: no cell with 180 train values; layer2: no cell with 180 train values"
    )


def test_unknown_rung_is_refused_with_the_names_that_exist(
    rng: np.random.Generator,
) -> None:
    with pytest.raises(UnknownNameError, match="climatology, linear_1"):
        fit_predict("ridge", make_problem(rng))


def test_inputs_of_every_rung_are_present_in_the_small_world(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng)
    assert {
        name: list_missing_inputs(rung, problem) for name, rung in RUNGS.items()
    } == (dict.fromkeys(RUNGS, ""))


@pytest.mark.parametrize(
    "name", ["cluster_regression", "gradient_boosting", "ridge_state", "water_balance"]
)
def test_prediction_is_the_same_bits_on_one_and_on_two_threads(
    name: str, rng: np.random.Generator
) -> None:
    problem = make_problem(rng)
    found = []
    for threads in (1, 2):
        with threadpool_limits(limits=threads):
            found.append(predicted(name, problem).tobytes())
    assert found[0] == found[1]


def test_thread_pools_have_one_thread_while_a_rung_fits() -> None:
    with use_one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert {pool["user_api"] for pool in threadpool_info()} >= {"openmp", "blas"}


def test_predictions_are_rounded_and_kept_in_the_physical_range() -> None:
    # Soil moisture lies from 0 to 1.5 m3 m-3; targets have five decimals.
    values = bound_and_round(np.array([-0.1, 0.123456789, 1.7, np.nan, -0.000001]))
    expected = np.array([0.0, 0.12346, 1.5, np.nan, 0.0], "float32")
    assert values.tobytes() == expected.tobytes()


def test_ladder_without_scikit_learn_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    problem = make_problem(rng)
    monkeypatch.setitem(sys.modules, "sklearn.cluster", None)
    with pytest.raises(UsageError, match=r"somobench\[models\]"):
        fit_predict("ridge_forcing", problem)
