"""Small SVG plots of scores that need no library and follow the page's colours.

Positions along an axis are percentages, so that a plot is as wide as its place and
its text keeps its size on a phone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from somobench.pages.html import Markup, element, joined
from somobench.pages.texts import number_of, scored

MIDDLE = "50%"
STEPS = 5  # at most, between ticks
INSET = 3.0  # percent, left free at both ends


class Scale(NamedTuple):
    """An axis from `low` to `high` with ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]
    logarithmic: bool = False

    def place(self, value: float) -> float:
        """Return where a value stands, in percent."""
        low, high = self.low, self.high
        if self.logarithmic:
            value, low, high = math.log10(value), math.log10(low), math.log10(high)
        share = (value - low) / (high - low)
        return round(INSET + (100 - 2 * INSET) * share, 3)


class Dot(NamedTuple):
    """A row of a dot plot: a score with its interval, filled or hollow."""

    label: object
    value: float | None
    low: float | None
    high: float | None
    filled: bool = True
    colour: str = "c1"
    absent: str = "not available"


def linear_scale(values: Iterable[float | None], *, zero: bool = False) -> Scale:
    """Return a scale with round ticks that holds all values.

    Examples
    --------
    >>> linear_scale([0.12, 0.71]).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8)
    """
    known = [value for value in map(number_of, values) if value is not None]
    known += [0.0] if zero or not known else []
    low, high = min(known), max(known)
    if low == high:
        low, high = low - 0.1, high + 0.1
    rough = (high - low) / STEPS
    power = 10.0 ** math.floor(math.log10(rough))
    steps = (power * factor for factor in (1, 2, 5, 10, 20))
    for step in steps:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= STEPS:
            break
    ticks = tuple(round(step * place, 10) for place in range(first, last + 1))
    return Scale(ticks[0], ticks[-1], ticks)


def dot_plot(
    rows: Sequence[Dot | str],
    axis: str,
    *,
    scale: Scale | None = None,
    zero: bool = False,
) -> Markup:
    """Return rows of dots with intervals, and the numbers beside them.

    Parameters
    ----------
    rows : a text is a heading for the rows below it
    axis : what is shown along it, with its unit and which side is better
    scale : by default one that holds all intervals
    zero : whether 0 has to be in it, drawn as a line
    """
    dots = [row for row in rows if isinstance(row, Dot)]
    used = scale or linear_scale(
        (number for dot in dots for number in dot[1:4]), zero=zero
    )
    drawn = [
        _dot_row(row, used, zero=zero)
        if isinstance(row, Dot)
        else element("p", row, class_="group")
        for row in rows
    ]
    bottom = element(
        "div",
        element("span"),
        scale_below(used, axis),
        class_="row scale",
        aria_hidden="true",
    )
    return element("div", joined(drawn), bottom, class_="dots")


def _dot_row(dot: Dot, scale: Scale, *, zero: bool) -> Markup:
    parts = [_vertical(tick, scale, "grid", 1) for tick in scale.ticks]
    if zero:
        parts.append(_vertical(0.0, scale, "muted", 2))
    parts += _marks(dot, scale)
    drawing = element("svg", joined(parts), aria_hidden="true", focusable="false")
    track = element("div", drawing, class_="track")
    told: object = dot.absent
    if number_of(dot.value) is not None:
        told = scored({"value": dot.value, "low": dot.low, "high": dot.high})
    return element(
        "div",
        element("span", dot.label),
        track,
        element("span", told, class_="text"),
        class_="row",
    )


def _marks(dot: Dot, scale: Scale) -> list[Markup]:
    value, low, high = (number_of(number) for number in dot[1:4])
    if value is None:
        return []
    colour = f"var(--{dot.colour})"
    parts = []
    if low is not None and high is not None:
        parts.append(
            line((scale.place(low), MIDDLE), (scale.place(high), MIDDLE), colour, 3)
        )
    parts.append(
        element(
            "circle",
            cx=f"{scale.place(value)}%",
            cy=MIDDLE,
            r=5.5,
            fill=colour if dot.filled else "var(--surface)",
            stroke=colour,
            stroke_width=2.5,
        )
    )
    return parts


def _vertical(value: float, scale: Scale, colour: str, width: int) -> Markup:
    place = scale.place(value)
    return line((place, 0), (place, "100%"), f"var(--{colour})", width)


Point = tuple[float, float | str]


def line(start: Point, end: Point, colour: str, width: float) -> Markup:
    """Return a line between points; x in percent, y in pixels or a share."""
    return element(
        "line",
        x1=f"{start[0]}%",
        y1=start[1],
        x2=f"{end[0]}%",
        y2=end[1],
        stroke=colour,
        stroke_width=width,
    )


def scale_below(scale: Scale, axis: str) -> Markup:
    """Return the ticks of a scale and its title, as a drawing of its own."""
    texts = [
        element(
            "text",
            tick_text(tick),
            x=f"{scale.place(tick)}%",
            y=12,
            text_anchor="middle",
            class_="tick",
        )
        for tick in scale.ticks
    ]
    ticks = element("svg", joined(texts), height=16, focusable="false")
    return element("div", ticks, element("div", axis, class_="axis"))


def tick_text(value: float) -> str:
    """Write a tick without needless digits."""
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
