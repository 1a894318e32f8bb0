"""Stage `release`: pack, validate and describe what the other stages made.

Reads `params.yaml` and the outputs of every stage under `data/`; writes the folder
`data/release/`, whole or not at all.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from somobench.catalog.storage.atomic import replace_file, write_json, write_text
from somobench.catalog.storage.hashing import describe_file
from somobench.pages.frame import Section
from somobench.pipelines.release import documents as documents
from somobench.pipelines.release.manifest import describe_release, describe_rungs
from somobench.pipelines.release.outputs import (
    GRIDS,
    TABLES,
    StageOutputs,
    read_outputs,
)
from somobench.pipelines.release.promises import (
    compare_moments,
    list_failed_promises,
    score_against_truth,
)
from somobench.pipelines.release.report import build_report
from somobench.pipelines.release.report.ladder import make_ladder_sections
from somobench.pipelines.release.report.ladder_details import CellTables
from somobench.pipelines.release.report.numbers import figure_numbers
from somobench.pipelines.release.report.shifts import make_shift_sections
from somobench.pipelines.release.report.splits import make_split_sections
from somobench.pipelines.stage import load_table, open_grid
from somobench.schemas.errors import Failure, ValidationError
from somobench.schemas.manifest import FileRecord, Manifest
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import OBSERVATIONS

DATA = Path("data")


def main() -> None:
    """Build the release that `params.yaml` describes."""
    build_release(load_recipe(), DATA, DATA / "release", DATA / "assets")


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
    InputError
        If an output of a stage is absent or can't be read.
    ValidationError
        If a file breaks its schema, or the release one of its promises.
    """
    outputs = read_outputs(data)
    validation = _validate_promises(recipe, outputs)
    with replace_file(assets) as folder:
        folder.mkdir()
        shutil.copyfile(data / "cell_scores.parquet", folder / "cell_scores.parquet")
        for predictions in outputs.predictions:
            shutil.copyfile(predictions, folder / f"predictions_{predictions.name}")
    with replace_file(destination) as folder:
        folder.mkdir()
        for name in _list_file_names(recipe):
            shutil.copyfile(data / name, folder / name)
        write_json(validation, folder / "validation.json")
        report = build_report(
            recipe, validation, outputs.inputs, _make_score_sections(outputs)
        )
        write_text(report, folder / "report.html")
        packed = _describe_files(folder.iterdir())
        manifest = describe_release(
            recipe, outputs, packed, _describe_files(assets.iterdir())
        )
        days = outputs.grids["forcing"].attrs.get("day_definition", "UTC")
        _write_documents(manifest, folder, days)
        texts = _describe_files(
            path for path in folder.iterdir() if path.name not in packed
        )
        files = dict(sorted((packed | texts).items()))
        manifest = manifest.model_copy(update={"files": files})
        content = manifest.model_dump(mode="json")
        if not manifest.credits:
            del content["credits"]  # as releases before this field were written
        write_json(content, folder / "MANIFEST.json")
    return manifest


def _describe_files(paths: Iterable[Path]) -> dict[str, FileRecord]:
    return {path.name: describe_file(path) for path in sorted(paths)}


def _write_documents(manifest: Manifest, folder: Path, days: str) -> None:
    write_text(documents.readme(manifest, days), folder / "README.md")
    write_text(documents.citation(manifest), folder / "CITATION.cff")
    write_json(documents.croissant(manifest), folder / "croissant.json")


def _list_file_names(recipe: Recipe) -> list[str]:
    names = [f"{name}.zarr.zip" for name in GRIDS]
    names += [f"{name}.parquet" for name in TABLES]
    if not recipe.release.redistributable:
        names.remove("stations.parquet")
    return names


def _make_score_sections(outputs: StageOutputs) -> list[Section]:
    scores, costs = (outputs.tables[name] for name in ("scores", "shift_costs"))
    reports = outputs.reports
    tables = CellTables(outputs.cell_scores, outputs.tables["cells"])
    rungs = describe_rungs(reports["baselines"])
    return [
        *make_split_sections(reports["splits"]),
        *make_ladder_sections(scores, reports["scores"], rungs, tables),
        *make_shift_sections(costs),
    ]


def _validate_promises(recipe: Recipe, outputs: StageOutputs) -> dict[str, Any]:
    targets, reports = outputs.grids["targets"], outputs.reports
    stages = {name: reports[name] for name in reports if name != "scores"}
    report: dict[str, Any] = {"release": recipe.release.id, "stages": stages}
    report["scaled_targets_against_reference"] = compare_moments(
        targets, outputs.grids["forcing"]
    )
    if outputs.truth.is_file():
        report["targets_against_truth"] = _compare_with_truth(outputs)
    report["report"] = figure_numbers(recipe, outputs.folder, reports)
    failures = [Failure(*failure) for failure in list_failed_promises(report)]
    if failures:
        raise ValidationError(recipe.release.id, failures)
    return report


def _compare_with_truth(outputs: StageOutputs) -> dict[str, Any]:
    observations = load_table(outputs.folder / "observations.parquet", OBSERVATIONS)
    with open_grid(outputs.truth, None) as known:
        return score_against_truth(
            outputs.grids["targets"],
            known["soil_moisture_truth"].load(),
            outputs.tables["stations"],
            observations,
        )
