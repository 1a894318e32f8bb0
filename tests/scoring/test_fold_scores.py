"""All folds pooled: the score of the concatenation, cell by cell and as a median."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from somobench.cards.folder import read_card
from somobench.cards.leaderboard import leaderboard_page
from somobench.cards.verify import verify_score
from somobench.catalog.resolve import resolve
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.folds import POOLED
from somobench.folds.rungs import FoldRungs
from somobench.folds.view import Folds, read_folds
from somobench.schemas.errors import InputError
from somobench.schemas.variables import TEST, TRAIN
from somobench.scoring import fold_ladder
from somobench.scoring.case import build_case
from somobench.scoring.evaluate import Evaluation, evaluate
from somobench.scoring.fold_ladder import FILES, write_fold_ladder
from somobench.scoring.models import Model, draw_common_days, score_model

VIRTUAL = "virtual-2.0.0"

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def folds() -> Folds:
    return read_folds(resolve(VIRTUAL))


@pytest.fixture(scope="module")
def predictions(folds: Folds) -> xr.DataArray:
    """Return a line through temperature, fitted to each fold's train cells."""
    target = folds.view(0).train_scaled()
    warmth = folds.forcing["air_temperature"].transpose("cell", "time").to_numpy()
    warmth = np.broadcast_to(warmth, target.shape)
    values = np.full(target.shape, np.nan, "float32")
    for fold in range(folds.count):
        role = np.broadcast_to(folds.roles(fold).to_numpy(), target.shape)
        train = (role == TRAIN) & np.isfinite(target.to_numpy())
        line = np.polyfit(warmth[train], target.to_numpy()[train], 1)
        tested = role == TEST
        values[tested] = np.clip(np.polyval(line, warmth[tested]), 0, 1)
    labels = {name: target[name] for name in target.dims}
    attrs = {"units": "m3 m-3"}
    return xr.DataArray(values, labels, target.dims, "soil_moisture", attrs)


@pytest.fixture(scope="module")
def ladder(
    folds: Folds, predictions: xr.DataArray, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a folder as `somobench ladder` writes it, of two rungs at hand."""
    cells = xr.Dataset(coords=folds.published.targets[["cell", "layer"]].coords)
    reanalysis = folds.forcing["reanalysis_soil_moisture"].transpose(*predictions.dims)
    rungs = {"linear_1": predictions, "reanalysis": reanalysis}
    grid = cells.assign_coords(time=predictions["time"], rung=list(rungs))
    stacked = np.stack([values.to_numpy() for values in rungs.values()])
    grid["soil_moisture"] = (
        ("rung", *predictions.dims),
        stacked.astype("float32"),
        {"units": "m3 m-3", "scaling": "train"},
    )
    grid["needs_observations"] = ("rung", np.zeros(2, "int8"))
    made = FoldRungs(grid.assign_attrs(split=POOLED), {"ridge_state": "by hand"})
    folder = tmp_path_factory.mktemp("ladder") / "rungs"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fold_ladder, "predict_folds", lambda *_, **__: made)
        done = write_fold_ladder(VIRTUAL, folder)
    assert done.refused == {"ridge_state": "by hand"}
    assert done.rungs == ("linear_1", "reanalysis")
    assert json.loads((folder / "ladder.json").read_text()) == {
        "release": VIRTUAL,
        "split": POOLED,
        "rungs": ["linear_1", "reanalysis"],
        "refused": {"ridge_state": "by hand"},
    }
    return folder


@pytest.fixture(scope="module")
def file(predictions: xr.DataArray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("submission") / "line.nc"
    predictions.to_netcdf(path)
    return path


@pytest.fixture(scope="module")
def pooled(file: Path, ladder: Path) -> Evaluation:
    return evaluate(file, release=VIRTUAL, split=POOLED, name="line", ladder=ladder)


def plain(table: pd.DataFrame, metric: str, layer: int = 0) -> float:
    rows = table.query(
        "against == '' and pool_kind == 'plain' and metric == @metric"
        " and layer == @layer and model != 'reanalysis'"
    )
    return float(rows["value"].item())


@pytest.mark.parametrize(
    "metric", ["pearson_r", "anomaly_r", "deseasonalised_r", "rmse"]
)
def test_pooled_cells_score_as_in_the_fold_that_tests_them(
    folds: Folds, predictions: xr.DataArray, pooled: Evaluation, metric: str
) -> None:
    found = pooled.cell_scores.query("metric == @metric").set_index(
        ["layer", "cell_id"]
    )
    moments = {
        int(n): w for n, w in resolve(VIRTUAL).manifest.target_moments_from.items()
    }
    count = 0
    for fold in range(folds.count):
        case = build_case(folds.view(fold), moments)
        placed = case.place_on_series(predictions)
        days = draw_common_days(case, [Model("line", lambda: placed)], draws=1)  # noqa: B023
        own = score_model(case, placed, days, [metric]).scores[metric].to_numpy()
        keys = zip(case.series_layers.tolist(), case.series_cells.tolist(), strict=True)
        for key, value in zip(keys, own, strict=True):
            assert found.loc[key, "value"] == pytest.approx(value, abs=5.1e-5)
            count += 1
    assert count == len(found)  # each series once


def test_pooled_score_is_the_median_of_all_series(pooled: Evaluation) -> None:
    cells = pooled.cell_scores.query("metric == 'pearson_r'")
    expected = np.median(cells["value"])
    assert plain(pooled.scores, "pearson_r") == pytest.approx(expected, abs=1.1e-4)
    third = np.median(cells.query("layer == 3")["value"])
    assert plain(pooled.scores, "pearson_r", 3) == pytest.approx(third, abs=1.1e-4)


def test_folds_are_pools_of_the_cells_that_one_model_predicted(
    folds: Folds, pooled: Evaluation
) -> None:
    rows = pooled.scores.query(
        "pool_kind == 'fold' and metric == 'pearson_r' and layer == 0 and against == ''"
    ).set_index("pool")
    assert rows.index.tolist() == ["0", "1", "2", "3", "4"]
    cells = pooled.cell_scores.query("metric == 'pearson_r'")
    for fold in range(folds.count):
        tested = folds.rows[fold].query("role == 'test'")["cell_id"]
        own = cells[cells["cell_id"].isin(tested)]["value"]
        assert rows.loc[str(fold), "value"] == pytest.approx(np.median(own), abs=1.1e-4)


def test_record_says_what_each_fold_tested_and_what_its_audit_reports(
    folds: Folds, pooled: Evaluation
) -> None:
    record = pooled.record
    assert (record.split, record.split_sha256) == (POOLED, folds.sha256)
    assert record.folds is not None
    assert sum(item.test_cells for item in record.folds) == 40
    assert all(item.findings for item in record.folds)
    assert record.scaling.full_record_series == record.scaling.series


def test_model_is_compared_with_rungs_of_the_same_folds(pooled: Evaluation) -> None:
    assert pooled.record.ladder.rungs == ["linear_1", "reanalysis"]
    assert pooled.record.ladder.of_release is False
    listed = {item["rung"]: item for item in pooled.headline["rungs"]}
    assert listed["linear_1"]["difference"] == 0.0  # the model itself
    assert listed["reanalysis"]["high"] < 0
    own = {"equal": [item.source for item in pooled.record.findings]}
    assert own == {"equal": ["linear_1"]}


def test_rungs_score_as_the_same_predictions_handed_in(
    ladder: Path, pooled: Evaluation
) -> None:
    assert {item.name for item in ladder.iterdir()} == FILES
    table = pd.read_parquet(ladder / "scores.parquet")
    for metric in ("pearson_r", "anomaly_r", "deseasonalised_r"):
        assert plain(table, metric) == plain(pooled.scores, metric)


def test_card_shows_the_folds_and_is_verified(
    tmp_path: Path, file: Path, ladder: Path, pooled: Evaluation
) -> None:
    card = tmp_path / "card"
    pooled.write(card)
    page = (card / "report.html").read_text()
    assert "Folds and their audit" in page
    assert "Every cell is scored once, as predicted by" in page
    assert read_card(card).record.folds == pooled.record.folds
    assert "spatial_folds" in leaderboard_page([read_card(card)])
    done = verify_score(card, submission=file, ladder=ladder)
    assert (done.split, done.same_file) == (POOLED, True)


@pytest.mark.parametrize(
    ("attrs", "found"),
    [
        ({"release": "virtual-1.1.0"}, "trained on virtual-1.1.0"),
        ({}, "a release that it does not name"),
    ],
)
def test_ladder_of_another_release_is_refused(
    tmp_path: Path, ladder: Path, file: Path, attrs: dict[str, str], found: str
) -> None:
    grid = open_zarr_zip(ladder / "spatial_folds.zarr.zip").load()
    del grid.attrs["release"]
    other = tmp_path / "spatial_folds.zarr.zip"
    write_zarr_zip(grid.assign_attrs(attrs), other, {"rung": 1})
    with pytest.raises(InputError, match=found) as refused:
        evaluate(file, release=VIRTUAL, split=POOLED, ladder=other)
    assert refused.value.expected == f"trained on {VIRTUAL}"


def test_card_says_what_was_left_out(
    tmp_path: Path, folds: Folds, predictions: xr.DataArray
) -> None:
    tested = folds.rows[2].query("role == 'test'")["cell_id"].tolist()
    part = predictions.where(~predictions["cell"].isin(tested))
    given = part.assign_attrs(units="m3 m-3")
    done = evaluate(given, release=VIRTUAL, split=POOLED, allow_missing=True)
    done.write(tmp_path / "card")
    page = (tmp_path / "card" / "report.html").read_text()
    coverage = done.record.coverage
    lacking = f"{coverage.asked - coverage.given:,} of {coverage.asked:,} cell-days"
    assert "Every cell is scored once" not in page
    assert f"No cell is scored more than once, and {lacking}" in page


def test_model_that_leaves_out_a_fold_is_refused(
    folds: Folds, predictions: xr.DataArray
) -> None:
    tested = folds.rows[2].query("role == 'test'")["cell_id"].tolist()
    part = predictions.where(~predictions["cell"].isin(tested))
    with pytest.raises(InputError, match=f"all of cell .*{tested[0]}"):
        evaluate(part.assign_attrs(units="m3 m-3"), release=VIRTUAL, split=POOLED)


def test_without_a_ladder_the_command_that_trains_one_is_named(
    predictions: xr.DataArray,
) -> None:
    one = predictions.where(predictions["layer"] == 1).assign_attrs(units="m3 m-3")
    found = evaluate(one, release=VIRTUAL, split=POOLED, allow_missing=True)
    assert f"somobench ladder {VIRTUAL} --out DIR" in found.headline["reason"]
