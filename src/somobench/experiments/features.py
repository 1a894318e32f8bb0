"""Experiment `features`: what each set of inputs adds, and each input by its absence.

Two learners, a line and trees, are given the feature sets of a release in turn, and
each set without one of its variables. They train on cells of all climates and predict
cells held out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from somobench.experiments.compare import METRICS, Comparison, finish_rows
from somobench.experiments.crossfit import Crossfit, run_tasks
from somobench.experiments.design import (
    Cells,
    Fold,
    list_tasks,
    plan_layers,
    refuse_unable,
)
from somobench.experiments.fit import Candidate, limit_feature_sets
from somobench.experiments.outcome import Outcome, describe_design
from somobench.experiments.settings import Settings
from somobench.experiments.world import World
from somobench.ladder.inputs import ABOVE
from somobench.schemas.errors import UsageError
from somobench.schemas.manifest import FeatureSetRecord
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.tables import round_scores
from somobench.uncertainty.bootstrap import BootstrappedScores

LEARNERS = {"ridge": "ridge_memory", "trees": "gradient_boosting"}
SURFACE = "memory and surface"
SETS = ("forcing", "memory", "state", SURFACE)
STEPS = (("forcing", "memory"), ("memory", "state"), ("memory", SURFACE))
MORE = (
    "daytime_net_radiation",
    "relative_humidity",
    "wind_speed",
    "vegetation_index",
    "absorbed_radiation_fraction",
)
"""What a release may have on days with a target alone, beside its feature sets."""
EVERY = "every climate"
CONSISTENT = "share_of_series_that_lose"


def run_features(world: World, settings: Settings, processes: int) -> Outcome:
    """Train on each feature set, and on each without one of its variables.

    Raises
    ------
    UsageError
        If the release has no feature set of weather, or too few cells.
    """
    sets = list_sets(world)
    if not sets:
        raise UsageError(
            f"experiment features on release {world.release}",
            found="; ".join(world.refused.values()) or "no feature set of weather",
            expected=f"one of {', '.join(SETS)}",
        )
    whole = np.full_like(world.regimes, EVERY)
    layers, refused = plan_layers(world, settings, whole, 1)
    refuse_unable("features", world, layers, refused)
    fewer = settings.model_copy(update={"repeats": max(1, settings.repeats // 2)})
    tasks = list(list_tasks(world, layers, fewer, whole, draw_every_arm))
    inputs = dict(list_inputs(sets))
    candidates = tuple(
        Candidate(f"{learner}: {name}", rung, record)
        for learner, rung in LEARNERS.items()
        for name, record in inputs.items()
    )
    found = run_tasks(world, tasks, candidates, fewer, processes)
    if any(ABOVE in record.variables for record in inputs.values()):
        found = keep_common_days(world, found)
    compared = Comparison(world, found, settings.draws, settings.seed)
    parts: list[pd.DataFrame] = []
    for learner in LEARNERS:
        for arm in inputs:
            scored = compared.scores(f"{learner}: {arm}", EVERY)
            if scored is not None:
                parts.append(
                    compared.tabulate(scored, model=learner, arm=arm, against="")
                )
        for arm, against in list_pairs(inputs):
            lost = compared.lose(
                (f"{learner}: {arm}", EVERY), (f"{learner}: {against}", EVERY)
            )
            if lost is not None:
                names = {"model": learner, "arm": arm, "against": against}
                parts += [compared.tabulate(lost, **names), count_losers(lost, **names)]
    return Outcome(
        finish_rows(parts),
        describe_design(world, layers, found, fewer, compared.days.length),
        {**refused, **found.refused},
    )


def list_sets(world: World) -> dict[str, FeatureSetRecord]:
    """Return the release's sets of weather, and memory with all else that it has."""
    sets = {
        name: record
        for name, record in limit_feature_sets(world).items()
        if name in SETS and record.variables
    }
    memory = sets.get("memory")
    if memory is None:
        return sets
    more = tuple(
        name for name in MORE if name in world.weather and name not in memory.variables
    )
    if more:
        variables = {"variables": (*memory.variables, *more)}
        sets[SURFACE] = memory.model_copy(update=variables)
    return sets


def list_inputs(
    sets: Mapping[str, FeatureSetRecord],
) -> Iterator[tuple[str, FeatureSetRecord]]:
    """Yield every set, and the larger ones without each of their variables.

    From those above `memory` only what it doesn't have is left out.
    """
    memory = sets["memory"].variables if "memory" in sets else ()
    for name, record in sets.items():
        yield name, record
        known = () if name == "memory" else memory
        if name == "forcing":
            continue
        for variable in record.variables:
            if variable not in known and len(record.variables) > 1:
                rest = tuple(other for other in record.variables if other != variable)
                yield (
                    f"{name} without {variable}",
                    record.model_copy(
                        update={
                            "variables": rest,
                            "needs_observations": ABOVE in rest,
                        }
                    ),
                )


def list_pairs(inputs: Mapping[str, FeatureSetRecord]) -> Iterator[tuple[str, str]]:
    """Yield pairs of inputs: one set against the next, and a set without a variable."""
    for less, more in STEPS:
        if less in inputs and more in inputs:
            yield less, more
    for name in inputs:
        whole, without, _ = name.partition(" without ")
        if without:
            yield name, whole


def draw_every_arm(
    world: World, fold: Fold, count: int, rng: np.random.Generator
) -> Mapping[str, Cells]:
    """Draw cells evenly over all dryness where it is known, else at random."""
    dryness = world.log_dryness[fold.able]
    if not np.isfinite(dryness).all():
        return {EVERY: rng.permutation(fold.able)[:count]}
    ordered = fold.able[np.argsort(dryness, kind="stable")]
    chosen = [rng.choice(part) for part in np.array_split(ordered, count)]
    return {EVERY: rng.permutation(np.array(chosen))}


def keep_common_days(world: World, found: Crossfit) -> Crossfit:
    """Keep the test days on which the layer above, where there is one, was observed.

    Inputs with the layer above predict no other days: all are compared on these.
    """
    places = {layer: place for place, layer in enumerate(world.layers.tolist())}
    target = found.target.copy(deep=True)
    cells = zip(target["layer"].values.tolist(), found.places.tolist(), strict=True)
    for row, (layer, cell) in enumerate(cells):
        if layer - 1 in places:
            known = np.isfinite(world.measured[places[layer - 1], cell])
            target.values[row, ~known] = np.nan
    return replace(found, target=target)


def count_losers(lost: BootstrappedScores, **names: str) -> pd.DataFrame:
    """Return the share of series that lose, without an interval."""
    values = lost.scores[METRICS[0]].to_numpy()
    known = np.isfinite(values)
    share = float((values[known] > 0).mean()) if known.any() else np.nan
    row = {
        "metric": CONSISTENT,
        "layer": ALL_LAYERS,
        "tested": "all",
        "value": float(round_scores(np.array([share]))[0]),
        "low": np.nan,
        "high": np.nan,
        "cell_count": int(known.sum()),
        "day_count": int(lost.scores["pair_count"].to_numpy()[known].sum()),
    }
    return pd.DataFrame([row]).assign(**names)
