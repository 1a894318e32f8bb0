"""One shape for every store: dims, positions, times and what is preliminary.

A normalised dataset has dims (time, latitude, longitude) or (time, location), perhaps
with `step` after time, the coordinate `validity` along its times, `preliminary`
beside it, and longitudes in -180..180. Values stay unread.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.files.times import check_times
from somobench.pipelines.forcing.era5.files.validity import (
    TIME_DIMS,
    VALIDITY,
    add_validity,
)
from somobench.schemas.errors import InputError

LATITUDE_NAMES = ("latitude", "lat")
LONGITUDE_NAMES = ("longitude", "lon")
POSITION_NAMES = (*LATITUDE_NAMES, *LONGITUDE_NAMES)
PRELIMINARY = "preliminary"
PRELIMINARY_VERSION = 5  # expver of ERA5T; 1 is the final ERA5
LAST_FINAL, LAST_PRELIMINARY = "valid_time_stop", "valid_time_stop_era5t"
"""Attributes of ARCO stores: last days of final and of preliminary values."""


def normalise_parts(dataset: xr.Dataset, what: str) -> list[xr.Dataset]:
    """Normalise a dataset; one with a dim `expver` gives one for each version.

    Raises
    ------
    InputError
        As `normalise`.
    """
    if dataset.sizes.get("expver", 1) == 1:
        return [normalise(dataset, what)]
    versions = range(dataset.sizes["expver"])
    return [normalise(dataset.isel(expver=index), what) for index in versions]


def normalise(dataset: xr.Dataset, what: str) -> xr.Dataset:
    """Rename dims and coordinates to ours and check them; values stay unread.

    Parameters
    ----------
    dataset : Dataset
        With a time dim, or a forecast's start and step, and either two position dims
        (latitude or lat, longitude or lon) or one that both positions share.
    what : str
        Name of the input for messages.

    Raises
    ------
    InputError
        If times aren't standard-calendar dates, in order, each once, or it isn't
        clear which of them values belong to; if positions are missing, out of range
        or two-dimensional.
    """
    latitude = _choose_name(dataset, LATITUDE_NAMES, what)
    longitude = _choose_name(dataset, LONGITUDE_NAMES, what)
    marked = _mark_preliminary(dataset, what)
    single = [
        dim
        for dim, size in marked.sizes.items()
        if size == 1
        and dim not in (*TIME_DIMS, *POSITION_NAMES)
        and not _has_position(marked, dim)
    ]
    timed = check_times(add_validity(marked.squeeze(single, drop=True), what), what)
    ours = {latitude: "latitude", longitude: "longitude"}
    moved = {old: new for old, new in ours.items() if old != new}
    taken = [new for new in moved.values() if new in timed.variables]
    renamed = timed.drop_vars(taken).rename(moved)
    renamed = renamed.set_coords(["latitude", "longitude"])
    return _mark_preliminary_times(_assign_positions(renamed, what))


def _mark_preliminary(dataset: xr.Dataset, what: str) -> xr.Dataset:
    """Replace `expver` by the coordinate `preliminary`, true where it is 5."""
    if "expver" not in dataset.variables:
        return dataset
    versions = dataset["expver"]
    numbers = [_parse_version(item, what) for item in versions.to_numpy().ravel()]
    held = np.array(numbers).reshape(versions.shape) == PRELIMINARY_VERSION
    return dataset.drop_vars("expver").assign_coords(
        {PRELIMINARY: (versions.dims, held)}
    )


def _parse_version(item: object, what: str) -> int:
    text = item.decode() if isinstance(item, bytes) else str(item)
    try:
        return int(float(text))
    except ValueError:
        raise InputError(
            f"expver of forcing input {what}",
            found=repr(text),
            expected="a number: 1 for final values, 5 for preliminary ones",
        ) from None


def _mark_preliminary_times(dataset: xr.Dataset) -> xr.Dataset:
    """Give each validity time its own `preliminary`, (time) or (time, step)."""
    times = dataset[VALIDITY]
    if PRELIMINARY in dataset.variables:
        held = dataset[PRELIMINARY].broadcast_like(times).transpose(*times.dims)
        flags = held.to_numpy()
    else:
        flags = _mark_after_last_final(times.to_numpy(), dataset.attrs)
    return dataset.assign_coords({PRELIMINARY: (times.dims, flags)})


def _mark_after_last_final(
    times: NDArray[np.datetime64], attrs: dict[str, object]
) -> NDArray[np.bool_]:
    if LAST_FINAL not in attrs or LAST_PRELIMINARY not in attrs:
        return np.zeros(times.shape, dtype=bool)
    last = np.datetime64(str(attrs[LAST_FINAL])[:10], "D")
    return np.asarray(times.astype("datetime64[D]") > last)


def _has_position(dataset: xr.Dataset, dim: Hashable) -> bool:
    return any(
        name in dataset.variables and dim in dataset[name].dims
        for name in POSITION_NAMES
    )


def _choose_name(dataset: xr.Dataset, names: Sequence[str], what: str) -> str:
    for name in names:
        if name in dataset.variables:
            return name
    raise InputError(
        f"forcing input {what}",
        found=f"dims {', '.join(map(str, dataset.dims))}; "
        f"coordinates {', '.join(map(str, dataset.coords))}",
        expected=f"{' or '.join(names)} with values",
    )


def _assign_positions(dataset: xr.Dataset, what: str) -> xr.Dataset:
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
    placed = dataset.assign_coords(latitude=north, longitude=east)
    steps = np.diff(east)
    wraps = (steps < 0).any() and (steps > 0).any()
    return placed.sortby("longitude") if wraps else placed


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
