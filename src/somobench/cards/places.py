"""Where a model is good: by dryness, and on the map."""

from __future__ import annotations

import pandas as pd

from somobench.cards.lookup import ScoreLookup, dot
from somobench.cards.sections import in_order
from somobench.pages.html import Markup, details, figure, joined, paragraph
from somobench.pages.maps import Place, map_key, map_panels, place_of
from somobench.pages.plots import Dot, dot_plot
from somobench.pages.scatter import dryness_scatter, series_key
from somobench.pages.texts import layer_title, metric_title, number_of, score_text
from somobench.scoring.models import LEADING

LEAD = LEADING[0]


def dryness_blocks(
    lookup: ScoreLookup,
    cell_scores: pd.DataFrame,
    cells: pd.DataFrame | None,
    *,
    name: str = "dryness-cells",
) -> list[Markup]:
    """Show scores by classes of dryness, and of single cells where it is known.

    Parameters
    ----------
    lookup : ScoreLookup
    cell_scores : DataFrame of schema CELL_SCORES
        Of the same model and split.
    cells : DataFrame of schema CELLS, optional
        Of the release; with it single cells are drawn.
    name : anchor of the drawing, once on a page
    """
    pools = in_order(lookup.pools("dryness"))
    blocks: list[Markup] = []
    if pools:
        rows: list[Dot | str] = [
            dot(f"dryness {pool}", lookup.row(LEAD, kind="dryness", pool=pool))
            for pool in pools
        ]
        blocks += [
            paragraph(
                "Dryness is net radiation over the heat that evaporates the "
                "precipitation: below 1 energy limits evaporation, above it water."
            ),
            dot_plot(rows, f"{metric_title(LEAD)}, median over series"),
        ]
    else:
        blocks.append(paragraph("Dryness isn't known: there is no net radiation."))
    return blocks + _scatter(cell_scores, cells, name)


def _scatter(
    cell_scores: pd.DataFrame, cells: pd.DataFrame | None, name: str
) -> list[Markup]:
    if cells is None:
        return []
    dryness = cells.set_index("cell_id")["dryness"].to_dict()
    series: dict[str, list[tuple[float, float, str]]] = {}
    for layer, cell, value in _cell_values(cell_scores):
        dry = number_of(dryness.get(cell))
        if dry is not None and dry > 0 and value is not None:
            tip = f"{cell}: {score_text(value)}"
            series.setdefault(layer_title(layer), []).append((dry, value, tip))
    if not series:
        return []
    drawing = dryness_scatter(series, metric_title(LEAD))
    return [
        figure(
            [joined([series_key(list(series)), drawing])],
            "Every series; dryness from the release's table of cells.",
            name=name,
        )
    ]


def _cell_values(cell_scores: pd.DataFrame) -> list[tuple[int, str, float | None]]:
    rows = cell_scores[cell_scores["metric"] == LEAD]
    return [
        (int(layer), str(cell), number_of(value))
        for layer, cell, value in zip(
            rows["layer"], rows["cell_id"], rows["value"], strict=True
        )
    ]


def map_blocks(cell_scores: pd.DataFrame, *, name: str = "map") -> list[Markup]:
    """Show the leading score of every cell where it lies, layer by layer.

    Parameters
    ----------
    cell_scores : DataFrame of schema CELL_SCORES
        Of one model and split.
    name : beginning of the drawings' anchors, once on a page
    """
    layers: dict[int, list[Place]] = {}
    lost = 0
    for layer, cell, value in _cell_values(cell_scores):
        place = place_of(cell, value)
        if place is None:
            lost += 1
        else:
            layers.setdefault(layer, []).append(place)
    blocks = [map_key()]
    for order, (layer, places) in enumerate(sorted(layers.items())):
        panels, left = map_panels(places)
        more = f" {left} cells in smaller groups aren't drawn." if left else ""
        drawn = figure(
            panels,
            f"{metric_title(LEAD)} of cells, {layer_title(layer)}. Each panel has its "
            f"own scale.{more}",
            name=f"{name}-{layer}",
        )
        title = f"Map of {layer_title(layer)}"
        blocks.append(drawn if order == 0 else details(title, drawn))
    if lost:
        blocks.append(paragraph(f"{lost} cells have no position in their name."))
    return blocks
