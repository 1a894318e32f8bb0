"""Defects of `targets.zarr.zip`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from factories.faults.held_out.arrays import (
    Array,
    changed,
    copied,
    exchanged,
    moved,
    put_values,
    set_at,
    taken,
    with_attrs,
    with_coords,
)
from factories.faults.vouched import Defect, in_grid

BOTH = ("soil_moisture", "soil_moisture_in_situ")
DAILY = (*BOTH, "is_gapfilled", "observation_count")


def put_in_situ_for_scaled(grid: xr.Dataset) -> xr.Dataset:
    return put_values(
        grid, "soil_moisture", grid["soil_moisture_in_situ"].to_numpy().copy()
    )


def exchange_factors(grid: xr.Dataset) -> xr.Dataset:
    slope, offset = (grid[name].to_numpy() for name in ("scale_slope", "scale_offset"))
    return put_values(put_values(grid, "scale_slope", offset), "scale_offset", slope)


def fill_gaps(values: Array) -> Array:
    series = pd.DataFrame(values.reshape(-1, values.shape[-1])).T
    filled = series.interpolate(limit_area="inside").T.to_numpy()
    return filled.reshape(values.shape)


def wetten_a_cell(grid: xr.Dataset) -> xr.Dataset:
    """Add 0.4 to what one cell measured, and rescale it to the same targets."""
    added = np.zeros((3, 40))
    added[:, 5] = 0.4
    measured = grid["soil_moisture_in_situ"].to_numpy() + added[..., None]
    grid = put_values(grid, "soil_moisture_in_situ", measured.astype("float32"))
    offset = grid["scale_offset"] - added * grid["scale_slope"]
    return put_values(grid, "scale_offset", offset.to_numpy())


def count_on_missing_days(grid: xr.Dataset) -> xr.Dataset:
    counts = grid["observation_count"].to_numpy().copy()
    counts[np.isnan(grid["soil_moisture_in_situ"].to_numpy())] = 24
    return put_values(grid, "observation_count", counts)


def lose_the_first_year(grid: xr.Dataset) -> xr.Dataset:
    return changed(BOTH, set_at((..., slice(0, 366)), np.nan))(grid)


TARGETS: dict[str, Defect] = {
    name: in_grid("targets", change)
    for name, change in {
        "layers 1 and 2 swapped throughout": taken("layer", exchanged(0, 1)),
        "two cells swapped throughout": taken("cell", exchanged(3, 30)),
        "neighbours swapped throughout": taken("cell", exchanged(13, 14)),
        "all series a day later": taken("time", moved(1), *DAILY),
        "all series a year later": taken("time", moved(365), *DAILY),
        "never scaled": put_in_situ_for_scaled,
        "slope and offset swapped": exchange_factors,
        "slopes negative": changed("scale_slope", np.negative),
        "slopes of the layer above": taken("layer", moved(1), "scale_slope"),
        "no day filled": changed("is_gapfilled", np.zeros_like),
        "filled days a day later": taken("time", moved(1), "is_gapfilled"),
        "gaps interpolated": changed(BOTH, fill_gaps),
        "one cell stuck": changed(BOTH, lambda it: set_at((0, 3), it[0, 3, 900])(it)),
        "counts on missing days": count_on_missing_days,
        "counts a day later": taken("time", moved(1), "observation_count"),
        "counts of 200 a day": changed(
            "observation_count", lambda it: np.where(it > 0, 200, 0)
        ),
        "no stations": changed("station_count", np.zeros_like),
        "more stations than there are": changed("station_count", lambda it: it + 5),
        "more accepted than candidates": changed("accepted_count", lambda it: it + 9),
        "overlap of 0 days": changed("overlap_days", np.zeros_like),
        "overlap longer than the record": changed("overlap_days", lambda it: it + 5000),
        "depths in cm": changed(("depth_from", "depth_to"), lambda it: it * 100),
        "stations of other cells": taken("cell", moved(1), "primary_station"),
        "networks of other cells": taken("cell", moved(10), "primary_network"),
        "sensors of other layers": taken("layer", moved(1), "primary_sensor"),
        "another reference": with_attrs(None, reference_by_layer="era5 era5"),
        "a spike as measured": changed(
            "soil_moisture_in_situ", set_at((0, 3, 900), 0.55)
        ),
        "rounded to two decimals": changed(BOTH, lambda it: np.round(it, 2)),
        "a year repeated": taken(
            "time", copied(slice(366, 731), slice(0, 365)), *DAILY
        ),
        "the first year lost": lose_the_first_year,
        "0.4 too wet in one cell": wetten_a_cell,
        "spread negative": changed("station_spread", np.negative),
        "layers from 0": with_coords("layer", lambda it: it - 1),
        "days one later": with_coords("time", lambda it: it + np.timedelta64(1, "D")),
        "longitudes mirrored": with_coords("longitude", np.negative),
        "a cell all missing": changed(BOTH, set_at((slice(None), 3), np.nan)),
    }.items()
}
