"""Defects of `forcing.zarr.zip`."""

from __future__ import annotations

import numpy as np
import xarray as xr

from factories.faults.held_out.arrays import (
    Array,
    changed,
    copied,
    exchanged,
    moved,
    set_at,
    taken,
    with_attrs,
    with_coords,
)
from factories.faults.vouched import Defect, in_grid

REFERENCE = "reanalysis_soil_moisture"
WEATHER = (
    *("precipitation", "air_temperature", "skin_temperature", "specific_humidity"),
    *("shortwave_radiation", "net_radiation", "evaporation"),
)
YEAR, NEXT_YEAR = slice(0, 365), slice(366, 731)


def smooth_over_a_week(values: Array) -> Array:
    return np.mean([np.roll(values, days, axis=-1) for days in range(-3, 4)], axis=0)


def exchange_temperatures(grid: xr.Dataset) -> xr.Dataset:
    air, skin = grid["air_temperature"], grid["skin_temperature"]
    return grid.assign(
        air_temperature=air.copy(data=skin.to_numpy()),
        skin_temperature=skin.copy(data=air.to_numpy()),
    )


def turn_into_float16(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign(precipitation=grid["precipitation"].astype("float16"))


def repeat_a_day(grid: xr.Dataset) -> xr.Dataset:
    return grid.isel(time=[*range(101), *range(100, grid.sizes["time"])])


FORCING: dict[str, Defect] = {
    name: in_grid("forcing", change)
    for name, change in {
        "precipitation x 10 in one cell": changed(
            "precipitation", lambda it: np.concatenate([it[:1] * 10, it[1:]])
        ),
        "precipitation a day later": taken("time", moved(1), "precipitation"),
        "all weather a day earlier": taken("time", moved(-1), *WEATHER),
        "all weather half a year later": taken("time", moved(182), *WEATHER),
        "precipitation of a year read as 0": changed(
            "precipitation", set_at((slice(None), YEAR), 0)
        ),
        "precipitation smoothed over a week": changed(
            "precipitation", smooth_over_a_week
        ),
        "a year repeated": taken("time", copied(NEXT_YEAR, YEAR), *WEATHER),
        "the last 60 days filled with the day before": taken(
            "time", lambda order: np.minimum(order, order[-61])
        ),
        "5000 mm on a day": changed("precipitation", set_at((3, 700), 5000)),
        "precipitation as float16": turn_into_float16,
        "air and skin temperature swapped": exchange_temperatures,
        "one cell in Celsius": changed(
            "air_temperature", lambda it: it - 273.15 * (np.arange(40) == 5)[:, None]
        ),
        "units of Celsius, values in K": with_attrs("air_temperature", units="degC"),
        "evaporation upwards negative": changed("evaporation", np.negative),
        "evaporation in m": changed("evaporation", lambda it: it / 1000),
        "shortwave halved": changed("shortwave_radiation", lambda it: it / 2),
        "net radiation is shortwave": lambda grid: grid.assign(
            net_radiation=grid["net_radiation"].copy(
                data=grid["shortwave_radiation"].to_numpy()
            )
        ),
        "humidity halved": changed("specific_humidity", lambda it: it / 2),
        "two cells swapped": taken("cell", exchanged(3, 30)),
        "neighbours swapped": taken("cell", exchanged(12, 13)),
        "one cell is its neighbour": taken(
            "cell", copied(slice(21, 22), slice(20, 21))
        ),
        "all cells backwards": taken("cell", lambda order: order[::-1]),
        "reanalysis, layers 1 and 2 swapped": taken(
            "layer", exchanged(0, 1), REFERENCE
        ),
        "reanalysis a month later": taken("time", moved(30), REFERENCE),
        "reanalysis of one cell constant": changed(
            REFERENCE, set_at((slice(None), 7), 0.25)
        ),
        "days at noon": with_coords("time", lambda it: it + np.timedelta64(12, "h")),
        "days one later": with_coords("time", lambda it: it + np.timedelta64(1, "D")),
        "a day twice": repeat_a_day,
        "latitudes mirrored": with_coords("latitude", np.negative),
        "layer bounds in cm": with_coords("layer_depth_to", lambda it: it * 100),
        "another grid in the attributes": with_attrs(None, grid_resolution=0.1),
    }.items()
}
