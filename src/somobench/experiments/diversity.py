"""Experiment `diversity`: how many stations train, and in how many climates.

A fixed number of training cells comes from one climate, the cells nearest to each other
in dryness, or from many, evenly over all dryness that there is; for several numbers of
cells, which makes the learning curve.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise

import numpy as np

from somobench.experiments.compare import Comparison, finish_rows
from somobench.experiments.crossfit import run_tasks
from somobench.experiments.design import (
    FEWEST_CELLS,
    Cells,
    Fold,
    list_tasks,
    plan_layers,
    refuse_unable,
)
from somobench.experiments.fit import Candidate
from somobench.experiments.outcome import Outcome, describe_design
from somobench.experiments.settings import Settings
from somobench.experiments.world import World

ONE, MANY = "one climate", "many climates"
SIZES = (4, 8, 16, 32)
MODELS = ("ridge_memory", "gradient_boosting", "water_balance")


def run_diversity(world: World, settings: Settings, processes: int) -> Outcome:
    """Train on one climate and on many, with more and more cells.

    Raises
    ------
    UsageError
        If the release doesn't have cells enough whose dryness is known.
    """
    known = np.where(np.isfinite(world.log_dryness), "known", "").astype(object)
    most = settings.model_copy(update={"most_cells": 2 * settings.most_cells})
    layers, refused = plan_layers(world, most, known, 1)
    refuse_unable("diversity", world, layers, refused)
    arms = partial(draw_climate_arms, log_dryness=world.log_dryness)
    tasks = list(list_tasks(world, layers, most, known, arms))
    candidates = tuple(Candidate(name, name) for name in MODELS)
    found = run_tasks(world, tasks, candidates, settings, processes)
    compared = Comparison(world, found, settings.draws, settings.seed)
    parts = compared.tabulate_scores()
    for model in compared.models():
        sizes = [int(arm.split()[-1]) for arm in compared.arms(model) if MANY in arm]
        pairs = [(name_arm(ONE, size), name_arm(MANY, size)) for size in sizes]
        pairs += [
            (name_arm(kind, small), name_arm(kind, large))
            for kind in (ONE, MANY)
            for small, large in pairwise(sizes)
        ]
        for ours, theirs in pairs:
            lost = compared.lose((model, ours), (model, theirs))
            if lost is not None:
                parts.append(
                    compared.tabulate(lost, model=model, arm=ours, against=theirs)
                )
    return Outcome(
        finish_rows(parts),
        describe_design(world, layers, found, settings, compared.days.length),
        {**refused, **found.refused},
    )


def name_arm(kind: str, size: int) -> str:
    """Return the name of an arm: what its cells are, and how many."""
    return f"{kind}, {size}"


def draw_climate_arms(
    world: World,
    fold: Fold,
    count: int,
    rng: np.random.Generator,
    *,
    log_dryness: np.ndarray,
) -> Mapping[str, Cells]:
    """Draw cells of one climate and of many, for each number of cells up to `count`.

    One climate is a cell drawn at random and those nearest to it in dryness; many are
    one cell out of each of as many equal parts of the cells in order of dryness.
    """
    del world
    ordered = fold.able[np.argsort(log_dryness[fold.able], kind="stable")]
    arms = {}
    for size in (size for size in SIZES if FEWEST_CELLS <= size <= count):
        centre = rng.choice(ordered)
        away = np.abs(log_dryness[ordered] - log_dryness[centre])
        one = ordered[np.argsort(away, kind="stable")[:size]]
        many = np.array([rng.choice(part) for part in np.array_split(ordered, size)])
        arms[name_arm(ONE, size)] = rng.permutation(one)
        arms[name_arm(MANY, size)] = rng.permutation(many)
    return arms
