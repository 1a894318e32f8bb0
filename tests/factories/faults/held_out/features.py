"""Defects of `features.zarr.zip`, which derives from targets, forcing and splits."""

from __future__ import annotations

import numpy as np
import xarray as xr

from factories.faults.held_out.arrays import (
    Array,
    changed,
    exchanged,
    moved,
    put_values,
    set_at,
    taken,
    with_coords,
)
from factories.faults.vouched import Defect, in_grid

FACTORS = ("scale_slope", "scale_offset")
TEMPORAL = 3


def average_all_days(features: xr.Dataset, targets: xr.Dataset) -> xr.Dataset:
    """Make climatologies of the whole record, test days included."""
    days = targets["soil_moisture"].groupby("time.dayofyear").mean()
    padded = np.pad(days.to_numpy(), ((0, 0), (0, 0), (15, 15)), mode="wrap")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 31, axis=-1)
    means = np.nanmean(windows, axis=-1)
    own = features["climatology_source"].to_numpy()[..., None] == 0
    values = np.where(own, means, features["climatology"].to_numpy())
    return put_values(features, "climatology", values.astype("float32"))


def use_full_factors(features: xr.Dataset, targets: xr.Dataset) -> xr.Dataset:
    """Give every split the factors of the whole record, and don't say so."""
    for name in FACTORS:
        values = np.broadcast_to(targets[name].to_numpy(), features[name].shape)
        features = put_values(features, name, values.copy())
    return features


def normalise_over_all_days(features: xr.Dataset, forcing: xr.Dataset) -> xr.Dataset:
    names = [str(it) for it in features["variable"].to_numpy()]
    for kind, reduce in (("mean", np.mean), ("std", np.std)):
        values = features[f"normalisation_{kind}"].to_numpy().copy()
        for place, name in enumerate(names):
            if name in forcing:
                values[:, place] = reduce(forcing[name].to_numpy().astype("float64"))
        features = put_values(features, f"normalisation_{kind}", values)
    return features


def flatten_seasons(values: Array) -> Array:
    return np.broadcast_to(values.mean(axis=-1, keepdims=True), values.shape)


def shift_to_celsius(features: xr.Dataset) -> xr.Dataset:
    values = features["normalisation_mean"].to_numpy().copy()
    place = [*features["variable"].to_numpy()].index("air_temperature")
    values[:, place] -= 273.15
    return put_values(features, "normalisation_mean", values)


FEATURES: dict[str, Defect] = {
    name: in_grid("features", change)
    for name, change in {
        "climatology a day later": taken("day_of_year", moved(1), "climatology"),
        "climatology a month later": taken("day_of_year", moved(30), "climatology"),
        "climatology of one layer a season later": lambda grid: put_values(
            grid,
            "climatology",
            np.concatenate(
                [
                    np.roll(grid["climatology"].to_numpy()[:, :1], 90, axis=-1),
                    grid["climatology"].to_numpy()[:, 1:],
                ],
                axis=1,
            ),
        ),
        "climatology without seasons": changed("climatology", flatten_seasons),
        "climatology, layers 1 and 2 swapped": taken(
            "layer", exchanged(0, 1), "climatology"
        ),
        "climatology, two cells swapped": taken(
            "cell", exchanged(3, 30), "climatology"
        ),
        "climatology, day 366 is 0": changed("climatology", set_at((..., 365), 0)),
        "climatology of a cell missing": changed(
            "climatology", set_at((slice(None), slice(None), 9), np.nan)
        ),
        "climatology + 0.01": changed("climatology", lambda it: it + 0.01),
        "climatology always its own": changed("climatology_source", np.zeros_like),
        "scale factors of a former version": changed(FACTORS, lambda it: it * 1.02),
        "scale factors of another split": taken("split", moved(1), *FACTORS),
        "scale factors, two cells swapped": taken("cell", exchanged(3, 30), *FACTORS),
        "offset + 0.05 in one split": changed(
            "scale_offset", lambda it: it + 0.05 * (np.arange(7) == 1)[:, None, None]
        ),
        "normalisation of the next variable": taken(
            "variable", moved(1), "normalisation_mean", "normalisation_std"
        ),
        "variance for standard deviation": changed("normalisation_std", np.square),
        "normalisation mean in Celsius": shift_to_celsius,
        "normalisation of another split": taken(
            "split", moved(1), "normalisation_mean", "normalisation_std"
        ),
        "two splits change names": with_coords(
            "split", lambda it: it[[0, 1, TEMPORAL, 2, *range(4, 7)]]
        ),
        "days of the year from 0": with_coords("day_of_year", lambda it: it - 1),
        "a split left out": lambda grid: grid.isel(split=slice(1, None)),
    }.items()
} | {
    "climatology of all days": in_grid("features", average_all_days, "targets"),
    "scale factors of all days": in_grid("features", use_full_factors, "targets"),
    "normalisation over all days": in_grid(
        "features", normalise_over_all_days, "forcing"
    ),
}
