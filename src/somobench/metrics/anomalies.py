"""Anomalies of daily series: from a moving mean, and from the cycle of the year.

Moving means and climatologies are pytesmo's (`calc_anomaly`, `calc_climatology`) on a
complete daily axis where missing days are NaN. Plain arrays, (row, time); the input is
untouched.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import ROUNDING, Floats, centred, total

Integers = NDArray[np.int64]
Days = NDArray[np.bool_]

WINDOW = 35  # days; pytesmo's default for anomalies and for smoothing a climatology
SHORT_WINDOW = 5  # days; pytesmo smooths the series with it before averaging by day
LEAP_YEAR = 366
HARMONICS = 4  # of the year; Narapusetty et al. 2009, doi:10.1175/2009JCLI2944.1
_SMALLEST = 1e-13  # of the largest eigenvalue: directions that no day tells apart
_DAYS_BEFORE = np.array([0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335])


def leap_year_day(time: NDArray[np.datetime64]) -> Integers:
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


def moving_mean(values: Floats, window: int = WINDOW, *, fill: bool = False) -> Floats:
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
    deviations, centre = centred(values, valid)
    (mean,) = _window_means([deviations], valid, window)
    mean += centre[:, None]
    return mean if fill else np.where(valid, mean, np.nan)


def _window_means(
    deviations: Sequence[Floats], valid: Days, window: int
) -> list[Floats]:
    half = window // 2
    count = _window_sum(valid.astype(np.float64), half)
    np.copyto(count, np.nan, where=count == 0)
    return [_window_sum(values, half) / count for values in deviations]


def _window_sum(values: Floats, half: int) -> Floats:
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
        deviations, _window_means(deviations, valid, window), strict=True
    ):
        anomaly = np.subtract(values, mean, out=mean)
        np.copyto(anomaly, 0.0, where=~valid)
        anomalies.append(anomaly)
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
        1 to 366; pytesmo counts them as `leap_year_day` does.
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
    smooth = moving_mean(values, SHORT_WINDOW, fill=True)
    order = np.argsort(day_of_year, kind="stable")
    present, starts = np.unique(day_of_year[order], return_index=True)
    ordered = smooth[:, order]
    valid = np.isfinite(ordered)
    total = np.add.reduceat(np.where(valid, ordered, 0.0), starts, axis=1)
    count = np.add.reduceat(valid.astype(np.float64), starts, axis=1)
    yearly = np.full((values.shape[0], LEAP_YEAR), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        yearly[:, present - 1] = total / count
    half = window // 2
    wrapped = np.pad(yearly, ((0, 0), (half, half)), mode="wrap")
    return moving_mean(wrapped, window, fill=True)[:, half : half + LEAP_YEAR]


def remove_season(
    deviations: Sequence[Floats],
    valid: Days,
    day_of_year: Integers,
    climatology: Floats | None = None,
) -> list[Floats]:
    """Remove the cycle of the year from series by least squares over the same days.

    What is left of a series is not changed by any shift, by any multiple of the
    climatology, or by any sum of the harmonics that is added to the series, and is
    proportional to its scale. On a record that doesn't cover the year, slow changes of
    the weather look like season and go too.

    Parameters
    ----------
    deviations : sequence of (row, time)
        From each row's mean; zero on days that aren't valid.
    valid : (row, time)
    day_of_year : (time,), 1 to 366
    climatology : (row, 366), optional
        A known shape of the season, finer than the harmonics; NaN where unknown.

    Returns
    -------
    list of (row, time), zero on days that aren't valid

    Notes
    -----
    A mean and four harmonics of the year, 9 coefficients: Narapusetty et al. 2009,
    doi:10.1175/2009JCLI2944.1, found about four to be adequate and better than means by
    day of the year. The correlation of what is left of two series is their partial
    correlation given the season (Lovell 1963, doi:10.1080/01621459.1963.10480682).
    """
    basis = _year_harmonics(day_of_year)
    size = basis.shape[1]
    products = (basis[:, :, None] * basis[:, None, :]).reshape(-1, size * size)
    weights = valid.astype(np.float64)
    gram = (weights @ products).reshape(-1, size, size)
    inverse = np.linalg.pinv(gram, rcond=_SMALLEST, hermitian=True)

    def residual(values: Floats) -> Floats:
        for _ in range(2):  # the second pass removes what the first one rounds
            coefficients = np.einsum("rij,rj->ri", inverse, values @ basis)
            fitted = coefficients @ basis.T
            fitted *= weights
            values = np.subtract(values, fitted, out=fitted)
        return values

    left = [residual(values) for values in deviations]
    if climatology is None:
        return left
    season, level = centred(np.where(valid, climatology[:, day_of_year - 1], np.nan))
    shape = residual(season)
    power = total((shape, shape))
    rounded = weights.sum(axis=1) * (ROUNDING * np.nan_to_num(level)) ** 2
    power[power <= rounded] = np.inf  # the climatology is harmonics, or unknown
    return [
        values - (total((values, shape)) / power)[:, None] * shape for values in left
    ]


def _year_harmonics(day_of_year: Integers) -> Floats:
    """Return a constant, cosines and sines, (time, 9)."""
    order = np.arange(1, HARMONICS + 1)
    phase = np.multiply.outer(2.0 * np.pi * day_of_year / LEAP_YEAR, order)
    return np.hstack([np.ones((day_of_year.size, 1)), np.cos(phase), np.sin(phase)])
