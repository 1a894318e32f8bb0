"""Stage `splits`: targets to splits.parquet and splits.json.

Reads targets.zarr.zip, cells.parquet and stations.parquet.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.archive import open_zarr_zip
from somobench.catalog.atomic import write_json, write_parquet
from somobench.catalog.view import role_view
from somobench.schemas.errors import Failure, InputError, ValidationError
from somobench.schemas.grids import TARGETS
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import CELLS, SENSORS, SPLITS
from somobench.schemas.validate import validate_grid, validate_table
from somobench.schemas.variables import ROLES
from somobench.split_audit import audit_split
from somobench.splits import (
    Assignment,
    LeftOut,
    build_splits,
    definition_of,
    split_sha256,
    split_table,
)

DATA = Path("data")


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_splits(load_recipe(), DATA)


def write_splits(recipe: Recipe, folder: Path) -> None:
    """Write splits.parquet and splits.json for the targets in a folder.

    Raises
    ------
    InputError
        If a cell with a target is absent from cells.parquet.
    ValidationError
        If an input or the result breaks its schema, or the audit finds a day in two
        roles or a role without a target.
    """
    cells = _table(folder / "cells.parquet", CELLS)
    stations = _table(folder / "stations.parquet", SENSORS)
    with open_zarr_zip(folder / "targets.zarr.zip") as targets:
        validate_grid(targets, TARGETS, "targets.zarr.zip")
        available = xr.apply_ufunc(np.isfinite, targets["soil_moisture"].load())
    table, report = splits_of(available, cells, stations, recipe)
    validate_table(table, SPLITS, "splits.parquet")
    write_parquet(table, folder / "splits.parquet")
    write_json(report, folder / "splits.json")


def splits_of(
    available: xr.DataArray, cells: pd.DataFrame, stations: pd.DataFrame, recipe: Recipe
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Build, hash and audit every split of a recipe.

    Parameters
    ----------
    available : DataArray, (layer, cell, time), bool
        Where a target exists.
    cells : DataFrame of schema CELLS
    stations : DataFrame of schema SENSORS
    recipe : Recipe

    Returns
    -------
    tuple of DataFrame and dict
        Rows of schema SPLITS; definition, hash and audit of each split, and why any
        was left out.
    """
    positions = _cells_with_targets(cells, available)
    outcomes = build_splits(
        recipe.splits,
        positions,
        pd.DatetimeIndex(available["time"].to_numpy()),
        available.to_numpy(),
    )
    carried = {
        name: item for name, item in outcomes.items() if isinstance(item, Assignment)
    }
    table = split_table(carried)
    used = stations[stations["layer"] > 0]
    splits: dict[str, Any] = {}
    for name, assignment in carried.items():
        rows = table[table["split"] == name]
        days = _target_days(available, rows, name)
        audit = audit_split(rows, positions, used, days, recipe.features.lags)
        _check_audit(name, audit)
        splits[name] = {
            "definition": definition_of(name, getattr(recipe.splits, name), assignment),
            "sha256": split_sha256(rows),
            "audit": audit,
        }
    left_out = {
        name: item.reason
        for name, item in outcomes.items()
        if isinstance(item, LeftOut)
    }
    return table, {"splits": splits, "left_out": left_out}


def _cells_with_targets(cells: pd.DataFrame, available: xr.DataArray) -> pd.DataFrame:
    names = available["cell"].to_numpy().astype(str)
    table = cells.set_index(cells["cell_id"].astype(str))
    missing = sorted(set(names) - set(table.index))
    if missing:
        raise InputError(
            "cells.parquet",
            found=f"no cell {', '.join(missing[:5])} ({len(missing)} missing)",
            expected="every cell of targets.zarr.zip",
            hint="run the stage forcing again",
        )
    return table.loc[names].reset_index(drop=True)


def _target_days(
    available: xr.DataArray, rows: pd.DataFrame, name: str
) -> dict[str, Any]:
    """Count the days with a target by role and layer."""
    roles = role_view(rows, available.to_dataset(name="available"), name).to_numpy()
    has_target = available.transpose("layer", "cell", "time").to_numpy()
    return {
        role: (has_target & (roles == code)).sum(axis=(1, 2))
        for code, role in enumerate(ROLES, 1)
    }


def _check_audit(name: str, audit: dict[str, Any]) -> None:
    failures = [
        Failure(f"split {name}", f"{audit[key]} {key}", expected)
        for key, expected in (("days_in_two_roles", "0"), ("empty_roles", "none"))
        if audit[key]
    ]
    if failures:
        raise ValidationError("splits.parquet", failures)


def _table(path: Path, schema: Any) -> pd.DataFrame:
    return validate_table(pd.read_parquet(path), schema, path.name)


if __name__ == "__main__":
    main()
