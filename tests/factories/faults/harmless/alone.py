"""Grids of a release in the other forms that `validate` reads, each a file alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import xarray as xr

from factories.faults.harmless.grids import GRIDS, store_members, write_members
from somobench.catalog.storage.archive import open_zarr_zip

Write = Callable[[xr.Dataset, Path], object]
PACKED = {"zlib": True, "shuffle": True, "fletcher32": True, "complevel": 1}


def as_netcdf4(grid: xr.Dataset, path: Path) -> None:
    grid.to_netcdf(path, engine="h5netcdf")


def as_packed_netcdf4(grid: xr.Dataset, path: Path) -> None:
    numbers = [name for name, it in grid.data_vars.items() if it.dtype.kind in "fi"]
    grid.to_netcdf(path, engine="h5netcdf", encoding=dict.fromkeys(numbers, PACKED))


def as_classic(version: str) -> Write:
    def write(grid: xr.Dataset, path: Path) -> None:
        grid.to_netcdf(path, engine="scipy", format=version)  # type: ignore[call-overload]

    return write


def as_folder(version: int, *, consolidated: bool = False) -> Write:
    def write(grid: xr.Dataset, path: Path) -> None:
        grid.to_zarr(path, zarr_format=version, consolidated=consolidated)  # type: ignore[call-overload]

    return write


def as_zip(version: int) -> Write:
    def write(grid: xr.Dataset, path: Path) -> None:
        options: dict[str, Any] = {"zarr_format": version, "consolidated": False}
        write_members(path, store_members(grid, **options))

    return write


FORMS: Mapping[str, Write] = MappingProxyType(
    {
        "netCDF 4": as_netcdf4,
        "netCDF 4, packed": as_packed_netcdf4,
        "classic netCDF": as_classic("NETCDF3_CLASSIC"),
        "classic netCDF, 64 bits": as_classic("NETCDF3_64BIT"),
        "a folder of Zarr 3": as_folder(3),
        "a folder of Zarr 2": as_folder(2),
        "a folder of Zarr 2, consolidated": as_folder(2, consolidated=True),
        "a zip of Zarr 2": as_zip(2),
        "a zip of Zarr 3": as_zip(3),
    }
)
ALONE = [(name, what) for name in GRIDS for what in FORMS]
"""Grid of a release, and the form that it is written in."""


def write_alone(release: Path, name: str, what: str, folder: Path) -> Path:
    """Write a grid of a release in another form; return where."""
    grid = open_zarr_zip(release / f"{name}.zarr.zip").load().drop_encoding()
    path = folder / name
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        FORMS[what](grid, path)
    return path
