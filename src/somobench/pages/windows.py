"""The part of the world that a map shows, and the land in it."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from somobench.pages.frame import PAGES
from somobench.pages.scales import make_linear_scale

WIDTH, LOWEST, HIGHEST = 480, 180, 320
LEFT, BOTTOM, TOP = 54, 22, 8  # room for the labels of the graticule
TURN, HALF_TURN = 360.0, 180.0
LEAST_EXTENT = 2.5  # degrees, so that a coast or its absence says something
LONG_WAY = 120.0  # degrees; a wider map is one of the world
WORLD = (-60.0, 84.0)  # latitudes of land with soil

Ring = tuple[tuple[float, float], ...]


class Window(NamedTuple):
    """The part of the world that a map shows, with true proportions at its middle."""

    west: float
    east: float
    south: float
    north: float
    unit: float  # of the drawing a degree of latitude
    squeeze: float
    height: float

    def across(self, longitude: float) -> float:
        """Return the horizontal place of a longitude."""
        return round(LEFT + (longitude - self.west) * self.squeeze * self.unit, 1)

    def down(self, latitude: float) -> float:
        """Return the vertical place of a latitude."""
        return round(TOP + (self.north - latitude) * self.unit, 1)


def fit_window(east: Sequence[float], north: Sequence[float]) -> Window:
    """Return the window that holds places; the world where they lie far apart.

    Parameters
    ----------
    east, north : longitudes and latitudes; those beyond 180 stay there
    """
    room = WIDTH - LEFT - 8
    if max(east) - min(east) > LONG_WAY:
        bounds = (-HALF_TURN, HALF_TURN, min(*north, WORLD[0]), max(*north, WORLD[1]))
        unit = room / TURN
        return Window(*bounds, unit, 1.0, (bounds[3] - bounds[2]) * unit)
    bounds = (*_widen(east), *_widen(north))
    squeeze = max(0.1, math.cos(math.radians((bounds[2] + bounds[3]) / 2)))
    wide, high = (bounds[1] - bounds[0]) * squeeze, bounds[3] - bounds[2]
    unit = min(room / wide, (HIGHEST - BOTTOM) / high)
    height = max(high * unit, LOWEST)
    half = room / (2 * squeeze * unit), height / (2 * unit)
    middle = (bounds[0] + bounds[1]) / 2, (bounds[2] + bounds[3]) / 2
    return Window(
        middle[0] - half[0],
        middle[0] + half[0],
        middle[1] - half[1],
        middle[1] + half[1],
        unit,
        squeeze,
        height,
    )


def _widen(numbers: Sequence[float]) -> tuple[float, float]:
    extent = max(numbers) - min(numbers)
    margin = max(LEAST_EXTENT - extent, 0.2 * extent, 0.5) / 2
    return min(numbers) - margin, max(numbers) + margin


def wrap_longitude(longitude: float) -> float:
    """Return a longitude within 180 degrees."""
    return longitude - TURN if longitude > HALF_TURN else longitude


def make_graticule(low: float, high: float) -> list[float]:
    """Return round degrees inside a range, few enough for their labels."""
    inside = [
        tick for tick in make_linear_scale([low, high]).ticks if low < tick < high
    ]
    return inside[:: 2 if len(inside) > 4 else 1]  # noqa: PLR2004 - labels fit


@cache
def read_land() -> tuple[Ring, ...]:
    """Return the outlines of land, longitude and latitude in degrees."""
    content = json.loads((files(PAGES) / "templates" / "land.json").read_text("utf-8"))
    return tuple(tuple(_add_steps(steps)) for steps in content["rings"])


def _add_steps(steps: Sequence[int]) -> Iterator[tuple[float, float]]:
    east, north = 0, 0
    for step_east, step_north in zip(steps[::2], steps[1::2], strict=True):
        east, north = east + step_east, north + step_north
        yield east / 10, north / 10


def draw_land(window: Window) -> str:
    """Return a path of the land in a window, without steps too small to be seen."""
    parts = []
    for ring in read_land():
        for turn in (-TURN, 0.0, TURN):
            shifted = [(east + turn, north) for east, north in ring]
            points = clip_ring(shifted, window)
            path = [(window.across(x), window.down(y)) for x, y in points]
            shown = _thin(path)
            if len(shown) > 2:  # noqa: PLR2004 - an area
                parts.append("M" + "L".join(f"{x:g} {y:g}" for x, y in shown) + "Z")
    return "".join(parts)


def _thin(path: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    shown: list[tuple[float, float]] = []
    for point in path:
        if not shown or math.dist(shown[-1], point) >= 1:
            shown.append(point)
    return shown


def clip_ring(
    ring: Sequence[tuple[float, float]], window: Window
) -> list[tuple[float, float]]:
    """Return the part of a ring in a window (Sutherland and Hodgman, 1974)."""
    points = list(ring)
    edges = (
        (0, window.west, 1),
        (0, window.east, -1),
        (1, window.south, 1),
        (1, window.north, -1),
    )
    for axis, border, sign in edges:
        kept: list[tuple[float, float]] = []
        for one, two in zip(points, points[1:] + points[:1], strict=True):
            inside = [sign * (point[axis] - border) >= 0 for point in (one, two)]
            if inside[0]:
                kept.append(one)
            if inside[0] != inside[1]:
                share = (border - one[axis]) / (two[axis] - one[axis])
                kept.append(
                    (
                        one[0] + share * (two[0] - one[0]),
                        one[1] + share * (two[1] - one[1]),
                    )
                )
        points = kept
    return points
