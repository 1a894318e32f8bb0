"""Rows of a score table by what they are, for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from somobench.metrics.registry import METRICS
from somobench.pages.figures import Dot, Row
from somobench.pages.scales import finite_or_none
from somobench.pages.tables import Cell, Column, Table
from somobench.pages.texts import make_score_cell, show_metric, show_score
from somobench.schemas.scores import ALL_LAYERS, MOMENTS_NOTE
from somobench.scoring.models import LEADING

ScoreRow = Mapping[str, Any]
PLAIN = "plain"
COUNTS = {"cell_count": "series", "day_count": "cell-days"}


def list_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table by their columns."""
    names = [str(name) for name in frame.columns]
    columns = [frame[name].tolist() for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


class ScoreLookup:
    """The rows of one model on one split.

    Parameters
    ----------
    scores : DataFrame of schema SCORES
    """

    def __init__(self, scores: pd.DataFrame) -> None:
        self._rows = {
            (
                row["metric"],
                row["against"],
                int(row["layer"]),
                row["pool_kind"],
                row["pool"],
            ): row
            for row in list_records(scores)
        }
        self.layers = sorted({key[2] for key in self._rows})
        present = {key[0] for key in self._rows if key[1] == ""}
        others = [name for name in METRICS if name not in LEADING]
        self.metrics = [name for name in (*LEADING, *others) if name in present]
        """Names, leading ones first."""

    def row(
        self,
        metric: str,
        *,
        against: str = "",
        layer: int = ALL_LAYERS,
        kind: str = PLAIN,
        pool: str = "",
    ) -> ScoreRow | None:
        """Return a row, or None where there is none."""
        return self._rows.get((metric, against, layer, kind, pool))

    def pools(self, kind: str) -> list[str]:
        """Return the pools of a kind, in the order of their names."""
        return sorted({key[4] for key in self._rows if key[3] == kind and not key[1]})

    def note(self, metric: str) -> str:
        """Return the note of a metric over all layers."""
        row = self.row(metric)
        return str(row["note"]) if row else ""

    @property
    def marks_moments(self) -> bool:
        """Whether any metric depends on the moments of the reanalysis."""
        return any(self.note(name) == MOMENTS_NOTE for name in self.metrics)

    def has_value(self, metric: str) -> bool:
        """Tell whether a metric could be scored, over all layers or in one."""
        rows = (self.row(metric, layer=layer) for layer in self.layers)
        return any(row and finite_or_none(row["value"]) is not None for row in rows)

    def count_series(self, layer: int = ALL_LAYERS) -> int:
        """Return the number of series with the leading score."""
        row = self.row(LEADING[0], layer=layer)
        return int(row["cell_count"]) if row else 0


def tabulate_grid(
    title: object,
    head: Column,
    rows: Sequence[tuple[Cell, ScoreLookup | None, Mapping[str, Any]]],
    columns: Sequence[tuple[object, Mapping[str, Any]]],
    counts: Mapping[str, str] = COUNTS,
) -> Table:
    """Return a table of scores with their intervals.

    Parameters
    ----------
    title, head : of the table and of its first column
    rows : name, scores and what `ScoreLookup.row` is asked for; without scores, dashes
    columns : titles, and what else it is asked for; a metric is chosen here or there
    counts : columns of SCORES with their titles, of the leading score or the row's
    """
    body = []
    for name, lookup, chosen in rows:
        scores = [
            lookup.row(**chosen, **other) if lookup else None for _, other in columns
        ]
        lead = lookup.row(**{"metric": LEADING[0], **chosen}) if lookup else None
        numbers = [lead[count] if lead else None for count in counts]
        body.append([name, *map(make_score_cell, scores), *numbers])
    heads = [title for title, _ in columns] + list(counts.values())
    named = [each if isinstance(each, Column) else Column(each) for each in heads]
    return Table(title=title, columns=[head, *named], rows=body)


def head_metrics(
    lookup: ScoreLookup, metrics: Iterable[str]
) -> list[tuple[object, Mapping[str, Any]]]:
    """Return the columns of `tabulate_grid` for metrics that have scores."""
    return [
        (show_metric(name, lookup.note(name)), {"metric": name})
        for name in metrics
        if name in lookup.metrics
    ]


def plot_score(
    label: object,
    row: ScoreRow | None,
    *,
    absent: str = "not available",
    value: str = "value",
    **looks: Any,
) -> Row:
    """Return a row of a plot for a score with its interval.

    Parameters
    ----------
    row : mapping with `low`, `high` and the score, or None
    absent : what is said where there is no score
    value : name of the score in `row`
    looks : `colour` and `filled` of the dot
    """
    if row is None or finite_or_none(row[value]) is None:
        return Row(label, (), absent)
    text = show_score({**row, "value": row[value]})
    counts = (
        f"{row['cell_count']} series, {row['day_count']} cell-days"
        if "cell_count" in row
        else ""
    )
    dot = Dot(row[value], row["low"], row["high"], **looks)
    return Row(label, (dot,), text, counts)
