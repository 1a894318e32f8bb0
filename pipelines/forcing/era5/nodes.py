"""From the nodes of a source to cell centres: which nodes, and their mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import InputError

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

TOLERANCE = 5e-5  # degrees, 5 m; float32 holds longitudes to 1.5e-5 degrees
SINGLE_PRECISION = 2e-5  # degrees; two ends of an axis, each off by 7.6e-6 at 180
TIE_DECIMALS = 4  # distances that agree to 1e-4 degrees are equal
CORNERS = ((0.5, -0.5), (0.5, 0.5), (-0.5, -0.5), (-0.5, 0.5))  # NW, NE, SW, SE


@dataclass(frozen=True)
class NodeSet:
    """Positions that a source has values for, degrees.

    A grid has one latitude a row and one longitude a column, and its nodes are
    numbered along rows; points have one latitude and one longitude each.
    """

    latitude: Floats
    longitude: Floats
    is_grid: bool

    @property
    def columns(self) -> int:
        """Nodes in a row of the grid; 1 for points."""
        return len(self.longitude) if self.is_grid else 1


def measure_difference_east(longitude: Floats, other: Floats | float) -> Floats:
    """Return how far east of `other` a longitude lies, -180..180 degrees."""
    return np.asarray((longitude - other + 180.0) % 360.0 - 180.0)


def place_corners(
    latitude: Floats, longitude: Floats, resolution: float
) -> tuple[Floats, Floats]:
    """Return the four corners of cells, (cell, 4): NW, NE, SW, SE.

    Longitudes may pass 180 degrees; looking them up is cyclic.
    """
    offsets = np.array(CORNERS) * resolution
    return (
        latitude[:, np.newaxis] + offsets[:, 0],
        longitude[:, np.newaxis] + offsets[:, 1],
    )


def find_exact_nodes(nodes: NodeSet, latitude: Floats, longitude: Floats) -> Indices:
    """Find the node at each position; -1 where there is none within tolerance."""
    return _find_nearest(nodes, latitude, longitude, TOLERANCE, TOLERANCE)


def find_nearest_nodes(
    nodes: NodeSet, latitude: Floats, longitude: Floats, resolution: float
) -> Indices:
    """Find the node nearest to each position; -1 where none is near enough.

    On a grid the limit is half its own spacing in each direction, for points it is
    `resolution` in each. Of equally near nodes the one further north wins, then the
    one further west.
    """
    if not nodes.is_grid:
        return _find_nearest(nodes, latitude, longitude, resolution, resolution)
    limits = [
        find_spacing(axis, resolution) / 2 + TOLERANCE
        for axis in (nodes.latitude, nodes.longitude)
    ]
    return _find_nearest(nodes, latitude, longitude, limits[0], limits[1])


def find_spacing(axis: Floats, otherwise: float) -> float:
    """Return the step of an axis in degrees, `otherwise` where it has one value.

    The step is taken over the whole axis, absent rows left out, and is the simple
    number (a whole part of a degree, or of few decimals) that the axis allows:
    positions in single precision are some 1e-5 degrees off.
    """
    if len(axis) == 1:
        return otherwise
    steps = np.abs(measure_difference_east(axis[1:], axis[:-1]))
    usual = np.sort(steps)[(len(steps) - 1) // 2]
    count = float(np.round(steps / usual).sum())
    step = float(steps.sum()) / count
    simple = (1.0 / round(1.0 / step) if step <= 1 else step, *_round_step(step))
    near = [item for item in simple if abs(item - step) * count <= SINGLE_PRECISION]
    return near[0] if near else step


def _round_step(step: float) -> list[float]:
    return [round(step, decimals) for decimals in range(1, 7)]


def share_positions(one: NodeSet, other: NodeSet) -> bool:
    """Tell whether two sets are the same nodes, whether in single precision or not."""
    return one.is_grid == other.is_grid and all(
        len(mine) == len(theirs)
        and bool((np.abs(measure_difference_east(mine, theirs)) <= TOLERANCE).all())
        for mine, theirs in (
            (one.latitude, other.latitude),
            (one.longitude, other.longitude),
        )
    )


def _find_nearest(
    nodes: NodeSet, latitude: Floats, longitude: Floats, north: float, east: float
) -> Indices:
    if not nodes.is_grid:
        return _find_nearest_points(nodes, latitude, longitude, north)
    row = _find_nearest_on_axis(nodes.latitude, latitude, north, descending=True)
    column = _find_nearest_on_axis(nodes.longitude, longitude, east, descending=False)
    return np.where((row < 0) | (column < 0), -1, row * nodes.columns + column)


def _find_nearest_on_axis(
    axis: Floats, wanted: Floats, limit: float, *, descending: bool
) -> Indices:
    """Position on an axis; ties go north on a latitude and west on a longitude."""
    distinct, where = np.unique(wanted, return_inverse=True)
    found = np.empty(len(distinct), dtype=np.int64)
    for position, value in enumerate(distinct):
        offset = measure_difference_east(axis, value)
        distance = np.round(np.abs(offset), TIE_DECIMALS)
        preferred = offset if descending else -offset
        best = int(np.lexsort((-preferred, distance))[0])
        found[position] = best if distance[best] <= limit else -1
    return np.asarray(found[where].reshape(wanted.shape))


def _find_nearest_points(
    nodes: NodeSet, latitude: Floats, longitude: Floats, limit: float
) -> Indices:
    found = np.empty(latitude.size, dtype=np.int64)
    for position, (north, east) in enumerate(
        zip(latitude.ravel(), longitude.ravel(), strict=True)
    ):
        up = nodes.latitude - north
        right = measure_difference_east(nodes.longitude, float(east))
        apart = np.hypot(up, right * np.cos(np.deg2rad(north)))
        distance = np.round(apart, TIE_DECIMALS)
        best = int(np.lexsort((right, -up, distance))[0])
        near = abs(up[best]) <= limit and abs(right[best]) <= limit
        found[position] = best if near else -1
    return found.reshape(latitude.shape)


def average_nodes(values: Floats, nodes: Indices) -> tuple[Floats, NDArray[np.int8]]:
    """Average the nodes of each cell, of those that have data at all.

    A node that is missing on every day (sea) doesn't count; one that is missing on
    some days makes those days of the cell missing.

    Parameters
    ----------
    values : (day, node)
    nodes : (cell, K); -1 for a node that the source doesn't have

    Returns
    -------
    tuple of arrays
        (day, cell) means, NaN for a cell without nodes, and (cell,) nodes averaged.
    """
    if not values.shape[1]:
        return np.full((len(values), len(nodes)), np.nan), np.zeros(len(nodes), np.int8)
    empty = np.asarray(np.isnan(values).all(axis=0))
    used = (nodes >= 0) & ~empty[nodes]
    count = used.sum(axis=1)
    total = np.zeros((len(values), len(nodes)))
    for corner in range(nodes.shape[1]):
        total += np.where(used[:, corner], values[:, nodes[:, corner]], 0.0)
    divisor = np.where(count > 0, count, np.nan)
    return np.asarray(total / divisor), count.astype(np.int8)


def check_registration(
    nodes: NodeSet, registration: str, resolution: float, what: str
) -> None:
    """Refuse a grid whose nodes don't lie where the recipe says.

    `node`: coordinates are multiples of the grid's own spacing; `cell`: they lie
    half a spacing beside them; `points`: anywhere.

    Raises
    ------
    InputError
        With the first coordinate that is elsewhere.
    """
    if registration == "points":
        return
    if not nodes.is_grid:
        raise InputError(
            f"forcing input {what}",
            found="time series at points",
            expected=f"a grid, since the recipe says registration: {registration}",
            hint="set forcing.registration to points",
        )
    for name, axis in (("latitude", nodes.latitude), ("longitude", nodes.longitude)):
        step = find_spacing(axis, resolution)
        shift = axis / step - (0.5 if registration == "cell" else 0.0)
        astray = np.abs(shift - np.round(shift)) * step > 2 * TOLERANCE
        if astray.any():
            raise InputError(
                f"{name} of forcing input {what}",
                found=f"{axis[astray][0]:g} with a spacing of {step:g} degrees",
                expected=_describe_expected_place(registration, step),
                hint="the grid is shifted by half a cell, or forcing.registration "
                "of the recipe is wrong",
            )


def _describe_expected_place(registration: str, step: float) -> str:
    if registration == "node":
        return f"multiples of {step:g} (registration: node)"
    return f"odd multiples of {step / 2:g} (registration: cell)"
