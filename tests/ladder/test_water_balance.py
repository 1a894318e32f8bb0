"""The water-balance model: a day by hand, its limits, and its calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.problems import HELD_OUT, make_problem
from somobench.ladder import simulation
from somobench.ladder.fit import Fit
from somobench.ladder.problem import Array, Problem
from somobench.ladder.swbm import (
    Parameters,
    Weather,
    advance,
    draw_parameters,
    simulate_wetness,
)
from somobench.ladder.water_balance import (
    correlate_rows,
    fit_line,
    fit_water_balance,
)
from somobench.schemas.baseline_params import WaterBalanceParams


def parameters(
    capacity: float = 100.0,
    runoff_shape: float = 2.0,
    evaporation_shape: float = 1.0,
    evaporation_maximum: float = 0.5,
    melt_rate: float = 2.0,
) -> Parameters:
    values = (
        capacity,
        runoff_shape,
        evaporation_shape,
        evaporation_maximum,
        melt_rate,
    )
    return Parameters(*(np.array([[value]]) for value in values))


def weather(rain: list[float], radiation: float = 0.0, celsius: float = 10) -> Weather:
    days = len(rain)
    return Weather(
        np.array([rain]),
        np.full((1, days), radiation),
        np.full((1, days), celsius + 273.15),
    )


def after(wet: float, day: Weather, snow: float = 0.0) -> tuple[float, float]:
    wetness, pack = advance(parameters(), day, 0, np.array([[wet]]), np.array([[snow]]))
    return float(wetness[0, 0]), float(pack[0, 0])


def test_day_gains_rain_and_loses_runoff_and_evaporation() -> None:
    # 50 of 100 mm, 10 mm of rain, radiation worth 4 mm:
    # runoff 10 x 0.5**2 = 2.5, evaporation 0.5 x 0.5 x 4 = 1; 50 + 10 - 2.5 - 1 = 56.5.
    assert after(0.5, weather([10.0], radiation=4.0)) == pytest.approx((0.565, 0.0))


def test_snow_is_kept_at_the_freezing_point() -> None:
    assert after(0.5, weather([10.0], celsius=0.0), snow=3.0) == (0.5, 13.0)


def test_snow_melts_by_degree_days_and_no_more_than_there_is() -> None:
    # 2 mm a kelvin and day: 5 degrees melt 10 of 30 mm, runoff takes a quarter.
    assert after(0.5, weather([0.0], celsius=5.0), snow=30.0) == pytest.approx(
        (0.575, 20.0)
    )
    # 4 mm at 20 degrees melt whole; 3 mm stay in the soil.
    assert after(0.5, weather([0.0], celsius=20.0), snow=4.0) == pytest.approx(
        (0.53, 0.0)
    )


def test_water_beyond_the_capacity_runs_off() -> None:
    # 50 + 80 - 80 x 0.25 = 110 mm of 100.
    assert after(0.5, weather([80.0]))[0] == 1.0


def test_dry_soil_stays_at_zero_and_negative_radiation_takes_nothing() -> None:
    # Evaporation 0.5 x 0.01 x 400 = 2 mm of the 1 mm there is.
    assert after(0.01, weather([0.0], radiation=400.0))[0] == 0.0
    assert after(0.5, weather([0.0], radiation=-5.0))[0] == 0.5


def test_day_s_value_is_the_mean_of_its_beginning_and_end() -> None:
    # From 0.9: no rain, then 10 mm of which 8.1 run off: 0.9, then 0.919.
    wetness = simulate_wetness(parameters(), weather([0.0, 10.0]), 0)
    assert wetness[0, 0].tolist() == pytest.approx([0.9, 0.9095])
    assert wetness.dtype == np.float32


def test_spin_up_runs_the_first_days_before_the_period() -> None:
    rain = [5.0, 0.0, 20.0, 0.0]
    twice = simulate_wetness(parameters(), weather(rain[:2] + rain, 3.0), 0)
    spun = simulate_wetness(parameters(), weather(rain, 3.0), 2)
    np.testing.assert_array_equal(spun[..., :], twice[..., 2:])


def test_sets_and_cells_are_simulated_as_each_alone(rng: np.random.Generator) -> None:
    drawn = draw_parameters(WaterBalanceParams(parameter_sets=4), 1)
    cells = Weather(
        rng.gamma(0.3, 8, (3, 50)),
        rng.uniform(0, 6, (3, 50)),
        rng.normal(275, 6, (3, 50)),
    )
    together = simulate_wetness(drawn, cells, 10)
    alone = simulate_wetness(
        drawn.take(np.array([2])), Weather(*(part[1:2] for part in cells)), 10
    )
    np.testing.assert_allclose(alone[0, 0], together[2, 1], rtol=1e-6)
    assert together.min() >= 0
    assert together.max() <= 1


def test_parameters_fill_their_bounds_evenly_and_follow_the_seed() -> None:
    params = WaterBalanceParams(parameter_sets=50)
    drawn = draw_parameters(params, 3)
    for name, values in drawn._asdict().items():
        low, high = np.log(getattr(params, name))
        place = (np.log(values[:, 0]) - low) / (high - low)
        # A Latin hypercube of 50 sets has one in each fiftieth.
        assert sorted(np.floor(place * 50).astype(int)) == list(range(50)), name
    again, other = draw_parameters(params, 3), draw_parameters(params, 4)
    assert np.array_equal(again.capacity, drawn.capacity)
    assert not np.array_equal(other.capacity, drawn.capacity)


def test_correlation_is_numpy_s_over_the_days_that_the_target_has(
    rng: np.random.Generator,
) -> None:
    series = rng.random((3, 40)).astype("float32")
    series[2] = 0.5
    target = rng.random(40)
    target[::4] = np.nan
    days = np.isfinite(target)
    expected = [
        np.corrcoef(row[days], target[days])[0, 1] for row in series[:2].astype(float)
    ]
    assert correlate_rows(series, target).tolist() == pytest.approx([*expected, -1.0])


def test_correlation_does_not_exist_without_days() -> None:
    series = np.ones((2, 3), "float32")
    assert correlate_rows(series, np.full(3, np.nan)).tolist() == [-1.0, -1.0]


def test_line_ignores_days_without_target() -> None:
    wetness = np.array([0.0, 0.5, 0.7, 1.0], "float32")
    # y = 0.1 + 0.2 x
    target = np.array([0.1, 0.2, np.nan, 0.3])
    assert fit_line(wetness, target) == pytest.approx((0.1, 0.2))


def correlation_on_days(made: Array, target: Array) -> float:
    days = np.isfinite(target)
    return float(np.corrcoef(made[days], target[days])[0, 1])


def truth_of(problem: Problem, number: int) -> Array:
    """Return 0.1 + 0.3 times the wetness of one drawn set, (cell, day)."""
    drawn = draw_parameters(problem.params.water_balance, problem.params.seed)
    cells = np.full(len(problem.role), number)
    spin_up = problem.params.water_balance.spin_up_days
    weather = simulation.read_weather(problem.forcing, problem.latent_heat)
    wetness = simulate_wetness(drawn.take(cells), weather, spin_up)[0]
    return 0.1 + 0.3 * wetness.astype(float)


@pytest.mark.parametrize("split", ["temporal", "spatial"])
def test_calibration_finds_the_set_that_made_the_target(
    split: str, rng: np.random.Generator
) -> None:
    problem = make_problem(rng, split)
    truth = truth_of(problem, 7)
    train = np.where(np.isfinite(problem.train_target), truth, np.nan)
    fit = fit_water_balance(replace(problem, train_target=train))
    assert isinstance(fit, Fit)
    error = np.where(problem.test, fit.values - truth, 0.0)
    # Held-out cells take the set that serves all train cells, which is the same one.
    assert np.abs(error).max() < 1e-5
    assert fit.summary["layer1"]["median_train_correlation"] == pytest.approx(1.0)


def test_held_out_cell_takes_the_set_that_serves_train_cells_best_on_average(
    rng: np.random.Generator,
) -> None:
    problem = make_problem(rng, "spatial")
    truth = truth_of(problem, 7)
    truth[0] = truth_of(problem, 2)[0]
    train = np.where(np.isfinite(problem.train_target), truth, np.nan)
    fit = fit_water_balance(replace(problem, train_target=train))
    assert isinstance(fit, Fit)
    cells = np.flatnonzero(np.isfinite(train[0]).any(axis=1))
    sets = [truth_of(problem, number) for number in range(12)]
    means = [
        np.mean([correlation_on_days(made[cell], train[0, cell]) for cell in cells])
        for made in sets
    ]
    expected = sets[int(np.argmax(means))][HELD_OUT]
    predicted = fit.values[0, HELD_OUT]
    assert np.corrcoef(predicted, expected)[0, 1] == pytest.approx(1.0)


def test_predictions_do_not_depend_on_how_many_cells_are_simulated_at_once(
    monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    problem = make_problem(rng)
    whole = fit_water_balance(problem)
    monkeypatch.setattr(simulation, "VALUES_AT_ONCE", 1)
    by_cell = fit_water_balance(problem)
    assert isinstance(whole, Fit)
    assert isinstance(by_cell, Fit)
    np.testing.assert_array_equal(whole.values, by_cell.values)
