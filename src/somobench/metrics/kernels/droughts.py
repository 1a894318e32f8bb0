"""Compiled sums over dry spells."""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

import numpy as np

from somobench.compiling import compile_lazily
from somobench.metrics.kernels.arrays import Floats, Integers
from somobench.metrics.kernels.sums import sum_days

_WET, _DRY, _GAP = 0, 1, 2


@compile_lazily()
def _merge_runs(bounds: Integers, kinds: Integers, count: int) -> int:
    """Merge neighbouring runs of one kind, in place, and return how many are left."""
    kept = 0
    for run in range(count):
        if kept and kinds[kept - 1] == kinds[run]:
            continue
        bounds[kept], kinds[kept] = bounds[run], kinds[run]
        kept += 1
    bounds[kept] = bounds[count]
    return kept


@compile_lazily()
def _join_runs(
    bounds: Integers, kinds: Integers, count: int, kind: int, longest: int
) -> int:
    """Give short inner runs of a kind the kind before them; dry days only, dry ones."""
    before = kinds[0]
    for run in range(1, count - 1):
        own = kinds[run]
        if (
            own == kind
            and bounds[run + 1] - bounds[run] <= longest
            and before != _GAP
            and kinds[run + 1] != _GAP
        ):
            kinds[run] = before
        before = own
    return _merge_runs(bounds, kinds, count)


@compile_lazily()
def _find_events(
    values: Floats, limit: float, shortest: int, longest: int, events: Integers
) -> int:
    """Fill onset, recovery and whether each is known, (4, event), and count events."""
    size = values.size
    bounds = np.empty(size + 1, dtype=np.int64)
    kinds = np.empty(size, dtype=np.int64)
    count = 0
    for day in range(size):
        kind = _GAP if np.isnan(values[day]) else _WET
        if values[day] < limit:
            kind = _DRY
        if count == 0 or kinds[count - 1] != kind:
            bounds[count], kinds[count] = day, kind
            count += 1
    bounds[count] = size
    count = _join_runs(bounds, kinds, count, _GAP, longest)
    count = _join_runs(bounds, kinds, count, _WET, longest)
    found = 0
    for run in range(count):
        if kinds[run] != _DRY or bounds[run + 1] - bounds[run] < shortest:
            continue
        events[0, found], events[1, found] = bounds[run], bounds[run + 1]
        events[2, found] = run > 0 and kinds[run - 1] == _WET
        events[3, found] = run + 1 < count and kinds[run + 1] == _WET
        found += 1
    return found


@compile_lazily()
def _add_lags(target: Integers, prediction: Integers, daily: Floats) -> None:
    """Add events of a target, and lags of the predicted ones that overlap them most."""
    for event in range(target.shape[1]):
        onset, recovery = target[0, event], target[1, event]
        best, longest = -1, 0
        for other in range(prediction.shape[1]):
            overlap = min(recovery, prediction[1, other]) - max(
                onset, prediction[0, other]
            )
            if overlap > longest:
                best, longest = other, overlap
        daily[0, onset] += 1.0
        if best < 0:
            continue
        daily[1, onset] += 1.0
        for end in range(2):
            if target[2 + end, event] and prediction[2 + end, best]:
                lag = prediction[end, best] - target[end, event]
                daily[2 + 2 * end, onset] += 1.0
                daily[3 + 2 * end, onset] += lag


@compile_lazily()
def sum_droughts(
    x: Floats,
    y: Floats,
    limit: Floats,
    shortest: int,
    longest: int,
    bounds: Integers,
    sums: Floats,
) -> None:
    """Fill sums of drought events, each on the day of its onset.

    Events of at least `shortest` days count; interruptions up to `longest` join.
    """
    rows, size = x.shape
    for row in range(rows):
        daily = np.zeros((6, size))
        events = np.empty((2, 4, size // 2 + 1), dtype=np.int64)
        if np.isfinite(limit[row]):
            own = _find_events(y[row], limit[row], shortest, longest, events[0])
            others = _find_events(x[row], limit[row], shortest, longest, events[1])
            _add_lags(events[0, :, :own], events[1, :, :others], daily)
        sum_days(daily, bounds, sums[:, row])
