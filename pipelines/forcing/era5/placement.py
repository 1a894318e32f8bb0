"""Which nodes of which inputs make up each cell, and daily values brought there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.blocks import count_chunk_bytes, read_days
from somobench.pipelines.forcing.era5.daily import DayRule
from somobench.pipelines.forcing.era5.fields import Box
from somobench.pipelines.forcing.era5.nodes import (
    NodeSet,
    average_nodes,
    check_registration,
    find_exact_nodes,
    find_nearest_nodes,
    place_corners,
)
from somobench.pipelines.forcing.era5.variables import RAW, Delivery, Derivation
from somobench.schemas.errors import UsageError
from somobench.schemas.recipe import ForcingParams

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

POSSIBLE = {
    "node": ("corner_mean", "nearest"),
    "cell": ("none", "nearest"),
    "points": ("corner_mean", "none", "nearest"),
}


def check_remapping(params: ForcingParams) -> None:
    """Refuse a remapping that would shift the grid by half a cell.

    Raises
    ------
    UsageError
        If registration and remapping of the recipe exclude each other.
    """
    if params.remapping not in POSSIBLE[params.registration]:
        raise UsageError(
            "forcing.remapping of the recipe",
            found=f"{params.remapping} with registration: {params.registration}",
            expected=f"one of {', '.join(POSSIBLE[params.registration])}",
        )


class AtNodes(NamedTuple):
    """A variable by day at all nodes that are used."""

    values: Floats
    """(day, node)"""
    preliminary: NDArray[np.datetime64]
    """Days that a preliminary value went into."""
    read: dict[str, dict[str, object]]
    """By variable of ERA5: under which name and in which unit files hold it."""


@dataclass(frozen=True)
class Placement:
    """The nodes of every cell.

    `nodes` is (cell, K) and numbers the nodes of all boxes one after the other,
    `wanted` says by box which of its own nodes those are; -1 is an absent node.
    """

    boxes: tuple[Box, ...]
    wanted: tuple[Indices, ...]
    nodes: Indices

    @property
    def used(self) -> list[tuple[Box, Indices]]:
        """The boxes that some cell needs."""
        pairs = zip(self.boxes, self.wanted, strict=True)
        return [(box, wanted) for box, wanted in pairs if len(wanted)]

    def daily(
        self,
        derivation: Derivation,
        delivery: Delivery,
        days: NDArray[np.datetime64],
        rule: DayRule,
    ) -> AtNodes:
        """Give a variable by day at all nodes."""
        pieces = [np.empty((len(days), 0))]
        preliminary = np.zeros(len(days), dtype=bool)
        read: dict[str, dict[str, object]] = {}
        for box, wanted in self.used:
            fields = [box.field(RAW[raw], delivery) for raw in derivation.raws]
            said = delivery.accumulation if delivery.frequency == "hourly" else None
            values, flags = read_days(
                derivation, fields, (box.nodes, wanted), days, rule, accumulation=said
            )
            pieces.append(values)
            preliminary |= flags
            read |= {field.raw.name: field.described() for field in fields}
        return AtNodes(np.concatenate(pieces, axis=1), days[preliminary], read)

    def count_bytes(
        self, raws: Sequence[str], delivery: Delivery, days: NDArray[np.datetime64]
    ) -> int:
        """Count the bytes of the chunks, unpacked, that some days of variables need."""
        return sum(
            count_chunk_bytes(box.field(RAW[raw], delivery), (box.nodes, wanted), days)
            for box, wanted in self.used
            for raw in raws
        )

    def holds(self, raw: str, delivery: Delivery) -> bool:
        """Tell whether every box that is used has a variable of ERA5."""
        return all(box.holds(raw, delivery) for box, _ in self.used)

    def to_cells(self, values: Floats) -> tuple[Floats, NDArray[np.int8]]:
        """Bring (day, node) values to cells: (cell, day), and nodes averaged."""
        means, count = average_nodes(values, self.nodes)
        return np.ascontiguousarray(means.T), count

    def report(self) -> list[dict[str, Any]]:
        """Say by box which files it has and how many of its nodes are used."""
        return [
            {
                "files": [name for name, _ in box.stores],
                "latitude": _round_extent(box.nodes.latitude),
                "longitude": _round_extent(box.nodes.longitude),
                "nodes_used": len(wanted),
            }
            for box, wanted in zip(self.boxes, self.wanted, strict=True)
        ]


def _round_extent(axis: Floats) -> list[float]:
    return [round(float(axis.min()), 6), round(float(axis.max()), 6)]


def place_cells(
    boxes: Sequence[Box], cells: pd.DataFrame, params: ForcingParams, resolution: float
) -> Placement:
    """Find the nodes of each cell; where boxes overlap, the first one gives them.

    Raises
    ------
    InputError
        If a box isn't registered as the recipe says.
    """
    latitude = cells["latitude"].to_numpy(np.float64)
    longitude = cells["longitude"].to_numpy(np.float64)
    for box in boxes:
        check_registration(box.nodes, params.registration, resolution, box.what)
    chosen = np.full((len(cells), _count_nodes_per_cell(params)), -1)
    numbers = chosen.copy()
    for index, box in enumerate(boxes):
        found = _find(box.nodes, latitude, longitude, params, resolution)
        new = (chosen < 0) & (found >= 0)
        chosen[new], numbers[new] = index, found[new]
    return _make_placement(boxes, chosen, numbers)


def _count_nodes_per_cell(params: ForcingParams) -> int:
    return 4 if params.remapping == "corner_mean" else 1


def _find(
    nodes: NodeSet,
    latitude: Floats,
    longitude: Floats,
    params: ForcingParams,
    resolution: float,
) -> Indices:
    if params.remapping == "corner_mean":
        return find_exact_nodes(nodes, *place_corners(latitude, longitude, resolution))
    centres = latitude[:, np.newaxis], longitude[:, np.newaxis]
    if params.remapping == "nearest":
        return find_nearest_nodes(nodes, *centres, resolution)
    return find_exact_nodes(nodes, *centres)


def _make_placement(
    boxes: Sequence[Box], chosen: Indices, numbers: Indices
) -> Placement:
    wanted, joint, before = [], np.full(chosen.shape, -1), 0
    for index in range(len(boxes)):
        inside = chosen == index
        distinct, position = np.unique(numbers[inside], return_inverse=True)
        joint[inside] = position + before
        wanted.append(distinct)
        before += len(distinct)
    return Placement(tuple(boxes), tuple(wanted), joint)
