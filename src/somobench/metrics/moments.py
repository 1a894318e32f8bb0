"""Pair metrics from daily contributions that add up over any set of days.

A metric is written as `finish(sums)` of daily arrays: summed over all days they give
the score, summed over resampled days (`somobench.uncertainty.bootstrap`) a replicate of
it. Here: moments, correlation and ranks. Plain arrays only; labels belong to
`somobench.metrics`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Scores = dict[str, Floats]

Finish = Callable[[Sequence[Floats]], Scores]
Factors = tuple[Floats] | tuple[Floats, Floats]

ROUNDING = 1e-12  # of the mean: a float64 series that varies less is constant


@dataclass(frozen=True)
class Additive:
    """Daily contributions, and the metrics that their sums determine.

    Attributes
    ----------
    daily : tuple of factors
        Each one or two arrays (row, time) whose product is what adds up; zero on days
        that do not count.
    finish : callable
        From one sum a daily array, each (..., row), to scores (..., row) by name.
    """

    daily: tuple[Factors, ...]
    finish: Callable[[Sequence[Floats]], Scores]

    @classmethod
    def of(
        cls, daily: Iterable[Floats], finish: Callable[[Sequence[Floats]], Scores]
    ) -> Additive:
        """Wrap arrays that add up as they are."""
        return cls(tuple((array,) for array in daily), finish)

    def totals(self) -> Scores:
        """Return the scores of all days."""
        return self.finish([sum_products(factors) for factors in self.daily])


@dataclass(frozen=True)
class Moments:
    """First and second moments of pairs (n denominator), each (..., row).

    `bias`, mean prediction minus mean target, is formed from deviations: the means of
    series far from zero have lost the digits that it needs.
    """

    count: Floats
    mean_prediction: Floats
    mean_target: Floats
    bias: Floats
    variance_prediction: Floats
    variance_target: Floats
    covariance: Floats
    variance_error: Floats

    @property
    def mean_squared_error(self) -> Floats:
        """Squared bias plus the variance of the error."""
        return self.variance_error + self.bias**2


def centre_rows(
    values: Floats, valid: NDArray[np.bool_] | None = None
) -> tuple[Floats, Floats]:
    """Subtract each row's mean; missing days become 0, an empty row's mean NaN.

    Sums of centred values stay exact where sums of the values would cancel.
    """
    if valid is None:
        valid = np.isfinite(values)
    result = np.where(valid, values, 0.0)
    with np.errstate(invalid="ignore"):
        mean = result.sum(axis=1) / np.count_nonzero(valid, axis=1)
        result -= mean[:, None]
    np.copyto(result, 0.0, where=~valid)
    return result, mean


def sum_products(factors: Factors) -> Floats:
    """Sum a product over time without forming it, (row,)."""
    if len(factors) == 1:
        return factors[0].sum(axis=1)
    return np.asarray(np.einsum("rt,rt->r", *factors))


def make_daily_products(prediction: Floats, target: Floats) -> tuple[Factors, ...]:
    """Return the products that `derive_moments` wants after the count of days."""
    error = prediction - target
    return (
        (prediction,),
        (target,),
        (prediction, prediction),
        (target, target),
        (prediction, target),
        (error, error),
    )


def derive_moments(
    sums: Sequence[Floats], prediction_centre: Floats, target_centre: Floats
) -> Moments:
    """Turn (weighted) sums of day counts and `make_daily_products` into moments."""
    count, *products = sums
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y, xx, yy, xy, dd = (product / count for product in products)
        return Moments(
            count=count,
            mean_prediction=prediction_centre + x,
            mean_target=target_centre + y,
            bias=(prediction_centre - target_centre) + (x - y),
            variance_prediction=np.maximum(xx - x * x, 0.0),
            variance_target=np.maximum(yy - y * y, 0.0),
            covariance=xy - x * y,
            variance_error=np.maximum(dd - (x - y) ** 2, 0.0),
        )


def correlation(
    covariance: Floats,
    deviation_prediction: Floats,
    deviation_target: Floats,
    prediction_floor: Floats | float = 0.0,
    target_floor: Floats | float = 0.0,
) -> Floats:
    """Pearson r in [-1, 1]; NaN where the target doesn't vary beyond its floor.

    A prediction that doesn't vary has 0: it tells nothing of the target. Left out, its
    series would favour the model that gave up on it.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        r = covariance / (deviation_prediction * deviation_target)
    known = np.where(deviation_prediction > prediction_floor, np.clip(r, -1, 1), 0.0)
    return np.where(deviation_target > target_floor, known, np.nan)


def derive_scores(
    moments: Moments, prediction_floor: Floats, target_floor: Floats
) -> Scores:
    """Every metric that the moments determine, (..., row) each.

    Notes
    -----
    KGE: Gupta et al. 2009, doi:10.1016/j.jhydrol.2009.08.003, and with the ratio of
    coefficients of variation Kling et al. 2012, doi:10.1016/j.jhydrol.2012.01.011.
    NSE: Nash and Sutcliffe 1970, doi:10.1016/0022-1694(70)90255-6.
    """
    deviation = np.sqrt(moments.variance_target)
    of_prediction = np.sqrt(moments.variance_prediction)
    r = correlation(
        moments.covariance, of_prediction, deviation, prediction_floor, target_floor
    )
    varying = np.where(deviation > target_floor, deviation, np.nan)
    rmse = np.sqrt(moments.mean_squared_error)
    with np.errstate(invalid="ignore", divide="ignore"):
        alpha = of_prediction / varying
        beta = moments.mean_prediction / moments.mean_target
        gamma = np.where(alpha > 0, alpha / beta, 0.0)
        distance = (r - 1.0) ** 2 + (beta - 1.0) ** 2
        return {
            "pearson_r": r,
            "bias": moments.bias,
            "absolute_bias": np.abs(moments.bias),
            "rmse": rmse,
            "ubrmse": np.sqrt(moments.variance_error),
            "standardised_rmse": rmse / varying,
            "sd_difference": np.abs(1.0 - alpha),
            "nse": 1.0 - moments.mean_squared_error / varying**2,
            "kge_2009": _mask_infinite(1.0 - np.sqrt(distance + (alpha - 1.0) ** 2)),
            "kge_2012": _mask_infinite(1.0 - np.sqrt(distance + (gamma - 1.0) ** 2)),
        }


def _mask_infinite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)


def moments_family(prediction: Floats, target: Floats) -> Additive:
    """Describe pairs (row, time; NaN where not paired) by their moments."""
    valid = np.isfinite(target)
    x, x_centre = centre_rows(prediction, valid)
    y, y_centre = centre_rows(target, valid)
    days = valid.astype(np.float64)
    finish = finish_moments(x_centre, y_centre)
    return Additive(((days,), *make_daily_products(x, y)), finish)


def finish_moments(x_centre: Floats, y_centre: Floats) -> Finish:
    """Return what turns sums about centres (row,) into the scores of moments."""

    def finish(sums: Sequence[Floats]) -> Scores:
        moments = derive_moments(sums, x_centre, y_centre)
        return derive_scores(
            moments, ROUNDING * np.abs(x_centre), ROUNDING * np.abs(y_centre)
        )

    return finish


def compute_zero_deviation(
    deviations: Floats, mean: Floats, valid: NDArray[np.bool_], share: float
) -> Floats:
    """Return the standard deviation of anomalies that count as none, (row,).

    Parameters
    ----------
    deviations, mean : (row, time) and (row,)
        Of the series that the anomalies are of, as `centre_rows` gives them.
    share : float
        Of the standard deviation of the series.
    """
    count = np.count_nonzero(valid, axis=1).clip(1)
    deviation = np.sqrt(sum_products((deviations, deviations)) / count)
    return np.asarray(np.hypot(ROUNDING * mean, share * deviation))


def anomaly_family(
    name: str,
    prediction: Floats,
    target: Floats,
    depart: Callable[[Sequence[Floats], NDArray[np.bool_]], Sequence[Floats]],
) -> Additive:
    """Correlate the anomalies of pairs (row, time; NaN where not paired).

    Parameters
    ----------
    depart : callable
        From deviations of both series from their means, and the days that are valid,
        to their anomalies; all zero on other days.
    """
    valid = np.isfinite(target)
    deviations, means = zip(
        *(centre_rows(series, valid) for series in (prediction, target)), strict=True
    )
    floors = [
        compute_zero_deviation(values, mean, valid, ROUNDING)
        for values, mean in zip(deviations, means, strict=True)
    ]
    x, y = depart(deviations, valid)
    days = valid.astype(np.float64)
    products = make_daily_products(x, y)
    return Additive(((days,), *products), finish_anomalies(name, floors))


def finish_anomalies(name: str, floors: Sequence[Floats] | Floats) -> Finish:
    """Return what turns sums of anomalies into their correlation, above floors."""
    zero = np.zeros(floors[0].size)

    def finish(sums: Sequence[Floats]) -> Scores:
        moments = derive_moments(sums, zero, zero)
        variances = (moments.variance_prediction, moments.variance_target)
        deviations = (np.sqrt(variance) for variance in variances)
        return {name: correlation(moments.covariance, *deviations, *floors)}

    return finish
