"""Dry and wet extremes as events: hit rate, false-alarm rate, frequency bias, SEDI.

A day is dry below the 10th percentile of its row's train days and wet above the 90th.
Both series meet the same threshold, so that bias counts. Plain arrays, (row, time).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.distributions import compute_row_quantiles
from somobench.metrics.moments import Additive, Finish, Floats, Scores

Side = Literal["dry", "wet"]
Events = NDArray[np.bool_]

LEVELS: dict[Side, float] = {"dry": 0.1, "wet": 0.9}  # US Drought Monitor: D2 and worse
MINIMUM_TRAIN_DAYS = 90  # valid days that a threshold needs; the shortest record kept


def compute_extreme_thresholds(
    train: Floats, minimum_days: int = MINIMUM_TRAIN_DAYS
) -> dict[str, Floats]:
    """Take the 10th and 90th percentile of each row's train days.

    Parameters
    ----------
    train : (row, time)
        Target on train days, NaN elsewhere.
    minimum_days : int
        Rows with fewer valid days get NaN.

    Returns
    -------
    {"dry": (row,), "wet": (row,)}
    """
    quantiles = compute_row_quantiles(train, list(LEVELS.values()))
    quantiles[np.isfinite(train).sum(axis=1) < minimum_days] = np.nan
    return {side: quantiles[:, index] for index, side in enumerate(LEVELS)}


def mark_extreme_days(values: Floats, threshold: Floats, side: Side) -> Events:
    """Mark days strictly beyond the row's threshold; missing days are not events."""
    limit = threshold[:, None]
    return np.asarray(values < limit if side == "dry" else values > limit)


def sedi(hits: Floats, misses: Floats, false_alarms: Floats, quiet: Floats) -> Floats:
    """Score the symmetric extremal dependence index of a two-by-two table.

    Parameters
    ----------
    hits, misses, false_alarms, quiet : arrays of one shape
        Counts; `quiet` days have no event in either series.

    Returns
    -------
    Array of that shape
        1 where every event and nothing else was predicted, 0 where the hit rate is the
        false-alarm rate, as that of a prediction that never or always has an event, -1
        where no event or no other day was predicted right, NaN where the target holds
        no event or nothing else.

    Notes
    -----
    Ferro and Stephenson 2011, doi:10.1175/WAF-D-10-05030.1: 0 for every prediction
    without skill, that is with the hit rate H equal to the false-alarm rate F. The
    formula has no value at rates of 0 and 1. Its limit is taken where that is the
    worst score: -1 as H goes to 0 or F to 1. Where the limit is the best score, of
    tables that are not perfect, a rate is taken as half a day off, 1/(2n) or
    1 - 1/(2n) (Macmillan and Kaplan 1985, doi:10.1037/0033-2909.98.1.185), and the
    index keeps the sign of H - F. Left out, such cells would favour a model that never
    predicts an event.
    """
    events, others = hits + misses, false_alarms + quiet
    with np.errstate(invalid="ignore", divide="ignore"):
        half_event, half_other = 0.5 / events, 0.5 / others
        hit = np.clip(hits / events, half_event, 1.0 - half_event)
        false = np.clip(false_alarms / others, half_other, 1.0 - half_other)
        logs = np.log(false), np.log(hit), np.log1p(-hit), np.log1p(-false)
        index = (logs[0] - logs[1] + logs[2] - logs[3]) / sum(logs)
    skill = hits * others - false_alarms * events  # the sign of H - F
    index = np.where(skill > 0, np.maximum(index, 0.0), np.minimum(index, 0.0))
    index = np.where((hits == 0) | (quiet == 0), -1.0, index)
    index = np.where((misses == 0) & (false_alarms == 0), 1.0, index)
    index = np.where(skill == 0, 0.0, index)
    return np.where((events > 0) & (others > 0), index, np.nan)


def extremes_family(
    side: Side, prediction: Floats, target: Floats, threshold: Floats
) -> Additive:
    """Describe pairs (row, time; NaN where not paired) by their extreme days."""
    valid = np.isfinite(target) & np.isfinite(threshold)[:, None]
    predicted = mark_extreme_days(prediction, threshold, side) & valid
    observed = mark_extreme_days(target, threshold, side) & valid
    daily = (valid, predicted & observed, predicted, observed)
    floats = (array.astype(np.float64) for array in daily)
    return Additive.of(floats, finish_extremes(side))


def finish_extremes(side: Side) -> Finish:
    """Return what turns counts of days, hits, predictions and events into scores."""

    def finish(sums: Sequence[Floats]) -> Scores:
        days, hits, predicted_days, events = sums
        false_alarms, misses = predicted_days - hits, events - hits
        quiet = days - predicted_days - misses
        with np.errstate(invalid="ignore", divide="ignore"):
            return {
                f"hit_rate_{side}": hits / events,
                f"false_alarm_rate_{side}": false_alarms / (days - events),
                f"frequency_bias_{side}": _divide(predicted_days, events),
                f"sedi_{side}": sedi(hits, misses, false_alarms, quiet),
            }

    return finish


def _divide(numerator: Floats, denominator: Floats) -> Floats:
    return np.where(denominator > 0, numerator / denominator, np.nan)
