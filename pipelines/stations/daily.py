"""From the values of one sensor that count to its daily means."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.stations import Rejection, SensorSeries
from somobench.pipelines.stations.selection import (
    MAXIMUM,
    MINUTES,
    find_runs,
    import_kernel,
)

Days = NDArray[np.datetime64]
PERCENT = 100.0
PUBLISHED_DECIMALS = 5  # of targets


@dataclass(frozen=True)
class DailyMeans:
    """Days with enough values, sorted; and the number of days with too few."""

    days: Days
    means: NDArray[np.float64]
    counts: NDArray[np.int16]
    days_below: int
    days_standing: int = 0
    """Days left out because the sensor stood still."""


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
        value, and no negative zero; (M,) arrays.

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
    kernel = import_kernel()
    if kernel is not None and times.dtype == MINUTES:
        days, means, counts, below = kernel.average_days(
            times.view(np.int64), values, minimum_count
        )
        return DailyMeans(
            days.view("datetime64[D]"), means, counts.astype(np.int16), below
        )
    first, counts = find_runs(times.astype("datetime64[D]"))
    if not len(first):
        days = times.astype("datetime64[D]")
        return DailyMeans(days, values[:0], counts.astype(np.int16), 0)
    means = np.clip(
        np.add.reduceat(values, first) / counts,
        np.minimum.reduceat(values, first),
        np.maximum.reduceat(values, first),
    )
    enough = counts >= minimum_count
    return DailyMeans(
        times[first[enough]].astype("datetime64[D]"),
        means[enough] + 0.0,  # no zero with a sign
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


def reject_other_unit(
    series: SensorSeries, good_flags: Collection[str] | None
) -> Rejection | None:
    """Reject a file whose good values mostly can't be m3 m-3; None for others."""
    if not (series.values > MAXIMUM).any():
        return None
    median = take_median_of_good(series, good_flags)
    if median is None or median <= MAXIMUM:
        return None
    percent = "; percent divided by 100" if median <= PERCENT else ""
    return Rejection(
        series.metadata.source_file,
        "not m3 m-3",
        f"good values with a median of {median:g}",
        f"0 to {MAXIMUM:g} m3 m-3{percent}",
    )
