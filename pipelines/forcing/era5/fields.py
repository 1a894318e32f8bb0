"""Variables of opened inputs, put together over files.

Files that share their positions form a box: they may divide its period or its
variables among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.files.times import check_steps
from somobench.pipelines.forcing.era5.nodes import NodeSet, share_positions
from somobench.pipelines.forcing.era5.parts import (
    SINGLE_PRECISION,
    Part,
    Rectangle,
    describe_part,
)
from somobench.pipelines.forcing.era5.variables import RAW, Delivery, RawVariable
from somobench.schemas.errors import InputError

SHOWN = 4  # files named in a message

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Field:
    """A variable of ERA5 on one box over all its files.

    Files may overlap in time. A final value goes before a preliminary one, and what
    one file lacks is taken from another.
    """

    raw: RawVariable
    parts: tuple[Part, ...]
    times: NDArray[np.datetime64]
    """Of all files, increasing, each once."""

    def read(
        self, start: int, stop: int, rectangle: Rectangle
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Load time positions [start, stop) of a rectangle's nodes.

        Returns
        -------
        tuple of arrays
            (time, node) values in ERA5's unit, and by time and node whether the value
            is preliminary.

        Raises
        ------
        InputError
            If a value isn't one that the variable can have, or two files differ in
            one.
        """
        wanted = self.times[start:stop]
        values = np.full((len(wanted), len(rectangle.inside)), np.nan)
        preliminary = np.zeros(values.shape, dtype=bool)
        holders: list[Part] = []
        for part in self.parts:
            first = int(np.searchsorted(part.times, wanted[0], "left"))
            last = int(np.searchsorted(part.times, wanted[-1], "right"))
            if first >= last:
                continue
            loaded = part.load(first, last, rectangle)
            self._refuse_impossible(part, loaded, first)
            at = np.searchsorted(wanted, part.times[first:last])
            flags = part.preliminary[first:last, np.newaxis]
            equal_rank = preliminary[at] == flags
            self._refuse_conflict(
                part, holders, np.where(equal_rank, values[at], np.nan), loaded, first
            )
            new = np.isfinite(loaded) & (
                np.isnan(values[at]) | (preliminary[at] & ~flags)
            )
            values[at] = np.where(new, loaded, values[at])
            preliminary[at] = np.where(new, flags, preliminary[at])
            holders.append(part)
        return values, preliminary

    def find_chunk_end(self, stop: int) -> int:
        """Return the first time position behind the chunks that hold `stop - 1`."""
        last, ends = self.times[stop - 1], [stop]
        for part in self.parts:
            place = int(np.searchsorted(part.times, last))
            if place < len(part.times) and part.times[place] == last:
                behind = (place // part.chunk[0] + 1) * part.chunk[0]
                final = part.times[min(behind, len(part.times)) - 1]
                ends.append(int(np.searchsorted(self.times, final)) + 1)
        return max(ends)

    def described(self) -> dict[str, object]:
        """Say under which names and in which units files hold it."""
        units = {part.units or f"{self.raw.units} (assumed)" for part in self.parts}
        return {
            "named": sorted({str(part.array.name) for part in self.parts}),
            "units": sorted(units),
        }

    def _refuse_impossible(self, part: Part, values: Floats, first: int) -> None:
        slack = part.packing * abs(part.unit.factor)
        bad = values < self.raw.minimum - slack
        bad |= values > self.raw.maximum + slack
        if bad.any():
            when = part.times[first + int(np.argwhere(bad)[0][0])]
            raise InputError(
                f"{self.raw.name} in forcing input {part.file}",
                found=f"{values[bad][0]:g} at {when} ({int(bad.sum())} in this block)",
                expected=f"{self.raw.minimum:g} to {self.raw.maximum:g} "
                f"{self.raw.units}",
                hint="a wrong unit (give the right one in forcing.units of the "
                "recipe), a scale factor applied twice, or a fill value that isn't "
                "declared as _FillValue",
            )

    def _refuse_conflict(
        self,
        part: Part,
        holders: Sequence[Part],
        held: Floats,
        loaded: Floats,
        first: int,
    ) -> None:
        slack = sum(item.packing * abs(item.unit.factor) for item in (part, *holders))
        bad = np.abs(loaded - held) > slack + SINGLE_PRECISION * np.abs(held)
        if bad.any():
            when = part.times[first + int(np.argwhere(bad)[0][0])]
            others = ", ".join(item.file for item in holders if when in item.times)
            raise InputError(
                f"{self.raw.name} in forcing inputs {others} and {part.file}",
                found=f"{held[bad][0]:g} and {loaded[bad][0]:g} at {when} "
                f"({int(bad.sum())} in this block)",
                expected="the same value where files overlap",
                hint="remove the file that is wrong or older",
            )


@dataclass(frozen=True)
class Box:
    """Inputs on one set of positions."""

    nodes: NodeSet
    stores: tuple[tuple[str, xr.Dataset], ...]

    @property
    def what(self) -> str:
        """The names of its first files."""
        return _format_names(name for name, _ in self.stores)

    def holds(self, raw: str, delivery: Delivery) -> bool:
        """Tell whether any file holds a variable of ERA5."""
        names = delivery.get_names(RAW[raw])
        return any(name in store for name in names for _, store in self.stores)

    def field(self, raw: RawVariable, delivery: Delivery) -> Field:
        """Find a variable under one of its names and put its files in order.

        Raises
        ------
        InputError
            If no file has it, or its unit, dims or time step differ from what is
            expected.
        """
        names = delivery.get_names(raw)
        parts = sorted(
            (
                describe_part(file, store[name], raw, delivery)
                for file, store in self.stores
                for name in [next((item for item in names if item in store), None)]
                if name is not None
            ),
            key=_get_first_time,
        )
        if not parts:
            held = sorted({str(name) for _, store in self.stores for name in store})
            raise InputError(
                f"forcing input {self.what}",
                found=f"variables {', '.join(held)}",
                expected=f"{raw.name}, named {' or '.join(names)}",
                hint="name it in forcing.names of the recipe",
            )
        times = np.unique(np.concatenate([part.times for part in parts]))
        files = _format_names(part.file for part in parts)
        check_steps(times, delivery.frequency, f"{raw.name} in forcing inputs {files}")
        return Field(raw, tuple(parts), times)


def _format_names(names: Iterable[str]) -> str:
    distinct = list(dict.fromkeys(names))
    more = f" and {len(distinct) - SHOWN} more" if len(distinct) > SHOWN else ""
    return ", ".join(distinct[:SHOWN]) + more


def _get_first_time(part: Part) -> np.datetime64:
    return part.times[0] if len(part.times) else np.datetime64("NaT")


def group_boxes(opened: Sequence[tuple[str, xr.Dataset]]) -> list[Box]:
    """Group opened inputs by equal positions, in the order they first appear."""
    boxes: list[Box] = []
    for name, store in opened:
        nodes = _read_nodes(store)
        for index, box in enumerate(boxes):
            if share_positions(box.nodes, nodes):
                boxes[index] = Box(box.nodes, (*box.stores, (name, store)))
                break
        else:
            boxes.append(Box(nodes, ((name, store),)))
    return boxes


def _read_nodes(store: xr.Dataset) -> NodeSet:
    return NodeSet(
        store["latitude"].to_numpy(),
        store["longitude"].to_numpy(),
        is_grid="location" not in store.dims,
    )
