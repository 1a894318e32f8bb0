"""What shifts cost the ladder of a release, as a section of its report."""

from __future__ import annotations

from typing import Any

import pandas as pd

from somobench.cards.lookup import records
from somobench.ladder.rungs import RUNGS
from somobench.pages.html import Markup, Section, details, number, paragraph
from somobench.pages.tables import Cell, Column, in_order, sortable_table, words
from somobench.pages.texts import (
    metric_title,
    number_of,
    rung_name,
    score_cell,
    score_text,
)
from somobench.schemas.scores import ALL_LAYERS

Row = dict[str, Any]


def shift_sections(costs: pd.DataFrame) -> list[Section]:
    """Return one section on what each split costs each rung, or none.

    Parameters
    ----------
    costs : DataFrame of schema SHIFT_COSTS
        Without rows where a release has no split in time to compare with.
    """
    rows = [row for row in records(costs) if row["layer"] == ALL_LAYERS]
    if not rows:
        return []
    reference = rows[0]["reference_split"]
    metrics = dict.fromkeys(row["metric"] for row in reversed(rows))
    blocks: list[Markup] = [
        paragraph(
            "What a rung loses when it is trained for a split instead of for ",
            reference,
            ", on the series and days that both test: the median over series, with its "
            "interval. Above 0 skill is lost. A rung that isn't trained loses nothing.",
        ),
        *(_cost_table(rows, metric) for metric in metrics),
        details("Both sides, by split", _sides_table(rows)),
    ]
    return [Section("shifts", "What a shift costs", tuple(blocks))]


def _cost_table(rows: list[Row], metric: str) -> Markup:
    """Show costs in one metric: a row a rung, a column a split."""
    found = {(r["model"], r["split"]): r for r in rows if r["metric"] == metric}
    splits = sorted({split for _, split in found})
    header = [in_order("rung, lowest first"), *(Column(split) for split in splits)]
    body = [
        [
            Cell(_name(rung), place),
            *(_cost(found.get((rung, split))) for split in splits),
        ]
        for place, rung in enumerate(_rungs(rows))
    ]
    return sortable_table(header, body, f"Loss of {metric_title(metric)}, by split")


def _sides_table(rows: list[Row]) -> Markup:
    header = [in_order("rung, lowest first"), words("split"), words("metric")]
    numbers = ("reference", "shifted", "cost", "series", "cell-days")
    header += [Column(name) for name in numbers]
    order = {rung: place for place, rung in enumerate(_rungs(rows))}
    body = [
        [
            Cell(_name(row["model"]), order[row["model"]]),
            Cell(row["split"], row["split"]),
            Cell(metric_title(row["metric"]), row["metric"]),
            *(_plain(row[key]) for key in ("reference", "shifted")),
            _cost(row),
            *(Cell(number(row[k]), row[k]) for k in ("cell_count", "day_count")),
        ]
        for row in sorted(rows, key=lambda row: (row["split"], order[row["model"]]))
    ]
    return sortable_table(header, body, "Median scores on common series and days")


def _rungs(rows: list[Row]) -> list[str]:
    """Return the models in the order of the ladder, others last."""
    present = dict.fromkeys(row["model"] for row in rows)
    return [
        *(r for r in RUNGS if r in present),
        *(r for r in present if r not in RUNGS),
    ]


def _name(rung: str) -> Markup:
    marked = rung in RUNGS and RUNGS[rung].needs_observations
    return rung_name(rung, needs_observations=marked)


def _cost(row: Row | None) -> Cell:
    return score_cell(None if row is None else {**row, "value": row["cost"]})


def _plain(value: float) -> Cell:
    return Cell(score_text(value), number_of(value))
