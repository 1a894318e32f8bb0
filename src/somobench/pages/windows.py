"""The part of the world that a map shows, and the land in it."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from somobench.pages.scales import make_linear_scale

WIDTH, LOWEST, HIGHEST = 480, 180, 320
LEFT, BOTTOM, TOP = 54, 22, 8  # room for the labels of the graticule
TURN, HALF_TURN = 360.0, 180.0
LEAST_EXTENT = 2.5  # degrees, so that a coast or its absence says something
LONG_WAY = 120.0  # degrees; a wider map is one of the world
WORLD = (-60.0, 84.0)  # latitudes of land with soil
TENTHS = 10  # outlines of land are in tenths of a degree
LAND_FILE = "templates/land.json"


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

    @property
    def land_box(self) -> str:
        """Its part of the drawing of land, as a view box."""
        sides = (self.west, -self.north, self.east - self.west, self.north - self.south)
        return " ".join(f"{round(TENTHS * side, 2):g}" for side in sides)

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
def read_land() -> tuple[tuple[int, ...], ...]:
    """Return the outlines of land: a place, then steps, tenths of a degree."""
    content = json.loads((files(__package__) / LAND_FILE).read_text("utf-8"))
    return tuple(map(tuple, content["rings"]))


@cache
def draw_land() -> str:
    """Return a path of all land, in tenths of a degree east and south."""
    parts = []
    for east, north, *steps in read_land():
        downs = (f"{e} {-n}" for e, n in zip(steps[::2], steps[1::2], strict=True))
        parts.append(f"M{east} {-north}l{' '.join(downs)}z")
    return "".join(parts).replace(" -", "-")
