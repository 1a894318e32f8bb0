"""Which nodes of a file stand for a cell, how far away they are, and their weights."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.submissions.gridded.places import Places
from somobench.submissions.gridded.request import Wanted

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

EARTH_RADIUS = 6371.0  # km, mean radius of the Earth (IUGG)
CANDIDATES = 4  # nodes around a cell that are looked at
ENOUGH = 0.5  # of the weight of corners that have values, such as at a coast
_AT_ONCE = 1_000_000  # pairs of a node and a cell that are compared together


class Nodes(NamedTuple):
    """Nodes of each cell, -1 where there is none within reach.

    The nearest one comes first, of the corners for bilinear interpolation that of the
    lower neighbours on both axes.

    `number` counts the nodes of a file along its dims, `weight` is that of bilinear
    interpolation and 1 for the nearest node, `distance` is in km: (cell, K).
    """

    number: Indices
    weight: Floats
    distance: Floats
    reach: float

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Mark cells that have a node."""
        return np.asarray((self.number >= 0).any(axis=1))


def measure_distance(
    latitude: Floats, longitude: Floats, other_north: Floats, other_east: Floats
) -> Floats:
    """Return the great-circle distance between positions in degrees, km.

    Notes
    -----
    The haversine formula, which is exact for small distances too.

    Examples
    --------
    >>> one = np.array([0.0])
    >>> float(measure_distance(one, one, one, one + 90.0)[0].round(1))
    10007.5
    """
    north, other = np.radians(latitude), np.radians(other_north)
    east = np.radians(longitude - other_east)
    chord = np.sin((north - other) / 2) ** 2
    chord = chord + np.cos(north) * np.cos(other) * np.sin(east / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(chord, 0, 1))))


def find_nodes(places: Places, wanted: Wanted) -> Nodes:
    """Find the nodes of every cell.

    Raises
    ------
    InputError
        If no cell has one within reach, with how far the nearest is; or for bilinear
        interpolation between nodes that are no grid of latitudes and longitudes.
    """
    reach = wanted.options.reach_km or _choose_reach(places, wanted)
    if wanted.options.method == "bilinear":
        found = _find_corners(places, wanted, reach)
    elif places.is_grid:
        found = _find_grid_nodes(places, wanted, reach)
    else:
        found = _find_points(places, wanted, reach)
    if not found.inside.any():
        _refuse_distance(places, wanted, reach)
    return found


def _choose_reach(places: Places, wanted: Wanted) -> float:
    """Return half the diagonal between nodes of a grid, or of the release's cells."""
    north = east = wanted.resolution
    if places.is_grid:
        north, east = (
            float(np.median(np.abs(_differ(axis)))) if len(axis) > 1 else step
            for axis, step in (
                (places.latitude, north),
                (places.longitude, east),
            )
        )
    # At the equator, where a degree east is longest.
    return float(np.hypot(north, east) / 2 * np.radians(1) * EARTH_RADIUS)


def _differ(axis: Floats) -> Floats:
    return np.asarray((np.diff(axis) + 180.0) % 360.0 - 180.0)


def _find_grid_nodes(places: Places, wanted: Wanted, reach: float) -> Nodes:
    """Find the two nearest rows and columns, and of their nodes those within reach."""
    rows = _find_two(places.latitude, wanted.latitude, cyclic=False)
    columns = _find_two(places.longitude, wanted.longitude, cyclic=True)
    row, column = rows[:, [0, 0, 1, 1]], columns[:, [0, 1, 0, 1]]
    number = row * len(places.longitude) + column
    distance = measure_distance(
        wanted.latitude[:, None],
        wanted.longitude[:, None],
        places.latitude[row],
        places.longitude[column],
    )
    return _sort_by_distance(number, distance, reach)


def _find_two(axis: Floats, positions: Floats, *, cyclic: bool) -> Indices:
    """Return the two places on an axis that are nearest to each position."""
    found = np.zeros((len(positions), 2), dtype=np.int64)
    count = max(1, _AT_ONCE // len(axis))
    for start in range(0, len(positions), count):
        off = positions[start : start + count, None] - axis
        if cyclic:
            off = (off + 180.0) % 360.0 - 180.0
        # Where the axis has one place, it is both.
        nearest = np.argsort(np.abs(off), axis=1, kind="stable")[:, :2]
        found[start : start + count] = nearest
    return found


def _find_points(places: Places, wanted: Wanted, reach: float) -> Nodes:
    """Find the nearest of all points, some at a time."""
    north, east = places.latitude.reshape(-1), places.longitude.reshape(-1)
    number = np.full((len(wanted.cells), 0), -1, dtype=np.int64)
    distance = np.empty(number.shape)
    count = max(CANDIDATES, _AT_ONCE // len(wanted.cells))
    for start in range(0, len(north), count):
        part = slice(start, start + count)
        here = measure_distance(
            wanted.latitude[:, None], wanted.longitude[:, None], north[part], east[part]
        )
        here = np.where(np.isfinite(here), here, np.inf)
        near = np.argsort(here, axis=1, kind="stable")[:, :CANDIDATES]
        number = np.concatenate([number, near + start], axis=1)
        distance = np.concatenate(
            [distance, np.take_along_axis(here, near, axis=1)], axis=1
        )
        order = np.argsort(distance, axis=1, kind="stable")[:, :CANDIDATES]
        number = np.take_along_axis(number, order, axis=1)
        distance = np.take_along_axis(distance, order, axis=1)
    return _sort_by_distance(number, distance, reach)


def _sort_by_distance(number: Indices, distance: Floats, reach: float) -> Nodes:
    order = np.argsort(distance, axis=1, kind="stable")
    distance = np.take_along_axis(distance, order, axis=1)
    near = distance <= reach
    number = np.where(near, np.take_along_axis(number, order, axis=1), -1)
    return Nodes(number, np.ones(number.shape), distance, reach)


def _find_corners(places: Places, wanted: Wanted, reach: float) -> Nodes:
    """Find the four nodes around each cell, and their bilinear weights."""
    if not places.is_grid or min(places.shape) < 2:  # noqa: PLR2004 (two make a step)
        raise InputError(
            "method bilinear",
            found=f"{places.latitude.size} positions over {', '.join(places.dims)}",
            expected="a grid with an axis of latitudes and one of longitudes",
            hint="--method nearest",
        )
    row, upper = _find_interval(places.latitude, wanted.latitude, cyclic=False)
    column, right = _find_interval(places.longitude, wanted.longitude, cyclic=True)
    rows, columns = row[:, [0, 0, 1, 1]], column[:, [0, 1, 0, 1]]
    weight = np.stack([1 - upper, upper], axis=1)[:, [0, 0, 1, 1]]
    weight = weight * np.stack([1 - right, right], axis=1)[:, [0, 1, 0, 1]]
    distance = measure_distance(
        wanted.latitude[:, None],
        wanted.longitude[:, None],
        places.latitude[rows],
        places.longitude[columns],
    )
    number = rows * len(places.longitude) + columns
    outside = np.asarray((rows < 0) | (columns < 0))
    near = np.where(outside, np.inf, distance).min(axis=1, keepdims=True) <= reach
    usable = near & ~outside.any(axis=1, keepdims=True)
    return Nodes(np.where(usable, number, -1), weight, distance, reach)


def _find_interval(
    axis: Floats, positions: Floats, *, cyclic: bool
) -> tuple[Indices, Floats]:
    """Return the two neighbours on an axis, and how far past the first one; -1 outside.

    Parameters
    ----------
    axis : (N,) degrees, rising or falling; where cyclic in any turn
    positions : (M,)

    Returns
    -------
    (M, 2) places on the axis and (M,) share of the interval, 0..1
    """
    turned = axis % 360.0 if cyclic else axis
    order = np.argsort(turned, kind="stable")
    ordered = turned[order]
    at = positions % 360.0 if cyclic else positions
    widest = 1.5 * float(np.median(np.diff(ordered)))
    if cyclic:  # each end again, a turn further
        order = np.concatenate([order[-1:], order, order[:1]])
        ordered = np.concatenate([ordered[-1:] - 360.0, ordered, ordered[:1] + 360.0])
    after = np.clip(np.searchsorted(ordered, at, side="right"), 1, len(ordered) - 1)
    low, high = ordered[after - 1], ordered[after]
    share = (at - low) / np.where(high > low, high - low, 1.0)
    outside = (share < 0) | (share > 1) | (high - low > widest) | (high <= low)
    pair = np.stack([order[after - 1], order[after]], axis=1)
    pair[outside] = -1
    return pair, np.where(outside, 0.0, share)


def _refuse_distance(places: Places, wanted: Wanted, reach: float) -> None:
    """Refuse a file that is elsewhere; say how far its nearest node is."""
    north, east = places.latitude, places.longitude
    if places.is_grid:
        found = _find_grid_nodes(places, wanted, np.inf)
    else:
        found = _find_points(places, wanted, np.inf)
    cell = int(found.distance[:, 0].argmin())
    node = int(found.number[cell, 0])
    if places.is_grid:
        at = north[node // len(east)], east[node % len(east)]
    else:
        at = north.reshape(-1)[node], east.reshape(-1)[node]
    raise InputError(
        "cells within reach of the file",
        found=f"none of {len(wanted.cells)}: the nearest is {wanted.cells[cell]},"
        f" {found.distance[cell, 0]:.0f} km from the node at {at[0]:g}, {at[1]:g}"
        + (
            ""
            if wanted.options.method == "nearest"
            else "; bilinear needs nodes all around"
        ),
        expected=f"a node within {reach:.0f} km of a cell",
        hint="a release whose cells the file covers, or --reach KM",
    )
