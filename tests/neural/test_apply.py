"""A trained network applied to cells: what its training predicted, from its folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from somobench.catalog.resolve import resolve
from somobench.ladder.release import read_problem
from somobench.neural import run
from somobench.neural.settings import NeuralSettings
from somobench.schemas.errors import InputError, IntegrityError
from somobench.submissions.submission import open_submission

RELEASE = "virtual-2.0.0"
RECORD = {
    "model": "lstm",
    "settings": {},
    "inputs": [[["precipitation"], [0.0], [1.0]], [[], [], []], [0.2], [0.1]],
    "seeds": [{"seed": 1}],
}
TINY = NeuralSettings(hidden=4, days=60, warm_up=30, batch=4, updates=4, checks=1)


@pytest.mark.heavy
@pytest.mark.parametrize("name", ["lstm", "ea_lstm", "hybrid"])
def test_network_from_its_folder_predicts_what_it_was_scored_on(
    tmp_path: Path, name: str
) -> None:
    pytest.importorskip("torch")
    from somobench.neural.apply import load_trained, predict_cells

    run.train(
        name, release=RELEASE, split="temporal", out=tmp_path / "model", seeds=[1, 2],
        settings=TINY,
    )  # fmt: skip
    labelled = read_problem(resolve(RELEASE), "temporal")
    problem = labelled.problem
    found = predict_cells(
        load_trained(tmp_path / "model"), problem.forcing, problem.statics
    )
    scored = open_submission(tmp_path / "model" / run.PREDICTIONS_FILE).grid[
        "soil_moisture"
    ]
    wanted = scored.mean("member", skipna=False).transpose("layer", "cell", "time")
    cells = labelled.axes.get_index("cell").get_indexer(wanted.get_index("cell"))
    days = labelled.axes.get_index("time").get_indexer(wanted.get_index("time"))
    ours = found[:, cells][:, :, days]
    given = np.isfinite(wanted.to_numpy())
    assert given.sum() > 1000
    # Both are rounded to five decimals, the mean of the seeds once more.
    np.testing.assert_allclose(ours[given], wanted.to_numpy()[given], atol=1.1e-5)


def test_a_folder_without_a_training_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from somobench.neural.apply import read_record

    with pytest.raises(InputError, match="folder of a finished training"):
        read_record(tmp_path)
    (tmp_path / "model.json").write_text('{"model": "ridge_rollout"}')
    with pytest.raises(InputError, match="lstm, ea_lstm, hybrid"):
        read_record(tmp_path)


def test_damaged_weights_are_named_with_a_way_on(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from somobench.neural.apply import load_trained

    (tmp_path / "model.json").write_text(json.dumps(RECORD))
    (tmp_path / "seed_1.pt").write_bytes(b"junk")
    with pytest.raises(IntegrityError, match="train again"):
        load_trained(tmp_path)


def test_a_store_of_water_is_unknown_from_the_first_gap_on() -> None:
    pytest.importorskip("torch")
    from somobench.neural.apply import Trained

    rain = np.array([[np.nan, 1.0, 1.0, np.nan, 1.0]], np.float32)
    for kind, expected in (("lstm", [0, 1, 1, 0, 1]), ("hybrid", [0, 1, 1, 0, 0])):
        trained = Trained(kind, (), None, ("rain",), 0)  # type: ignore[arg-type]
        assert trained.mark_known({"rain": rain}).astype(int).tolist() == [expected]
