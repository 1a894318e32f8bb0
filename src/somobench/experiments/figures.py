"""Figures of experiments: rows of losses by regime, losses by distance, curves."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import pandas as pd

from somobench.experiments.compare import CONTRAST
from somobench.experiments.outcome import Outcome
from somobench.pages.figures import (
    COLOURS,
    SYMBOLS,
    Axis,
    Chart,
    Dot,
    Figure,
    Point,
    Row,
    RowPlot,
    Series,
)
from somobench.pages.scales import make_linear_scale
from somobench.pages.texts import name_rung, show_score
from somobench.schemas.scores import ALL_LAYERS

LEAD = "pearson_r"


def draw_figures(name: str, outcome: Outcome) -> Iterator[Figure]:
    """Yield the figures of an experiment."""
    table = outcome.table
    rows = table[(table["layer"] == ALL_LAYERS) & (table["tested"] != CONTRAST)]
    if name == "diversity":
        yield draw_curves(rows)
    yield draw_scores(rows)
    losses = rows[(rows["against"] != "") & rows["metric"].isin([LEAD, "anomaly_r"])]
    if len(losses):
        yield draw_losses(losses[losses["metric"] == LEAD])
    if outcome.points:
        yield draw_distances(outcome.points)


def draw_scores(rows: pd.DataFrame) -> Figure:
    """Return scores of every model and arm, a panel a regime."""
    chosen = rows[(rows["against"] == "") & (rows["metric"] == LEAD)]
    return Figure(
        name="scores",
        panels=_list_panels(chosen, "Pearson r, median over series", zero=False),
        caption="Scores with 90 % intervals. Arms are compared by their losses, which "
        "are paired, and not by whether these intervals overlap.",
    )


def draw_losses(rows: pd.DataFrame) -> Figure:
    """Return paired losses of every model, a panel a regime."""
    return Figure(
        name="losses",
        panels=_list_panels(rows, "loss in Pearson r: right of 0 skill is lost"),
        caption="Paired losses with 90 % intervals, median over series.",
    )


def _list_panels(rows: pd.DataFrame, axis: str, *, zero: bool = True) -> list[RowPlot]:
    records = rows.to_dict("records")
    numbers = [row[key] for row in records for key in ("value", "low", "high")]
    scale = make_linear_scale(numbers, zero=zero)
    panels = []
    for tested in dict.fromkeys(row["tested"] for row in records):
        lines: list[Row | str] = [f"Tested on {tested} series"]
        for model in dict.fromkeys(row["model"] for row in records):
            own = [
                row
                for row in records
                if row["tested"] == tested and row["model"] == model
            ]
            if own:
                lines.append(name_rung(model).replace("_", " "))
                lines += [_make_row(row) for row in own]
        panels.append(RowPlot(rows=lines, axis=axis, scale=scale, zero=zero))
    return panels


def _make_row(row: Mapping[Hashable, Any]) -> Row:
    label = str(row["arm"])
    if row["against"]:
        label = f"{label} against {row['against']}"
    dot = Dot(row["value"], row["low"], row["high"])
    counts = f"{row['cell_count']} series, {row['day_count']} cell-days"
    return Row(label, (dot,), show_score({str(k): v for k, v in row.items()}), counts)


def draw_distances(points: Mapping[str, list[tuple[float, float, str]]]) -> Figure:
    """Return what series lose over the distance of the training climate."""
    flat = [point for series in points.values() for point in series]
    x = make_linear_scale([point[0] for point in flat])
    y = make_linear_scale([point[1] for point in flat], zero=True)
    panels = [
        Chart(
            title=name_rung(model),
            label=f"Loss by distance from the training climate, {name_rung(model)}",
            x=Axis(
                x,
                "further from the other regime\u2019s climate than from one\u2019s "
                "own, log of dryness",
            ),
            y=Axis(y, "loss in Pearson r", 0.0),
            series=(
                Series(
                    "series", [Point(px, py, f"{tip}: {py:.3f}") for px, py, tip in own]
                ),
            ),
        )
        for model, own in points.items()
    ]
    return Figure(
        name="distance",
        panels=panels,
        caption="One point a series: what it loses when trained on the other regime.",
    )


def _list_points(rows: pd.DataFrame) -> list[Point]:
    """Return scores over the number of cells, fewest first."""
    ordered = rows.sort_values("size")[["size", "value", "low", "high"]]
    return [
        Point(size, value, f"{value:.3f}", low, high)
        for size, value, low, high in ordered.to_numpy("float64").tolist()
    ]


def draw_curves(rows: pd.DataFrame) -> Figure:
    """Return scores over the number of training cells, a panel a model and regime."""
    scores = rows[(rows["against"] == "") & (rows["metric"] == LEAD)]
    kind = scores["arm"].str.rpartition(", ")
    scores = scores.assign(kind=kind[0], size=kind[2].astype(float))
    y = make_linear_scale(scores[["value", "low", "high"]].to_numpy().ravel().tolist())
    x = make_linear_scale(scores["size"].tolist(), zero=True)
    panels = []
    for (model, tested), own in scores.groupby(["model", "tested"], sort=False):
        series = [
            Series(
                str(name),
                _list_points(part),
                colour=COLOURS[place],
                symbol=SYMBOLS[place],
                line="none",
            )
            for place, (name, part) in enumerate(own.groupby("kind", sort=True))
        ]
        panels.append(
            Chart(
                title=f"{name_rung(str(model))}, tested on {tested}",
                label=f"Learning curve of {model} on {tested} series",
                x=Axis(x, "training cells"),
                y=Axis(y, "Pearson r, median over series"),
                series=series,
            )
        )
    return Figure(
        name="curves",
        panels=panels,
        caption="Skill over the number of training cells, from one climate or many.",
    )
