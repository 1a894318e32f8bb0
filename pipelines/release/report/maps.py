"""Cells of a release as points: in climate, and on the map."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import cos, radians
from typing import TYPE_CHECKING, Any

from somobench.pages.html import Markup
from somobench.pipelines.release.report.plots import MARKERS, WIDTH
from somobench.pipelines.release.report.svg import COLOURS, SERIES, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRYNESS_LIMITS = (0.1, 100.0)  # as published; wider where a cell lies outside
TEMPERATURE_LIMITS = (-15.0, 35.0)  # degrees Celsius
LONG_WAY = 120.0  # degrees; a wider map is one of the world
WORLD_LOWER = 45.0  # units by which the panel of the world, 2 by 1, is lower
MARGIN = 0.15  # of the extent
LEAST_MARGIN = 0.3  # degrees
LEAST_COSINE = 0.1
TICKS = 5  # steps at most, for labels such as -156.25
KEY_LETTERS = 36  # in a row of the key
WIDER = 1.25  # than high, as the panel is
POINTS_SMALL = 200  # cells from which points are drawn smaller


def climate(name: str, cells: Mapping[str, Sequence[Any]]) -> Markup:
    """Draw mean temperature against dryness of the cells that have both."""
    rows = [
        row
        for row in zip(
            cells["region"],
            cells["dryness"],
            cells["mean_air_temperature"],
            strict=True,
        )
        if row[1] is not None and row[1] > 0 and row[2] is not None
    ]

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _points(axes, rows)
        axes.set_xscale("log")
        axes.set_xlim(*_limits([row[1] for row in rows], DRYNESS_LIMITS))
        axes.set_ylim(*_limits([row[2] for row in rows], TEMPERATURE_LIMITS))
        axes.axvline(1, color=COLOURS["muted"], linewidth=1, linestyle="--")
        axes.set_xticks([0.1, 1, 10, 100], ["0.1", "1", "10", "100"])
        axes.set(xlabel="dryness, no unit", ylabel="mean temperature, \u00b0C")
        _keyed(figure, axes, "Climate of the cells", rows)

    return drawn(name, "Mean temperature against dryness of cells", _size(rows), draw)


def chart(name: str, cells: Mapping[str, Sequence[Any]]) -> Markup:
    """Draw positions of all cells, without coastlines."""
    rows = list(
        zip(cells["region"], cells["longitude"], cells["latitude"], strict=True)
    )

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        _points(axes, rows)
        _frame(axes, cells["longitude"], cells["latitude"])
        axes.set(xlabel="longitude, \u00b0E", ylabel="latitude, \u00b0N")
        _keyed(figure, axes, "Position of the cells", rows)

    width, height = _size(rows)
    if _is_world(cells["longitude"]):
        height -= WORLD_LOWER
    return drawn(name, "Latitude and longitude of cells", (width, height), draw)


def _is_world(east: Sequence[float]) -> bool:
    return max(east) - min(east) > LONG_WAY


def _frame(axes: Axes, east: Sequence[float], north: Sequence[float]) -> None:
    """Frame the whole world, or what holds the cells with true proportions."""
    if _is_world(east):
        axes.set_xlim(-180, 180)
        axes.set_ylim(-90, 90)
        axes.set_xticks(range(-180, 181, 60))
        axes.set_yticks(range(-90, 91, 30))
        axes.set_aspect(1.0)
        return
    middle = (min(east) + max(east)) / 2, (min(north) + max(north)) / 2
    shrink = max(cos(radians(middle[1])), LEAST_COSINE)
    span = max((max(east) - min(east)) * shrink, max(north) - min(north))
    half = span / 2 + max(MARGIN * span, LEAST_MARGIN)
    axes.set_xlim(middle[0] - half / shrink * WIDER, middle[0] + half / shrink * WIDER)
    axes.set_ylim(middle[1] - half, middle[1] + half)
    axes.set_aspect(1 / shrink)
    axes.locator_params(nbins=TICKS)
    axes.ticklabel_format(useOffset=False)


def _size(rows: Sequence[tuple[Any, Any, Any]]) -> tuple[float, float]:
    key = _key(rows)
    lines = -(-len(key) // _columns(key))
    return WIDTH, 250 + 15.0 * lines


def _key(rows: Sequence[tuple[Any, Any, Any]]) -> list[str]:
    """Return what the key says of each region, in the order of their names."""
    counts = Counter(row[0] for row in rows)
    return [f"{region} ({counts[region]})" for region in sorted(counts)]


def _columns(key: Sequence[str]) -> int:
    longest = max(len(label) for label in key)
    return max(1, min(3, KEY_LETTERS // longest))


def _points(axes: Axes, rows: Sequence[tuple[Any, Any, Any]]) -> None:
    size = 22 if len(rows) < POINTS_SMALL else 9
    regions = sorted({row[0] for row in rows})
    for place, (region, label) in enumerate(zip(regions, _key(rows), strict=True)):
        chosen = [row for row in rows if row[0] == region]
        axes.scatter(
            [row[1] for row in chosen],
            [row[2] for row in chosen],
            s=size,
            marker=MARKERS[place % len(MARKERS)],
            facecolors="none",
            edgecolors=SERIES[(place + 3) % len(SERIES)],
            linewidths=1.1,
            label=label,
        )


def _limits(values: Sequence[float], usual: tuple[float, float]) -> tuple[float, float]:
    return min(*values, usual[0], usual[1]), max(*values, usual[0], usual[1])


def _keyed(
    figure: Figure, axes: Axes, title: str, rows: Sequence[tuple[Any, Any, Any]]
) -> None:
    figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, color=COLOURS["ink"])
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=_columns(_key(rows)),
        borderpad=0.2,
        borderaxespad=0.1,
        columnspacing=1.0,
        handletextpad=0.2,
    )
