"""Features learn from train days of train cells alone: the rest changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.two_layers import (
    LENGTH,
    SERIES,
    TRAIN_DAYS,
    make_forcing,
    make_splits,
    make_targets,
    recipe_of_two_layers,
)
from somobench.pipelines.features import build_features
from somobench.schemas.recipe import Recipe
from somobench.statistics.climatology import OTHER_CELLS, REANALYSIS
from somobench.statistics.derive import measure_moments, measure_weather

LEARNED = (
    "climatology",
    "climatology_source",
    "normalisation_mean",
    "normalisation_std",
)


@pytest.fixture
def recipe() -> Recipe:
    return recipe_of_two_layers()


@pytest.fixture
def forcing(rng: np.random.Generator) -> xr.Dataset:
    return make_forcing(rng)


@pytest.fixture
def targets(rng: np.random.Generator) -> xr.Dataset:
    return make_targets(rng)


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_values_of_validation_and_test_days_change_nothing(seed: int) -> None:
    recipe = recipe_of_two_layers()
    rng = np.random.default_rng(seed)
    targets, forcing = make_targets(rng), make_forcing(rng)
    splits = make_splits().query("split == 'temporal'").reset_index(drop=True)
    expected = build_features(targets, forcing, splits, recipe)
    altered, weather = targets.copy(deep=True), forcing.copy(deep=True)
    hidden = slice(TRAIN_DAYS, None)
    for grid in (altered, weather):
        for name, array in grid.data_vars.items():
            if "time" in array.dims:
                part = grid[name].to_numpy()[..., hidden]
                part[...] = rng.permuted(part, axis=-1)
    altered["soil_moisture_in_situ"].to_numpy()[..., hidden] *= 0.5
    altered["scale_slope"] *= 3.0
    altered["scale_offset"] += 0.2
    xr.testing.assert_identical(
        build_features(altered, weather, splits, recipe), expected
    )


@given(st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_observations_of_a_held_out_cell_change_nothing(seed: int) -> None:
    recipe = recipe_of_two_layers()
    rng = np.random.default_rng(seed)
    targets, forcing = make_targets(rng), make_forcing(rng)
    splits = make_splits().query("split == 'spatial'").reset_index(drop=True)
    expected = build_features(targets, forcing, splits, recipe)
    altered = targets.copy(deep=True)
    altered["soil_moisture_in_situ"].to_numpy()[:, 1] = rng.random((2, LENGTH)) / 2
    altered["scale_slope"].to_numpy()[:, 1] = 5.0  # what those values would give
    found = build_features(altered, forcing, splits, recipe)
    for name in LEARNED:
        xr.testing.assert_identical(found[name], expected[name])
    train = [0, 2, 3]
    xr.testing.assert_identical(
        found["scale_slope"].isel(cell=train), expected["scale_slope"].isel(cell=train)
    )


def test_cell_with_full_record_factors_enters_no_statistic(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe
) -> None:
    # All train days of a cell are filled by other sensors: no line can be fitted on
    # them, and the line of the full record knows the test days.
    targets["is_gapfilled"][0, 2, :TRAIN_DAYS] = 1
    expected = build_features(targets, forcing, make_splits(), recipe)
    chosen = expected.sel(split="temporal").isel(layer=0, cell=2)
    assert chosen["scale_is_full_record"].item() == 1
    assert chosen["climatology_source"].item() == OTHER_CELLS
    altered = targets.copy(deep=True)
    altered["scale_slope"][0, 2], altered["scale_offset"][0, 2] = 1.4, 0.02
    found = build_features(altered, forcing, make_splits(), recipe)
    for name in LEARNED:
        xr.testing.assert_identical(
            found[name].sel(split="temporal"), expected[name].sel(split="temporal")
        )


def test_reanalysis_of_test_days_changes_no_climatology(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe
) -> None:
    targets["soil_moisture_in_situ"][1, :, 100:TRAIN_DAYS] = np.nan
    splits = make_splits().query("split == 'temporal'").reset_index(drop=True)
    expected = build_features(targets, forcing, splits, recipe)
    assert (expected["climatology_source"] == REANALYSIS).any()
    altered = forcing.copy(deep=True)
    altered["reanalysis_soil_moisture"][..., TRAIN_DAYS:] = 0.9
    found = build_features(targets, altered, splits, recipe)
    xr.testing.assert_identical(found["climatology"], expected["climatology"])


def test_normalisation_takes_train_cells_and_days_alone() -> None:
    # Train values of precipitation 1, 3 of the first cell: mean 2, std(ddof=0) 1.
    grid = xr.Dataset(
        {"precipitation": (SERIES[1:], [[1.0, 3.0, 90.0], [70.0, 80.0, 90.0]])}
    )
    train = np.array([[True, True, False], [False, False, False]])
    assert measure_weather(grid, train) == {"precipitation": (2.0, 1.0)}


def test_moments_are_those_of_known_values() -> None:
    assert measure_moments(np.array([0.125, 0.375, np.nan])) == (0.25, 0.125)
    assert np.isnan(measure_moments(np.array([np.nan]))).all()
