"""Radiation of each day and cell against the sun, and net against shortwave."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from somobench.consistency.weather.arrays import (
    Floats,
    any_day,
    correlate_rows,
    fail_cells,
    is_averaged,
    read_rows,
)
from somobench.schemas.checks.magnitudes import compute_extraterrestrial_radiation
from somobench.schemas.errors import Failure

NET, SUN, AIR = "net_radiation", "shortwave_radiation", "air_temperature"
MORE, AND_MORE = 1.1, 0.5  # of the sun above the atmosphere, MJ m-2 d-1
MOST_DAYS, OF_DAYS = 3, 0.01  # above it, and their share where sensors measure
HIGH = 5.0  # MJ m-2 d-1 above the atmosphere, from which a day is never dark
LARGEST_SHARE = 0.95
"""Mean net over mean shortwave radiation: dark wet forest absorbs nine tenths and loses
some as longwave."""
SMALLEST_SHARE = 0.06  # where it is warm; deserts and salt flats have a sixth and more
WARM = 283.0  # K
SEASON = 120  # d
TIED = 0.99999  # correlation of net and shortwave radiation, where longwave is lacking
CLEAR = 95  # percentile of a year's days that are clear ones
LEAST_CLEAR, MOST_CLEAR = 0.81, 1.23  # of the median year's; a fifth is reflected
A_YEAR, MOST_GAPS, FEWEST_YEARS = 365, 35, 3


def find_other_radiation(forcing: xr.Dataset) -> Iterator[Failure]:
    """Give radiation that the sun, the atmosphere or the ground can't make."""
    above = compute_extraterrestrial_radiation(
        forcing["latitude"].to_numpy(), forcing["time"].dt.dayofyear.to_numpy()
    )
    if read := read_rows(forcing, SUN):
        yield from _compare_sun(forcing, read[0], above)
        yield from _compare_years(forcing, read[0], above)
    if read := read_rows(forcing, NET, SUN):
        yield from _find_no_longwave(forcing, *read)
    if read := read_rows(forcing, NET, SUN, AIR):
        yield from _compare_share(forcing, *read)


def _compare_sun(forcing: xr.Dataset, sun: Floats, above: Floats) -> Iterator[Failure]:
    most = MOST_DAYS if is_averaged(forcing) else OF_DAYS * sun.shape[1]
    wrong = (sun > MORE * above + AND_MORE).sum(axis=1) > max(most, MOST_DAYS)
    expected = "at most that above the atmosphere on that day"
    yield from fail_cells(forcing, SUN, wrong, "days with more sun", expected)
    if is_averaged(forcing):
        dark = any_day((sun <= 0) & (above > HIGH))
        yield from fail_cells(forcing, SUN, dark, "a day without light", "some by day")


def _compare_years(
    forcing: xr.Dataset, sun: Floats, above: Floats
) -> Iterator[Failure]:
    """Clear days of every year let as much through as those of others."""
    if not is_averaged(forcing):
        return  # sensors get dirty, and are changed
    clear = np.where(above > HIGH, sun / np.maximum(above, HIGH), np.nan)
    years = sun.shape[1] // A_YEAR
    cut = clear[:, : years * A_YEAR].reshape(len(clear), years, A_YEAR)
    whole = np.isfinite(cut).sum(axis=2) >= A_YEAR - MOST_GAPS
    if years < FEWEST_YEARS or not whole.any():
        return
    kept = np.nan_to_num(cut, nan=0.0)
    best = np.where(whole, np.percentile(kept, CLEAR, axis=2), np.nan)
    known = whole.sum(axis=1) >= FEWEST_YEARS
    usual = np.median(np.nan_to_num(best, nan=0.0), axis=1, keepdims=True)
    share = best / np.where(usual > 0, usual, np.nan)
    wrong = known & ((share < LEAST_CLEAR) | (share > MOST_CLEAR)).any(axis=1)
    found = "clear days of a year that are others than those of most years"
    yield from fail_cells(forcing, SUN, wrong, found, "the same sky")


def _find_no_longwave(
    forcing: xr.Dataset, net: Floats, sun: Floats
) -> Iterator[Failure]:
    whole = net.shape[1] // SEASON
    cut = [it[:, : whole * SEASON].reshape(len(it), whole, SEASON) for it in (net, sun)]
    tied = correlate_rows(cut[0], cut[1], SEASON) > TIED
    found = "a fixed part of shortwave radiation for a season"
    yield from fail_cells(forcing, NET, any_day(tied), found, "longwave as well")


def _compare_share(
    forcing: xr.Dataset, net: Floats, sun: Floats, warmth: Floats
) -> Iterator[Failure]:
    known = np.isfinite(net) & np.isfinite(sun) & np.isfinite(warmth)
    count = np.maximum(known.sum(axis=1), 1)
    means = [np.where(known, it, 0).sum(axis=1) / count for it in (net, sun, warmth)]
    judged = (known.sum(axis=1) >= A_YEAR) & (means[1] > 0)
    share = means[0] / np.where(judged, means[1], np.nan)
    wrong = share > LARGEST_SHARE
    expected = "what a dark surface keeps of shortwave radiation"
    yield from fail_cells(forcing, NET, wrong, "a larger mean", expected)
    wrong = (share < SMALLEST_SHARE) & (means[2] > WARM)
    expected = "what a bright surface keeps of shortwave radiation"
    yield from fail_cells(forcing, NET, wrong, "a smaller mean", expected)
