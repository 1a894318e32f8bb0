"""The audit of features: every statistic that knows held-out days is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.days import make_forcing, make_splits, make_targets
from factories.splits import range_row
from somobench.pipelines.features import build_features
from somobench.pipelines.features.statistics import derive_features
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.splits.feature_audit import audit_features


@pytest.fixture(scope="module")
def learnt() -> dict[str, Any]:
    """Return two cells of 800 days, the second held out, and features of its split."""
    targets, forcing = make_targets(length=800), make_forcing(length=800)
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 0.01, targets["soil_moisture_in_situ"].shape)
    for name in ("soil_moisture", "soil_moisture_in_situ"):
        targets[name] = targets[name] + noise.astype("float32")
    first, second = targets["cell"].to_numpy().astype(str)
    rows = [
        range_row("2018-01-01", "2019-03-31", "train", first),
        range_row("2019-04-08", "2019-09-30", "validation", first),
        range_row("2019-10-08", "2020-03-10", "test", first),
        range_row("2018-01-01", "2020-03-10", "test", second),
    ]
    splits = pd.DataFrame(rows).assign(split="temporal")[make_splits().columns]
    root = Path(__file__).resolve().parents[2]
    recipe = load_recipe(root / "params.yaml")
    return {
        "targets": targets,
        "forcing": forcing,
        "splits": splits,
        "recipe": recipe,
        "features": build_features(targets, forcing, splits, recipe),
    }


def audited(learnt: dict[str, Any], features: xr.Dataset) -> dict[str, int]:
    recipe: Recipe = learnt["recipe"]
    found = audit_features(
        features,
        learnt["targets"],
        learnt["forcing"],
        learnt["splits"],
        lambda *given: derive_features(*given, recipe),
    )
    return {
        item.check: item.number
        for item in found["temporal"]
        if item.severity == "failure"
    }


def learnt_from(learnt: dict[str, Any], **rows: str) -> xr.Dataset:
    """Return features learnt from wrong rows: every row whose role is in `rows`."""
    splits = learnt["splits"].replace({"role": rows})
    return build_features(
        learnt["targets"], learnt["forcing"], splits, learnt["recipe"]
    )


def test_features_of_train_days_raise_no_alarm(learnt: dict[str, Any]) -> None:
    assert audited(learnt, learnt["features"]) == {}


@pytest.mark.parametrize(
    "name",
    [
        "climatology",
        "scale_slope",
        "scale_offset",
        "normalisation_mean",
        "normalisation_std",
    ],
)
@pytest.mark.parametrize("role", ["validation", "test"])
def test_statistic_that_knows_held_out_days_is_found(
    learnt: dict[str, Any], role: str, name: str
) -> None:
    leaking = learnt_from(learnt, **{role: "train"})
    features = learnt["features"].assign({name: leaking[name]})
    assert set(audited(learnt, features)) == {name}


def test_normalisation_over_test_cells_is_found(learnt: dict[str, Any]) -> None:
    # The mean rain of both cells, over the train days of the first alone.
    rain = learnt["forcing"]["precipitation"].sel(time=slice(None, "2019-03-31"))
    features = learnt["features"].copy(deep=True)
    features["normalisation_mean"].loc[{"variable": "precipitation"}] = float(
        rain.mean()
    )
    assert audited(learnt, features) == {"normalisation_mean": 1}


def test_derivation_that_itself_looks_at_test_days_is_found(
    learnt: dict[str, Any],
) -> None:
    def leaking(targets: xr.Dataset, forcing: xr.Dataset, train: Any) -> xr.Dataset:
        everything = np.ones_like(train)
        return derive_features(targets, forcing, everything, learnt["recipe"])

    stored = leaking(learnt["targets"], learnt["forcing"], np.ones((2, 800), bool))
    found = audit_features(
        stored.expand_dims(split=["temporal"]),
        learnt["targets"],
        learnt["forcing"],
        learnt["splits"],
        leaking,
    )
    failures = {item.check for item in found["temporal"] if item.severity == "failure"}
    assert {"climatology", "normalisation_mean", "normalisation_std"} <= failures
