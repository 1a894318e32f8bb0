"""Wording and drawings that the sections of a release's report share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from somobench.pages.figures import Bar, Box, Figure, Row, RowPlot
from somobench.pages.frame import Section, render_template, write_number
from somobench.pages.scales import Scale, make_linear_scale
from somobench.pages.tables import Cell
from somobench.schemas.recipe import LayerParams, Recipe

PACKAGE = "somobench.pipelines.release.report"
QUANTILES = ("q05", "q25", "median", "q75", "q95")
QUANTILE_TITLES = ("5 %", "25 %", "median", "75 %", "95 %")
EMPTY: Mapping[str, Any] = {"count": 0}
WHOLE = 100.0  # percent
TICKS = 6  # years written below a chart, at most

Numbers = Mapping[str, Any]
Layers = Sequence[tuple[LayerParams, Numbers]]


def make_section(
    name: str, title: str, *, template: str = "", **context: object
) -> Section:
    """Return a section that a template of the report writes, by default its own."""
    text = render_template(
        f"{template or name}.html.j2", PACKAGE, figure=make_figure, **context
    )
    return Section(name, title, (text,))


def make_figure(number: int, panels: Sequence[object], caption: str) -> Figure:
    """Return panels as a figure that goes by its number."""
    text = f"Figure {number}. {caption}"
    return Figure(name=f"figure-{number}", panels=panels, caption=text)


def show_name(name: str) -> Markup:
    """Return a name of a file or a split that can be broken after its underscores."""
    return escape(name).replace("_", Markup("_<wbr>"))


def show_code(text: object) -> Markup | None:
    """Return a name or value as delivered, which can be broken anywhere."""
    return None if text is None else Markup("<code>{}</code>").format(text)


def name_depths(layer: LayerParams) -> str:
    """Return how the report calls a layer: its number and depths."""
    return f"layer {layer.layer} ({layer.depth_from_cm} to {layer.depth_to_cm} cm)"


def list_layers(
    recipe: Recipe, report: Numbers
) -> Iterator[tuple[LayerParams, Numbers]]:
    """Return the layers that have a target, each with its numbers."""
    for layer in recipe.layers:
        numbers = report["layers"].get(str(layer.layer), {})
        if numbers.get("days"):
            yield layer, numbers


def describe_missing_layers(recipe: Recipe, report: Numbers) -> str:
    """Say which layers have no target; nothing if all have."""
    present = {layer.layer for layer, _ in list_layers(recipe, report)}
    missing = [name_depths(item) for item in recipe.layers if item.layer not in present]
    return f"No target at all: {', '.join(missing)}." if missing else ""


def write_share(part: float, whole: float) -> str:
    """Write a share with one decimal, never 0.0 for something or 100.0 for less."""
    if not whole:
        return "no share"
    share = WHOLE * part / whole
    if 0 < share < 0.1:  # noqa: PLR2004 - the smallest that one decimal shows
        return "below 0.1 %"
    if 99.9 < share < WHOLE:  # noqa: PLR2004
        return "over 99.9 %"
    return f"{share:.1f} %"


def write_count(count: int, total: int) -> str:
    """Write a count and its share."""
    return f"{write_number(count)} ({write_share(count, total)})"


def make_number_cell(value: float | None, digits: int) -> Cell:
    """Return a number as a cell that shows and sorts by its first decimals."""
    key = None if value is None else round(value, digits)
    return Cell(write_number(value, digits), key)


def list_quantiles(item: Numbers, digits: int) -> list[object]:
    """Return count and quantiles of a summary, as cells of a table."""
    values = [make_number_cell(item.get(name), digits) for name in QUANTILES]
    return [item["count"], *values]


def plot_bars(
    title: str, counts: Sequence[tuple[str, int, str]], total: int, axis: str
) -> RowPlot:
    """Return counts as bars from zero to all of them.

    Parameters
    ----------
    counts : label, count and colour of each bar
    total : what all of them are shares of
    """
    rows: list[Row | str] = [
        Row(label, (Bar(WHOLE * count / total, colour),), write_count(count, total))
        for label, count, colour in counts
    ]
    scale = Scale(0.0, WHOLE, (0.0, 25.0, 50.0, 75.0, WHOLE))
    return RowPlot(rows=[title, *rows], axis=axis, label=title, scale=scale)


def plot_boxes(
    title: str,
    rows: Sequence[tuple[str, Sequence[Numbers]]],
    axis: str,
    *,
    series: Sequence[str] = (),
    limits: Sequence[float] = (),
    digits: int = 2,
) -> RowPlot:
    """Return boxes: middle half, median and whiskers from 5 to 95 %.

    Parameters
    ----------
    rows : label and, in the order of `series`, summaries; each is a box or, with
        fewer than five values, points
    limits : values that the axis holds at least
    digits : decimals on hover
    """
    places = [*limits]
    drawn: list[Row | str] = []
    for label, items in rows:
        marks = [_make_box(item, f"c{n}") for n, item in enumerate(items, 1)]
        for item in items:
            places += item.get("values", [item[q] for q in QUANTILES if q in item])
        tips = [
            _describe_box(name, item, digits)
            for name, item in zip(series or [""], items, strict=True)
        ]
        counts = ", ".join(write_number(item["count"]) for item in items)
        drawn.append(Row(label, marks, f"n {counts}", "\n".join(tips)))
    key = {f"c{n}": name for n, name in enumerate(series, 1)} if series else None
    scale = make_linear_scale(places)
    return RowPlot(rows=[title, *drawn], axis=axis, label=title, key=key, scale=scale)


def _make_box(item: Numbers, colour: str) -> Box:
    if "values" in item or not item["count"]:
        return Box(colour=colour, values=tuple(item.get("values", ())))
    low, lower, median, upper, high = (item[name] for name in QUANTILES)
    return Box(low, lower, median, upper, high, colour)


def _describe_box(name: str, item: Numbers, digits: int) -> str:
    start = f"{name}: " if name else ""
    if not item["count"]:
        return f"{start}no value"
    if "values" in item:
        values = ", ".join(write_number(value, digits) for value in item["values"])
        return f"{start}{values}"
    shown = [write_number(item[quantile], digits) for quantile in QUANTILES]
    low, lower, middle, upper, high = shown
    return (
        f"{start}median {middle}, half {lower} to {upper}, 5 to 95 %: {low} to {high}"
    )


def make_year_scale(times: Sequence[float]) -> Scale:
    """Return a scale of whole years, also where there is but one."""
    first, last = int(min(times)), int(max(times))
    last = max(last, first + 1)
    step = -(-(last - first) // TICKS)
    ticks = tuple(float(year) for year in range(first, last + 1, step))
    high = max(float(last), *times)
    return Scale(
        float(first), high, ticks, labels=tuple(f"{tick:.0f}" for tick in ticks)
    )
