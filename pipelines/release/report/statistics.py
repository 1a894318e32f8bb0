"""Numbers that figures of the report are drawn from: summaries, correlations, counts.

Pure, on arrays; every result is rounded and fit for JSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIGITS = 6
SMALL_SAMPLE = 5  # below this many values a box would claim more than is known
MINIMUM_PAIRS = 90  # days, as the published comparison has (its shortest series)
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95}
ROWS_A_BLOCK = 128  # rows held in float64 at a time
BIN_SCALE = 100  # bins a unit: soil moisture is counted in steps of 0.01 m3 m-3
STORED_SCALE = 100_000  # targets are stored to five decimals


def round_number(value: Any, digits: int = DIGITS) -> float | None:
    """Return a number for JSON; None where it isn't finite."""
    return round(float(value), digits) if np.isfinite(value) else None


def summarise(values: Sequence[float] | NDArray[Any]) -> dict[str, Any]:
    """Summarise the finite values: count, extremes and five quantiles.

    Fewer than five values are listed too, sorted, so that they can be shown as they
    are; without any, there is only the count.

    Examples
    --------
    >>> summarise([0.25, float("nan")])["values"]
    [0.25]
    >>> summarise([])
    {'count': 0}
    """
    finite = np.sort(np.asarray(values, np.float64).ravel())
    finite = finite[np.isfinite(finite)]
    if finite.size == 0:
        return {"count": 0}
    shares = np.quantile(finite, list(QUANTILES.values()))
    result: dict[str, Any] = {"count": int(finite.size)}
    result |= {name: round_number(q) for name, q in zip(QUANTILES, shares, strict=True)}
    result |= {"minimum": round_number(finite[0]), "maximum": round_number(finite[-1])}
    if finite.size < SMALL_SAMPLE:
        result["values"] = [round_number(value) for value in finite]
    return result


def split_rows(count: int) -> Iterator[slice]:
    """Cut rows into blocks that fit in memory as float64."""
    for start in range(0, count, ROWS_A_BLOCK):
        yield slice(start, start + ROWS_A_BLOCK)


def correlate_rows(
    x: NDArray[Any], y: NDArray[Any], minimum_pairs: int = MINIMUM_PAIRS
) -> tuple[Floats, NDArray[np.int64]]:
    """Correlate two (row, day) arrays row by row over the days that both have.

    Returns
    -------
    correlation : (row,)
        Pearson's; NaN with fewer than `minimum_pairs` days, or where a row is
        constant on them.
    pairs : (row,)
        Days that both have.
    """
    correlation = np.full(len(x), np.nan)
    pairs = np.zeros(len(x), np.int64)
    for rows in split_rows(len(x)):
        correlation[rows], pairs[rows] = _correlations(x[rows], y[rows])
    correlation[pairs < minimum_pairs] = np.nan
    return correlation, pairs


def _correlations(x: NDArray[Any], y: NDArray[Any]) -> tuple[Floats, NDArray[np.int64]]:
    both = np.isfinite(x) & np.isfinite(y)
    pairs = both.sum(axis=1)
    first, second = (_centred(values, both, pairs) for values in (x, y))
    power = (first * first).sum(axis=1) * (second * second).sum(axis=1)
    varies = _varies(x, both) & _varies(y, both) & (power > 0)
    product = (first * second).sum(axis=1)
    return (
        np.where(varies, product / np.sqrt(np.where(varies, power, 1.0)), np.nan),
        pairs,
    )


def _centred(
    values: NDArray[Any], used: NDArray[np.bool_], pairs: NDArray[np.int64]
) -> Floats:
    kept = np.where(used, values, 0).astype(np.float64)
    mean = kept.sum(axis=1) / np.maximum(pairs, 1)
    return np.where(used, kept - mean[:, None], 0.0)


def _varies(values: NDArray[Any], used: NDArray[np.bool_]) -> NDArray[np.bool_]:
    low = np.where(used, values, np.inf).min(axis=1)
    return np.asarray(np.where(used, values, -np.inf).max(axis=1) > low)


def difference_days(values: NDArray[Any]) -> NDArray[Any]:
    """Return differences of consecutive days along the last axis.

    A difference needs both days: next to a missing day it is missing.
    """
    return np.diff(values, axis=-1)


def count_bins(values: NDArray[Any]) -> dict[str, Any]:
    """Count finite values in bins of 0.01, from the first to the last that is used.

    A bin holds its lower edge. Values are first rounded to the five decimals that
    they are stored with, so that 0.29 lies in the bin of 0.29 in every precision.

    Returns
    -------
    dict
        `first_bin` (lower edge of the first bin, in hundredths), `counts`.

    Examples
    --------
    >>> count_bins(np.array([0.29, 0.299, 0.31, np.nan]))
    {'first_bin': 29, 'counts': [2, 0, 1]}
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if finite.size == 0:
        return {"first_bin": 0, "counts": []}
    stored = np.rint(finite * STORED_SCALE).astype(np.int64)
    bins = stored // (STORED_SCALE // BIN_SCALE)
    first = int(bins.min())
    return {"first_bin": first, "counts": np.bincount(bins - first).tolist()}


def describe_moments(values: NDArray[Any]) -> dict[str, Any]:
    """Return count, mean, standard deviation (ddof 1) and quantiles of all values."""
    finite = values[np.isfinite(values)].astype(np.float64)
    result = summarise(finite)
    if finite.size > 1:
        result["mean"] = round_number(finite.mean())
        result["std"] = round_number(finite.std(ddof=1))
    return result
