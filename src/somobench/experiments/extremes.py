"""Experiment `extremes`: what weighted training gains on dry days, and its price.

Models are trained on the same cells and days, which count alike, in balance of dry,
normal and wet days, or the more the more extreme they are. All predict cells held out,
and are scored on days below the 10th percentile of the train half of their series, and
on all days.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.experiments.compare import average_repeats, finish_rows, tabulate
from somobench.experiments.crossfit import Crossfit, run_tasks
from somobench.experiments.design import list_tasks, plan_layers, refuse_unable
from somobench.experiments.features import EVERY, draw_every_arm
from somobench.experiments.fit import NETWORK, Candidate
from somobench.experiments.independence import make_target
from somobench.experiments.outcome import Outcome, describe_design
from somobench.experiments.scaling import LEVEL, SPREAD, STANDARDISED, scale_targets
from somobench.experiments.settings import Settings
from somobench.experiments.world import World
from somobench.ladder.problem import Array
from somobench.metrics.days import ResampledDays
from somobench.neural.weights import DRY, UNIFORM, WEIGHTINGS
from somobench.scoring.shift_costs import measure_series_losses
from somobench.uncertainty.bootstrap import (
    BootstrappedScores,
    bootstrap_scores,
    draw_days,
)

MODELS = ("ridge_memory", "gradient_boosting", "lstm")
RMSE_DRY, BIAS_DRY, SEDI = "rmse_of_dry_days", "bias_of_dry_days", "sedi_dry"
OVERALL = ("pearson_r", "rmse", SEDI, "frequency_bias_dry")
DRY_DAYS = {"rmse": RMSE_DRY, "bias": BIAS_DRY}
FEWEST_DRY_DAYS = 10  # of a series, for scores on dry days

Targets = Mapping[str, xr.DataArray]


def run_extremes(world: World, settings: Settings, processes: int) -> Outcome:
    """Train with each weighting, and score dry days and all days.

    Raises
    ------
    UsageError
        If the release has too few cells.
    """
    whole = np.full_like(world.regimes, EVERY)
    layers, refused = plan_layers(world, settings, whole, 1)
    refuse_unable("extremes", world, layers, refused)
    fewer = settings.model_copy(update={"repeats": max(1, settings.repeats // 2)})
    tasks = list(list_tasks(world, layers, fewer, whole, draw_every_arm))
    candidates = tuple(
        Candidate(name_candidate(model, weighting), model, weighting=weighting)
        for model in MODELS
        for weighting in WEIGHTINGS
    )
    found = run_tasks(world, tasks, candidates, fewer, processes)
    scaled = (make_target(world, found, STANDARDISED) - LEVEL) / SPREAD
    limits = find_dry_limits(world, found)
    days = draw_days(
        _sample_predictions(found, scaled),
        scaled,
        draws=settings.draws,
        seed=settings.seed,
    )
    design = describe_design(world, layers, found, fewer, days.length)
    return Outcome(
        finish_rows(tabulate_weightings(world, found, scaled, limits, days)),
        {**design, "network": dict(NETWORK)},
        {**refused, **found.refused},
    )


def name_candidate(model: str, weighting: str) -> str:
    """Return the name of a model that is trained with a weighting."""
    return f"{model}, {weighting}"


def _sample_predictions(found: Crossfit, target: xr.DataArray) -> list[xr.DataArray]:
    """Return a prediction of every model and weighting, in standard deviations."""
    first = (repeats[0] for repeats in found.predictions.values())
    return [_standardise(values, target) for values in first]


def _standardise(values: NDArray[np.float32], target: xr.DataArray) -> xr.DataArray:
    return target.copy(data=(values - LEVEL) / SPREAD)


def find_dry_limits(world: World, found: Crossfit) -> Array:
    """Return the 10th percentile of the half that trains, (series, day).

    Of each series, in standard deviations from the mean of that half: what its days of
    the other half are dry below.
    """
    place, cells = found.target["layer_place"].to_numpy(), found.places
    limits = np.full(found.target.shape, np.nan)
    for half in (0, 1):
        trained = world.halves == 1 - half
        values = scale_targets(
            world,
            np.arange(len(world.layers)).tolist(),
            np.arange(len(world.cells)),
            trained,
            STANDARDISED,
        )[place, cells][:, trained]
        lines = [_take_quantile(row[np.isfinite(row)]) for row in values]
        limits[:, world.halves == half] = (np.array(lines)[:, None] - LEVEL) / SPREAD
    return limits


def _take_quantile(values: Array) -> float:
    return float(np.quantile(values, DRY)) if values.size else np.nan


def score_weighting(
    predicted: xr.DataArray, target: xr.DataArray, limits: Array, days: ResampledDays
) -> BootstrappedScores:
    """Score a prediction on all days and on dry ones.

    Parameters
    ----------
    predicted, target : DataArray, (series, time), standard deviations
    limits : (series, day)
        What a day is dry below.
    days : ResampledDays

    Notes
    -----
    Scores of days chosen by what was observed favour a model that is always too dry
    (Lerch et al. 2017, doi:10.1214/16-STS588); SEDI and the frequency bias count its
    false alarms.
    """
    nothing = np.zeros(len(target))
    whole = bootstrap_scores(
        predicted - limits,
        target - limits,
        days=days,
        metrics=[name for name in OVERALL if name != "pearson_r"],
        thresholds={"dry": nothing, "wet": nothing},
    )
    linear = bootstrap_scores(predicted, target, days=days, metrics=("pearson_r",))
    dry = target.where(target < limits)
    dry = dry.where(dry.notnull().sum("time") >= FEWEST_DRY_DAYS)  # noqa: PD004
    chosen = bootstrap_scores(
        predicted,
        dry,
        days=days,
        metrics=tuple(DRY_DAYS),
        minimum_count=FEWEST_DRY_DAYS,
    )
    return _join(whole, linear, _rename(chosen))


def _rename(scored: BootstrappedScores) -> BootstrappedScores:
    """Name scores of dry days so."""
    metrics = tuple(replace(each, name=DRY_DAYS[each.name]) for each in scored.metrics)
    replicates = {DRY_DAYS[name]: drawn for name, drawn in scored.replicates.items()}
    return replace(
        scored,
        scores=scored.scores.rename(DRY_DAYS),
        metrics=metrics,
        replicates=replicates,
    )


def _join(first: BootstrappedScores, *others: BootstrappedScores) -> BootstrappedScores:
    """Return all scores of the same series and draws as one."""
    scores, metrics = first.scores, first.metrics
    replicates = dict(first.replicates)
    for other in others:
        names = [metric.name for metric in other.metrics]
        scores = scores.assign({name: other.scores[name] for name in names})
        metrics += other.metrics
        replicates |= {name: other.replicates[name] for name in names}
    return replace(first, scores=scores, metrics=metrics, replicates=replicates)


def tabulate_weightings(
    world: World,
    found: Crossfit,
    target: xr.DataArray,
    limits: Array,
    days: ResampledDays,
) -> Iterator[pd.DataFrame]:
    """Yield scores of every model and weighting, and what each has less than plain."""
    regimes = world.regimes[found.places]
    for model in MODELS:
        scored: dict[str, BootstrappedScores] = {}
        for weighting in WEIGHTINGS:
            name = name_candidate(model, weighting)
            parts = found.predictions.get((name, EVERY), ())
            if not parts:
                continue
            scored[weighting] = average_repeats(
                [
                    score_weighting(_standardise(part, target), target, limits, days)
                    for part in parts
                ],
                days.seed,
            )
            names = {"model": model, "arm": weighting, "against": ""}
            yield tabulate(scored[weighting], regimes, **names)
            if weighting != UNIFORM and UNIFORM in scored:
                lost = measure_series_losses(scored[weighting], scored[UNIFORM])
                names["against"] = UNIFORM
                yield tabulate(lost, regimes, **names)
