"""Arms differ in one thing: who trains, on how much, and what no model may know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from factories.experiments import SMALL, make_world
from somobench.experiments.design import (
    Task,
    find_neighbourhoods,
    list_tasks,
    measure_distances,
    plan_layers,
)
from somobench.experiments.fit import Candidate, fit_task, make_problem
from somobench.experiments.robustness import draw_regime_arms
from somobench.experiments.scaling import (
    LEVEL,
    SPREAD,
    fill_weather,
    standardise_cells,
)
from somobench.experiments.world import GAP, World
from somobench.schemas.variables import TEST, TRAIN, VALIDATION


def list_all(world: World) -> list[Task]:
    layers, _ = plan_layers(world, SMALL, world.regimes, 2)
    return list(list_tasks(world, layers, SMALL, world.regimes, draw_regime_arms))


def test_quarter_of_the_equator_is_a_quarter_of_the_way_around() -> None:
    # 2 pi 6371 km / 4
    apart = measure_distances(np.array([0.0, 0.0]), np.array([0.0, 90.0]))
    assert apart[0, 1] == pytest.approx(10007.5, abs=0.1)


def test_chain_of_near_cells_is_one_neighbourhood() -> None:
    world = make_world()
    places = world.cells.assign(longitude=[0, 0.4, 0.8, *range(10, 27)])
    near = find_neighbourhoods(replace(world, cells=places), 50.0)
    assert near.tolist()[:4] == [0, 0, 0, 3]


def test_tested_cells_and_their_neighbours_never_train() -> None:
    world = make_world()
    pairs = world.cells.assign(longitude=np.repeat(np.arange(10) * 2.0, 2))
    world = replace(world, cells=pairs)
    neighbourhood = find_neighbourhoods(world, SMALL.apart_km)
    for task in list_all(world):
        known = neighbourhood[[*task.train, *task.validation]]
        assert not set(known) & set(neighbourhood[list(task.tested)])


def test_every_arm_trains_on_as_many_cells_and_values() -> None:
    world = make_world()
    tasks = list_all(world)
    assert {len(task.train) for task in tasks} == {3}  # of 4 cells a quarter validates
    assert {len(task.validation) for task in tasks} == {1}
    for task in tasks[:6]:
        problem = make_problem(world, task, SMALL)
        counts = np.isfinite(problem.train_target).sum(axis=(0, 2))
        assert set(counts[: len(task.train)]) == {task.days}


def test_every_cell_is_tested_once_a_repeat_by_each_arm_and_half() -> None:
    world = make_world()
    tested = [
        (task.repeat, task.arm, task.half, cell)
        for task in list_all(world)
        for cell in task.tested
    ]
    assert len(tested) == len(set(tested)) == 2 * 3 * 2 * len(world.cells)


def test_a_month_lies_between_days_of_different_halves() -> None:
    halves = make_world().halves
    even, odd = np.flatnonzero(halves == 0), np.flatnonzero(halves == 1)
    apart = np.abs(even[:, None] - odd).min()
    assert apart == 2 * GAP + 1


def test_fit_never_meets_a_test_day_or_a_tested_cell() -> None:
    world = make_world()
    task = list_all(world)[0]
    candidates = (Candidate("ridge_memory", "ridge_memory"),)
    before = fit_task(world, task, candidates, SMALL)["ridge_memory"]
    measured = world.measured.copy()
    measured[:, :, world.halves != task.half] += 0.2
    measured[:, list(task.tested)] *= 0.5
    other = fit_task(replace(world, measured=measured), task, candidates, SMALL)
    assert np.array_equal(before, other["ridge_memory"], equal_nan=True)


def test_roles_lie_on_their_own_halves() -> None:
    world = make_world()
    task = list_all(world)[0]
    role = make_problem(world, task, SMALL).role
    trains = np.isin(role, [TRAIN, VALIDATION]).any(axis=0)
    assert (world.halves[trains] == task.half).all()
    assert (world.halves[(role == TEST).any(axis=0)] == 1 - task.half).all()


def test_series_are_standardised_by_days_of_the_training_half() -> None:
    values = np.array([[[0.1, 0.3] * 20 + [0.9] * 5]])
    days = np.arange(45) < 40
    # mean 0.2 and deviation 0.1 over the first 40 days: 0.1 is one below
    found = standardise_cells(values, days)
    assert found[0, 0, 0] == pytest.approx(LEVEL - SPREAD)
    assert found[0, 0, 44] == pytest.approx(LEVEL + 7 * SPREAD)


def test_series_with_few_training_days_has_no_level() -> None:
    found = standardise_cells(
        np.random.default_rng(1).random((1, 1, 29)), np.ones(29) > 0
    )
    assert np.isnan(found).all()


def test_missing_weather_is_the_mean_of_the_training_half() -> None:
    values = np.array([[1.0, 3.0, np.nan, 100.0]], dtype=np.float32)
    filled = fill_weather(values, np.array([True, True, True, False]))
    assert filled.tolist() == [[1.0, 3.0, 2.0, 100.0]]
