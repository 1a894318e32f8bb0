"""Where, when and how deep targets are, as sections of a release's report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from somobench.pages.figures import (
    COLOURS,
    DASHES,
    SYMBOLS,
    Axis,
    Chart,
    Point,
    RowPlot,
    Series,
    TileGrid,
)
from somobench.pages.frame import Section
from somobench.pages.maps import CellMap, Place, make_map_panels
from somobench.pages.scales import make_linear_scale, make_log_scale
from somobench.pages.tables import Table
from somobench.pages.texts import name_region
from somobench.pipelines.release.report.layers import (
    Layers,
    Numbers,
    describe_missing_layers,
    list_layers,
    make_section,
    make_year_scale,
    name_depths,
    plot_bars,
    write_count,
    write_share,
)
from somobench.schemas.recipe import LayerParams, Recipe
from somobench.schemas.variables import DRYNESS_SOURCES

DEPTHS_SHOWN = 12
DRYNESS_LIMITS = (0.1, 100.0)  # as published; wider where a cell lies outside
TEMPERATURE_LIMITS = (-15.0, 35.0)  # degrees Celsius
MONTH_LETTERS = "JFMAMJJASOND"

Looks = Mapping[str, tuple[str, str]]


def make_place_section(recipe: Recipe, report: Numbers) -> Section:
    """Show cells in climate and on the map."""
    cells = report["cells"]
    regions = [name_region(name) for name in cells["region"]]
    looks = {
        name: (SYMBOLS[n % len(SYMBOLS)], COLOURS[(n + 3) % len(COLOURS)])
        for n, name in enumerate(sorted(set(regions)))
    }
    climate = _list_climate(cells, regions)
    return make_section(
        "where",
        "Where cells are",
        template="places",
        climate=_chart_climate(climate, looks) if climate else None,
        maps=_draw_maps(cells, regions, looks),
        looks=looks,
        counts={name: regions.count(name) for name in looks},
        known=sum(map(len, climate.values())),
        total=len(regions),
        limits=DRYNESS_LIMITS,
        dryness=_describe_dryness(recipe),
    )


def _describe_dryness(recipe: Recipe) -> str:
    """Say what dryness is in this release."""
    if recipe.forcing.dryness != "net_radiation":
        return DRYNESS_SOURCES[recipe.forcing.dryness]
    return (
        f"net radiation over latent heat ({recipe.forcing.latent_heat} MJ/kg) times "
        "precipitation, means of the whole period"
    )


def _list_climate(
    cells: Mapping[str, Sequence[Any]], regions: Sequence[str]
) -> dict[str, list[Point]]:
    """Return dryness and temperature of the cells that have both, by region."""
    found: dict[str, list[Point]] = defaultdict(list)
    rows = zip(
        cells["cell_id"],
        regions,
        cells["dryness"],
        cells["mean_air_temperature"],
        strict=True,
    )
    for cell, region, dryness, warmth in rows:
        if dryness is not None and dryness > 0 and warmth is not None:
            tip = f"{cell}, {region}\ndryness {dryness:.2f}, {warmth:.1f} \u00b0C"
            found[region].append(Point(dryness, warmth, tip))
    return found


def _chart_climate(climate: Mapping[str, Sequence[Point]], looks: Looks) -> Chart:
    points = [point for each in climate.values() for point in each]
    warmth = [point.y for point in points]
    series = [
        Series(f"{name} ({len(own)})", own, looks[name][1], looks[name][0], hollow=True)
        for name, own in sorted(climate.items())
    ]
    dryness = make_log_scale([*(point.x for point in points), *DRYNESS_LIMITS])
    return Chart(
        series=series,
        x=Axis(dryness, "dryness, no unit (logarithmic)", 1.0),
        y=Axis(
            make_linear_scale([*warmth, *TEMPERATURE_LIMITS]),
            "mean temperature, \u00b0C",
        ),
        title="Climate of the cells",
        label="Mean temperature against dryness of cells",
        height=320,
    )


def _draw_maps(
    cells: Mapping[str, Sequence[Any]], regions: Sequence[str], looks: Looks
) -> list[CellMap]:
    """Return a map of all cells and, where some hide others, one of each region."""
    rows = zip(
        cells["cell_id"], cells["latitude"], cells["longitude"], regions, strict=True
    )
    places = [Place(cell, north, east, None, own) for cell, north, east, own in rows]
    whole = CellMap(places=places, title="Position of the cells", looks=looks)
    if whole.shows_each or len(looks) == 1:
        return [whole]
    return [whole, *make_map_panels(places, looks)]


def make_time_section(recipe: Recipe, report: Numbers) -> Section:
    """Show completeness by month and year, and active cells by year."""
    layers = list(list_layers(recipe, report))
    return make_section(
        "when",
        "Availability",
        template="availability",
        panels=[*(_draw_calendar(*item) for item in layers), _chart_active(layers)],
        period=recipe.period,
        missing=describe_missing_layers(recipe, report),
        table=_tabulate_years(layers),
    )


def _draw_calendar(layer: LayerParams, numbers: Numbers) -> TileGrid:
    item = numbers["availability"]
    pairs = [
        list(zip(*lines, strict=True))
        for lines in zip(item["observed"], item["possible"], strict=True)
    ]
    return TileGrid(
        title=f"Completeness, {name_depths(layer)}",
        columns=list(MONTH_LETTERS),
        rows=[str(year) for year in item["years"]],
        shares=[[seen / most if most else None for seen, most in row] for row in pairs],
        tips=[
            [
                f"{year}-{month:02d}: {write_count(*pair)}" if pair[1] else ""
                for month, pair in enumerate(row, 1)
            ]
            for year, row in zip(item["years"], pairs, strict=True)
        ],
    )


def _chart_active(layers: Layers) -> Chart:
    series = []
    for n, (layer, numbers) in enumerate(layers):
        item = numbers["availability"]
        name = f"layer {layer.layer}"
        points = [
            Point(year, count, f"{name}, {year}: {count} cells")
            for year, count in zip(item["years"], item["active_cells"], strict=True)
        ]
        looks = COLOURS[n % len(COLOURS)], SYMBOLS[n % len(SYMBOLS)]
        series.append(Series(name, points, *looks, DASHES[n % len(DASHES)]))
    points = [point for each in series for point in each.points]
    return Chart(
        series=series,
        x=Axis(make_year_scale([point.x for point in points]), "year"),
        y=Axis(make_linear_scale((point.y for point in points), zero=True), "cells"),
        title="Active cells",
        label="Active cells by year",
    )


def _tabulate_years(layers: Layers) -> Table:
    rows: list[list[object]] = []
    for layer, numbers in layers:
        item = numbers["availability"]
        for place, year in enumerate(item["years"]):
            seen, most = sum(item["observed"][place]), sum(item["possible"][place])
            active, share = item["active_cells"][place], write_share(seen, most)
            rows.append([f"layer {layer.layer}, {year}", active, seen, most, share])
    return Table(
        sortable=False,
        title="Cell-days with a target by year",
        columns=["layer and year", "active cells", "cell-days", "possible", "share"],
        rows=rows,
    )


def make_depth_section(recipe: Recipe, report: Numbers) -> Section:
    """Show at which depths the sensors of the targets lie."""
    layers = list_layers(recipe, report)
    return make_section(
        "depths",
        "Sensor depths",
        plots=[_plot_depths(layer, numbers["depths"]) for layer, numbers in layers],
        layers=recipe.layers,
        missing=describe_missing_layers(recipe, report),
    )


def _plot_depths(layer: LayerParams, depths: Numbers) -> RowPlot:
    ordered = sorted(
        depths["depths"], key=lambda item: (-item["cells"], item["depth_from_cm"])
    )
    counts = [
        (_name_depth(item), item["cells"], "c1") for item in ordered[:DEPTHS_SHOWN]
    ]
    rest = ordered[DEPTHS_SHOWN:]
    if rest:
        others = sum(item["cells"] for item in rest)
        counts.append((f"{len(rest)} other depths", others, "c8"))
    title = f"Depths, {name_depths(layer)}"
    return plot_bars(title, counts, depths["cells"], f"% of {depths['cells']} cells")


def _name_depth(item: Numbers) -> str:
    low, high = item["depth_from_cm"], item["depth_to_cm"]
    return f"{low} cm" if low == high else f"{low} to {high} cm"
