"""Sections of the report on targets beside the sensors of their cells.

Each function takes numbers of `validation.json` and gives the blocks of a section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from somobench.pages.html import Markup, bullets, details, figure, notice, number, table
from somobench.pipelines.release.report.places import (
    HOW_TO_READ,
    QUANTILE_TITLES,
    ROLES,
    layer_name,
    quantiles,
    with_targets,
)
from somobench.pipelines.release.report.plots import YEAR, Boxes, Curve, boxes, curves
from somobench.pipelines.release.report.svg import COLOURS, SERIES
from somobench.schemas.recipe import LayerParams, Recipe

Numbers = Mapping[str, Any]
EMPTY: Numbers = {"count": 0}


def source_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show cells with two or more sensors: spread of means, correlation."""
    layers = list(with_targets(recipe, report))
    counts = [
        f"{layer_name(layer)}: {item['sources']['cells_with_several']} of "
        f"{item['sources']['cells']} cells"
        for layer, item in layers
    ]
    if not any(item["sources"]["cells_with_several"] for _, item in layers):
        return [notice("No cell has a second accepted sensor: nothing to compare.")]
    panels = [
        boxes(
            f"sources-{name}",
            title,
            [
                Boxes(layer_name(layer), [item["sources"][name]])
                for layer, item in layers
            ],
            axis,
            limits=limits,
        )
        for name, title, axis, limits in (
            (
                "spread",
                "Spread of sensor means",
                "standard deviation / mean",
                (0, None),
            ),
            (
                "correlation",
                "Primary and accepted sensor",
                "correlation, daily",
                (0, 1),
            ),
        )
    ]
    caption = (
        f"Figure 5. Cells whose target has two or more accepted sensors at one depth "
        f"({'; '.join(counts)}). Spread: one value a cell, of unscaled means over "
        f"each sensor's own days, so that different years add to it. Correlation: one "
        f"value an accepted sensor, on the days that the primary gave. Sensors below "
        f"{recipe.targets.secondary_minimum_correlation:g} were rejected, so it "
        f"can't show how badly sensors of a cell may disagree; Figure 8 can. Sensors "
        f"may stand at one station. {HOW_TO_READ}"
    )
    return [figure(panels, caption, name="figure-5"), _source_table(layers)]


def _source_table(layers: Sequence[tuple[LayerParams, Numbers]]) -> Markup:
    rows = [
        [f"layer {layer.layer}, {title}", *quantiles(item["sources"][name], 3)]
        for layer, item in layers
        for name, title in (
            ("spread", "relative spread"),
            ("correlation", "correlation"),
            ("sensors", "sensors a cell"),
        )
    ]
    header = ["layer and quantity", "n", *QUANTILE_TITLES]
    return details("Numbers of Figure 5", table(header, rows, "Quantiles"))


def station_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show every sensor of a cell beside the cell's target."""
    layers = [
        (layer, item)
        for layer, item in with_targets(recipe, report)
        if item.get("stations")
    ]
    if not layers:
        return [notice("The stage targets named no sensors: nothing to compare.")]
    groups = [item["stations"] for _, item in layers]
    present = {role for group in groups for role in group} - {"primary"}
    roles = sorted(present, key=lambda role: (role not in ROLES, role))
    drawn = [role for role in roles if any(_compared(group, role) for group in groups)]
    caption = (
        f"Figure 8. Every other sensor of a cell and layer against the unscaled "
        f"target, on days that the primary gave (at least 90), by what the rule made "
        f"of the sensor. Accepted sensors correlate above the rule's minimum by "
        f"construction. Differences are sensor less target, of means over these days. "
        f"{_not_drawn(roles, drawn)}{HOW_TO_READ}"
    )
    blocks = [_primary_check(layers)]
    if drawn:
        panels = _role_panels(layers, drawn)
        blocks.append(figure(panels, caption, name="figure-8"))
        blocks.append(_role_table(layers, roles))
    return blocks + _examples(recipe, report)


def _compared(group: Numbers, role: str) -> int:
    count: int = group.get(role, {}).get("compared", 0)
    return count


def _not_drawn(roles: Sequence[str], drawn: Sequence[str]) -> str:
    kinds = [f"\u201c{_kind(role)}\u201d" for role in roles if role not in drawn]
    if not kinds:
        return ""
    return f"Not drawn, with too few common days: {', '.join(kinds)}. "


def _kind(role: str) -> str:
    return ROLES.get(role, f"rejected: {role}")


def _primary_check(layers: Sequence[tuple[LayerParams, Numbers]]) -> Markup:
    told = [
        f"{layer_name(layer)}: {primary['largest_difference']:.2g} "
        f"m\u00b3 m\u207b\u00b3 over {primary['sensors']} sensors"
        for layer, item in layers
        if (primary := item["stations"].get("primary"))
    ]
    return notice(
        "On days that weren't filled, the unscaled target is the primary sensor's own "
        "daily mean, up to rounding. Largest difference found: ",
        "; ".join(told) or "no primary to compare",
        ".",
    )


def _role_panels(
    layers: Sequence[tuple[LayerParams, Numbers]], roles: Sequence[str]
) -> list[Markup]:
    names = [f"layer {layer.layer}" for layer, _ in layers]
    return [
        boxes(
            f"stations-{name.replace('_', '-')}",
            title,
            [
                Boxes(
                    _kind(role),
                    [
                        item["stations"].get(role, {}).get(name, EMPTY)
                        for _, item in layers
                    ],
                )
                for role in roles
            ],
            axis,
            series=names,
            limits=limits,
        )
        for name, title, axis, limits in (
            (
                "correlation",
                "Correlation with the target",
                "correlation, daily",
                (0, 1),
            ),
            (
                "mean_difference",
                "Difference from the target",
                "difference of means, m\u00b3 m\u207b\u00b3",
                (-0.1, 0.1),
            ),
        )
    ]


def _role_table(
    layers: Sequence[tuple[LayerParams, Numbers]], roles: Sequence[str]
) -> Markup:
    rows = []
    for layer, item in layers:
        for role in roles:
            found = item["stations"].get(role)
            if found:
                medians = [
                    number(found[name].get("median"), 3)
                    for name in ("correlation", "mean_difference")
                ]
                counts = [found["sensors"], found["cells"], found["compared"]]
                rows.append([f"layer {layer.layer}, {_kind(role)}", *counts, *medians])
    header = ["layer and kind", "sensors", "cells", "compared"]
    header += ["median correlation", "median difference"]
    return details("Numbers of Figure 8", table(header, rows, "Sensors by kind"))


def _examples(recipe: Recipe, report: Numbers) -> list[Markup]:
    if not recipe.release.redistributable:
        return [notice("No series of single sensors are shown: their licence forbids.")]
    layers = {str(layer.layer): layer for layer in recipe.layers}
    found = report.get("examples", {})
    if not found:
        return [notice("No target has a gap-filling sensor, so there is no example.")]
    panels = [
        curves(
            f"example-{name}",
            f"Cell {item['cell_id']}, {layer_name(layers[name])}",
            _example_curves(item),
            (YEAR, "soil moisture, m\u00b3 m\u207b\u00b3"),
        )
        for name, item in sorted(found.items())
    ]
    caption = (
        "Figure 9. Examples: by layer the cell whose target has most gap-filling "
        "sensors, chosen for that and not typical. Monthly means of unscaled values, "
        "of months with at least ten days; the grey band is the target, which follows "
        "its primary sensor and takes the others' variations, moved to the primary's "
        "mean and variance, only where the primary is missing."
    )
    listed = [
        f"{label}, layer {name}: {series['sensor_id']}"
        for name, item in sorted(found.items())
        for label, series in zip(_names(item), item["series"], strict=True)
        if series["sensor_id"] is not None
    ]
    listed += [
        f"layer {name}: {item['filling_sensors']} sensors fill gaps, of which "
        f"{len(item['series']) - 2} are drawn"
        for name, item in sorted(found.items())
        if item["filling_sensors"] > len(item["series"]) - 2
    ]
    return [
        figure(panels, caption, name="figure-9"),
        details("Sensors of Figure 9", bullets(listed)),
    ]


def _names(item: Numbers) -> list[str]:
    filling = len(item["series"]) - 2
    return ["target", "primary", *(f"filling {place + 1}" for place in range(filling))]


def _example_curves(item: Numbers) -> list[Curve]:
    styles = ("-", ".-", ".--", ".-.", ".:")
    colours = (COLOURS["grid"], *SERIES)
    years = [int(month[:4]) + (int(month[5:]) - 0.5) / 12 for month in item["months"]]
    return [
        Curve(
            name,
            years,
            series["means"],
            colours[place],
            styles[place],
            1.3 if place else 5.0,
        )
        for place, (name, series) in enumerate(
            zip(_names(item), item["series"], strict=True)
        )
    ]
