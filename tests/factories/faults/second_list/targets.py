"""Defects of `targets.zarr.zip`."""

from __future__ import annotations

import numpy as np

from factories.faults.second_list.folder import Folder, defect

SERIES = ("soil_moisture", "soil_moisture_in_situ", "is_gapfilled", "observation_count")


def target(words: str, unknowable: str = ""):
    """Register a defect that edits the loaded targets, or returns others."""

    def register(edit):
        def apply(folder: Folder) -> None:
            grid = folder.get_grid("targets")
            other = edit(grid)
            if other is not None:
                folder.set_grid("targets", other)

        return defect("targets", words, unknowable)(apply)

    return register


def edit_days(grid, names, edit) -> None:
    """Replace the values of some (layer, cell, time) arrays by those of `edit`."""
    for name in names:
        values = grid[name].values
        values[...] = edit(values)


def empty_days(grid, where) -> None:
    """Take days out of every series, as if nothing had been measured."""
    for name in SERIES:
        grid[name].values[where] = 0 if grid[name].dtype.kind == "i" else np.nan


def rescale(grid, in_situ) -> None:
    """Give the scaled target that the stored line makes of `in_situ`."""
    line = (
        grid["scale_offset"].values[..., None]
        + grid["scale_slope"].values[..., None] * in_situ
    )
    grid["soil_moisture_in_situ"].values[...] = in_situ
    grid["soil_moisture"].values[...] = np.round(np.where(line < 0, np.nan, line), 5)


@target("every series is one day late")
def _(grid):
    edit_days(grid, SERIES, lambda v: np.roll(v, 1, -1))


@target("the scaled target is one day late, the measured one isn't")
def _(grid):
    edit_days(grid, SERIES[:1], lambda v: np.roll(v, 1, -1))


@target("two cells have each other's series")
def _(grid):
    def swap(v):
        v = v.copy()
        v[:, [2, 10]] = v[:, [10, 2]]
        return v

    edit_days(grid, SERIES, swap)


@target("layers 1 and 2 of one cell have each other's series")
def _(grid):
    def swap(v):
        v = v.copy()
        v[[0, 1], 3] = v[[1, 0], 3]
        return v

    edit_days(grid, SERIES, swap)


@target("the scaled target is written with two decimals")
def _(grid):
    edit_days(grid, SERIES[:1], lambda v: np.round(v, 2))


@target("the measured target is written with three decimals")
def _(grid):
    edit_days(grid, SERIES[1:2], lambda v: np.round(v, 3))


@target("the scaled target is cut off at 0.25")
def _(grid):
    edit_days(grid, SERIES[:1], lambda v: np.minimum(v, 0.25))


@target("measured values in percent, with the slope to match")
def _(grid):
    grid["soil_moisture_in_situ"].values[...] *= 100
    grid["scale_slope"].values[...] /= 100


@target("one cell measured in percent, with the slope to match")
def _(grid):
    grid["soil_moisture_in_situ"].values[:, 5] *= 100
    grid["scale_slope"].values[:, 5] /= 100


@target("filled days were taken out, and still bear the flag")
def _(grid):
    filled = grid["is_gapfilled"].values == 1
    for name in SERIES[:2]:
        grid[name].values[filled] = np.nan
    grid["observation_count"].values[filled] = 0


@target("no day is flagged as filled")
def _(grid):
    grid["is_gapfilled"].values[...] = 0


@target("a cell's flags of filled days are inverted on days with a value")
def _(grid):
    has = np.isfinite(grid["soil_moisture"].values[0, 2])
    flags = grid["is_gapfilled"].values[0, 2]
    flags[has] = 1 - flags[has]


@target("observation counts are 24 wherever there is a value")
def _(grid):
    counts = grid["observation_count"].values
    counts[counts > 0] = 24


@target("observation counts are 0 or 1, as a mask")
def _(grid):
    counts = grid["observation_count"].values
    counts[counts > 0] = 1


@target("days of three values are kept, though six are needed")
def _(grid):
    counts = grid["observation_count"].values
    counts[0, :, 100:400][counts[0, :, 100:400] > 0] = 3


@target("the count of observations is one day late")
def _(grid):
    edit_days(grid, SERIES[3:], lambda v: np.roll(v, 1, -1))


@target("negative scaled values are 0 in place of missing")
def _(grid):
    line = (
        grid["scale_offset"].values[..., None]
        + grid["scale_slope"].values[..., None] * grid["soil_moisture_in_situ"].values
    )
    grid["soil_moisture"].values[line < 0] = 0


@target("gaps of the scaled target are interpolated")
def _(grid):
    filled = grid["soil_moisture"].interpolate_na("time", limit=3)
    grid["soil_moisture"].values[...] = np.round(filled.values, 5)


@target("gaps are interpolated in every series, with a count of 24")
def _(grid):
    filled = grid["soil_moisture_in_situ"].interpolate_na("time", limit=3).values
    new = np.isfinite(filled) & np.isnan(grid["soil_moisture_in_situ"].values)
    rescale(grid, filled)
    grid["observation_count"].values[new] = 24


@target("a cell repeats its neighbour's series in all layers")
def _(grid):
    for name in SERIES:
        grid[name].values[:, 12] = grid[name].values[:, 11]


@target("twenty days of a cell spike by 0.2, before and after scaling")
def _(grid):
    values = grid["soil_moisture_in_situ"].values.copy()
    values[0, 6, 40:1640:80] += 0.2
    rescale(grid, values)


@target("the last 200 days of a cell are frozen")
def _(grid):
    values = grid["soil_moisture_in_situ"].values.copy()
    days = np.flatnonzero(np.isfinite(values[0, 8]))[-200:]
    values[0, 8, days] = values[0, 8, days[0]]
    rescale(grid, values)


@target("a sensor drifts by 0.05 over the record of one cell")
def _(grid):
    values = grid["soil_moisture_in_situ"].values.copy()
    values[1, 20] += np.linspace(0, 0.05, values.shape[-1])
    rescale(grid, values)


@target("the first year of every series is missing")
def _(grid):
    empty_days(grid, np.s_[..., :366])


@target("the last 30 days of every series are missing")
def _(grid):
    empty_days(grid, np.s_[..., -30:])


@target("the 29th of February is missing everywhere")
def _(grid):
    time = grid["time"].dt
    empty_days(grid, np.s_[..., ((time.month == 2) & (time.day == 29)).values])


@target("one summer day is missing everywhere")
def _(grid):
    empty_days(grid, np.s_[..., 912])


@target("days below freezing were screened out of one cell")
def _(grid):
    empty_days(grid, np.s_[:, 33, 330:430])


@target("full scaling was fitted on the first half of the record")
def _(grid):
    half = grid["soil_moisture"].values[..., :1096]
    rest = grid["soil_moisture"].values
    shift = np.nanmean(rest, -1) - np.nanmean(half, -1)
    grid["scale_offset"].values[...] += np.nan_to_num(shift)
    rescale(grid, grid["soil_moisture_in_situ"].values.copy())


@target("full scaling matches the mean and not the deviation")
def _(grid):
    mean = np.nanmean(grid["soil_moisture_in_situ"].values, -1)
    scaled = np.nanmean(grid["soil_moisture"].values, -1)
    has = np.isfinite(grid["scale_slope"].values)
    grid["scale_slope"].values[has] = 1
    grid["scale_offset"].values[has] = (scaled - mean)[has]
    rescale(grid, grid["soil_moisture_in_situ"].values.copy())


@target("the scaled target is the measured one, with a line of 1 and 0")
def _(grid):
    has = np.isfinite(grid["scale_slope"].values)
    grid["scale_slope"].values[has] = 1
    grid["scale_offset"].values[has] = 0
    rescale(grid, grid["soil_moisture_in_situ"].values.copy())


@target("slopes of layers 1 and 2 changed places")
def _(grid):
    slopes = grid["scale_slope"].values
    slopes[[0, 1]] = slopes[[1, 0]]


@target("offset and slope changed places")
def _(grid):
    slopes, offsets = grid["scale_slope"].values, grid["scale_offset"].values
    slopes[...], offsets[...] = offsets.copy(), slopes.copy()


@target("overlap days count the whole period")
def _(grid):
    days = grid["overlap_days"].values
    days[days > 0] = grid.sizes["time"]


@target("overlap days of two cells changed places")
def _(grid):
    grid["overlap_days"].values[:, [0, 1]] = grid["overlap_days"].values[:, [1, 0]]


@target("candidates count the primary alone, where others were accepted")
def _(grid):
    counts = grid["station_count"].values
    counts[counts > 1] = 1


@target("accepted sensors include the primary")
def _(grid):
    counts = grid["accepted_count"].values
    counts[grid["station_count"].values > 0] += 1


@target("no sensor is said to have filled a day")
def _(grid):
    grid["used_count"].values[...] = 0


@target("every accepted sensor is said to have filled a day, in cells without one")
def _(grid):
    lone = ~grid["is_gapfilled"].values.any(-1) & (grid["station_count"].values > 0)
    grid["accepted_count"].values[lone] = 1
    grid["used_count"].values[lone] = 1


@target("the spread of stations is in percent")
def _(grid):
    grid["station_spread"].values[...] *= 100


@target("a lone sensor has a spread of 0")
def _(grid):
    spread = grid["station_spread"].values
    spread[np.isnan(spread) & (grid["station_count"].values > 0)] = 0


@target("network and station of the primary changed places")
def _(grid):
    network, station = grid["primary_network"], grid["primary_station"]
    return grid.assign(
        primary_network=station.assign_attrs(network.attrs),
        primary_station=network.assign_attrs(station.attrs),
    )


@target("the primary of two cells changed places")
def _(grid):
    for name in ("primary_network", "primary_station", "primary_sensor"):
        grid[name].values[:, [0, 1]] = grid[name].values[:, [1, 0]]


@target("the name of the primary sensor is cut at eight letters")
def _(grid):
    return grid.assign(primary_sensor=grid["primary_sensor"].astype("<U8"))


@target("depths of the primary in cm")
def _(grid):
    for name in ("depth_from", "depth_to"):
        grid[name].values[...] *= 100


@target("depths of the primary rounded to 0.1 m")
def _(grid):
    for name in ("depth_from", "depth_to"):
        grid[name].values[...] = np.round(grid[name].values, 1)


@target("lower and upper depth of the primary changed places")
def _(grid):
    low, high = grid["depth_from"].values, grid["depth_to"].values
    low[...], high[...] = high.copy(), low.copy()


@target("depths of the primary are those of layer 1 in every layer")
def _(grid):
    for name in ("depth_from", "depth_to"):
        grid[name].values[1:] = np.where(
            np.isnan(grid[name].values[1:]), np.nan, grid[name].values[:1]
        )


@target("layers are labelled from the bottom")
def _(grid):
    return grid.assign_coords(layer=grid["layer"].copy(data=grid["layer"].values[::-1]))


@target("layer depths in cm")
def _(grid):
    for name in ("layer_depth_from", "layer_depth_to"):
        grid[name].values[...] *= 100


@target("layers are said to end at 5, 20 and 40 cm")
def _(grid):
    grid["layer_depth_to"].values[...] = [0.05, 0.2, 0.4]


@target("cells are labelled in the order of another file")
def _(grid):
    names = grid["cell"].values[np.argsort(grid["longitude"].values)]
    return grid.assign_coords(cell=("cell", names))


@target("latitude and longitude changed places")
def _(grid):
    latitude, longitude = grid["latitude"].values, grid["longitude"].values
    latitude[...], longitude[...] = longitude.copy(), latitude.copy()


@target("longitudes run from 0 to 360")
def _(grid):
    grid["longitude"].values[...] %= 360


@target("southern latitudes lost their sign")
def _(grid):
    grid["latitude"].values[...] = np.abs(grid["latitude"].values)


@target("days are stamped at noon")
def _(grid):
    return grid.assign_coords(time=grid["time"] + np.timedelta64(12, "h"))


@target("days are stamped by the day after")
def _(grid):
    return grid.assign_coords(time=grid["time"] + np.timedelta64(1, "D"))


@target("days are labelled a year early")
def _(grid):
    return grid.assign_coords(time=grid["time"] - np.timedelta64(366, "D"))


@target("one day is labelled twice and the next is missing")
def _(grid):
    time = grid["time"].values.copy()
    time[801] = time[800]
    return grid.assign_coords(time=time)


@target("time runs backwards, labels with it, values not")
def _(grid):
    return grid.assign_coords(time=grid["time"].values[::-1])


@target("the record ends a month before the forcing does")
def _(grid):
    return grid.isel(time=slice(None, -31))


@target("every second day is left out")
def _(grid):
    return grid.isel(time=slice(None, None, 2))


@target("a cell is left out of the targets alone")
def _(grid):
    return grid.drop_isel(cell=7)


@target("layer 3 is left out of the targets alone")
def _(grid):
    return grid.isel(layer=slice(2))


@target("layer 3 is all missing, and says nothing of it")
def _(grid):
    grid["soil_moisture"].values[2] = np.nan


@target("a cell is all missing, and keeps its stations")
def _(grid):
    empty_days(grid, np.s_[:, 14])


@target("the reference of layer 2 is said to be none")
def _(grid):
    grid.attrs["reference_by_layer"] = "era5 none era5"


@target("days are said to be local")
def _(grid):
    grid.attrs["day_definition"] = "local standard time"


@target("the grid is said to be of 0.1 degrees")
def _(grid):
    grid.attrs["grid_resolution"] = 0.1


@target("soil moisture is said to be in percent")
def _(grid):
    grid["soil_moisture"].attrs["units"] = "%"


@target("soil moisture has the standard name of mass content")
def _(grid):
    grid["soil_moisture"].attrs["standard_name"] = "mass_content_of_water_in_soil"


@target("the meanings of the gap flag changed places")
def _(grid):
    grid["is_gapfilled"].attrs["flag_meanings"] = "gap_filled primary_or_none"


@target("missing soil moisture is -9999")
def _(grid):
    edit_days(grid, SERIES[:2], lambda v: np.where(np.isnan(v), -9999, v))


@target("missing soil moisture is 0")
def _(grid):
    edit_days(grid, SERIES[:2], lambda v: np.where(np.isnan(v), 0, v))


@target("soil moisture went through half precision")
def _(grid):
    edit_days(grid, SERIES[:2], lambda v: v.astype("float16").astype("float32"))


@target("soil moisture in situ is the scaled one")
def _(grid):
    grid["soil_moisture_in_situ"].values[...] = grid["soil_moisture"].values


@target("the gap flag has a third value")
def _(grid):
    grid["is_gapfilled"].values[0, 2, :50] = 2


@target("soil moisture in situ is gone")
def _(grid):
    return grid.drop_vars("soil_moisture_in_situ")


@target("the target of days without reanalysis is infinite")
def _(grid):
    grid["soil_moisture"].values[0, 0, 5] = np.inf


@target("a secondary sensor's days went in without scaling to the primary")
def _(grid):
    filled = grid["is_gapfilled"].values == 1
    values = grid["soil_moisture_in_situ"].values.copy()
    values[filled] = values[filled] * 1.3
    rescale(grid, values)
