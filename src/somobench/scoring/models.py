"""Scores of models on one split, all on the same draws of days and cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from somobench.metrics.days import ResampledDays, resample_days
from somobench.scoring.case import ScoringCase
from somobench.uncertainty.bootstrap import (
    DRAWS,
    BootstrappedScores,
    bootstrap_scores,
    draw_days,
)

LEADING = ("pearson_r", "anomaly_r", "deseasonalised_r")
"""Metrics that don't depend on the target's mean and variance; the first one leads."""
COMPARED = (*LEADING, "ubrmse", "rmse", "kge_2009", "sedi_dry")
"""Metrics in which a submission is compared with rungs."""
SEED = 0

Load = Callable[[], xr.DataArray]
Forecast = Callable[[int | None], xr.DataArray]
"""Predictions of a lead time, days, or of the only ones there are."""


@dataclass(frozen=True, eq=False)
class Model:
    """A model's predictions on the series of a case, loaded when they are needed.

    `load` returns a DataArray (series, time) and optionally member.
    """

    name: str
    load: Load


def draw_common_days(
    case: ScoringCase,
    models: Iterable[Model],
    *,
    within: Model | None = None,
    draws: int = DRAWS,
) -> ResampledDays:
    """Draw the blocks of days that all models of a split are scored on.

    As `somobench.uncertainty.bootstrap.draw_days` of all models at once, with one in
    memory. Where all will be compared on the days of one of them, `within`, only those
    are drawn.
    """
    length, days = 1, np.zeros(case.target.sizes["time"], dtype=bool)
    for model in models:
        drawn = draw_days([model.load()], case.target, draws=1, seed=SEED)
        length = max(length, drawn.wanted_length)
        if within is None or model is within:
            days |= drawn.scored
    return resample_days(days, length=length, draws=draws, seed=SEED)


def score_model(
    case: ScoringCase,
    prediction: xr.DataArray,
    days: ResampledDays,
    metrics: Iterable[str] | None = None,
) -> BootstrappedScores:
    """Score predictions on the series of a case, with replicates.

    Thresholds are the case's, since its target holds no train days.
    """
    return bootstrap_scores(
        prediction,
        case.target,
        days=days,
        metrics=metrics,
        climatology=case.climatology,
        thresholds=case.thresholds,
    )


class ScoredModels:
    """Scores of a split's models, each found once for the same days.

    They are kept up to 256 MB of replicates; those beyond are found again.

    Parameters
    ----------
    case : ScoringCase
    days : ResampledDays
        Drawn for all models.
    metrics : tuple of str
    """

    room = 2**28  # bytes of replicates that are kept

    def __init__(
        self, case: ScoringCase, days: ResampledDays, metrics: tuple[str, ...]
    ) -> None:
        self.case, self.days, self.metrics = case, days, metrics
        self._kept: dict[tuple[str, bytes], BootstrappedScores] = {}

    def score(
        self, model: str, values: xr.DataArray, within: xr.DataArray | None = None
    ) -> BootstrappedScores:
        """Score a model's values, (series, time) and optionally member.

        With `within`, (series, time) bool, on these days alone.
        """
        days = b"" if within is None else np.packbits(within.to_numpy()).tobytes()
        kept = self._kept.get((model, days))
        if kept is not None:
            return kept
        chosen = values if within is None else values.where(within)
        scored = score_model(self.case, chosen, self.days, self.metrics)
        needed = sum(drawn.nbytes for drawn in scored.replicates.values())
        if needed <= self.room:
            self.room -= needed
            self._kept[model, days] = scored
        return scored


def select_metrics(
    scored: BootstrappedScores, metrics: Iterable[str]
) -> BootstrappedScores:
    """Keep some metrics of scores."""
    names = set(metrics)
    kept = tuple(metric for metric in scored.metrics if metric.name in names)
    replicates = {metric.name: scored.replicates[metric.name] for metric in kept}
    return replace(scored, metrics=kept, replicates=replicates)
