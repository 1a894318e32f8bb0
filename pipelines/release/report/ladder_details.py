"""What a release's report says of one split beyond its ladder, each part on demand.

Rungs by network and on extremes; where the highest rung that learns is good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from somobench.cards.lookup import Row, ScoreLookup
from somobench.cards.places import dryness_blocks, map_blocks
from somobench.cards.sections import NO_THRESHOLDS, has_value
from somobench.pages.html import Markup, details, number, paragraph
from somobench.pages.tables import Cell, Column, in_order, sortable_table, words
from somobench.pages.texts import metric_title, rung_name, rung_title, score_cell
from somobench.scoring.models import LEADING

LEAD = LEADING[0]
NETWORK = "network"
EXTREMES = ("sedi_dry", "hit_rate_dry", "false_alarm_rate_dry")
UNLEARNT = frozenset({"reanalysis"})
"""Rungs without observations that nothing is fitted for."""

Item = Mapping[str, Any]


class CellTables(NamedTuple):
    """Scores of single cells of all rungs and splits, and the cells themselves.

    `scores` is of schema CELL_SCORES, `cells` of schema CELLS.
    """

    scores: pd.DataFrame
    cells: pd.DataFrame

    def of(self, split: str, rung: str) -> pd.DataFrame:
        """Return the leading scores of a rung's cells on a split."""
        scores = self.scores
        chosen = scores["split"].eq(split) & scores["model"].eq(rung)
        return scores[chosen & scores["metric"].eq(LEAD)]


def detail_blocks(
    split: str,
    ladder: Sequence[Item],
    lookups: Mapping[str, ScoreLookup],
    tables: CellTables | None,
    anchor: str,
) -> list[Markup]:
    """Return what opens on demand below a split's ladder.

    Parameters
    ----------
    split : its name
    ladder : its rungs, lowest first, as in scores.json
    lookups : scores by rung
    tables : CellTables of one split or of many, optional
        Without them nothing is said of single cells.
    anchor : beginning of the drawings' anchors, once on a page
    """
    blocks = [
        *_network_details(ladder, lookups),
        details("Dry extremes", *_extreme_blocks(ladder, lookups)),
    ]
    highest = highest_learned(ladder)
    if highest is None or tables is None:
        return blocks
    cell_scores = tables.of(split, highest)
    if cell_scores.empty:
        return blocks
    title = rung_title(highest)
    maps = map_blocks(cell_scores, name=f"{anchor}-map")
    dryness = dryness_blocks(
        lookups[highest], cell_scores, tables.cells, name=f"{anchor}-dryness-cells"
    )
    return [
        *blocks,
        details(f"Map of scores: {title}", *maps),
        details(f"Against dryness: {title}", *dryness),
    ]


def highest_learned(ladder: Iterable[Item]) -> str | None:
    """Return the highest rung that is fitted and reads no observations."""
    names = [
        str(item["rung"])
        for item in ladder
        if not item["needs_observations"] and item["rung"] not in UNLEARNT
    ]
    return names[-1] if names else None


def _network_details(
    ladder: Sequence[Item], lookups: Mapping[str, ScoreLookup]
) -> list[Markup]:
    """Show every rung's leading score by network, a row a network."""
    pools = sorted({pool for each in lookups.values() for pool in each.pools(NETWORK)})
    if not pools:
        return []
    header = [words(NETWORK), *(Column(_name(item)) for item in ladder)]
    header.append(Column("series, at most"))
    rows = []
    for pool in pools:
        found = [
            lookups[item["rung"]].row(LEAD, kind=NETWORK, pool=pool) for item in ladder
        ]
        most = max((row["cell_count"] for row in found if row), default=0)
        rows.append(
            [Cell(pool, pool), *map(score_cell, found), Cell(number(most), most)]
        )
    caption = f"{metric_title(LEAD)}, median over the series of a network"
    return [details("By network", sortable_table(header, rows, caption))]


def _extreme_blocks(
    ladder: Sequence[Item], lookups: Mapping[str, ScoreLookup]
) -> list[Markup]:
    """Show how each rung foretells days below the 10th percentile."""
    if not any(has_value(each, name) for each in lookups.values() for name in EXTREMES):
        return [paragraph(NO_THRESHOLDS)]
    header = [in_order("rung, lowest first"), *map(_metric_column, EXTREMES)]
    header.append(Column("series"))
    rows = [
        [Cell(_name(item), place), *_extreme_cells(lookups[item["rung"]])]
        for place, item in enumerate(ladder)
    ]
    caption = (
        "Days below the 10th percentile of a series, medians over the series that have "
        "such days; few false alarms are good"
    )
    return [sortable_table(header, rows, caption)]


def _metric_column(name: str) -> Column:
    first = "ascending" if name.startswith("false") else "descending"
    return Column(metric_title(name), first=first)


def _extreme_cells(lookup: ScoreLookup) -> list[Cell]:
    rows = [lookup.row(name) for name in EXTREMES]
    return [*map(score_cell, rows), _series(rows[0])]


def _series(row: Row | None) -> Cell:
    count = row["cell_count"] if row else None
    return Cell(number(count), count)


def _name(item: Item) -> Markup:
    marked = bool(item["needs_observations"])
    return rung_name(item["rung"], needs_observations=marked)
