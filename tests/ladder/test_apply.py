"""Rungs applied to cells: what the ladder predicts where it held cells out."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from factories.problems import HELD_OUT, make_problem
from somobench.ladder.apply import FittedRung, fit_rung
from somobench.ladder.rungs import Prediction, fit_predict
from somobench.schemas.errors import UnknownNameError

pytestmark = pytest.mark.filterwarnings("ignore:invalid value")


@pytest.mark.parametrize(
    "name", ["ridge_forcing", "ridge_memory", "gradient_boosting", "water_balance"]
)
def test_held_out_cell_is_predicted_as_the_ladder_does(
    rng: np.random.Generator, name: str
) -> None:
    problem = make_problem(rng, "spatial")
    expected = fit_predict(name, problem)
    fitted = fit_rung(name, problem)
    assert isinstance(expected, Prediction)
    assert isinstance(fitted, FittedRung)
    fitted = pickle.loads(pickle.dumps(fitted))
    cell = slice(HELD_OUT, HELD_OUT + 1)
    weather = {key: values[cell] for key, values in problem.forcing.items()}
    statics = {key: values[cell] for key, values in problem.statics.items()}
    found = fitted.predict(weather, statics)[:, 0]
    wanted = expected.values[:, HELD_OUT]
    given = np.isfinite(wanted)
    assert given.any()
    np.testing.assert_array_equal(found[given], wanted[given])


def test_a_day_without_weather_is_missing(rng: np.random.Generator) -> None:
    problem = make_problem(rng, "spatial")
    weather = {key: values[:1].copy() for key, values in problem.forcing.items()}
    weather["precipitation"][0, 7] = np.nan
    for name, missing in (("ridge_memory", [7]), ("water_balance", None)):
        fitted = fit_rung(name, problem)
        assert isinstance(fitted, FittedRung)
        found = np.isnan(fitted.predict(weather, {})[0, 0])
        if missing is None:  # a store can't be carried over a gap
            assert found.all()
        else:
            assert np.flatnonzero(found).tolist() == missing


def test_a_rung_that_knows_its_cells_alone_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(UnknownNameError, match="ridge_memory"):
        fit_rung("climatology", make_problem(rng, "spatial"))
