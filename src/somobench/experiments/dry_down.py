"""How fast soil moisture falls while no rain falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.experiments.compare import average_repeats
from somobench.ladder.problem import Array
from somobench.metrics.days import ResampledDays
from somobench.metrics.registry import METRICS
from somobench.uncertainty.bootstrap import BootstrappedScores, bootstrap_scores

STEP = 5  # days; sensors' noise counts for less than from day to day
DRY = 0.5  # mm d-1; less rain doesn't reach the soil
FEWEST_STEPS = 30
LONGEST = 365.0  # days
NAME = "dry_down_days"


def measure_dry_down(
    parts: Sequence[xr.DataArray], rain: NDArray[np.float32], days: ResampledDays
) -> BootstrappedScores:
    """Return the time in which soil moisture falls by a factor e without rain, days.

    Parameters
    ----------
    parts : sequence of DataArray, (series, time), m3 m-3
        Repeats, whose mean is given.
    rain : (series, time), mm d-1
    days : ResampledDays

    Returns
    -------
    BootstrappedScores of the one metric `dry_down_days`
        Missing where a series has fewer than 30 steps, or no decay.

    Notes
    -----
    Soil moisture five days later is regressed on soil moisture over all dry runs of a
    series; the slope b gives -5 / ln b, as of an exponential decay (McColl et al. 2017,
    doi:10.1002/2017GL075690, fit each run on its own). Noise of a sensor makes it
    shorter, and a limit that differs between runs longer.
    """
    scored = [_measure(part, rain, days) for part in parts]
    return average_repeats(scored, days.seed)


def _measure(
    part: xr.DataArray, rain: NDArray[np.float32], days: ResampledDays
) -> BootstrappedScores:
    part = part.where(days.scored)
    template = bootstrap_scores(part, part, days=days, metrics=("pearson_r",))
    values = part.to_numpy().astype(np.float64)
    first, last, known = find_steps(values, rain)
    pair = [np.where(known, each, 0.0) for each in (first, last)]
    level = pair[0].sum(axis=1, keepdims=True) / np.maximum(
        known.sum(axis=1, keepdims=True), 1
    )
    x, y = (np.where(known, each - level, 0.0) for each in (first, last))
    one = known.astype(np.float64)
    sums = days.sums([(one,), (x,), (y,), (x, x), (x, y)])
    drawn = fit_decay(*sums)
    whole = [one, x, y, x * x, x * y]
    found = fit_decay(*(each.sum(axis=1) for each in whole))
    found = np.where(known.sum(axis=1) >= FEWEST_STEPS, found, np.nan)
    metric = replace(METRICS["pearson_r"], name=NAME, units="days")
    count = template.scores["pair_count"].copy(data=known.sum(axis=1).astype(np.int32))
    scores = template.scores.drop_vars("pearson_r").assign(
        {NAME: ("series", found), "pair_count": count}
    )
    return replace(
        template,
        scores=scores,
        metrics=(metric,),
        replicates={NAME: drawn.astype(np.float32)},
    )


def find_steps(
    values: Array, rain: NDArray[np.float32]
) -> tuple[Array, Array, NDArray[np.bool_]]:
    """Return values, those five days later, and where both lie in one dry run."""
    later = np.full_like(values, np.nan)
    later[:, :-STEP] = values[:, STEP:]
    dry = rain < DRY
    run = np.ones_like(dry)
    for ahead in range(1, STEP + 1):
        run[:, :-ahead] &= dry[:, ahead:]
        run[:, -ahead:] = False
    return values, later, run & np.isfinite(values) & np.isfinite(later)


def fit_decay(count: Array, x: Array, y: Array, xx: Array, xy: Array) -> Array:
    """Return -5 / ln of the regression slope, days; NaN where nothing decays."""
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = (xy - x * y / count) / (xx - x * x / count)
        days = -STEP / np.log(slope)
    usable = (slope > 0) & (slope < 1)
    result: Array = np.where(usable, np.minimum(days, LONGEST), np.nan)
    return result
