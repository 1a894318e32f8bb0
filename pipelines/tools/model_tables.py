"""Write the tables of docs/models.md from the numbers that are kept beside it.

`benchmarks/bench_neural.py` and `bench_forecast.py` keep a file of scores a release in
docs/models/; the lines between `<!-- neural:ID -->` and `<!-- end -->` become the
neural rungs of release ID, those after `<!-- forecast:ID -->` its forecasts.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from somobench.ladder.rungs import RUNGS
from somobench.pipelines.tools.findings import write_line
from somobench.pipelines.tools.ladder_tables import insert_table

METRIC = "pearson_r"


def make_neural_table(scores: pd.DataFrame, metric: str = METRIC) -> str:
    """Return a Markdown table: each neural rung's score, and less that of each rung.

    Parameters
    ----------
    scores : DataFrame
        Columns split, model, against, metric, value, low, high, cpu_seconds.

    Returns
    -------
    str
        A row a model and rung, a column a split; bold where the model beats the rung
        with confidence, in italics where the rung beats it; below them how long all
        seeds of the model took to train.
    """
    rows = scores[scores["metric"] == metric].fillna({"against": ""})
    splits = sorted(set(rows["split"]))
    keys = zip(rows["model"], rows["against"], rows["split"], strict=True)
    numbers = rows[["value", "low", "high"]].to_numpy(dtype=float).tolist()
    found = dict(zip(keys, numbers, strict=True))
    lines = [write_line(("model", "less", *splits))]
    lines.append("| --- " * (2 + len(splits)) + "|")
    for model in dict.fromkeys(rows["model"]):
        for rung in ("", *RUNGS):
            cells = [found.get((model, rung, split)) for split in splits]
            if any(cells):
                name = f"`{rung}`" if rung else ""
                texts = (_write_cell(cell, paired=bool(rung)) for cell in cells)
                lines.append(write_line((f"`{model}`", name, *texts)))
        spent = rows[rows["model"] == model].groupby("split")["cpu_seconds"].first()
        times = (f"{spent[s]:.0f}" if s in spent else "" for s in splits)
        lines.append(write_line((f"`{model}`", "seconds of CPU", *times)))
    return "\n".join(lines) + "\n"


def make_forecast_table(scores: pd.DataFrame, metric: str = METRIC) -> str:
    """Return a Markdown table: a row a model, a column a lead time.

    Parameters
    ----------
    scores : DataFrame
        Columns model, against, metric, lead_time, value, low, high.

    Returns
    -------
    str
        Scores, and below them each forecast's less those of persistence; marked as in
        `make_neural_table`.
    """
    rows = scores[scores["metric"] == metric].fillna({"against": ""})
    leads = sorted(set(rows["lead_time"]))
    lines = [write_line(("model", "less", *(f"{lead} d" for lead in leads)))]
    lines.append("| --- " * (2 + len(leads)) + "|")
    for against in ("", "persistence"):
        chosen = rows[rows["against"] == against]
        for model in dict.fromkeys(chosen["model"]):
            own = chosen[chosen["model"] == model].set_index("lead_time")
            numbers = own.loc[leads, ["value", "low", "high"]].to_numpy(float).tolist()
            cells = [_write_cell(each, paired=bool(against)) for each in numbers]
            if not against:
                cells = [cell.partition(" ")[0] for cell in cells]
            name = f"`{against}`" if against else ""
            lines.append(write_line((f"`{model}`", name, *cells)))
    return "\n".join(lines) + "\n"


TABLES = {"neural": make_neural_table, "forecast": make_forecast_table}


def _write_cell(numbers: list[float] | None, *, paired: bool) -> str:
    if numbers is None:
        return "not available"
    value, low, high = (round(number, 2) + 0.0 for number in numbers)
    text = f"{value:.2f} ({low:.2f}, {high:.2f})"
    if paired and numbers[1] > 0:
        return f"**{text}**"
    return f"_{text}_" if paired and numbers[2] < 0 else text


def write_models(document: Path) -> str:
    """Return the document with the tables that its kept numbers give."""
    text = document.read_text(encoding="utf-8")
    for kind, make in TABLES.items():
        for file in sorted((document.with_suffix("") / kind).glob("*.csv")):
            text = insert_table(text, kind, file.stem, make(pd.read_csv(file)))
    return text
