"""The ladder of all folds pooled, as files: what its rungs predict and how they score.

No release holds it: it is trained where it is needed, and the same on every machine
with the same libraries. `evaluate` takes it as the ladder of split `spatial_folds`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from somobench.catalog.resolve import resolve
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import replace_file, write_json, write_parquet
from somobench.folds import POOLED
from somobench.folds.rungs import predict_folds
from somobench.progress import tell_step
from somobench.schemas.scores import SCORE_TABLES
from somobench.schemas.validate import validate_table
from somobench.scoring.inputs import read_case
from somobench.scoring.ladders import RELEASE, name_file, open_ladder
from somobench.scoring.models import draw_common_days
from somobench.scoring.rung_scores import score_ladder
from somobench.scoring.tables import finish_table

TABLES = ("scores", "cell_scores")
ACCOUNT = "ladder.json"
FILES = frozenset({name_file(POOLED), ACCOUNT, *(f"{name}.parquet" for name in TABLES)})
"""What a folder of the pooled ladder holds."""


class FoldLadder(NamedTuple):
    """Scores of schema SCORES, the rungs, lowest first, and why others are left out."""

    scores: pd.DataFrame
    rungs: tuple[str, ...]
    refused: Mapping[str, str]


def write_fold_ladder(
    release: str, folder: Path, *, processes: int = 1, overwrite: bool = False
) -> FoldLadder:
    """Train the ladder for every fold of `spatial`, score it pooled, and write both.

    Parameters
    ----------
    release : str
        Full id.
    folder : Path
        Gets `spatial_folds.zarr.zip`, for `evaluate(ladder=...)`, `scores.parquet`,
        `cell_scores.parquet`, and `ladder.json`, which says why rungs are left out;
        all of them or none.
    processes : int
        The result doesn't depend on it.
    overwrite : bool
        Replace such a folder.

    Raises
    ------
    UnknownNameError
        If there is no such release, or it has no spatial split.
    UsageError, IntegrityError
        As of `somobench.folds.view.read_folds`.
    """
    tell_step(f"training the ladder for every fold of {release}")
    predicted = predict_folds(release, processes=processes)
    case = read_case(resolve(release), POOLED)
    with replace_file(folder, new=not overwrite) as partial:
        partial.mkdir()
        file = partial / name_file(POOLED)
        named = predicted.grid.assign_attrs({RELEASE: release})
        write_zarr_zip(named, file, {"rung": 1})
        ladder = open_ladder(file, case)
        tell_step("scoring all rungs")
        parts = score_ladder(case, ladder, draw_common_days(case, ladder.rungs))
        tables = {
            name: finish_table(parts[name], *SCORE_TABLES[name]) for name in TABLES
        }
        for name, table in tables.items():
            validate_table(table, SCORE_TABLES[name][0], f"{name}.parquet")
            write_parquet(table, partial / f"{name}.parquet")
        rungs = tuple(rung.name for rung in ladder.rungs)
        account = {"release": release, "split": POOLED, "rungs": [*rungs]}
        refused = {"refused": dict(predicted.refused)}
        write_json(account | refused, partial / ACCOUNT)
    return FoldLadder(tables["scores"], rungs, predicted.refused)
