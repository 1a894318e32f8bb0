"""What a shift costs one model, as a page in one file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from somobench.cards.lookup import list_records, plot_score
from somobench.pages.figures import RowPlot
from somobench.pages.frame import Section, render_page
from somobench.pages.tables import Column, Table
from somobench.pages.texts import (
    make_score_cell,
    name_layer,
    name_metric,
    write_score,
)
from somobench.scoring.models import LEADING
from somobench.scoring.record import is_virtual

CostRow = dict[str, Any]


def shift_page(table: pd.DataFrame, release: str) -> str:
    """Return the page of a model's costs.

    Parameters
    ----------
    table : DataFrame of schema SHIFT_COSTS
        Of one model and one split, as of `somobench.shift_cost`.
    release : str
        Full id of the release that it was scored on.
    """
    rows = sorted(
        list_records(table),
        key=lambda row: (LEADING.index(row["metric"]), row["layer"]),
    )
    first = rows[0]
    metrics = dict.fromkeys(row["metric"] for row in rows)
    return render_page(
        f"What {first['split']} costs {first['model']}",
        [_make_section([row for row in rows if row["metric"] == m]) for m in metrics],
        subtitle=f"Shift cost, release {release}, split {first['split']} against "
        f"{first['reference_split']}",
        is_virtual=is_virtual(release),
        opening=[_answer(first), HOW_TO_READ],
        template="answer.html.j2",
        package="somobench.cards",
    )


HOW_TO_READ = (
    "What the model loses when it is trained for the split instead of for the reference"
    " split, on the series (a cell's layer) and days that both test: the median over"
    " series, with its interval. Above 0 skill is lost; where the whole interval lies"
    " above 0, surely."
)


def _answer(row: CostRow) -> str:
    """Say the cost in the leading metric over all layers."""
    cost, low, high = (row[key] for key in ("cost", "low", "high"))
    if cost is None:
        return "No series has a score on both sides."
    surely = low is not None and high is not None and (low > 0 or high < 0)
    kind = "Loses" if cost > 0 else "Gains"
    return (
        f"{kind} {write_score(abs(cost))} of {name_metric(row['metric'])}, "
        f"{'with' if surely else 'without'} confidence: medians are "
        f"{write_score(row['reference'])} trained for {row['reference_split']}, "
        f"{write_score(row['shifted'])} trained for {row['split']}."
    )


def _make_section(rows: Sequence[CostRow]) -> Section:
    metric = str(rows[0]["metric"])
    title = name_metric(metric)
    plot = RowPlot(
        rows=[
            plot_score(
                name_layer(row["layer"]),
                row,
                value="cost",
                absent="not estimable",
                filled=row["low"] is not None and row["low"] > 0,
            )
            for row in rows
        ],
        axis=f"loss of {title}: right of 0 skill is lost",
        label=f"Loss of {title} by layer",
        zero=True,
    )
    return Section(metric.replace("_", "-"), title, (plot, _tabulate(rows)))


def _tabulate(rows: Sequence[CostRow]) -> Table:
    first = rows[0]
    return Table(
        title=f"{name_metric(first['metric'])} by layer",
        columns=[
            "layer",
            Column(f"trained for {first['reference_split']}"),
            Column(f"trained for {first['split']}"),
            Column("loss"),
            Column("series"),
            Column("cell-days"),
        ],
        rows=[
            [
                name_layer(row["layer"]),
                write_score(row["reference"]),
                write_score(row["shifted"]),
                make_score_cell({**row, "value": row["cost"]}),
                row["cell_count"],
                row["day_count"],
            ]
            for row in rows
        ],
        sortable=False,
    )
