"""Scores with replicates: what each would have been on resampled days.

Pooling over cells, and the resampling of cells, is in `somobench.uncertainty.pooling`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.metrics.days import ResampledDays, resample_days
from somobench.metrics.definition import Metric
from somobench.metrics.labels import LabelledRows, label_rows
from somobench.metrics.rows import MINIMUM_COUNT, Replicates, score_rows
from somobench.schemas.errors import InputError
from somobench.uncertainty.block_length import (
    MINIMUM_ROW_DAYS,
    SAMPLED_ROWS,
    Rule,
    block_length,
)

DRAWS = 500


@dataclass(frozen=True, eq=False)
class BootstrappedScores:
    """Scores of one prediction and their replicates on resampled days.

    Attributes
    ----------
    scores : Dataset
        As `somobench.metrics.score` gives them; block length, draws and seed in attrs.
    metrics : tuple of Metric
    replicates : mapping of (draw, row) float32
        Rows in the order of the flattened dims of `scores`.
    days : ResampledDays
        Models are paired if they were scored on the same one.
    pooled : mapping
        Medians over cells that were taken before, for `somobench.uncertainty.pooling`.
    """

    scores: xr.Dataset
    metrics: tuple[Metric, ...]
    replicates: Mapping[str, Replicates]
    days: ResampledDays
    pooled: dict[Any, Any] = field(default_factory=dict, init=False, repr=False)


def draw_days(
    predictions: Sequence[xr.DataArray],
    target: xr.DataArray,
    *,
    scored: xr.DataArray | None = None,
    rule: Rule = "automatic",
    draws: int = DRAWS,
    seed: int = 0,
) -> ResampledDays:
    """Draw the blocks of days on which several predictions are scored together.

    Parameters
    ----------
    predictions : sequence of DataArray
        All models that will be compared; the longest of their blocks is used.
    target, scored
        As in `somobench.metrics.score`.
    rule : {"automatic", "politis_white", "cube_root", "season", "year"}
        See `somobench.uncertainty.block_length.block_length`.
    draws : int
    seed : int

    Returns
    -------
    ResampledDays
    """
    if not predictions:
        raise InputError("predictions", found="none", expected="at least one model")
    length, days = 1, np.zeros(target.sizes["time"], dtype=bool)
    for prediction in predictions:
        labelled = label_rows(prediction, target, scored=scored)
        days |= labelled.paired.any(axis=0)
        length = max(length, _choose_length(labelled, rule))
    return resample_days(days, length=length, draws=draws, seed=seed)


def _choose_length(labelled: LabelledRows, rule: Rule) -> int:
    enough = np.flatnonzero(labelled.paired.sum(axis=1) >= MINIMUM_ROW_DAYS)
    chosen = enough[:: max(1, -(-enough.size // SAMPLED_ROWS))]
    return block_length(labelled.error(chosen), rule)


def bootstrap_scores(
    prediction: xr.DataArray,
    target: xr.DataArray,
    *,
    days: ResampledDays | None = None,
    metrics: Iterable[str] | None = None,
    train: xr.DataArray | None = None,
    scored: xr.DataArray | None = None,
    climatology: xr.DataArray | None = None,
    thresholds: Mapping[str, NDArray[np.float64]] | None = None,
    minimum_count: int = MINIMUM_COUNT,
) -> BootstrappedScores:
    """Score a prediction, and again on every draw of resampled days.

    Moments, counts and means are resampled exactly. Ranks and the tails and overlap of
    distributions change with the days to first order. Anomalies, the climatology,
    thresholds and drought events are those of the whole record.

    Parameters
    ----------
    prediction, target, metrics, train, scored, climatology, minimum_count
        As in `somobench.metrics.score`.
    days : ResampledDays, optional
        From `draw_days`, the same for models that are to be compared; by default drawn
        for this prediction alone, 500 times with seed 0.
    thresholds : {"dry": (row,), "wet": (row,)}, optional
        Of extremes, rows in the order of the target's; by default of its train days.

    Returns
    -------
    BootstrappedScores
    """
    if days is None:
        days = draw_days([prediction], target, scored=scored)
    labelled = label_rows(
        prediction,
        target,
        train=train,
        scored=scored,
        climatology=climatology,
        thresholds=thresholds,
    )
    _refuse_other_days(days, labelled)
    wanted = labelled.metrics(metrics)
    result = score_rows(
        labelled.rows,
        wanted,
        minimum_count=minimum_count,
        days=days if days.draws else None,
    )
    scores = labelled.dataset(result, wanted, minimum_count)
    scores.attrs |= {
        "bootstrap": "circular blocks of days, the same for all cells and models",
        "block_length": days.length,
        "block_length_wanted": days.wanted_length,
        "draws": days.draws,
        "seed": days.seed,
    }
    none = np.empty((0, len(result.count)), np.float32)
    replicates = result.replicates or {it.name: none for it in wanted}
    return BootstrappedScores(scores, wanted, replicates, days)


def _refuse_other_days(days: ResampledDays, labelled: LabelledRows) -> None:
    paired = labelled.paired.any(axis=0)
    if days.scored.shape != paired.shape or (paired & ~days.scored).any():
        raise InputError(
            "resampled days",
            found=f"{int(days.scored.sum())} scored days of {days.scored.size}",
            expected=f"to cover the {int(paired.sum())} days with pairs"
            f" of {paired.size}",
            hint="name this prediction in draw_days as well",
        )
