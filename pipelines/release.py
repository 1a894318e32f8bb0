"""Stage `release`: pack, validate and describe what the other stages made.

Reads `params.yaml` and the outputs of every stage under `data/`; writes the folder
`data/release/`, whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib import metadata, resources
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from somobench.catalog.archive import open_zarr_zip
from somobench.catalog.atomic import json_text, replacing, write_json, write_text
from somobench.catalog.manifest import describe_file
from somobench.pipelines import release_documents as documents
from somobench.pipelines.validation import (
    failed_promises,
    moments_report,
    truth_report,
)
from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.grids import FEATURES, FORCING, TARGETS
from somobench.schemas.manifest import (
    SCHEMA_VERSION,
    FeatureSetRecord,
    Manifest,
    SourceRecord,
    SplitRecord,
)
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import CELLS, SENSORS, SPLITS
from somobench.schemas.validate import validate_grid, validate_table

GRIDS = {"targets": TARGETS, "forcing": FORCING, "features": FEATURES}
TABLES = {"splits": SPLITS, "cells": CELLS, "stations": SENSORS}
REPORTS = ("ingest", "forcing", "targets", "splits", "features")


def build_release(recipe: Recipe, data: Path, destination: Path) -> Manifest:
    """Write a release folder from the outputs of the stages.

    Parameters
    ----------
    recipe : Recipe
        What was built.
    data : Path
        Folder with the outputs of the stages before this one.
    destination : Path
        The release's folder; replaced only when everything in it is complete.

    Returns
    -------
    Manifest
        As written to `MANIFEST.json`.

    Raises
    ------
    ValidationError
        If a file breaks its schema, or the release one of its promises.
    """
    _validate_files(data)
    reports = {name: _load(data / f"{name}.json") for name in REPORTS}
    with replacing(destination) as folder:
        folder.mkdir()
        for name in _file_names(recipe, data):
            shutil.copyfile(data / name, folder / name)
        write_json(_validation(recipe, data, reports), folder / "validation.json")
        manifest = _manifest(recipe, data, reports, folder)
        write_text(documents.readme(manifest), folder / "README.md")
        write_text(documents.citation(manifest), folder / "CITATION.cff")
        write_json(documents.croissant(manifest), folder / "croissant.json")
        manifest = _manifest(recipe, data, reports, folder)
        write_json(manifest.model_dump(mode="json"), folder / "MANIFEST.json")
    return manifest


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _file_names(recipe: Recipe, data: Path) -> list[str]:
    names = [f"{name}.zarr.zip" for name in GRIDS]
    names += [f"{name}.parquet" for name in TABLES]
    if not recipe.release.redistributable:
        names.remove("stations.parquet")
    return names


def _validate_files(data: Path) -> None:
    for name, schema in GRIDS.items():
        with open_zarr_zip(data / f"{name}.zarr.zip") as grid:
            validate_grid(grid.load(), schema, f"{name}.zarr.zip")
    for name, table_schema in TABLES.items():
        frame = pd.read_parquet(data / f"{name}.parquet")
        validate_table(frame, table_schema, f"{name}.parquet")


def _validation(
    recipe: Recipe, data: Path, reports: dict[str, Any]
) -> dict[str, Any]:
    report: dict[str, Any] = {"release": recipe.release.id, "stages": reports}
    with (
        open_zarr_zip(data / "targets.zarr.zip") as targets,
        open_zarr_zip(data / "forcing.zarr.zip") as forcing,
    ):
        report["scaled_targets_against_reference"] = moments_report(
            targets.load(), forcing.load()
        )
        truth = data / "raw" / "truth.zarr.zip"
        if truth.is_file():
            report["targets_against_truth"] = _against_truth(targets, truth, data)
    failures = [Failure(*failure) for failure in failed_promises(report)]
    if failures:
        raise ValidationError(recipe.release.id, failures)
    return report


def _against_truth(targets: xr.Dataset, truth: Path, data: Path) -> dict[str, Any]:
    with open_zarr_zip(truth) as known:
        return truth_report(
            targets,
            known["soil_moisture_truth"].load(),
            pd.read_parquet(data / "stations.parquet"),
            pd.read_parquet(data / "observations.parquet"),
        )


def _manifest(
    recipe: Recipe, data: Path, reports: dict[str, Any], folder: Path
) -> Manifest:
    release, features = recipe.release, reports["features"]
    layers = _carried_layers(recipe, reports["targets"])
    return Manifest(
        schema_version=SCHEMA_VERSION,
        release=release.id,
        title=release.title,
        description=release.description,
        licence_spdx=release.licence_spdx,
        redistributable=release.redistributable,
        predecessor=release.predecessor,
        period=(recipe.period.start, recipe.period.end),
        grid_resolution=recipe.grid.resolution,
        layers=layers,
        layers_left_out=_layers_left_out(recipe, layers),
        target_moments_from=_moments_from(recipe, layers),
        feature_sets={
            name: FeatureSetRecord.model_validate(record | {"layers": layers})
            for name, record in features["feature_sets"].items()
        },
        feature_sets_refused=features["refused"],
        splits={
            name: SplitRecord.model_validate(record)
            for name, record in reports["splits"]["splits"].items()
        },
        splits_left_out=reports["splits"]["left_out"],
        sources=_sources(recipe, data),
        recipe_sha256=_recipe_sha256(recipe),
        package_version=metadata.version("somobench"),
        pipeline_sha256=pipeline_sha256(),
        files={path.name: describe_file(path) for path in sorted(folder.iterdir())},
    )


def _carried_layers(recipe: Recipe, report: dict[str, Any]) -> tuple[int, ...]:
    numbers = (layer.layer for layer in recipe.layers)
    return tuple(item for item in numbers if report["layers"][str(item)]["cells"])


def _layers_left_out(recipe: Recipe, carried: tuple[int, ...]) -> dict[str, str]:
    return {
        str(layer.layer): f"no usable sensor lies inside {layer.depth_from_cm} to "
        f"{layer.depth_to_cm} cm"
        for layer in recipe.layers
        if layer.layer not in carried
    }


def _moments_from(recipe: Recipe, carried: tuple[int, ...]) -> dict[str, str]:
    scaled = recipe.reference.layers if recipe.reference.source != "none" else ()
    return {
        str(layer): "reanalysis" if layer in scaled else "observations"
        for layer in carried
    }


def _sources(recipe: Recipe, data: Path) -> tuple[SourceRecord, ...]:
    listed = json.loads((data / "raw" / "inputs.json").read_text(encoding="utf-8"))
    fields = SourceRecord.model_fields
    return tuple(
        SourceRecord.model_validate({key: row[key] for key in row if key in fields})
        for row in listed
        if row["role"] != "truth"
    )


def _recipe_sha256(recipe: Recipe) -> str:
    text = json_text(recipe.model_dump(mode="json"))
    return hashlib.sha256(text.encode()).hexdigest()


def pipeline_sha256() -> str:
    """Return one sha256 of all sources that decide what a release holds."""
    digest = hashlib.sha256()
    for package in ("schemas", "catalog", "pipelines"):
        folder = resources.files(f"somobench.{package}")
        modules = [file for file in folder.iterdir() if file.name.endswith(".py")]
        for module in sorted(modules, key=lambda file: file.name):
            digest.update(f"{package}/{module.name}\0".encode())
            digest.update(module.read_bytes())
    return digest.hexdigest()


def main() -> None:
    """Build the release that `params.yaml` describes."""
    build_release(load_recipe(), Path("data"), Path("data/release"))


if __name__ == "__main__":
    main()
