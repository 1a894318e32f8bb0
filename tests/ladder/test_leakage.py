"""What a rung may know: test days reach no prediction but as a marked rung's input."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import xarray as xr

from factories.problems import (
    FEW,
    HELD_OUT,
    VALIDATING,
    inputs_of,
    make_forcing,
    make_problem,
    make_recipe,
    make_targets,
)
from somobench.ladder.problem import TEST, TRAIN, VALIDATION, Problem
from somobench.ladder.rungs import (
    RUNGS,
    Prediction,
    fit_predict,
)
from somobench.pipelines.baselines import build_split_problem

pytestmark = pytest.mark.heavy

SPLITS = ("temporal", "spatial")
MARKED = [name for name, rung in RUNGS.items() if rung.needs_observations]
UNMARKED = [name for name in RUNGS if name not in MARKED]


def predicted(name: str, problem: Problem) -> np.ndarray[Any, Any]:
    outcome = fit_predict(name, problem)
    assert isinstance(outcome, Prediction)
    return outcome.values


def problem_with(targets: xr.Dataset, split: str) -> Problem:
    """Return the problem of altered targets, with features derived from them."""
    recipe = make_recipe()
    inputs = inputs_of(targets, make_forcing(np.random.default_rng(1)), recipe)
    return build_split_problem(split, inputs, recipe)


def original_targets() -> xr.Dataset:
    rng = np.random.default_rng(1)
    return make_targets(rng, make_forcing(rng))


def altered(targets: xr.Dataset, mask: np.ndarray[Any, Any]) -> xr.Dataset:
    """Turn values round where the mask (cell, day) says so.

    Full-record factors of cells with such a day change as well, as they would.
    """
    changed = targets.copy(deep=True)
    turned = 0.9 - targets["soil_moisture_in_situ"]
    changed["soil_moisture_in_situ"] = turned.where(
        mask, targets["soil_moisture_in_situ"]
    ).astype("float32")
    factor = 1 + 0.3 * xr.DataArray(mask.any(axis=1), dims="cell")
    changed["scale_slope"] = targets["scale_slope"] * factor
    return changed


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("name", UNMARKED)
def test_prediction_is_the_same_bits_whatever_the_test_days_held(
    name: str, split: str
) -> None:
    targets = original_targets()
    before = problem_with(targets, split)
    after = problem_with(altered(targets, before.role == TEST), split)
    assert not np.array_equal(before.observed, after.observed, equal_nan=True)
    assert predicted(name, before).tobytes() == predicted(name, after).tobytes()


@pytest.mark.parametrize(
    "name", [name for name in UNMARKED if name not in {"reanalysis"}]
)
def test_prediction_changes_with_the_train_days(name: str) -> None:
    # The test above would pass for a model that reads no target at all.
    targets = original_targets()
    before = problem_with(targets, "temporal")
    after = problem_with(altered(targets, before.role == TRAIN), "temporal")
    assert predicted(name, before).tobytes() != predicted(name, after).tobytes()


@pytest.mark.parametrize("name", UNMARKED)
def test_unmarked_rung_does_without_observations(
    name: str, rng: np.random.Generator
) -> None:
    problem = make_problem(rng)
    blind = problem.hide_observations()
    assert predicted(name, problem).tobytes() == predicted(name, blind).tobytes()


@pytest.mark.parametrize("name", MARKED)
def test_marked_rung_refuses_a_problem_without_observations(
    name: str, rng: np.random.Generator
) -> None:
    with pytest.raises(ValueError, match="needs observations"):
        fit_predict(name, make_problem(rng).hide_observations())


def test_persistence_answers_to_the_day_before_alone(rng: np.random.Generator) -> None:
    problem = make_problem(rng)
    day = 800
    observed = problem.observed.copy()
    observed[:, 0, day] = 0.5
    before = predicted("persistence", problem)
    after = predicted("persistence", replace(problem, observed=observed))
    changed = np.argwhere(~((before == after) | (np.isnan(before) & np.isnan(after))))
    assert changed.tolist() == [[0, 0, day + 1], [1, 0, day + 1]]
    assert after[:, 0, day + 1].tolist() == [0.5, 0.5]


def test_state_rung_answers_to_the_same_day_of_the_layer_above_alone(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng)
    day = 800
    observed = problem.observed.copy()
    observed[:, 0, day] = 0.9
    before = predicted("ridge_state", problem)
    after = predicted("ridge_state", replace(problem, observed=observed))
    changed = np.argwhere(~((before == after) | (np.isnan(before) & np.isnan(after))))
    assert changed.tolist() == [[1, 0, day]]


def test_targets_whose_factors_know_test_days_enter_no_fit(
    rng: np.random.Generator,
) -> None:
    # Cell FEW keeps full-record factors in layer 2, and it has test days.
    problem = make_problem(rng, "temporal")
    assert np.isfinite(problem.observed[1, FEW]).any()
    assert not np.isfinite(problem.train_target[1, FEW]).any()
    assert not np.isfinite(problem.validation_target[1, FEW]).any()
    assert np.isfinite(problem.train_target[0, FEW]).any()


def test_validation_cell_without_test_days_keeps_its_targets(
    rng: np.random.Generator,
) -> None:
    # A cell held out for validation has full-record factors that know no test day.
    problem = make_problem(rng, "spatial")
    valid = problem.validation_target[0]
    assert np.isfinite(valid[VALIDATING]).any()
    others = np.delete(valid, VALIDATING, axis=0)
    assert not np.isfinite(others).any()
    assert not np.isfinite(problem.train_target[0, [HELD_OUT, VALIDATING]]).any()


@pytest.mark.parametrize("split", SPLITS)
def test_targets_of_a_role_lie_on_its_days_alone(
    split: str, rng: np.random.Generator
) -> None:
    problem = make_problem(rng, split)
    for target, role in (
        (problem.train_target, TRAIN),
        (problem.validation_target, VALIDATION),
    ):
        assert np.isfinite(target).any()
        assert not np.isfinite(target[:, problem.role != role]).any()
