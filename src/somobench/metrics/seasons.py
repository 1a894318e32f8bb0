"""Correlation beyond the cycle of the year. Plain arrays, (row, time)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np

from somobench.metrics.anomalies import LEAP_YEAR, Days, Integers
from somobench.metrics.moments import (
    ROUNDING,
    Additive,
    Finish,
    Floats,
    Scores,
    centre_rows,
    compute_zero_deviation,
    correlation,
    sum_products,
)

MINIMUM_COUNT = 40  # pairs; ten for each coefficient of the season
SEASON_SHARE = 0.02  # of a series' deviation: calendars differ in a season by 0.011
_SMALLEST = 1e-13  # of the largest eigenvalue: directions that no day tells apart
_DEPENDENT = 1e-9  # of its own power: a control that those before it determine


def remove_season(
    deviations: Sequence[Floats],
    valid: Days,
    day_of_year: Integers,
    climatology: Floats | None = None,
) -> tuple[list[Floats], list[Floats]]:
    """Remove the cycle of the year from series by least squares over the same days.

    What is left of a series is not changed by any shift, by any multiple of the
    climatology, or by any harmonic of the year that is added to the series, and is
    proportional to its scale. On a record that doesn't cover the year, slow changes of
    the weather look like season and go too.

    Parameters
    ----------
    deviations : sequence of (row, time)
        From each row's mean; zero on days that aren't valid.
    valid : (row, time)
    day_of_year : (time,), 1 to 366
    climatology : (row, 366), optional
        A known shape of the season, finer than a harmonic; NaN where unknown.

    Returns
    -------
    left : list of (row, time), zero on days that aren't valid
    controls : list of (row, time)
        What the season is made of: a constant, cosine and sine of the year, and what
        these leave of the climatology; zero on days that aren't valid.

    Notes
    -----
    The correlation of what is left of two series is their partial correlation given the
    season (Lovell 1963, doi:10.1080/01621459.1963.10480682). Harmonics by least squares
    allow for gaps, and a few coefficients predict a season better than means by day of
    the year (Narapusetty et al. 2009, doi:10.1175/2009JCLI2944.1).
    """
    phase = 2.0 * np.pi * day_of_year / LEAP_YEAR
    basis = np.stack([np.ones(day_of_year.size), np.cos(phase), np.sin(phase)], axis=1)
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
    controls = [weights * term for term in basis.T]
    if climatology is None:
        return left, controls
    season, level = centre_rows(
        np.where(valid, climatology[:, day_of_year - 1], np.nan)
    )
    shape = residual(season)
    power = sum_products((shape, shape))
    rounded = weights.sum(axis=1) * (ROUNDING * np.nan_to_num(level)) ** 2
    shape[power <= rounded] = 0.0  # the climatology is a harmonic, or unknown
    power[power <= rounded] = np.inf
    multiples = [sum_products((values, shape)) / power for values in left]
    left = [
        values - multiple[:, None] * shape
        for values, multiple in zip(left, multiples, strict=True)
    ]
    return left, [*controls, shape]


def deseasonalised_family(
    prediction: Floats,
    target: Floats,
    day_of_year: Integers,
    climatology: Floats | None,
    *,
    replicated: bool,
) -> Additive:
    """Correlate what pairs (row, time; NaN where not paired) have beyond their season.

    The season is fitted again to the days of every draw: taken as it is, it would hide
    how much of the score the fit has determined.
    """
    series, finish = find_season_series(
        prediction, target, day_of_year, climatology, replicated=replicated
    )
    return Additive(tuple(combinations_with_replacement(series, 2)), finish)


def find_season_series(
    prediction: Floats,
    target: Floats,
    day_of_year: Integers,
    climatology: Floats | None,
    *,
    replicated: bool,
) -> tuple[list[Floats], Finish]:
    """Return controls and what is left of pairs, and what their products give."""
    valid = np.isfinite(target)
    deviations, means = zip(
        *(centre_rows(series, valid) for series in (prediction, target)), strict=True
    )
    floors = [
        compute_zero_deviation(values, mean, valid, SEASON_SHARE)
        for values, mean in zip(deviations, means, strict=True)
    ]
    floors[1][np.count_nonzero(valid, axis=1) < MINIMUM_COUNT] = np.inf
    left, controls = remove_season(deviations, valid, day_of_year, climatology)
    if not replicated:
        controls = controls[:1]  # the others are zero to what is left

    def finish(sums: Sequence[Floats]) -> Scores:
        with np.errstate(invalid="ignore", divide="ignore"):
            xx, xy, yy = (
                part / sums[0] for part in _remove_controls(sums, len(controls))
            )
        deviations = (np.sqrt(np.maximum(variance, 0.0)) for variance in (xx, yy))
        return {"deseasonalised_r": correlation(xy, *deviations, *floors)}

    return [*controls, *left], finish


def _remove_controls(sums: Sequence[Floats], controls: int) -> Sequence[Floats]:
    """Remove controls, the first ones, from sums of products of all pairs of series.

    The sums are the upper triangle of a matrix, row by row, which is eliminated.
    """
    pairs = list(combinations_with_replacement(range(controls + 2), 2))
    product = dict(zip(pairs, sums, strict=True))
    for control in range(controls):
        power, pivot = sums[pairs.index((control, control))], product[control, control]
        known = pivot > _DEPENDENT * power
        share = np.divide(1.0, pivot, out=np.zeros_like(pivot), where=known)
        row = {j: product[control, j] for i, j in pairs if i == control}
        for i, j in pairs:
            if i > control:
                product[i, j] = product[i, j] - row[i] * row[j] * share
    return [product[pair] for pair in pairs[-3:]]
