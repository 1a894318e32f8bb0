"""What shifts cost the ladder of a release, as a section of its report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from somobench.cards.lookup import list_records
from somobench.ladder.rungs import RUNGS
from somobench.pages.frame import Section, write_number
from somobench.pages.tables import Cell, Column, Table
from somobench.pages.texts import make_score_cell, name_metric, write_score
from somobench.pipelines.release.report.ladder_details import BY_RUNG, Rung, name_cell
from somobench.pipelines.release.report.layers import make_section, show_name
from somobench.schemas.scores import ALL_LAYERS

CostRow = dict[str, Any]


def make_shift_sections(costs: pd.DataFrame) -> list[Section]:
    """Return one section on what each split costs each rung, or none.

    Parameters
    ----------
    costs : DataFrame of schema SHIFT_COSTS
        Without rows where a release has no split in time to compare with.
    """
    rows = [row for row in list_records(costs) if row["layer"] == ALL_LAYERS]
    if not rows:
        return []
    present = dict.fromkeys(row["model"] for row in rows)
    names = sorted(present, key=lambda name: _find_place(name, list(present)))
    rungs = [
        Rung(name, name in RUNGS and RUNGS[name].needs_observations) for name in names
    ]
    metrics = dict.fromkeys(row["metric"] for row in reversed(rows))
    return [
        make_section(
            "shifts",
            "What a shift costs",
            reference=rows[0]["reference_split"],
            tables=[_tabulate_costs(rows, rungs, metric) for metric in metrics],
            sides=[_tabulate_sides(rows, rungs, metric) for metric in metrics],
        )
    ]


def _find_place(name: str, present: Sequence[str]) -> tuple[int, int]:
    """Return the place of a model in the order of the ladder, others last."""
    known = list(RUNGS)
    return (known.index(name) if name in RUNGS else len(known), present.index(name))


def _tabulate_costs(
    rows: Sequence[CostRow], rungs: Sequence[Rung], metric: str
) -> Table:
    """Return costs in one metric: a row a rung, a column a split."""
    found = {(r["model"], r["split"]): r for r in rows if r["metric"] == metric}
    splits = sorted({split for _, split in found})
    return Table(
        title=f"Loss of {name_metric(metric)}, by split",
        columns=[BY_RUNG, *(Column(show_name(split)) for split in splits)],
        rows=[
            [
                name_cell(rung, place),
                *(_make_cost_cell(found.get((rung.name, each))) for each in splits),
            ]
            for place, rung in enumerate(rungs)
        ],
    )


def _make_cost_cell(row: CostRow | None) -> Cell:
    return make_score_cell(None if row is None else {**row, "value": row["cost"]})


def _tabulate_sides(
    rows: Sequence[CostRow], rungs: Sequence[Rung], metric: str
) -> Table:
    """Return both scores behind a cost, and what they rest on."""
    found = {(r["model"], r["split"]): r for r in rows if r["metric"] == metric}
    splits = sorted({split for _, split in found})
    return Table(
        title=f"{name_metric(metric)} trained for {rows[0]['reference_split']}, then "
        "for the split, on common series and cell-days",
        columns=[BY_RUNG, *(Column(show_name(split)) for split in splits)],
        rows=[
            [
                name_cell(rung, place),
                *(_show_sides(found.get((rung.name, each))) for each in splits),
            ]
            for place, rung in enumerate(rungs)
        ],
        sortable=False,
    )


def _show_sides(row: CostRow | None) -> Markup | None:
    if row is None:
        return None
    counts = (write_number(row[key]) for key in ("cell_count", "day_count"))
    return Markup("{}, {} <i>{} series, {} cell-days</i>").format(
        write_score(row["reference"]), write_score(row["shifted"]), *counts
    )
