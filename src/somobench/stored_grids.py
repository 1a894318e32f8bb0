"""Grids as they are stored, in any of the forms that `validate` reads."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from somobench.recognise import NETCDF, ZARR_ZIP, recognise_storage
from somobench.submissions.inspect import recognise_format

if TYPE_CHECKING:
    import xarray as xr

IN_MEMORY = 2 << 30  # bytes of decoded values; a larger grid is checked through Dask


def list_variables(path: Path) -> list[str]:
    """Return the names at the top of a grid, without a value of it."""
    form = recognise_format(path)
    if form == "hdf5":
        import h5py

        with h5py.File(path, "r", locking=False) as file:
            return list(file)
    if form == "netcdf3":
        import xarray as xr

        with xr.open_dataset(path, engine="scipy", decode_cf=False) as grid:
            return [str(name) for name in grid.variables]
    import zarr
    from zarr.storage import LocalStore, ZipStore

    store: Any = LocalStore(path) if form == "zarr" else ZipStore(path, mode="r")
    return list(zarr.open_group(store, mode="r", use_consolidated=False).array_keys())


def open_grid(path: Path) -> xr.Dataset:
    """Open a grid, in memory unless it is large."""
    grid = _open_stored(path, None)
    return grid.load() if grid.nbytes <= IN_MEMORY else _open_stored(path, {})


def _open_stored(path: Path, chunks: dict[str, int] | None) -> xr.Dataset:
    import xarray as xr

    from somobench.catalog.storage.archive import open_zarr_zip

    storage = recognise_storage(path)
    if storage == ZARR_ZIP and is_zarr_2(path):
        from zarr.storage import ZipStore

        store: Any = ZipStore(path, mode="r")
        return xr.open_zarr(store, chunks=chunks, consolidated=False, zarr_format=2)
    if storage == ZARR_ZIP:
        return open_zarr_zip(path, chunks)
    if storage == NETCDF:
        engine: Any = "h5netcdf" if recognise_format(path) == "hdf5" else "scipy"
        return xr.open_dataset(path, engine=engine, chunks=chunks)
    # Consolidated metadata may say other than what was inspected.
    return xr.open_zarr(path, chunks=chunks, consolidated=False)


def is_zarr_2(path: Path) -> bool:
    """Tell whether a zip of Zarr is one of version 2."""
    with zipfile.ZipFile(path) as archive:
        return "zarr.json" not in archive.namelist()
