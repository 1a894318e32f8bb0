"""Score labelled predictions against labelled targets, cell by cell and layer by layer.

The arithmetic is in `somobench.metrics.rows` and below; `METRICS` tells what each is.
"""

from __future__ import annotations

from collections.abc import Iterable

import xarray as xr

from somobench.metrics.labels import label_rows
from somobench.metrics.registry import METRICS, PLUMBER2
from somobench.metrics.rows import MINIMUM_COUNT, score_rows

__all__ = ["METRICS", "PLUMBER2", "score"]


def score(
    prediction: xr.DataArray,
    target: xr.DataArray,
    *,
    metrics: str | Iterable[str] | None = None,
    train: xr.DataArray | None = None,
    scored: xr.DataArray | None = None,
    climatology: xr.DataArray | None = None,
    minimum_count: int = MINIMUM_COUNT,
) -> xr.Dataset:
    """Score predictions over time, one value a metric for every series of the target.

    A day counts where prediction and target are both finite and `scored` allows it;
    anomalies are formed from these pairs alone. Series with fewer than `minimum_count`
    pairs have NaN in every metric. Loads Dask-backed data; the inputs are untouched.

    Parameters
    ----------
    prediction : DataArray, dims of the target and optionally member
        In the target's units, on exactly its coordinates. With members the ensemble's
        mean is scored, and the ensemble metrics are computed too.
    target : DataArray, (..., time), daily
        Observations on all days, train days included where `train` is given.
    metrics : str or iterable of str, optional
        Names in `METRICS`; by default all that the other arguments allow.
    train : DataArray of bool, dims among the target's, optional
        Days from which the target's 10th and 90th percentile and its climatology come.
    scored : DataArray of bool, dims among the target's, optional
        Days that count, such as a split's test days; by default all.
    climatology : DataArray, (..., day_of_year), optional
        Shape of the season that `deseasonalised_r` removes from both series, beside
        harmonics of the year; 1 to 366 by the calendar, as releases store it. By
        default pytesmo's of the target's train days; without `train` none.
    minimum_count : int
        Pairs; pytesmo's and QA4SM's default is 10.

    Returns
    -------
    Dataset
        One float64 array a metric over the target's dims without time, and
        `pair_count`; units, range, perfect value, orientation, source and
        `undefined_count` (series with enough pairs but no value) in the attributes.

    Raises
    ------
    InputError
        For coordinates that differ, a time axis that is not daily, infinite values.
    UsageError
        For a metric that needs train days or members that were not given.
    UnknownNameError
        For an unknown metric.
    """
    if isinstance(metrics, str):
        metrics = (metrics,)
    labelled = label_rows(
        prediction,
        target,
        train=train,
        scored=scored,
        climatology=climatology,
    )
    wanted = labelled.metrics(metrics)
    result = score_rows(labelled.rows, wanted, minimum_count=minimum_count)
    return labelled.dataset(result, wanted, minimum_count)
