"""How skill falls with lead time: curves of a forecast and of its references."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from somobench.cards.lookup import records
from somobench.pages.html import Markup, element, figure, joined, number, paragraph
from somobench.pages.plots import Scale, line, linear_scale, scale_below, tick_text
from somobench.pages.tables import Cell, Column, sortable_table, words
from somobench.pages.texts import metric_name, metric_title, number_of, score_cell
from somobench.schemas.scores import ALL_LAYERS
from somobench.scoring.record import LeadCoverageRecord

HEIGHT = 220  # px
DASHES = ("none", "6 4", "2 4")
SHIFTS = (0.0, -1.0, 1.0)  # percent, so that intervals don't hide each other

Lines = Mapping[str, list[dict[str, Any]]]


def lead_blocks(
    table: pd.DataFrame, model: str, coverage: LeadCoverageRecord | None = None
) -> list[Markup]:
    """Return curves and tables of scores over all layers.

    Parameters
    ----------
    table : DataFrame of schema LEAD_SCORES
    model : name of the submission
    coverage : cell-days that all lead times were scored on; None if each has its own
    """
    rows = table[(table["layer"] == ALL_LAYERS) & (table["against"] == "")]
    drawn, tables = [], []
    for metric, own in rows.groupby("metric", sort=False):
        found = {
            str(name): records(group.sort_values("lead_time"))
            for name, group in own.groupby("model")
        }
        lines = {name: found[name] for name in _names(found, model)}
        title = metric_name(str(metric), str(own["note"].iloc[0]))
        drawn.append(joined([element("div", title), _curves(lines)]))
        tables.append(_table(lines, str(metric)))
    if not drawn:
        return [paragraph("No score by lead time.")]
    names = list(_names({str(name): [] for name in rows["model"]}, model))
    return [
        _key(names),
        figure(
            drawn,
            f"Medians over series with intervals, on {_days(coverage)}.",
            name="lead-curves",
        ),
        *tables,
    ]


def _days(coverage: LeadCoverageRecord | None) -> str:
    if coverage is None:
        return "the cell-days that all three have at the lead time"
    counted = f"{number(coverage.common)} of {number(coverage.asked)}"
    return f"the {counted} cell-days that all three have at every lead time"


def _names(found: Mapping[str, object], model: str) -> list[str]:
    return [model, *sorted(name for name in found if name != model)]


def _table(lines: Lines, metric: str) -> Markup:
    leads = sorted({int(row["lead_time"]) for rows in lines.values() for row in rows})
    header = [words("model"), *(Column(f"{lead} d") for lead in leads)]
    body = []
    for name, rows in lines.items():
        by_lead = {int(row["lead_time"]): row for row in rows}
        cells = [score_cell(by_lead.get(lead)) for lead in leads]
        body.append([Cell(name, name), *cells])
    return sortable_table(header, body, f"{metric_title(metric)} by lead time")


def _curves(lines: Lines) -> Markup:
    rows = [row for each in lines.values() for row in each]
    leads = sorted({int(row["lead_time"]) for row in rows})
    low, high = leads[0] - 0.5, leads[-1] + 0.5
    below = Scale(low, high, tuple(float(lead) for lead in leads))
    upwards = linear_scale(row[key] for row in rows for key in ("value", "low", "high"))

    def down(value: float) -> float:
        share = (value - upwards.low) / (upwards.high - upwards.low)
        return round(HEIGHT - 8 - share * (HEIGHT - 24), 1)

    parts = []
    for tick in upwards.ticks:
        parts.append(line((0, down(tick)), (100, down(tick)), "var(--grid)", 1))
        parts.append(
            element("text", tick_text(tick), x=2, y=down(tick) - 3, class_="tick")
        )
    for order, each in enumerate(lines.values()):
        points = [
            (below.place(float(row["lead_time"])) + SHIFTS[order % 3], row)
            for row in each
            if number_of(row["value"]) is not None
        ]
        parts += _curve(points, order % 3, down)
    drawing = element(
        "svg",
        joined(parts),
        height=HEIGHT,
        class_="plain",
        role="img",
        aria_label="Scores by lead time",
    )
    return joined([drawing, scale_below(below, "lead time, days")])


def _curve(
    points: list[tuple[float, dict[str, Any]]],
    order: int,
    down: Callable[[float], float],
) -> list[Markup]:
    colour = f"var(--c{order + 1})"
    parts = []
    for (x1, one), (x2, two) in pairwise(points):
        parts.append(
            element(
                "line",
                x1=f"{x1}%",
                y1=down(one["value"]),
                x2=f"{x2}%",
                y2=down(two["value"]),
                stroke=colour,
                stroke_width=2,
                stroke_dasharray=DASHES[order],
            )
        )
    for x, row in points:
        if number_of(row["low"]) is not None:
            ends = (x, down(row["low"])), (x, down(row["high"]))
            parts.append(line(*ends, colour, 1.5))
        parts.append(
            element("circle", cx=f"{x}%", cy=down(row["value"]), r=4, fill=colour)
        )
    return parts


def _key(names: list[str]) -> Markup:
    items = [
        element(
            "li",
            element(
                "svg",
                element(
                    "line",
                    x1=0,
                    y1=7,
                    x2=24,
                    y2=7,
                    stroke=f"var(--c{order % 3 + 1})",
                    stroke_width=3,
                    stroke_dasharray=DASHES[order % 3],
                ),
                viewBox="0 0 24 14",
                style="width:24px",
            ),
            name,
        )
        for order, name in enumerate(names)
    ]
    return element("ul", joined(items), class_="key")
