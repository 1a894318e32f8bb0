"""Stage `scores`: files in, tables of every rung out."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
import xarray as xr

from factories.scoring import NOISE, OBSERVING, SPLIT, copy_world, predicted
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import write_parquet
from somobench.pipelines.scores import write_scores
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.scores import CELL_SCORES, SCORES, SHIFT_COSTS
from somobench.schemas.validate import validate_table
from somobench.scoring.evaluate import evaluate

pytestmark = pytest.mark.heavy

OUTPUTS = (
    "scores.parquet",
    "cell_scores.parquet",
    "shift_costs.parquet",
    "scores.json",
)
HARDER = "wet_years"


@pytest.fixture(scope="module")
def recipe(repository: Path) -> Recipe:
    return load_recipe(repository / "params.yaml")


@pytest.fixture(scope="module")
def data(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the stage ran."""
    root = tmp_path_factory.mktemp("stage")
    copy_world(root)
    write_scores(recipe, root / "data", processes=2)
    return root / "data"


def test_result_does_not_depend_on_the_number_of_processes(
    data: Path, recipe: Recipe, tmp_path: Path
) -> None:
    copy_world(tmp_path)
    write_scores(recipe, tmp_path / "data", processes=1)
    for name in OUTPUTS:
        assert (tmp_path / "data" / name).read_bytes() == (data / name).read_bytes()


def test_tables_hold_their_schemas(data: Path) -> None:
    scores = pd.read_parquet(data / "scores.parquet")
    validate_table(scores, SCORES, "scores.parquet")
    cells = pd.read_parquet(data / "cell_scores.parquet")
    validate_table(cells, CELL_SCORES, "cell_scores.parquet")
    assert set(scores["model"]) == {*NOISE, OBSERVING}
    # 11 series, four rungs, every metric once.
    assert len(cells) == 11 * 4 * cells["metric"].nunique()


def test_every_rung_is_compared_with_all_rungs_below(data: Path) -> None:
    scores = pd.read_parquet(data / "scores.parquet")
    order = [*NOISE, OBSERVING]
    for place, rung in enumerate(order):
        against = set(scores.loc[scores["model"] == rung, "against"]) - {""}
        assert against == set(order[:place])


def test_ladder_says_what_each_rung_beats(data: Path) -> None:
    report = json.loads((data / "scores.json").read_text())
    ladder = report["splits"][SPLIT]["ladder"]
    found = {item["rung"]: item["highest_rung_beaten"] for item in ladder}
    # Noise falls from rung to rung; persistence has r of 0.8, above the second's 0.7
    # and below the third's 0.9.
    assert found["climatology"] is None
    assert found["ridge_forcing"] == "climatology"
    assert found["reanalysis"] == "ridge_forcing"
    assert [item["needs_observations"] for item in ladder] == [False] * 3 + [True]


def test_metrics_and_plots_of_dvc_are_the_ladder_of_each_split(data: Path) -> None:
    scores = pd.read_parquet(data / "scores.parquet")
    scores = scores[
        (scores["metric"] == "pearson_r")
        & (scores["layer"] == 0)
        & (scores["pool_kind"] == "plain")
        & (scores["against"] == "")
    ]
    expected = dict(zip(scores["model"], scores["value"], strict=True))
    metrics = json.loads((data / "metrics.json").read_text())
    assert metrics == {"pearson_r": {SPLIT: expected}}
    assert len(expected) == len((*NOISE, OBSERVING))
    (plot,) = (data / "plots").iterdir()
    ladder = pd.read_csv(plot)
    assert plot.name == f"{SPLIT}.csv"
    assert ladder["rung"].tolist() == [*NOISE, OBSERVING]
    assert ladder["pearson_r"].tolist() == [expected[rung] for rung in ladder["rung"]]
    assert (ladder["low"] <= ladder["high"]).all()


def test_report_carries_the_note_on_reference_moments(data: Path) -> None:
    report = json.loads((data / "scores.json").read_text())
    marked = {
        name
        for name, metric in report["metrics"].items()
        if metric["reference_moments"]
    }
    assert {"bias", "rmse", "nse", "kge_2009"} <= marked
    assert not marked & set(report["leading_metrics"])
    ladder = report["splits"][SPLIT]["ladder"]
    assert ladder[0]["scores"]["all"]["rmse"]["note"] == "reference_moments"
    assert ladder[0]["scores"]["all"]["pearson_r"]["note"] == ""


def test_scores_agree_with_those_of_a_submission(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(data.parent / "releases"))
    release = next((data.parent / "releases").iterdir()).name
    rung = predicted(NOISE["reanalysis"], seed=11 + sorted(NOISE).index("reanalysis"))
    found = evaluate(rung, release=release, split=SPLIT)
    scores = pd.read_parquet(data / "scores.parquet")
    keys = ["layer", "metric", "pool_kind", "pool"]
    stage = scores.query("model == 'reanalysis' and against == ''").set_index(keys)
    ours = found.scores.set_index(keys)
    pd.testing.assert_series_equal(stage["value"], ours["value"], check_exact=True)


def test_second_run_writes_the_same_bytes(
    data: Path, recipe: Recipe, tmp_path: Path
) -> None:
    copy_world(tmp_path)
    write_scores(recipe, tmp_path / "data")
    for name in OUTPUTS:
        assert (tmp_path / "data" / name).read_bytes() == (data / name).read_bytes()


def test_release_without_another_split_has_no_shift_costs(data: Path) -> None:
    assert pd.read_parquet(data / "shift_costs.parquet").empty


def _add_split(folder: Path) -> None:
    """Add a split with the test days, features and predictions of the first one."""
    splits = pd.read_parquet(folder / "splits.parquet")
    both = pd.concat([splits, splits.assign(split=HARDER)], ignore_index=True)
    write_parquet(both, folder / "splits.parquet")
    features = open_zarr_zip(folder / "features.zarr.zip").load()
    other = features.assign_coords(split=[HARDER])
    joined = xr.concat([features, other], "split", data_vars="minimal")
    write_zarr_zip(joined, folder / "features.zarr.zip")
    predictions = folder / "predictions"
    grid = open_zarr_zip(predictions / f"{SPLIT}.zarr.zip").load()
    del grid.attrs["split"]
    write_zarr_zip(
        grid.assign_attrs(split=HARDER), predictions / f"{HARDER}.zarr.zip", {"rung": 1}
    )


def test_same_predictions_under_another_split_cost_nothing(
    recipe: Recipe, tmp_path: Path
) -> None:
    copy_world(tmp_path)
    _add_split(tmp_path / "data")
    write_scores(recipe, tmp_path / "data")
    costs = pd.read_parquet(tmp_path / "data" / "shift_costs.parquet")
    validate_table(costs, SHIFT_COSTS, "shift_costs.parquet")
    # Every rung in two metrics, for all layers and each of two.
    assert len(costs) == len((*NOISE, OBSERVING)) * 2 * 3
    assert set(costs["split"]) == {HARDER}
    assert set(costs["reference_split"]) == {SPLIT}
    assert (costs[["cost", "low", "high"]] == 0).all(axis=None)
    assert (costs["shifted"] == costs["reference"]).all()


def test_split_that_tests_other_days_has_no_shift_costs(
    recipe: Recipe, tmp_path: Path
) -> None:
    copy_world(tmp_path)
    _add_split(tmp_path / "data")
    path = tmp_path / "data" / "splits.parquet"
    splits = pd.read_parquet(path)
    tested = (splits["split"] == HARDER) & (splits["role"] == "test")
    last = splits.loc[tested, "start"] + pd.Timedelta(days=20)
    splits.loc[tested, "end"] = last
    write_parquet(splits, path)
    write_scores(recipe, tmp_path / "data")
    assert pd.read_parquet(tmp_path / "data" / "shift_costs.parquet").empty
    report = json.loads((tmp_path / "data" / "scores.json").read_text())["splits"]
    assert report[HARDER]["no_shift_costs"] == "no series with 30 days that both test"
    assert "no_shift_costs" not in report[SPLIT]


def test_split_without_predictions_is_refused(recipe: Recipe, tmp_path: Path) -> None:
    copy_world(tmp_path)
    (tmp_path / "data" / "predictions" / f"{SPLIT}.zarr.zip").unlink()
    with pytest.raises(InputError, match="no such file"):
        write_scores(recipe, tmp_path / "data")
    assert not (tmp_path / "data" / "scores.parquet").exists()


def test_layers_without_reference_keep_the_moments_of_observations(
    recipe: Recipe,
) -> None:
    part = recipe.reference.model_copy(update={"layers": (1, 2)})
    found = recipe.model_copy(update={"reference": part}).target_moments_from
    assert found == {1: "reanalysis", 2: "reanalysis", 3: "observations"}
