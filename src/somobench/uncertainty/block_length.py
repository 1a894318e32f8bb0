"""Named rules for the number of days in a bootstrap block.

Blocks must be long against the memory of the errors, or intervals come out too narrow:
daily soil-moisture errors last for weeks, and a season's weather makes a season's
errors. The default reads the memory from the error series, but takes a season at least,
since records of a year or two show too little of it; the others are for studies that
need one length everywhere.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.moments import Floats, centre_rows
from somobench.schemas.errors import UnknownNameError

Rule = Literal["automatic", "politis_white", "cube_root", "season", "year"]

RULES: tuple[Rule, ...] = get_args(Rule)
SEASON, YEAR = 91, 365  # days
SAMPLED_ROWS = 64  # rows that the automatic rule reads, evenly spaced
MINIMUM_ROW_DAYS = 60  # pairs from which a row's autocorrelation is estimated
_CRITICAL = 2.0  # Politis and White's c: how large an autocorrelation is noise


def estimate_autocovariance(series: Floats, maximum_lag: int) -> Floats:
    """Estimate each row's autocovariance from the pairs of days that exist.

    Parameters
    ----------
    series : (row, time)
        NaN is missing.
    maximum_lag : int, days

    Returns
    -------
    (row, lag), lags 0 to `maximum_lag`
        Tapered by (days - lag) / days like the usual estimate, to which it is equal
        where no day is missing.
    """
    values, _ = centre_rows(series)
    valid = np.isfinite(series).astype(np.float64)
    days = series.shape[1]
    result = np.zeros((series.shape[0], maximum_lag + 1))
    for lag in range(maximum_lag + 1):
        total = (values[:, : days - lag] * values[:, lag:]).sum(axis=1)
        pairs = (valid[:, : days - lag] * valid[:, lag:]).sum(axis=1)
        result[:, lag] = total / np.maximum(pairs, 1.0) * (days - lag) / days
    return result


def _find_negligible_lag(
    autocorrelation: Floats, days: int, in_a_row: int
) -> int | None:
    """Return the lag from which `in_a_row` autocorrelations are noise, if any."""
    critical = _CRITICAL * np.sqrt(np.log10(days) / days)
    noise = np.abs(autocorrelation) < critical
    for lag in range(1, noise.size - in_a_row + 1):
        if noise[lag : lag + in_a_row].all():
            return lag
    return None


def choose_politis_white_length(series: Floats) -> Floats:
    """Choose each row's optimal block length for the circular block bootstrap.

    Parameters
    ----------
    series : (row, time)
        Errors, one a day; NaN is missing.

    Returns
    -------
    (row,), days, not rounded
        NaN for a row with fewer than 60 values or without variation.

    Notes
    -----
    Politis and White 2004, doi:10.1081/ETC-120028836, with the correction of Patton,
    Politis and White 2009, doi:10.1080/07474930802459016: the length that minimises the
    mean square error of the bootstrap variance of the mean, at most 3 sqrt(n) and n/3.
    The bandwidth is twice the first negligible lag, as in the package arch; the paper's
    wording allows one lag less, and shorter blocks.
    """
    days = series.shape[1]
    in_a_row = max(5, int(np.ceil(np.sqrt(np.log10(days)))))
    largest = int(np.ceil(np.sqrt(days))) + in_a_row
    covariance = estimate_autocovariance(series, min(largest + in_a_row, days - 1))
    longest = np.ceil(min(3 * np.sqrt(days), days / 3))
    count = np.isfinite(series).sum(axis=1)
    lengths = np.full(series.shape[0], np.nan)
    for row in np.flatnonzero((count >= MINIMUM_ROW_DAYS) & (covariance[:, 0] > 0)):
        r = covariance[row]
        first = _find_negligible_lag(r / r[0], int(count[row]), in_a_row)
        width = largest if first is None else min(2 * first, largest)
        lag = np.arange(1, min(width, r.size - 1) + 1)
        window = np.clip(2.0 * (1.0 - lag / width), 0.0, 1.0)
        slope = 2.0 * (window * lag * r[lag]).sum()
        level = r[0] + 2.0 * (window * r[lag]).sum()
        best = (1.5 * slope**2 / level**2 * days) ** (1 / 3)
        lengths[row] = min(best, longest)
    return lengths


def block_length(error: Floats, rule: Rule = "automatic") -> int:
    """Choose one block length for all rows.

    Parameters
    ----------
    error : (row, time)
        Prediction minus target, NaN where not paired.
    rule : {"automatic", "politis_white", "cube_root", "season", "year"}
        The Politis-White length, but at least 91 days; the median over up to 64 rows of
        `choose_politis_white_length`; the cube root of the number of scored days (the
        order that is optimal in general); 91 days; 365 days.

    Returns
    -------
    int, days
        At least 1. The cube root stands in for the Politis-White length where no row
        is long enough.

    Raises
    ------
    UnknownNameError
        For another rule.

    Notes
    -----
    Why a season at least: docs/decisions/0009-intervals.md.
    """
    if rule not in RULES:
        raise UnknownNameError(
            "block length rule", found=rule, expected=", ".join(RULES)
        )
    if rule in ("season", "year"):
        return SEASON if rule == "season" else YEAR
    scored = np.asarray(np.isfinite(error).any(axis=0))
    cube_root = max(1, int(np.ceil(scored.sum() ** (1 / 3))))
    if rule == "cube_root":
        return cube_root
    found = _take_median_length(error, scored) or cube_root
    return max(SEASON, found) if rule == "automatic" else found


def _take_median_length(error: Floats, scored: NDArray[np.bool_]) -> int | None:
    """Return the median Politis-White length of some rows, if any row has one."""
    enough = np.flatnonzero(np.isfinite(error).sum(axis=1) >= MINIMUM_ROW_DAYS)
    chosen = enough[:: max(1, -(-enough.size // SAMPLED_ROWS))]
    if not chosen.size:
        return None
    lengths = choose_politis_white_length(error[chosen][:, scored])
    if not np.isfinite(lengths).any():
        return None
    return max(1, int(np.ceil(np.nanmedian(lengths))))
