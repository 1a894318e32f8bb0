"""Scores of submissions of known skill, from a file to the folder that is written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import somobench
from factories.programs import run
from factories.scoring import (
    CELLS,
    NOISE,
    OBSERVING,
    RELEASE,
    SPLIT,
    copy_world,
    make_case,
    make_targets,
    predicted,
    rung,
)
from somobench.cards import write
from somobench.cards.folder import read_card
from somobench.catalog.release_files import ReleaseFiles
from somobench.schemas.errors import InputError, UnknownNameError, UsageError
from somobench.schemas.scores import CELL_SCORES, SCORES
from somobench.schemas.validate import validate_table
from somobench.scoring.evaluate import Evaluation, evaluate
from somobench.scoring.models import Model, draw_common_days, score_model
from somobench.scoring.tables import round_scores, score_table

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data and a release."""
    root = tmp_path_factory.mktemp("world")
    copy_world(root)
    return root


@pytest.fixture(autouse=True)
def _own_release(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(world / "releases"))


def scored(world: Path, predictions: Any, **options: Any) -> Evaluation:
    given: dict[str, Any] = {"ladder": world / "data" / "predictions"}
    return evaluate(predictions, release=RELEASE, split=SPLIT, **(given | options))


@pytest.fixture(scope="module")
def noisy(world: Path) -> Evaluation:
    """Return the scores of a prediction with some noise."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOMOBENCH_RELEASES", str(world / "releases"))
        return scored(world, predicted(0.8), name="x")


def plain(evaluation: Evaluation, metric: str, layer: int = 0) -> float:
    rows = evaluation.scores.query(
        "against == '' and pool_kind == 'plain' and metric == @metric"
        " and layer == @layer"
    )
    return float(rows["value"].iloc[0])


def beaten(evaluation: Evaluation) -> dict[str, bool | None]:
    found = evaluation.headline
    listed = found["rungs"] + found["rungs_with_observations"]
    return {item["rung"]: item["beaten"] for item in listed}


def perfect() -> xr.DataArray:
    """Return the target itself, filled where it is missing."""
    target = make_targets()["soil_moisture"].sel(time=predicted(0.0)["time"])
    part = target.transpose("layer", "cell", "time").fillna(0.2)
    part = part.drop_vars(set(part.coords) - {"layer", "cell", "time"})
    return part.assign_attrs(units="m3 m-3")


def test_target_itself_has_perfect_scores_and_no_headline(world: Path) -> None:
    found = scored(world, perfect())
    assert found.headline["available"] is False
    said = "the predictions equal the target, in 11 of 11 series"
    assert said in found.headline["reason"]
    assert found.describe()["findings_in_words"] == [said]
    assert plain(found, "pearson_r") == 1.0
    assert plain(found, "rmse") == 0.0
    assert plain(found, "nse") == 1.0


@pytest.mark.parametrize("name", NOISE)
def test_copy_of_a_rung_beats_those_below_and_not_itself(
    world: Path, name: str
) -> None:
    found = scored(world, rung(name).assign_attrs(units="m3 m-3"))
    order = list(NOISE)
    expected = {other: order.index(other) < order.index(name) for other in order}
    assert {k: v for k, v in beaten(found).items() if k != OBSERVING} == expected
    itself = found.scores.query("against == @name")
    assert (itself[["value", "low", "high"]].fillna(0) == 0).all(axis=None)


def test_order_of_cells_days_and_layers_makes_no_difference(
    world: Path, noisy: Evaluation
) -> None:
    turned = predicted(0.8).isel(
        cell=[3, 1, 5, 0, 2, 4], layer=[1, 0], time=slice(None, None, -1)
    )
    found = scored(world, turned, name="x")
    pd.testing.assert_frame_equal(found.scores, noisy.scores, check_exact=True)
    assert found.record == noisy.record


def test_pooled_score_is_the_median_over_series(noisy: Evaluation) -> None:
    target = make_targets()["soil_moisture"]
    values = []
    for layer in (1, 2):
        for cell in CELLS:
            here = {"layer": layer, "cell": cell}
            both = np.stack(
                [
                    predicted(0.8).sel(here).to_numpy(),
                    target.sel(here | {"time": predicted(0.8)["time"]}).to_numpy(),
                ]
            )
            both = both[:, np.isfinite(both).all(axis=0)]
            if both.shape[1]:
                values.append(np.corrcoef(both.astype("float64"))[0, 1])
    assert len(values) == 11
    assert plain(noisy, "pearson_r") == pytest.approx(np.median(values), abs=5.1e-5)
    assert plain(noisy, "pearson_r", 1) == pytest.approx(
        np.median(values[:6]), abs=5.1e-5
    )
    rows = noisy.cell_scores.query("metric == 'pearson_r'").sort_values(
        ["layer", "cell_id"]
    )
    np.testing.assert_allclose(rows["value"], values, atol=5.1e-5)
    assert set(rows["pair_count"]) == {144}


def test_tables_hold_their_schemas_and_counts(noisy: Evaluation) -> None:
    validate_table(noisy.scores, SCORES, "scores")
    validate_table(noisy.cell_scores, CELL_SCORES, "cells")
    row = noisy.scores.query(
        "metric == 'nse' and pool_kind == 'regime' and pool == 'water-limited'"
        " and against == '' and layer == 1"
    ).iloc[0]
    # Three cells are water-limited, with 144 test days that have a target each.
    assert (row["cell_count"], row["day_count"]) == (3, 432)
    balanced = noisy.scores.query(
        "metric == 'nse' and pool_kind == 'region_balanced' and layer == 0"
    ).iloc[0]
    assert (balanced["cell_count"], balanced["day_count"]) == (11, 1584)


def test_note_says_where_the_reference_gave_mean_and_variance(
    noisy: Evaluation,
) -> None:
    noted = noisy.scores.query("note == 'reference_moments'")
    names = set(noted["metric"])
    assert {"bias", "rmse", "nse", "kge_2009", "kge_2012", "sedi_dry"} <= names
    assert not names & {"pearson_r", "anomaly_r", "spearman_r", "deseasonalised_r"}
    # Layer 2 is scaled to observations in this release; layer 0 holds layer 1 too.
    assert set(noted["layer"]) == {0, 1}


def test_rung_that_reads_observations_is_compared_on_common_days(
    noisy: Evaluation,
) -> None:
    rows = noisy.scores.query(
        "metric == 'pearson_r' and pool_kind == 'plain' and layer == 0"
    )
    counts = rows.set_index("against")["day_count"].to_dict()
    # 16 gaps among 160 days; after each the day before is unknown, so 128 days of 11
    # series have both.
    assert counts[OBSERVING] == 11 * 128
    assert counts["reanalysis"] == counts[""] == 11 * 144


def test_missing_days_are_scored_and_compared_on_the_same_days(world: Path) -> None:
    part = predicted(0.3).isel(time=slice(0, 100))
    with pytest.raises(InputError, match="predictions missing; all of day"):
        scored(world, part)
    found = scored(world, part, allow_missing=True)
    # 10 of the first 100 test days have no target.
    assert found.record.coverage.given == 11 * 90
    rows = found.scores.query("metric == 'pearson_r' and pool_kind == 'plain'")
    assert set(rows.query("layer == 0 and against == 'reanalysis'")["day_count"]) == {
        990
    }
    assert found.record.options.allow_missing


def test_ensemble_is_scored_by_its_mean_and_as_an_ensemble(world: Path) -> None:
    members = [predicted(0.8, seed) for seed in (7, 8, 9)]
    ensemble = xr.concat(members, "member").assign_attrs(units="m3 m-3")
    mean = sum(members[1:], members[0]) / 3
    found = scored(world, ensemble)
    alone = scored(world, mean.astype("float32").assign_attrs(units="m3 m-3"))
    assert plain(found, "pearson_r") == pytest.approx(
        plain(alone, "pearson_r"), abs=2e-4
    )
    assert 0 < plain(found, "crps") < plain(found, "rmse")
    assert "crps" not in set(alone.scores["metric"])


def test_without_rungs_scores_are_given_and_the_headline_says_why(
    world: Path, noisy: Evaluation
) -> None:
    found = scored(world, predicted(0.8), ladder=None)
    assert found.headline["available"] is False
    assert "carries no predictions" in found.headline["reason"]
    assert plain(found, "pearson_r") == plain(noisy, "pearson_r")
    assert set(found.scores["against"]) == {""}


def test_cells_with_longitudes_to_360_are_refused_with_the_way_out(
    world: Path,
) -> None:
    turned = [f"{cell.split('_')[0]}_370.125" for cell in CELLS]
    with pytest.raises(InputError, match="-180 to 180: this cell is 40.125_10.125"):
        scored(world, predicted(0.3).assign_coords(cell=turned))


def test_ladder_of_another_split_is_refused(world: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file"):
        scored(world, predicted(0.3), ladder=tmp_path)


def test_unknown_split_is_refused_with_those_that_exist(world: Path) -> None:
    with pytest.raises(UnknownNameError, match="6 cells, at least 10"):
        evaluate(predicted(0.3), release=RELEASE, split="spatial")


def test_record_names_everything_that_was_scored(world: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.nc"
    predicted(0.3).to_dataset(name="soil_moisture").to_netcdf(path, engine="h5netcdf")
    record = scored(world, path).describe()
    assert record["release"] == RELEASE
    assert record["split_sha256"] == "0" * 64
    assert len(record["manifest_sha256"]) == len(record["code"]["sha256"]) == 64
    assert record["submission"]["name"] == record["model"] == "mine.nc"
    assert record["submission"]["file_size"] == path.stat().st_size
    assert record["code"]["version"] == somobench.__version__
    assert record["scaling"]["full_record_series"] == 1
    json.dumps(record, allow_nan=False)


def test_evaluation_shows_its_headline_in_a_line(noisy: Evaluation) -> None:
    said = noisy.headline["sentence"]
    assert repr(noisy) == f"<Evaluation of 'x' on {SPLIT} of {RELEASE}: {said}>"


def test_function_is_at_hand_after_its_module_was_imported(world: Path) -> None:
    assert somobench.evaluate is evaluate


def test_same_draws_give_the_same_interval_around_the_value() -> None:
    case = make_case()
    model = Model("x", lambda: case.place_on_series(predicted(0.8)))
    days = draw_common_days(case, [model], draws=50)
    tables = [
        score_table(case, score_model(case, model.load(), days, ["pearson_r"]), "x")
        for _ in range(2)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    row = tables[0].query("pool_kind == 'plain' and layer == 0").iloc[0]
    assert row["low"] < row["value"] < row["high"]


def test_stored_numbers_are_rounded_and_never_minus_zero() -> None:
    values = np.array([0.12345649, -1e-9, 123456.789, np.nan, 9.99996, -np.inf])
    found = round_scores(values)
    assert found[:3].tolist() == [0.1235, 0.0, 123460.0]
    assert not np.signbit(found[1])
    assert np.isnan(found[3])
    assert found[4] == 10.0
    assert found[5] == -np.inf


def test_command_writes_and_shows_the_score(
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, out = tmp_path / "mine.nc", tmp_path / "score"
    predicted(0.3).to_dataset(name="soil_moisture").to_netcdf(path, engine="h5netcdf")
    command = ["evaluate", str(path), "--release", RELEASE, "--split", SPLIT]
    command += ["--out", str(out), "--ladder", str(world / "data" / "predictions")]
    assert run(monkeypatch, *command) == 0
    shown = capsys.readouterr().out
    assert "Beats reanalysis and every rung below it" in shown
    assert "persistence (observations)" in shown
    assert {file.name for file in out.iterdir()} == {
        "score.json",
        "report.html",
        "scores.parquet",
        "cell_scores.parquet",
    }
    assert "Simulated" not in (out / "report.html").read_text("utf-8")
    assert "every rung below" in (out / "report.html").read_text("utf-8")
    assert run(monkeypatch, *command) == 2
    assert "add --overwrite" in capsys.readouterr().err
    again = [*command[:-2], "--overwrite", "--json"]  # without --ladder
    assert run(monkeypatch, *again) == 0
    assert json.loads(capsys.readouterr().out)["headline"]["available"] is False


def test_every_file_of_the_release_is_read_once(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def count(method: str) -> None:
        original = getattr(ReleaseFiles, method)

        def counted(files: ReleaseFiles, name: str) -> Any:
            read.append(name)
            return original(files, name)

        monkeypatch.setattr(ReleaseFiles, method, counted)

    count("_open_grid")
    count("table")
    scored(world, predicted(0.3), ladder=None).write(tmp_path / "score")
    assert sorted(read) == [
        "cells.parquet",
        "features.zarr.zip",
        "splits.parquet",
        "targets.zarr.zip",
    ]


def test_second_writer_of_a_new_folder_is_refused(
    noisy: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "score"
    check, others = write.check_folder, [True]

    def check_and_lose_the_race(folder: Path, *, overwrite: bool) -> None:
        check(folder, overwrite=overwrite)
        if others.pop() if others else False:
            noisy.write(folder)  # another process comes first

    monkeypatch.setattr(write, "check_folder", check_and_lose_the_race)
    with pytest.raises(UsageError, match="expected: a new or empty folder"):
        noisy.write(target)
    assert read_card(target).record == noisy.record
    assert [path.name for path in tmp_path.iterdir()] == ["score"]


def test_folder_with_other_files_is_never_replaced(world: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        scored(world, predicted(0.3), ladder=None).write(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.tex").exists()


def test_refused_submission_ends_with_one_and_no_traceback(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "mine.nc"
    path.write_bytes(b"not a grid")
    command = ["evaluate", str(path), "--release", RELEASE, "--split", SPLIT]
    assert run(monkeypatch, *command, "--out", str(tmp_path / "score")) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: submission mine.nc\n  found:    10 bytes")
    assert "Traceback" not in said
    assert not (tmp_path / "score").exists()


def test_record_says_what_was_understood_of_a_submission(world: Path) -> None:
    # Percent is a ratio of volumes where the standard name says so.
    percent = (100 * predicted(0.3)).assign_attrs(
        units="%", standard_name="volume_fraction_of_condensed_water_in_soil"
    )
    plain = evaluate(predicted(0.3), release=RELEASE, split=SPLIT)
    found = evaluate(percent, release=RELEASE, split=SPLIT)
    assert plain.record.submission.understood == []
    (note,) = found.record.submission.understood
    assert "%" in note
    pd.testing.assert_frame_equal(found.scores, plain.scores)
