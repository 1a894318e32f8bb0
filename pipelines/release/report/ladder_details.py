"""What a release's report says of one split beyond its ladder, each part on demand.

Rungs by network and on extremes; where the highest rung that learns is good.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from somobench.cards.lookup import ScoreLookup
from somobench.cards.places import chart_dryness, draw_maps, plot_dryness
from somobench.pages.maps import render_map_key
from somobench.pages.tables import ASCENDING, PLACES, WORDS, Cell, Column, Table
from somobench.pages.texts import make_score_cell, name_metric, name_rung, show_rung
from somobench.scoring.models import LEADING

LEAD = LEADING[0]
NETWORK = "network"
EXTREMES = ("sedi_dry", "hit_rate_dry", "false_alarm_rate_dry")
UNFITTED = frozenset({"reanalysis"})
"""Rungs without observations that nothing is fitted for."""
BY_RUNG = Column("rung, lowest first", PLACES, ASCENDING)

Models = Mapping[str, ScoreLookup]


class Rung(NamedTuple):
    """A rung of a ladder, by its name."""

    name: str
    needs_observations: bool


class CellTables(NamedTuple):
    """Scores of single cells of all rungs and splits, and the cells themselves.

    `scores` is of schema CELL_SCORES, `cells` of schema CELLS.
    """

    scores: pd.DataFrame
    cells: pd.DataFrame

    def select_scores(self, split: str, rung: str) -> pd.DataFrame:
        """Return the leading scores of a rung's cells on a split."""
        scores = self.scores
        chosen = scores["split"].eq(split) & scores["model"].eq(rung)
        return scores[chosen & scores["metric"].eq(LEAD)]


def name_cell(rung: Rung, place: int) -> Cell:
    """Return a rung's title as a cell that sorts by its place in the ladder."""
    title = show_rung(rung.name, needs_observations=rung.needs_observations)
    return Cell(title, place)


def find_highest_learned(ladder: Iterable[Rung]) -> str | None:
    """Return the highest rung that is fitted and reads no observations."""
    names = [
        rung.name
        for rung in ladder
        if not rung.needs_observations and rung.name not in UNFITTED
    ]
    return names[-1] if names else None


def tabulate_networks(ladder: Sequence[Rung], models: Models) -> Table | None:
    """Return every rung's leading score by network, a row a network."""
    pools = sorted({pool for each in models.values() for pool in each.pools(NETWORK)})
    if not pools:
        return None
    rows: list[list[object]] = []
    for pool in pools:
        found = [
            models[rung.name].row(LEAD, kind=NETWORK, pool=pool) for rung in ladder
        ]
        most = max((row["cell_count"] for row in found if row), default=0)
        rows.append([pool, *map(make_score_cell, found), most])
    return Table(
        title=f"{name_metric(LEAD)}, median over the series of a network",
        columns=[
            Column(NETWORK, WORDS, ASCENDING),
            *(Column(name_rung(rung.name)) for rung in ladder),
            Column("series, at most"),
        ],
        rows=rows,
    )


def tabulate_extremes(ladder: Sequence[Rung], models: Models) -> Table | None:
    """Return scores on days below the 10th percentile; None without thresholds."""
    if not any(each.has_value(name) for each in models.values() for name in EXTREMES):
        return None
    rows: list[list[object]] = []
    for place, rung in enumerate(ladder):
        found = [models[rung.name].row(name) for name in EXTREMES]
        series = found[0]["cell_count"] if found[0] else None
        rows.append([name_cell(rung, place), *map(make_score_cell, found), series])
    return Table(
        title="Days below the 10th percentile of a series, medians over the series "
        "that have such days; few false alarms are good",
        columns=[BY_RUNG, *map(_head_metric, EXTREMES), Column("series")],
        rows=rows,
    )


def _head_metric(name: str) -> Column:
    column = Column(name_metric(name))
    return column._replace(first=ASCENDING) if name.startswith("false") else column


def describe_cells(
    split: str,
    ladder: Sequence[Rung],
    models: Models,
    tables: CellTables | None,
) -> dict[str, Any] | None:
    """Return maps and dryness of the highest rung that learns, for the template.

    Parameters
    ----------
    split : its name
    ladder : its rungs, lowest first
    models : scores by rung
    tables : CellTables of one split or of many, optional
        Without them nothing is said of single cells.
    """
    highest = find_highest_learned(ladder)
    if highest is None or tables is None:
        return None
    cell_scores = tables.select_scores(split, highest)
    if cell_scores.empty:
        return None
    return {
        "rung": name_rung(highest),
        "maps": [each.whole for each in draw_maps(cell_scores)],
        "key": render_map_key(),
        "dryness": plot_dryness(models[highest]),
        "chart": chart_dryness(cell_scores, tables.cells),
    }
