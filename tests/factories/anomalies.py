"""Anomalies of series with gaps, as the metrics form them from deviations."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from somobench.metrics import anomalies, seasons
from somobench.metrics.moments import centre_rows

Array = NDArray[np.float64]


def moving_anomaly(values: Array, window: int = anomalies.WINDOW) -> Array:
    """Return anomalies (row, time), NaN where the series is."""
    valid = np.isfinite(values)
    (anomaly,) = anomalies.moving_anomalies(
        [centre_rows(values, valid)[0]], valid, window
    )
    return np.where(valid, anomaly, np.nan)


def remove_season(
    series: Sequence[Array],
    day_of_year: NDArray[np.int64],
    climatology: Array | None = None,
) -> list[Array]:
    """Return departures (row, time), NaN where the series are."""
    valid = np.isfinite(series[0])
    deviations = [centre_rows(values, valid)[0] for values in series]
    left, _ = seasons.remove_season(deviations, valid, day_of_year, climatology)
    return [np.where(valid, values, np.nan) for values in left]
