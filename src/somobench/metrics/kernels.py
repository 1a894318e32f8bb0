"""Compiled loops over long series: what the plain functions beside them compute.

Imported only where numba is installed and there is much to do (`compiled`). Series are
(row, time), NaN where missing or, of pairs, on both. `bounds` (step + 1,) are the days
at which steps of the record begin, with its end; sums are (product, row, step).
"""

# ruff: noqa: PLR0917 (compiled functions take no keywords)

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., object])
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_INFINITY = np.inf
_LANES, _BLOCK = 8, 128  # of numpy's pairwise sum
_DIGIT, _PLACES, _DIGITS = 11, 2048, 6  # of the 64 bits that are sorted by
_WET, _DRY, _GAP = 0, 1, 2


def compile_lazily(*, reorder: bool = False) -> Callable[[Function], Function]:
    """Compile at the first call, run without the interpreter lock.

    The result is kept on disk, unless no folder for it can be written. With `reorder`
    sums may be taken in any order; other loops give the bits of the plain functions.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    if reorder:
        options["fastmath"] = {"reassoc", "nsz", "contract"}

    def decorate(function: Function) -> Function:
        try:
            return cast(Function, numba.njit(cache=True, **options)(function))
        except RuntimeError:
            return cast(Function, numba.njit(**options)(function))

    return decorate


@compile_lazily()
def _sum_block(values: Floats, start: int, size: int) -> float:
    """Sum up to 128 values in eight lanes, as numpy does."""
    whole = size - size % _LANES
    total = 0.0
    if whole:
        lanes = values[start : start + _LANES].copy()
        for place in range(start + _LANES, start + whole, _LANES):
            for lane in range(_LANES):
                lanes[lane] += values[place + lane]
        total = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + (
            (lanes[4] + lanes[5]) + (lanes[6] + lanes[7])
        )
    for place in range(start + whole, start + size):
        total += values[place]
    return total


@compile_lazily()
def sum_pairwise(values: Floats, start: int, size: int) -> float:
    """Sum part of a row in numpy's order: halves of halves, down to blocks."""
    starts, sizes = np.empty(64, dtype=np.int64), np.empty(64, dtype=np.int64)
    sums, joined = np.empty(64), np.empty(64, dtype=np.bool_)
    starts[0], sizes[0], joined[0] = start, size, False
    open_parts, known = 1, 0
    while open_parts:
        open_parts -= 1
        if joined[open_parts]:
            known -= 1
            sums[known - 1] += sums[known]
        elif sizes[open_parts] <= _BLOCK:
            sums[known] = _sum_block(values, starts[open_parts], sizes[open_parts])
            known += 1
        else:
            first, whole = starts[open_parts], sizes[open_parts]
            half = whole // 2
            half -= half % _LANES
            joined[open_parts] = True
            starts[open_parts + 1], sizes[open_parts + 1] = first + half, whole - half
            starts[open_parts + 2], sizes[open_parts + 2] = first, half
            joined[open_parts + 1] = joined[open_parts + 2] = False
            open_parts += 3
    return sums[0]


@compile_lazily()
def _centre_row(values: Floats, deviations: Floats, valid: Flags) -> float:
    """Fill deviations from the mean, 0 where missing, and return the mean."""
    count = 0
    for day in range(values.size):
        valid[day] = np.isfinite(values[day])
        deviations[day] = values[day] if valid[day] else 0.0
        count += valid[day]
    mean = sum_pairwise(deviations, 0, values.size) / count
    for day in range(values.size):
        deviations[day] = deviations[day] - mean if valid[day] else 0.0
    return mean


@compile_lazily()
def _average_row(deviations: Floats, valid: Flags, half: int, mean: Floats) -> None:
    """Fill the means over windows of one row; NaN over an empty window."""
    size = deviations.size
    sums, counts = np.zeros(size + 1), np.zeros(size + 1, dtype=np.int64)
    for day in range(size):
        sums[day + 1] = sums[day] + deviations[day]
        counts[day + 1] = counts[day] + valid[day]
    for day in range(size):
        first, end = max(day - half, 0), min(day + half + 1, size)
        count = counts[end] - counts[first]
        mean[day] = (sums[end] - sums[first]) / count if count else np.nan


@compile_lazily()
def fill_anomalies(values: Floats, half: int, anomalies: Floats) -> None:
    """Fill anomalies from the moving mean, (row, time); NaN where missing."""
    rows, size = values.shape
    deviations, mean = np.empty(size), np.empty(size)
    valid = np.empty(size, dtype=np.bool_)
    for row in range(rows):
        _centre_row(values[row], deviations, valid)
        _average_row(deviations, valid, half, mean)
        for day in range(size):
            anomalies[row, day] = deviations[day] - mean[day] if valid[day] else np.nan


@compile_lazily()
def fill_climatology(
    values: Floats,
    order: Integers,
    starts: Integers,
    present: Integers,
    short: int,
    half: int,
    climatology: Floats,
) -> None:
    """Fill climatologies (row, day of year) from series.

    `order` sorts days by day of the year; those of `present[k]` begin at `starts[k]`.
    """
    rows, size = values.shape
    year = climatology.shape[1]
    deviations, smooth, part = np.empty(size), np.empty(size), np.empty(size)
    valid = np.empty(size, dtype=np.bool_)
    yearly, wrapped = np.empty(year), np.empty(year + 2 * half)
    around, known = np.empty(wrapped.size), np.empty(wrapped.size, dtype=np.bool_)
    mean = np.empty(wrapped.size)
    for row in range(rows):
        centre = _centre_row(values[row], deviations, valid)
        _average_row(deviations, valid, short, smooth)
        yearly[:] = np.nan
        for place in range(starts.size):
            start = starts[place]
            end = starts[place + 1] if place + 1 < starts.size else size
            count = 0
            for index in range(start, end):
                value = smooth[order[index]] + centre
                count += np.isfinite(value)
                part[index - start] = value if np.isfinite(value) else 0.0
            total = part[0] + sum_pairwise(part, 1, end - start - 1)
            yearly[present[place] - 1] = total / count
        for place in range(wrapped.size):
            wrapped[place] = yearly[(place - half) % year]
        centre = _centre_row(wrapped, around, known)
        _average_row(around, known, half, mean)
        for day in range(year):
            climatology[row, day] = mean[half + day] + centre


@compile_lazily(reorder=True)
def _sum_pairs(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Return the number of pairs and their sums; the loop is one for vectors."""
    count, sum_x, sum_y = 0, 0.0, 0.0
    for day in range(x.size):
        u, v = np.float64(x[day]), np.float64(y[day])
        paired = (abs(u) < _INFINITY) & (abs(v) < _INFINITY)
        a, b = u if paired else 0.0, v if paired else 0.0
        count += int(paired)
        sum_x += a
        sum_y += b
    return np.float64(count), sum_x, sum_y


@compile_lazily(reorder=True)
def _sum_squares(
    x: Floats, y: Floats, mean_x: float, mean_y: float, sums: Floats
) -> None:
    count, sx, sy, sxx, syy, sxy, see = 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for day in range(x.size):
        u, v = np.float64(x[day]) - mean_x, np.float64(y[day]) - mean_y
        paired = (abs(u) < _INFINITY) & (abs(v) < _INFINITY)
        a, b = u if paired else 0.0, v if paired else 0.0
        e = a - b
        count += int(paired)
        sx += a
        sy += b
        sxx += a * a
        syy += b * b
        sxy += a * b
        see += e * e
    sums[0], sums[1], sums[2], sums[3] = count, sx, sy, sxx
    sums[4], sums[5], sums[6] = syy, sxy, see


@compile_lazily()
def sum_moments(
    x: Floats, y: Floats, bounds: Integers, centres: Floats, sums: Floats
) -> None:
    """Fill sums of 1, x, y, xx, yy, xy and (x - y)^2 about the means of pairs.

    `centres` (2, row) gets the means. Series may be float32; pairs are found here.
    """
    for row in range(x.shape[0]):
        count, sum_x, sum_y = _sum_pairs(x[row], y[row])
        mean_x, mean_y = sum_x / count, sum_y / count
        centres[0, row], centres[1, row] = mean_x, mean_y
        for step in range(bounds.size - 1):
            start, end = bounds[step], bounds[step + 1]
            own = sums[:, row, step]
            _sum_squares(x[row, start:end], y[row, start:end], mean_x, mean_y, own)


@compile_lazily(reorder=True)
def _multiply_sum(x: Floats, y: Floats) -> float:
    total = 0.0
    for day in range(x.size):
        total += x[day] * y[day]
    return total


@compile_lazily()
def sum_products(series: Floats, bounds: Integers, sums: Floats) -> None:
    """Fill sums of the products of all pairs of series (series, row, time).

    Pairs are the upper triangle of a matrix, row by row.
    """
    number, rows, _ = series.shape
    for row in range(rows):
        pair = 0
        for first in range(number):
            for second in range(first, number):
                for step in range(bounds.size - 1):
                    start, end = bounds[step], bounds[step + 1]
                    sums[pair, row, step] = _multiply_sum(
                        series[first, row, start:end], series[second, row, start:end]
                    )
                pair += 1


@compile_lazily()
def sum_days(daily: Floats, bounds: Integers, sums: Floats) -> None:
    """Fill the sums of one row's daily values (product, time), (product, step)."""
    for product in range(daily.shape[0]):
        for step in range(bounds.size - 1):
            total = 0.0
            for day in range(bounds[step], bounds[step + 1]):
                total += daily[product, day]
            sums[product, step] = total


@compile_lazily()
def sum_events(
    x: Floats, y: Floats, limit: Floats, wet: bool, bounds: Integers, sums: Floats
) -> None:
    """Fill counts of days, hits, predicted and observed events beyond a threshold."""
    for row in range(x.shape[0]):
        for step in range(bounds.size - 1):
            days, hits, predicted, observed = 0, 0, 0, 0
            for day in range(bounds[step], bounds[step + 1]):
                if not (np.isfinite(y[row, day]) and np.isfinite(limit[row])):
                    continue
                a = x[row, day] > limit[row] if wet else x[row, day] < limit[row]
                b = y[row, day] > limit[row] if wet else y[row, day] < limit[row]
                days += 1
                hits += a and b
                predicted += a
                observed += b
            sums[0, row, step], sums[1, row, step] = days, hits
            sums[2, row, step], sums[3, row, step] = predicted, observed


@compile_lazily()
def sort_places(
    values: Floats, places: NDArray[np.int32], keys: NDArray[np.uint64]
) -> int:
    """Sort the finite values of a row: fill where the k-th smallest lies, count them.

    By digits of their bits, the lowest first; a digit that all values share is left
    out, as the low ones of series that were float32 are. `keys` (2, time) is scratch.
    """
    bits = values.view(np.uint64)
    other = np.empty_like(places)
    histogram = np.zeros((_DIGITS, _PLACES), dtype=np.int32)
    sign = np.uint64(1) << np.uint64(63)
    count = 0
    for day in range(values.size):
        if not np.isfinite(values[day]):
            continue
        key = bits[day] if values[day] != 0.0 else np.uint64(0)  # -0 is 0
        key = ~key if key & sign else key | sign
        keys[0, count], places[count] = key, day
        count += 1
        for digit in range(_DIGITS):
            histogram[digit, (key >> np.uint64(digit * _DIGIT)) & np.uint64(2047)] += 1
    source = 0
    for digit in range(_DIGITS):
        shift = np.uint64(digit * _DIGIT)
        if count and histogram[digit, (keys[0, 0] >> shift) & np.uint64(2047)] == count:
            continue
        position = 0
        for place in range(_PLACES):
            size = histogram[digit, place]
            histogram[digit, place] = position
            position += size
        for index in range(count):
            key = keys[source, index]
            place = (key >> shift) & np.uint64(2047)
            into = histogram[digit, place]
            histogram[digit, place] = into + 1
            keys[1 - source, into] = key
            other[into] = places[index]
        source = 1 - source
        places[:count] = other[:count]
    return count


@compile_lazily()
def sort_rows(values: Floats, places: NDArray[np.int32], counts: Integers) -> None:
    """Fill `places` (row, time) and the number of finite values of every row."""
    keys = np.empty((2, values.shape[1]), dtype=np.uint64)
    for row in range(values.shape[0]):
        counts[row] = sort_places(values[row], places[row], keys)


@compile_lazily()
def _rank_row(
    values: Floats, places: NDArray[np.int32], count: int, ranks: Floats
) -> None:
    """Fill mid-ranks from -0.5 to 0.5, ties by their average."""
    first = 0
    while first < count:
        end = first + 1
        while end < count and values[places[end]] == values[places[first]]:
            end += 1
        rank = first + (end - first + 1) / 2.0
        for place in range(first, end):
            ranks[places[place]] = (rank - 0.5) / count - 0.5
        first = end


@compile_lazily()
def _add_above(
    values: Floats,
    places: NDArray[np.int32],
    count: int,
    scores: Floats,
    above: Floats,
) -> None:
    """Add the scores on days of greater value, and half of those of equal value."""
    whole = 0.0
    for place in range(count):
        whole += scores[places[place]]
    before, first = 0.0, 0
    while first < count:
        end, until = first, before
        while end < count and values[places[end]] == values[places[first]]:
            until += scores[places[end]]
            end += 1
        for place in range(first, end):
            above[places[place]] += whole - (before + until) / 2.0
        before, first = until, end


@compile_lazily()
def sum_ranks(
    x: Floats,
    y: Floats,
    places: NDArray[np.int32],
    counts: Integers,
    bounds: Integers,
    rho: Floats,
    sums: Floats,
) -> None:
    """Fill Spearman's rho (row,), and sums of days and of rho's change by a day.

    `places` (2, row, time) are those of both series.
    """
    rows, size = x.shape
    for row in range(rows):
        count = counts[row]
        u, v, above = np.zeros(size), np.zeros(size), np.zeros(size)
        _rank_row(x[row], places[0, row], count, u)
        _rank_row(y[row], places[1, row], count, v)
        uv, uu, vv = 0.0, 0.0, 0.0
        for day in range(size):
            uv += u[day] * v[day]
            uu += u[day] * u[day]
            vv += v[day] * v[day]
        covariance = uv / count
        spread, of_target = np.sqrt(uu / count), np.sqrt(vv / count)
        scale = spread * of_target
        rho[row] = np.nan
        if of_target > 0.0:
            known = covariance / scale if spread > 0.0 else 0.0
            rho[row] = min(max(known, -1.0), 1.0)
        _add_above(x[row], places[0, row], count, v, above)
        _add_above(y[row], places[1, row], count, u, above)
        daily = np.zeros((2, size))
        for place in range(count):
            day = places[0, row, place]
            change = u[day] * v[day] + above[day] / count - 3.0 * covariance
            daily[0, day] = 1.0
            daily[1, day] = change / scale if scale > 0.0 else 0.0
        sum_days(daily, bounds, sums[:, row])


@compile_lazily()
def _interpolate(
    values: Floats, places: NDArray[np.int32], count: int, level: float
) -> float:
    """Return a quantile of a row, as numpy does by default; NaN of an empty one."""
    if count == 0:
        return np.nan
    position = (count - 1) * level
    below = int(np.floor(position))
    low = values[places[below]]
    high = values[places[min(below + 1, count - 1)]]
    return low + (high - low) * (position - below)


@compile_lazily()
def sum_distributions(
    series: Floats,
    places: NDArray[np.int32],
    counts: Integers,
    levels: Floats,
    bins: int,
    bounds: Integers,
    nodes: Floats,
    sums: Floats,
) -> None:
    """Fill quantiles around tails (tail, row, node) and the sums of their family.

    `series` (2, row, time) are predictions and targets less the targets' mean; `levels`
    (tail, node) alternate between both.
    """
    _, rows, size = series.shape
    tails, width = levels.shape
    for row in range(rows):
        daily, place = np.zeros((6 + tails, size)), np.zeros((2, size), dtype=np.int64)
        histogram, count = np.zeros((2, bins), dtype=np.int64), counts[row]
        lowest = min(
            _interpolate(series[0, row], places[0, row], count, 0.0),
            _interpolate(series[1, row], places[1, row], count, 0.0),
        )
        highest = max(
            _interpolate(series[0, row], places[0, row], count, 1.0),
            _interpolate(series[1, row], places[1, row], count, 1.0),
        )
        scale = bins / (highest - lowest) if highest > lowest else 0.0
        for index in range(count):
            day = places[0, row, index]
            for which in range(2):
                position = (series[which, row, day] - lowest) * scale
                place[which, day] = int(min(position, bins - 1.0))
                histogram[which, place[which, day]] += 1
        for tail in range(tails):
            which = tail % 2
            for node in range(width):
                nodes[tail, row, node] = _interpolate(
                    series[which, row], places[which, row], count, levels[tail, node]
                )
        for index in range(count):
            day = places[0, row, index]
            a, b = series[0, row, day], series[1, row, day]
            daily[0, day] = 1.0
            daily[1, day] = abs(a - b)
            daily[2, day] = abs(b)
            daily[3, day] = b
            daily[4, day] = np.sign(b)
            bin_x, bin_y = place[0, day], place[1, day]
            daily[5, day] = (histogram[0, bin_x] < histogram[1, bin_x]) + (
                histogram[0, bin_y] >= histogram[1, bin_y]
            )
            for tail in range(tails):
                below = series[tail % 2, row, day] <= nodes[tail, row, width // 2]
                daily[6 + tail, day] = below
        sum_days(daily, bounds, sums[:, row])


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
