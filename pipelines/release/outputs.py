"""What the other stages made, read and checked once."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import xarray as xr

from somobench.pipelines.inputs import INPUTS_FILE, read_inputs
from somobench.pipelines.stage import (
    load_grid,
    load_table,
    open_grid,
    read_batches,
    read_report,
)
from somobench.schemas.checks.release import validate_together
from somobench.schemas.released import RELEASED_GRIDS, RELEASED_TABLES
from somobench.schemas.scores import CELL_SCORES

GRIDS = ("targets", "forcing", "features")
TABLES = ("splits", "cells", "stations", "scores", "shift_costs")
REPORTS = {
    "ingest": (),
    "forcing": (),
    "targets": ("layers",),
    "splits": ("splits", "left_out"),
    "features": ("feature_sets", "refused"),
    "baselines": ("splits",),
    "scores": ("splits",),
}
"""Accounts of the stages, and the keys of each that the release needs."""


class StageOutputs(NamedTuple):
    """Outputs of all stages; observations and predictions stay on disk."""

    folder: Path
    grids: dict[str, xr.Dataset]
    tables: dict[str, pd.DataFrame]
    cell_scores: pd.DataFrame
    reports: dict[str, dict[str, Any]]
    inputs: list[dict[str, Any]]
    predictions: list[Path]

    @property
    def truth(self) -> Path:
        """File of the truth, which only a simulated world has."""
        return self.folder / "raw" / "truth.zarr.zip"


def read_outputs(folder: Path) -> StageOutputs:
    """Read and check what the stages left in a folder.

    Raises
    ------
    InputError
        If a file is absent or can't be read.
    ValidationError
        If a file breaks its schema, or two don't fit together.
    """
    grids = {
        name: load_grid(folder / f"{name}.zarr.zip", RELEASED_GRIDS[name])
        for name in GRIDS
    }
    tables = {
        name: load_table(folder / f"{name}.parquet", RELEASED_TABLES[name])
        for name in TABLES
    }
    validate_together(tables, grids, "the files of the release")
    reports = {
        name: read_report(folder / f"{name}.json", *keys)
        for name, keys in REPORTS.items()
    }
    for _ in read_batches(folder / "observations.parquet"):
        pass  # every part of it can be read
    inputs = read_inputs(folder / "raw" / INPUTS_FILE)
    return StageOutputs(
        folder=folder,
        grids=grids,
        tables=tables,
        cell_scores=load_table(folder / "cell_scores.parquet", CELL_SCORES),
        reports=reports,
        inputs=[record.model_dump(mode="json") for record in inputs],
        predictions=[
            _locate_predictions(folder, split)
            for split in sorted(reports["splits"]["splits"])
        ],
    )


def _locate_predictions(folder: Path, split: str) -> Path:
    path = folder / "predictions" / f"{split}.zarr.zip"
    with open_grid(path, None):
        return path
