"""Compiled loops over long series: what the plain functions of `metrics` compute.

Imported only where numba is installed and there is much to do (`compiled`). Series are
(row, time), NaN where missing or, of pairs, on both. `bounds` (step + 1,) are the days
at which steps of the record begin, with its end; sums are (product, row, step).
"""

from somobench.metrics.kernels.distributions import sum_distributions
from somobench.metrics.kernels.droughts import sum_droughts
from somobench.metrics.kernels.ranks import sort_places, sort_rows, sum_ranks
from somobench.metrics.kernels.series import (
    fill_anomalies,
    fill_climatology,
)
from somobench.metrics.kernels.sums import (
    has_infinite,
    sum_days,
    sum_events,
    sum_moments,
    sum_products,
)

__all__ = [
    "fill_anomalies",
    "fill_climatology",
    "has_infinite",
    "sort_places",
    "sort_rows",
    "sum_days",
    "sum_distributions",
    "sum_droughts",
    "sum_events",
    "sum_moments",
    "sum_products",
    "sum_ranks",
]
