"""Stage `baselines`: what every rung of the ladder predicts on every split.

Reads targets, forcing, features, splits and cells; writes a file a split under
predictions/ and baselines.json.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.split_view import view_split
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import replace_file, write_json
from somobench.catalog.storage.processors import count_cores
from somobench.ladder.climb import Outcomes, climb, join_predictions
from somobench.ladder.fit import NotAvailable
from somobench.ladder.problem import Problem, build_problem
from somobench.ladder.rungs import RUNGS, Prediction, Rung
from somobench.parallel import map_items
from somobench.pipelines.stage import (
    load_grid,
    load_table,
    read_report,
    run_stage,
)
from somobench.schemas.grids import FEATURES, FORCING, PREDICTIONS, TARGETS
from somobench.schemas.manifest import FeatureSetRecord
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import CELLS, SPLITS
from somobench.schemas.validate import validate_grid

DATA = Path("data")
LEFT_OUT = ("soil_moisture", "observation_count")
"""Series of the targets that no rung reads."""


class Inputs(NamedTuple):
    """What the stage reads, checked and in memory."""

    targets: xr.Dataset
    forcing: xr.Dataset
    features: xr.Dataset
    splits: pd.DataFrame
    cells: pd.DataFrame
    definitions: dict[str, Any]


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_baselines(load_recipe(), DATA, processes=count_cores())


def write_baselines(recipe: Recipe, folder: Path, *, processes: int = 1) -> None:
    """Write predictions/<split>.zarr.zip and baselines.json for a folder.

    The result doesn't depend on the number of processes.

    Raises
    ------
    IntegrityError
        If a cell or day of the targets has no forcing or features.
    UsageError
        If scikit-learn isn't installed.
    ValidationError
        If an input or a result breaks its schema.
    """
    splits = load_table(folder / "splits.parquet", SPLITS)["split"].astype(str)
    names = sorted(set(splits))
    with replace_file(folder / "predictions") as unfinished:
        unfinished.mkdir()
        work = partial(predict_split, recipe=recipe, folder=unfinished)
        outcomes = map_items(work, names, partial(read_inputs, folder), processes)
    described = dict(zip(names, outcomes, strict=True))
    report = {"ladder": describe_ladder(), "splits": described}
    write_json(report, folder / "baselines.json")


def predict_split(
    inputs: Inputs, split: str, *, recipe: Recipe, folder: Path
) -> dict[str, Any]:
    """Write what every rung predicts on a split, and describe what came of each."""
    problem = build_split_problem(split, inputs, recipe)
    outcomes = climb(problem)
    grid = join_predictions(outcomes, problem, inputs.targets)
    validate_grid(grid, PREDICTIONS, f"predictions of split {split}")
    write_zarr_zip(grid, folder / f"{split}.zarr.zip", {"rung": 1})
    return describe_outcomes(outcomes)


def read_inputs(folder: Path) -> Inputs:
    """Read and check what the stage needs."""
    return Inputs(
        targets=load_grid(folder / "targets.zarr.zip", TARGETS).drop_vars(LEFT_OUT),
        forcing=load_grid(folder / "forcing.zarr.zip", FORCING),
        features=load_grid(folder / "features.zarr.zip", FEATURES),
        splits=load_table(folder / "splits.parquet", SPLITS),
        cells=load_table(folder / "cells.parquet", CELLS),
        definitions=read_report(folder / "features.json", "feature_sets", "refused"),
    )


def build_split_problem(split: str, inputs: Inputs, recipe: Recipe) -> Problem:
    """Return the problem of one split."""
    sets = inputs.definitions["feature_sets"]
    view = view_split(
        split,
        targets=inputs.targets,
        features=inputs.features,
        splits=inputs.splits,
        cells=inputs.cells,
    )
    return build_problem(
        view,
        forcing=inputs.forcing,
        feature_sets={
            name: FeatureSetRecord.model_validate(sets[name]) for name in sets
        },
        refused=inputs.definitions["refused"],
        latent_heat=recipe.forcing.latent_heat,
        params=recipe.baselines,
    )


def describe_ladder() -> list[dict[str, Any]]:
    """Describe every rung, lowest first."""
    return [_describe_rung(rung) for rung in RUNGS.values()]


def _describe_rung(rung: Rung) -> dict[str, Any]:
    return {
        "name": rung.name,
        "title": rung.title,
        "description": rung.description,
        "needs": [list(group) for group in rung.needs],
        "feature_set": rung.feature_set,
        "needs_observations": rung.needs_observations,
        "reference": rung.reference,
    }


def describe_outcomes(outcomes: Outcomes) -> dict[str, Any]:
    """Say of each rung whether it is available, what was chosen, and how it fitted."""
    return {
        name: {
            "available": isinstance(outcome, Prediction),
            "needs_observations": RUNGS[name].needs_observations,
            **_describe_outcome(outcome),
        }
        for name, outcome in outcomes.items()
    }


def _describe_outcome(outcome: Prediction | NotAvailable) -> dict[str, Any]:
    if isinstance(outcome, NotAvailable):
        return {"reason": outcome.reason}
    return {
        "predicted_values": int(np.isfinite(outcome.values).sum()),
        "hyper_parameters": outcome.chosen,
        "fit": outcome.summary,
    }


if __name__ == "__main__":
    run_stage(main)
