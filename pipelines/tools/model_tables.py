"""Write the tables of docs/models.md from the numbers that are kept beside it.

`benchmarks/bench_neural.py` keeps a file of scores a release; the lines between
`<!-- neural:ID -->` and `<!-- end -->` become the neural rungs of release ID.
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
        Columns split, model, against, metric, value, low, high.

    Returns
    -------
    str
        A row a model and rung, a column a split; bold where the model beats the rung
        with confidence, in italics where the rung beats it.
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
    return "\n".join(lines) + "\n"


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
    for file in sorted(document.with_suffix("").glob("*.csv")):
        table = make_neural_table(pd.read_csv(file, keep_default_na=True))
        text = insert_table(text, "neural", file.stem, table)
    return text
