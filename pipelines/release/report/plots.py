"""The kinds of drawing in the report: each takes numbers and gives one panel.

Panels are narrow, so that they can be read on a phone; labels of rows stand above their
bars and boxes. Nothing here computes what it shows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from somobench.pages.html import Markup, number
from somobench.pipelines.release.report.svg import COLOURS, SERIES, STEPS, drawn

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 340.0
HALF_BOX = 0.33
MARKERS = "osD^vPXd"
YEAR = "year"
MONTH_LETTERS = "JFMAMJJASOND"
_INK, _MUTED = COLOURS["ink"], COLOURS["muted"]


class Bar(NamedTuple):
    """A bar with its label above it; `text` tells its number."""

    label: str
    value: float
    text: str
    colour: str


class Boxes(NamedTuple):
    """A label, and below it one box a series: summaries, in the order of series."""

    label: str
    summaries: Sequence[Mapping[str, Any]]


class Curve(NamedTuple):
    """A line of a drawing."""

    label: str
    x: Sequence[float]
    y: Sequence[float | None]
    colour: str
    style: str = "-"
    width: float = 1.5


def bars(name: str, title: str, rows: Sequence[Bar], axis: str, whole: float) -> Markup:
    """Draw horizontal bars from zero, on an axis up to the whole."""

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        places = [-float(place) for place in range(len(rows))]
        colours = [row.colour for row in rows]
        axes.barh(places, [row.value for row in rows], 0.34, color=colours)
        axes.locator_params(axis="x", integer=True)
        for place, row in zip(places, rows, strict=True):
            _label(axes, place + 0.22, f"{row.label}: {row.text}")
        _rows_only(axes, -len(rows) + 0.6, 0.75)
        axes.set_xlim(0, whole * 1.02)
        axes.set(title=title, xlabel=axis)

    return drawn(name, f"{title}: {axis}", (WIDTH, 66 + 31 * len(rows)), draw)


def boxes(
    name: str,
    title: str,
    rows: Sequence[Boxes],
    axis: str,
    *,
    series: Sequence[str] = ("",),
    limits: tuple[float | None, float | None] = (None, None),
) -> Markup:
    """Draw horizontal boxes: middle half, median and whiskers from 5 to 95 %.

    Fewer than five values are drawn as points. Each box has its count beside it.
    """
    step = len(series) + 1.3
    shown = list(series) if len(series) > 1 else []

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for index, row in enumerate(rows):
            _label(axes, -index * step + 0.45, row.label)
            for part, item in enumerate(row.summaries):
                _box(axes, -index * step - part, item, SERIES[part])
        _rows_only(axes, -len(rows) * step + 1.1, 1.4)
        axes.set_xlim(*_wide_enough(rows, limits))
        axes.locator_params(axis="x", nbins=6)
        axes.set(xlabel=axis)
        figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, color=_INK)
        if shown:
            _legend(axes, shown)

    lines = len(rows) * step
    height = 70 + 14 * lines + (18 if shown else 0)
    return drawn(name, f"{title}: {axis}", (WIDTH, height), draw)


def _box(axes: Axes, place: float, item: Mapping[str, Any], colour: str) -> None:
    text = f"n {number(item['count'])}"
    transform = axes.get_yaxis_transform()
    axes.text(
        1.01, place, text, transform=transform, va="center", fontsize=9, color=_MUTED
    )
    if "values" in item:
        values = item["values"]
        axes.plot(values, [place] * len(values), "o", color=colour, markersize=4.5)
    elif item["count"]:
        whisker, half = (item["q05"], item["q95"]), item["q75"] - item["q25"]
        axes.hlines(place, *whisker, color=colour, linewidth=1.2)
        low, high = place - HALF_BOX, place + HALF_BOX
        axes.barh(place, half, high - low, left=item["q25"], color=colour, alpha=0.4)
        axes.vlines(item["median"], low, high, color=colour, linewidth=2.8)


def _wide_enough(
    rows: Sequence[Boxes], limits: tuple[float | None, float | None]
) -> tuple[float, float]:
    """Return limits that hold every whisker and point, and those asked for."""
    items = [item for row in rows for item in row.summaries if item["count"]]
    lows = [min(item.get("values", [item["q05"]])) for item in items]
    highs = [max(item.get("values", [item["q95"]])) for item in items]
    low = min([*lows, *(limit for limit in limits if limit is not None)])
    high = max([*highs, *(limit for limit in limits if limit is not None)])
    margin = 0.02 * (high - low) or 0.02
    return low - margin, high + margin


def _label(axes: Axes, place: float, text: str) -> None:
    transform = axes.get_yaxis_transform()
    axes.text(0.0, place, text, transform=transform, va="bottom", fontsize=10)


def _rows_only(axes: Axes, low: float, high: float) -> None:
    axes.set_ylim(low, high)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.grid(visible=True, axis="x")


def _legend(axes: Axes, series: Sequence[str]) -> None:
    from matplotlib.patches import Patch

    handles = [
        Patch(color=SERIES[part], label=label) for part, label in enumerate(series)
    ]
    axes.legend(
        handles=handles,
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=len(series),
        borderpad=0,
        borderaxespad=0.1,
        columnspacing=1.2,
        handlelength=1.1,
    )


def calendar(
    name: str,
    title: str,
    years: Sequence[int],
    shares: Sequence[Sequence[float | None]],
) -> Markup:
    """Draw shares by year and month as tiles; blank where there is nothing to share."""

    def draw(figure: Figure) -> None:
        from matplotlib.colors import BoundaryNorm, ListedColormap

        axes = figure.subplots()
        colours = ListedColormap([COLOURS[f"s{step}"] for step in range(STEPS + 1)])
        norm = BoundaryNorm([step - 0.5 for step in range(STEPS + 2)], STEPS + 1)
        tiles = axes.pcolormesh(
            range(len(MONTH_LETTERS) + 1),
            range(len(years) + 1),
            [[_step(share) for share in row] for row in shares],
            cmap=colours,
            norm=norm,
            edgecolors=COLOURS["surface"],
            linewidth=1.5,
        )
        axes.grid(visible=False)
        axes.invert_yaxis()
        axes.set_xticks(_middles(len(MONTH_LETTERS)), list(MONTH_LETTERS))
        axes.set_yticks(_middles(len(years)), [str(year) for year in years])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(title)
        bar = figure.colorbar(
            tiles, ax=axes, location="bottom", aspect=34, pad=0.03, spacing="uniform"
        )
        bar.set_ticks([0, 5, 10], labels=["none", "40 to 50 %", "over 90 %"])
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0)

    height = 88.0 + 16 * len(years)
    return drawn(name, f"{title}, by year and month", (WIDTH, height), draw)


def _middles(count: int) -> list[float]:
    return [place + 0.5 for place in range(count)]


def _step(share: float | None) -> float:
    """Return the step of a share: 0 for none, 1 for up to a tenth, and so on."""
    if share is None:
        return float("nan")
    return float(min(STEPS, -int(-share * STEPS // 1)))


def curves(
    name: str,
    title: str,
    lines: Sequence[Curve],
    axes_labels: tuple[str, str],
    *,
    whole_numbers: bool = False,
) -> Markup:
    """Draw lines from zero up; a missing value breaks its line.

    Parameters
    ----------
    axes_labels : of x and y; an axis called `YEAR` is marked at whole years
    whole_numbers : y is marked at whole numbers
    """

    def draw(figure: Figure) -> None:
        axes = figure.subplots()
        for item in lines:
            values = [float("nan") if y is None else y for y in item.y]
            axes.plot(
                item.x,
                values,
                item.style,
                color=item.colour,
                linewidth=item.width,
                markersize=item.width + 2.5,
                label=item.label,
            )
        highest = max((y for item in lines for y in item.y if y is not None), default=0)
        axes.set_ylim(0, 1.06 * highest or 1)
        axes.set(xlabel=axes_labels[0], ylabel=axes_labels[1])
        if whole_numbers:
            axes.locator_params(axis="y", integer=True)
        if axes_labels[0] == YEAR:
            _whole_years(axes, [x for item in lines for x in item.x])
        _titled(figure, axes, title, len(lines))

    size = (WIDTH, 218 + 14.0 * ((len(lines) + 2) // 3))
    return drawn(name, f"{title}: {axes_labels[1]} by {axes_labels[0]}", size, draw)


def _whole_years(axes: Axes, times: Sequence[float]) -> None:
    """Mark whole years, also where there is but one."""
    low, high = min(times), max(times)
    if high - low < 1:
        year = int(low)
        axes.set_xlim(year - 0.5, year + 1.5)
        axes.set_xticks([year], [str(year)])
    else:
        axes.locator_params(axis="x", integer=True)


def _titled(figure: Figure, axes: Axes, title: str, entries: int) -> None:
    figure.suptitle(title, x=0.01, ha="left", fontsize=11.5, color=_INK)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0.0, 1.0),
        ncols=min(entries, 3),
        borderpad=0.2,
        borderaxespad=0.1,
        columnspacing=1.2,
        handlelength=1.8,
        markerscale=1.0,
    )
