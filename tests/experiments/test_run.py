"""Experiments by name: written whole, read again, refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from factories.experiments import SMALL, make_world
from factories.programs import run
from somobench.catalog.resolve import resolve
from somobench.experiments import robustness
from somobench.experiments import run as running
from somobench.experiments.crossfit import run_tasks
from somobench.experiments.design import list_tasks, plan_layers
from somobench.experiments.fit import Candidate
from somobench.experiments.robustness import draw_regime_arms
from somobench.experiments.run import Experiment, describe_record, run_experiment
from somobench.experiments.world import read_world
from somobench.pipelines.tools.findings import read_table
from somobench.schemas.errors import UnknownNameError, UsageError

pytestmark = pytest.mark.heavy

RELEASE = "virtual-2.0.0"


@pytest.fixture(scope="module")
def done() -> Experiment:
    size = SMALL.model_copy(update={"repeats": 1, "draws": 20})
    world = make_world()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness, "TRAINED", ("linear_1",))
        outcome = robustness.run_robustness(world, size, 1)
    record = describe_record("robustness", world, size, outcome)
    return Experiment("robustness", outcome, record)


def test_experiment_is_written_whole_and_reads_back(
    done: Experiment, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    done.write(folder)
    assert {path.name for path in folder.iterdir()} == set(running.FILES)
    table = pd.read_parquet(folder / running.TABLE_FILE)
    pd.testing.assert_frame_equal(table, done.outcome.table)
    pd.testing.assert_frame_equal(read_table(folder / running.TEXT_FILE), table)
    record = json.loads((folder / running.RECORD_FILE).read_text("utf-8"))
    assert record["release"] == "made-0.1.0"
    assert record["design"]["layers"]["1"]["training_cells"] == 4
    page = (folder / running.PAGE_FILE).read_text("utf-8")
    assert "Experiment robustness" in page
    assert "One-variable regression" in page
    assert "aren\u2019t to be cited" in page  # it is smaller than the published size
    assert "http" not in page.replace("http-equiv", "").replace(
        "http://www.w3.org/2000/svg", ""
    )


def test_folder_with_an_experiment_is_replaced_only_when_asked(
    done: Experiment, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    done.write(folder)
    with pytest.raises(UsageError, match="add --overwrite"):
        done.write(folder)
    done.write(folder, overwrite=True)
    (folder / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match=r"mine\.txt"):
        done.write(folder, overwrite=True)


def test_unknown_experiment_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownNameError, match="robustness, diversity"):
        run_experiment("robust", release=RELEASE)


def test_command_writes_and_shows_what_was_lost(
    done: Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(running, "run_experiment", lambda *_, **__: done)
    command = ("experiment", "robustness", "--release", RELEASE)
    out = ("--out", str(tmp_path / "out"))
    assert run(monkeypatch, *command, *out) == 0
    assert "linear_1\tall\tother\tsame" in capsys.readouterr().out
    assert run(monkeypatch, *command, *out) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert run(monkeypatch, *command, *out, "--overwrite", "--json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["experiment"] == "robustness"
    assert {row["against"] for row in content["rows"]} == {"same", "both"}


def test_pipeline_of_experiments_is_none_of_a_release(repository: Path) -> None:
    pipeline = yaml.safe_load((repository / "conf/experiments/dvc.yaml").read_text())
    stage = pipeline["stages"]["experiment"]
    assert sorted(stage["foreach"]) == sorted(running.EXPERIMENTS)
    listed = [item for item in stage["do"]["deps"] if "$" not in item]
    assert [item for item in listed if not (repository / item).exists()] == []
    assert "experiment" not in (repository / "dvc.yaml").read_text("utf-8")


@pytest.mark.slow
def test_numbers_do_not_depend_on_the_number_of_processes() -> None:
    world = read_world(resolve(RELEASE))
    layers, _ = plan_layers(world, SMALL, world.regimes, 2)
    tasks = list(list_tasks(world, layers[:1], SMALL, world.regimes, draw_regime_arms))
    models = (Candidate("ridge_memory", "ridge_memory"),)
    one, two = (run_tasks(world, tasks[:4], models, SMALL, n) for n in (1, 2))
    assert one.predictions.keys() == two.predictions.keys()
    for key, parts in one.predictions.items():
        for ours, theirs in zip(parts, two.predictions[key], strict=True):
            assert np.array_equal(ours, theirs, equal_nan=True)


def test_world_leaves_out_days_that_were_filled() -> None:
    world = read_world(resolve(RELEASE))
    assert world.measured.shape == (3, 40, 2192)
    # 2016-01-01 to 2021-12-31; the first and last fortnight of each year belong to none
    assert (world.halves == -1).sum() == 6 * 30
    assert {"precipitation", "evaporation"} <= set(world.weather)
    assert world.left_out == {}
