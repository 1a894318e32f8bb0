"""Sections of the report on where, when and how deep targets are; shared wording.

Each function takes numbers of `validation.json` and gives the blocks of a section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from somobench.pages.html import Markup, details, figure, number, table
from somobench.pipelines.release.report.maps import DRYNESS_LIMITS, chart, climate
from somobench.pipelines.release.report.plots import (
    YEAR,
    Bar,
    Curve,
    bars,
    calendar,
    curves,
)
from somobench.pipelines.release.report.svg import COLOURS, SERIES
from somobench.schemas.recipe import LayerParams, Recipe

DEPTHS_SHOWN = 12
KEPT, REST = SERIES[0], COLOURS["muted"]
Numbers = Mapping[str, Any]
HOW_TO_READ = (
    "Boxes hold the middle half, with a bar at the median; whiskers reach from 5 to "
    "95 %; up to four values are drawn as points; n counts values."
)
QUANTILES = ("q05", "q25", "median", "q75", "q95")
QUANTILE_TITLES = ("5 %", "25 %", "median", "75 %", "95 %")

ROLES = {
    "primary": "primary sensor of a target",
    "gap-filling": "fills gaps of a target",
    "accepted, filled no day": "accepted to fill gaps, but there were none for it",
}


def layer_name(layer: LayerParams) -> str:
    """Return how the page calls a layer."""
    return f"layer {layer.layer} ({layer.depth_from_cm} to {layer.depth_to_cm} cm)"


def with_targets(
    recipe: Recipe, report: Numbers
) -> Iterator[tuple[LayerParams, Numbers]]:
    """Give the layers that have a target, each with its numbers."""
    for layer in recipe.layers:
        numbers = report["layers"].get(str(layer.layer), {})
        if numbers.get("days"):
            yield layer, numbers


def without_targets(recipe: Recipe, report: Numbers) -> str:
    """Say which layers have no target; nothing if all have."""
    present = {layer.layer for layer, _ in with_targets(recipe, report)}
    missing = [layer_name(item) for item in recipe.layers if item.layer not in present]
    return f"No target at all: {', '.join(missing)}." if missing else ""


def percent(part: float, whole: float) -> str:
    """Return a share with one decimal, never 0.0 for something or 100.0 for less."""
    if not whole:
        return "no share"
    share = 100 * part / whole
    if 0 < share < 0.1:  # noqa: PLR2004 - the smallest that one decimal shows
        return "below 0.1 %"
    if 99.9 < share < 100:  # noqa: PLR2004
        return "over 99.9 %"
    return f"{share:.1f} %"


def counted(count: int, total: int) -> str:
    """Return a count and its share."""
    return f"{number(count)} ({percent(count, total)})"


def place_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show cells in climate and on the map."""
    cells = report["cells"]
    pairs = zip(cells["dryness"], cells["mean_air_temperature"], strict=True)
    known = sum(
        dryness is not None and dryness > 0 and warmth is not None
        for dryness, warmth in pairs
    )
    total = len(cells["cell_id"])
    panels = [chart("cells-map", cells)]
    told = (
        "No cell has a dryness: it takes net radiation, precipitation and temperature, "
        "which this release's forcing doesn't all have. So there is no climate panel."
    )
    if known:
        panels.insert(0, climate("cells-climate", cells))
        low, high = DRYNESS_LIMITS
        told = (
            f"Climate: {known} of {total} cells, those with a known dryness: net "
            f"radiation over latent heat ({recipe.forcing.latent_heat} MJ/kg) times "
            f"precipitation, means of the whole period; dashed at 1, between energy- "
            f"and water-limited. The axis spans {low} to {high:g} at least, so that "
            f"releases compare."
        )
    caption = (
        f"Figure 2. One mark a cell with a target in any layer. {told} Map: all "
        f"{total} cells at their centres, without coastlines; marks are larger than "
        f"cells, and one may hide another. Numbers in brackets count cells of a region."
    )
    return [figure(panels, caption, name="figure-2")]


def time_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show completeness by month and year, and active cells by year."""
    layers = list(with_targets(recipe, report))
    panels = [
        calendar(
            f"complete-{layer.layer}",
            f"Completeness, {layer_name(layer)}",
            numbers["availability"]["years"],
            _shares(numbers["availability"]),
        )
        for layer, numbers in layers
    ]
    panels.append(
        curves(
            "active-cells",
            "Active cells",
            _active(layers),
            (YEAR, "cells"),
            whole_numbers=True,
        )
    )
    start, end = recipe.period.start, recipe.period.end
    caption = (
        f"Figure 3. Completeness: days with a target over possible days, summed over "
        f"cells, by month and year. A day is possible for a cell from the first to the "
        f"last day of its own record, so late starts and early ends are no gaps; blank "
        f"where no record runs. Active cells: cells with at least one day in that "
        f"calendar year, however many days. Period {start} to {end}. "
        f"{without_targets(recipe, report)}"
    )
    return [
        figure(panels, caption, name="figure-3"),
        details("Days and cells by year", _year_table(layers)),
    ]


def _shares(availability: Numbers) -> list[list[float | None]]:
    pairs = zip(availability["observed"], availability["possible"], strict=True)
    return [
        [seen / most if most else None for seen, most in zip(*pair, strict=True)]
        for pair in pairs
    ]


def _active(layers: Sequence[tuple[LayerParams, Numbers]]) -> list[Curve]:
    styles = (("-o", 4.0), ("-s", 2.0), ("--D", 1.0))  # one may lie on another
    return [
        Curve(
            f"layer {layer.layer}",
            numbers["availability"]["years"],
            numbers["availability"]["active_cells"],
            SERIES[place % len(SERIES)],
            *styles[place % len(styles)],
        )
        for place, (layer, numbers) in enumerate(layers)
    ]


def _year_table(layers: Sequence[tuple[LayerParams, Numbers]]) -> Markup:
    rows = []
    for layer, numbers in layers:
        item = numbers["availability"]
        for place, year in enumerate(item["years"]):
            seen, most = sum(item["observed"][place]), sum(item["possible"][place])
            active = item["active_cells"][place]
            share = percent(seen, most)
            rows.append([f"layer {layer.layer}, {year}", active, seen, most, share])
    header = ["layer and year", "active cells", "cell-days", "possible", "share"]
    return table(header, rows, "Cell-days with a target by year")


def depth_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show at which depths the sensors of the targets lie."""
    panels = []
    for layer, numbers in with_targets(recipe, report):
        depths = numbers["depths"]
        panels.append(
            bars(
                f"depths-{layer.layer}",
                f"Depths, {layer_name(layer)}",
                _depth_bars(depths["depths"], depths["cells"]),
                f"cells, of {number(depths['cells'])}",
                depths["cells"],
            )
        )
    caption = (
        "Figure 4. Depth interval of the sensors that each target is made of, which "
        "the rule chooses nearest to the layer's nominal midpoint ("
        + ", ".join(
            f"{item.midpoint_cm:g} cm for layer {item.layer}" for item in recipe.layers
        )
        + "). Targets of one layer may thus belong to different depths; single depths "
        f"are point sensors. {without_targets(recipe, report)}"
    )
    return [figure(panels, caption, name="figure-4")]


def _depth_bars(depths: Sequence[Numbers], cells: int) -> list[Bar]:
    ordered = sorted(depths, key=lambda item: (-item["cells"], item["depth_from_cm"]))
    rows = [(_depth(item), item["cells"], KEPT) for item in ordered[:DEPTHS_SHOWN]]
    rest = ordered[DEPTHS_SHOWN:]
    if rest:
        others = sum(item["cells"] for item in rest)
        rows.append((f"{len(rest)} other depths", others, REST))
    return [
        Bar(label, count, counted(count, cells), colour)
        for label, count, colour in rows
    ]


def _depth(item: Numbers) -> str:
    low, high = item["depth_from_cm"], item["depth_to_cm"]
    return f"{low} cm" if low == high else f"{low} to {high} cm"


def quantiles(item: Numbers, digits: int) -> list[str]:
    """Return count and quantiles of a summary, as cells of a table."""
    values = [number(item.get(name), digits) for name in QUANTILES]
    return [number(item["count"]), *values]
