"""Stage `scores`: every rung of the ladder scored on every split.

Reads predictions, targets, features, splits and cells; writes scores.parquet,
cell_scores.parquet, shift_costs.parquet, scores.json, and for DVC metrics.json and
plots/. Each rung is compared with all rungs below it, and with itself as it was trained
for the split in time.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.catalog.storage.processors import count_cores
from somobench.parallel import map_items
from somobench.pipelines.scores.inputs import ScoredSplit, ScoreInputs, read_inputs
from somobench.pipelines.scores.report import describe_scores, describe_split
from somobench.pipelines.scores.summary import write_summary
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.scores import SCORE_TABLES
from somobench.schemas.validate import validate_table
from somobench.scoring.models import draw_common_days
from somobench.scoring.rung_scores import score_ladder
from somobench.scoring.shift_costs import (
    REFERENCE_SPLIT,
    NothingInCommonError,
    shift_costs,
)
from somobench.scoring.tables import finish_table

DATA = Path("data")
Tables = dict[str, list[pd.DataFrame]]


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_scores(load_recipe(), DATA, processes=count_cores())


def write_scores(recipe: Recipe, folder: Path, *, processes: int = 1) -> None:
    """Write the tables of scores and of shift costs, and scores.json, for a folder.

    The result doesn't depend on the number of processes.

    Raises
    ------
    InputError
        If a split has no predictions.
    ValidationError
        If an input or a result breaks its schema.
    """
    read = partial(read_inputs, recipe, folder)
    names = read().names
    results = map_items(score_split, names, read, processes)
    described = (described for _, described in results)
    report = dict(zip(names, described, strict=True))
    for name, (schema, key) in SCORE_TABLES.items():
        parts = [part for rows, _ in results for part in rows.get(name, ())]
        table = finish_table(parts, schema, key)
        validate_table(table, schema, f"{name}.parquet")
        write_parquet(table, folder / f"{name}.parquet")
    write_summary(report, folder)
    write_json(describe_scores() | {"splits": report}, folder / "scores.json")


def score_split(inputs: ScoreInputs, split: str) -> tuple[Tables, dict[str, Any]]:
    """Return the tables of a split by name, and what is said of it in scores.json.

    A split that tests no series on the days of the reference split has no shift costs.
    """
    scored = inputs.scored(split)
    days = draw_common_days(scored.case, scored.ladder.rungs)
    rows: Tables = dict(score_ladder(scored.case, scored.ladder, days))
    scores = pd.concat(rows["scores"])
    described = describe_split(scored.case, scored.ladder, days, scores)
    if REFERENCE_SPLIT in inputs.names and split != REFERENCE_SPLIT:
        reference = inputs.scored(REFERENCE_SPLIT)
        try:
            rows["shift_costs"] = [measure_shift_costs(scored, reference)]
        except NothingInCommonError as error:
            described |= {"no_shift_costs": error.found}
    return rows, described


def measure_shift_costs(shifted: ScoredSplit, reference: ScoredSplit) -> pd.DataFrame:
    """Return what the split costs every rung that both splits have."""
    known = {rung.name: rung for rung in reference.ladder.rungs}
    pairs = [
        (rung, known[rung.name]) for rung in shifted.ladder.rungs if rung.name in known
    ]
    return shift_costs(shifted.case, reference.case, pairs)
