"""Cells on the map, with coastlines: scores in classes, or groups by symbol and colour.

Colours of scores stand for fixed classes of a correlation, so that maps of different
models can be laid side by side. Cells that would hide each other share a mark that says
how many they are.
"""

from __future__ import annotations

import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from statistics import fmean, median
from typing import NamedTuple

from markupsafe import Markup

from somobench.pages.frame import PAGES, render_template
from somobench.pages.scales import make_linear_scale, write_tick
from somobench.pages.texts import write_score

CELL_ID = re.compile(r"(-?\d{1,2}(?:\.\d{1,6})?)_(-?\d{1,3}(?:\.\d{1,6})?)")
BORDERS = (0.0, 0.2, 0.4, 0.6, 0.8)
CLASS_NAMES = ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 and more")
WIDTH, LOWEST, HIGHEST = 480, 180, 320
LEFT, BOTTOM, TOP = 54, 22, 8  # room for the labels of the graticule
TURN, HALF_TURN, POLE = 360.0, 180.0, 90.0
NEIGHBOURS = 8.0  # degrees within which cells share a panel
MOST_PANELS = 8
LEAST_EXTENT = 2.5  # degrees, so that a coast or its absence says something
LONG_WAY = 120.0  # degrees; a wider map is one of the world
WORLD = (-60.0, 84.0)  # latitudes of land with soil
RADIUS = 5.0
NAMED = 6  # cells in a text on hover

Ring = tuple[tuple[float, float], ...]


class Place(NamedTuple):
    """A cell at a place: its score, None where it has none, or its group."""

    name: str
    latitude: float
    longitude: float
    value: float | None = None
    group: str = ""


class Mark(NamedTuple):
    """What is drawn: a symbol in a class of the style sheet or a colour."""

    x: float
    y: float
    symbol: str
    look: str
    size: float
    cells: int
    tip: str


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


def locate_cell(cell_id: str, value: float | None, group: str = "") -> Place | None:
    """Return the centre that a cell's name states, or None for another name."""
    found = CELL_ID.fullmatch(cell_id)
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    if abs(latitude) > POLE or abs(longitude) > HALF_TURN:
        return None
    return Place(cell_id, latitude, longitude, value, group)


def group_neighbours(places: Sequence[Place]) -> list[list[Place]]:
    """Group places that are linked by steps of a few degrees, largest group first."""
    left = sorted(places, key=lambda item: (item.latitude, item.longitude))
    groups: list[list[Place]] = []
    while left:
        group = [left.pop(0)]
        for member in group:
            near = [other for other in left if _are_near(member, other)]
            group += near
            left = [other for other in left if other not in near]
        groups.append(group)
    return sorted(groups, key=len, reverse=True)


def _are_near(one: Place, other: Place) -> bool:
    apart = abs(one.longitude - other.longitude)
    return (
        abs(one.latitude - other.latitude) <= NEIGHBOURS
        and min(apart, TURN - apart) <= NEIGHBOURS
    )


@dataclass(frozen=True, kw_only=True)
class CellMap:
    """A map that holds all its places.

    Parameters
    ----------
    places : with scores, or with groups where `looks` is given
    title : stands above
    looks : symbol and colour of each group, such as `("square", "c3")`
    """

    places: Sequence[Place]
    title: object = ""
    looks: Mapping[str, tuple[str, str]] | None = None

    @property
    def shows_each(self) -> bool:
        """Whether no two places share a mark."""
        places = _unwrap(self.places)
        marks = place_marks(places, fit_window(places), self.looks)
        return len(marks) == len(places)

    def __html__(self) -> Markup:
        """Return the map."""
        places = _unwrap(self.places)
        window = fit_window(places)
        return render_template(
            "map.html.j2",
            map=self,
            window=window,
            land=_draw_land(window),
            columns=_make_graticule(window.west, window.east),
            rows=_make_graticule(window.south, window.north),
            marks=place_marks(places, window, self.looks),
            write_longitude=lambda each: f"{write_tick(_wrap(each))}\u00b0",
            write_latitude=lambda each: f"{write_tick(each)}\u00b0",
            width=WIDTH,
            left=LEFT,
            top=TOP,
            bottom=BOTTOM,
        )


def make_map_panels(places: Sequence[Place]) -> tuple[list[CellMap], int]:
    """Return a map for each large neighbourhood, west to east, and what is left.

    The second is the number of cells that no map shows.
    """
    groups = group_neighbours(places)
    drawn = sorted(groups[:MOST_PANELS], key=lambda group: group[0].longitude)
    maps = [CellMap(places=group, title=name_places(group)) for group in drawn]
    return maps, sum(map(len, groups[MOST_PANELS:]))


def name_places(places: Sequence[Place]) -> str:
    """Name a neighbourhood by its groups, else by its position, with its count."""
    groups = sorted({place.group for place in places if place.group})
    middle = (
        fmean(place.latitude for place in places),
        fmean(place.longitude for place in _unwrap(places)),
    )
    north, east = round(middle[0]), round(_wrap(middle[1]))
    around = (
        f"around {abs(north)}\u00b0 {'N' if north >= 0 else 'S'}, "
        f"{abs(east)}\u00b0 {'E' if east >= 0 else 'W'}"
    )
    count = f"{len(places)} {'cell' if len(places) == 1 else 'cells'}"
    return f"{', '.join(groups) or around}: {count}"


def fit_window(places: Sequence[Place]) -> Window:
    """Return the window that holds places; the world where they lie far apart."""
    east = [place.longitude for place in places]
    north = [place.latitude for place in places]
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


def _unwrap(places: Sequence[Place]) -> Sequence[Place]:
    """Let longitudes go on beyond 180 where that makes the map a small one."""
    east = [place.longitude for place in places]
    beyond = [each % TURN for each in east]
    if max(east) - min(east) <= LONG_WAY or max(beyond) - min(beyond) > LONG_WAY:
        return places
    return [place._replace(longitude=place.longitude % TURN) for place in places]


def _wrap(longitude: float) -> float:
    return longitude - TURN if longitude > HALF_TURN else longitude


def _make_graticule(low: float, high: float) -> list[float]:
    inside = [
        tick for tick in make_linear_scale([low, high]).ticks if low < tick < high
    ]
    return inside[:: 2 if len(inside) > 4 else 1]  # noqa: PLR2004 - labels fit


def place_marks(
    places: Sequence[Place],
    window: Window,
    looks: Mapping[str, tuple[str, str]] | None = None,
) -> list[Mark]:
    """Return a mark for every place, or one for those that would hide each other."""
    boxes: dict[tuple[int, int, str], list[Place]] = defaultdict(list)
    for place in places:
        x, y = window.across(place.longitude), window.down(place.latitude)
        group = place.group if looks else ""
        boxes[int(x // (2 * RADIUS)), int(y // (2 * RADIUS)), group].append(place)
    marks = []
    for (*_, group), members in sorted(boxes.items()):
        x = window.across(fmean(place.longitude for place in members))
        y = window.down(fmean(place.latitude for place in members))
        symbol, look = looks[group] if looks else classify_score(_middle(members))
        size = 1.0 if len(members) == 1 else 1.8
        marks.append(Mark(x, y, symbol, look, size, len(members), _describe(members)))
    return marks


def _middle(places: Sequence[Place]) -> float | None:
    known = [place.value for place in places if place.value is not None]
    return median(known) if known else None


def _describe(places: Sequence[Place]) -> str:
    lines = []
    for place in places[:NAMED]:
        score = "no score" if place.value is None else write_score(place.value)
        lines.append(f"{place.name}: {place.group or score}")
    if len(places) > NAMED:
        lines.append(f"and {len(places) - NAMED} more")
    return "\n".join(lines)


def classify_score(value: float | None) -> tuple[str, str]:
    """Return symbol and class of the style sheet for a score."""
    if value is None:
        return "cross", "m-none"
    if value < 0:
        return "diamond", "m-below"
    return "circle", f"m{max(i for i, border in enumerate(BORDERS) if value >= border)}"


def render_map_key() -> Markup:
    """Explain the marks of scores."""
    known = zip(BORDERS, CLASS_NAMES, strict=True)
    entries = [(-1.0, "below 0"), *known, (None, "too few days")]
    return render_template(
        "map_key.html.j2",
        entries=[(*classify_score(value), name) for value, name in entries],
    )


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


def _draw_land(window: Window) -> str:
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
