"""The stage `features`: train-only factors, climatologies, moments; feature sets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factories import days
from somobench.catalog.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.atomic import write_parquet
from somobench.climatology import NONE, OTHER_CELLS, OWN, REANALYSIS
from somobench.pipelines.feature_sets import define_feature_sets
from somobench.pipelines.features import build_features, write_features
from somobench.pipelines.split_features import climate_of_cells, normalisation
from somobench.schemas.grids import FEATURES
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.validate import validate_grid
from somobench.schemas.variables import attrs_of

LENGTH = 900
TRAIN_DAYS = 600
PERIOD = days(LENGTH, "2016-01-01")
NAMES = ["-30.125_145.625", "40.125_10.125", "41.125_10.125", "50.125_10.375"]
SERIES = ("layer", "cell", "time")
LEARNED = (
    "climatology",
    "climatology_source",
    "normalisation_mean",
    "normalisation_std",
)


def make_recipe(repository: Path, *, layers: tuple[int, ...] = (1, 2)) -> Recipe:
    """Return the committed recipe with two layers, those of `layers` scaled."""
    content = load_recipe(repository / "params.yaml").model_dump()
    content["layers"] = content["layers"][:2]
    content["reference"] |= {"layers": layers}
    return Recipe.model_validate(content)


def coords() -> dict[str, Any]:
    parts = [name.split("_") for name in NAMES]
    return {
        "cell": NAMES,
        "latitude": ("cell", [float(part[0]) for part in parts]),
        "longitude": ("cell", [float(part[1]) for part in parts]),
        "layer": np.array([1, 2], "int8"),
        "layer_depth_from": ("layer", [0.0, 0.1]),
        "layer_depth_to": ("layer", [0.1, 0.3]),
        "time": PERIOD,
    }


def make_forcing(rng: np.random.Generator) -> xr.Dataset:
    """Return rain, temperature, net radiation, skin temperature and a reference."""
    shape = (len(NAMES), LENGTH)
    season = np.sin(2 * np.pi * np.arange(LENGTH) / 365.25)
    values = {
        "precipitation": rng.gamma(0.5, 4, shape),
        "air_temperature": 285 + 8 * season + rng.normal(0, 2, shape),
        "net_radiation": 8 + 6 * season + rng.normal(0, 1, shape),
        "skin_temperature": 286 + 9 * season + rng.normal(0, 2, shape),
    }
    dataset = xr.Dataset(coords=coords())
    for name, array in values.items():
        dataset[name] = (SERIES[1:], array.astype("float32"), attrs_of(name))
    reference = 0.3 - 0.05 * season + rng.normal(0, 0.02, (2, *shape))
    dataset["reanalysis_soil_moisture"] = (
        SERIES,
        reference.astype("float32"),
        attrs_of("reanalysis_soil_moisture"),
    )
    return dataset


def make_targets(rng: np.random.Generator) -> xr.Dataset:
    """Return four cells: layer 2 has no target in the last of them."""
    shape = (2, len(NAMES), LENGTH)
    season = np.sin(2 * np.pi * np.arange(LENGTH) / 365.25)
    in_situ = 0.2 - 0.08 * season + rng.normal(0, 0.03, shape)
    in_situ[rng.random(shape) < 0.2] = np.nan
    in_situ[1, -1] = np.nan
    dataset = xr.Dataset(coords=coords())
    grid = SERIES[:2]
    slope, offset = np.full(shape[:2], 0.7), np.full(shape[:2], 0.15)
    slope[1, -1] = offset[1, -1] = np.nan
    scaled = np.round(0.15 + 0.7 * in_situ, 5).astype("float32")
    for name, array in (("soil_moisture", scaled), ("soil_moisture_in_situ", in_situ)):
        dataset[name] = (SERIES, array.astype("float32"), attrs_of(name))
    dataset["is_gapfilled"] = (SERIES, (rng.random(shape) < 0.1).astype("int8"))
    dataset["observation_count"] = (SERIES, np.full(shape, 24, "int16"))
    dataset["scale_slope"], dataset["scale_offset"] = (grid, slope), (grid, offset)
    for name, dtype in (
        ("overlap_days", "int32"),
        ("station_count", "int16"),
        ("accepted_count", "int16"),
        ("used_count", "int16"),
        ("station_spread", "float32"),
        ("depth_from", "float32"),
        ("depth_to", "float32"),
    ):
        dataset[name] = (grid, np.zeros(shape[:2], dtype))
    for name in ("primary_network", "primary_station", "primary_sensor"):
        dataset[name] = (grid, np.full(shape[:2], "x"))
    return dataset.assign_attrs(reference="era5", reference_by_layer="era5 era5")


def make_splits(held_out: str = NAMES[1]) -> pd.DataFrame:
    """Return a split by time for all cells, and one that holds a cell out."""
    first, last = PERIOD[0], PERIOD[-1]
    border = PERIOD[TRAIN_DAYS]
    day = pd.Timedelta(days=1)
    rows = []
    for name in NAMES:
        rows += [
            ("temporal", name, first, border - day, "train"),
            ("temporal", name, border, border + 99 * day, "validation"),
            ("temporal", name, border + 100 * day, last, "test"),
            ("spatial", name, first, last, "test" if name == held_out else "train"),
        ]
    frame = pd.DataFrame(rows, columns=["split", "cell_id", "start", "end", "role"])
    frame = frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    return frame.sort_values(["split", "cell_id", "start"], ignore_index=True)


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    return make_recipe(repository)


@pytest.fixture
def forcing(rng: np.random.Generator) -> xr.Dataset:
    return make_forcing(rng)


@pytest.fixture
def targets(rng: np.random.Generator) -> xr.Dataset:
    return make_targets(rng)


def test_train_factors_match_the_primary_to_the_reference_on_train_days(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe
) -> None:
    features = build_features(targets, forcing, make_splits(), recipe)
    validate_grid(features, FEATURES, "features")
    cell, split = NAMES[2], features.sel(split="temporal", layer=1)
    place = {"layer": 0, "cell": NAMES.index(cell), "time": slice(0, TRAIN_DAYS)}
    series = targets["soil_moisture_in_situ"].isel(place).to_numpy().astype(float)
    use = np.isfinite(series) & (targets["is_gapfilled"].isel(place).to_numpy() == 0)
    reference = forcing["reanalysis_soil_moisture"].isel(place).to_numpy().astype(float)
    slope = np.std(reference[use], ddof=1) / np.std(series[use], ddof=1)
    assert split["scale_slope"].sel(cell=cell).item() == pytest.approx(slope, 1e-9)
    assert split["scale_offset"].sel(cell=cell).item() == pytest.approx(
        reference[use].mean() - slope * series[use].mean(), 1e-9
    )
    assert split["scale_is_full_record"].sum() == 0


def test_held_out_cell_keeps_the_full_record_factors_and_is_flagged(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe
) -> None:
    features = build_features(targets, forcing, make_splits(), recipe)
    spatial = features.sel(split="spatial")
    flags = spatial["scale_is_full_record"].sel(layer=1)
    assert flags.to_numpy().tolist() == [0, 1, 0, 0]
    assert spatial["scale_slope"].sel(layer=1, cell=NAMES[1]).item() == 0.7
    assert spatial["scale_offset"].sel(layer=1, cell=NAMES[1]).item() == 0.15
    sources = spatial["climatology_source"].sel(layer=1)
    assert sources.to_numpy().tolist() == [OWN, OTHER_CELLS, OWN, OWN]


@pytest.mark.parametrize(("overlap", "flag"), [(89, 1), (90, 0)])
def test_factors_need_ninety_train_days_of_the_primary(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe, overlap: int, flag: int
) -> None:
    in_situ = targets["soil_moisture_in_situ"].to_numpy()
    in_situ[0, 2] = np.linspace(0.1, 0.3, LENGTH)
    in_situ[0, 2, overlap:TRAIN_DAYS] = np.nan
    targets["is_gapfilled"][0, 2] = 0
    features = build_features(targets, forcing, make_splits(), recipe)
    chosen = features.sel(split="temporal").isel(layer=0, cell=2)
    assert chosen["scale_is_full_record"].item() == flag
    assert (chosen["scale_slope"].item() == 0.7) is bool(flag)
    # 89 and 90 train days are both below the 180 of an own climatology.
    assert chosen["climatology_source"].item() == OTHER_CELLS


def test_layer_without_target_in_a_cell_stays_missing(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe
) -> None:
    features = build_features(targets, forcing, make_splits(), recipe)
    absent = features.sel(split="temporal", layer=2, cell=NAMES[-1])
    assert np.isnan(absent["scale_slope"])
    assert np.isnan(absent["climatology"]).all()
    assert absent["climatology_source"].item() == NONE
    assert absent["scale_is_full_record"].item() == 0


def test_layer_without_reference_has_the_identity_and_no_flag(
    targets: xr.Dataset, forcing: xr.Dataset, repository: Path
) -> None:
    targets["scale_slope"][1, :3], targets["scale_offset"][1, :3] = 1.0, 0.0
    recipe = make_recipe(repository, layers=(1,))
    features = build_features(targets, forcing, make_splits(), recipe)
    unscaled = features.sel(split="spatial", layer=2).isel(cell=slice(0, 3))
    assert (unscaled["scale_slope"] == 1).all()
    assert (unscaled["scale_offset"] == 0).all()
    assert (unscaled["scale_is_full_record"] == 0).all()


def test_reanalysis_stands_in_where_no_train_cell_has_a_climatology(
    targets: xr.Dataset, forcing: xr.Dataset, repository: Path
) -> None:
    targets["soil_moisture_in_situ"][1, :, 100:TRAIN_DAYS] = np.nan
    with_reference = build_features(
        targets, forcing, make_splits(), make_recipe(repository)
    ).sel(split="temporal", layer=2)
    assert set(with_reference["climatology_source"].to_numpy()[:3]) == {REANALYSIS}
    found = with_reference["climatology"].isel(cell=0)
    assert float(found.mean()) == pytest.approx(0.3, abs=0.02)
    without = build_features(
        targets, forcing, make_splits(), make_recipe(repository, layers=(1,))
    ).sel(split="temporal", layer=2)
    assert set(without["climatology_source"].to_numpy()[:3]) == {NONE}
    assert np.isnan(without["climatology"]).all()


@given(st.integers(0, 10_000))
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_values_of_validation_and_test_days_change_nothing(
    repository: Path, seed: int
) -> None:
    recipe = make_recipe(repository)
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
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_observations_of_a_held_out_cell_change_nothing(
    repository: Path, seed: int
) -> None:
    recipe = make_recipe(repository)
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
    # Train-scaled targets 0.1, 0.3 in layer 1 and none in layer 2.
    series = np.array([[[0.1, 0.3, np.nan], [np.nan] * 3], [[np.nan] * 3] * 2])
    found = normalisation(grid, series, train, np.array([1, 2], np.int8))
    assert found["variable"].to_numpy().tolist() == [
        "precipitation",
        "soil_moisture_layer1",
        "soil_moisture_layer2",
    ]
    np.testing.assert_allclose(found["normalisation_mean"], [2.0, 0.2, np.nan])
    np.testing.assert_allclose(found["normalisation_std"], [1.0, 0.1, np.nan])


def test_climate_is_that_of_the_window_and_missing_without_radiation(
    recipe: Recipe,
) -> None:
    grid = xr.Dataset(
        {
            "precipitation": (SERIES[1:], [[1.0, 3.0, 99.0]]),
            "net_radiation": (SERIES[1:], [[9.8, 9.8, 0.0]]),
            "air_temperature": (SERIES[1:], [[280.0, 290.0, 0.0]]),
        },
        coords={"latitude": ("cell", [50.0])},
    )
    window = np.array([True, True, False])
    # dryness 9.8 / (2.45 * 2) = 2
    found = climate_of_cells(grid, window, recipe)
    np.testing.assert_allclose(found, [[50.0, 285.0, np.log(2)]])
    without = climate_of_cells(grid.drop_vars("net_radiation"), window, recipe)
    assert np.isnan(without[0, 2])


def test_all_feature_sets_are_defined_where_inputs_are_there() -> None:
    found = define_feature_sets(
        ["precipitation", "air_temperature", "skin_temperature", "evaporation"],
        [1, 2],
        7,
    )
    assert found["refused"] == {}
    sets = found["feature_sets"]
    assert sets["climatology"]["variables"] == ["day_of_year", "climatology"]
    assert sets["forcing"]["variables"] == ["precipitation", "air_temperature"]
    assert sets["forcing"]["lags"] == [0]
    assert sets["memory"]["variables"] == sets["forcing"]["variables"]
    assert sets["memory"]["lags"] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert sets["state"]["variables"] == [
        "precipitation",
        "air_temperature",
        "skin_temperature",
        "soil_moisture_above",
    ]
    needing = {name for name, item in sets.items() if item["needs_observations"]}
    assert needing == {"state"}
    assert {tuple(item["layers"]) for item in sets.values()} == {(1, 2)}


def test_state_is_refused_without_skin_temperature() -> None:
    found = define_feature_sets(["precipitation", "net_radiation"], [1], 7)
    assert set(found["feature_sets"]) == {"climatology", "forcing", "memory"}
    assert found["refused"] == {"state": "the forcing has no skin_temperature"}


def test_sets_with_meteorology_are_refused_without_any() -> None:
    found = define_feature_sets(["skin_temperature"], [1], 7)
    assert set(found["feature_sets"]) == {"climatology"}
    assert set(found["refused"]) == {"forcing", "memory", "state"}
    assert "precipitation" in found["refused"]["forcing"]


def test_stage_writes_the_same_bytes_twice(
    tmp_path: Path, targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe
) -> None:
    write_zarr_zip(targets, tmp_path / "targets.zarr.zip")
    write_zarr_zip(forcing, tmp_path / "forcing.zarr.zip")
    write_parquet(make_splits(), tmp_path / "splits.parquet")
    names = ("features.zarr.zip", "features.json")
    runs = []
    for _ in range(2):
        write_features(recipe, tmp_path)
        runs.append([(tmp_path / name).read_bytes() for name in names])
    assert runs[0] == runs[1]
    with open_zarr_zip(tmp_path / "features.zarr.zip") as written:
        xr.testing.assert_equal(
            written.load(), build_features(targets, forcing, make_splits(), recipe)
        )
    definitions = json.loads(runs[0][1])
    assert set(definitions["feature_sets"]) == {
        "climatology",
        "forcing",
        "memory",
        "state",
    }


def test_release_without_any_split_has_features_of_none(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    found = build_features(targets, forcing, make_splits().iloc[:0], recipe)
    validate_grid(found, FEATURES, "features")
    assert found.sizes["split"] == 0
    write_zarr_zip(found, tmp_path / "features.zarr.zip")
    with open_zarr_zip(tmp_path / "features.zarr.zip") as written:
        assert written["climatology"].shape == (0, 2, len(NAMES), 366)
