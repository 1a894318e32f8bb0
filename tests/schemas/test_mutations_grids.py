"""Grids with one defect of places, time or layout are caught; no good grid is."""

from __future__ import annotations

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.good.grids import (
    GOOD,
    LENGTH,
    Change,
    assert_caught,
    mapped,
    moved,
    put,
    stuck,
    times,
)
from somobench.schemas.checks.release import validate_together
from somobench.schemas.errors import ValidationError
from somobench.schemas.released import RELEASED_GRIDS
from somobench.schemas.validate import validate_grid

pytestmark = pytest.mark.heavy


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "dask"])
@pytest.mark.parametrize("name", GOOD)
def test_good_grid_passes(name: str, lazy: bool) -> None:
    grid = GOOD[name]()
    grid = grid.chunk(cell=1) if lazy else grid
    validate_grid(grid, RELEASED_GRIDS[name], name)


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
}


@pytest.mark.parametrize("lazy", [False, True], ids=["memory", "dask"])
@pytest.mark.parametrize("defect", MUTATIONS)
def test_misplaced_mistimed_or_misshapen_grid_is_caught_by_its_check(
    defect: str, lazy: bool
) -> None:
    assert_caught(MUTATIONS[defect], lazy=lazy)


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
