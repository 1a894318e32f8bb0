"""What stage `scores` reads: every split as it is scored, with its ladder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pandas as pd
import xarray as xr

from somobench.catalog.split_view import view_split
from somobench.pipelines.stage import load_grid, load_table, open_grid
from somobench.schemas.grids import FEATURES, TARGETS
from somobench.schemas.recipe import Recipe
from somobench.schemas.tables import CELLS, SPLITS
from somobench.scoring.case import ScoringCase, build_case
from somobench.scoring.ladders import Ladder, name_file, open_ladder


class ScoredSplit(NamedTuple):
    """A split as it is scored, and the rungs' predictions on it."""

    case: ScoringCase
    ladder: Ladder


class ScoreInputs(NamedTuple):
    """What the stage reads, checked and in memory; predictions stay on disk."""

    folder: Path
    targets: xr.Dataset
    features: xr.Dataset
    splits: pd.DataFrame
    cells: pd.DataFrame
    moments_from: dict[int, str]

    @property
    def names(self) -> list[str]:
        """Splits in order of their names."""
        return sorted(set(self.splits["split"].astype(str)))

    def scored(self, split: str) -> ScoredSplit:
        """Return a split as it is scored.

        Raises
        ------
        InputError
            If it has no predictions.
        """
        view = view_split(
            split,
            targets=self.targets,
            features=self.features,
            splits=self.splits,
            cells=self.cells,
        )
        case = build_case(view, self.moments_from)
        file = self.folder / "predictions" / name_file(split)
        with open_grid(file, None):  # the ladder checks the rest
            return ScoredSplit(case, open_ladder(file, case))


def read_inputs(recipe: Recipe, folder: Path) -> ScoreInputs:
    """Read and check what the stages before left in a folder.

    Raises
    ------
    ValidationError
        If a file breaks its schema.
    """
    return ScoreInputs(
        folder=folder,
        targets=load_grid(folder / "targets.zarr.zip", TARGETS),
        features=load_grid(folder / "features.zarr.zip", FEATURES),
        splits=load_table(folder / "splits.parquet", SPLITS),
        cells=load_table(folder / "cells.parquet", CELLS),
        moments_from=recipe.target_moments_from,
    )
