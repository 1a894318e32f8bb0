"""Defects of `features.zarr.zip`."""

from __future__ import annotations

import numpy as np

from factories.faults.second_list.folder import Folder, defect

TEMPORAL, SPATIAL, DRY = 3, 2, 0  # places on `split`, which is sorted by name


def features(words: str, unknowable: str = ""):
    """Register a defect that edits the loaded features, or returns others."""

    def register(edit):
        def apply(folder: Folder) -> None:
            other = edit(folder.get_grid("features"))
            if other is not None:
                folder.set_grid("features", other)

        return defect("features", words, unknowable)(apply)

    return register


def with_targets(words: str):
    """Register a defect that needs the targets as well: `edit(features, targets)`."""

    def register(edit):
        def apply(folder: Folder) -> None:
            edit(
                folder.get_grid("features"), folder.get_grid("targets").copy(deep=True)
            )

        return defect("features", words)(apply)

    return register


def get_daily_means(targets, keep=None):
    """Return the plain mean target of each day of the year, all years together."""
    soil = targets["soil_moisture"]
    if keep is not None:
        soil = soil.isel(time=keep)
    return (
        soil.groupby("time.dayofyear")
        .mean()
        .reindex(dayofyear=np.arange(1, 367))
        .transpose("layer", "cell", "dayofyear")
        .values
    )


@with_targets("climatology of one split knows all days, unsmoothed")
def _(grid, targets):
    own = grid["climatology_source"].values[TEMPORAL] == 0
    grid["climatology"].values[TEMPORAL][own] = get_daily_means(targets)[own]


@with_targets("climatology of one split is that of its test days")
def _(grid, targets):
    found = get_daily_means(
        targets, targets["time"].values >= np.datetime64("2020-07-01")
    )
    climatology = grid["climatology"].values[TEMPORAL]
    has = np.isfinite(found) & np.isfinite(climatology)
    climatology[has] = found[has]


@with_targets("a held-out cell has its own climatology, and says another's")
def _(grid, targets):
    held = grid["climatology_source"].values[SPATIAL] == 1
    found = get_daily_means(targets)
    climatology = grid["climatology"].values[SPATIAL]
    has = held[..., None] & np.isfinite(found)
    climatology[has] = found[has]


@features("climatology in the full record's scaling")
def _(grid):
    grid["climatology"].values[TEMPORAL] = grid["climatology"].values[SPATIAL]


@features("climatology is one day late")
def _(grid):
    grid["climatology"].values[...] = np.roll(grid["climatology"].values, 1, -1)


@features("climatology of one split is half a year off")
def _(grid):
    values = grid["climatology"].values
    values[DRY] = np.roll(values[DRY], 183, -1)


@features("climatologies of layers 1 and 2 changed places")
def _(grid):
    values = grid["climatology"].values
    values[:, [0, 1]] = values[:, [1, 0]]


@features("climatologies of two cells changed places")
def _(grid):
    values = grid["climatology"].values
    values[:, :, [3, 17]] = values[:, :, [17, 3]]


@features("climatologies of two splits changed places")
def _(grid):
    values = grid["climatology"].values
    values[[DRY, 6]] = values[[6, DRY]]


@features("climatology is the annual mean")
def _(grid):
    values = grid["climatology"].values
    values[...] = values.mean(-1, keepdims=True)


@features("climatology is smoothed twice")
def _(grid):
    values = grid["climatology"].values
    values[...] = np.mean([np.roll(values, s, -1) for s in range(-15, 16)], 0)


@features("climatology was smoothed too little: noise of 0.003")
def _(grid):
    noise = np.random.default_rng(2).normal(0, 0.003, grid["climatology"].shape)
    grid["climatology"].values[...] += noise


@features("climatology lacks day 366")
def _(grid):
    grid["climatology"].values[..., 365] = np.nan


@features("climatology of day 366 is 0")
def _(grid):
    values = grid["climatology"].values
    values[..., 365] = np.where(np.isnan(values[..., 365]), np.nan, 0)


@features("climatology in percent")
def _(grid):
    grid["climatology"].values[...] *= 100


@features("climatology of one split is missing")
def _(grid):
    grid["climatology"].values[TEMPORAL] = np.nan


@features("climatology is 0.005 too wet in one split")
def _(grid):
    grid["climatology"].values[5] += 0.005


@features("every climatology is said to be the cell's own")
def _(grid):
    grid["climatology_source"].values[...] = 0


@features("climatologies of other train cells are said to be the reanalysis's")
def _(grid):
    values = grid["climatology_source"].values
    values[values == 1] = 2


@features("flags of climatology read in another order")
def _(grid):
    grid["climatology_source"].attrs["flag_meanings"] = (
        "none reanalysis other_train_cells own_train_days"
    )


@features("climatology is said to be in full scaling")
def _(grid):
    grid["climatology"].attrs["scaling"] = "full"


@features("normalisation holds deviations as means")
def _(grid):
    mean, std = grid["normalisation_mean"].values, grid["normalisation_std"].values
    mean[...], std[...] = std.copy(), mean.copy()


@features("normalisation holds variances as deviations")
def _(grid):
    grid["normalisation_std"].values[...] **= 2


@features("all deviations of normalisation are 1")
def _(grid):
    grid["normalisation_std"].values[...] = 1


@features("normalisation of all splits is that of one")
def _(grid):
    for name in ("normalisation_mean", "normalisation_std"):
        grid[name].values[...] = grid[name].values[TEMPORAL]


@features("normalisation of two splits changed places")
def _(grid):
    for name in ("normalisation_mean", "normalisation_std"):
        grid[name].values[[1, 5]] = grid[name].values[[5, 1]]


@features("mean air temperature of normalisation in degrees Celsius")
def _(grid):
    place = list(grid["variable"].values).index("air_temperature")
    grid["normalisation_mean"].values[:, place] -= 273.15


@features("variables of normalisation are labelled in the order of the alphabet")
def _(grid):
    return grid.assign_coords(variable=("variable", np.sort(grid["variable"].values)))


@features("normalisation of layer 3 is missing")
def _(grid):
    grid["normalisation_mean"].values[:, -1] = np.nan


@features("normalisation of the target is that of layer 1 in every layer")
def _(grid):
    for name in ("normalisation_mean", "normalisation_std"):
        grid[name].values[:, -2:] = grid[name].values[:, -3:-2]


@features("deviations of normalisation are 2 % too large")
def _(grid):
    grid["normalisation_std"].values[...] *= 1.02


def _knows_all_days(name):
    def edit(grid, targets):
        split = TEMPORAL
        own = grid["scale_is_full_record"].values[split] == 0
        grid[name].values[split][own] = targets[name].values[own]

    return edit


with_targets("slopes of a split are the full record's, unflagged")(
    _knows_all_days("scale_slope")
)
with_targets("offsets of a split are the full record's, unflagged")(
    _knows_all_days("scale_offset")
)


@features("slopes are those of the way back")
def _(grid):
    grid["scale_slope"].values[...] = 1 / grid["scale_slope"].values


@features("offsets have the other sign")
def _(grid):
    grid["scale_offset"].values[...] *= -1


@features("slopes of layers 1 and 2 changed places in one split")
def _(grid):
    values = grid["scale_slope"].values[TEMPORAL]
    values[[0, 1]] = values[[1, 0]]


@features("scale factors of two splits changed places")
def _(grid):
    for name in ("scale_slope", "scale_offset", "scale_is_full_record"):
        grid[name].values[[DRY, 6]] = grid[name].values[[6, DRY]]


@features("scale factors of two cells changed places")
def _(grid):
    for name in ("scale_slope", "scale_offset"):
        grid[name].values[:, :, [0, 9]] = grid[name].values[:, :, [9, 0]]


@features("no factor is flagged as the full record's")
def _(grid):
    grid["scale_is_full_record"].values[...] = 0


@features("all factors are flagged as the full record's")
def _(grid):
    grid["scale_is_full_record"].values[...] = 1


@features("one slope is negative, and its offset fits")
def _(grid):
    grid["scale_slope"].values[TEMPORAL, 0, 0] *= -1
    grid["scale_offset"].values[TEMPORAL, 0, 0] += 0.3


@features("a split is unscaled: slope 1, offset 0")
def _(grid):
    has = np.isfinite(grid["scale_slope"].values[TEMPORAL])
    grid["scale_slope"].values[TEMPORAL][has] = 1
    grid["scale_offset"].values[TEMPORAL][has] = 0


@features("slopes are half a percent too steep in one split")
def _(grid):
    grid["scale_slope"].values[TEMPORAL] *= 1.005


@features("factors of cells that no role holds are missing")
def _(grid):
    grid["scale_slope"].values[SPATIAL, :, :4] = np.nan


@features("splits are labelled in another order")
def _(grid):
    return grid.assign_coords(split=("split", grid["split"].values[::-1]))


@features("a split is left out")
def _(grid):
    return grid.drop_isel(split=SPATIAL)


@features("days of the year count from 0")
def _(grid):
    return grid.assign_coords(day_of_year=grid["day_of_year"] - 1)


@features("layers are labelled from the bottom")
def _(grid):
    return grid.assign_coords(layer=grid["layer"].copy(data=grid["layer"].values[::-1]))


@features("cells are labelled in another order")
def _(grid):
    return grid.assign_coords(cell=("cell", grid["cell"].values[::-1]))


@features("the note on values left out of train is gone")
def _(grid):
    del grid["scale_is_full_record"].attrs["left_out_of_train_values"]


@features("climatology went through half precision")
def _(grid):
    values = grid["climatology"].values
    values[...] = values.astype("float16")


@features("climatology is called by another name")
def _(grid):
    return grid.rename(climatology="day_of_year_mean")


@features("normalisation is gone")
def _(grid):
    return grid.drop_vars(["normalisation_mean", "normalisation_std"])
