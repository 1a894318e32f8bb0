"""Train targets know train days alone: gap filling, factors, and the audit of both."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.days import cell_ids
from factories.splits import range_row
from factories.targets import make_recipe, make_reference, make_series
from somobench.catalog.scaling import LEFT_OUT, scale_by_train_days
from somobench.catalog.view import view_roles
from somobench.pipelines.features import build_features
from somobench.pipelines.features.train_targets import (
    TargetInputs,
    add_measured,
    rebuild_train_targets,
)
from somobench.pipelines.targets.cells import DenseSeries, build_targets
from somobench.pipelines.targets.grid import TargetGrid
from somobench.schemas.recipe import Recipe
from somobench.schemas.variables import TEST, TRAIN
from somobench.splits.feature_audit import audit_train_targets

CELL = cell_ids()[0]
LAST_TRAIN, FIRST_TEST = 249, 260  # places of days; nothing has the days between
FILLED = slice(100, 120)  # train days that the secondary `good` fills
SECONDARY = 1  # row of `good`
POSITIONS = pd.DataFrame(
    [[float(part) for part in cell.split("_")] for cell in cell_ids()],
    index=cell_ids(),
    columns=["latitude", "longitude"],
)


def make_splits(period: pd.DatetimeIndex) -> pd.DataFrame:
    """Return a split in time, and one that trains on the whole record of the cell."""
    day = [f"{period[place]:%Y-%m-%d}" for place in (0, LAST_TRAIN, FIRST_TEST, -1)]
    rows = [
        range_row(day[0], day[1], "train", CELL) | {"split": "temporal"},
        range_row(day[2], day[3], "test", CELL) | {"split": "temporal"},
        range_row(day[0], day[3], "train", CELL) | {"split": "spatial"},
    ]
    return pd.DataFrame(rows)[["split", "cell_id", "start", "end", "role"]]


class World:
    """Targets of one cell with their inputs, and the features of two splits."""

    def __init__(
        self, series: DenseSeries, reference: xr.DataArray, recipe: Recipe
    ) -> None:
        self.splits = make_splits(series.days)
        grid = TargetGrid(series, POSITIONS, recipe)
        primaries = {}
        for result in build_targets(series, reference, recipe):
            grid.add(result)
            if result.target is not None:
                place = result.layer, result.cell_id
                primaries[place] = result.target.primary.row
        self.inputs = TargetInputs(series, primaries, reference, recipe)
        self.targets = add_measured(grid.dataset(), self.inputs)
        forcing = reference.to_dataset(name="reanalysis_soil_moisture")
        self.features = build_features(self.targets, forcing, self.splits, recipe)

    def train_values(self, split: str) -> Any:
        """Return what a user of `scaling="train"` has on train days, layer 1."""
        role = view_roles(self.splits, self.targets, split)
        factors = self.features.sel(split=split)
        values = scale_by_train_days(self.targets, factors, role)
        return values.where(role == TRAIN).to_numpy()[0, 0]

    def audit(
        self,
        *,
        targets: xr.Dataset | None = None,
        features: xr.Dataset | None = None,
    ) -> dict[tuple[str, str], tuple[str, int]]:
        """Return severity and number by split and check, of changed grids if given."""
        found = audit_train_targets(
            self.features if features is None else features,
            self.targets if targets is None else targets,
            self.splits,
            partial(rebuild_train_targets, self.inputs, cell_ids()),
        )
        return {
            (split, item.check): (item.severity, item.number)
            for split, items in found.items()
            for item in items
        }


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    return make_recipe(repository)


@pytest.fixture
def reference(rng: np.random.Generator) -> xr.DataArray:
    return make_reference(rng)


@pytest.fixture
def series(rng: np.random.Generator) -> DenseSeries:
    made = make_series(rng)
    return replace(made, values=made.values.round(5))


@pytest.fixture
def world(series: DenseSeries, reference: xr.DataArray, recipe: Recipe) -> World:
    return World(series, reference, recipe)


def with_other_test_days(series: DenseSeries, *, invert: bool) -> DenseSeries:
    """Return sensors of which the secondary alone differs, on test days alone."""
    values = series.values.copy()
    part = values[SECONDARY, FIRST_TEST:]
    part[...] = 0.5 - part if invert else 0.6 * part
    return replace(series, values=values)


@pytest.mark.parametrize("invert", [True, False])
def test_test_days_of_a_secondary_move_full_values_and_no_train_value(
    series: DenseSeries, reference: xr.DataArray, recipe: Recipe, *, invert: bool
) -> None:
    first = World(series, reference, recipe)
    other = World(with_other_test_days(series, invert=invert), reference, recipe)
    full = [
        world.targets["soil_moisture"].to_numpy()[0, 0, FILLED]
        for world in (first, other)
    ]
    # The published rule matches the secondary on all days, or doesn't accept it.
    assert np.isnan(full[1]).all() or np.abs(full[0] - full[1]).max() > 0.01
    np.testing.assert_array_equal(
        first.train_values("temporal"), other.train_values("temporal")
    )
    for name in ("climatology", "scale_slope", "normalisation_mean"):
        xr.testing.assert_identical(
            first.features[name].sel(split="temporal"),
            other.features[name].sel(split="temporal"),
        )


def test_filled_days_stay_on_test_days_and_where_a_cell_has_one_role(
    world: World,
) -> None:
    assert np.isnan(world.train_values("temporal")[FILLED]).all()
    assert np.isfinite(world.train_values("spatial")[FILLED]).all()
    role = view_roles(world.splits, world.targets, "temporal")
    filled = world.targets.copy(deep=True)
    filled["is_gapfilled"][0, 0, FIRST_TEST:] = 1
    factors = world.features.sel(split="temporal")
    values = scale_by_train_days(filled, factors, role).to_numpy()[0, 0]
    here = np.isfinite(filled["soil_moisture_in_situ"].to_numpy()[0, 0])
    tested = (role == TEST).to_numpy()[0]
    np.testing.assert_array_equal(np.isfinite(values)[tested], here[tested])


def test_train_targets_of_train_days_raise_no_alarm(world: World) -> None:
    assert world.audit() == {
        ("temporal", "train_values_left_out"): ("reported", 20),
    }


def test_values_that_a_release_fills_on_train_days_are_found(world: World) -> None:
    features = world.features.copy()
    del features["scale_is_full_record"].attrs[LEFT_OUT]  # as releases before it were
    found = world.audit(features=features)
    severity, number = found["temporal", "train_targets"]
    assert severity == "failure"
    assert 15 <= number <= 20  # a filled value may agree by chance
    assert ("spatial", "train_targets") not in found


def test_filled_value_that_is_called_measured_is_found(world: World) -> None:
    targets = world.targets.copy(deep=True)
    targets["is_gapfilled"][0, 0, FILLED] = 0
    assert world.audit(targets=targets)["temporal", "train_targets"][0] == "failure"


def test_single_value_of_another_series_is_found(world: World) -> None:
    targets = world.targets.copy(deep=True)
    targets["soil_moisture_in_situ"][0, 0, 50] += 3e-5
    found = world.audit(targets=targets)
    assert found["temporal", "train_targets"] == ("failure", 1)
    assert found["spatial", "train_targets"] == ("failure", 1)


def test_factors_of_the_full_record_are_found(world: World) -> None:
    features = world.features.copy(deep=True)
    for name in ("scale_slope", "scale_offset"):
        features[name].loc[{"split": "temporal"}] = world.targets[name]
    severity, number = world.audit(features=features)["temporal", "train_targets"]
    assert severity == "failure"
    assert number > 200


def test_train_values_by_factors_of_the_full_record_are_left_out(
    series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    values = series.values.copy()
    values[0, 80 : LAST_TRAIN + 1] = np.nan  # 80 train days of the primary: no line
    values[1:5] = np.nan
    world = World(replace(series, values=values), reference, recipe)
    flags = world.features["scale_is_full_record"].sel(split="temporal", layer=1)
    assert flags.to_numpy().tolist() == [1]
    assert np.isnan(world.train_values("temporal")).all()
    assert world.audit() == {("temporal", "train_values_left_out"): ("reported", 80)}


def test_test_days_move_no_train_value_where_a_dry_spell_was_filled(
    repository: Path,
) -> None:
    # Under a dry reference ten dry days of the primary scale below zero with factors
    # of the full record, so another sensor fills them: which days that are rests on
    # test days, but the fit has to have what the primary measured on them all the same.
    rng = np.random.default_rng(0)
    series = make_series(rng)
    reference = (make_reference(rng) - 0.3) * 1.2 + 0.06
    worlds = []
    for changed in (False, True):
        values = series.values.copy()
        values[0, 30:40] = 0.02 + 0.004 * np.arange(10)
        if changed:  # test days alone
            level = np.nanmean(values[0, 260:])
            values[0, 260:] = np.clip(level + (values[0, 260:] - level) * 10, 0, 1)
        dense = replace(series, values=values.round(5))
        worlds.append(World(dense, reference, make_recipe(repository)))
    before, after = (world.train_values("temporal") for world in worlds)
    both = np.isfinite(before) & np.isfinite(after)
    assert both.sum() > 100
    np.testing.assert_allclose(before[both], after[both], atol=1.5e-5)
    found = [world.audit() for world in worlds]
    assert [
        key for one in found for key, (kind, _) in one.items() if kind == "failure"
    ] == []
