"""Sections of the report on the reanalysis: agreement with targets, and scaling to it.

Each function takes numbers of `validation.json` and gives the blocks of a section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.pages.html import Markup, details, figure, notice, number, table
from somobench.pipelines.release.report.places import (
    HOW_TO_READ,
    QUANTILE_TITLES,
    layer_name,
    quantiles,
    with_targets,
    without_targets,
)
from somobench.pipelines.release.report.plots import Boxes, Curve, boxes, curves
from somobench.pipelines.release.report.statistics import (
    BIN_SCALE,
    day_to_day,
    histogram,
    moments,
    row_blocks,
    row_correlations,
    summary,
)
from somobench.pipelines.release.report.svg import COLOURS, SERIES
from somobench.schemas.recipe import LayerParams, Recipe


def distributions(
    in_situ: NDArray[Any],
    scaled: NDArray[Any] | None,
    reference: NDArray[Any] | None,
) -> dict[str, Any]:
    """Describe the values of a layer before and after scaling, cell-days pooled.

    Parameters
    ----------
    in_situ : (cell, time)
        Unscaled target, m3 m-3.
    scaled : (cell, time), optional
        Target; None where the layer isn't scaled.
    reference : (cell, time), optional
        Reanalysis soil moisture; only days with a target count.

    Returns
    -------
    dict
        `in_situ`, and where given `scaled` and `reanalysis`: histogram (bins of 0.01)
        and moments.
    """
    found = {"in_situ": _described(in_situ)}
    if scaled is not None:
        found["scaled"] = _described(scaled)
    if reference is not None:
        valid = np.isfinite(in_situ if scaled is None else scaled)
        found["reanalysis"] = _described(np.where(valid, reference, np.nan))
    return found


def _described(values: NDArray[Any]) -> dict[str, Any]:
    return moments(values) | {"histogram": histogram(values)}


def agreement(
    target: NDArray[Any], reference: NDArray[Any], regions: Sequence[str]
) -> dict[str, Any]:
    """Correlate targets with the reanalysis, daily and by day-to-day differences.

    Parameters
    ----------
    target, reference : (cell, time), m3 m-3
    regions : of each cell

    Returns
    -------
    dict
        `all`, and `regions` by name: cells with a target, common `cell_days`, and
        summaries over cells of `daily` and `day_to_day` correlation. Cells with fewer
        than 90 common days, or differences, aren't in the summary concerned.
    """
    daily, pairs = row_correlations(target, reference)
    changes = np.full(len(target), np.nan)
    for rows in row_blocks(len(target)):
        changes[rows], _ = row_correlations(
            day_to_day(target[rows]), day_to_day(reference[rows])
        )
    cells = np.isfinite(target).any(axis=1)
    names = np.array(regions, dtype=object)

    def pooled(chosen: NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "cells": int((cells & chosen).sum()),
            "cell_days": int(pairs[chosen].sum()),
            "daily": summary(daily[chosen]),
            "day_to_day": summary(changes[chosen]),
        }

    present = sorted(set(names[cells].tolist()))
    return {
        "all": pooled(np.ones(len(target), bool)),
        "regions": {name: pooled(names == name) for name in present},
    }


Numbers = Mapping[str, Any]
STATES = {
    "in_situ": ("as measured", SERIES[0], "-", 1.4),
    "scaled": ("scaled", SERIES[1], "-", 1.4),
    "reanalysis": ("reanalysis", COLOURS["ink"], "--", 1.2),
}


def reanalysis_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show the correlation of targets with the reanalysis, by region."""
    layers = [
        (layer, item["reanalysis"])
        for layer, item in with_targets(recipe, report)
        if "reanalysis" in item
    ]
    if not layers:
        return [
            notice(
                "The forcing of this release carries no reanalysis soil moisture, so "
                "targets can't be compared with it. Figure 6 is left out."
            )
        ]
    compared = {layer.layer for layer, _ in layers}
    without = [
        layer_name(layer)
        for layer, _ in with_targets(recipe, report)
        if layer.layer not in compared
    ]
    told = f"Without a reanalysis: {', '.join(without)}. " if without else ""
    panels = [
        boxes(
            f"reanalysis-{layer.layer}",
            f"Target and reanalysis, {layer_name(layer)}",
            _region_boxes(item),
            "correlation",
            series=("daily values", "day-to-day differences"),
            limits=(0, 1),
        )
        for layer, item in layers
    ]
    caption = (
        f"Figure 6. Pearson correlation of targets with the soil moisture of the "
        f"reanalysis, one value a cell, by region: of daily values (which share the "
        f"seasons), and of differences between consecutive days (which don't). "
        f"Gap-filled days count. Scaling doesn't change a correlation, "
        f"so this is agreement of the observations. Cells "
        f"with fewer than 90 common days or differences are not in it. "
        f"{told}{HOW_TO_READ} {without_targets(recipe, report)}"
    )
    rows = [row for layer, item in layers for row in _region_rows(layer, item)]
    header = ["layer and region", "cells", "cell-days"]
    header += [f"{kind}: {part}" for kind in ("daily", "day-to-day") for part in _PARTS]
    return [
        figure(panels, caption, name="figure-6"),
        details("Numbers of Figure 6", table(header, rows, "Correlation by region")),
    ]


_PARTS = ("n", "25 %", "median", "75 %")


def _pools(item: Numbers) -> list[tuple[str, Numbers]]:
    regions = sorted(item["regions"].items())
    return regions if len(regions) == 1 else [("all cells", item["all"]), *regions]


def _region_boxes(item: Numbers) -> list[Boxes]:
    return [
        Boxes(name, [pool["daily"], pool["day_to_day"]]) for name, pool in _pools(item)
    ]


def _region_rows(layer: LayerParams, item: Numbers) -> list[list[Any]]:
    rows = []
    for name, pool in _pools(item):
        row = [f"layer {layer.layer}, {name}", pool["cells"], pool["cell_days"]]
        for kind in ("daily", "day_to_day"):
            row.append(pool[kind]["count"])
            row += [
                number(pool[kind].get(part), 3) for part in ("q25", "median", "q75")
            ]
        rows.append(row)
    return rows


def scaling_blocks(recipe: Recipe, report: Numbers) -> list[Markup]:
    """Show values before and after scaling, or say why there is no after."""
    layers = list(with_targets(recipe, report))
    panels = [
        curves(
            f"values-{layer.layer}",
            f"Values, {layer_name(layer)}",
            _histogram_curves(item["distributions"]),
            ("soil moisture, m\u00b3 m\u207b\u00b3", "% of cell-days in a bin of 0.01"),
        )
        for layer, item in layers
    ]
    caption = (
        "Figure 7. Distribution of daily values, all cell-days of a layer pooled, so "
        "that cells with long records weigh most. The reanalysis is that of the same "
        "cells and days. Where values are scaled, they have each cell's reanalysis "
        "mean and variance by construction: that their curve follows the reanalysis "
        "proves nothing. Measured values of gap-filled days are moved to the "
        "primary's mean and variance and can be slightly negative."
    )
    return [
        *_why_unscaled(recipe, layers),
        figure(panels, caption, name="figure-7"),
        _scaling_table(layers),
    ]


def _why_unscaled(
    recipe: Recipe, layers: Sequence[tuple[LayerParams, Numbers]]
) -> list[Markup]:
    unscaled = [
        layer_name(layer) for layer, item in layers if "scale_slope" not in item
    ]
    if not unscaled:
        return []
    reason = "the recipe scales these layers to no reference"
    if recipe.reference.source == "none":
        reason = "the recipe has no reference soil moisture"
    return [
        notice(
            f"Not scaled: {', '.join(unscaled)}, because {reason}. These targets keep "
            f"the mean and variance of their primary sensors; Figure 7 shows them as "
            f"measured only."
        )
    ]


def _histogram_curves(distributions: Numbers) -> list[Curve]:
    curves_found = []
    for state, (label, colour, style, width) in STATES.items():
        if state not in distributions:
            continue
        item = distributions[state]
        counts = [0, *item["histogram"]["counts"], 0]
        first = item["histogram"]["first_bin"] - 1
        centres = [(first + place + 0.5) / BIN_SCALE for place in range(len(counts))]
        shares = [100 * count / item["count"] for count in counts]
        curves_found.append(Curve(label, centres, shares, colour, style, width))
    return curves_found


def _scaling_table(layers: Sequence[tuple[LayerParams, Numbers]]) -> Markup:
    rows: list[list[Any]] = []
    for layer, item in layers:
        for state, (label, *_) in STATES.items():
            values = item["distributions"].get(state)
            if values:
                moments = [number(values.get(name), 3) for name in ("mean", "std")]
                rows.append(
                    [f"layer {layer.layer}, {label}", *moments, *quantiles(values, 3)]
                )
        if "scale_slope" in item:
            slope = quantiles(item["scale_slope"], 2)
            rows.append([f"layer {layer.layer}, slope of scaling", None, None, *slope])
    header = ["layer and values", "mean", "std", "n", *QUANTILE_TITLES]
    title = "Values in m\u00b3 m\u207b\u00b3 by cell-day; slopes (no unit) by cell"
    return details("Numbers of Figure 7", table(header, rows, title))
