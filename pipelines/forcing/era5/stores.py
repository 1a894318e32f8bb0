"""Open any store that xarray reads and give it one shape; nothing is loaded.

A normalised dataset has dims (time, latitude, longitude) or (time, location), times
as datetime64[ns] in order and each once, and longitudes in -180..180.
"""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Hashable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import xarray as xr

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.pipelines.forcing.era5.times import with_times
from somobench.schemas.errors import InputError

TIME_NAMES = ("time", "valid_time")
LATITUDE_NAMES = ("latitude", "lat")
LONGITUDE_NAMES = ("longitude", "lon")
NETCDF = {".nc", ".nc4", ".cdf", ".netcdf", ".h5"}
GRIB = {".grib", ".grb", ".grib2", ".grb2"}
ZARR_MARKS = ("zarr.json", ".zgroup", ".zmetadata")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError)


def open_inputs(paths: Sequence[Path | str]) -> list[tuple[str, xr.Dataset]]:
    """Open and normalise stores, files, globs and folders of files, in sorted order.

    Raises
    ------
    InputError
        If one can't be read, or has no usable time or position.
    """
    places = [place for path in paths for place in _expanded(path)]
    if not places:
        raise InputError(
            "forcing inputs", found="no file", expected="at least one store or file"
        )
    return [
        (Path(place).name, normalised(store, Path(place).name))
        for place in places
        for store in open_stores(place)
    ]


def _expanded(path: Path | str) -> list[Path | str]:
    text = str(path)
    if "://" in text:
        return [text]
    if not Path(text).exists() and "*" in text:
        return [*sorted(Path(text).parent.glob(Path(text).name))]
    if Path(text).is_dir() and not _is_zarr_folder(Path(text)):
        held = sorted(Path(text).iterdir())
        return [item for item in held if item.suffix in NETCDF | GRIB]
    return [Path(text)]


def _is_zarr_folder(path: Path) -> bool:
    return any((path / mark).exists() for mark in ZARR_MARKS)


def open_stores(place: Path | str) -> list[xr.Dataset]:
    """Open a Zarr store (folder, zip or address), a netCDF or a GRIB file lazily.

    A GRIB file gives one dataset for each set of times that its variables have.

    Raises
    ------
    InputError
        If there is nothing, or it isn't what its name says.
    """
    path = Path(place)
    if "://" not in str(place) and not path.exists():
        raise InputError(f"forcing input {path}", found="nothing at this path")
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*consolidated metadata.*")
            return _open(place)
    except (*UNREADABLE, zipfile.BadZipFile) as error:
        raise InputError(
            f"forcing input {path.name}",
            found=f"{type(error).__name__}: {error}",
            expected="a Zarr store, netCDF or GRIB file with CF times",
        ) from error


def _open(place: Path | str) -> list[xr.Dataset]:
    path = Path(place)
    suffix = path.suffix.lower()
    if suffix in GRIB:
        return _open_grib(path)
    if suffix in NETCDF:
        return [_dataset(xr.open_dataset(place, chunks=None, decode_timedelta=False))]
    if suffix == ".zip":
        return [_open_zip(path)]
    return [_dataset(xr.open_zarr(place, chunks=None, decode_timedelta=False))]


def _dataset(opened: object) -> xr.Dataset:
    """Give a type to what xarray's untyped openers return."""
    if not isinstance(opened, xr.Dataset):
        message = f"a {type(opened).__name__} instead of a dataset"
        raise TypeError(message)
    return opened


def _open_zip(path: Path) -> xr.Dataset:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    if "zarr.json" in names:
        return open_zarr_zip(path)
    if ".zgroup" in names:
        from zarr.storage import ZipStore

        return _dataset(
            xr.open_zarr(ZipStore(path, mode="r"), chunks=None, zarr_format=2)
        )
    raise InputError(
        f"forcing input {path.name}",
        found=f"a zip with {names[0] if names else 'no member'} first",
        expected="zarr.json or .zgroup at its root",
        hint="zip the content of the store, not the folder that holds it",
    )


def _open_grib(path: Path) -> list[xr.Dataset]:
    if find_spec("cfgrib") is None:
        raise InputError(
            f"forcing input {path.name}",
            found="a GRIB file, but the package cfgrib isn't installed",
            hint="pip install cfgrib, or convert the file to netCDF",
        )
    keys = {"indexpath": "", "time_dims": ("valid_time",)}
    opened = import_module("cfgrib").open_datasets(
        str(path), backend_kwargs=keys, chunks=None
    )
    return [_dataset(store) for store in opened]


def normalised(dataset: xr.Dataset, what: str) -> xr.Dataset:
    """Rename dims and coordinates to ours and check them; values stay unread.

    Parameters
    ----------
    dataset : Dataset with a time dim (time or valid_time) and either two position
        dims (latitude or lat, longitude or lon) or one that both positions share
    what : name of the input for messages

    Raises
    ------
    InputError
        If times aren't standard-calendar dates, in order, each once; if positions
        are missing, out of range or two-dimensional.
    """
    single = [
        dim
        for dim, size in dataset.sizes.items()
        if size == 1
        and dim not in (*TIME_NAMES, *LATITUDE_NAMES, *LONGITUDE_NAMES)
        and not _carries_position(dataset, dim)
    ]
    plain = dataset.squeeze(single, drop=True)
    time = _one_of(plain, TIME_NAMES, what, dims_only=True)
    latitude = _one_of(plain, LATITUDE_NAMES, what)
    longitude = _one_of(plain, LONGITUDE_NAMES, what)
    ours = {time: "time", latitude: "latitude", longitude: "longitude"}
    moved = {old: new for old, new in ours.items() if old != new}
    taken = [new for new in moved.values() if new in plain.variables]
    renamed = plain.drop_vars(taken).rename(moved)
    renamed = renamed.set_coords(["latitude", "longitude"])
    return _with_positions(with_times(renamed, what), what)


def _carries_position(dataset: xr.Dataset, dim: Hashable) -> bool:
    return any(
        name in dataset.variables and dim in dataset[name].dims
        for name in (*LATITUDE_NAMES, *LONGITUDE_NAMES)
    )


def _one_of(
    dataset: xr.Dataset, names: Sequence[str], what: str, *, dims_only: bool = False
) -> str:
    held = dataset.dims if dims_only else dataset.variables
    for name in names:
        if name in held and name in dataset.variables:
            return name
    raise InputError(
        f"forcing input {what}",
        found=f"dims {', '.join(map(str, dataset.dims))}; "
        f"coordinates {', '.join(map(str, dataset.coords))}",
        expected=f"{' or '.join(names)} with values",
    )


def _with_positions(dataset: xr.Dataset, what: str) -> xr.Dataset:
    latitude, longitude = dataset["latitude"], dataset["longitude"]
    if latitude.ndim != 1 or longitude.ndim != 1:
        raise InputError(
            f"positions of forcing input {what}",
            found=f"latitude on {latitude.dims}, longitude on {longitude.dims}",
            expected="one-dimensional latitude and longitude",
        )
    _refuse_outside(latitude, 90.0, -90.0, what)
    _refuse_outside(longitude, 360.0, -180.0, what)
    north = latitude.to_numpy().astype(np.float64)
    east = (longitude.to_numpy().astype(np.float64) + 180.0) % 360.0 - 180.0
    if latitude.dims == longitude.dims:
        dim = latitude.dims[0]
        moved = dataset if dim == "location" else dataset.rename({dim: "location"})
        return moved.assign_coords(
            latitude=("location", north), longitude=("location", east)
        )
    if latitude.dims != ("latitude",):
        dataset = dataset.rename({latitude.dims[0]: "latitude"})
    if longitude.dims != ("longitude",):
        dataset = dataset.rename({longitude.dims[0]: "longitude"})
    return dataset.assign_coords(latitude=north, longitude=east)


def _refuse_outside(
    positions: xr.DataArray, highest: float, lowest: float, what: str
) -> None:
    values = positions.to_numpy()
    if values.dtype.kind not in "fiu":
        bad = np.ones(len(values), dtype=bool)
    else:
        bad = ~((values >= lowest) & (values <= highest))
    if bad.any() or not len(values):
        raise InputError(
            f"{positions.name} of forcing input {what}",
            found=f"{values[bad][0]} ({int(bad.sum())} of {len(values)})"
            if len(values)
            else "none",
            expected=f"{lowest:g} to {highest:g} degrees",
            hint="latitude and longitude may be swapped",
        )
