"""Scores of cells against dryness as a small SVG drawing."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from somobench.pages.html import Markup, element, joined
from somobench.pages.plots import Scale, line, linear_scale, scale_below, tick_text

HEIGHT = 240  # px
TICKS = 7  # at most, so that labels fit on a phone


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
        return round(HEIGHT - 6 - share * (HEIGHT - 26), 1)

    parts = [
        line((below.place(tick), 6), (below.place(tick), HEIGHT), "var(--grid)", 1)
        for tick in below.ticks
    ]
    if below.low < 1 < below.high:
        x = below.place(1.0)
        parts.append(line((x, 6), (x, HEIGHT), "var(--muted)", 2))
    for tick in upwards.ticks:
        parts.append(line((0, down(tick)), (100, down(tick)), "var(--grid)", 1))
        parts.append(
            element("text", tick_text(tick), x=2, y=down(tick) - 3, class_="tick")
        )
    for place, series in enumerate(values.values()):
        parts += [_point(place, below.place(x), down(y), tip) for x, y, tip in series]
    drawing = element(
        "svg",
        joined(parts),
        height=HEIGHT,
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
    if len(ticks) > TICKS:
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
    shapes = (
        "M3 7a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z",
        "M3 11L7 2.5L11 11Z",
        "M3 3h8v8h-8Z",
    )
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
