"""Experiment `independence`: how much of a score rests on the reanalysis.

Targets are matched to the mean and deviation of a reanalysis, or left as measured.
Models learn from the one and from the other, on the same cells and days, and are scored
against what they learned; so is the reanalysis, against both.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import xarray as xr

from somobench.experiments.compare import average_repeats, finish_rows, tabulate
from somobench.experiments.crossfit import Crossfit, run_tasks
from somobench.experiments.design import list_tasks, plan_layers, refuse_unable
from somobench.experiments.features import EVERY, draw_every_arm
from somobench.experiments.fit import Candidate
from somobench.experiments.outcome import Outcome, describe_design
from somobench.experiments.scaling import MATCHED, MEASURED, scale_targets
from somobench.experiments.settings import Settings
from somobench.experiments.world import REANALYSIS, World
from somobench.metrics.days import ResampledDays
from somobench.schemas.errors import UsageError
from somobench.scoring.shift_costs import measure_series_losses
from somobench.uncertainty.bootstrap import (
    BootstrappedScores,
    bootstrap_scores,
    draw_days,
)

MODELS = ("ridge_memory", "gradient_boosting")
SCALINGS = (MATCHED, MEASURED)
METRICS = ("pearson_r", "nse", "kge_2009")
ONE_WEATHER = "weather of stations against that of the reanalysis"


def run_independence(world: World, settings: Settings, processes: int) -> Outcome:
    """Train and score on targets with and without the reanalysis' moments.

    Raises
    ------
    UsageError
        If the release has no soil moisture of a reanalysis.
    """
    if world.reanalysis is None:
        raise UsageError(
            f"experiment independence on release {world.release}",
            found="no soil moisture of a reanalysis: targets are as measured",
            expected="a release with a reference",
        )
    whole = np.full_like(world.regimes, EVERY)
    layers, refused = plan_layers(world, settings, whole, 1)
    refuse_unable("independence", world, layers, refused)
    fewer = settings.model_copy(update={"repeats": max(1, settings.repeats // 2)})
    tasks = list(list_tasks(world, layers, fewer, whole, draw_every_arm))
    candidates = tuple(
        Candidate(f"{model}, {scaling}", model, scaling=scaling)
        for model in MODELS
        for scaling in SCALINGS
    )
    found = run_tasks(world, tasks, candidates, fewer, processes)
    targets = {scaling: make_target(world, found, scaling) for scaling in SCALINGS}
    days = draw_days(
        [targets[MEASURED]], targets[MATCHED], draws=settings.draws, seed=settings.seed
    )
    design = describe_design(world, layers, found, fewer, days.length)
    lacking = {ONE_WEATHER: "the release has one source of weather"}
    return Outcome(
        finish_rows(_tabulate(world, found, targets, days)),
        design,
        {**refused, **found.refused, **lacking},
    )


def make_target(world: World, found: Crossfit, scaling: str) -> xr.DataArray:
    """Return what series are scored against: each half scaled by the other's days."""
    place, cells = found.target["layer_place"].to_numpy(), found.places
    values = np.full(found.target.shape, np.nan)
    for half in (0, 1):
        days = world.halves == half
        scaled = scale_targets(
            world,
            np.arange(len(world.layers)).tolist(),
            np.arange(len(world.cells)),
            world.halves == 1 - half,
            scaling,
        )
        values[:, days] = scaled[place, cells][:, days]
    known = np.isfinite(found.target.to_numpy())
    return found.target.copy(data=np.where(known, values, np.nan))


def _tabulate(
    world: World,
    found: Crossfit,
    targets: dict[str, xr.DataArray],
    days: ResampledDays,
) -> Iterator[pd.DataFrame]:
    regimes = world.regimes[found.places]
    place = found.target["layer_place"].to_numpy()
    for model in (*MODELS, REANALYSIS):
        scored: dict[str, BootstrappedScores] = {}
        for scaling, target in targets.items():
            if model == REANALYSIS and world.reanalysis is not None:
                parts = [world.reanalysis[place, found.places].astype(np.float32)]
            else:
                known = found.predictions.get((f"{model}, {scaling}", EVERY), ())
                parts = list(known)
            if not parts:
                break
            scored[scaling] = average_repeats(
                [
                    bootstrap_scores(
                        target.copy(data=part), target, days=days, metrics=METRICS
                    )
                    for part in parts
                ],
                days.seed,
            )
            names = {"model": model, "arm": scaling, "against": ""}
            yield tabulate(scored[scaling], regimes, **names)
        if len(scored) == len(SCALINGS):
            lost = measure_series_losses(scored[MEASURED], scored[MATCHED])
            yield tabulate(lost, regimes, model=model, arm=MEASURED, against=MATCHED)
