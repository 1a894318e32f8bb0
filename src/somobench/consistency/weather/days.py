"""Days of two variables that go up and down together: skin and air, net and shortwave.

Changes from day to day are compared by quarter years. On 155 stations of USCRN, ten
points of ecLand and 24 flux towers those of the same day correlate at 0.54 or more,
radiation only where it isn't freezing; half a year of evaporation and net radiation at
0.42 or more on average, where there is water.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from somobench.consistency.weather.arrays import (
    Floats,
    Mask,
    any_day,
    correlate_rows,
    fail_cells,
    is_averaged,
    read_rows,
)
from somobench.schemas.checks.derived import LATENT_HEAT
from somobench.schemas.errors import Failure

QUARTER = 91  # d
QUARTERS = 8  # of a cell whose evaporation is judged
FEWEST = 60  # d with changes of both
USUAL = 0.6  # correlation of the same day, in the median quarter
LEAST = 0.1
BETTER, ALIKE = 0.3, 0.4  # correlation with the day before or after: by how much, and
# at least
UNEVEN = 0.35
"""Of the correlations with the day before and after, in the median quarter: stations of
USCRN reach 0.27, in days of local time."""
WARM = 283.0  # K, mean of a quarter; snow turns net radiation against sunshine
AIR, SKIN = "air_temperature", "skin_temperature"
NET, SUN = "net_radiation", "shortwave_radiation"
WATER, RAIN = "evaporation", "precipitation"
WET = 0.77  # of net radiation that the rain of a cell can take up
MILD = 278.0  # K, mean of a cell


def find_other_days(forcing: xr.Dataset) -> Iterator[Failure]:
    """Give pairs of variables whose days don't fit each other, in some quarter."""
    if pair := read_rows(forcing, SKIN, AIR):
        yield from _compare_pair(
            forcing, SKIN, pair, AIR, np.ones(pair[0].shape, dtype=bool)
        )
    if trio := read_rows(forcing, NET, SUN, AIR):
        yield from _compare_pair(forcing, NET, trio[:2], SUN, _list_warm(trio[2]))
    yield from _compare_evaporation(forcing)


def _compare_evaporation(forcing: xr.Dataset) -> Iterator[Failure]:
    """Where there is water, evaporation follows the radiation of its day."""
    read = read_rows(forcing, WATER, NET, RAIN, AIR)
    if read is None or not is_averaged(forcing):
        return
    water, heat, rain, warmth = read
    here = correlate_rows(_cut(_change(water)), _cut(_change(heat)), FEWEST)
    judged = np.isfinite(here).sum(axis=1) >= QUARTERS
    usual = np.median(np.nan_to_num(here, nan=1.0), axis=1)
    judged &= (rain.mean(axis=1) * LATENT_HEAT > WET * heat.mean(axis=1)) & (
        warmth.mean(axis=1) > MILD
    )
    found = f"days that don't follow {NET}"
    wrong = judged & (usual < LEAST)
    yield from fail_cells(forcing, WATER, wrong, found, "of the same day")


def _change(values: Floats) -> Floats:
    return np.asarray(np.diff(values, axis=1, prepend=np.nan))


def _list_warm(temperature: Floats) -> Mask:
    """Return where a quarter is warm on average, by day."""
    blocks = _cut(temperature)
    mean = np.nan_to_num(blocks, nan=0.0).mean(axis=-1, keepdims=True)
    warm = np.zeros(temperature.shape, dtype=bool)
    days = blocks.shape[1] * QUARTER
    spread = np.broadcast_to(mean > WARM, blocks.shape)
    warm[:, :days] = spread.reshape(len(warm), days)
    return warm


def _cut(values: Floats) -> Floats:
    """Return (cell, quarter, day), without the days of an unfinished one."""
    whole = values.shape[1] // QUARTER
    return values[:, : whole * QUARTER].reshape(len(values), whole, QUARTER)


def _compare_pair(
    forcing: xr.Dataset, name: str, pair: list[Floats], other: str, judged: Mask
) -> Iterator[Failure]:
    one, same = (_change(values) for values in pair)
    one = np.where(judged, one, np.nan)
    here, before, after = (
        correlate_rows(_cut(one), _cut(_move(same, lag)), FEWEST) for lag in (0, 1, -1)
    )
    if not np.isfinite(here).any():
        return
    beside = np.fmax(before, after)
    late = (beside > here + BETTER) & (beside > ALIKE)
    found = f"days that fit {other} of the day before or after"
    yield from fail_cells(forcing, name, any_day(late), found, "of the same day")
    usual = np.nanmedian(here)
    unlike = (here < LEAST) & ~late & (usual >= USUAL) & is_averaged(forcing)
    found = f"a quarter that doesn't follow {other}"
    expected = f"changes as usual, correlated at {usual:.2f}"
    yield from fail_cells(forcing, name, any_day(unlike), found, expected)
    uneven = np.median(np.nan_to_num(before - after, nan=0.0), axis=1)
    wrong = np.abs(uneven) > UNEVEN
    found = f"days that are mixed with another day of {other}"
    yield from fail_cells(forcing, name, wrong, found, "of the same hours")


def _move(values: Floats, lag: int) -> Floats:
    """Put values of `lag` days before in the place of each day."""
    moved = np.full_like(values, np.nan)
    if lag == 0:
        return values
    if lag > 0:
        moved[:, lag:] = values[:, :-lag]
    else:
        moved[:, :lag] = values[:, -lag:]
    return moved
