"""Does a regime shift cost skill, where nothing but the shift differs?

    python benchmarks/bench_shift.py [worlds] [--seed N]

The splits of a release change more than the regime: other cells, other days, another
number of train days. Here every rung is trained twice, on as many cells (or years) of
the other regime and of its own, and predicts the same test cells and days of a virtual
world. The cost is what a series loses in Pearson r against its true soil moisture;
each world is a new, independent draw (`coverage_world.py`), so that their scatter
gives the standard error. What is found is in docs/ladder.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from coverage_world import (
    LAYERS,
    SPIN_UP,
    days,
    draw_columns,
    joined,
    observed,
    simulated_truth,
)

from somobench.ladder.problem import TEST, TRAIN, VALIDATION, Problem
from somobench.ladder.rungs import Prediction, fit_predict
from somobench.schemas.baseline_params import BaselineParams
from somobench.schemas.manifest import FeatureSetRecord

CELLS = 120
LATENT_HEAT = 2.45  # MJ kg-1
TRAIN_DAYS, GAP = 1095, 30  # days of training, and between training and test
VALIDATION_SHARE = 0.25
RUNGS = (
    "linear_1",
    "ridge_forcing",
    "ridge_memory",
    "gradient_boosting",
    "water_balance",
)
FORCING = ("precipitation", "air_temperature", "net_radiation")
LAGS = tuple(range(8))

Roles = npt.NDArray[np.int8]
Floats = npt.NDArray[np.float64]


class Trial(NamedTuple):
    """Roles (cell, day) of the same test, with training under the shift and without."""

    name: str
    shifted: Roles
    control: Roles


def make_problem(weather: Sequence[Floats], target: Floats) -> Problem:
    """Return a world as rungs meet it, without roles."""
    forcing = dict(zip(FORCING, weather, strict=True))
    shape = target.shape
    means = {name: values.mean(axis=1) for name, values in forcing.items()}
    dryness = means["net_radiation"] / (LATENT_HEAT * means["precipitation"])
    return Problem(
        split="shift",
        layers=np.arange(1, LAYERS + 1, dtype=np.int8),
        role=np.zeros(shape[1:], dtype=np.int8),
        has_target=np.ones(shape[:2], dtype=bool),
        train_target=target,
        validation_target=target,
        observed=None,
        forcing={name: values.astype(np.float32) for name, values in forcing.items()},
        reanalysis=None,
        climatology=np.full(shape, np.nan),
        statics={
            "mean_air_temperature": means["air_temperature"],
            "log_dryness": np.log(dryness),
        },
        normalisation={},
        feature_sets={
            name: FeatureSetRecord(
                variables=FORCING,
                lags=lags,
                layers=(1, 2, 3),
                needs_observations=False,
                description=name,
            )
            for name, lags in (("forcing", (0,)), ("memory", LAGS))
        },
        refused={},
        latent_heat=LATENT_HEAT,
        params=BaselineParams(),
    )


def regime_trials(problem: Problem, rng: np.random.Generator) -> Iterator[Trial]:
    """Yield tests in each regime: half of its cells, the other half is the control."""
    dry = problem.statics["log_dryness"] > 0
    for name, inside in (("energy_to_water", dry), ("water_to_energy", ~dry)):
        own = rng.permutation(np.flatnonzero(inside))
        other = rng.permutation(np.flatnonzero(~inside))
        tested, rest = np.array_split(own, 2)
        size = min(rest.size, other.size)
        yield Trial(
            name,
            _by_cells(problem, tested, other[:size]),
            _by_cells(problem, tested, rest[:size]),
        )


def _by_cells(
    problem: Problem, tested: npt.NDArray[np.intp], known: npt.NDArray[np.intp]
) -> Roles:
    """Train and validate on some cells, and test others on later days."""
    role = np.zeros_like(problem.role)
    validating = known[: round(VALIDATION_SHARE * known.size)]
    role[known, :TRAIN_DAYS] = TRAIN
    role[validating, :TRAIN_DAYS] = VALIDATION
    role[tested, TRAIN_DAYS + GAP :] = TEST
    return role


def year_trials(problem: Problem, years: npt.NDArray[np.int64]) -> Iterator[Trial]:
    """Yield tests on the driest and on the wettest third of every cell's years.

    Training has two years at the other end, or the two in the middle nearest to it; the
    third of the middle validates both.
    """
    whole = [y for y in np.unique(years) if (years == y).sum() >= 365]
    rain = problem.forcing["precipitation"]
    annual = np.stack([rain[:, years == year].sum(axis=1) for year in whole], axis=1)
    order = np.argsort(annual, axis=1)  # driest first
    for name, ranked in (("dry_years", order), ("wet_years", order[:, ::-1])):
        tested, middle, far = ranked[:, :2], ranked[:, 2:-2], ranked[:, -2:]
        near, validating = middle[:, -2:], middle[:, :-2]
        shifted, control = (
            _by_years(years, np.array(whole), tested, validating, known)
            for known in (far, near)
        )
        yield Trial(name, shifted, control)


def _by_years(
    years: npt.NDArray[np.int64],
    whole: npt.NDArray[np.int64],
    *parts: npt.NDArray[np.intp],
) -> Roles:
    role = np.zeros((len(parts[0]), years.size), dtype=np.int8)
    for code, chosen in zip((TEST, VALIDATION, TRAIN), parts, strict=True):
        role[(years[None, :, None] == whole[chosen][:, None, :]).any(axis=2)] = code
    return role


def losses(problem: Problem, trial: Trial, truth: Floats) -> dict[str, float]:
    """Return the median over series of what each rung loses in Pearson r."""
    tested = trial.control == TEST
    result = {}
    for rung in RUNGS:
        sides = [
            _scores(_with_roles(problem, role), rung, tested, truth)
            for role in (trial.shifted, trial.control)
        ]
        result[rung] = float(np.nanmedian(sides[1] - sides[0]))
    return result


def _with_roles(problem: Problem, role: Roles) -> Problem:
    """Give roles to a world, and what follows from them for inputs and targets."""
    trained = role == TRAIN
    target = problem.train_target
    normalisation = {
        name: (float(values[trained].mean()), float(values[trained].std()))
        for name, values in problem.forcing.items()
    }
    return replace(
        problem,
        role=role,
        train_target=np.where(trained, target, np.nan),
        validation_target=np.where(role == VALIDATION, target, np.nan),
        normalisation=normalisation,
    )


def _scores(
    problem: Problem, rung: str, tested: npt.NDArray[np.bool_], truth: Floats
) -> Floats:
    """Return Pearson r of every test series, (series,)."""
    outcome = fit_predict(rung, problem)
    cells = np.flatnonzero(tested.any(axis=1))
    if not isinstance(outcome, Prediction):
        return np.full(LAYERS * cells.size, np.nan)
    pairs = (
        (outcome.values[layer, cell, tested[cell]], truth[layer, cell, tested[cell]])
        for layer in range(LAYERS)
        for cell in cells
    )
    return np.array([np.corrcoef(ours, known)[0, 1] for ours, known in pairs])


def run(worlds: int, seed: int) -> Iterator[dict[str, object]]:
    """Yield the losses of every rung in every trial of every world."""
    for world in range(worlds):
        columns = [draw_columns([seed, world], CELLS, same_cells=False)]
        drivers = joined(columns)
        truth = simulated_truth(columns, drivers)
        target = observed(columns, truth, np.random.default_rng([seed, world, 2]))
        weather = (drivers.rain, drivers.temperature, drivers.net_radiation)
        forcing = [values[SPIN_UP:].T for values in weather]
        problem = make_problem(forcing, target)
        years = days()[SPIN_UP:].astype("datetime64[Y]").astype(np.int64) + 1970
        rng = np.random.default_rng([seed, world, 3])
        for trial in (*regime_trials(problem, rng), *year_trials(problem, years)):
            yield {"world": world, "trial": trial.name} | losses(problem, trial, truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("worlds", nargs="?", type=int, default=20)
    parser.add_argument("--seed", type=int, default=3)
    given = parser.parse_args()
    start = time.process_time()
    rows = pd.DataFrame(run(given.worlds, given.seed))
    groups = rows.drop(columns="world").groupby("trial", sort=False)
    table = pd.concat(
        {
            "mean loss": groups.mean(),
            "standard error": groups.sem(),
            "worlds with a loss": groups.agg(lambda values: (values > 0).mean()),
        },
        names=["what"],
    )
    print(table.round(4).to_string())
    print(f"\n{given.worlds} worlds, {time.process_time() - start:.0f} s of CPU")


if __name__ == "__main__":
    main()
