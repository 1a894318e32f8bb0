"""Moving means, anomalies from them, and climatologies by day of the year.

The definitions are pytesmo's (`calc_anomaly`, `calc_climatology`) on a complete daily
axis where missing days are NaN. Plain arrays, (row, time); the input is untouched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.compiled import find_kernels, map_threads, share_rows
from somobench.metrics.moments import Floats, centre_rows

Integers = NDArray[np.int64]
Days = NDArray[np.bool_]

WINDOW = 35  # days; pytesmo's default for anomalies and for smoothing a climatology
SHORT_WINDOW = 5  # days; pytesmo smooths the series with it before averaging by day
LEAP_YEAR = 366
_ROWS_OF_A_THREAD = 100  # at a time: every core has some
_DAYS_BEFORE = np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])


def count_leap_year_days(time: NDArray[np.datetime64]) -> Integers:
    """Count days 1 to 366 as in a leap year: 1 March is 61 in every year.

    Parameters
    ----------
    time : (time,), datetime64

    Returns
    -------
    (time,)
        pytesmo's `respect_leap_years=False`; day 60 exists in leap years only.
    """
    days, months = time.astype("datetime64[D]"), time.astype("datetime64[M]")
    before = _DAYS_BEFORE[months.astype(np.int64) % 12]
    return np.asarray(before + (days - months).astype(np.int64) + 1, dtype=np.int64)


def average_moving(
    values: Floats, window: int = WINDOW, *, fill: bool = False
) -> Floats:
    """Average each row over a centred window of days, missing days left out.

    Parameters
    ----------
    values : (row, time)
        One value a day, NaN where missing.
    window : int
        Days; `window // 2` on either side, cut off at the ends of the series.
    fill : bool
        Give a mean on missing days too, where the window holds any value.

    Returns
    -------
    (row, time)
    """
    valid = np.isfinite(values)
    deviations, centre = centre_rows(values, valid)
    (mean,) = _average_windows([deviations], valid, window)
    mean += centre[:, None]
    return mean if fill else np.where(valid, mean, np.nan)


def _average_windows(
    deviations: Sequence[Floats], valid: Days, window: int
) -> list[Floats]:
    half = window // 2
    count = _sum_windows(valid.astype(np.float64), half)
    np.copyto(count, np.nan, where=count == 0)
    return [_sum_windows(values, half) / count for values in deviations]


def _sum_windows(values: Floats, half: int) -> Floats:
    rows, size = values.shape
    cumulative = np.zeros((rows, size + 1 + 2 * half))
    np.cumsum(values, axis=1, out=cumulative[:, half + 1 : half + 1 + size])
    cumulative[:, half + 1 + size :] = cumulative[:, half + size][:, None]
    return np.asarray(cumulative[:, 2 * half + 1 :] - cumulative[:, :size])


def moving_anomalies(
    deviations: Sequence[Floats], valid: Days, window: int = WINDOW
) -> list[Floats]:
    """Subtract the centred moving mean over the same days (short-term anomaly).

    Parameters
    ----------
    deviations : sequence of (row, time)
        From each row's mean or any other constant; zero on days that aren't valid.
    valid : (row, time)
    window : int, days

    Returns
    -------
    list of (row, time), zero on days that aren't valid
    """
    anomalies = []
    for values, mean in zip(
        deviations, _average_windows(deviations, valid, window), strict=True
    ):
        anomaly = np.subtract(values, mean, out=mean)
        np.copyto(anomaly, 0.0, where=~valid)
        anomalies.append(anomaly)
    return anomalies


def take_moving_anomalies(values: Floats, window: int = WINDOW) -> Floats:
    """Subtract the centred moving mean from each row (short-term anomaly).

    Parameters
    ----------
    values : (row, time)
        One value a day, NaN where missing.
    window : int, days

    Returns
    -------
    (row, time), float64, NaN where missing
    """
    kernels = find_kernels(values.size)
    if kernels is None:
        valid = np.isfinite(values)
        deviations, _ = centre_rows(values, valid)
        (anomaly,) = moving_anomalies([deviations], valid, window)
        return np.where(valid, anomaly, np.nan)
    anomalies = np.empty(values.shape)
    map_threads(
        lambda rows: kernels.fill_anomalies(values[rows], window // 2, anomalies[rows]),
        share_rows(len(values), _ROWS_OF_A_THREAD),
        values.size,
    )
    return anomalies


def seasonal_climatology(
    values: Floats, day_of_year: Integers, window: int = WINDOW
) -> Floats:
    """Average each row by day of the year and smooth it around the year.

    Parameters
    ----------
    values : (row, time)
        NaN where missing or not to be used.
    day_of_year : (time,)
        1 to 366; pytesmo counts them as `count_leap_year_days` does.
    window : int
        Days of the moving mean around the year.

    Returns
    -------
    (row, 366)
        NaN where no value lies within half a window (and 2 days of the first one).

    Notes
    -----
    pytesmo's `calc_climatology` defaults: a 5-day moving mean of the series that also
    fills missing days, the mean by day of the year, a 35-day moving mean that wraps
    around the turn of the year.
    """
    order = np.argsort(day_of_year, kind="stable")
    present, starts = np.unique(day_of_year[order], return_index=True)
    kernels = find_kernels(values.size)
    if kernels is not None:
        filled = np.empty((len(values), LEAP_YEAR))
        days, halves = (order, starts, present), (SHORT_WINDOW // 2, window // 2)
        map_threads(
            lambda rows: kernels.fill_climatology(
                values[rows], *days, *halves, filled[rows]
            ),
            share_rows(len(values), _ROWS_OF_A_THREAD),
            values.size,
        )
        return filled
    smooth = average_moving(values, SHORT_WINDOW, fill=True)
    ordered = smooth[:, order]
    valid = np.isfinite(ordered)
    total = np.add.reduceat(np.where(valid, ordered, 0.0), starts, axis=1)
    count = np.add.reduceat(valid.astype(np.float64), starts, axis=1)
    yearly = np.full((values.shape[0], LEAP_YEAR), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        yearly[:, present - 1] = total / count
    half = window // 2
    wrapped = np.pad(yearly, ((0, 0), (half, half)), mode="wrap")
    return average_moving(wrapped, window, fill=True)[:, half : half + LEAP_YEAR]
