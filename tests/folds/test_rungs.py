"""The ladder of all folds: each rung trained once a fold, joined cell by cell."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from somobench.folds.rungs import (
    FoldRungs,
    build_fold_problem,
    climb_fold,
    join_folds,
    open_folds,
)
from somobench.ladder import climb
from somobench.ladder.rungs import RUNGS, Prediction, fit_predict
from somobench.metrics import score
from somobench.schemas.errors import UsageError

VIRTUAL = "virtual-2.0.0"


def part(
    cells: list[str], rungs: dict[str, float], layers: int = 1, **refused: str
) -> FoldRungs:
    """Return predictions of a fold: a constant a rung."""
    shape = (len(rungs), layers, len(cells), 2)
    values = np.broadcast_to(
        np.array(list(rungs.values()), "float32")[:, None, None, None], shape
    )
    grid = xr.Dataset(
        {
            "soil_moisture": (("rung", "layer", "cell", "time"), values.copy()),
            "needs_observations": ("rung", np.zeros(len(rungs), "int8")),
        },
        coords={
            "rung": list(rungs),
            "layer": np.arange(1, layers + 1, dtype="int8"),
            "cell": cells,
            "latitude": ("cell", np.arange(len(cells), dtype=float)),
            "time": pd.date_range("2020-01-01", periods=2),
        },
        attrs={"split": "spatial"},
    )
    return FoldRungs(grid, refused, frozenset(range(1, layers + 1)))


def test_cells_keep_what_their_own_fold_predicts() -> None:
    joined = join_folds(
        [
            part(["b", "d"], {"climatology": 0.1, "ridge_forcing": 0.2}),
            part(["a", "c"], {"climatology": 0.3, "ridge_forcing": 0.4}),
        ],
        "toy-0.1.0",
    )
    assert joined.grid.attrs["split"] == "spatial_folds"
    found = joined.grid["soil_moisture"].sel(layer=1).isel(time=0)
    expected = {"b": 0.1, "d": 0.1, "a": 0.3, "c": 0.3}
    for cell, value in expected.items():
        assert found.sel(rung="climatology", cell=cell) == pytest.approx(value)
        assert found.sel(rung="ridge_forcing", cell=cell) == pytest.approx(value + 0.1)


def test_rung_that_lacks_in_one_fold_is_left_out_with_the_reason() -> None:
    joined = join_folds(
        [
            part(["b"], {"climatology": 0.1, "ridge_forcing": 0.2}),
            part(["a"], {"climatology": 0.3}, ridge_forcing="12 train values"),
        ],
        "toy-0.1.0",
    )
    assert joined.grid["rung"].to_numpy().tolist() == ["climatology"]
    assert joined.refused["ridge_forcing"] == "fold 1: 12 train values"


def test_rung_that_lacks_a_layer_in_one_fold_is_left_out_with_the_reason() -> None:
    parts = [
        part([cell], {"climatology": 0.1, "reanalysis": 0.2, "persistence": 0.3}, 3)
        for cell in "ab"
    ]
    for cell_part in parts:  # no fold has it: the rung doesn't know the layer
        cell_part.grid["soil_moisture"].loc[{"rung": "persistence", "layer": 3}] = (
            np.nan
        )
    parts[1].grid["soil_moisture"].loc[{"rung": "reanalysis", "layer": 2}] = np.nan
    joined = join_folds(parts, "toy-0.1.0")
    assert joined.grid["rung"].to_numpy().tolist() == ["climatology", "persistence"]
    assert joined.refused == {"reanalysis": "fold 1: no prediction of layer 2"}
    # A layer that the fold doesn't test isn't asked for.
    parts[1] = parts[1]._replace(tested=frozenset({1, 3}))
    assert join_folds(parts, "toy-0.1.0").refused == {}


def test_no_rung_in_every_fold_is_refused() -> None:
    parts = [
        part(["b"], {"climatology": 0.1}, ridge_forcing="no weather"),
        part(["a"], {"ridge_forcing": 0.3}, climatology="no train cell"),
    ]
    every = dict.fromkeys(("linear_1", "cluster_regression"), "absent")
    parts[0] = parts[0]._replace(refused={**parts[0].refused, **every})
    names = ("ridge_memory", "gradient_boosting", "water_balance", "reanalysis")
    more = dict.fromkeys((*names, "persistence", "ridge_state"), "absent")
    parts[1] = parts[1]._replace(refused={**parts[1].refused, **more})
    with pytest.raises(UsageError, match="a rung that every fold can train"):
        join_folds(parts, "toy-0.1.0")


@pytest.mark.heavy
def test_fold_is_climbed_on_its_own_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(climb, "RUNGS", {"climatology": RUNGS["climatology"]})
    opened = open_folds(VIRTUAL)
    found = climb_fold(opened, 1)
    tested = opened.folds.rows[1].query("role == 'test'")["cell_id"]
    assert {*found.grid["cell"].to_numpy()} == {*tested}
    assert (found.tested, found.refused) == ({1, 2, 3}, {})


@pytest.mark.heavy
def test_rung_of_the_published_fold_scores_as_published() -> None:
    opened = open_folds(VIRTUAL)
    problem = build_fold_problem(opened, 0)
    outcome = fit_predict("ridge_memory", problem)
    assert isinstance(outcome, Prediction)
    view = opened.folds.view(0)
    target = view.train_scaled().where(
        xr.DataArray(view.has_role(3), dims=("cell", "time"))
    )
    found = score(target.copy(data=outcome.values), target, metrics=["pearson_r"])
    table = pd.read_parquet(io.BytesIO(opened.release.read_file("scores.parquet")))
    row = table.query(
        "split == 'spatial' and model == 'ridge_memory' and metric == 'pearson_r'"
        " and layer == 0 and pool_kind == 'plain' and against == ''"
    )
    assert found["pearson_r"].median().item() == pytest.approx(
        row["value"].item(), abs=2e-4
    )
