"""One defect a grid: each is caught by the check that should, no good grid is."""

from __future__ import annotations

from collections.abc import Callable

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories import grid_coords, make_features
from somobench.schemas.errors import ValidationError
from somobench.schemas.release_checks import validate_together
from somobench.schemas.released import RELEASED_GRIDS
from somobench.schemas.statistics_checks import extraterrestrial_radiation
from somobench.schemas.validate import validate_grid
from somobench.schemas.variables import attrs_of

LENGTH = 200
SERIES = ("layer", "cell", "time")
Change = Callable[[xr.Dataset], xr.Dataset]


def _empty(length: int = LENGTH) -> xr.Dataset:
    attrs = {"grid_resolution": 0.25}
    return xr.Dataset(coords=grid_coords(length=length), attrs=attrs)


def targets() -> xr.Dataset:
    """Return targets 0.1 + 0.5 x in situ; in situ in waves of 0.2 to 0.4, one gap."""
    dataset = _empty()
    day = np.arange(LENGTH)
    wave = 0.3 + 0.1 * np.sin(day / 5) + day * 1e-4
    measured = np.round(np.broadcast_to(wave, (3, 2, LENGTH)), 5).astype("float32")
    measured = measured.copy()
    measured[:, :, 17] = np.nan
    scaled = np.round(0.1 + 0.5 * measured.astype("float64"), 5).astype("float32")
    dataset["soil_moisture"] = (SERIES, scaled, attrs_of("soil_moisture"))
    dataset["soil_moisture_in_situ"] = (
        SERIES,
        measured,
        attrs_of("soil_moisture_in_situ"),
    )
    dataset["is_gapfilled"] = (SERIES, np.zeros(measured.shape, "int8"))
    counts = np.where(np.isnan(measured), 0, 24).astype("int16")
    dataset["observation_count"] = (SERIES, counts)
    depths = np.broadcast_to([[0.05], [0.2], [0.4]], (3, 2))
    for name, dtype, value in (
        ("scale_slope", "float64", 0.5),
        ("scale_offset", "float64", 0.1),
        ("overlap_days", "int32", 199),
        ("station_count", "int16", 1),
        ("accepted_count", "int16", 0),
        ("used_count", "int16", 1),
        ("station_spread", "float32", np.nan),
        ("depth_from", "float32", depths),
        ("depth_to", "float32", depths),
    ):
        dataset[name] = (SERIES[:2], np.broadcast_to(value, (3, 2)).astype(dtype))
    for name in ("primary_network", "primary_station", "primary_sensor"):
        dataset[name] = (SERIES[:2], np.full((3, 2), name.split("_")[1]))
    return dataset


def forcing() -> xr.Dataset:
    """Return weather of the right magnitude, under half of the sky's radiation."""
    dataset = _empty()
    day = np.arange(LENGTH)
    wave = np.broadcast_to(np.sin(day / 5), (2, LENGTH))
    above = extraterrestrial_radiation(
        dataset["latitude"].to_numpy(), dataset["time"].dt.dayofyear.to_numpy()
    )
    values = {
        "precipitation": np.maximum(4 * wave, 0),
        "air_temperature": 285 + 8 * wave,
        "skin_temperature": 286 + 9 * wave,
        "specific_humidity": 0.008 + 0.002 * wave,
        "relative_humidity": 70 + 20 * wave,
        "shortwave_radiation": 0.5 * above,
        "net_radiation": 8 + 4 * wave,
        "evaporation": 2 + wave,
    }
    for name, array in values.items():
        dataset[name] = (SERIES[1:], array.astype("float32"), attrs_of(name))
    reference = np.broadcast_to(0.25 + 0.05 * wave, (3, 2, LENGTH)).astype("float32")
    name = "reanalysis_soil_moisture"
    dataset[name] = (SERIES, reference.copy(), attrs_of(name))
    return dataset


GOOD: dict[str, Callable[[], xr.Dataset]] = {
    "targets": targets,
    "forcing": forcing,
    "features": make_features,
}


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "dask"])
@pytest.mark.parametrize("name", GOOD)
def test_good_grid_passes(name: str, lazy: bool) -> None:
    grid = GOOD[name]()
    grid = grid.chunk(cell=1) if lazy else grid
    validate_grid(grid, RELEASED_GRIDS[name], name)


def mapped(name: str, change: Callable[[xr.DataArray], xr.DataArray]) -> Change:
    """Change a variable's values and keep its attributes."""

    def changed(grid: xr.Dataset) -> xr.Dataset:
        return grid.assign({name: change(grid[name]).assign_attrs(grid[name].attrs)})

    return changed


def times(name: str, factor: float) -> Change:
    return mapped(name, lambda x: (x * factor).astype(x.dtype))


def plus(name: str, amount: float) -> Change:
    return mapped(name, lambda x: (x + amount).astype(x.dtype))


def put(name: str, value: float, **places: int) -> Change:
    """Change the value at positions along dimensions."""

    def change(values: xr.DataArray) -> xr.DataArray:
        changed = values.copy(deep=True)
        changed[places] = value
        return changed

    return mapped(name, change)


def described(name: str, **attrs: object) -> Change:
    def changed(grid: xr.Dataset) -> xr.Dataset:
        grid = grid.copy()
        grid[name] = grid[name].assign_attrs(attrs)
        return grid

    return changed


def moved(**shifts: float) -> Change:
    """Shift coordinates and name the cells after them."""

    def changed(grid: xr.Dataset) -> xr.Dataset:
        grid = grid.assign_coords(
            {name: grid[name] + shift for name, shift in shifts.items()}
        )
        places = zip(
            grid["latitude"].to_numpy(), grid["longitude"].to_numpy(), strict=True
        )
        names = [f"{float(north)}_{float(east)}" for north, east in places]
        return grid.assign_coords(cell=names)

    return changed


def timed(times: object) -> Change:
    return lambda grid: grid.assign_coords(time=times)


def calendar(name: str) -> Change:
    days = xr.date_range("2018-01-01", periods=LENGTH, calendar=name, use_cftime=True)
    assert isinstance(days[0], cftime.datetime)
    return timed(days)


def no_leap(grid: xr.Dataset) -> xr.Dataset:
    """Leave out 29 February of a leap year."""
    days = pd.date_range("2020-01-01", periods=LENGTH + 1, unit="ns")
    return grid.assign_coords(time=days[days != "2020-02-29"])


def rescaled(grid: xr.Dataset) -> xr.Dataset:
    """Apply slope and offset a second time."""
    twice = grid["scale_offset"] + grid["scale_slope"] * grid["soil_moisture"]
    twice = twice.astype("float32").assign_attrs(grid["soil_moisture"].attrs)
    return grid.assign(soil_moisture=twice)


def both(factor: float) -> Change:
    """Multiply scaled, unscaled and offset, so that they still agree."""

    def changed(grid: xr.Dataset) -> xr.Dataset:
        for name in ("soil_moisture", "soil_moisture_in_situ", "scale_offset"):
            grid = times(name, factor)(grid)
        return grid

    return changed


def stuck(name: str, length: int) -> Change:
    """Hold a variable's last cell at its value of day 30."""

    def change(values: xr.DataArray) -> xr.DataArray:
        changed = values.copy(deep=True)
        held = changed.isel(cell=-1, time=30).to_numpy()
        changed[{"cell": -1, "time": slice(30, 30 + length)}] = held[..., None]
        return changed

    return mapped(name, change)


def stepping(grid: xr.Dataset) -> xr.Dataset:
    """Raise one series by 0.6 half-way; the waves span 0.2 to 0.42."""
    grid = grid.copy(deep=True)
    grid["soil_moisture_in_situ"][1, 0, 100:] += 0.6
    grid["soil_moisture"][1, 0, 100:] += 0.3
    return grid


def outside_mask(grid: xr.Dataset) -> xr.Dataset:
    grid = grid.copy(deep=True)
    for name in ("primary_network", "primary_station", "primary_sensor"):
        grid[name][2, 1] = ""
    return grid


def emptied(grid: xr.Dataset) -> xr.Dataset:
    """Leave a cell without a value in any layer."""
    grid = grid.copy(deep=True)
    for name in ("soil_moisture", "soil_moisture_in_situ"):
        grid[name][:, 1] = np.nan
    grid["observation_count"][:, 1] = 0
    for name in ("primary_network", "primary_station", "primary_sensor"):
        grid[name][:, 1] = ""
    return grid


def swapped(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign_coords(latitude=grid["longitude"], longitude=grid["latitude"])


DAILY = "every day once"
CENTRES = "every cell named by its centre"
GRID = "odd multiple of half the grid's resolution"
SCALED = "soil_moisture = scale_offset + scale_slope"

MUTATIONS: dict[str, tuple[str, Change, str, str]] = {
    # Places
    "longitude 0 to 360": (
        "targets",
        moved(longitude=360.0),
        "longitude",
        "-180 to 180",
    ),
    "longitude 0 to 360 under the old names": (
        "forcing",
        lambda x: x.assign_coords(longitude=x["longitude"] % 360),
        "forcing",
        CENTRES,
    ),
    "coordinates swapped": ("targets", swapped, "latitude", "-90 to 90"),
    "half a cell north": ("targets", moved(latitude=0.125), "targets", GRID),
    "half a cell east": ("forcing", moved(longitude=0.125), "forcing", GRID),
    "half a cell off under the old names": (
        "targets",
        lambda x: x.assign_coords(latitude=x["latitude"] - 0.125),
        "targets",
        CENTRES,
    ),
    "cells backwards": ("targets", lambda x: x.isel(cell=[1, 0]), "cell", "sorted"),
    "cell twice": ("forcing", lambda x: x.isel(cell=[0, 0, 1]), "cell", "each once"),
    "no cell": ("targets", lambda x: x.isel(cell=[]), "cell", "at least one"),
    "cell without a value": ("targets", emptied, "targets", "a target in every cell"),
    "cell outside the mask": ("targets", outside_mask, "targets", "primary station"),
    "latitude missing": (
        "targets",
        lambda x: x.drop_vars("latitude"),
        "targets",
        "latitude",
    ),
    # Time
    "a day missing": (
        "targets",
        lambda x: x.isel(time=[*range(50), *range(51, LENGTH)]),
        "time",
        DAILY,
    ),
    "a day twice": (
        "forcing",
        lambda x: x.isel(time=[0, *range(LENGTH)]),
        "time",
        DAILY,
    ),
    "time backwards": (
        "forcing",
        lambda x: x.isel(time=slice(None, None, -1)),
        "time",
        DAILY,
    ),
    "time at noon": (
        "targets",
        lambda x: x.assign_coords(time=x["time"] + np.timedelta64(12, "h")),
        "time",
        DAILY,
    ),
    "360-day calendar": ("targets", calendar("360_day"), "time", "datetime64"),
    "no-leap calendar as objects": (
        "targets",
        calendar("noleap"),
        "time",
        "datetime64",
    ),
    "no 29 February": ("forcing", no_leap, "time", DAILY),
    "times as text": (
        "forcing",
        timed(
            pd.date_range("2018-01-01", periods=LENGTH).strftime("%Y-%m-%d").tolist()
        ),
        "time",
        "datetime64",
    ),
    "seconds since 1970": (
        "forcing",
        timed(np.arange(LENGTH) * 86400),
        "time",
        "datetime64",
    ),
    # Layout
    "transposed": (
        "targets",
        mapped("soil_moisture", lambda x: x.transpose("time", "layer", "cell")),
        "soil_moisture",
        "dim",
    ),
    "float64": (
        "targets",
        mapped("soil_moisture", lambda x: x.astype("float64")),
        "soil_moisture",
        "float32",
    ),
    "float16": (
        "forcing",
        mapped("air_temperature", lambda x: x.astype("float16")),
        "air_temperature",
        "float32",
    ),
    "packed in int16": (
        "forcing",
        mapped("air_temperature", lambda x: (x * 10).astype("int16")),
        "air_temperature",
        "float32",
    ),
    "variable missing": (
        "targets",
        lambda x: x.drop_vars("observation_count"),
        "targets",
        "observation_count",
    ),
    "variable too many": (
        "forcing",
        lambda x: x.assign(wind=x["precipitation"]),
        "forcing",
        "wind",
    ),
    "layers out of order": (
        "targets",
        lambda x: x.isel(layer=[0, 2, 1]),
        "targets",
        "layers in order",
    ),
    "bounds of layers in cm": (
        "targets",
        lambda x: x.assign_coords(layer_depth_to=x["layer_depth_to"] * 100),
        "layer_depth_to",
        "0 to 5.0 m",
    ),
    "bounds of layers cross": (
        "targets",
        lambda x: x.assign_coords(layer_depth_to=x["layer_depth_to"] + 0.1),
        "targets",
        "one below the other",
    ),
    "attributes of megabytes": (
        "forcing",
        lambda x: x.assign_attrs(history="x" * 10_000_000),
        "forcing",
        "characters of attributes",
    ),
    # Units and magnitudes
    "unit says percent": (
        "targets",
        described("soil_moisture", units="%"),
        "soil_moisture",
        "attrs",
    ),
    "unit of rain says m": (
        "forcing",
        described("precipitation", units="m d-1"),
        "precipitation",
        "attrs",
    ),
    "soil moisture in percent": (
        "targets",
        both(100.0),
        "soil_moisture",
        "0.0 to 1.5 m3 m-3",
    ),
    "unpacked twice": ("targets", both(0.01), "soil_moisture", "a mean soil_moisture"),
    "scaled twice": ("targets", rescaled, "targets", SCALED),
    "not scaled": (
        "targets",
        lambda x: x.assign(
            soil_moisture=x["soil_moisture_in_situ"].assign_attrs(
                attrs_of("soil_moisture")
            )
        ),
        "targets",
        SCALED,
    ),
    "Celsius": (
        "forcing",
        plus("air_temperature", -273.15),
        "air_temperature",
        "180.0 to 335.0 K",
    ),
    "skin in Celsius": (
        "forcing",
        plus("skin_temperature", -273.15),
        "skin_temperature",
        "180.0 to 350.0 K",
    ),
    "rain in m": (
        "forcing",
        times("precipitation", 0.001),
        "precipitation",
        "a mean precipitation",
    ),
    "rain in kg m-2 s-1": (
        "forcing",
        times("precipitation", 1 / 86400),
        "precipitation",
        "a mean precipitation",
    ),
    "rain in micrometres": (
        "forcing",
        times("precipitation", 1000),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "humidity in g kg-1": (
        "forcing",
        times("specific_humidity", 1000),
        "specific_humidity",
        "0.0 to 0.04",
    ),
    "humidity as a fraction": (
        "forcing",
        times("relative_humidity", 0.01),
        "relative_humidity",
        "a mean relative_humidity",
    ),
    "radiation in J m-2": (
        "forcing",
        times("shortwave_radiation", 1e6),
        "shortwave_radiation",
        "-0.5 to 50.0",
    ),
    "radiation in W m-2": (
        "forcing",
        times("shortwave_radiation", 1 / 0.0864),
        "shortwave_radiation",
        "-0.5 to 50.0",
    ),
    "radiation in kWh m-2": (
        "forcing",
        times("shortwave_radiation", 1 / 3.6),
        "forcing",
        "radiation above the atmosphere",
    ),
    "net radiation in W m-2": (
        "forcing",
        times("net_radiation", 1 / 0.0864),
        "net_radiation",
        "-25.0 to 40.0",
    ),
    "evaporation downward": (
        "forcing",
        times("evaporation", -1.0),
        "evaporation",
        "a mean evaporation",
    ),
    "evaporation in m": (
        "forcing",
        times("evaporation", 0.001),
        "evaporation",
        "a mean evaporation",
    ),
    "reference in percent": (
        "forcing",
        times("reanalysis_soil_moisture", 100),
        "reanalysis_soil_moisture",
        "0.0 to 1.0",
    ),
    "reference unpacked twice": (
        "forcing",
        times("reanalysis_soil_moisture", 0.01),
        "reanalysis_soil_moisture",
        "a mean reanalysis_soil_moisture",
    ),
    # Values
    "one infinite": (
        "forcing",
        put("precipitation", np.inf, cell=1, time=199),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "one negative": (
        "forcing",
        put("precipitation", -0.1, cell=1, time=199),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "fill value not decoded": (
        "targets",
        put("soil_moisture", -9999.0, layer=0, cell=0, time=17),
        "soil_moisture",
        "0.0 to 1.5",
    ),
    "fill value of netCDF": (
        "forcing",
        put("air_temperature", 9.96921e36, cell=1, time=3),
        "air_temperature",
        "180.0 to 335.0",
    ),
    "still packed": (
        "forcing",
        described("air_temperature", scale_factor=0.01),
        "forcing",
        "decoded values",
    ),
    "int16 overflow": (
        "targets",
        put("observation_count", -32768, layer=0, cell=0, time=3),
        "observation_count",
        "at least 0",
    ),
    "above porosity": (
        "targets",
        mapped("soil_moisture", lambda x: x.where(x["time"].dt.day != 3, 1.2)),
        "soil_moisture",
        "more water than room",
    ),
    "forcing with a hole": (
        "forcing",
        put("air_temperature", np.nan, cell=1, time=3),
        "air_temperature",
        "no missing value",
    ),
    "missing everywhere": (
        "targets",
        times("soil_moisture", np.nan),
        "soil_moisture",
        "not missing everywhere",
    ),
    "reference missing everywhere": (
        "forcing",
        times("reanalysis_soil_moisture", np.nan),
        "reanalysis_soil_moisture",
        "not missing everywhere",
    ),
    "target stuck": (
        "targets",
        lambda x: stuck("soil_moisture_in_situ", 61)(stuck("soil_moisture", 61)(x)),
        "targets",
        "no soil_moisture at one value",
    ),
    "temperature stuck": (
        "forcing",
        stuck("air_temperature", 61),
        "forcing",
        "no air_temperature at one value",
    ),
    "rain stuck": (
        "forcing",
        put("precipitation", 3.0, cell=1),
        "forcing",
        "no precipitation at one value",
    ),
    "target steps": ("targets", stepping, "targets", "no step of a series"),
    # Variables among each other
    "value without observation": (
        "targets",
        put("observation_count", 0, layer=1, cell=1, time=9),
        "targets",
        "observations exactly where",
    ),
    "observation without value": (
        "targets",
        put("observation_count", 24, layer=1, cell=1, time=17),
        "targets",
        "observations exactly where",
    ),
    "nothing filled": (
        "targets",
        put("is_gapfilled", 1, layer=1, cell=1, time=17),
        "targets",
        "is_gapfilled only where",
    ),
    "value lost in scaling": (
        "targets",
        put("soil_moisture", np.nan, layer=1, cell=1, time=9),
        "targets",
        SCALED,
    ),
    "slope below zero": (
        "targets",
        times("scale_slope", -1.0),
        "scale_slope",
        "0 to 100.0",
    ),
    "sensor of another layer": (
        "targets",
        put("depth_to", 0.2, layer=0, cell=1),
        "targets",
        "inside its layer",
    ),
    # Features
    "climatology in percent": (
        "features",
        times("climatology", 100),
        "climatology",
        "-0.5 to 1.5",
    ),
    "climatology with a hole": (
        "features",
        put("climatology", np.nan, split=0, layer=0, cell=0, day_of_year=59),
        "features",
        "a whole climatology",
    ),
    "climatology out of nothing": (
        "features",
        put("climatology_source", 3, split=0, layer=0, cell=0),
        "features",
        "a whole climatology",
    ),
    "days from 0": (
        "features",
        lambda x: x.assign_coords(day_of_year=x["day_of_year"] - np.int16(1)),
        "day_of_year",
        "days 1 to 366",
    ),
    "year of 365 days": (
        "features",
        lambda x: x.isel(day_of_year=slice(365)),
        "day_of_year",
        "days 1 to 366",
    ),
    "statistics of Celsius": (
        "features",
        put("normalisation_mean", 12.0, split=0, variable=1),
        "features",
        "that the variable can have",
    ),
    "deviation below zero": (
        "features",
        times("normalisation_std", -1.0),
        "normalisation_std",
        "at least 0",
    ),
}


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "dask"])
@pytest.mark.parametrize("defect", MUTATIONS)
def test_single_defect_of_a_grid_is_caught_by_its_check(
    defect: str, lazy: bool
) -> None:
    name, change, where, expected = MUTATIONS[defect]
    grid = change(GOOD[name]())
    grid = grid.chunk() if lazy else grid
    with pytest.raises(ValidationError) as caught:
        validate_grid(grid, RELEASED_GRIDS[name], name)
    named = [item for item in caught.value.failures if item.where == where]
    assert any(expected in f"{item.expected} {item.found}" for item in named), (
        caught.value.failures
    )


ALLOWED: dict[str, tuple[str, Change]] = {
    "big-endian, the same values": (
        "forcing",
        mapped("air_temperature", lambda x: x.astype(">f4")),
    ),
    "one cell": ("forcing", lambda x: x.isel(cell=[0])),
    "poles and antimeridian": (
        "forcing",
        lambda x: moved(latitude=0.0)(
            x.drop_vars("shortwave_radiation").assign_coords(
                latitude=("cell", [-89.875, 89.875]),
                longitude=("cell", [-179.875, 179.875]),
            )
        ),
    ),
    "sixty days at rest": ("forcing", stuck("air_temperature", 60)),
    "a dry season": ("forcing", put("precipitation", 0.0, cell=0)),
    "no shortwave radiation": (
        "forcing",
        lambda x: x.drop_vars("shortwave_radiation"),
    ),
    "a short file is not judged by its means": (
        "forcing",
        lambda x: times("precipitation", 0.001)(x.isel(time=slice(89))),
    ),
}


@pytest.mark.parametrize("case", ALLOWED)
def test_unusual_but_good_grid_passes(case: str) -> None:
    name, change = ALLOWED[case]
    validate_grid(change(GOOD[name]()), RELEASED_GRIDS[name], name)


TOGETHER: dict[str, tuple[str, Change, str]] = {
    "target outside the forcing's cells": (
        "forcing",
        lambda x: x.isel(cell=[0]),
        "targets.zarr.zip cell",
    ),
    "forcing of other days": (
        "forcing",
        lambda x: x.assign_coords(time=x["time"] + np.timedelta64(1, "D")),
        "forcing.zarr.zip time",
    ),
    "features of fewer cells": (
        "features",
        lambda x: x.isel(cell=[1]),
        "targets.zarr.zip cell",
    ),
    "other bounds of layers": (
        "forcing",
        lambda x: x.assign_coords(layer_depth_to=x["layer_depth_to"] + 0.01),
        "forcing.zarr.zip layer_depth_to",
    ),
}


@pytest.mark.parametrize("case", TOGETHER)
def test_grids_that_disagree_are_refused_together(case: str) -> None:
    name, change, where = TOGETHER[case]
    grids = {kind: make() for kind, make in GOOD.items()}
    validate_together({}, grids, "release")
    with pytest.raises(ValidationError) as caught:
        validate_together({}, grids | {name: change(grids[name])}, "release")
    assert where in {failure.where for failure in caught.value.failures}
