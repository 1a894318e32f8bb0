"""Experiment `robustness`: skill in the climate of training, and outside of it.

Every rung is trained on as many cells and days of the tested cells' own regime, of the
other one, and of both, half and half; and predicts the same cells and days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from somobench.experiments.compare import (
    ALL,
    METRICS,
    Comparison,
    finish_rows,
)
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
from somobench.experiments.world import ENERGY, REGIMES, WATER, World
from somobench.ladder.problem import Array
from somobench.ladder.rungs import RUNGS
from somobench.metrics.moments import Floats
from somobench.schemas.scores import ALL_LAYERS
from somobench.uncertainty.bootstrap import BootstrappedScores
from somobench.uncertainty.cells import draw_groups
from somobench.uncertainty.intervals import Resampled, make_pooled_interval
from somobench.uncertainty.pooling import LEVEL

SAME, OTHER, BOTH, UNTRAINED = "same", "other", "both", "untrained"
LOSSES = ((OTHER, SAME), (BOTH, SAME), (OTHER, BOTH))
TRAINED = (
    "linear_1",
    "cluster_regression",
    "ridge_forcing",
    "ridge_memory",
    "gradient_boosting",
    "water_balance",
    "ridge_state",
)
"""Rungs that learn from training cells; the others have nothing that could be lost."""


def run_robustness(world: World, settings: Settings, processes: int) -> Outcome:
    """Train rungs in the same regime, the other and both, and compare them.

    Raises
    ------
    UsageError
        If the release doesn't have cells enough of both regimes.
    """
    regimes = np.where(np.isin(world.regimes, REGIMES), world.regimes, "")
    layers, refused = plan_layers(world, settings, regimes, len(REGIMES))
    refuse_unable("robustness", world, layers, refused)
    tasks = list(list_tasks(world, layers, settings, regimes, draw_regime_arms))
    candidates = tuple(make_candidate(world, name) for name in TRAINED)
    found = name_arms(world, run_tasks(world, tasks, candidates, settings, processes))
    found = add_untrained(world, found)
    compared = Comparison(world, found, settings.draws, settings.seed)
    parts = compared.tabulate_scores()
    distance = measure_climate_distance(world, found)
    points = {}
    for model in compared.models():
        for ours, theirs in LOSSES:
            lost = compared.lose((model, ours), (model, theirs))
            if lost is not None:
                names = {"model": model, "arm": ours, "against": theirs}
                parts.append(compared.tabulate(lost, **names))
        lost = compared.lose((model, OTHER), (model, SAME))
        if lost is not None:
            names = {"model": model, "arm": OTHER, "against": SAME}
            parts.append(fit_slopes(lost, distance, **names))
            points[model] = list_points(found, lost, distance)
    return Outcome(
        finish_rows(parts),
        describe_design(world, layers, found, settings, compared.days.length),
        {**refused, **found.refused},
        points,
    )


def make_candidate(world: World, name: str) -> Candidate:
    """Return a rung as experiments fit it."""
    sets = limit_feature_sets(world)
    own = RUNGS[name].feature_set
    if RUNGS[name].needs_observations and own in sets:
        return Candidate(name, name, sets[str(own)])
    return Candidate(name, name)


def draw_regime_arms(
    world: World, fold: Fold, count: int, rng: np.random.Generator
) -> Mapping[str, Cells]:
    """Draw as many cells of each regime, and of both in turn.

    The cells of both are among those of each, so that arms share what they can.
    """
    kinds = world.regimes[fold.able]
    drawn = {
        regime: rng.permutation(fold.able[kinds == regime])[:count]
        for regime in REGIMES
    }
    half = count // 2
    mixed = np.stack([drawn[ENERGY][:half], drawn[WATER][:half]], axis=1).ravel()
    return {**drawn, BOTH: mixed}


def name_arms(world: World, found: Crossfit) -> Crossfit:
    """Name arms by how the regime that trained stands to that of the tested cell."""
    own = world.regimes[found.places]
    joined = {}
    for model in dict.fromkeys(name for name, _ in found.predictions):
        sides = {regime: found.predictions.get((model, regime)) for regime in REGIMES}
        energy, water = sides[ENERGY], sides[WATER]
        both = found.predictions.get((model, BOTH))
        if energy is None or water is None or both is None:
            continue
        dry = (own == WATER)[:, None]
        pairs = list(zip(energy, water, strict=True))
        joined[model, SAME] = [np.where(dry, w, e) for e, w in pairs]
        joined[model, OTHER] = [np.where(dry, e, w) for e, w in pairs]
        joined[model, BOTH] = list(both)
    return Crossfit(found.target, joined, found.refused, found.tasks)


def add_untrained(world: World, found: Crossfit) -> Crossfit:
    """Add what process models that learned nothing here say of the same series."""
    place = found.target["layer_place"].to_numpy()
    tested = np.isfinite(found.target.to_numpy())
    added = {
        (name, UNTRAINED): [
            np.where(tested, values[place, found.places], np.nan).astype(np.float32)
        ]
        for name, values in world.list_untrained().items()
    }
    return replace(found, predictions={**found.predictions, **added})


def measure_climate_distance(world: World, found: Crossfit) -> Array:
    """Return how far each series' climate is from those of the other regime's cells.

    Returns
    -------
    (series,), 1
        Distance of the logarithm of dryness from its mean over the training cells,
        less the same distance from training cells of the series' own regime; mean over
        repeats.
    """
    dryness = world.log_dryness
    sums = np.zeros((2, world.measured.shape[0], dryness.size))
    count = np.zeros_like(sums)
    for task in found.tasks:
        if task.arm not in REGIMES or task.half:
            continue
        centre = dryness[[*task.train, *task.validation]].mean()
        cells = np.array(task.tested)
        side = (world.regimes[cells] != task.arm).astype(int)
        sums[side, task.layer, cells] += np.abs(dryness[cells] - centre)
        count[side, task.layer, cells] += 1
    with np.errstate(invalid="ignore"):
        mean = sums / np.where(count > 0, count, np.nan)
    layer = found.target["layer_place"].to_numpy()
    away: Array = (mean[1] - mean[0])[layer, found.places]
    return away


def list_points(
    found: Crossfit, lost: BootstrappedScores, distance: Array
) -> list[tuple[float, float, str]]:
    """Return distance, loss and name of every series that has both."""
    losses = lost.scores[METRICS[0]].to_numpy()
    names = found.target["series"].to_numpy()
    return [
        (round(float(x), 4), round(float(y), 4), str(name))
        for x, y, name in zip(distance, losses, names, strict=True)
        if np.isfinite(x) and np.isfinite(y)
    ]


def fit_slopes(
    lost: BootstrappedScores, distance: Floats, **names: str
) -> pd.DataFrame:
    """Return how the loss of series grows with a distance, all layers together.

    Parameters
    ----------
    lost : BootstrappedScores, dim series with coordinate cluster
    distance : (series,)

    Returns
    -------
    DataFrame
        Least-squares slope of the loss, metric `<metric>_by_distance`, with its
        interval over days and cells.
    """
    template = lost.scores["pair_count"]
    clusters = template["cluster"].to_numpy().astype(str)
    rows = []
    for metric in lost.metrics:
        values = lost.scores[metric.name].to_numpy().astype(np.float64)
        known = np.isfinite(values) & np.isfinite(distance)
        (group,) = draw_groups(
            {ALL: np.where(known, ALL, "").tolist()},
            draws=lost.days.draws,
            seed=lost.days.seed,
            clusters=clusters.tolist(),
        )
        x, own = distance[group.rows], values[group.rows]
        drawn = lost.replicates[metric.name][:, group.rows].astype(np.float64)
        still = np.broadcast_to(own, drawn.shape)
        once = np.ones_like(drawn)
        weights = group.count_uses(len(drawn))
        slopes = Resampled(
            *(
                _slope(x, series, weight)[None]
                for series, weight in (
                    (drawn, weights),
                    (drawn, once),
                    (still, weights),
                )
            )
        )
        value = _slope(x, own[None], np.ones((1, own.size)))
        low, high = make_pooled_interval(
            value,
            slopes,
            blocks=lost.days.blocks,
            cells=np.array([group.count_units(values)]),
            level=LEVEL,
        )
        rows.append(
            {
                "metric": f"{metric.name}_by_distance",
                "layer": ALL_LAYERS,
                "tested": ALL,
                "value": float(value[0]),
                "low": float(low[0]) if lost.days.enough else np.nan,
                "high": float(high[0]) if lost.days.enough else np.nan,
                "cell_count": int(own.size),
                "day_count": int(template.to_numpy()[group.rows].sum()),
            }
        )
    return pd.DataFrame(rows).assign(**names)


def _slope(x: Floats, values: Floats, weights: Floats) -> Floats:
    """Return weighted least-squares slopes of rows (draw, series) on x (series,)."""
    weights = np.where(np.isfinite(values), weights, 0.0)
    filled = np.where(np.isfinite(values), values, 0.0)
    total = np.maximum(weights.sum(axis=1), 1e-12)
    mean = (weights * x).sum(axis=1) / total
    centred = x - mean[:, None]
    spread = (weights * centred**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope: Floats = (weights * centred * filled).sum(axis=1) / spread
    return np.where(spread > 0, slope, np.nan)
