"""Fit rungs of the ladder on the training set of a task, and predict its cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.experiments.design import Task
from somobench.experiments.scaling import (
    LEVEL,
    SPREAD,
    STANDARDISED,
    fill_weather,
    scale_targets,
)
from somobench.experiments.settings import Settings
from somobench.experiments.world import World
from somobench.ladder.fit import NotAvailable
from somobench.ladder.inputs import ABOVE
from somobench.ladder.problem import Array, Mask, Problem, collect_statics
from somobench.ladder.rungs import (
    RUNGS,
    bound_and_round,
    fit_predict,
    list_missing_inputs,
    use_one_thread,
)
from somobench.neural.run import require_torch
from somobench.neural.rungs import NEURAL
from somobench.neural.settings import NeuralSettings
from somobench.neural.weights import UNIFORM, weigh_problem
from somobench.schemas.errors import UsageError
from somobench.schemas.manifest import FeatureSetRecord
from somobench.schemas.variables import TEST, TRAIN, VALIDATION

LATENT_HEAT = 2.45  # MJ kg-1; a constant factor, which calibration takes up
NETWORK = {
    "hidden": 32,
    "days": 180,
    "warm_up": 90,
    "updates": 150,
    "checks": 5,
    "dropout": 0.2,
    "learning_rate": 0.01,
}
"""Settings of a neural rung in an experiment, which trains many of them."""
COMPLETE = 0.99  # of a cell's record, of weather that a water balance runs through


class Candidate(NamedTuple):
    """A rung by its name, or one that reads other inputs than its own feature set.

    `scaling` is that of the targets that it learns from: `standardised` a series,
    `as measured`, or `matched` to the reanalysis; `weighting` how much each day counts,
    see `somobench.neural.weights`. The rung may be a neural one.
    """

    name: str
    rung: str
    inputs: FeatureSetRecord | None = None
    scaling: str = STANDARDISED
    weighting: str = UNIFORM


def fit_task(
    world: World, task: Task, candidates: tuple[Candidate, ...], settings: Settings
) -> dict[str, NDArray[np.float32] | str]:
    """Return what each candidate predicts, (tested cell, day), or why it can't."""
    needs_above = any(
        each.inputs and ABOVE in each.inputs.variables for each in candidates
    )
    scalings = dict.fromkeys(each.scaling for each in candidates)
    problems = {
        scaling: make_problem(world, task, settings, above=needs_above, scaling=scaling)
        for scaling in scalings
    }
    cells = slice(len(task.train) + len(task.validation), None)
    result: dict[str, NDArray[np.float32] | str] = {}
    for candidate in candidates:
        problem = weigh_problem(problems[candidate.scaling], candidate.weighting)
        outcome = _fit(candidate, problem, world)
        if isinstance(outcome, str):
            result[candidate.name] = outcome
        else:
            result[candidate.name] = outcome[-1, cells]
    return result


def _fit(
    candidate: Candidate, problem: Problem, world: World
) -> NDArray[np.float32] | str:
    if candidate.rung in NEURAL:
        return _fit_network(candidate, _without_layer_above(problem))
    incomplete = find_incomplete(candidate, problem, world)
    if incomplete:
        return incomplete
    if candidate.inputs is None:
        outcome = fit_predict(candidate.rung, _without_layer_above(problem))
        return outcome.reason if isinstance(outcome, NotAvailable) else outcome.values
    rung = RUNGS[candidate.rung]
    own = {str(rung.feature_set): candidate.inputs}
    problem = replace(problem, feature_sets={**problem.feature_sets, **own})
    if ABOVE not in candidate.inputs.variables:
        problem = _without_layer_above(problem).hide_observations()
    with use_one_thread():
        fitted = rung.fit(problem)
    if isinstance(fitted, NotAvailable):
        return fitted.reason
    return bound_and_round(fitted.values)


def _fit_network(candidate: Candidate, problem: Problem) -> NDArray[np.float32] | str:
    """Fit a neural rung of a small size, where PyTorch is there."""
    try:
        require_torch()
    except UsageError as error:
        return f"{error.expected}: {error.hint}"
    from somobench.neural.ensemble import train_ensemble

    trained = train_ensemble(
        NEURAL[candidate.rung],
        problem.hide_observations(),
        NeuralSettings(**NETWORK),
        seeds=[problem.params.seed],
        groups=["all"] * len(problem.role),
    )
    return np.where(problem.test, trained.values[0], np.nan).astype(np.float32)


def find_incomplete(candidate: Candidate, problem: Problem, world: World) -> str:
    """Say which weather a rung runs through has gaps; empty where none has."""
    rung = RUNGS[candidate.rung]
    lacking = list_missing_inputs(rung, problem)
    if lacking or candidate.rung != "water_balance":
        return lacking
    record = np.isfinite(np.stack(list(world.weather.values()))).any(axis=0)
    shares = {
        name: float(np.isfinite(world.weather[name])[record].mean())
        for (name,) in rung.needs
    }
    gaps = [
        f"{name} on {share:.0%}" for name, share in shares.items() if share < COMPLETE
    ]
    return f"known of all days: {', '.join(gaps)}" if gaps else ""


def _without_layer_above(problem: Problem) -> Problem:
    """Return a problem of its last layer alone."""
    if problem.layers.size == 1:
        return problem
    observed = None if problem.observed is None else problem.observed[-1:]
    return replace(
        problem,
        layers=problem.layers[-1:],
        has_target=problem.has_target[-1:],
        train_target=problem.train_target[-1:],
        validation_target=problem.validation_target[-1:],
        observed=observed,
        climatology=problem.climatology[-1:],
        train_weight=_take_last(problem.train_weight),
        validation_weight=_take_last(problem.validation_weight),
    )


def _take_last(weight: Array | None) -> Array | None:
    return None if weight is None else weight[-1:]


def make_problem(
    world: World,
    task: Task,
    settings: Settings,
    *,
    above: bool = False,
    scaling: str = STANDARDISED,
) -> Problem:
    """Return a task as rungs meet it: its training, validating and tested cells.

    Targets of every cell are standardised by its mean and deviation over days of the
    training half, in all arms alike. Weather that is missing is the cell's mean of the
    training half.

    Parameters
    ----------
    above : bool
        Whether the layer above comes along, for candidates that read it.
    scaling : str
        Of the targets, see `Candidate`.
    """
    cells = np.array([*task.train, *task.validation, *task.tested], dtype=np.intp)
    trained, validated = len(task.train), len(task.train) + len(task.validation)
    halves = world.halves
    train_days, test_days = halves == task.half, halves == 1 - task.half
    role = np.zeros((cells.size, halves.size), dtype=np.int8)
    role[:trained, train_days] = TRAIN
    role[trained:validated, train_days] = VALIDATION
    role[validated:, test_days] = TEST
    layers = _list_layers(world, task) if above else [task.layer]
    target = scale_targets(world, layers, cells, train_days, scaling)
    sampled = np.where(
        draw_days(target, train_days, cells, task, settings), target, np.nan
    )
    weather = {
        name: fill_weather(values[cells], train_days)
        for name, values in world.weather.items()
    }
    return Problem(
        split="experiment",
        layers=world.layers[layers],
        role=role,
        has_target=np.asarray(np.isfinite(target).any(axis=2)),
        train_target=np.where(role == TRAIN, sampled, np.nan),
        validation_target=np.where(role == VALIDATION, sampled, np.nan),
        observed=target,
        forcing=weather,
        reanalysis=None,
        climatology=np.full(target.shape, np.nan),
        statics=_collect_statics(world, weather, train_days, cells),
        normalisation=measure_normalisation(weather, role, world.layers[layers]),
        feature_sets=limit_feature_sets(world),
        refused=world.refused,
        latent_heat=LATENT_HEAT,
        params=settings.baselines.model_copy(update={"seed": settings.seed}),
    )


def _list_layers(world: World, task: Task) -> list[int]:
    """Return the places of a layer and of the one above it, where there is one."""
    higher = np.flatnonzero(world.layers == world.layers[task.layer] - 1)
    return [*higher.tolist(), task.layer]


def draw_days(
    target: Array, days: Mask, cells: NDArray[np.intp], task: Task, settings: Settings
) -> Mask:
    """Draw as many days of the training half from every series, (layer, cell, day).

    Layers of a cell take the same days as far as both have them.
    """
    chosen = np.zeros(target.shape, dtype=bool)
    for place, cell in enumerate(cells.tolist()):
        rng = np.random.default_rng([settings.seed, task.repeat, task.half, cell])
        order = rng.permutation(days.size)
        for layer in range(target.shape[0]):
            usable = np.isfinite(target[layer, place]) & days
            chosen[layer, place, order[usable[order]][: task.days]] = True
    return chosen


def measure_normalisation(
    weather: Mapping[str, NDArray[np.float32]],
    role: NDArray[np.int8],
    layers: NDArray[np.int8],
) -> dict[str, tuple[float, float]]:
    """Return mean and deviation of every input over train cells and days."""
    trained = role == TRAIN
    moments = {
        name: (
            float(values[trained].mean(dtype=np.float64)),
            float(values[trained].std(dtype=np.float64)),
        )
        for name, values in weather.items()
    }
    return moments | {
        f"soil_moisture_layer{layer}": (LEVEL, SPREAD) for layer in layers.tolist()
    }


def _collect_statics(
    world: World,
    weather: Mapping[str, NDArray[np.float32]],
    days: Mask,
    cells: NDArray[np.intp],
) -> dict[str, Array]:
    table = world.cells.iloc[cells]
    latitude = xr.Dataset({"latitude": ("cell", table["latitude"].to_numpy())})
    return collect_statics(latitude, weather, days, table)


def limit_feature_sets(world: World) -> dict[str, FeatureSetRecord]:
    """Return feature sets without variables that aren't used."""
    present = {*world.weather, ABOVE}
    return {
        name: record.model_copy(
            update={"variables": tuple(v for v in record.variables if v in present)}
        )
        for name, record in world.feature_sets.items()
    }
