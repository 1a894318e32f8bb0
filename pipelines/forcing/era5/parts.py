"""A variable in one file: where it lies, in which unit, and how to load some of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.files.layout import PRELIMINARY
from somobench.pipelines.forcing.era5.files.validity import VALIDITY, list_times
from somobench.pipelines.forcing.era5.units import Conversion, find_conversion
from somobench.pipelines.forcing.era5.variables import Delivery, RawVariable
from somobench.schemas.errors import InputError

TILE = 64  # nodes along a side where a store names no chunks
HALF_STEP = 0.5 + 1e-6  # of packing; the excess allows for the rounding of offsets

SINGLE_PRECISION = 1e-6  # relative difference of equal values, one in float32
DEFAULT_FILLS = {
    "i1": -127,
    "i2": -32767,
    "i4": -2147483647,
    "u1": 255,
    "u2": 65535,
    "u4": 4294967295,
}
"""By type: what netCDF stores where nothing was written (NC_FILL_SHORT and others)."""

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Rectangle:
    """The part of a grid to load for some of its nodes; columns are 0..1 for points."""

    rows: slice
    columns: slice
    inside: Indices
    """Numbers of the wanted nodes within the rectangle, along its rows."""
    members: Indices
    """Which of all wanted nodes those are."""

    @property
    def size(self) -> int:
        """Values that one time step has."""
        height = self.rows.stop - self.rows.start
        return int(height * (self.columns.stop - self.columns.start))


@dataclass(frozen=True)
class Part:
    """A variable in one file."""

    file: str
    array: xr.DataArray
    times: NDArray[np.datetime64]
    """Validity times, in the order of values along time and step."""
    preliminary: NDArray[np.bool_]
    """By time: whether the file calls its values preliminary."""
    chunk: tuple[int, int, int]
    """Time steps, rows and columns that the store keeps together."""
    unit: Conversion
    """To ERA5's unit."""
    units: str | None
    """As the file or the recipe says."""
    packing: float
    """Between neighbouring values of a variable stored as integers, else 0."""
    missing: tuple[float, ...] = ()
    """Values that the file declares as missing, as they are stored."""

    def load(self, first: int, last: int, rectangle: Rectangle) -> Floats:
        """Load time positions [first, last) of a rectangle's nodes, in ERA5's unit.

        A packed value within half a step of zero is zero; one that equals a declared
        missing value in single precision is missing.

        Raises
        ------
        InputError
            If values can't be read, or a packed variable declares no missing value and
            has netCDF's own.
        """
        steps = self.array.sizes.get("step", 1)
        begin = first // steps
        starts = {"time": slice(begin, -(-last // steps))}
        part = self.array.isel(starts | _slice_box(self.array, rectangle))
        block = part.transpose("time", *_list_inner_dims(self.array))
        loaded = self._read_values(block).reshape(-1, rectangle.size)
        wanted = slice(first - begin * steps, last - begin * steps)
        values = loaded[wanted, rectangle.inside].astype(np.float64)
        if self.packing:
            self._refuse_undeclared_fill(values)
            values[np.abs(values) <= self.packing * HALF_STEP] = 0.0
        for fill in () if self.packing else self.missing:
            values[np.abs(values - fill) <= SINGLE_PRECISION * abs(fill)] = np.nan
        return np.asarray(values * self.unit.factor + self.unit.offset)

    def _read_values(self, block: xr.DataArray) -> NDArray[Any]:
        try:
            return np.asarray(block.to_numpy())
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            times = block[VALIDITY].to_numpy().ravel()
            raise InputError(
                f"{block.name} in forcing input {self.file}",
                found=f"{type(error).__name__}: {error}",
                expected=f"values of {times[0]} to {times[-1]} that can be read",
                hint="the file is damaged: get it again",
            ) from error

    def _refuse_undeclared_fill(self, values: Floats) -> None:
        """Refuse values at the place of netCDF's fill value where none is declared."""
        encoding = self.array.encoding
        default = DEFAULT_FILLS.get(np.dtype(encoding["dtype"]).str[1:])
        if self.missing or default is None:
            return
        place = default * encoding["scale_factor"] + encoding.get("add_offset", 0.0)
        bad = np.abs(values - place) <= self.packing * HALF_STEP
        if bad.any():
            name = self.array.name
            raise InputError(
                f"{name} in forcing input {self.file}",
                found=f"no _FillValue, and {int(bad.sum())} values in this block "
                f"stored as {default}, which netCDF keeps for missing ones",
                expected="_FillValue",
                hint=f"ncatted -a _FillValue,{name},c,s,{default} if they are missing; "
                "else with a number that no value has",
            )


def _list_inner_dims(array: xr.DataArray) -> tuple[str, ...]:
    step = ("step",) if "step" in array.dims else ()
    return (*step, *_place_dims(array))


def _place_dims(array: xr.DataArray) -> tuple[str, ...]:
    return ("location",) if "location" in array.dims else ("latitude", "longitude")


def _slice_box(array: xr.DataArray, rectangle: Rectangle) -> dict[str, slice]:
    slices = (rectangle.rows, rectangle.columns)
    return dict(zip(_place_dims(array), slices, strict=False))


def describe_part(
    file: str, array: xr.DataArray, raw: RawVariable, delivery: Delivery
) -> Part:
    """Describe a variable of a normalised store.

    Raises
    ------
    InputError
        If it has other dims than time and place, or a unit that can't become ERA5's.
    """
    place = _place_dims(array)
    if set(array.dims) - {"step"} != {"time", *place}:
        raise InputError(
            f"{array.name} in forcing input {file}",
            found=f"dims {', '.join(map(str, array.dims))}",
            expected=f"dims time, {', '.join(place)}",
            hint="select one member or level before",
        )
    units = delivery.get_unit(raw) or array.attrs.get("units")
    return Part(
        file=file,
        array=array,
        times=list_times(array),
        preliminary=array[PRELIMINARY].to_numpy().ravel(),
        chunk=_measure_chunk(array, place),
        unit=_find_conversion(file, array, raw, delivery),
        units=None if units is None else str(units),
        packing=find_packing_step(array),
        missing=_list_missing_values(array),
    )


def _list_missing_values(array: xr.DataArray) -> tuple[float, ...]:
    declared = (
        (array.encoding | array.attrs).get(key)
        for key in ("_FillValue", "missing_value")
    )
    numbers = [
        np.ravel(item).astype(np.float64) for item in declared if item is not None
    ]
    return tuple(float(item) for part in numbers for item in part if np.isfinite(item))


def find_packing_step(array: xr.DataArray) -> float:
    """Return the step between values that a file stores as integers; 0 of others."""
    stored = np.dtype(array.encoding.get("dtype", array.dtype))
    scale = array.encoding.get("scale_factor")
    return abs(float(scale)) if scale is not None and stored.kind in "iu" else 0.0


def _find_conversion(
    file: str, array: xr.DataArray, raw: RawVariable, delivery: Delivery
) -> Conversion:
    units = delivery.get_unit(raw) or array.attrs.get("units")
    if units is None:
        return Conversion()
    found = find_conversion(str(units), raw.units, delivery.get_seconds(raw))
    if found is None:
        is_rate = find_conversion(str(units), raw.units, 1.0) is not None
        raise InputError(
            f"unit of {array.name} in forcing input {file}",
            found=str(units),
            expected=f"{raw.units}, or a unit that becomes it"
            + (", and no rate with accumulation: since_00_utc" if is_rate else ""),
            hint=f"if the file is wrong, give forcing.units of the recipe: "
            f"{{{raw.name}: ...}}",
        )
    return found


def _measure_chunk(array: xr.DataArray, place: tuple[str, ...]) -> tuple[int, int, int]:
    chunks = array.encoding.get("chunks") or array.encoding.get("chunksizes")
    if not chunks or len(chunks) != array.ndim:
        return 1, TILE, TILE
    lengths = dict(zip(array.dims, chunks, strict=True))
    steps = array.sizes.get("step", 1)
    return int(lengths["time"]) * steps, int(lengths[place[0]]), int(lengths[place[-1]])
