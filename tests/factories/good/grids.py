"""Good grids of 200 days, ways to change them, and what a check must answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from factories.days import grid_coords, make_features
from somobench.schemas.checks.magnitudes import compute_extraterrestrial_radiation
from somobench.schemas.errors import ValidationError
from somobench.schemas.released import RELEASED_GRIDS
from somobench.schemas.validate import validate_grid
from somobench.schemas.variables import get_attrs

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
    dataset["soil_moisture"] = (SERIES, scaled, get_attrs("soil_moisture"))
    dataset["soil_moisture_in_situ"] = (
        SERIES,
        measured,
        get_attrs("soil_moisture_in_situ"),
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
        ("used_count", "int16", 0),
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
    above = compute_extraterrestrial_radiation(
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
        dataset[name] = (SERIES[1:], array.astype("float32"), get_attrs(name))
    reference = np.broadcast_to(0.25 + 0.05 * wave, (3, 2, LENGTH)).astype("float32")
    name = "reanalysis_soil_moisture"
    dataset[name] = (SERIES, reference.copy(), get_attrs(name))
    return dataset


GOOD: dict[str, Callable[[], xr.Dataset]] = {
    "targets": targets,
    "forcing": forcing,
    "features": make_features,
}


def mapped(name: str, change: Callable[[xr.DataArray], xr.DataArray]) -> Change:
    """Change a variable's values and keep its attributes."""

    def changed(grid: xr.Dataset) -> xr.Dataset:
        return grid.assign({name: change(grid[name]).assign_attrs(grid[name].attrs)})

    return changed


def times(name: str, factor: float) -> Change:
    return mapped(name, lambda x: (x * factor).astype(x.dtype))


def put(name: str, value: float, **places: int) -> Change:
    """Change the value at positions along dimensions."""

    def change(values: xr.DataArray) -> xr.DataArray:
        changed = values.copy(deep=True)
        changed[places] = value
        return changed

    return mapped(name, change)


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


def stuck(name: str, length: int) -> Change:
    """Hold a variable's last cell at its value of day 30."""

    def change(values: xr.DataArray) -> xr.DataArray:
        changed = values.copy(deep=True)
        held = changed.isel(cell=-1, time=30).to_numpy()
        changed[{"cell": -1, "time": slice(30, 30 + length)}] = held[..., None]
        return changed

    return mapped(name, change)


def assert_caught(mutation: tuple[str, Change, str, str], *, lazy: bool) -> None:
    """Assert that the check of a defect refuses the grid and says where."""
    name, change, where, expected = mutation
    grid = change(GOOD[name]())
    grid = grid.chunk() if lazy else grid
    with pytest.raises(ValidationError) as caught:
        validate_grid(grid, RELEASED_GRIDS[name], name)
    named = [item for item in caught.value.failures if item.where == where]
    assert any(expected in f"{item.expected} {item.found}" for item in named), (
        caught.value.failures
    )
