"""Stage `release`: pack, validate and describe what the other stages made.

Reads `params.yaml` and the outputs of every stage under `data/`; writes the folder
`data/release/`, whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd
import xarray as xr

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.storage.atomic import (
    json_text,
    replacing,
    write_json,
    write_text,
)
from somobench.catalog.storage.hashing import describe_file, sources_sha256
from somobench.pages.frame import Section
from somobench.pipelines.release import documents as documents
from somobench.pipelines.release.promises import (
    failed_promises,
    moments_report,
    truth_report,
)
from somobench.pipelines.release.report import build_report
from somobench.pipelines.release.report.ladder import make_ladder_sections
from somobench.pipelines.release.report.ladder_details import CellTables
from somobench.pipelines.release.report.numbers import figure_numbers
from somobench.pipelines.release.report.shifts import make_shift_sections
from somobench.pipelines.release.report.splits import make_split_sections
from somobench.schemas.checks.release import validate_together
from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.manifest import (
    SCHEMA_VERSION,
    FeatureSetRecord,
    Manifest,
    SourceRecord,
    SplitRecord,
)
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.released import RELEASED_GRIDS, RELEASED_TABLES, validate_counts
from somobench.schemas.validate import validate_grid, validate_table

GRIDS = ("targets", "forcing", "features")
TABLES = ("splits", "cells", "stations", "scores", "shift_costs")
REPORTS = ("ingest", "forcing", "targets", "splits", "features", "baselines", "scores")


def build_release(
    recipe: Recipe, data: Path, destination: Path, assets: Path
) -> Manifest:
    """Write a release folder, and its assets, from the outputs of the stages.

    Parameters
    ----------
    recipe : Recipe
        What was built.
    data : Path
        Folder with the outputs of the stages before this one.
    destination : Path
        The release's folder; replaced only when everything in it is complete.
    assets : Path
        Folder for large files that belong to the release and aren't shipped with it:
        the predictions of the ladder's rungs, test days only, and their scores
        cell by cell.

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
    with replacing(assets) as folder:
        folder.mkdir()
        shutil.copyfile(data / "cell_scores.parquet", folder / "cell_scores.parquet")
        for predictions in sorted((data / "predictions").iterdir()):
            shutil.copyfile(predictions, folder / f"predictions_{predictions.name}")
    with replacing(destination) as folder:
        folder.mkdir()
        for name in _file_names(recipe):
            shutil.copyfile(data / name, folder / name)
        validation = _validation(recipe, data, reports)
        write_json(validation, folder / "validation.json")
        scored = _scored(data, reports)
        report = build_report(recipe, validation, _inputs(data), scored)
        write_text(report, folder / "report.html")
        _write_documents(_manifest(recipe, data, reports, folder, assets), folder)
        manifest = _manifest(recipe, data, reports, folder, assets)
        validate_counts(manifest)
        write_json(manifest.model_dump(mode="json"), folder / "MANIFEST.json")
    return manifest


def _write_documents(manifest: Manifest, folder: Path) -> None:
    write_text(documents.readme(manifest), folder / "README.md")
    write_text(documents.citation(manifest), folder / "CITATION.cff")
    write_json(documents.croissant(manifest), folder / "croissant.json")


def _scored(data: Path, reports: dict[str, Any]) -> list[Section]:
    scores = pd.read_parquet(data / "scores.parquet")
    costs = pd.read_parquet(data / "shift_costs.parquet")
    rungs = _rungs(reports["baselines"])
    tables = CellTables(
        pd.read_parquet(data / "cell_scores.parquet"),
        pd.read_parquet(data / "cells.parquet"),
    )
    return [
        *make_split_sections(reports["splits"]),
        *make_ladder_sections(scores, reports["scores"], rungs, tables),
        *make_shift_sections(costs),
    ]


def _inputs(data: Path) -> list[dict[str, Any]]:
    text = (data / "raw" / "inputs.json").read_text(encoding="utf-8")
    listed: list[dict[str, Any]] = json.loads(text)
    return listed


def _load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _file_names(recipe: Recipe) -> list[str]:
    names = [f"{name}.zarr.zip" for name in GRIDS]
    names += [f"{name}.parquet" for name in TABLES]
    if not recipe.release.redistributable:
        names.remove("stations.parquet")
    return names


def _validate_files(data: Path) -> None:
    grids: dict[str, xr.Dataset] = {}
    for name in GRIDS:
        with open_zarr_zip(data / f"{name}.zarr.zip") as grid:
            file = f"{name}.zarr.zip"
            grids[name] = validate_grid(grid.load(), RELEASED_GRIDS[name], file)
    tables = {
        name: validate_table(
            pd.read_parquet(data / f"{name}.parquet"),
            RELEASED_TABLES[name],
            f"{name}.parquet",
        )
        for name in TABLES
    }
    validate_together(tables, grids, "the files of the release")


def _validation(recipe: Recipe, data: Path, reports: dict[str, Any]) -> dict[str, Any]:
    stages = {name: reports[name] for name in REPORTS if name != "scores"}
    report: dict[str, Any] = {"release": recipe.release.id, "stages": stages}
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
    report["report"] = figure_numbers(recipe, data, reports)
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
    recipe: Recipe, data: Path, reports: dict[str, Any], folder: Path, assets: Path
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
        target_moments_from={
            str(layer): recipe.target_moments_from[layer] for layer in layers
        },
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
        sources=_sources(data),
        recipe_sha256=_recipe_sha256(recipe),
        package_version=metadata.version("somobench"),
        pipeline_sha256=pipeline_sha256(),
        rungs=_rungs(reports["baselines"]),
        files={path.name: describe_file(path) for path in sorted(folder.iterdir())},
        assets={path.name: describe_file(path) for path in sorted(assets.iterdir())},
    )


def _rungs(report: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Say of every rung why the release lacks it on a split; empty where it doesn't."""
    return {
        split: {name: rung.get("reason", "") for name, rung in rungs.items()}
        for split, rungs in report["splits"].items()
    }


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


def _sources(data: Path) -> tuple[SourceRecord, ...]:
    fields = SourceRecord.model_fields
    return tuple(
        SourceRecord.model_validate({key: row[key] for key in row if key in fields})
        for row in _inputs(data)
        if row["role"] != "truth"
    )


def _recipe_sha256(recipe: Recipe) -> str:
    text = json_text(recipe.model_dump(mode="json"))
    return hashlib.sha256(text.encode()).hexdigest()


def pipeline_sha256() -> str:
    """Return one sha256 of the sources of all stages and schemas."""
    names = ("schemas", "pipelines")
    return sources_sha256({f"somobench.{name}": name for name in names})


def main() -> None:
    """Build the release that `params.yaml` describes."""
    data = Path("data")
    build_release(load_recipe(), data, data / "release", data / "assets")
