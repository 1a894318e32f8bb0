"""The stage `baselines`: files in, files out, the same bytes each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.problems import NAMES, make_inputs, make_problem, make_recipe
from factories.two_layers import LENGTH
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.ladder.rungs import RUNGS
from somobench.pipelines.baselines import Inputs, describe_ladder, write_baselines
from somobench.schemas.errors import ValidationError
from somobench.schemas.grids import PREDICTIONS
from somobench.schemas.validate import validate_grid

pytestmark = pytest.mark.heavy


def write_inputs(inputs: Inputs, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("targets", "forcing", "features"):
        write_zarr_zip(getattr(inputs, name), folder / f"{name}.zarr.zip")
    for name in ("splits", "cells"):
        texts = {
            column: "str"
            for column in getattr(inputs, name)
            if column in {"split", "cell_id", "role", "region", "regime"}
        }
        write_parquet(getattr(inputs, name).astype(texts), folder / f"{name}.parquet")
    write_json(inputs.definitions, folder / "features.json")
    return folder


@pytest.fixture
def folder(tmp_path: Path, rng: np.random.Generator) -> Path:
    return write_inputs(make_inputs(rng, make_recipe()), tmp_path / "data")


def output_bytes(folder: Path) -> dict[str, bytes]:
    names = [
        "baselines.json",
        *(f"predictions/{s}.zarr.zip" for s in ("temporal", "spatial")),
    ]
    return {name: (folder / name).read_bytes() for name in names}


def test_result_does_not_depend_on_the_number_of_processes(folder: Path) -> None:
    write_baselines(make_recipe(), folder, processes=1)
    alone = output_bytes(folder)
    write_baselines(make_recipe(), folder, processes=2)
    assert output_bytes(folder) == alone


def test_stage_writes_the_same_bytes_twice_and_drops_what_no_split_explains(
    folder: Path,
) -> None:
    write_baselines(make_recipe(), folder)
    first = output_bytes(folder)
    (folder / "predictions/forgotten.zarr.zip").write_bytes(b"of another recipe")
    write_baselines(make_recipe(), folder)
    assert output_bytes(folder) == first
    assert {path.name for path in (folder / "predictions").iterdir()} == {
        "spatial.zarr.zip",
        "temporal.zarr.zip",
    }


def test_predictions_hold_test_cells_and_days_of_every_available_rung(
    folder: Path, rng: np.random.Generator
) -> None:
    write_baselines(make_recipe(), folder)
    with open_zarr_zip(folder / "predictions/temporal.zarr.zip") as grid:
        temporal = validate_grid(grid.load(), PREDICTIONS, "predictions")
    with open_zarr_zip(folder / "predictions/spatial.zarr.zip") as grid:
        spatial = validate_grid(grid.load(), PREDICTIONS, "predictions")
    # 600 train and 100 validation days of 900.
    assert temporal["soil_moisture"].shape == (len(RUNGS), 2, len(NAMES), 200)
    assert spatial["soil_moisture"].shape == (len(RUNGS), 2, 1, LENGTH)
    assert spatial["cell"].to_numpy().tolist() == [NAMES[1]]
    assert temporal["rung"].to_numpy().tolist() == list(RUNGS)
    marked = temporal["rung"].to_numpy()[temporal["needs_observations"] == 1]
    assert marked.tolist() == ["persistence", "ridge_state"]
    assert temporal.attrs == {"split": "temporal"}
    # The last cell has no target in layer 2.
    absent = temporal["soil_moisture"].isel(layer=1, cell=-1)
    assert not np.isfinite(absent).any()
    unmarked = temporal["soil_moisture"][temporal["needs_observations"].to_numpy() == 0]
    expected = make_problem(rng).test[..., -200:]
    assert (np.isfinite(unmarked.to_numpy()) == expected).all()


def test_report_says_of_each_rung_what_was_chosen_and_why_one_is_not_available(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    inputs = make_inputs(rng, make_recipe(), without=("skin_temperature",))
    folder = write_inputs(inputs, tmp_path / "data")
    write_baselines(make_recipe(), folder)
    report = json.loads((folder / "baselines.json").read_text("utf-8"))
    assert [rung["name"] for rung in report["ladder"]] == list(RUNGS)
    temporal = report["splits"]["temporal"]
    assert set(temporal) == set(RUNGS)
    assert temporal["ridge_state"] == {
        "available": False,
        "needs_observations": True,
        "reason": "feature set state: the forcing has no skin_temperature",
    }
    assert temporal["ridge_memory"]["hyper_parameters"]["layer1"]["penalty"] > 0
    assert temporal["ridge_memory"]["fit"]["layer2"]["train_values"] > 0
    with open_zarr_zip(folder / "predictions/temporal.zarr.zip") as grid:
        assert "ridge_state" not in grid["rung"].to_numpy().tolist()


def test_release_without_a_split_has_an_empty_folder_of_predictions(
    folder: Path,
) -> None:
    empty = pd.read_parquet(folder / "splits.parquet").iloc[:0]
    write_parquet(empty, folder / "splits.parquet")
    write_baselines(make_recipe(), folder)
    assert list((folder / "predictions").iterdir()) == []
    report = json.loads((folder / "baselines.json").read_text("utf-8"))
    assert report["splits"] == {}


def test_stage_refuses_inputs_that_break_their_schema(folder: Path) -> None:
    cells = pd.read_parquet(folder / "cells.parquet")
    write_parquet(cells.assign(latitude=99.0), folder / "cells.parquet")
    with pytest.raises(ValidationError, match="latitude: found"):
        write_baselines(make_recipe(), folder)
    assert not (folder / "predictions").exists()


def test_ladder_description_states_every_rung_s_needs() -> None:
    by_name = {rung["name"]: rung for rung in describe_ladder()}
    assert by_name["linear_1"]["needs"] == [["shortwave_radiation", "net_radiation"]]
    assert by_name["ridge_state"]["feature_set"] == "state"
    assert all(rung["title"] and rung["description"] for rung in by_name.values())
