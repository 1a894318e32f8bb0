"""Forecasts of one to ten days on a split, beside persistence and climatology.

    python benchmarks/bench_forecast.py RELEASE FOLDER [SPLIT]

makes each forecast on the split (`temporal` by default) into FOLDER, scores it, and
writes docs/models/forecast/RELEASE.csv and its table in docs/models.md. What is there
is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import somobench
from somobench.catalog.storage.atomic import write_text
from somobench.ladder.forecasts import FORECASTS
from somobench.neural.run import CARRIED, PREDICTIONS_FILE, RECORD_FILE, train
from somobench.pipelines.tools.model_tables import write_models

SEEDS = (1, 2)
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "models.md"
METRICS = ("pearson_r", "anomaly_r", "ubrmse")
COLUMNS = ["model", "against", "metric", "lead_time", "value", "low", "high"]


def forecast_and_score(
    release: str, split: str, model: str, folder: Path
) -> pd.DataFrame:
    """Return the curves of a forecast, of what stands beside it, and differences."""
    scores = folder / "scores.csv"
    if not scores.is_file():
        made = folder / "model"
        if not (made / RECORD_FILE).is_file():
            train(model, release=release, split=split, out=made, seeds=SEEDS)
        found = somobench.evaluate(
            made / PREDICTIONS_FILE,
            release=release,
            split=split,
            name=model,
            allow_missing=True,
        )
        table = found.lead_scores
        assert table is not None
        assert found.record.lead_coverage is not None
        wanted = (table["layer"] == 0) & table["metric"].isin(METRICS)
        rows = table[wanted][COLUMNS]
        rows = rows.assign(common=found.record.lead_coverage.common)
        write_text(rows.to_csv(index=False), scores)
    return pd.read_csv(scores, keep_default_na=False, na_values={"low": [""]})


def main() -> None:
    release, folder, *more = sys.argv[1:]
    split = more[0] if more else "temporal"
    parts = [
        forecast_and_score(release, split, model, Path(folder, release, split, model))
        for model in (*FORECASTS, CARRIED)
    ]
    counts = {int(part["common"].iloc[0]) for part in parts}
    assert len(counts) == 1, f"curves over other cell-days: {counts}"
    table = pd.concat(parts).drop_duplicates(COLUMNS[:4]).assign(split=split)
    kept = DOCUMENT.with_suffix("") / "forecast" / f"{release}.csv"
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_text(table.to_csv(index=False, lineterminator="\n"), kept)
    write_text(write_models(DOCUMENT), DOCUMENT)


if __name__ == "__main__":
    main()
