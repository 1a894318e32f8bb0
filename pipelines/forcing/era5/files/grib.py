"""GRIB files read with eccodes: one pass over the headers, then values as wanted.

Every message's place in the file is kept; a block of values then costs the decoding of
its own messages.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from somobench.pipelines.forcing.era5.files.grib_headers import Header, read_headers
from somobench.schemas.errors import InputError

Floats = NDArray[np.float64]

MISSING = 1e34  # stands for absent values of a message while it is decoded
AXIS_KEYS = (
    *("gridType", "Ni", "Nj", "jPointsAreConsecutive", "alternativeRowScanning"),
    *("latitudeOfFirstGridPointInDegrees", "latitudeOfLastGridPointInDegrees"),
    *("longitudeOfFirstGridPointInDegrees", "longitudeOfLastGridPointInDegrees"),
)


def open_grib(path: Path, what: str) -> list[xr.Dataset]:
    """Open a GRIB file lazily.

    Parameters
    ----------
    path : Path
        GRIB of edition 1 or 2, on regular latitudes and longitudes.
    what : str
        Name of the input for messages.

    Returns
    -------
    list of Dataset
        One for each grid, version (expver) and set of validity times; dims
        valid_time, latitude, longitude. A value within its message's packing error of
        zero is zero.

    Raises
    ------
    InputError
        If eccodes isn't installed, the file is cut short, messages lie on another
        kind of grid, of one hour there are two, or of several ensemble members.
    """
    if find_spec("eccodes") is None:
        raise InputError(
            f"forcing input {what}",
            found="a GRIB file, but the package eccodes isn't installed",
            hint="pip install 'somobench[grib]', or convert the file to netCDF",
        )
    eccodes = import_module("eccodes")
    try:
        groups = _group_messages(read_headers(eccodes, path, what), what)
        return [_build_dataset(eccodes, path, group, what) for group in groups]
    except eccodes.CodesInternalError as error:
        raise InputError(
            f"forcing input {what}",
            found=f"eccodes: {error}",
            expected="a whole GRIB file",
            hint="get the file again",
        ) from error


def _group_messages(
    headers: Iterator[Header], what: str
) -> list[dict[str, list[Header]]]:
    """Sort messages by time and group variables that share grid, version and times."""
    series: dict[tuple[str, str, str], list[Header]] = defaultdict(list)
    members = set()
    for header in headers:
        kind = header.kind
        series[kind.grid, kind.version, kind.name].append(header)
        members.add(kind.member)
    if len(members) > 1:
        raise InputError(
            f"forcing input {what}",
            found=f"ensemble members {', '.join(map(str, sorted(members)))}",
            expected="one member",
            hint="grib_copy -w number=0",
        )
    groups: dict[Any, dict[str, list[Header]]] = defaultdict(dict)
    for (grid, version, name), messages in series.items():
        messages.sort(key=lambda item: item.time)
        times = tuple(item.time for item in messages)
        groups[grid, version, times][name] = messages
    return list(groups.values())


def _build_dataset(
    eccodes: Any, path: Path, group: dict[str, list[Header]], what: str
) -> xr.Dataset:
    first = next(iter(group.values()))
    latitude, longitude = _build_axes(eccodes, path, first[0], what)
    dims = ("valid_time", "latitude", "longitude")
    arrays = {
        name: xr.Variable(
            dims,
            indexing.LazilyIndexedArray(
                _Messages(eccodes, path, messages, (len(latitude), len(longitude)))
            ),
            {"units": messages[0].kind.units},
            {"chunksizes": (1, len(latitude), len(longitude))},
        )
        for name, messages in group.items()
    }
    coords = {
        "valid_time": np.array([item.time for item in first]),
        "latitude": latitude,
        "longitude": longitude,
        "expver": first[0].kind.version or "0001",
    }
    return xr.Dataset(arrays, coords)


def _build_axes(
    eccodes: Any, path: Path, header: Header, what: str
) -> tuple[Floats, Floats]:
    message = _read_message(eccodes, path, header)
    try:
        held = {
            key: eccodes.codes_get(message, key)
            for key in AXIS_KEYS
            if eccodes.codes_is_defined(message, key)
        }
    finally:
        eccodes.codes_release(message)
    turned = held.get("jPointsAreConsecutive") or held.get("alternativeRowScanning")
    if held["gridType"] != "regular_ll" or turned:
        raise InputError(
            f"grid of forcing input {what}",
            found=held["gridType"] + (" along columns" if turned else ""),
            expected="regular_ll, along rows",
            hint="ask for a grid of latitudes and longitudes, or convert the file "
            "with cdo or grib_filter",
        )
    south_north, west_east = (
        (
            held[f"{name}OfFirstGridPointInDegrees"],
            held[f"{name}OfLastGridPointInDegrees"],
        )
        for name in ("latitude", "longitude")
    )
    east = west_east[1] + (360.0 if west_east[1] < west_east[0] else 0.0)
    return (
        np.linspace(*south_north, held["Nj"]),
        np.linspace(west_east[0], east, held["Ni"]) % 360.0,
    )


def _read_message(eccodes: Any, path: Path, header: Header) -> Any:
    with path.open("rb") as file:
        file.seek(header.offset)
        return eccodes.codes_new_from_message(file.read(header.size))


class _Messages(BackendArray):
    """The messages of a variable as an array (time, latitude, longitude)."""

    def __init__(
        self, eccodes: Any, path: Path, headers: list[Header], rows: tuple[int, int]
    ) -> None:
        self._eccodes = eccodes
        self._path = path
        self._headers = headers
        self.shape = (len(headers), *rows)
        self.dtype = np.dtype(np.float64)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._read
        )

    def _read(self, key: tuple[Any, ...]) -> Floats:
        wanted = np.atleast_1d(np.arange(self.shape[0])[key[0]])
        fields = np.stack([self._field(int(index), key[1:]) for index in wanted])
        return fields[0] if isinstance(key[0], (int, np.integer)) else fields

    def _field(self, index: int, place: tuple[Any, ...]) -> Floats:
        try:
            values = self._decode_values(
                _read_message(self._eccodes, self._path, self._headers[index])
            )
        except self._eccodes.CodesInternalError as error:
            message = f"eccodes: {error}"
            raise OSError(message) from error
        return np.asarray(values[place[0]][..., place[1]])

    def _decode_values(self, message: Any) -> Floats:
        try:
            self._eccodes.codes_set(message, "missingValue", MISSING)
            values = self._eccodes.codes_get_values(message).reshape(self.shape[1:])
            error = self._eccodes.codes_get(message, "packingError")
        finally:
            self._eccodes.codes_release(message)
        values[values == MISSING] = np.nan
        values[np.abs(values) <= error] = 0.0
        return np.asarray(values)
