"""Which values of a sensor count, and why others don't."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.stations import SensorSeries

MINUTES = np.dtype("datetime64[m]")
MAXIMUM = 1.0  # m3 m-3; more water than room

NOT_FINITE, NEGATIVE, ABOVE = "not finite", "negative", "above 1"
NEVER = np.datetime64("0000-01-01"), np.datetime64("9999-12-31")
BEFORE_OR_AFTER, OUTSIDE = "outside declared days", "outside period"
DUPLICATE, CONFLICTING = "duplicate time", "conflicting time"


@dataclass(frozen=True)
class GoodValues:
    """Values that count, sorted by time, each time once; and what became of others.

    `read = len(values) + sum(dropped.values())`.
    """

    times: NDArray[np.datetime64]
    values: NDArray[np.float64]
    dropped: Counter[str]
    out_of_order: int
    """Rows, good or not, that stood after a later one."""


def select_good(
    series: SensorSeries,
    *,
    good_flags: Collection[str] | None,
    start: np.datetime64,
    end: np.datetime64,
    minimum_quality: float | None = None,
) -> GoodValues:
    """Keep the values that count, and count the others by reason.

    A value is dropped for the first reason that holds: outside the days that its
    file declares (one day after them is allowed, for the closing midnight), outside
    the period, its flag, not finite, its quality, negative, above 1. Among good values
    of one time an exact repeat is dropped once more; different ones contradict each
    other and are all dropped. Neither the order of rows nor rows that aren't good
    change the result.

    Parameters
    ----------
    series : SensorSeries, m3 m-3
    good_flags : collection of str, or None
        A flag counts only if it equals one of these; joined flags never do unless
        named. None: the source has no flags and every value counts.
    start, end : datetime64[D]
        First and last day of the period, both inside.
    minimum_quality : float, optional
        Share of good values that a row needs, where the source tells it.
    """
    if minimum_quality is None and (kernel := import_kernel()):
        chosen = _choose_in_order(series, good_flags, (start, end), kernel)
        if chosen is not None:
            return chosen
    good = np.ones(len(series.values), dtype=bool)
    dropped: Counter[str] = Counter()

    def drop(reason: str, wrong: NDArray[np.bool_]) -> None:
        count = int((wrong & good).sum())
        if count:
            dropped[reason] += count
            good[wrong] = False

    day = series.times.astype("datetime64[D]")
    if series.declared_start is not None:
        drop(BEFORE_OR_AFTER, day < series.declared_start)
    if series.declared_end is not None:
        drop(BEFORE_OR_AFTER, day > series.declared_end + np.timedelta64(1, "D"))
    drop(OUTSIDE, (day < start) | (day > end))
    for reason, wrong in find_useless(series, good_flags, minimum_quality):
        drop(reason, wrong)
    drop(NEGATIVE, series.values < 0)
    drop(ABOVE, series.values > MAXIMUM)
    times, values, repeats = _drop_repeated_times(
        series.times[good], series.values[good]
    )
    return GoodValues(
        times, values, dropped + repeats, _count_out_of_order(series.times)
    )


def import_kernel() -> ModuleType | None:
    """Import the compiled passes; None without numba."""
    try:
        from somobench.pipelines.stations import selection_kernel
    except ImportError:  # numba is of the extra `build`
        return None
    return selection_kernel


def _choose_in_order(
    series: SensorSeries,
    good_flags: Collection[str] | None,
    period: tuple[np.datetime64, np.datetime64],
    kernel: ModuleType,
) -> GoodValues | None:
    """Select the good values of a series in one pass; None if their times repeat."""
    flags = series.flag_names
    is_good = np.array([good_flags is None or flag in good_flags for flag in flags])
    counts = np.zeros(kernel.FLAGS + len(flags), np.int64)
    times = np.empty(len(series.times), MINUTES)
    values = np.empty(len(times))
    kept, out_of_order = kernel.choose_values(
        _freeze(series.times.astype(MINUTES, copy=False).view(np.int64)),
        *(_freeze(series.values), _freeze(series.flag_codes), is_good.astype(bool)),
        _list_limits(series.declared_start, series.declared_end, *period),
        *(MAXIMUM, times.view(np.int64), values, counts),
    )
    if kept < 0:
        return None
    reasons = (BEFORE_OR_AFTER, OUTSIDE, NOT_FINITE, NEGATIVE, ABOVE)
    dropped: Counter[str] = Counter()
    for reason, count in zip(
        (*reasons, *map(explain_flags, flags)), counts.tolist(), strict=True
    ):
        if count:
            dropped[reason] += count
    return GoodValues(times[:kept], values[:kept], dropped, out_of_order)


def _freeze(array: NDArray[Any]) -> NDArray[Any]:
    """View an array in the one form that the loop is compiled for."""
    frozen = np.ascontiguousarray(array).view()
    frozen.flags.writeable = False
    return frozen


@lru_cache(maxsize=64)
def _list_limits(
    declared_start: np.datetime64 | None,
    declared_end: np.datetime64 | None,
    start: np.datetime64,
    end: np.datetime64,
) -> NDArray[np.int64]:
    """Minutes at which declared days and the period begin, and that they end before."""
    day = np.timedelta64(1, "D")
    days = (
        NEVER[0] if declared_start is None else declared_start,
        NEVER[1] if declared_end is None else declared_end + 2 * day,
        start,
        end + day,
    )
    return np.array(days, MINUTES).view(np.int64)


def find_useless(
    series: SensorSeries,
    good_flags: Collection[str] | None,
    minimum_quality: float | None,
) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield reasons for which no variable takes a row, and mark the rows of each.

    Its flag, no number, its quality; parameters as of `select_good`.
    """
    if good_flags is not None:
        for code, flag in enumerate(series.flag_names):
            if flag not in good_flags:
                yield explain_flags(flag), series.flag_codes == code
    yield NOT_FINITE, ~np.isfinite(series.values)
    yield from find_poor_quality(series, minimum_quality).items()


def find_poor_quality(
    series: SensorSeries, minimum: float | None
) -> dict[str, NDArray[np.bool_]]:
    """Mark rows whose quality is too low or unknown, by reason; none without a minimum.

    A series without any quality counts as of unknown quality.
    """
    if minimum is None:
        return {}
    quality = series.quality
    if quality is None:
        quality = np.full(len(series.values), np.nan)
    return {
        f"quality below {minimum:g}": quality < minimum,
        "quality unknown": np.isnan(quality),
    }


def explain_flags(flag: str) -> str:
    """Reason of a flag as delivered; joined flags in one order.

    Examples
    --------
    >>> explain_flags("D05,D03")
    'flag D03,D05'
    """
    return f"flag {','.join(sorted(flag.split(',')))}"


def _drop_repeated_times(
    times: NDArray[np.datetime64], values: NDArray[np.float64]
) -> tuple[NDArray[np.datetime64], NDArray[np.float64], Counter[str]]:
    """Sort by time; keep one of equal values of a time, none of different ones."""
    if (times[1:] > times[:-1]).all():
        return times, values, Counter()
    order = np.lexsort((values, times))
    times, values = times[order], values[order]
    first, counts = find_runs(times)
    last = first + counts - 1
    agree = values[first] == values[last]
    repeats = {
        DUPLICATE: int((counts - 1)[agree].sum()),
        CONFLICTING: int(counts[~agree].sum()),
    }
    kept = first[agree]
    found = Counter({reason: count for reason, count in repeats.items() if count})
    return times[kept], values[kept], found


def find_runs(
    times: NDArray[np.datetime64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Start and length of each run of equal sorted times."""
    starts = np.ones(len(times), dtype=bool)
    starts[1:] = times[1:] != times[:-1]
    first = np.flatnonzero(starts)
    return first, np.diff(first, append=len(times))


def _count_out_of_order(times: NDArray[np.datetime64]) -> int:
    if len(times) == 0:
        return 0
    minutes = times.astype(np.int64)
    return int((minutes < np.maximum.accumulate(minutes)).sum())
