"""Grid schemas: values are checked even where Dask holds them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr
from pandera.xarray import DatasetSchema

from factories.days import make_features, make_forcing, make_targets
from somobench.schemas.errors import ValidationError
from somobench.schemas.grids import FEATURES, FORCING, TARGETS
from somobench.schemas.validate import validate_grid

GOOD: dict[str, tuple[Callable[[], xr.Dataset], DatasetSchema]] = {
    "targets": (make_targets, TARGETS),
    "forcing": (make_forcing, FORCING),
    "features": (make_features, FEATURES),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", GOOD)
def test_good_grid_passes(name: str, lazy: bool) -> None:
    make, schema = GOOD[name]
    grid = make().chunk() if lazy else make()
    assert validate_grid(grid, schema, name) is grid


def _with(name: str, change: Callable[[xr.DataArray], xr.DataArray]) -> Callable:
    def changed(grid: xr.Dataset) -> xr.Dataset:
        return grid.assign({name: change(grid[name])})

    return changed


def _with_attrs(name: str, **attrs: str) -> Callable[[xr.Dataset], xr.Dataset]:
    def changed(grid: xr.Dataset) -> xr.Dataset:
        grid = grid.copy()
        grid[name] = grid[name].assign_attrs(attrs)
        return grid

    return changed


DEFECTS: dict[str, tuple[str, Callable[[xr.Dataset], xr.Dataset], str, str]] = {
    "one absurd value": (
        "targets",
        _with("soil_moisture", lambda x: x.where(x["time"] != x["time"][0], 45.0)),
        "soil_moisture",
        "0.0 to 1.5",
    ),
    "celsius": (
        "forcing",
        _with("air_temperature", lambda x: x - np.float32(273.15)),
        "air_temperature",
        "180.0 to 335.0 K",
    ),
    "negative rain": (
        "forcing",
        _with("precipitation", lambda x: x - np.float32(1)),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "infinite": (
        "forcing",
        _with("precipitation", lambda x: x.where(x > 0, np.float32(np.inf))),
        "precipitation",
        "0.0 to 2000.0",
    ),
    "missing forcing": (
        "forcing",
        _with("precipitation", lambda x: x.where(x["time"] != x["time"][0])),
        "precipitation",
        "no missing value",
    ),
    "all missing": (
        "targets",
        _with("soil_moisture", lambda x: x * np.float32(np.nan)),
        "soil_moisture",
        "not missing everywhere",
    ),
    "wrong unit": (
        "targets",
        _with_attrs("soil_moisture", units="%"),
        "soil_moisture",
        "attrs",
    ),
    "float64": (
        "targets",
        _with("soil_moisture", lambda x: x.astype("float64")),
        "soil_moisture",
        "float32",
    ),
    "transposed": (
        "targets",
        _with("soil_moisture", lambda x: x.transpose("time", "cell", "layer")),
        "soil_moisture",
        "dim",
    ),
    "gap in time": (
        "targets",
        lambda x: x.isel(time=[0, 1, 3, 4]),
        "time",
        "every day once",
    ),
    "day twice": (
        "targets",
        lambda x: x.isel(time=[0, 1, 1, 2]),
        "time",
        "every day once",
    ),
    "six in the morning": (
        "targets",
        lambda x: x.assign_coords(time=x["time"] + np.timedelta64(6, "h")),
        "time",
        "every day once",
    ),
    "unsorted cells": (
        "targets",
        lambda x: x.isel(cell=[1, 0]),
        "cell",
        "sorted",
    ),
    "half a cell off": (
        "targets",
        lambda x: x.assign_coords(latitude=x["latitude"] + 0.125),
        "targets",
        "named by its centre",
    ),
    "variable missing": (
        "targets",
        lambda x: x.drop_vars("is_gapfilled"),
        "targets",
        "is_gapfilled",
    ),
    "variable too many": (
        "forcing",
        lambda x: x.assign(extra=x["precipitation"]),
        "forcing",
        "extra",
    ),
    "flag beyond one": (
        "targets",
        _with("is_gapfilled", lambda x: x + np.int8(2)),
        "is_gapfilled",
        "0 to 1",
    ),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("defect", DEFECTS)
def test_single_defect_is_named(defect: str, lazy: bool) -> None:
    name, change, where, expected = DEFECTS[defect]
    make, schema = GOOD[name]
    grid = change(make())
    with pytest.raises(ValidationError) as caught:
        validate_grid(grid.chunk() if lazy else grid, schema, name)
    named = [item for item in caught.value.failures if item.where == where]
    assert any(expected in f"{item.expected} {item.found}" for item in named), (
        caught.value.failures
    )


def test_all_defects_are_reported_together() -> None:
    grid = make_forcing()
    grid["precipitation"] = grid["precipitation"] - np.float32(10)
    grid["air_temperature"] = grid["air_temperature"] + np.float32(500)
    with pytest.raises(ValidationError) as caught:
        validate_grid(grid.chunk(), FORCING, "forcing")
    assert len(caught.value.failures) >= 2
