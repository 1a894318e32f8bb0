"""Weighted training in worlds whose truth is known: what it gains and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from factories.experiments import CELLS, DAYS, SMALL, make_world, take_row
from somobench.experiments import extremes, fit
from somobench.experiments.crossfit import Crossfit
from somobench.experiments.extremes import (
    RMSE_DRY,
    find_dry_limits,
    run_extremes,
    score_weighting,
)
from somobench.experiments.outcome import Outcome
from somobench.experiments.world import World
from somobench.metrics.days import resample_days
from somobench.uncertainty.bootstrap import draw_days

pytestmark = pytest.mark.heavy
RIDGE = {"model": "ridge_memory", "tested": "all"}


def make_bent_world(bend: float) -> World:
    """Return a world whose soil moisture bends with rain: a line misses its dry end."""
    rng = np.random.default_rng(7)
    rain = rng.gamma(0.5, 6.0, (CELLS, DAYS))
    wet = np.zeros_like(rain)
    for lag in range(5):  # what feature set `memory` of the factory holds
        wet[:, lag:] += rain[:, : DAYS - lag] / 5
    soil = 0.1 + 0.02 * wet**bend + rng.normal(0, 0.002, rain.shape)
    world = make_world(measured=soil[None])
    weather = {**world.weather, "precipitation": rain.astype(np.float32)}
    return make_world(measured=soil[None], weather=weather)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Any:
    def run_ridge(world: World) -> Outcome:
        monkeypatch.setattr(extremes, "MODELS", ("ridge_memory",))
        return run_extremes(world, SMALL, 1)

    return run_ridge


def test_line_through_a_bent_truth_gains_dry_days_and_pays_on_all(run: Any) -> None:
    table = run(make_bent_world(0.5)).table
    for arm in ("quantile", "extreme"):
        pair = RIDGE | {"arm": arm, "against": "uniform"}
        gained = take_row(table, metric=RMSE_DRY, **pair)
        paid = take_row(table, metric="rmse", **pair)
        assert gained["low"] > 0.02
        assert paid["high"] < 0


def test_line_through_a_straight_truth_gains_and_pays_nothing(run: Any) -> None:
    table = run(make_bent_world(1.0)).table
    for arm in ("quantile", "extreme"):
        for metric in (RMSE_DRY, "rmse", "pearson_r"):
            row = take_row(table, metric=metric, arm=arm, against="uniform", **RIDGE)
            assert abs(row["value"]) < 0.02


def test_blocks_are_chosen_by_the_errors_of_models(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[xr.DataArray] = []

    def draw(samples: list[xr.DataArray], target: xr.DataArray, **options: Any) -> Any:
        errors.extend(sample - target for sample in samples)
        return draw_days(samples, target, **options)

    monkeypatch.setattr(extremes, "draw_days", draw)
    run(make_bent_world(0.5))
    assert len(errors) == 3  # uniform, quantile, extreme
    # In standard deviations: a line errs in a bent world, but not by far.
    assert all(0.05 < float(error.std()) < 1.0 for error in errors)


def test_errors_of_dry_days_are_of_days_observed_below_the_limit() -> None:
    # Six values of a series, the limit at -1: three of them count, errors 1, -1 and 2.
    target = np.array([[-2.0, -1.5, -3.0, 0.0, 1.0, -1.0]])
    predicted = target + np.array([[1.0, -1.0, 2.0, 9.0, 9.0, 9.0]])
    values = np.repeat(target, 4, axis=1), np.repeat(predicted, 4, axis=1)
    grid = make_series(values[0]), make_series(values[1])
    days = resample_days(np.ones(24, dtype=bool), length=4, draws=10)
    found = score_weighting(grid[1], grid[0], np.full((1, 24), -1.0), days)
    assert found.scores[RMSE_DRY].item() == pytest.approx(np.sqrt(2.0))
    assert found.scores["bias_of_dry_days"].item() == pytest.approx(2 / 3)


def test_days_are_dry_below_the_tenth_percentile_of_the_half_that_trains() -> None:
    steps = 1.0 + np.arange(DAYS) % 20
    world = make_world(measured=np.tile(steps / 100, (1, CELLS, 1)))
    cells = np.arange(CELLS)
    places = {"layer_place": ("series", 0 * cells), "place": ("series", cells)}
    target = xr.DataArray(world.measured[0], places, ("series", "time"))
    limits = find_dry_limits(world, Crossfit(target, {}, {}, ()))
    for half in (0, 1):
        trained = steps[world.halves == 1 - half]
        expected = (np.quantile(trained, 0.1) - trained.mean()) / trained.std()
        days = world.halves == half
        np.testing.assert_allclose(limits[:, days], expected)
    assert np.isnan(limits[:, world.halves < 0]).all()


def make_series(values: np.ndarray) -> xr.DataArray:
    coords = {
        "series": ["1/a"],
        "layer": ("series", [1]),
        "cell": ("series", ["a"]),
        "cluster": ("series", [0]),
        "time": np.datetime64("2016-01-01") + np.arange(values.shape[1]),
    }
    return xr.DataArray(values, coords, ("series", "time"))


def test_network_is_left_out_with_the_reason_where_torch_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from somobench.neural import run as neural_run

    monkeypatch.setattr(neural_run, "find_spec", lambda _name: None)
    monkeypatch.setattr(extremes, "MODELS", ("ridge_memory", "lstm"))
    outcome = run_extremes(make_world(), SMALL, 1)
    assert "somobench[neural]" in outcome.refused["lstm, uniform"]
    assert set(outcome.table["model"]) == {"ridge_memory"}


def test_network_is_trained_with_every_weighting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("torch")
    tiny = {"hidden": 4, "days": 40, "warm_up": 20, "updates": 4, "checks": 1}
    monkeypatch.setattr(fit, "NETWORK", tiny)
    monkeypatch.setattr(extremes, "MODELS", ("lstm",))
    table = run_extremes(make_world(), SMALL, 1).table
    assert set(table["arm"]) == {"uniform", "quantile", "extreme"}
