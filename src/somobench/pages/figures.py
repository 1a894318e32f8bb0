"""Figures as SVG in the page's colours, drawn by templates without a library.

Places are percentages and marks have their size in pixels, so that a figure is as wide
as its place and its text keeps its size on a phone. A figure is a value: a template
that writes it out (`{{ figure }}`) gets its HTML. Nothing here computes what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup

from somobench.pages.frame import render_template
from somobench.pages.scales import INSET, Scale, finite_or_none, make_linear_scale

SYMBOLS = (
    "circle",
    "triangle",
    "square",
    "diamond",
    "plus",
    "cross",
    "wedge",
    "star",
)
COLOURS = tuple(f"c{number}" for number in range(1, 9))
DASHES = ("none", "7 4", "2 3")
MANY_POINTS = 300
SHARES = 10  # colours `s0` to `s10` stand for shares from nothing to all


class Dot(NamedTuple):
    """A value with its interval, filled or hollow."""

    value: float | None
    low: float | None = None
    high: float | None = None
    colour: str = "c1"
    filled: bool = True


class Bar(NamedTuple):
    """A bar from its start to its value."""

    value: float
    colour: str = "c1"
    start: float = 0.0


class Box(NamedTuple):
    """Whiskers, middle half and median, or a few values that are drawn one by one."""

    low: float | None = None
    lower: float | None = None
    median: float | None = None
    upper: float | None = None
    high: float | None = None
    colour: str = "c1"
    values: tuple[float, ...] = ()


Mark = Dot | Bar | Box


def list_numbers(marks: Iterable[Mark]) -> Iterator[float]:
    """Return all places of marks, which their scale has to hold."""
    for mark in marks:
        for part in mark:
            if isinstance(part, tuple):
                yield from part
            elif isinstance(part, int | float) and not isinstance(part, bool):
                yield part


class Row(NamedTuple):
    """A line of a row plot: its name, its marks one below the other, its numbers.

    `tip` shows on hover; `label` and `text` may be `Markup`.
    """

    label: object
    marks: Sequence[Mark]
    text: object = ""
    tip: str = ""


@dataclass(frozen=True, kw_only=True)
class RowPlot:
    """Rows of marks on one axis, with a name on the left and numbers on the right.

    Parameters
    ----------
    rows : a text, which may be `Markup`, is a heading for the rows below it
    axis : what is shown along it, with its unit and which side is better
    label : what the figure shows, for those who can't see it
    scale : by default one that holds all marks
    zero : whether 0 has to be in it, drawn as a line
    key : series by colour, such as `{"c1": "train"}`
    """

    rows: Sequence[Row | str]
    axis: str
    label: str = ""
    scale: Scale | None = None
    zero: bool = False
    key: Mapping[str, str] | None = None

    def __html__(self) -> Markup:
        """Return the figure."""
        marks = [mark for row in self.rows if isinstance(row, Row) for mark in row[1]]
        scale = self.scale or make_linear_scale(list_numbers(marks), zero=self.zero)
        return render_template("rows.html.j2", plot=self, scale=scale)


class Point(NamedTuple):
    """A point of a chart, with an interval upwards and a text on hover."""

    x: float
    y: float | None
    tip: str = ""
    low: float | None = None
    high: float | None = None


class Series(NamedTuple):
    """Points of one kind; `line` joins them, broken where a value is missing.

    `symbol` is one of `SYMBOLS` or empty; `hollow` draws its outline alone; `line` is a
    dash pattern of `DASHES` or empty, `width` px wide.
    """

    label: str
    points: Sequence[Point]
    colour: str = "c1"
    symbol: str = "circle"
    line: str = ""
    hollow: bool = False
    width: float = 2.0

    @property
    def segments(self) -> list[list[Point]]:
        """Runs of points that have a value."""
        runs = groupby(self.points, key=lambda point: finite_or_none(point.y) is None)
        return [list(run) for missing, run in runs if not missing]


class Axis(NamedTuple):
    """A scale and what it measures; `guide` is a value at which a line is drawn."""

    scale: Scale
    title: str
    guide: float | None = None


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Series of points on two axes.

    Parameters
    ----------
    label : what the figure shows, for those who can't see it
    title : stands above
    height : of the drawing, px
    """

    series: Sequence[Series]
    x: Axis
    y: Axis
    label: str = ""
    title: object = ""
    height: int = 260

    @property
    def opacity(self) -> float:
        """Opacity of marks, so that many show where they lie closest."""
        count = sum(len(each.points) for each in self.series)
        return 1.0 if count <= MANY_POINTS else 0.4

    def follows(self) -> bool:
        """Whether it has a line without marks, whose values follow the pointer."""
        return any(each.line and not each.symbol for each in self.series)

    @staticmethod
    def span(scale: Scale) -> str:
        """Return the values at the two edges of a linear scale's axis."""
        unit = (scale.high - scale.low) / (100 - 2 * INSET)
        low, high = scale.low - INSET * unit, scale.high + INSET * unit
        return f"{low:.6g} {high:.6g}"

    def __html__(self) -> Markup:
        """Return the figure."""
        return render_template("chart.html.j2", chart=self)


@dataclass(frozen=True, kw_only=True)
class TileGrid:
    """Shares as tiles in rows and columns; blank where there is nothing to share.

    Parameters
    ----------
    columns, rows : their names
    shares : by row and column, 0 to 1
    tips : what each tile says on hover, by row and column
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[str]
    shares: Sequence[Sequence[float | None]]
    tips: Sequence[Sequence[str]]

    @property
    def lines(self) -> Iterator[tuple[str, list[tuple[int | None, str]]]]:
        """Each row's name, and step of colour and tip of its tiles."""
        for name, shares, tips in zip(self.rows, self.shares, self.tips, strict=True):
            steps = map(find_step, shares)
            yield name, list(zip(steps, tips, strict=True))

    def __html__(self) -> Markup:
        """Return the figure."""
        return render_template("tiles.html.j2", grid=self, steps=range(SHARES + 1))


def find_step(share: float | None) -> int | None:
    """Return the colour of a share: 0 for none, 1 for up to a tenth, and so on."""
    if share is None:
        return None
    return min(SHARES, -int(-share * SHARES // 1))


@dataclass(frozen=True, kw_only=True)
class Figure:
    """Panels side by side where there is room, and their caption below."""

    name: str
    panels: Sequence[object]
    caption: object

    def __html__(self) -> Markup:
        """Return the figure; `name` is its anchor, once on a page."""
        return render_template("figure.html.j2", figure=self)
