"""Write an opened feature set as netCDF or Zarr, by the suffix of the file."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from somobench.schemas.errors import InputError, UsageError

if TYPE_CHECKING:
    import xarray as xr

ENGINES = {"netCDF4": "netcdf4", "h5netcdf": "h5netcdf"}
SUFFIXES = (".nc", ".zarr", ".zarr.zip")


def check_target(path: Path, *, overwrite: bool) -> None:
    """Refuse a file that can't be written, before anything is read for it.

    Raises
    ------
    UsageError
        If the suffix is unknown or the file exists and may not be replaced.
    InputError
        If netCDF is wanted and no library for it is installed.
    """
    if not path.name.endswith(SUFFIXES):
        expected = "one of " + ", ".join(SUFFIXES)
        raise UsageError(f"suffix of {path}", found=path.name, expected=expected)
    if os.path.lexists(path) and not overwrite:
        raise UsageError(
            f"file {path}",
            found="it exists",
            expected="a new file",
            hint="choose another name, or add --overwrite",
        )
    if path.name.endswith(".nc"):
        _choose_engine()


def write_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write a feature set; a failed write leaves no file behind.

    Parameters
    ----------
    dataset : Dataset
    path : Path
        `.nc` for netCDF 4, `.zarr` for a Zarr folder, `.zarr.zip` for a zipped one.

    Raises
    ------
    InputError
        If the disk doesn't take it.
    """
    from somobench.catalog.storage.archive import write_zarr_zip
    from somobench.catalog.storage.atomic import replace_file

    try:
        if path.name.endswith(".zarr.zip"):
            write_zarr_zip(dataset, path)
            return
        with replace_file(path) as partial:
            if path.name.endswith(".nc"):
                encoding = _make_encoding(dataset)
                dataset.to_netcdf(partial, engine=_choose_engine(), encoding=encoding)
            else:
                dataset.to_zarr(partial, mode="w", zarr_format=2, consolidated=True)
    except (OSError, RuntimeError) as error:  # the latter is netCDF's for a full disk
        raise InputError(
            f"file {path}",
            found=getattr(error, "strerror", None) or error,
            expected="a place that takes it",
        ) from error


def _choose_engine() -> Any:
    for module, engine in ENGINES.items():
        if find_spec(module) is not None:
            return engine
    raise InputError(
        "netCDF",
        found="neither netCDF4 nor h5netcdf is installed",
        expected="one of them",
        hint="pip install h5netcdf, or write --out NAME.zarr",
    )


def _make_encoding(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Compress what has dimensions; whole days since 1970 as times."""
    encoding: dict[str, dict[str, Any]] = {
        str(name): {"zlib": True, "complevel": 4}
        for name, array in dataset.data_vars.items()
        if array.ndim > 0
    }
    days = {"units": "days since 1970-01-01", "dtype": "int64"}
    return encoding | {name: days for name in ("time", "date") if name in dataset}
