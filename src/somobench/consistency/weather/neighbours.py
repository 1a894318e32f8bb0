"""Years of a cell against those of the nearest one: what it shares stays alike.

Beside a cell at most 0.6 degrees away, no year of ERA5 is further from what most are
than 0.24 K and 2 % of net radiation (56 means of nodes, 24 years), or 1.6 % of vapour
pressure and 1.3 % of sunshine (64 points in Africa, 8 years).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from somobench.consistency.weather.arrays import (
    Floats,
    any_day,
    fail_cells,
    is_averaged,
    read_rows,
)
from somobench.schemas.errors import Failure

A_YEAR, FEWEST_YEARS = 365, 3
NEAR = 0.6  # degrees
LARGEST = {
    "air_temperature": 1.5,
    "specific_humidity": 0.15,
    "shortwave_radiation": 0.15,
    "net_radiation": 0.15,
}
"""Largest step of a year: K, or of the logarithm of a ratio."""
BY_DIFFERENCE = "air_temperature"
LEAST = {"net_radiation": 3.0}  # MJ m-2 d-1: ratios of smaller ones mean nothing


def find_other_years(forcing: xr.Dataset) -> Iterator[Failure]:
    """Give cells with a year that is another beside the nearest cell than most are."""
    years = forcing.sizes["time"] // A_YEAR
    if not is_averaged(forcing) or years < FEWEST_YEARS:
        return
    nearest, distance = _find_nearest(forcing)
    for name, largest in LARGEST.items():
        if read := read_rows(forcing, name):
            days = read[0][:, : years * A_YEAR].reshape(-1, years, A_YEAR)
            mean = days.mean(axis=2)
            if name != BY_DIFFERENCE:
                mean = np.log(np.where(mean > LEAST.get(name, 0.0), mean, np.nan))
            beside = mean - mean[nearest]
            known = np.isfinite(beside).sum(axis=1) >= FEWEST_YEARS
            kept = np.where(known[:, None], beside, 0.0)
            step = np.abs(kept - np.nanmedian(kept, axis=1, keepdims=True))
            wrong = any_day(step > largest) & (distance <= NEAR)
            found = "a year that is another beside the nearest cell"
            yield from fail_cells(forcing, name, wrong, found, "as in most years")


def _find_nearest(forcing: xr.Dataset) -> tuple[np.ndarray, Floats]:
    """Return the place of each cell's nearest other one, and how many degrees away."""
    latitude, longitude = (
        forcing[it].to_numpy().astype("float64") for it in ("latitude", "longitude")
    )
    east = (longitude[:, None] - longitude + 180.0) % 360.0 - 180.0
    east *= np.cos(np.radians(latitude))[:, None]
    apart = np.hypot(latitude[:, None] - latitude, east)
    np.fill_diagonal(apart, np.inf)
    return apart.argmin(axis=1), apart.min(axis=1)
