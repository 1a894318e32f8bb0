"""Scores of cells on the map, as small SVG drawings.

Colours stand for fixed classes of a correlation, so that maps of different models can
be laid side by side. There are no coastlines: a page asks for nothing from outside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

from somobench.pages.html import Markup, element, joined
from somobench.pages.plots import linear_scale, tick_text
from somobench.pages.texts import score_text

CELL_ID = re.compile(r"(-?\d{1,2}(?:\.\d{1,6})?)_(-?\d{1,3}(?:\.\d{1,6})?)")
BORDERS = (0.0, 0.2, 0.4, 0.6, 0.8)
SHADES = ("m0", "m1", "m2", "m3", "m4")
"""Steps of viridis, which stay apart for the colour-blind and in grey."""
CLASS_NAMES = ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 and more")
WIDTH, HEIGHT = 340, 250
LEFT, BOTTOM = 44, 22  # room for the labels of the graticule
HALF_TURN = 180.0
NEIGHBOURS = 8.0  # degrees within which cells share a panel
MOST_PANELS = 8
LEAST_EXTENT = 0.5  # degrees
RADIUS, SMALL_RADIUS, MANY = 6.0, 3.5, 100


class Place(NamedTuple):
    """A score at a place; None where the cell has none."""

    cell_id: str
    latitude: float
    longitude: float
    value: float | None


def place_of(cell_id: str, value: float | None) -> Place | None:
    """Return the centre that a cell's name states, or None for another name."""
    found = CELL_ID.fullmatch(cell_id)
    if found is None:
        return None
    latitude, longitude = float(found[1]), float(found[2])
    if abs(latitude) > 90 or abs(longitude) > 180:  # noqa: PLR2004 - degrees
        return None
    return Place(cell_id, latitude, longitude, value)


def neighbourhoods(places: Sequence[Place]) -> list[list[Place]]:
    """Group places that are linked by steps of a few degrees, largest group first."""
    left = sorted(places, key=lambda item: (item.latitude, item.longitude))
    groups: list[list[Place]] = []
    while left:
        group = [left.pop(0)]
        for member in group:
            near = [other for other in left if _near(member, other)]
            group += near
            left = [other for other in left if other not in near]
        groups.append(group)
    return sorted(groups, key=len, reverse=True)


def _near(one: Place, other: Place) -> bool:
    apart = abs(one.longitude - other.longitude)
    return (
        abs(one.latitude - other.latitude) <= NEIGHBOURS
        and min(apart, 360 - apart) <= NEIGHBOURS
    )


def map_panels(places: Sequence[Place]) -> tuple[list[Markup], int]:
    """Return a panel for each large neighbourhood, west to east, and what is left.

    The second is the number of cells that no panel shows.
    """
    groups = neighbourhoods(places)
    drawn = sorted(groups[:MOST_PANELS], key=lambda group: group[0].longitude)
    panels = [_panel(group) for group in drawn]
    return panels, sum(map(len, groups[MOST_PANELS:]))


def _panel(places: Sequence[Place]) -> Markup:
    """Draw places with true proportions at their middle latitude."""
    places = _unwrapped(places)
    north, south, east, west = _extent(places)
    wide, high = WIDTH - LEFT - 12, HEIGHT - BOTTOM - 12
    squeeze = max(0.1, math.cos(math.radians((north + south) / 2)))
    unit = min(wide / ((east - west) * squeeze), high / (north - south))
    middle = ((east + west) / 2, (north + south) / 2)

    def across(longitude: float) -> float:
        return round(LEFT + wide / 2 + (longitude - middle[0]) * squeeze * unit, 1)

    def down(latitude: float) -> float:
        return round(8 + high / 2 - (latitude - middle[1]) * unit, 1)

    half_wide = wide / (2 * squeeze * unit)
    columns = _graticule(middle[0] - half_wide, middle[0] + half_wide)
    rows = _graticule(middle[1] - high / (2 * unit), middle[1] + high / (2 * unit))
    radius = RADIUS if len(places) < MANY else SMALL_RADIUS
    parts = [_column_line(across(each), each) for each in columns]
    parts += [_row_line(down(each), each) for each in rows]
    parts += [
        _mark(item, across(item.longitude), down(item.latitude), radius)
        for item in sorted(places, key=lambda item: item.value is not None)
    ]
    return element(
        "svg",
        joined(parts),
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        role="img",
        aria_label="Scores of cells by latitude and longitude",
        class_="map",
    )


def _unwrapped(places: Sequence[Place]) -> Sequence[Place]:
    """Let longitudes go on beyond 180 where places lie on both sides of it."""
    east = [item.longitude for item in places]
    if max(east) - min(east) <= HALF_TURN:
        return places
    return [
        item._replace(longitude=item.longitude % (2 * HALF_TURN)) for item in places
    ]


def _extent(places: Sequence[Place]) -> tuple[float, float, float, float]:
    latitudes = [item.latitude for item in places]
    longitudes = [item.longitude for item in places]
    bounds = []
    for numbers in (latitudes, longitudes):
        margin = max(LEAST_EXTENT, max(numbers) - min(numbers)) * 0.08
        short = max(0.0, LEAST_EXTENT - (max(numbers) - min(numbers))) / 2
        bounds += [max(numbers) + short + margin, min(numbers) - short - margin]
    return bounds[0], bounds[1], bounds[2], bounds[3]


def _graticule(low: float, high: float) -> list[float]:
    inside = [tick for tick in linear_scale([low, high]).ticks if low <= tick <= high]
    return inside[:: 2 if len(inside) > 4 else 1]  # noqa: PLR2004 - labels fit


def _column_line(x: float, longitude: float) -> Markup:
    return joined(
        [
            _stroke(x, 8, x, HEIGHT - BOTTOM),
            _label(f"{tick_text(_within(longitude))}\u00b0", x, HEIGHT - 6, "middle"),
        ]
    )


def _row_line(y: float, latitude: float) -> Markup:
    return joined(
        [
            _stroke(LEFT, y, WIDTH - 4, y),
            _label(f"{tick_text(latitude)}\u00b0", LEFT - 4, y + 4, "end"),
        ]
    )


def _within(longitude: float) -> float:
    return longitude - 2 * HALF_TURN if longitude > HALF_TURN else longitude


def _stroke(x1: float, y1: float, x2: float, y2: float) -> Markup:
    return element("line", x1=x1, y1=y1, x2=x2, y2=y2, stroke="var(--grid)")


def _label(text: str, x: float, y: float, anchor: str) -> Markup:
    return element("text", text, x=x, y=y, text_anchor=anchor, class_="tick")


def _mark(item: Place, x: float, y: float, radius: float) -> Markup:
    shown = "no score" if item.value is None else score_text(item.value)
    return mark(item.value, x, y, radius, f"{item.cell_id}: {shown}")


def mark(
    value: float | None, x: float, y: float, radius: float, tip: object = ""
) -> Markup:
    """Return the mark of a score: shaded, hollow below 0, a cross without one."""
    said = element("title", tip) if tip else ""
    if value is None:
        arm = radius * 0.7
        path = f"M{x - arm:.1f} {y - arm:.1f}l{2 * arm:.1f} {2 * arm:.1f}"
        path += f"m0 {-2 * arm:.1f}l{-2 * arm:.1f} {2 * arm:.1f}"
        return element("path", said, d=path, stroke="var(--muted)", stroke_width=1.5)
    if value < 0:
        corner = radius * 1.1
        points = f"{x},{y - corner} {x + corner},{y} {x},{y + corner} {x - corner},{y}"
        return element(
            "polygon",
            said,
            points=points,
            fill="var(--surface)",
            stroke="var(--c2)",
            stroke_width=2,
        )
    step = max(i for i, border in enumerate(BORDERS) if value >= border)
    return element(
        "circle",
        said,
        cx=x,
        cy=y,
        r=round(radius * (0.7 + 0.1 * step), 1),
        fill=f"var(--{SHADES[step]})",
        stroke="var(--ink)",
        stroke_width=0.8,
    )


def map_key() -> Markup:
    """Explain the marks of a map."""
    entries: list[tuple[float | None, str]] = [(-1.0, "below 0")]
    entries += list(zip(BORDERS, CLASS_NAMES, strict=True))
    entries.append((None, "too few days"))
    items = [
        element(
            "li",
            element("svg", mark(value, 7, 7, 5), viewBox="0 0 14 14"),
            element("span", name, class_="tick"),
        )
        for value, name in entries
    ]
    return element("ul", joined(items), class_="key")
