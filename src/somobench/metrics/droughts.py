"""Drought events of a daily series, and how late a prediction starts and ends them.

Run theory: an event is a run of days below the dry threshold. Short interruptions join
(inter-event time rule, Tallaksen et al. 1997, doi:10.1080/02626669709492003), short
events do not count. An onset or recovery beside a long gap is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.extremes import Events, mark_extreme_days
from somobench.metrics.moments import Additive, Floats, Scores

JOIN_DAYS = 5  # an interruption or gap this short or shorter does not end an event
MINIMUM_DURATION = 10  # days from onset to recovery that an event needs
_WET, _DRY, _GAP = 0, 1, 2

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class DroughtEvents:
    """Events of one series in order of time.

    Attributes
    ----------
    onset, recovery : (event,) days from the start of the series
        First dry day, and first day after the event.
    onset_known, recovery_known : (event,)
        False where a long gap or an end of the series lies beside it.
    """

    onset: Integers
    recovery: Integers
    onset_known: Events
    recovery_known: Events


def _find_runs(states: Integers) -> tuple[Integers, Integers]:
    """Start of every run of equal states, with the end appended, and its state."""
    changes = np.flatnonzero(np.diff(states)) + 1
    bounds = np.concatenate([[0], changes, [states.size]])
    return bounds, states[bounds[:-1]]


def _join_short(states: Integers, state: int, neighbours: tuple[int, ...]) -> Integers:
    """Give short runs of `state` the state before them if both neighbours allow it."""
    bounds, kinds = _find_runs(states)
    allowed = np.zeros(3, dtype=bool)
    allowed[list(neighbours)] = True
    joined = (kinds == state) & (np.diff(bounds) <= JOIN_DAYS)
    joined[1:] &= allowed[kinds[:-1]]
    joined[:-1] &= allowed[kinds[1:]]
    joined[[0, -1]] = False
    before = np.flatnonzero(joined) - 1
    kinds[joined] = kinds[before]
    return np.repeat(kinds, np.diff(bounds))


def find_drought_events(dry: Events, valid: Events) -> DroughtEvents:
    """Find the drought events of one series.

    Parameters
    ----------
    dry : (time,)
        Day below the dry threshold.
    valid : (time,)
        Day observed; a gap of up to `JOIN_DAYS` carries the state before it.

    Returns
    -------
    DroughtEvents
    """
    states = np.where(valid, np.where(dry, _DRY, _WET), _GAP).astype(np.int64)
    states = _join_short(states, _GAP, (_WET, _DRY))
    bounds, kinds = _find_runs(_join_short(states, _WET, (_DRY,)))
    event = np.flatnonzero((kinds == _DRY) & (np.diff(bounds) >= MINIMUM_DURATION))
    around = np.concatenate([[_GAP], kinds, [_GAP]])
    return DroughtEvents(
        onset=bounds[event],
        recovery=bounds[event + 1],
        onset_known=around[event] == _WET,
        recovery_known=around[event + 2] == _WET,
    )


def match_events(target: DroughtEvents, prediction: DroughtEvents) -> Integers:
    """Find, for each target event, the prediction's event that overlaps it most.

    Returns
    -------
    (event,)
        -1 where none overlaps; the earlier one of equals.
    """
    if target.onset.size == 0 or prediction.onset.size == 0:
        return np.full(target.onset.size, -1, dtype=np.int64)
    first = np.maximum(target.onset[:, None], prediction.onset[None, :])
    last = np.minimum(target.recovery[:, None], prediction.recovery[None, :])
    overlap = last - first
    best = overlap.argmax(axis=1)
    return np.where(overlap.max(axis=1) > 0, best, -1)


def _fill_row_lags(row: Floats, dry: tuple[Events, Events], valid: Events) -> None:
    """Fill (6, time) daily sums of one row, each event on the day of its onset."""
    target, prediction = (find_drought_events(series, valid) for series in dry)
    match = match_events(target, prediction)
    found = match >= 0
    np.add.at(row[0], target.onset, 1.0)
    np.add.at(row[1], target.onset[found], 1.0)
    mine, theirs = np.flatnonzero(found), match[found]
    for index, (days, known) in enumerate(
        [("onset", "onset_known"), ("recovery", "recovery_known")]
    ):
        sure = getattr(target, known)[mine] & getattr(prediction, known)[theirs]
        lag = getattr(prediction, days)[theirs] - getattr(target, days)[mine]
        place = target.onset[mine[sure]]
        np.add.at(row[2 + 2 * index], place, 1.0)
        np.add.at(row[3 + 2 * index], place, lag[sure].astype(np.float64))


def droughts_family(prediction: Floats, target: Floats, threshold: Floats) -> Additive:
    """Describe pairs (row, time; NaN where not paired) by their drought events."""
    valid = np.isfinite(target) & np.isfinite(threshold)[:, None]
    dry = [
        mark_extreme_days(values, threshold, "dry") for values in (target, prediction)
    ]
    daily = np.zeros((6, *target.shape))
    for row in np.flatnonzero(valid.any(axis=1)):
        _fill_row_lags(daily[:, row], (dry[0][row], dry[1][row]), valid[row])
    return Additive.of(daily, finish_droughts)


def finish_droughts(sums: Sequence[Floats]) -> Scores:
    """Turn sums of events, of those found, and of lags into scores."""
    events, found, onsets, onset_lag, recoveries, recovery_lag = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        return {
            "drought_detection_rate": found / events,
            "drought_onset_lag": onset_lag / onsets,
            "drought_recovery_lag": recovery_lag / recoveries,
        }
