"""The release stage, from stage outputs to a folder that proves itself."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from factories.days import (
    make_cells,
    make_features,
    make_forcing,
    make_observations,
    make_sensors,
    make_splits,
    make_targets,
)
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.catalog.storage.hashing import describe_file, sha256_file
from somobench.pipelines import release as stage
from somobench.pipelines.release import build_release
from somobench.pipelines.release.manifest import pipeline_sha256
from somobench.schemas.errors import ValidationError
from somobench.schemas.manifest import FileRecord, parse_manifest
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.scores import SCORE_TABLES
from somobench.scoring.tables import finish_cell_scores, finish_scores, finish_table

pytestmark = pytest.mark.heavy

INPUT = {
    "role": "stations",
    "source": "ismn",
    "name": "stations",
    "path": "ismn.zip",
    "size": 10,
    "sha256": "0" * 64,
    "generated": True,
    "producer": "SoMoBench",
    "version_producer": None,
    "licence": "CC0-1.0",
    "citation": "None.",
    "url": None,
    "doi": None,
    "date_accessed": None,
}
SPLIT = {
    "definition": {"kind": "temporal"},
    "sha256": "1" * 64,
    "audit": {
        "cells": {"train": 2, "validation": 2, "test": 2},
        "cell_days": {"train": 20, "validation": 20, "test": 20},
        "target_days_by_layer": {"train": [9], "validation": [9], "test": [9]},
        "boundaries": [],
        "distance_km": {"train to test": None},
        "checks": [],
        "findings": [],
    },
}
FEATURE_SET: dict[str, Any] = {
    "variables": ["precipitation"],
    "lags": [0],
    "needs_observations": False,
    "layers": [1, 2, 3],
    "description": "meteorology of the day",
}


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    """Return the virtual recipe under an id whose counts nobody reviewed."""
    found = load_recipe(repository / "conf" / "recipe" / "virtual.yaml")
    release = found.release.model_copy(update={"version": "0.0.1"})
    return found.model_copy(update={"release": release})


def _targets() -> xr.Dataset:
    """Return targets of the factories' sensors: layer 1 alone, not scaled."""
    targets = make_targets()
    cells = targets["cell"].to_numpy()
    for name in ("soil_moisture", "soil_moisture_in_situ", "depth_from", "depth_to"):
        targets[name][1:] = np.nan
    for name in ("scale_slope", "scale_offset"):
        targets[name][1:] = np.nan
    for name in ("observation_count", "station_count", "used_count"):
        targets[name][1:] = 0
    targets["used_count"][:] = 0  # accepted sensors; a primary isn't one
    targets["overlap_days"][:] = 0  # no moments to keep
    for name, first in (
        ("primary_network", ["NET"] * len(cells)),
        ("primary_station", [f"S{cell}" for cell in cells]),
        ("primary_sensor", ["probe"] * len(cells)),
    ):
        rows = np.array([first, [""] * len(cells), [""] * len(cells)])
        targets[name] = (("layer", "cell"), rows)
    return targets


def _scores() -> pd.DataFrame:
    """Return one score of one rung."""
    row = {
        "split": "temporal",
        "model": "climatology",
        "layer": 0,
        "metric": "pearson_r",
        "pool_kind": "plain",
        "pool": "",
        "against": "",
        "value": 0.5,
        "low": 0.4,
        "high": 0.6,
        "cell_count": 2,
        "day_count": 20,
        "note": "",
    }
    return finish_scores([pd.DataFrame([row])])


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a folder with the outputs of every stage before this one."""
    folder = tmp_path / "data"
    write_zarr_zip(_targets(), folder / "targets.zarr.zip")
    write_zarr_zip(make_forcing(), folder / "forcing.zarr.zip")
    write_zarr_zip(make_features(), folder / "features.zarr.zip")
    write_parquet(make_splits(), folder / "splits.parquet")
    write_parquet(make_cells(), folder / "cells.parquet")
    write_parquet(make_sensors(), folder / "stations.parquet")
    write_parquet(make_observations(), folder / "observations.parquet")
    for name in ("ingest", "forcing"):
        write_json({"stage": name}, folder / f"{name}.json")
    counts = {"1": {"cells": 2}, "2": {"cells": 0}, "3": {"cells": 0}}
    write_json({"layers": counts}, folder / "targets.json")
    write_json(
        {"splits": {"temporal": SPLIT}, "left_out": {"spatial": "2 cells"}},
        folder / "splits.json",
    )
    write_json(
        {"feature_sets": {"forcing": FEATURE_SET}, "refused": {"state": "no skin"}},
        folder / "features.json",
    )
    rung = {"available": True}
    lacking = {"available": False, "reason": "no skin temperature"}
    rungs = {"climatology": rung, "ridge_state": lacking}
    write_json({"splits": {"temporal": rungs}}, folder / "baselines.json")
    predicted = make_targets()[["soil_moisture"]]
    write_zarr_zip(predicted, folder / "predictions" / "temporal.zarr.zip")
    write_parquet(_scores(), folder / "scores.parquet")
    write_parquet(finish_cell_scores([]), folder / "cell_scores.parquet")
    write_parquet(
        finish_table([], *SCORE_TABLES["shift_costs"]), folder / "shift_costs.parquet"
    )
    write_json({"splits": {}}, folder / "scores.json")
    write_json([INPUT], folder / "raw" / "inputs.json")
    return folder


def test_release_twice_gives_the_same_bytes(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        build_release(recipe, data, folder, tmp_path / "assets")
    names = [sorted(file.name for file in folder.iterdir()) for folder in folders]
    assert names[0] == names[1]
    for name in names[0]:
        one, two = ((folder / name).read_bytes() for folder in folders)
        assert one == two, name


def test_manifest_covers_every_other_file(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    folder = tmp_path / "release"
    build_release(recipe, data, folder, tmp_path / "assets")
    manifest = parse_manifest((folder / "MANIFEST.json").read_bytes(), "manifest")
    found = {file.name: sha256_file(file) for file in folder.iterdir()}
    del found["MANIFEST.json"]
    assert {name: file.sha256 for name, file in manifest.files.items()} == found
    assert manifest.release == "virtual-0.0.1"
    assert manifest.splits_left_out == {"spatial": "2 cells"}
    assert manifest.feature_sets_refused == {"state": "no skin"}
    assert manifest.rungs == {
        "temporal": {"climatology": "", "ridge_state": "no skin temperature"}
    }


def test_every_file_is_decoded_and_hashed_once(
    data: Path, tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: list[str] = []

    def describe(path: Path) -> FileRecord:
        described.append(path.name)
        return describe_file(path)

    monkeypatch.setattr(stage, "describe_file", describe)
    manifest = build_release(recipe, data, tmp_path / "release", tmp_path / "assets")
    assert sorted(described) == sorted([*manifest.files, *manifest.assets])


def test_networks_behind_the_targets_are_named_and_cited(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    folder = tmp_path / "release"
    manifest = build_release(recipe, data, folder, tmp_path / "assets")
    assert manifest.networks == ("NET",)
    content = yaml.safe_load((folder / "CITATION.cff").read_text("utf-8"))
    titles = [item["title"] for item in content["references"]]
    assert titles == ["SoMoBench", "stations", "Soil-moisture network NET"]


def test_report_tells_of_splits_before_the_ladder(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    build_release(recipe, data, tmp_path / "release", tmp_path / "assets")
    text = (tmp_path / "release" / "report.html").read_text("utf-8")
    assert text.index('<section id="splits">') < text.index('<section id="ladder">')
    assert "<code>spatial</code>: 2 cells" in text


def test_predictions_are_assets_beside_the_release(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    manifest = build_release(recipe, data, tmp_path / "release", tmp_path / "assets")
    name = "predictions_temporal.zarr.zip"
    assert set(manifest.assets) == {"cell_scores.parquet", name}
    assert manifest.assets[name].sha256 == sha256_file(tmp_path / "assets" / name)
    assert name not in manifest.files


def test_manifest_says_whose_moments_targets_have(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    manifest = build_release(recipe, data, tmp_path / "release", tmp_path / "assets")
    assert manifest.target_moments_from == {"1": "reanalysis"}


def test_layer_without_targets_is_left_out_with_the_reason(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    manifest = build_release(recipe, data, tmp_path / "release", tmp_path / "assets")
    assert manifest.layers == (1,)
    assert manifest.layers_left_out == {
        "2": "no usable sensor lies inside 10 to 30 cm",
        "3": "no usable sensor lies inside 30 to 50 cm",
    }
    assert manifest.feature_sets["forcing"].layers == (1,)


def test_stations_stay_out_where_the_licence_forbids(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    closed = recipe.release.model_copy(update={"redistributable": False})
    folder = tmp_path / "release"
    build_release(
        recipe.model_copy(update={"release": closed}), data, folder, tmp_path / "assets"
    )
    assert not (folder / "stations.parquet").exists()
    assert (folder / "cells.parquet").exists()


def test_file_that_breaks_its_schema_stops_the_release(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    forcing = make_forcing()
    forcing["precipitation"][0, 0] = -1
    write_zarr_zip(forcing, data / "forcing.zarr.zip")
    with pytest.raises(ValidationError, match=r"forcing.zarr.zip: 1 failed"):
        build_release(recipe, data, tmp_path / "release", tmp_path / "assets")
    assert not (tmp_path / "release").exists()


def test_targets_off_their_reference_stop_the_release(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    targets = _targets()
    targets["overlap_days"][0] = 9  # claims a match that the values do not keep
    write_zarr_zip(targets, data / "targets.zarr.zip")
    with pytest.raises(ValidationError, match="largest_mean_difference"):
        build_release(recipe, data, tmp_path / "release", tmp_path / "assets")
    assert not (tmp_path / "release").exists()


def test_documents_parse_and_name_the_release(
    data: Path, tmp_path: Path, recipe: Recipe
) -> None:
    folder = tmp_path / "release"
    build_release(recipe, data, folder, tmp_path / "assets")
    assert (
        json.loads((folder / "croissant.json").read_text())["name"] == "virtual-0.0.1"
    )
    citation = yaml.safe_load((folder / "CITATION.cff").read_text())
    assert citation["version"] == "virtual-0.0.1"
    readme = (folder / "README.md").read_text()
    assert "not carried: `spatial`: 2 cells" in readme
    assert "not observations" in readme


def test_pipeline_digest_is_a_sha256_that_stays() -> None:
    assert pipeline_sha256() == pipeline_sha256()
    assert re.fullmatch(r"[0-9a-f]{64}", pipeline_sha256())
