"""Cells on the map, with coastlines: scores in classes, or groups by symbol and colour.

Colours of scores stand for fixed classes of a correlation, so that maps of different
models can be laid side by side. Cells that would hide each other share a mark that says
how many they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import NamedTuple

from markupsafe import Markup

from somobench.pages.frame import render_template
from somobench.pages.scales import write_tick
from somobench.pages.texts import write_score
from somobench.pages.windows import (
    BOTTOM,
    HALF_TURN,
    LEFT,
    LONG_WAY,
    TOP,
    TURN,
    WIDTH,
    Window,
    fit_window,
    make_graticule,
    wrap_longitude,
)

CELL_ID = re.compile(r"(-?\d{1,2}(?:\.\d{1,6})?)_(-?\d{1,3}(?:\.\d{1,6})?)")
BORDERS = (0.0, 0.2, 0.4, 0.6, 0.8)
CLASS_NAMES = ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 and more")
POLE = 90.0
RADIUS = 5.0
SHARED = 1.8  # times as large is the mark of several cells
NAMED = 12  # cells in a text on hover


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


def locate_cell(cell_id: str, value: float | None, group: str = "") -> Place | None:
    """Return the centre that a cell's name states, or None for another name."""
    found = CELL_ID.fullmatch(cell_id)
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    if abs(latitude) > POLE or abs(longitude) > HALF_TURN:
        return None
    return Place(cell_id, latitude, longitude, value, group)


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
        marks = place_marks(places, _fit(places), self.looks)
        return len(marks) == len(places)

    def __html__(self) -> Markup:
        """Return the map."""
        places = _unwrap(self.places)
        window = _fit(places)
        return render_template(
            "map.html.j2",
            map=self,
            window=window,
            columns=make_graticule(window.west, window.east),
            rows=make_graticule(window.south, window.north),
            marks=place_marks(places, window, self.looks),
            write_longitude=lambda each: f"{write_tick(wrap_longitude(each))}\u00b0",
            write_latitude=lambda each: f"{write_tick(each)}\u00b0",
            width=WIDTH,
            left=LEFT,
            top=TOP,
            bottom=BOTTOM,
        )


def make_map_panels(
    places: Sequence[Place], looks: Mapping[str, tuple[str, str]] | None = None
) -> list[CellMap]:
    """Return a map for each group of places, named by it, west to east."""
    groups: dict[str, list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda place: (place.longitude, place.name)):
        groups[place.group].append(place)
    return [
        CellMap(
            places=own,
            title=f"{name}: {len(own)} {'cell' if len(own) == 1 else 'cells'}",
            looks=looks,
        )
        for name, own in groups.items()
    ]


def _unwrap(places: Sequence[Place]) -> Sequence[Place]:
    """Let longitudes go on beyond 180 where that makes the map a small one."""
    east = [place.longitude for place in places]
    beyond = [each % TURN for each in east]
    if max(east) - min(east) <= LONG_WAY or max(beyond) - min(beyond) > LONG_WAY:
        return places
    return [place._replace(longitude=place.longitude % TURN) for place in places]


def _fit(places: Sequence[Place]) -> Window:
    return fit_window(
        [place.longitude for place in places], [place.latitude for place in places]
    )


def place_marks(
    places: Sequence[Place],
    window: Window,
    looks: Mapping[str, tuple[str, str]] | None = None,
) -> list[Mark]:
    """Return a mark for every place, or one for those that would hide each other."""
    boxes = _box_places(places, window, 2 * RADIUS, by_group=bool(looks))
    if len(boxes) < len(places):
        boxes = _box_places(places, window, 2 * SHARED * RADIUS, by_group=bool(looks))
    marks = []
    for (*_, group), members in sorted(boxes.items()):
        x = window.across(fmean(place.longitude for place in members))
        y = window.down(fmean(place.latitude for place in members))
        symbol, look = looks[group] if looks else classify_score(_middle(members))
        size = 1.0 if len(members) == 1 else SHARED
        tip = _describe(members, by_group=bool(looks))
        marks.append(Mark(x, y, symbol, look, size, len(members), tip))
    return marks


def _box_places(
    places: Sequence[Place], window: Window, width: float, *, by_group: bool
) -> dict[tuple[int, int, str], list[Place]]:
    boxes: dict[tuple[int, int, str], list[Place]] = defaultdict(list)
    for place in places:
        x, y = window.across(place.longitude), window.down(place.latitude)
        group = place.group if by_group else ""
        boxes[int(x // width), int(y // width), group].append(place)
    return boxes


def _middle(places: Sequence[Place]) -> float | None:
    known = [place.value for place in places if place.value is not None]
    return median(known) if known else None


def _describe(places: Sequence[Place], *, by_group: bool) -> str:
    lines = [
        f"{place.name}: {place.group if by_group else _write_value(place.value)}"
        for place in places[:NAMED]
    ]
    if len(places) > NAMED:
        lines.append(f"and {len(places) - NAMED} more")
    return "\n".join(lines)


def _write_value(value: float | None) -> str:
    return "no score" if value is None else write_score(value)


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
