"""Where a model is good: by dryness, and on the map."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from somobench.cards.lookup import ScoreLookup, plot_score
from somobench.cards.sections import order_pools
from somobench.pages.figures import (
    COLOURS,
    SYMBOLS,
    Axis,
    Chart,
    Figure,
    Point,
    RowPlot,
    Series,
)
from somobench.pages.maps import CellMap, Place, locate_cell, make_map_panels
from somobench.pages.scales import finite_or_none, make_linear_scale, make_log_scale
from somobench.pages.texts import name_layer, name_metric, name_region, write_score
from somobench.scoring.models import LEADING

LEAD = LEADING[0]


class LayerMaps(NamedTuple):
    """Maps of one layer: all cells on one, and neighbourhoods where cells hide."""

    title: str
    whole: CellMap
    figure: Figure


def plot_dryness(lookup: ScoreLookup) -> RowPlot | None:
    """Return scores by classes of dryness, or None where it isn't known."""
    pools = order_pools(lookup.pools("dryness"))
    rows = [
        plot_score(f"dryness {pool}", lookup.row(LEAD, kind="dryness", pool=pool))
        for pool in pools
    ]
    axis = f"{name_metric(LEAD)}, median over series"
    return RowPlot(rows=rows, axis=axis, label="Scores by dryness") if rows else None


def chart_dryness(
    cell_scores: pd.DataFrame, cells: pd.DataFrame | None
) -> Chart | None:
    """Return scores of single series against dryness, or None where it isn't known.

    Parameters
    ----------
    cell_scores : DataFrame of schema CELL_SCORES
        Of one model and split.
    cells : DataFrame of schema CELLS, optional
        Of the release.
    """
    if cells is None:
        return None
    dryness = cells.set_index("cell_id")["dryness"].to_dict()
    layers: dict[int, list[Point]] = {}
    for layer, cell, value in _list_values(cell_scores):
        dry = finite_or_none(dryness.get(cell))
        if dry is not None and dry > 0 and value is not None:
            tip = (
                f"{cell}, {name_layer(layer)}\n{write_score(value)}, dryness {dry:.2f}"
            )
            layers.setdefault(layer, []).append(Point(dry, value, tip))
    points = [point for each in layers.values() for point in each]
    if not points:
        return None
    series = [
        Series(name_layer(layer), each, COLOURS[place % 3], SYMBOLS[place % 3])
        for place, (layer, each) in enumerate(layers.items())
    ]
    scale = make_log_scale([point.x for point in points])
    guide = 1.0 if scale.low < 1 < scale.high else None
    upwards = make_linear_scale((point.y for point in points), zero=True)
    return Chart(
        series=series,
        x=Axis(scale, "dryness (logarithmic); water-limited right of 1", guide),
        y=Axis(upwards, name_metric(LEAD)),
        label=f"{name_metric(LEAD)} of cells against dryness",
    )


def _list_values(cell_scores: pd.DataFrame) -> list[tuple[int, str, float | None]]:
    rows = cell_scores[cell_scores["metric"] == LEAD]
    return [
        (int(layer), str(cell), finite_or_none(value))
        for layer, cell, value in zip(
            rows["layer"], rows["cell_id"], rows["value"], strict=True
        )
    ]


def draw_maps(
    cell_scores: pd.DataFrame,
    cells: pd.DataFrame | None = None,
    *,
    name: str = "map",
) -> list[LayerMaps]:
    """Return the leading score of every cell where it lies, layer by layer.

    Cells without a position in their name are on no map; `count_unplaced` counts them.

    Parameters
    ----------
    cell_scores : DataFrame of schema CELL_SCORES
        Of one model and split.
    cells : DataFrame of schema CELLS, optional
        Of the release; with it maps are named by region.
    name : beginning of the figures' anchors, once on a page
    """
    regions = {} if cells is None else cells.set_index("cell_id")["region"].to_dict()
    layers: dict[int, list[Place]] = {}
    for layer, cell, value in _list_values(cell_scores):
        place = locate_cell(cell, value, name_region(str(regions.get(cell, ""))))
        if place is not None:
            layers.setdefault(layer, []).append(place)
    return [_draw_layer(*item, name) for item in sorted(layers.items())]


def _draw_layer(layer: int, places: list[Place], name: str) -> LayerMaps:
    title = f"{name_metric(LEAD)}, {name_layer(layer)}"
    whole = CellMap(places=places, title=title)
    panels = [] if whole.shows_each else make_map_panels(places)
    figure = (
        Figure(name=f"{name}-{layer}", panels=panels, caption=f"{title}, by region.")
        if len(panels) > 1
        else Figure(name=f"{name}-{layer}", panels=[whole], caption="")
    )
    return LayerMaps(f"Map of {name_layer(layer)}", whole, figure)


def count_unplaced(cell_scores: pd.DataFrame) -> int:
    """Return how many cells have no position in their name."""
    cells = {cell for _, cell, _ in _list_values(cell_scores)}
    return sum(locate_cell(cell, None) is None for cell in cells)
