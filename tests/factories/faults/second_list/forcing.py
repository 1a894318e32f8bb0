"""Defects of `forcing.zarr.zip`."""

from __future__ import annotations

import numpy as np

from factories.faults.second_list.folder import Folder, defect

WEATHER = (
    "air_temperature",
    "precipitation",
    "net_radiation",
    "shortwave_radiation",
    "specific_humidity",
    "skin_temperature",
    "evaporation",
)
SOIL = "reanalysis_soil_moisture"


def forcing(words: str, unknowable: str = ""):
    """Register a defect that edits the loaded forcing, or returns another."""

    def register(edit):
        def apply(folder: Folder) -> None:
            other = edit(folder.get_grid("forcing"))
            if other is not None:
                folder.set_grid("forcing", other)

        return defect("forcing", words, unknowable)(apply)

    return register


def change(grid, names, edit) -> None:
    """Replace the values of some variables by those of `edit`."""
    for name in [names] if isinstance(names, str) else names:
        grid[name].values[...] = edit(grid[name].values.copy())


def swap(grid, one, other) -> None:
    """Exchange the values of two variables."""
    a, b = grid[one].values, grid[other].values
    a[...], b[...] = b.copy(), a.copy()


def smooth(values, days):
    """Return running means over `days` days."""
    kernel = np.ones(days) / days
    return np.apply_along_axis(lambda v: np.convolve(v, kernel, "same"), -1, values)


@forcing("air temperature of one region in degrees Celsius")
def _(grid):
    grid["air_temperature"].values[10:20] -= 273.15


@forcing("all weather is one day late")
def _(grid):
    change(grid, WEATHER, lambda v: np.roll(v, 1, -1))


@forcing("precipitation alone is one day late")
def _(grid):
    change(grid, "precipitation", lambda v: np.roll(v, 1, -1))


@forcing("precipitation in metres")
def _(grid):
    change(grid, "precipitation", lambda v: v / 1000)


@forcing("dry days have -0.01 mm of rain")
def _(grid):
    change(grid, "precipitation", lambda v: np.where(v == 0, -0.01, v))


@forcing("precipitation is a running sum over each ten days")
def _(grid):
    def add(v):
        days = v[..., :2190].reshape(v.shape[0], -1, 10).cumsum(-1)
        v[..., :2190] = days.reshape(v.shape[0], -1)
        return v

    change(grid, "precipitation", add)


@forcing("precipitation is spread over three days")
def _(grid):
    change(grid, "precipitation", lambda v: smooth(v, 3))


@forcing("precipitation below 1 mm was set to 0")
def _(grid):
    change(grid, "precipitation", lambda v: np.where(v < 1, 0, v))


@forcing("precipitation above 25.5 mm wrapped round")
def _(grid):
    change(grid, "precipitation", lambda v: v % 25.6)


@forcing("a year of one cell is without rain")
def _(grid):
    grid["precipitation"].values[18, 731:1096] = 0


@forcing("one day of one cell has 300 mm of rain")
def _(grid):
    grid["precipitation"].values[4, 1000] = 300


@forcing("net radiation in W m-2")
def _(grid):
    change(grid, "net_radiation", lambda v: v / 0.0864)


@forcing("net radiation positive upward")
def _(grid):
    change(grid, "net_radiation", lambda v: -v)


@forcing("net radiation is shortwave radiation")
def _(grid):
    grid["net_radiation"].values[...] = grid["shortwave_radiation"].values


@forcing("net and shortwave radiation changed places")
def _(grid):
    swap(grid, "net_radiation", "shortwave_radiation")


@forcing("shortwave radiation sums twelve hours")
def _(grid):
    change(grid, "shortwave_radiation", lambda v: v / 2)


@forcing("shortwave radiation is half a year off")
def _(grid):
    change(grid, "shortwave_radiation", lambda v: np.roll(v, 182, -1))


@forcing("humidity in g kg-1")
def _(grid):
    change(grid, "specific_humidity", lambda v: v * 1000)


@forcing("humidity is the same on every day")
def _(grid):
    change(grid, "specific_humidity", lambda v: v * 0 + v.mean(-1, keepdims=True))


@forcing("humidity of a cell is above saturation")
def _(grid):
    grid["specific_humidity"].values[12] *= 2.5


@forcing("skin temperature is air temperature")
def _(grid):
    grid["skin_temperature"].values[...] = grid["air_temperature"].values


@forcing("skin and air temperature changed places")
def _(grid):
    swap(grid, "skin_temperature", "air_temperature")


@forcing("evaporation positive downward")
def _(grid):
    change(grid, "evaporation", lambda v: -v)


@forcing("evaporation is 0")
def _(grid):
    change(grid, "evaporation", lambda v: v * 0)


@forcing("evaporation is five times what it was")
def _(grid):
    change(grid, "evaporation", lambda v: v * 5)


@forcing("evaporation and precipitation changed places")
def _(grid):
    swap(grid, "evaporation", "precipitation")


@forcing("reanalysis layer 1 repeats layer 2")
def _(grid):
    grid[SOIL].values[0] = grid[SOIL].values[1]


@forcing("reanalysis soil moisture is a share of saturation")
def _(grid):
    change(grid, SOIL, lambda v: v / 0.45)


@forcing("reanalysis soil moisture of two cells changed places")
def _(grid):
    grid[SOIL].values[:, [1, 8]] = grid[SOIL].values[:, [8, 1]]


@forcing("reanalysis soil moisture is one day late")
def _(grid):
    change(grid, SOIL, lambda v: np.roll(v, 1, -1))


@forcing("reanalysis soil moisture of layer 3 is 0.01 too wet")
def _(grid):
    grid[SOIL].values[2] += 0.01


@forcing("reanalysis soil moisture is a monthly mean")
def _(grid):
    change(grid, SOIL, lambda v: smooth(v, 31))


@forcing("two cells have each other's weather and soil")
def _(grid):
    for name in (*WEATHER, SOIL):
        values = grid[name].values
        values[..., [5, 25], :] = values[..., [25, 5], :]


@forcing("a month of all weather is missing")
def _(grid):
    for name in WEATHER:
        grid[name].values[:, 500:530] = np.nan


@forcing("one day of one variable of one cell is missing")
def _(grid):
    grid["net_radiation"].values[9, 1234] = np.nan


@forcing("a day repeats the day before in all cells")
def _(grid):
    for name in WEATHER:
        grid[name].values[:, 1500] = grid[name].values[:, 1499]


@forcing("the 29th of February repeats the 28th")
def _(grid):
    time = grid["time"].dt
    leap = np.flatnonzero(((time.month == 2) & (time.day == 29)).values)
    for name in WEATHER:
        grid[name].values[:, leap] = grid[name].values[:, leap - 1]


@forcing("2019 repeats 2018")
def _(grid):
    for name in (*WEATHER, SOIL):
        grid[name].values[..., 1096:1461] = grid[name].values[..., 731:1096]


@forcing("air temperature is a running mean of 31 days")
def _(grid):
    change(grid, "air_temperature", lambda v: smooth(v - 285, 31) + 285)


@forcing("air temperature is cut off at freezing")
def _(grid):
    change(grid, "air_temperature", lambda v: np.maximum(v, 273.15))


@forcing("air temperature is in steps of half a degree")
def _(grid):
    change(grid, "air_temperature", lambda v: np.round(v * 2) / 2)


@forcing("air temperature is the day's maximum, 5 K too warm, in one cell")
def _(grid):
    grid["air_temperature"].values[22] += 5


@forcing("each cell has the mean of itself and the next: half a cell off")
def _(grid):
    for name in WEATHER:
        values = grid[name].values
        values[...] = (values + np.roll(values, 1, 0)) / 2


@forcing("weather of southern cells is half a year off")
def _(grid):
    for name in WEATHER:
        values = grid[name].values
        values[:10] = np.roll(values[:10], 182, -1)


@forcing("nearest node in place of the mean of corners, said in the attribute alone")
def _(grid):
    grid.attrs["remapping"] = "nearest"


@forcing("days are said to be local")
def _(grid):
    grid.attrs["day_definition"] = "local standard time"


@forcing("precipitation is said to be in m d-1")
def _(grid):
    grid["precipitation"].attrs["units"] = "m d-1"


@forcing("air temperature is said to be in degrees Celsius")
def _(grid):
    grid["air_temperature"].attrs["units"] = "degC"


@forcing("net radiation is said to be in W m-2")
def _(grid):
    grid["net_radiation"].attrs["units"] = "W m-2"


@forcing("layer weights are said to be equal")
def _(grid):
    grid[SOIL].attrs["layer_weights"] = "1: 1 swvl1; 2: 1 swvl2; 3: 1 swvl3"


@forcing("net radiation is gone, and feature sets still name it")
def _(grid):
    return grid.drop_vars("net_radiation")


@forcing("precipitation is called by its name in the source")
def _(grid):
    return grid.rename(precipitation="tp")


@forcing("reanalysis soil moisture is gone")
def _(grid):
    return grid.drop_vars(SOIL)


@forcing("positions belong to cells in another order")
def _(grid):
    for name in ("latitude", "longitude"):
        grid[name].values[...] = grid[name].values[::-1].copy()


@forcing("cells are labelled in another order")
def _(grid):
    return grid.assign_coords(cell=("cell", grid["cell"].values[::-1]))


@forcing("days are stamped by the day after")
def _(grid):
    return grid.assign_coords(time=grid["time"] + np.timedelta64(1, "D"))


@forcing("the last month is missing from the file")
def _(grid):
    return grid.isel(time=slice(None, -31))


@forcing("a cell is left out")
def _(grid):
    return grid.drop_isel(cell=3)


@forcing("one humidity is infinite")
def _(grid):
    grid["specific_humidity"].values[0, 0] = np.inf


@forcing("a missing radiation is -9999")
def _(grid):
    grid["net_radiation"].values[30, 77] = -9999


@forcing("net radiation was filled by its monthly mean for a month")
def _(grid):
    values = grid["net_radiation"].values
    values[:, 600:630] = values[:, 600:630].mean(-1, keepdims=True)


@forcing("precipitation is dimensioned (time, cell)")
def _(grid):
    return grid.assign(precipitation=grid["precipitation"].transpose("time", "cell"))


@forcing("all rain was multiplied by 1.1 to correct for undercatch")
def _(grid):
    change(grid, "precipitation", lambda v: v * 1.1)


@forcing("noise of 0.1 K on air temperature")
def _(grid):
    noise = np.random.default_rng(1).normal(0, 0.1, grid["air_temperature"].shape)
    change(grid, "air_temperature", lambda v: v + noise)
