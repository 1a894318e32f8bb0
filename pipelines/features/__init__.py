"""Stage `features`: statistics of every split and the definitions of feature sets.

Reads targets.zarr.zip, forcing.zarr.zip and splits.parquet, and for the audit
observations.parquet, stations.parquet and targets.json; writes features.zarr.zip and
features.json.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_json
from somobench.catalog.view import align_to_targets, view_roles
from somobench.pipelines.features.sets import define_feature_sets
from somobench.pipelines.features.statistics import derive_features
from somobench.pipelines.features.train_targets import (
    TargetInputs,
    add_measured,
    read_target_inputs,
    rebuild_train_targets,
)
from somobench.pipelines.stage import hold_grid, load_table
from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.grids import FEATURES, FORCING, TARGETS, list_complete
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import SPLITS
from somobench.schemas.validate import validate_grid
from somobench.schemas.variables import TRAIN
from somobench.splits.audit import Finding
from somobench.splits.feature_audit import audit_features, audit_train_targets

DATA = Path("data")
CLIMATOLOGY_NOTE = (
    "Climatologies are those of targets scaled by the split's own train-day factors, "
    "since full-record factors know test days. In-situ units: (climatology - "
    "scale_offset) / scale_slope with the factors stored beside it."
)


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_features(load_recipe(), DATA)


def write_features(recipe: Recipe, folder: Path) -> None:
    """Write features.zarr.zip and features.json for the splits in a folder.

    Raises
    ------
    InputError
        If inputs are absent, can't be read or don't fit together.
    IntegrityError
        If a cell or day of the targets has no forcing.
    ValidationError
        If an input or the result breaks its schema, or the result knows more than
        the train days of its split.
    """
    splits = load_table(folder / "splits.parquet", SPLITS)
    with (
        hold_grid(folder / "targets.zarr.zip", TARGETS) as stored,
        hold_grid(folder / "forcing.zarr.zip", FORCING) as weather,
    ):
        forcing = align_to_targets(weather, stored, "forcing")
        inputs = read_target_inputs(recipe, folder, stored, forcing)
        targets = add_measured(stored, inputs)
        features = build_features(targets, forcing, splits, recipe)
        audit = audit_split_features(features, targets, forcing, splits, inputs)
        definitions = define_feature_sets(
            list_complete(forcing),
            list_layers_with_targets(targets),
            recipe.features.lags,
        )
    refuse_failures(audit)
    validate_grid(features, FEATURES, "features.zarr.zip")
    write_zarr_zip(features, folder / "features.zarr.zip")
    published = {
        split: [finding._asdict() for finding in findings]
        for split, findings in audit.items()
    }
    write_json({**definitions, "audit": published}, folder / "features.json")


def audit_split_features(
    features: xr.Dataset,
    targets: xr.Dataset,
    forcing: xr.Dataset,
    splits: pd.DataFrame,
    inputs: TargetInputs,
) -> dict[str, list[Finding]]:
    """Look for other days in the features and the train targets of every split.

    Parameters
    ----------
    features : Dataset of schema FEATURES
    targets : Dataset of schema TARGETS
    forcing : Dataset of schema FORCING
        On the cells and days of `targets`.
    splits : DataFrame of schema SPLITS
    inputs : TargetInputs
        What the targets were built from.

    Returns
    -------
    dict
        Findings by split; see `audit_features` and `audit_train_targets`.
    """
    cells = targets["cell"].to_numpy().astype(str).tolist()
    in_features = audit_features(
        features,
        targets,
        forcing,
        splits,
        lambda part, weather, mask: derive_features(part, weather, mask, inputs.recipe),
    )
    in_targets = audit_train_targets(
        features,
        targets,
        splits,
        partial(rebuild_train_targets, inputs, cells),
    )
    return {split: in_targets[split] + in_features[split] for split in in_features}


def refuse_failures(audit: Mapping[str, list[Finding]]) -> None:
    """Refuse splits whose train side knows a validation or test day.

    Raises
    ------
    ValidationError
        With every failure of every split.
    """
    failures = [
        Failure(
            f"split {split}",
            f"{finding.check}: {finding.found}",
            "what train days alone give",
        )
        for split, findings in audit.items()
        for finding in findings
        if finding.severity == "failure"
    ]
    if failures:
        raise ValidationError("features.zarr.zip", failures)


def build_features(
    targets: xr.Dataset, forcing: xr.Dataset, splits: pd.DataFrame, recipe: Recipe
) -> xr.Dataset:
    """Derive the features of every split from its train cells and days.

    Parameters
    ----------
    targets : Dataset of schema TARGETS
    forcing : Dataset of schema FORCING
        At least the cells and days of `targets`.
    splits : DataFrame of schema SPLITS
    recipe : Recipe

    Returns
    -------
    Dataset of schema FEATURES
        With a dimension `split` of length 0 if `splits` is empty.
    """
    names = sorted(set(splits["split"].astype(str)))
    forcing = align_to_targets(forcing, targets, "forcing")
    masks = [view_roles(splits, targets, name).to_numpy() == TRAIN for name in names]
    every_day = np.ones((targets.sizes["cell"], targets.sizes["time"]), dtype=bool)
    parts = [
        derive_features(targets, forcing, mask, recipe) for mask in masks or [every_day]
    ]
    split = xr.DataArray(np.array(names or ["none"]), dims="split", name="split")
    joined = xr.concat(parts, dim=split, coords="minimal", compat="override")
    joined = joined.isel(split=slice(len(names)))
    kept = {"reference", "reference_by_layer"}
    attrs = {name: text for name, text in targets.attrs.items() if name in kept}
    return joined.assign_attrs(attrs | {"comment": CLIMATOLOGY_NOTE})


def list_layers_with_targets(targets: xr.Dataset) -> list[int]:
    """List the layers that have a target in at least one cell."""
    present = np.isfinite(targets["scale_slope"].to_numpy()).any(axis=1)
    return [int(layer) for layer in targets["layer"].to_numpy()[present]]
