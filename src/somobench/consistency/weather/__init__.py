"""Weather of each cell against its own physics and against itself.

Means over all cells hide a region, a year or a cell that came otherwise. Bounds lie
beyond what land has, so that they hold for any source.
"""

from __future__ import annotations

import pandas as pd
import xarray as xr

from somobench.consistency.weather.days import find_other_days
from somobench.consistency.weather.neighbours import find_other_years
from somobench.consistency.weather.physics import find_other_physics
from somobench.consistency.weather.radiation import find_other_radiation
from somobench.consistency.weather.rain import find_other_rain
from somobench.consistency.weather.series import find_other_series
from somobench.schemas.checks.derived import A_YEAR
from somobench.schemas.errors import Failure


def find_impossible_weather(
    forcing: xr.Dataset, stations: pd.DataFrame | None = None
) -> list[Failure]:
    """Return variables that a cell can't have together, and days that can't follow.

    Parameters
    ----------
    stations : table SENSORS, optional
        Where stations stand, in m above the sea, tells how thin the air is.
    """
    if forcing.sizes["time"] < A_YEAR:
        return []
    elevation: dict[str, float] = {}
    if stations is not None:
        highest = stations.groupby("cell_id")["elevation"].max().dropna()
        elevation = {str(cell): float(it) for cell, it in highest.items()}
    return [
        *find_other_physics(forcing, elevation),
        *find_other_radiation(forcing),
        *find_other_days(forcing),
        *find_other_series(forcing),
        *find_other_rain(forcing),
        *find_other_years(forcing),
    ]
