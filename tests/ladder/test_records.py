"""Rungs on forcing that begins and ends with a cell's record, or lacks days."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.problems import make_inputs, make_problem, make_recipe
from somobench.catalog.view import average_known
from somobench.ladder.fit import NotAvailable
from somobench.ladder.inputs import Column, Design, Places, take_rows
from somobench.ladder.rungs import Prediction, fit_predict
from somobench.ladder.simulation import fill_outside
from somobench.ladder.water_balance import fit_water_balance
from somobench.pipelines.baselines import build_split_problem
from somobench.schemas.variables import AS_MEASURED, AVAILABILITY

LATE = 40  # days that the first cell's record lacks


def test_variable_as_measured_is_no_input_of_a_rung(rng: np.random.Generator) -> None:
    recipe = make_recipe()
    inputs = make_inputs(rng, recipe)
    radiation = inputs.forcing["net_radiation"]
    radiation.attrs[AVAILABILITY] = AS_MEASURED
    radiation[:, 3] = np.nan
    problem = build_split_problem("temporal", inputs, recipe)
    assert "net_radiation" not in problem.forcing
    outcome = fit_predict("water_balance", problem)
    assert outcome == NotAvailable("the forcing has no net_radiation on every day")
    # Shortwave radiation, which has every day, stands in for it here.
    assert isinstance(fit_predict("linear_1", problem), Prediction)


def test_day_before_the_record_counts_as_average(rng: np.random.Generator) -> None:
    problem = make_problem(rng)
    rain = problem.forcing["precipitation"].copy()
    rain[0, :LATE] = np.nan
    problem = replace(problem, forcing={**problem.forcing, "precipitation": rain})
    design = Design((Column("precipitation", 1),), statics=False)
    rows = take_rows(
        problem, design, Places(np.array([0, 0]), np.array([LATE, LATE + 1]))
    )
    mean, std = problem.normalisation["precipitation"]
    assert rows[0, 0] == 0.0
    assert rows[1, 0] == pytest.approx((rain[0, LATE] - mean) / std)


def test_rungs_predict_every_test_day_of_cells_with_a_record(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng)
    forcing = {name: values.copy() for name, values in problem.forcing.items()}
    for values in forcing.values():
        values[0, :LATE] = np.nan
    problem = replace(problem, forcing=forcing)
    for name in ("ridge_memory", "gradient_boosting", "water_balance"):
        outcome = fit_predict(name, problem)
        assert isinstance(outcome, Prediction)
        assert np.isfinite(outcome.values[problem.test]).all()


def test_store_begins_in_equilibrium_with_its_own_record() -> None:
    known = np.array([[False, False, True, True, True, False]])
    values = np.array([[np.nan, np.nan, 1.0, 2.0, 3.0, np.nan]])
    # The record 1, 2, 3 over and over ends just before its own first day.
    assert fill_outside(values, known).tolist() == [[2.0, 3.0, 1.0, 2.0, 3.0, 0.0]]


def test_water_balance_of_whole_records_is_unchanged(rng: np.random.Generator) -> None:
    problem = make_problem(rng)
    whole = fit_water_balance(problem)
    later = {name: values.copy() for name, values in problem.forcing.items()}
    for values in later.values():
        values[0, -1] = np.nan  # after every day that is asked for but the last
    cut = fit_water_balance(replace(problem, forcing=later))
    assert not isinstance(whole, NotAvailable)
    assert not isinstance(cut, NotAvailable)
    np.testing.assert_array_equal(cut.values[:, :, :-1], whole.values[:, :, :-1])


def test_mean_over_known_days_leaves_others_out() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan, np.nan, np.nan]])
    means = average_known(values)
    assert means[0] == 2.0
    assert np.isnan(means[1])
