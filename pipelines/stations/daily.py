"""From the values of one sensor to its days: which values count, and their mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.stations import SensorSeries

Days = NDArray[np.datetime64]
MAXIMUM = 1.0  # m3 m-3; more water than room
PUBLISHED_DECIMALS = 5  # of targets

NOT_FINITE, NEGATIVE, ABOVE = "not finite", "negative", "above 1"
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


@dataclass(frozen=True)
class DailyMeans:
    """Days with enough values, sorted; and the number of days with too few."""

    days: Days
    means: NDArray[np.float64]
    counts: NDArray[np.int16]
    days_below: int
    days_standing: int = 0
    """Days left out because the sensor stood still."""


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
    if good_flags is not None:
        for code, flag in enumerate(series.flag_names):
            if flag not in good_flags:
                drop(explain_flags(flag), series.flag_codes == code)
    drop(NOT_FINITE, ~np.isfinite(series.values))
    for reason, poor in find_poor_quality(series, minimum_quality).items():
        drop(reason, poor)
    drop(NEGATIVE, series.values < 0)
    drop(ABOVE, series.values > MAXIMUM)
    times, values, repeats = _drop_repeated_times(
        series.times[good], series.values[good]
    )
    return GoodValues(
        times, values, dropped + repeats, _count_out_of_order(series.times)
    )


def average_to_days(
    times: NDArray[np.datetime64], values: NDArray[np.float64], minimum_count: int
) -> DailyMeans:
    """Average values to days.

    Parameters
    ----------
    times : (N,) datetime64, sorted
        The day of a value is the date of its time.
    values : (N,) m3 m-3, finite
    minimum_count : int
        Values that a day needs; days with fewer are counted and left out.

    Returns
    -------
    DailyMeans
        Arithmetic means in float64, never outside the day's smallest and largest
        value; (M,) arrays.

    Notes
    -----
    The SoMoBench rule: at least 6 good values, whatever the sampling interval. Values
    are summed in the order of pandas 3.1's `resample("D").mean()`, so that means which
    lie halfway between two decimals are rounded alike.

    Examples
    --------
    >>> hours = np.datetime64("2020-01-01T22", "m") + np.arange(3) * 60
    >>> daily = daily_means(hours, np.array([0.1, 0.3, 0.9]), minimum_count=2)
    >>> daily.days, daily.means, daily.days_below
    (array(['2020-01-01'], dtype='datetime64[D]'), array([0.2]), 1)
    """
    dates = times.astype("datetime64[D]")
    first, counts = _find_runs(dates)
    if not len(first):
        return DailyMeans(dates, values[:0], counts.astype(np.int16), 0)
    means = np.clip(
        np.add.reduceat(values, first) / counts,
        np.minimum.reduceat(values, first),
        np.maximum.reduceat(values, first),
    )
    enough = counts >= minimum_count
    return DailyMeans(
        dates[first][enough],
        means[enough],
        counts[enough].astype(np.int16),
        int((~enough).sum()),
    )


def drop_standing_days(daily: DailyMeans, maximum: int | None) -> DailyMeans:
    """Leave out runs of days at one value that are longer than a maximum.

    Days of a run follow each other among the days that the sensor has. Values are
    compared as they are published, to five decimals.

    Examples
    --------
    >>> days = np.arange("2020-01-01", "2020-01-05", dtype="datetime64[D]")
    >>> daily = DailyMeans(days, np.array([0.3, 0.1, 0.1, 0.1]), np.ones(4, "i2"), 0)
    >>> left = drop_standing_days(daily, 2)
    >>> left.means.tolist(), left.days_standing
    ([0.3], 3)
    """
    if maximum is None or not len(daily.means):
        return daily
    values = daily.means.round(PUBLISHED_DECIMALS)
    first = np.flatnonzero(np.r_[True, values[1:] != values[:-1]])
    lengths = np.diff(first, append=len(values))
    kept = np.repeat(lengths <= maximum, lengths)
    return DailyMeans(
        daily.days[kept],
        daily.means[kept],
        daily.counts[kept],
        daily.days_below,
        int((~kept).sum()),
    )


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


def take_median_of_good(
    series: SensorSeries, good_flags: Collection[str] | None
) -> float | None:
    """Median of the finite, non-negative values with a good flag; None without any."""
    good = np.isfinite(series.values) & (series.values >= 0)
    if good_flags is not None:
        codes = [
            code for code, flag in enumerate(series.flag_names) if flag in good_flags
        ]
        good &= np.isin(series.flag_codes, codes)
    return float(np.median(series.values[good])) if good.any() else None


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
    first, counts = _find_runs(times)
    last = first + counts - 1
    agree = values[first] == values[last]
    repeats = {
        DUPLICATE: int((counts - 1)[agree].sum()),
        CONFLICTING: int(counts[~agree].sum()),
    }
    kept = first[agree]
    found = Counter({reason: count for reason, count in repeats.items() if count})
    return times[kept], values[kept], found


def _find_runs(
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
