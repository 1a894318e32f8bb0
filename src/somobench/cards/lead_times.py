"""How skill falls with lead time: curves of a forecast and of its references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from somobench.cards.lookup import list_records
from somobench.pages.figures import COLOURS, DASHES, SYMBOLS, Axis, Chart, Point, Series
from somobench.pages.frame import write_number
from somobench.pages.scales import Scale, finite_or_none, make_linear_scale
from somobench.pages.tables import ASCENDING, WORDS, Cell, Column, Table
from somobench.pages.texts import (
    make_score_cell,
    name_metric,
    name_rung,
    show_metric,
    write_score,
)
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.record import LeadCoverageRecord

SHIFT = 0.06  # of a day, so that intervals don't hide each other

Lines = Mapping[str, list[dict[str, Any]]]


class LeadView(NamedTuple):
    """A metric by lead time, as curves and as a table."""

    chart: Chart
    table: Table


def show_lead_times(table: pd.DataFrame, model: str) -> list[LeadView]:
    """Return scores over all layers, metric by metric.

    Parameters
    ----------
    table : DataFrame of schema LEAD_SCORES
    model : name of the submission
    """
    rows = table[(table["layer"] == ALL_LAYERS) & (table["against"] == "")]
    views = []
    for metric, own in rows.groupby("metric", sort=False):
        by_name = {
            str(name): list_records(group.sort_values("lead_time"))
            for name, group in own.groupby("model")
        }
        names = [model, *sorted(name for name in by_name if name != model)]
        lines = {
            name if name == model else name_rung(name): by_name[name] for name in names
        }
        title = show_metric(str(metric), str(own["note"].iloc[0]))
        views.append(
            LeadView(_chart_lines(lines, title), _tabulate(lines, str(metric)))
        )
    return views


def describe_lead_days(coverage: LeadCoverageRecord | None) -> str:
    """Say on which cell-days lead times were scored; None if each has its own."""
    if coverage is None:
        return "the cell-days that all three have at the lead time"
    counts = f"{write_number(coverage.common)} of {write_number(coverage.asked)}"
    return f"the {counts} cell-days that all three have at every lead time"


def _tabulate(lines: Lines, metric: str) -> Table:
    leads = sorted({int(row["lead_time"]) for rows in lines.values() for row in rows})
    columns = [Column("model", WORDS, ASCENDING)]
    columns += [Column(f"{lead} d") for lead in leads]
    body: list[list[object]] = []
    for name, rows in lines.items():
        by_lead = {int(row["lead_time"]): row for row in rows}
        scores = [make_score_cell(by_lead.get(lead)) for lead in leads]
        body.append([Cell(name, name), *scores])
    title = f"{name_metric(metric)} by lead time"
    return Table(title=title, columns=columns, rows=body)


def _chart_lines(lines: Lines, title: object) -> Chart:
    rows = [row for each in lines.values() for row in each]
    leads = sorted({float(row["lead_time"]) for row in rows})
    upwards = make_linear_scale(
        row[key] for row in rows for key in ("value", "low", "high")
    )
    series = [
        Series(
            name,
            [_mark_point(name, row, place) for row in own],
            COLOURS[place % 3],
            SYMBOLS[place % 3],
            DASHES[place % 3],
        )
        for place, (name, own) in enumerate(lines.items())
    ]
    across = Scale(leads[0] - 0.5, leads[-1] + 0.5, tuple(leads))
    return Chart(
        series=series,
        x=Axis(across, "lead time, days"),
        y=Axis(upwards, ""),
        title=title,
        label="Scores by lead time",
    )


def _mark_point(name: str, row: Mapping[str, Any], place: int) -> Point:
    tip = f"{name}, {row['lead_time']} d: {write_score(row['value'])}"
    shift = (0.0, -SHIFT, SHIFT)[place % 3]
    low = finite_or_none(row["low"])
    return Point(row["lead_time"] + shift, row["value"], tip, low, row["high"])
