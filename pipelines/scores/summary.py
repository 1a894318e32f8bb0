"""The few numbers that DVC shows: `dvc metrics diff`, `dvc plots show`, `dvc exp show`.

They are medians over cells and layers of one metric; everything else stands in the
tables of scores.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.catalog.storage.atomic import replace_file, write_json, write_text

METRIC = "pearson_r"
METRICS_FILE = "metrics.json"
PLOTS_FOLDER = "plots"


def write_summary(report: Mapping[str, Any], folder: Path) -> None:
    """Write metrics.json, and plots/<split>.csv with the ladder of each split.

    Parameters
    ----------
    report : by split, as in scores.json
    folder : Path
    """
    ladders = {split: summarise_ladder(report[split]["ladder"]) for split in report}
    metrics = {
        split: dict(zip(ladder["rung"], ladder[METRIC].tolist(), strict=True))
        for split, ladder in ladders.items()
    }
    write_json({METRIC: metrics}, folder / METRICS_FILE)
    with replace_file(folder / PLOTS_FOLDER) as partial:
        partial.mkdir()
        for split, ladder in ladders.items():
            text = ladder.to_csv(index=False, lineterminator="\n")
            write_text(text, partial / f"{split}.csv")


def summarise_ladder(ladder: list[dict[str, Any]]) -> pd.DataFrame:
    """Return rung, pearson_r and its 90 % interval, low and high; lowest rung first.

    A rung without the metric is left out.
    """
    rows = [
        {"rung": item["rung"], METRIC: score["value"]}
        | {end: score[end] for end in ("low", "high")}
        for item in ladder
        if (score := item["scores"].get("all", {}).get(METRIC))
        and score["value"] is not None
    ]
    return pd.DataFrame(rows, columns=["rung", METRIC, "low", "high"])
