"""Stage `scores`: every rung of the ladder scored on every split.

Reads predictions, targets, features, splits and cells; writes scores.parquet,
cell_scores.parquet and scores.json. Each rung is compared with all rungs below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.catalog.archive import open_zarr_zip
from somobench.catalog.atomic import write_json, write_parquet
from somobench.headline import CONFIDENCE, RungName, climb
from somobench.metric_registry import METRICS
from somobench.metric_registry import REFERENCE_MOMENTS as REFERENCE_TEXT
from somobench.pipelines.run_stage import run_stage
from somobench.resampled_days import ResampledDays
from somobench.rung_comparison import (
    Ladder,
    compare_with_rungs,
    open_ladder,
    predictions_file,
)
from somobench.schemas.grids import FEATURES, TARGETS
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.scores import (
    ALL_LAYERS,
    CELL_SCORES,
    REFERENCE_MOMENTS,
    SCORES,
)
from somobench.schemas.tables import CELLS, SPLITS
from somobench.schemas.validate import validate_grid, validate_table
from somobench.score_tables import (
    COARSE,
    CORE,
    cell_table,
    finish_cell_scores,
    finish_scores,
    score_table,
)
from somobench.scoring_case import ScoringCase, build_case
from somobench.split_scores import LEADING, draw_common_days, score_model

DATA = Path("data")
UNITS = "m3 m-3"
Tables = tuple[list[pd.DataFrame], list[pd.DataFrame]]


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_scores(load_recipe(), DATA)


def write_scores(recipe: Recipe, folder: Path) -> None:
    """Write scores.parquet, cell_scores.parquet and scores.json for a folder.

    Raises
    ------
    InputError
        If a split has no predictions.
    ValidationError
        If an input or a result breaks its schema.
    """
    scores: list[pd.DataFrame] = []
    cell_scores: list[pd.DataFrame] = []
    report: dict[str, Any] = {}
    for case in cases(recipe, folder):
        ladder = open_ladder(
            folder / "predictions" / predictions_file(case.split), case
        )
        days = draw_common_days(case, ladder.rungs)
        rows, cell_rows = score_ladder(case, ladder, days)
        scores += rows
        cell_scores += cell_rows
        report[case.split] = describe_split(case, ladder, days, pd.concat(rows))
    table = finish_scores(scores)
    series_table = finish_cell_scores(cell_scores)
    validate_table(table, SCORES, "scores.parquet")
    validate_table(series_table, CELL_SCORES, "cell_scores.parquet")
    write_parquet(table, folder / "scores.parquet")
    write_parquet(series_table, folder / "cell_scores.parquet")
    write_json(describe_scores() | {"splits": report}, folder / "scores.json")


def cases(recipe: Recipe, folder: Path) -> Iterator[ScoringCase]:
    """Yield every split of a folder as it is scored, in order of their names."""
    splits = validate_table(
        pd.read_parquet(folder / "splits.parquet"), SPLITS, "splits.parquet"
    )
    cells = validate_table(
        pd.read_parquet(folder / "cells.parquet"), CELLS, "cells.parquet"
    )
    with (
        open_zarr_zip(folder / "targets.zarr.zip") as targets,
        open_zarr_zip(folder / "features.zarr.zip") as features,
    ):
        validate_grid(targets.load(), TARGETS, "targets.zarr.zip")
        validate_grid(features.load(), FEATURES, "features.zarr.zip")
        for split in sorted(set(splits["split"].astype(str))):
            yield build_case(
                split,
                targets=targets,
                features=features,
                splits=splits,
                cells=cells,
                moments_from=moments_from(recipe),
            )


def moments_from(recipe: Recipe) -> dict[int, str]:
    """Say of each layer where the mean and variance of its targets come from."""
    scaled = recipe.reference.layers if recipe.reference.source != "none" else ()
    return {
        layer.layer: "reanalysis" if layer.layer in scaled else "observations"
        for layer in recipe.layers
    }


def score_ladder(case: ScoringCase, ladder: Ladder, days: ResampledDays) -> Tables:
    """Score every rung of a split, and compare it with all rungs below."""
    scores: list[pd.DataFrame] = []
    cell_scores: list[pd.DataFrame] = []
    for place, rung in enumerate(ladder.rungs):
        scored = score_model(case, rung.load(), days)
        scores.append(score_table(case, scored, rung.name))
        cell_scores.append(cell_table(case, scored, rung.name))
        scores += compare_with_rungs(
            case, rung, ladder.rungs[:place], days, metrics=LEADING, kinds=COARSE
        )
    return scores, cell_scores


def describe_scores() -> dict[str, Any]:
    """Describe metrics, notes and the rule of the headline."""
    return {
        "confidence": CONFIDENCE,
        "leading_metrics": list(LEADING),
        "metrics": {
            name: {
                key: _plain(value)
                for key, value in metric.attrs(UNITS).items()
                if key != "note"
            }
            | {"reference_moments": metric.note == REFERENCE_TEXT}
            for name, metric in METRICS.items()
        },
        "notes": {REFERENCE_MOMENTS: REFERENCE_TEXT},
    }


def _plain(value: Any) -> Any:
    """Return a value that JSON can hold: None for an end that is infinite."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value


def describe_split(
    case: ScoringCase, ladder: Ladder, days: ResampledDays, scores: pd.DataFrame
) -> dict[str, Any]:
    """Return the ladder table of a split and what each rung beats."""
    return {
        "series": len(case.full_record),
        "full_record_series": int(case.full_record.sum()),
        "cell_days": int(np.isfinite(case.target.to_numpy()).sum()),
        "block_length": days.length,
        "block_length_wanted": days.wanted_length,
        "draws": days.draws,
        "seed": days.seed,
        "predictions_sha256": ladder.sha256,
        "ladder": [
            _describe_rung(ladder, place, scores) for place in range(len(ladder.rungs))
        ],
    }


def _describe_rung(ladder: Ladder, place: int, scores: pd.DataFrame) -> dict[str, Any]:
    names = [
        RungName(rung.name, rung.name in ladder.needs_observations)
        for rung in ladder.rungs
    ]
    own = scores[scores["model"] == names[place].name]
    compared = climb(own[own["against"] != ""], names[:place])
    return {
        "rung": names[place].name,
        "needs_observations": names[place].needs_observations,
        "scores": _by_layer(
            own[
                (own["against"] == "")
                & (own["pool_kind"] == "plain")
                & own["metric"].isin(CORE)
            ]
        ),
        "highest_rung_beaten": compared["highest_rung_beaten"],
        "below": compared["rungs"] + compared["rungs_with_observations"],
    }


def _by_layer(rows: pd.DataFrame) -> dict[str, Mapping[str, Any]]:
    """Return scores by layer ("all", "1", ...) and metric."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows.sort_values(["layer", "metric"]).to_dict("records"):
        layer = "all" if row["layer"] == ALL_LAYERS else str(row["layer"])
        numbers = {
            key: None if pd.isna(row[key]) else float(row[key])
            for key in ("value", "low", "high")
        }
        counts = {"cell_count": int(row["cell_count"]), "note": row["note"]}
        found.setdefault(layer, {})[row["metric"]] = numbers | counts
    return {layer: dict(metrics) for layer, metrics in found.items()}


if __name__ == "__main__":
    run_stage(main)
