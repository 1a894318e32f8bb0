"""Stage `splits`: targets to splits.parquet and splits.json.

Reads targets.zarr.zip, targets.json, cells.parquet, stations.parquet and
forcing.zarr.zip.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.pipelines.splits.inputs import read_split_data
from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import SPLITS
from somobench.schemas.validate import validate_table
from somobench.splits import (
    Assignment,
    LeftOut,
    SplitData,
    build_splits,
    definition_of,
    split_sha256,
    split_table,
)
from somobench.splits.audit import SplitAudit, audit_split

DATA = Path("data")


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_splits(load_recipe(), DATA)


def write_splits(recipe: Recipe, folder: Path) -> None:
    """Write splits.parquet and splits.json for the targets in a folder.

    Raises
    ------
    InputError
        If a cell with a target is absent from cells.parquet or the forcing, or a sensor
        behind a target from stations.parquet.
    ValidationError
        If an input or the result breaks its schema, or the audit of a split fails.
    """
    table, report = build_recipe_splits(read_split_data(recipe, folder), recipe)
    validate_table(table, SPLITS, "splits.parquet")
    write_parquet(table, folder / "splits.parquet")
    write_json(report, folder / "splits.json")


def build_recipe_splits(
    data: SplitData, recipe: Recipe
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Build, hash and audit every split of a recipe.

    Parameters
    ----------
    data : SplitData
        Of the cells with a target.
    recipe : Recipe

    Returns
    -------
    tuple of DataFrame and dict
        Rows of schema SPLITS; definition, hash and audit of each split, and why any
        was left out.

    Raises
    ------
    ValidationError
        With every failure of every split's audit.
    """
    outcomes = build_splits(recipe.splits, data)
    carried = {
        name: item for name, item in outcomes.items() if isinstance(item, Assignment)
    }
    table = split_table(carried)
    audits, splits = {}, {}
    for name, assignment in carried.items():
        rows = table[table["split"] == name]
        params = getattr(recipe.splits, name)
        definition = definition_of(name, params, assignment)
        audits[name] = audit_split(rows, data, definition)
        splits[name] = {
            "definition": definition,
            "sha256": split_sha256(rows),
            "audit": audits[name].content(),
        }
    _refuse_failures(audits)
    left_out = {
        name: item.reason
        for name, item in outcomes.items()
        if isinstance(item, LeftOut)
    }
    return table, {"splits": splits, "left_out": left_out}


def _refuse_failures(audits: Mapping[str, SplitAudit]) -> None:
    failures = [
        Failure(f"split {name}", f"{item.number} {item.check}: {item.found}", "none")
        for name, audit in audits.items()
        for item in audit.failures
    ]
    if failures:
        raise ValidationError("splits.parquet", failures)
