"""Neural rungs on every split of a release, beside every rung of its ladder.

    python benchmarks/bench_neural.py RELEASE FOLDER [SPLIT MODEL]

trains each rung on each split into FOLDER, scores it, and writes what is there into
docs/models/neural/RELEASE.csv and its table in docs/models.md. What is there, in FOLDER
or in the csv, is kept: after a kill it goes on. With a split and a model it does these
alone. The ladder's predictions of every split are needed: those that a build leaves in
releases/assets/RELEASE. Nothing is tuned
here; settings are those of `somobench.neural.rungs`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import somobench
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.atomic import write_text
from somobench.neural.run import PREDICTIONS_FILE, RECORD_FILE, train
from somobench.neural.rungs import NEURAL
from somobench.pipelines.stage import read_report
from somobench.pipelines.tools.model_tables import write_models

SEEDS = (1, 2)
SCORES_FILE = "scores.csv"
DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "models.md"
METRICS = ("pearson_r", "anomaly_r", "ubrmse")
COLUMNS = ["against", "metric", "value", "low", "high", "cell_count"]


def train_and_score(release: str, split: str, model: str, folder: Path) -> pd.DataFrame:
    """Return the scores of a rung on a split, alone and less those of each rung."""
    scores = folder / SCORES_FILE
    if not scores.is_file():
        trained = folder / "model"
        if not (trained / RECORD_FILE).is_file():
            train(model, release=release, split=split, out=trained, seeds=SEEDS)
        table = somobench.evaluate(
            trained / PREDICTIONS_FILE, release=release, split=split, name=model
        ).scores
        wanted = (
            (table["layer"] == 0)
            & (table["pool_kind"] == "plain")
            & table["metric"].isin(METRICS)
        )
        write_text(table[wanted][COLUMNS].to_csv(index=False), scores)
    record = read_report(folder / "model" / RECORD_FILE, "cpu_seconds")
    rows = pd.read_csv(scores, keep_default_na=False, na_values={"low": [""]})
    return rows.assign(split=split, model=model, cpu_seconds=record["cpu_seconds"])


def read_kept(path: Path) -> dict[tuple[str, str], pd.DataFrame]:
    """Return what an earlier run wrote, by split and model."""
    if not path.is_file():
        return {}
    table = pd.read_csv(path, keep_default_na=False, na_values={"low": [""]})
    return {
        (split, model): part
        for (split, model), part in table.groupby(["split", "model"])
    }


def main() -> None:
    release, folder, *only = sys.argv[1:]
    splits = sorted(resolve(release).manifest.splits)
    pairs = [(split, model) for model in NEURAL for split in splits]
    places = {pair: Path(folder, release, *pair) for pair in pairs}
    kept = DOCUMENT.with_suffix("") / "neural" / f"{release}.csv"
    rows = read_kept(kept)
    for pair in [(only[0], only[1])] if only else pairs:
        if only or pair not in rows:
            train_and_score(release, *pair, places[pair])
    rows |= {
        pair: train_and_score(release, *pair, place)
        for pair, place in places.items()
        if (place / SCORES_FILE).is_file()
    }
    table = pd.concat(rows[pair] for pair in pairs if pair in rows)[
        ["split", "model", *COLUMNS, "cpu_seconds"]
    ]
    kept.parent.mkdir(parents=True, exist_ok=True)
    write_text(table.to_csv(index=False, lineterminator="\n"), kept)
    write_text(write_models(DOCUMENT), DOCUMENT)


if __name__ == "__main__":
    main()
