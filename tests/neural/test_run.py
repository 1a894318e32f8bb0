"""The command `train`: a submission that evaluate takes, and what is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from somobench.neural import run
from somobench.neural.settings import NeuralSettings
from somobench.schemas.errors import UnknownNameError, UsageError

RELEASE = "virtual-2.0.0"
TINY = NeuralSettings(hidden=4, days=60, warm_up=30, batch=4, updates=6, checks=2)


def test_missing_torch_is_named_with_what_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "find_spec", lambda _name: None)
    with pytest.raises(UsageError, match=r"pip install 'somobench\[neural\]'"):
        run.train("lstm", release=RELEASE, split="temporal", out=tmp_path / "out")


def test_unknown_rung_is_refused_with_those_that_exist(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="ea_lstm"):
        run.train("transformer", release=RELEASE, split="temporal", out=tmp_path)


def test_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"thesis\.txt"):
        run.prepare_folder(tmp_path, overwrite=True)


def test_finished_training_is_kept_unless_told(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(UsageError, match="a finished training"):
        run.prepare_folder(tmp_path, overwrite=False)
    run.prepare_folder(tmp_path, overwrite=True)
    assert list(tmp_path.iterdir()) == []


def test_finished_training_is_kept_where_a_name_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text("{}")
    for wrong in ({"split": "tempral"}, {"release": "virtual-9.0.0"}, {"seeds": []}):
        given = {"release": RELEASE, "split": "temporal", "seeds": [1], **wrong}
        with pytest.raises(UsageError):
            run.train("damped_persistence", out=tmp_path, overwrite=True, **given)
    assert [item.name for item in tmp_path.iterdir()] == ["model.json"]


def test_wrong_name_leaves_no_folder(tmp_path: Path) -> None:
    out = tmp_path / "new"
    with pytest.raises(UnknownNameError, match="split"):
        run.train("damped_persistence", release=RELEASE, split="tempral", out=out)
    assert not out.exists()


def test_file_in_place_of_a_folder_is_called_one(tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("mine")
    with pytest.raises(UsageError, match="found:    a file"):
        run.prepare_folder(file, overwrite=True)


@pytest.mark.parametrize("seeds", [3, [], [1, 1], [-1], [1.5], "12", [2**63]])
def test_seeds_that_are_none_are_refused(tmp_path: Path, seeds: Any) -> None:
    with pytest.raises(UsageError, match="seeds"):
        run.train("lstm", release=RELEASE, split="temporal", out=tmp_path, seeds=seeds)


def test_settings_change_those_of_the_rung_that_they_name() -> None:
    found = run.choose_settings("lstm_dro", NeuralSettings(weighting="quantile"))
    assert (found.group_step, found.weighting) == (0.01, "quantile")
    assert run.choose_settings("hybrid", None).warm_up == 365
    assert run.choose_settings("hybrid", NeuralSettings(warm_up=180)).warm_up == 180


def test_killed_training_may_go_on(tmp_path: Path) -> None:
    (tmp_path / "seed_1.pt").write_bytes(b"half")
    run.prepare_folder(tmp_path, overwrite=False)
    assert [item.name for item in tmp_path.iterdir()] == ["seed_1.pt"]


@pytest.mark.heavy
def test_training_writes_a_submission_with_seeds_as_members(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from somobench.submissions.submission import open_submission

    out = tmp_path / "lstm"
    record = run.train(
        "lstm", release=RELEASE, split="temporal", out=out, seeds=[1, 2], settings=TINY
    )
    submission = open_submission(out / "predictions.zarr.zip", None)
    assert submission.grid.sizes["member"] == 2
    assert json.loads((out / "model.json").read_text()) == record
    assert [seed["seed"] for seed in record["seeds"]] == [1, 2]


@pytest.mark.heavy
def test_forecast_is_a_submission_with_ten_lead_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from somobench.submissions.submission import open_submission

    monkeypatch.setattr(run, "find_spec", lambda _name: None)  # needs no PyTorch
    out = tmp_path / "damped"
    run.train("damped_persistence", release=RELEASE, split="temporal", out=out)
    submission = open_submission(out / "predictions.zarr.zip", None)
    assert submission.leads == list(range(1, 11))


@pytest.mark.heavy
def test_lstm_carries_what_is_left_of_its_error(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    given = {"release": RELEASE, "split": "temporal", "seeds": [1], "settings": TINY}
    record = run.train("lstm_carried", out=tmp_path / "carried", **given)
    shares = record["shares_of_error_left"]
    # An untrained network errs by what the soil holds, of which a day leaves most.
    assert len(shares) == 10
    assert all(0.7 < share < 1.1 for share in shares[0])
    assert all(last < first for first, last in zip(shares[0], shares[9], strict=True))


def test_help_of_train_loads_no_torch() -> None:
    code = (
        "import sys; from somobench.cli import app; import somobench.neural.rungs; "
        "import somobench.neural.run; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
