"""What a shift costs a model: its skill under the shift against its skill without.

Scores of two splits can't be compared as they stand, since their test days belong to
other cells, seasons and weather. Here both sides are scored on the same series and
days: those that the split and the reference split both test. What differs is only what
the model was trained on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.metrics.days import ResampledDays
from somobench.schemas.errors import InputError
from somobench.schemas.scores import ALL_LAYERS, SHIFT_COSTS, SHIFT_KEY
from somobench.scoring.case import ScoringCase
from somobench.scoring.ladders import mark_finite_days
from somobench.scoring.models import Model, draw_common_days, score_model
from somobench.scoring.tables import finish_table, round_scores, score_table
from somobench.uncertainty.bootstrap import DRAWS, BootstrappedScores

REFERENCE_SPLIT = "temporal"
COST_METRICS = ("pearson_r", "anomaly_r")
"""Metrics that are the same in the target scalings of both splits."""
MINIMUM_DAYS = 30  # common days of a series, as of a test series in `temporal`
PLAIN = ("plain",)


class NothingInCommonError(InputError):
    """Two splits, or what models predict of them, have no series in common."""


def shift_costs(
    shifted: ScoringCase,
    reference: ScoringCase,
    models: Iterable[tuple[Model, Model]],
    *,
    draws: int = DRAWS,
) -> pd.DataFrame:
    """Compare models trained under a shift with the same models trained without.

    Parameters
    ----------
    shifted, reference : ScoringCase
        Two splits of one release.
    models : iterable of two Models
        One model's predictions on the series of `shifted` and of `reference`; the name
        is that of the first.
    draws : int
        Of days and cells, behind the intervals.

    Returns
    -------
    DataFrame of schema SHIFT_COSTS
        Medians over series with at least 30 common days, of all layers and each. The
        cost is the median of what each series loses, not the difference of the medians;
        its 90 % interval is from draws of days and cells that all models share.

    Raises
    ------
    NothingInCommonError
        If there is no such series. A model without one among others has no row.
    """
    cases = make_common_cases(shifted, reference)
    pairs = [_pair_sides(cases, pair) for pair in models]
    pairs = [pair for pair in pairs if bool(mark_finite_days(pair[0].load()).any())]
    if not pairs:
        raise NothingInCommonError(
            f"predictions for {shifted.split} and {reference.split}",
            found=f"no series with {MINIMUM_DAYS} common days that both sides predict",
            expected="at least one",
        )
    sides = [model for pair in pairs for model in pair]
    days = draw_common_days(cases[0], sides, draws=draws)
    parts = [_pair_costs(cases, pair, days) for pair in pairs]
    return finish_table(parts, SHIFT_COSTS, SHIFT_KEY)


def make_common_cases(
    shifted: ScoringCase, reference: ScoringCase
) -> tuple[ScoringCase, ScoringCase]:
    """Cut two splits of one release to the series and days that both test.

    Their targets are missing on the same days and differ by the scaling that each
    split's train days give.

    Raises
    ------
    NothingInCommonError
        If no series has 30 common days with a target.
    """
    indexes = [case.target.indexes for case in (shifted, reference)]
    series = indexes[0]["series"].intersection(indexes[1]["series"], sort=False)
    days = indexes[0]["time"].intersection(indexes[1]["time"])
    targets = [
        case.target.sel(series=series, time=days) for case in (shifted, reference)
    ]
    both = mark_finite_days(targets[0]) & mark_finite_days(targets[1])
    enough = both.sum(dim="time").to_numpy() >= MINIMUM_DAYS
    if not enough.any():
        raise NothingInCommonError(
            f"splits {shifted.split} and {reference.split}",
            found=f"no series with {MINIMUM_DAYS} days that both test",
            expected="at least one",
        )
    ours, theirs = (target.where(both)[enough] for target in targets)
    return _cut_case(shifted, ours), _cut_case(reference, theirs)


def _cut_case(case: ScoringCase, target: xr.DataArray) -> ScoringCase:
    """Return a case on the series of another target."""
    places = case.target.get_index("series").get_indexer(target.get_index("series"))
    return replace(
        case,
        target=target,
        observed=case.observed[places],
        climatology=case.climatology[places],
        thresholds={side: limit[places] for side, limit in case.thresholds.items()},
        labels={kind: labels[places] for kind, labels in case.labels.items()},
        full_record=case.full_record[places],
        sensor_spread=case.sensor_spread[places],
    )


def _pair_sides(
    cases: tuple[ScoringCase, ScoringCase], pair: tuple[Model, Model]
) -> tuple[Model, Model]:
    """Return both sides of a model on the targets' series and days that both predict.

    A series with fewer than 30 such days is left out of both. Which days are known is
    found once; values are loaded where they are needed.
    """
    axes = {name: cases[0].target[name] for name in ("series", "time")}

    @cache
    def mark_known() -> xr.DataArray:
        both = [mark_finite_days(model.load().sel(axes)) for model in pair]
        known = both[0] & both[1] & mark_finite_days(cases[0].target)
        return known & (known.sum(dim="time") >= MINIMUM_DAYS)

    def load(side: int) -> xr.DataArray:
        return pair[side].load().sel(axes).where(mark_known())

    return Model(pair[0].name, lambda: load(0)), Model(pair[0].name, lambda: load(1))


def _pair_costs(
    cases: tuple[ScoringCase, ScoringCase],
    pair: tuple[Model, Model],
    days: ResampledDays,
) -> pd.DataFrame:
    """Return the costs of one model, in columns of SHIFT_COSTS."""
    ours, theirs = (
        score_model(case, side.load(), days, COST_METRICS)
        for case, side in zip(cases, pair, strict=True)
    )
    lost = measure_series_losses(ours, theirs)
    costs = score_table(cases[0], lost, pair[0].name, PLAIN)
    return costs.assign(
        reference_split=cases[1].split,
        shifted=_take_median_scores(cases[0], ours, lost, costs),
        reference=_take_median_scores(cases[0], theirs, lost, costs),
        cost=costs["value"],
    )


def _take_median_scores(
    case: ScoringCase,
    side: BootstrappedScores,
    lost: BootstrappedScores,
    rows: pd.DataFrame,
) -> NDArray[np.float64]:
    """Return the median score behind each row, over the series that have a cost."""
    medians = []
    for layer, metric in zip(rows["layer"], rows["metric"], strict=True):
        known = np.isfinite(lost.scores[metric].to_numpy())
        known &= (case.series_layers == layer) | (layer == ALL_LAYERS)
        values = side.scores[metric].to_numpy()[known]
        medians.append(np.median(values) if values.size else np.nan)
    return round_scores(np.array(medians))


def measure_series_losses(
    ours: BootstrappedScores, theirs: BootstrappedScores
) -> BootstrappedScores:
    """Return what each series loses, in its score and in every replicate.

    Parameters
    ----------
    ours, theirs : BootstrappedScores
        Of the same series, on the same draws of days.

    Returns
    -------
    BootstrappedScores
        `theirs` minus `ours`, not bounded by the ranges of the metrics.
    """
    names = [metric.name for metric in ours.metrics]
    lost = theirs.scores[names] - ours.scores[names]
    return replace(
        ours,
        scores=lost.assign(pair_count=ours.scores["pair_count"]),
        metrics=tuple(
            replace(metric, minimum=-math.inf, maximum=math.inf)
            for metric in ours.metrics
        ),
        replicates={
            name: theirs.replicates[name] - ours.replicates[name] for name in names
        },
    )
