"""The reanalysis: agreement of targets with it, and scaling to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.pages.figures import Axis, Chart, Point, RowPlot, Series
from somobench.pages.frame import Section
from somobench.pages.scales import make_linear_scale
from somobench.pages.tables import Table
from somobench.pages.texts import name_region
from somobench.pipelines.release.report.layers import (
    QUANTILE_TITLES,
    Layers,
    Numbers,
    describe_missing_layers,
    list_layers,
    list_quantiles,
    make_number_cell,
    make_section,
    name_depths,
    plot_boxes,
)
from somobench.pipelines.release.report.statistics import (
    BIN_SCALE,
    correlate_rows,
    count_bins,
    describe_moments,
    difference_days,
    split_rows,
    summarise,
)
from somobench.schemas.recipe import LayerParams, Recipe

STATES = {
    "in_situ": ("as measured", "c1", "none"),
    "scaled": ("scaled", "c2", "none"),
    "reanalysis": ("reanalysis", "ink", "7 4"),
}
KINDS = {"daily": "daily values", "day_to_day": "day-to-day differences"}
PARTS = {"q25": "25 %", "median": "median", "q75": "75 %"}


def describe_values(
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
    return describe_moments(values) | {"histogram": count_bins(values)}


def correlate_with_reanalysis(
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
    daily, pairs = correlate_rows(target, reference)
    changes = np.full(len(target), np.nan)
    for rows in split_rows(len(target)):
        changes[rows], _ = correlate_rows(
            difference_days(target[rows]), difference_days(reference[rows])
        )
    cells = np.isfinite(target).any(axis=1)
    names = np.array(regions, dtype=object)

    def pooled(chosen: NDArray[np.bool_]) -> dict[str, Any]:
        return {
            "cells": int((cells & chosen).sum()),
            "cell_days": int(pairs[chosen].sum()),
            "daily": summarise(daily[chosen]),
            "day_to_day": summarise(changes[chosen]),
        }

    present = sorted(set(names[cells].tolist()))
    return {
        "all": pooled(np.ones(len(target), bool)),
        "regions": {name: pooled(names == name) for name in present},
    }


def make_reanalysis_section(recipe: Recipe, report: Numbers) -> Section:
    """Show the correlation of targets with the reanalysis, by region."""
    layers = list(list_layers(recipe, report))
    compared = [(layer, item) for layer, item in layers if "reanalysis" in item]
    return make_section(
        "reanalysis",
        "Agreement with the reanalysis",
        plots=[_plot_regions(layer, item["reanalysis"]) for layer, item in compared],
        without=[
            name_depths(layer) for layer, item in layers if "reanalysis" not in item
        ],
        missing=describe_missing_layers(recipe, report),
        table=_tabulate_regions(compared),
    )


def _plot_regions(layer: LayerParams, item: Numbers) -> RowPlot:
    return plot_boxes(
        f"Target and reanalysis, {name_depths(layer)}",
        [(name, [pool[kind] for kind in KINDS]) for name, pool in _list_pools(item)],
        "correlation",
        series=tuple(KINDS.values()),
        limits=(0, 1),
    )


def _list_pools(item: Numbers) -> list[tuple[str, Numbers]]:
    regions = [(name_region(name), pool) for name, pool in item["regions"].items()]
    regions.sort()
    return regions if len(regions) == 1 else [("all cells", item["all"]), *regions]


def _tabulate_regions(layers: Layers) -> Table:
    titles = [
        f"{kind}: {part}"
        for kind in ("daily", "day-to-day")
        for part in ("n", *PARTS.values())
    ]
    rows: list[list[object]] = []
    for layer, item in layers:
        for name, pool in _list_pools(item["reanalysis"]):
            row = [f"layer {layer.layer}, {name}", pool["cells"], pool["cell_days"]]
            for kind in KINDS:
                row.append(pool[kind]["count"])
                row += [make_number_cell(pool[kind].get(part), 3) for part in PARTS]
            rows.append(row)
    return Table(
        sortable=False,
        title="Correlation by region",
        columns=["layer and region", "cells", "cell-days", *titles],
        rows=rows,
    )


def make_scaling_section(recipe: Recipe, report: Numbers) -> Section:
    """Show values before and after scaling, or say why there is no after."""
    layers = list(list_layers(recipe, report))
    return make_section(
        "scaling",
        "Before and after scaling",
        charts=[_chart_values(layer, item["distributions"]) for layer, item in layers],
        unscaled=[
            name_depths(layer) for layer, item in layers if "scale_slope" not in item
        ],
        has_reference=recipe.reference.source != "none",
        table=_tabulate_values(layers),
    )


def _chart_values(layer: LayerParams, distributions: Numbers) -> Chart:
    series = []
    for state, (label, colour, line) in STATES.items():
        if state not in distributions:
            continue
        item = distributions[state]
        counts = [0, *item["histogram"]["counts"], 0]
        first = item["histogram"]["first_bin"] - 1
        points = [
            Point((first + place + 0.5) / BIN_SCALE, 100 * count / item["count"])
            for place, count in enumerate(counts)
        ]
        series.append(Series(label, points, colour, symbol="", line=line))
    points = [point for each in series for point in each.points]
    title = f"Values, {name_depths(layer)}"
    return Chart(
        series=series,
        x=Axis(
            make_linear_scale(p.x for p in points),
            "soil moisture, m\u00b3 m\u207b\u00b3",
        ),
        y=Axis(
            make_linear_scale((p.y for p in points), zero=True),
            "% of cell-days in a bin of 0.01",
        ),
        title=title,
        label=title,
    )


def _tabulate_values(layers: Layers) -> Table:
    rows: list[list[object]] = []
    for layer, item in layers:
        for state, (label, *_) in STATES.items():
            values = item["distributions"].get(state)
            if values:
                moments = [
                    make_number_cell(values.get(name), 3) for name in ("mean", "std")
                ]
                rows.append(
                    [
                        f"layer {layer.layer}, {label}",
                        *moments,
                        *list_quantiles(values, 3),
                    ]
                )
        if "scale_slope" in item:
            slope = list_quantiles(item["scale_slope"], 2)
            rows.append([f"layer {layer.layer}, slope of scaling", None, None, *slope])
    return Table(
        sortable=False,
        title="Values in m\u00b3 m\u207b\u00b3 by cell-day; slopes (no unit) by cell",
        columns=["layer and values", "mean", "std", "n", *QUANTILE_TITLES],
        rows=rows,
    )
