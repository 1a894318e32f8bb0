"""Rain of a cell against frost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from somobench.consistency.weather.arrays import (
    Floats,
    fail_cells,
    is_averaged,
    read_rows,
)
from somobench.schemas.errors import Failure

RAIN, AIR = "precipitation", "air_temperature"
FREEZING, BAND = 273.15, 5.0  # K
FEWEST_COLD, FEWEST_WET = 100, 0.15  # days in the band, and their share with rain


def find_other_rain(forcing: xr.Dataset) -> Iterator[Failure]:
    """Give cells without snow."""
    if not is_averaged(forcing):
        return  # many a gauge measures no snow
    if both := read_rows(forcing, RAIN, AIR):
        yield from _find_no_snow(forcing, *both)


def _find_no_snow(
    forcing: xr.Dataset, rain: Floats, warmth: Floats
) -> Iterator[Failure]:
    """Just below freezing there is snow where just above it rains."""
    below = (warmth < FREEZING) & (warmth >= FREEZING - BAND)
    above = (warmth >= FREEZING) & (warmth < FREEZING + BAND)
    wet = rain > 0
    share = (wet & above).sum(axis=1) / np.maximum(above.sum(axis=1), 1)
    many = np.minimum(below.sum(axis=1), above.sum(axis=1)) >= FEWEST_COLD
    wrong = many & (share > FEWEST_WET) & ((wet & below).sum(axis=1) == 0)
    found = "no precipitation on days below freezing"
    yield from fail_cells(forcing, RAIN, wrong, found, "snow as well")
