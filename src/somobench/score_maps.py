"""Scores of cells on the map, and against dryness, as small SVG drawings.

Colours stand for fixed classes of a correlation, so that maps of different models can
be laid side by side. There are no coastlines: a page asks for nothing from outside.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from somobench.page import Markup, element, joined
from somobench.score_plots import Scale, line, linear_scale, scale_below, tick_text
from somobench.score_texts import score_text

CELL_ID = re.compile(r"(-?\d{1,2}(?:\.\d{1,6})?)_(-?\d{1,3}(?:\.\d{1,6})?)")
BORDERS = (0.0, 0.2, 0.4, 0.6, 0.8)
SHADES = ("s2", "s4", "s6", "s8", "s10")
CLASS_NAMES = ("0 to 0.2", "0.2 to 0.4", "0.4 to 0.6", "0.6 to 0.8", "0.8 and more")
WIDTH, HEIGHT = 340, 250
LEFT, BOTTOM = 44, 22  # room for the labels of the graticule
NEIGHBOURS = 8.0  # degrees within which cells share a panel
MOST_PANELS = 8
LEAST_EXTENT = 0.5  # degrees
RADIUS, SMALL_RADIUS, MANY = 6.0, 3.5, 100
SCATTER_HEIGHT = 240  # px


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
    """Return a panel for each neighbourhood, and how many cells none of them shows."""
    groups = neighbourhoods(places)
    panels = [_panel(group) for group in groups[:MOST_PANELS]]
    return panels, sum(map(len, groups[MOST_PANELS:]))


def _panel(places: Sequence[Place]) -> Markup:
    """Draw places with true proportions at their middle latitude."""
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
            _label(f"{tick_text(longitude)}\u00b0", x, HEIGHT - 6, "middle"),
        ]
    )


def _row_line(y: float, latitude: float) -> Markup:
    return joined(
        [
            _stroke(LEFT, y, WIDTH - 4, y),
            _label(f"{tick_text(latitude)}\u00b0", LEFT - 4, y + 4, "end"),
        ]
    )


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
    shade = SHADES[max(i for i, border in enumerate(BORDERS) if value >= border)]
    return element(
        "circle",
        said,
        cx=x,
        cy=y,
        r=radius,
        fill=f"var(--{shade})",
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


def dryness_scatter(
    values: Mapping[str, Sequence[tuple[float, float, str]]], axis: str
) -> Markup:
    """Draw scores of cells against dryness, whose axis is logarithmic.

    Parameters
    ----------
    values : by name of the series: dryness, score and what to say of each point
    axis : what is drawn upwards
    """
    points = [point for each in values.values() for point in each]
    below = _decades([point[0] for point in points])
    upwards = linear_scale([point[1] for point in points], zero=True)

    def down(value: float) -> float:
        share = (value - upwards.low) / (upwards.high - upwards.low)
        return round(SCATTER_HEIGHT - 6 - share * (SCATTER_HEIGHT - 16), 1)

    parts = [
        line(below.place(tick), 6, below.place(tick), SCATTER_HEIGHT, "var(--grid)", 1)
        for tick in below.ticks
    ]
    if below.low < 1 < below.high:
        x = below.place(1.0)
        parts.append(line(x, 6, x, SCATTER_HEIGHT, "var(--muted)", 2))
    for tick in upwards.ticks:
        parts.append(line(0, down(tick), 100, down(tick), "var(--grid)", 1))
        parts.append(
            element("text", tick_text(tick), x=2, y=down(tick) - 3, class_="tick")
        )
    for place, series in enumerate(values.values()):
        parts += [
            _point(place, below.place(x), down(y), tip) for x, y, tip in series
        ]
    drawing = element(
        "svg",
        joined(parts),
        height=SCATTER_HEIGHT,
        role="img",
        aria_label=f"{axis} of cells against dryness",
        class_="plain",
    )
    upper = element("div", axis, class_="axis")
    under = scale_below(below, "dryness (logarithmic); water-limited right of 1")
    return element("div", upper, drawing, element("div", under, class_="under"))


def _decades(values: Sequence[float]) -> Scale:
    """Return a logarithmic scale with ticks at 1, 2 and 5 that holds all values."""
    steps = [
        round(factor * 10.0**power, 6) for power in range(-6, 7) for factor in (1, 2, 5)
    ]
    first = max((step for step in steps if step <= min(values)), default=steps[0])
    last = min((step for step in steps if step >= max(values)), default=steps[-1])
    if first == last:
        first, last = first / 2, last * 2
    ticks = tuple(step for step in steps if first <= step <= last)
    if len(ticks) > 7:  # noqa: PLR2004 - labels fit on a phone
        ticks = tuple(t for t in ticks if math.log10(t).is_integer())
    return Scale(first, last, ticks, logarithmic=True)


def _point(series: int, x: float, y: float, tip: str) -> Markup:
    """Return a point whose shape and colour tell the series."""
    colour = f"var(--c{series % 3 + 1})"
    drawn = element("title", tip)
    inner = (
        element("circle", drawn, cx=0, cy=0, r=4, fill=colour),
        element("path", drawn, d="M-4 4L0 -4.5L4 4Z", fill=colour),
        element("path", drawn, d="M-3.5 -3.5h7v7h-7Z", fill=colour),
    )[series % 3]
    return element(
        "svg", inner, x=f"{x}%", y=y, width=1, height=1, style="overflow:visible"
    )


def series_key(names: Sequence[str]) -> Markup:
    """Explain the shapes of a scatter."""
    shapes = ("M3 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", "M3 11L7 2.5L11 11Z", "M3 3h8v8h-8Z")
    items = [
        element(
            "li",
            element(
                "svg",
                element("path", d=shapes[i % 3], fill=f"var(--c{i % 3 + 1})"),
                viewBox="0 0 14 14",
            ),
            name,
        )
        for i, name in enumerate(names)
    ]
    return element("ul", joined(items), class_="key")
