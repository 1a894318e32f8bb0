"""Variables of opened inputs, put together over files.

Files that share their positions form a box: they may divide its period or its
variables among them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import Frequency
from somobench.pipelines.forcing.era5.nodes import NodeSet, same_positions
from somobench.pipelines.forcing.era5.times import check_steps
from somobench.pipelines.forcing.era5.variables import RawVariable, same_units
from somobench.schemas.errors import InputError

TILE = 64  # nodes along a side where a store names no chunks

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
    chunk: tuple[int, int, int]
    """Time steps, rows and columns that the store keeps together."""


@dataclass(frozen=True)
class Field:
    """A variable of ERA5 on one box over all its files."""

    raw: RawVariable
    parts: tuple[Part, ...]
    times: NDArray[np.datetime64]

    def read(self, start: int, stop: int, rectangle: Rectangle) -> Floats:
        """Load time positions [start, stop) of a rectangle's nodes, (time, node).

        Raises
        ------
        InputError
            If a value isn't one that the variable can have.
        """
        pieces, before = [], 0
        for part in self.parts:
            size = part.array.sizes["time"]
            first, last = max(start - before, 0), min(stop - before, size)
            if first < last:
                pieces.append(self._load(part, slice(first, last), rectangle))
            before += size
        return np.concatenate(pieces)

    def _load(self, part: Part, steps: slice, rectangle: Rectangle) -> Floats:
        box = {"latitude": rectangle.rows, "longitude": rectangle.columns}
        if "location" in part.array.dims:
            box = {"location": rectangle.rows}
        block = part.array.isel({"time": steps, **box}).transpose("time", *box)
        loaded = block.to_numpy().reshape(block.sizes["time"], -1)
        values = loaded[:, rectangle.inside].astype(np.float64)
        bad = (values < self.raw.minimum) | (values > self.raw.maximum)
        if bad.any():
            where = int(np.argwhere(bad)[0][0])
            raise self._impossible(part.file, values[bad], block["time"][where])
        return values

    def _impossible(self, file: str, values: Floats, time: xr.DataArray) -> InputError:
        return InputError(
            f"{self.raw.name} in forcing input {file}",
            found=f"{values[0]:g} at {time.to_numpy()} ({len(values)} in this block)",
            expected=f"{self.raw.minimum:g} to {self.raw.maximum:g} "
            f"{self.raw.units[0]}",
            hint="a wrong unit, a scale factor applied twice, or a fill value that "
            "isn't declared as _FillValue",
        )


@dataclass(frozen=True)
class Box:
    """Inputs on one set of positions."""

    nodes: NodeSet
    stores: tuple[tuple[str, xr.Dataset], ...]

    @property
    def what(self) -> str:
        """The names of its files."""
        return ", ".join(name for name, _ in self.stores)

    def has(self, names: Sequence[str]) -> bool:
        """Tell whether any file holds a variable under one of the names."""
        return any(name in store for name in names for _, store in self.stores)

    def field(
        self, raw: RawVariable, names: Sequence[str], frequency: Frequency
    ) -> Field:
        """Find a variable under one of its names and put its files in order.

        Raises
        ------
        InputError
            If no file has it, its unit, dims or time step differ from what is
            expected, or files overlap in time.
        """
        parts = sorted(
            (
                _part(file, store[name], raw)
                for file, store in self.stores
                for name in [next((item for item in names if item in store), None)]
                if name is not None
            ),
            key=_first_time,
        )
        if not parts:
            raise InputError(
                f"forcing input {self.what}",
                found=f"variables {', '.join(map(str, self.stores[0][1].data_vars))}",
                expected=f"{raw.name}, named {' or '.join(names)}",
                hint="name it in forcing.names of the recipe",
            )
        times = np.concatenate([part.array["time"].to_numpy() for part in parts])
        files = ", ".join(part.file for part in parts)
        check_steps(times, frequency, f"{raw.name} in forcing inputs {files}")
        return Field(raw, tuple(parts), times)


def _first_time(part: Part) -> np.datetime64:
    times = part.array["time"].to_numpy()
    return times[0] if len(times) else np.datetime64("NaT")


def _part(file: str, array: xr.DataArray, raw: RawVariable) -> Part:
    place = ("location",) if "location" in array.dims else ("latitude", "longitude")
    if set(array.dims) != {"time", *place}:
        raise InputError(
            f"{array.name} in forcing input {file}",
            found=f"dims {', '.join(map(str, array.dims))}",
            expected=f"dims time, {', '.join(place)}",
            hint="select one member, or merge expver before",
        )
    units = array.attrs.get("units")
    if units is not None and not same_units(str(units), raw):
        raise InputError(
            f"unit of {array.name} in forcing input {file}",
            found=str(units),
            expected=" or ".join(raw.units),
            hint="convert the values and the attribute",
        )
    return Part(file, array, _chunk(array, place))


def _chunk(array: xr.DataArray, place: tuple[str, ...]) -> tuple[int, int, int]:
    chunks = array.encoding.get("chunks") or array.encoding.get("chunksizes")
    if not chunks or len(chunks) != array.ndim:
        return 1, TILE, TILE
    lengths = dict(zip(array.dims, chunks, strict=True))
    return int(lengths["time"]), int(lengths[place[0]]), int(lengths[place[-1]])


def boxes_of(opened: Sequence[tuple[str, xr.Dataset]]) -> list[Box]:
    """Group opened inputs by equal positions, in the order they first appear."""
    boxes: list[Box] = []
    for name, store in opened:
        nodes = _nodes(store)
        for index, box in enumerate(boxes):
            if same_positions(box.nodes, nodes):
                boxes[index] = Box(box.nodes, (*box.stores, (name, store)))
                break
        else:
            boxes.append(Box(nodes, ((name, store),)))
    return boxes


def _nodes(store: xr.Dataset) -> NodeSet:
    return NodeSet(
        store["latitude"].to_numpy(),
        store["longitude"].to_numpy(),
        is_grid="location" not in store.dims,
    )
