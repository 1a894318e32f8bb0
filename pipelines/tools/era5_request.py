"""What to download of ERA5 for some cells: nodes, boxes, bytes, and the request for it.

Boxes are few and hold little that isn't asked for: two are joined where the nodes that
this adds cost less than a request more.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.levels import weigh_levels
from somobench.pipelines.forcing.era5.variables import RAW, find_derivation
from somobench.schemas.recipe import PeriodParams, Recipe

SPACING = 0.25  # degrees between ERA5's nodes
NORTH, WEST = 90.0, -180.0
BLOCK = 20  # nodes; a box begins as what is needed of a block of this width
A_REQUEST = 400  # nodes that a request more is worth, a square of five degrees
HOURS, BYTES = 24, 4  # of a day; of a value, as float32
DATASET = "reanalysis-era5-single-levels"

Nodes = NDArray[np.int64]


class Box(NamedTuple):
    """A rectangle of nodes: first and last row from north, first and last column."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def nodes(self) -> int:
        """Number of nodes inside."""
        return (self.bottom - self.top + 1) * (self.right - self.left + 1)

    @property
    def area(self) -> list[float]:
        """North, west, south and east edge in degrees, in the data centre's order."""
        return [
            NORTH - self.top * SPACING,
            WEST + self.left * SPACING,
            NORTH - self.bottom * SPACING,
            WEST + self.right * SPACING,
        ]


def find_nodes(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64], resolution: float
) -> Nodes:
    """Return the nodes on and within the edges of cells, (N, 2): row and column, once.

    Parameters
    ----------
    latitude, longitude : (cell,) degrees, of centres
    resolution : float, degrees
    """
    half = resolution / 2 + 1e-9
    found: set[tuple[int, int]] = set()
    for north, east in zip(latitude.tolist(), longitude.tolist(), strict=True):
        rows = _range(NORTH - north - half, NORTH - north + half)
        columns = _range(east - WEST - half, east - WEST + half)
        found |= {(row, column) for row in rows for column in columns}
    return np.array(sorted(found), dtype=np.int64).reshape(-1, 2)


def _range(low: float, high: float) -> range:
    return range(int(np.ceil(low / SPACING)), int(np.floor(high / SPACING)) + 1)


def pack_boxes(nodes: Nodes) -> list[Box]:
    """Return few boxes that hold all nodes, from north to south.

    Those of each block are joined while a join saves more by one request less than it
    adds in nodes that nobody needs.
    """
    blocks: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for row, column in nodes.tolist():
        blocks.setdefault((row // BLOCK, column // BLOCK), []).append((row, column))
    boxes = [_surround(np.array(members)) for _, members in sorted(blocks.items())]
    while len(boxes) > 1:
        first, second, saved = _find_best_pair(np.array(boxes))
        if saved <= 0:
            break
        joined = _surround(
            np.array([*_corners(boxes[first]), *_corners(boxes[second])])
        )
        kept = [box for place, box in enumerate(boxes) if place not in {first, second}]
        boxes = [*kept, joined]
    return sorted(boxes)


def _surround(places: NDArray[np.int64]) -> Box:
    (top, left), (bottom, right) = places.min(axis=0), places.max(axis=0)
    return Box(int(top), int(left), int(bottom), int(right))


def _corners(box: Box) -> list[tuple[int, int]]:
    return [(box.top, box.left), (box.bottom, box.right)]


def _find_best_pair(boxes: NDArray[np.int64]) -> tuple[int, int, int]:
    """Return the two boxes whose join saves most, and what it saves in nodes."""
    low = np.minimum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.maximum(boxes[:, None, 2:], boxes[None, :, 2:])
    joined = (high - low + 1).prod(axis=2)
    own = (boxes[:, 2:] - boxes[:, :2] + 1).prod(axis=1)
    saved = own[:, None] + own[None, :] + A_REQUEST - joined
    np.fill_diagonal(saved, -1)
    first, second = np.unravel_index(int(saved.argmax()), saved.shape)
    return int(first), int(second), int(saved[first, second])


def list_variables(recipe: Recipe) -> list[str]:
    """Return what a recipe needs of ERA5, under the data centre's names."""
    short: list[str] = []
    if recipe.forcing.source == "era5":
        for name in recipe.forcing.variables:
            short += find_derivation(name, {}).raws
    if recipe.reference.source == "era5":
        for layer in recipe.layers:
            if layer.layer in recipe.reference.layers:
                short += weigh_levels(layer.depth_from_cm, layer.depth_to_cm).weights
    return list(dict.fromkeys(map(_name_in_full, short)))


def _name_in_full(short: str) -> str:
    """Return the data centre's name; names of GRIB have two letters."""
    return next(name for name in RAW[short].aliases if len(name) > len("2t"))


def list_summed(variables: Iterable[str]) -> list[str]:
    """Return those that are sums over an hour, which ends at their time."""
    summed = {a for raw in RAW.values() if raw.accumulated for a in raw.aliases}
    return [name for name in variables if name in summed]


def measure_years(
    period: PeriodParams, nodes: int, variables: int
) -> list[dict[str, int]]:
    """Return days and bytes (float32, unpacked) of each year."""
    rows = []
    for year in range(period.start.year, period.end.year + 1):
        first = max(period.start, dt.date(year, 1, 1))
        last = min(period.end, dt.date(year, 12, 31))
        days = (last - first).days + 1
        size = days * HOURS * nodes * variables * BYTES
        rows.append({"year": year, "days": days, "bytes": size})
    return rows


def make_request(
    box: Box, variables: Sequence[str], year: int, period: PeriodParams
) -> dict[str, Any]:
    """Return the request of a box and year, as the data centre's API takes it."""
    inside = [
        month
        for month in range(1, 13)
        if (period.start.year, period.start.month) <= (year, month)
        and (year, month) <= (period.end.year, period.end.month)
    ]
    return {
        "product_type": ["reanalysis"],
        "variable": [*variables],
        "year": [str(year)],
        "month": [f"{month:02d}" for month in inside],
        "day": [f"{day:02d}" for day in range(1, 32)],
        "time": [f"{hour:02d}:00" for hour in range(HOURS)],
        "area": box.area,
        "data_format": "netcdf",
        "download_format": "unarchived",
    }


def make_last_request(
    box: Box, variables: Sequence[str], period: PeriodParams
) -> dict[str, Any] | None:
    """Return the request of the hour that closes the last day's sums, if there are."""
    summed = list_summed(variables)
    if not summed:
        return None
    after = period.end + dt.timedelta(days=1)
    return make_request(box, summed, after.year, period) | {
        "month": [f"{after.month:02d}"],
        "day": [f"{after.day:02d}"],
        "time": ["00:00"],
    }
