"""Targets beside the sensors of their cells, as sections of a release's report."""

from __future__ import annotations

from collections.abc import Sequence

from somobench.pages.figures import Axis, Chart, Point, RowPlot, Series
from somobench.pages.frame import Section
from somobench.pages.scales import make_linear_scale
from somobench.pages.tables import Table
from somobench.pipelines.release.report.layers import (
    EMPTY,
    QUANTILE_TITLES,
    Layers,
    Numbers,
    list_layers,
    list_quantiles,
    make_number_cell,
    make_section,
    make_year_scale,
    name_depths,
    plot_boxes,
)
from somobench.pipelines.release.report.losses import ROLES
from somobench.schemas.recipe import Recipe

SOURCES = {
    "spread": "relative spread",
    "correlation": "correlation",
    "sensors": "sensors a cell",
}
MEASURES = {
    "correlation": ("Correlation with the target", "correlation, daily", (0.0, 1.0)),
    "mean_difference": (
        "Difference from the target",
        "difference of means, m\u00b3 m\u207b\u00b3",
        (-0.1, 0.1),
    ),
}
LINES = ("none", "none", "7 4", "2 3", "7 4")
LOOKS = (("coast", 6.0), ("c1", 1.5), ("c2", 1.5), ("c3", 1.5), ("c4", 1.5))


def make_source_section(recipe: Recipe, report: Numbers) -> Section:
    """Show cells with two or more sensors: spread of means, correlation."""
    layers = list(list_layers(recipe, report))
    counts = [
        f"{name_depths(layer)}: {item['sources']['cells_with_several']} of "
        f"{item['sources']['cells']} cells"
        for layer, item in layers
    ]
    several = any(item["sources"]["cells_with_several"] for _, item in layers)
    return make_section(
        "sources",
        "Cells with several sensors",
        plots=[
            _plot_sources(
                layers, "spread", "Spread of sensor means", "standard deviation / mean"
            ),
            _plot_sources(
                layers,
                "correlation",
                "Primary and accepted sensor",
                "correlation, daily",
            ),
        ]
        if several
        else [],
        counts=counts,
        minimum=f"{recipe.targets.secondary_minimum_correlation:g}",
        table=_tabulate_sources(layers),
    )


def _plot_sources(layers: Layers, name: str, title: str, axis: str) -> RowPlot:
    rows = [(name_depths(layer), [item["sources"][name]]) for layer, item in layers]
    limits = (0.0, 1.0) if name == "correlation" else (0.0,)
    return plot_boxes(title, rows, axis, limits=limits)


def _tabulate_sources(layers: Layers) -> Table:
    return Table(
        sortable=False,
        title="Quantiles",
        columns=["layer and quantity", "n", *QUANTILE_TITLES],
        rows=[
            [f"layer {layer.layer}, {title}", *list_quantiles(item["sources"][name], 3)]
            for layer, item in layers
            for name, title in SOURCES.items()
        ],
    )


def make_station_section(recipe: Recipe, report: Numbers) -> Section:
    """Show every sensor of a cell beside the cell's target."""
    layers = [each for each in list_layers(recipe, report) if each[1].get("stations")]
    groups = [item["stations"] for _, item in layers]
    present = {role for group in groups for role in group} - {"primary"}
    roles = sorted(present, key=lambda role: (role not in ROLES, role))
    drawn = [
        role
        for role in roles
        if any(group.get(role, {}).get("compared", 0) for group in groups)
    ]
    examples = sorted(report.get("examples", {}).items())
    depths = {str(layer.layer): name_depths(layer) for layer in recipe.layers}
    return make_section(
        "stations",
        "Targets and their stations",
        has_sensors=bool(layers),
        primaries=_describe_primaries(layers),
        plots=_plot_roles(layers, drawn) if drawn else [],
        not_drawn=[_name_role(role) for role in roles if role not in drawn],
        table=_tabulate_roles(layers, roles),
        redistributable=recipe.release.redistributable,
        charts=[_chart_example(depths[name], item) for name, item in examples],
        sensors=[
            (f"{label}, layer {name}", series["sensor_id"])
            for name, item in examples
            for label, series in zip(_name_series(item), item["series"], strict=True)
            if series["sensor_id"] is not None
        ],
        more=[
            (name, item["filling_sensors"], len(item["series"]) - 2)
            for name, item in examples
            if item["filling_sensors"] > len(item["series"]) - 2
        ],
    )


def _name_role(role: str) -> str:
    return ROLES.get(role, f"rejected: {role}")


def _describe_primaries(layers: Layers) -> list[str]:
    return [
        f"{name_depths(layer)}: {primary['largest_difference']:.2g} "
        f"m\u00b3 m\u207b\u00b3 over {primary['sensors']} sensors"
        for layer, item in layers
        if (primary := item["stations"].get("primary"))
    ]


def _plot_roles(layers: Layers, roles: Sequence[str]) -> list[RowPlot]:
    return [
        plot_boxes(
            title,
            [
                (
                    _name_role(role),
                    [
                        item["stations"].get(role, {}).get(name, EMPTY)
                        for _, item in layers
                    ],
                )
                for role in roles
            ],
            axis,
            series=[f"layer {layer.layer}" for layer, _ in layers],
            limits=limits,
        )
        for name, (title, axis, limits) in MEASURES.items()
    ]


def _tabulate_roles(layers: Layers, roles: Sequence[str]) -> Table:
    rows: list[list[object]] = []
    for layer, item in layers:
        for role in roles:
            found = item["stations"].get(role)
            if found:
                medians = [
                    make_number_cell(found[m].get("median"), 3) for m in MEASURES
                ]
                counts = [found["sensors"], found["cells"], found["compared"]]
                name = f"layer {layer.layer}, {_name_role(role)}"
                rows.append([name, *counts, *medians])
    return Table(
        sortable=False,
        title="Sensors by kind",
        columns=[
            *("layer and kind", "sensors", "cells", "compared"),
            *("median correlation", "median difference"),
        ],
        rows=rows,
    )


def _name_series(item: Numbers) -> list[str]:
    filling = len(item["series"]) - 2
    return ["target", "primary", *(f"filling {place + 1}" for place in range(filling))]


def _chart_example(depths: str, item: Numbers) -> Chart:
    years = [int(month[:4]) + (int(month[5:]) - 0.5) / 12 for month in item["months"]]
    series = [
        Series(
            name,
            [Point(x, y) for x, y in zip(years, each["means"], strict=True)],
            colour,
            symbol="",
            line=line,
            width=width,
        )
        for name, each, line, (colour, width) in zip(
            _name_series(item), item["series"], LINES, LOOKS, strict=False
        )
    ]
    values = [value for each in item["series"] for value in each["means"]]
    title = f"Cell {item['cell_id']}, {depths}"
    return Chart(
        series=series,
        x=Axis(make_year_scale(years), "year"),
        y=Axis(
            make_linear_scale(values, zero=True), "soil moisture, m\u00b3 m\u207b\u00b3"
        ),
        title=title,
        label=f"Monthly means of a target and its sensors. {title}",
    )
