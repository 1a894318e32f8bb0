"""35-day anomalies and climatologies: ours, pytesmo's, xarray with bottleneck.

    python benchmarks/harness.py bench_anomalies

1,500 cells x 8,000 days, float32, 30 % missing.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from bench_metrics import make_pairs
from harness import IS_SMALL, Arrays, Race

from somobench.metrics.anomalies import (
    count_leap_year_days,
    seasonal_climatology,
    take_moving_anomalies,
)

ROUNDED = 1e-7 if IS_SMALL else 1e-10
"""Short series are computed in the type that they come in, here float32."""


def make_target() -> xr.DataArray:
    """Return a target as a release holds it."""
    return make_pairs()[1]


def take_ours(target: xr.DataArray) -> Arrays:
    """Take anomalies by the package."""
    return {"anomaly": take_moving_anomalies(target.to_numpy())}


def take_pytesmo(target: xr.DataArray) -> Arrays:
    """Take anomalies row by row, as pytesmo does."""
    from pytesmo.time_series.anomaly import calc_anomaly

    rows = [calc_anomaly(row.astype(float).to_series()) for row in target]
    return {"anomaly": np.array(rows)}


def take_xarray(target: xr.DataArray) -> Arrays:
    """Take anomalies by a rolling mean, which bottleneck computes."""
    values = target.astype(float)
    mean = values.rolling(time=35, center=True, min_periods=1).mean()
    return {"anomaly": (values - mean).to_numpy()}


def average_ours(target: xr.DataArray) -> Arrays:
    """Average by day of the year, by the package."""
    days = count_leap_year_days(target["time"].to_numpy())
    return {"climatology": seasonal_climatology(target.to_numpy(), days)}


def average_pytesmo(target: xr.DataArray) -> Arrays:
    """Average row by row, as pytesmo does."""
    from pytesmo.time_series.anomaly import calc_climatology

    rows = [calc_climatology(row.astype(float).to_series()) for row in target]
    return {"climatology": np.array(rows)}


RACES = {
    "anomaly": Race(
        "35-day anomaly, 1,500 x 8,000",
        make_target,
        {"ours": take_ours, "pytesmo": take_pytesmo, "xarray": take_xarray},
        {"pytesmo": 25, "xarray": 1},
        atol=ROUNDED,
        shorten=lambda target: target[:2],
    ),
    "climatology": Race(
        "climatology, 1,500 x 8,000",
        make_target,
        {"ours": average_ours, "pytesmo": average_pytesmo},
        {"pytesmo": 50},
        atol=ROUNDED,
        shorten=lambda target: target[:2],
    ),
}
