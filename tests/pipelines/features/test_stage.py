"""The stage `features`: train-only factors, climatologies, moments."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.targets import make_recipe, make_reference, make_series, write_inputs
from factories.two_layers import (
    LENGTH,
    NAMES,
    SERIES,
    TRAIN_DAYS,
    make_forcing,
    make_splits,
    make_targets,
    recipe_of_two_layers,
)
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.pipelines import stage
from somobench.pipelines.features import build_features, write_features
from somobench.pipelines.features.statistics import choose_options
from somobench.pipelines.stage import hold_grid, load_grid
from somobench.pipelines.targets import write_targets
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.grids import FEATURES, FORCING, TARGETS
from somobench.schemas.recipe import Recipe
from somobench.schemas.validate import validate_grid
from somobench.schemas.variables import get_attrs
from somobench.statistics.climatology import NONE, OTHER_CELLS, OWN, REANALYSIS
from somobench.statistics.derive import derive_cell_climate

WEATHER = {
    "precipitation": 2.0,  # mm d-1
    "air_temperature": 285.0,  # K
    "net_radiation": 8.0,  # MJ m-2 d-1
    "skin_temperature": 286.0,  # K
}


@pytest.fixture
def recipe() -> Recipe:
    return recipe_of_two_layers()


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
    targets: xr.Dataset, forcing: xr.Dataset
) -> None:
    targets["scale_slope"][1, :3], targets["scale_offset"][1, :3] = 1.0, 0.0
    recipe = recipe_of_two_layers(scaled=(1,))
    features = build_features(targets, forcing, make_splits(), recipe)
    unscaled = features.sel(split="spatial", layer=2).isel(cell=slice(0, 3))
    assert (unscaled["scale_slope"] == 1).all()
    assert (unscaled["scale_offset"] == 0).all()
    assert (unscaled["scale_is_full_record"] == 0).all()


def test_reanalysis_stands_in_where_no_train_cell_has_a_climatology(
    targets: xr.Dataset, forcing: xr.Dataset
) -> None:
    targets["soil_moisture_in_situ"][1, :, 100:TRAIN_DAYS] = np.nan
    with_reference = build_features(
        targets, forcing, make_splits(), recipe_of_two_layers()
    ).sel(split="temporal", layer=2)
    assert set(with_reference["climatology_source"].to_numpy()[:3]) == {REANALYSIS}
    found = with_reference["climatology"].isel(cell=0)
    assert float(found.mean()) == pytest.approx(0.3, abs=0.02)
    without = build_features(
        targets, forcing, make_splits(), recipe_of_two_layers(scaled=(1,))
    ).sel(split="temporal", layer=2)
    assert set(without["climatology_source"].to_numpy()[:3]) == {NONE}
    assert np.isnan(without["climatology"]).all()


def test_reanalysis_of_one_season_stands_for_the_whole_year(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe
) -> None:
    # Forty train days from 1 January: too few for any cell, and for most of the year.
    splits = make_splits().query("split == 'temporal'")
    splits.loc[splits["role"] == "train", "end"] = pd.Timestamp("2016-02-09")
    features = build_features(targets, forcing, splits, recipe)
    validate_grid(features, FEATURES, "features")
    found = features.sel(split="temporal", layer=1)
    assert set(found["climatology_source"].to_numpy()) == {REANALYSIS}
    year = found["climatology"].isel(cell=0).to_numpy()
    reach = 2 + 17  # of means over 5 and over 35 days
    covered, rest = np.split(np.roll(year, reach), [reach + 40 + reach])
    assert np.ptp(covered) > 1e-3
    np.testing.assert_allclose(rest, covered.mean(dtype=float), atol=1e-6)


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
    options = choose_options(xr.Dataset(coords={"layer": [1]}), recipe)
    found = derive_cell_climate(grid, window, options)
    np.testing.assert_allclose(found, [[50.0, 285.0, np.log(2)]])
    without = derive_cell_climate(grid.drop_vars("net_radiation"), window, options)
    assert np.isnan(without[0, 2])


@pytest.fixture
def stages(tmp_path: Path, repository: Path, rng: np.random.Generator) -> Path:
    """Return a folder as the stage finds it: one cell, 20 train days of it filled."""
    series, reference = make_series(rng), make_reference(rng)
    write_inputs(tmp_path, series, reference)
    with open_zarr_zip(tmp_path / "forcing.zarr.zip") as written:
        weather = written.load()
    for name, value in WEATHER.items():
        noise = rng.normal(0, 0.01 * value, weather["reanalysis_soil_moisture"].shape)
        values = (value + noise[0]).astype("float32")
        if name == "precipitation":
            values[:, ::30] *= 5  # a year without a wet day would be a wrong unit
        weather[name] = (("cell", "time"), values, get_attrs(name))
    write_zarr_zip(weather, tmp_path / "forcing.zarr.zip")
    write_targets(make_recipe(repository), tmp_path)
    border = series.days[[0, 249, 260, -1]]
    cell = str(series.sensors["cell_id"][0])
    rows = [
        ("temporal", cell, border[0], border[1], "train"),
        ("temporal", cell, border[2], border[3], "test"),
    ]
    splits = pd.DataFrame(rows, columns=make_splits().columns)
    write_parquet(splits.astype(make_splits().dtypes), tmp_path / "splits.parquet")
    return tmp_path


def test_stage_writes_the_same_bytes_twice(stages: Path, repository: Path) -> None:
    recipe = make_recipe(repository)
    names = ("features.zarr.zip", "features.json")
    runs = []
    for _ in range(2):
        write_features(recipe, stages)
        runs.append([(stages / name).read_bytes() for name in names])
    assert runs[0] == runs[1]
    inputs = [
        load_grid(stages / "targets.zarr.zip", TARGETS),
        load_grid(stages / "forcing.zarr.zip", FORCING),
    ]
    splits = pd.read_parquet(stages / "splits.parquet")
    with open_zarr_zip(stages / "features.zarr.zip") as written:
        expected = build_features(*inputs, splits, recipe)
        xr.testing.assert_identical(written.load(), expected)
    definitions = json.loads(runs[0][1])
    assert set(definitions["feature_sets"]) == {
        "climatology",
        "forcing",
        "memory",
        "state",
    }
    assert {item["check"]: item["number"] for item in definitions["audit"]["temporal"]}[
        "train_values_left_out"
    ] == 20


def test_large_grids_are_read_part_by_part_to_the_same_features(
    stages: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = make_recipe(repository)
    names = ("features.zarr.zip", "features.json")
    write_features(recipe, stages)
    expected = [(stages / name).read_bytes() for name in names]
    monkeypatch.setattr(stage, "SMALL", 1)
    with hold_grid(stages / "forcing.zarr.zip", FORCING) as forcing:
        assert all(forcing[name].chunks for name in WEATHER)
    write_features(recipe, stages)
    assert [(stages / name).read_bytes() for name in names] == expected


def test_observations_that_do_not_give_the_train_targets_are_refused(
    stages: Path, repository: Path
) -> None:
    table = pd.read_parquet(stages / "observations.parquet")
    place = int((table["sensor_id"] == "NET/long/5-5/probe").to_numpy().argmax())
    table.loc[place + 30, "soil_moisture"] += 0.01
    table.to_parquet(stages / "observations.parquet", index=False)
    with pytest.raises(ValidationError, match="train_targets"):
        write_features(make_recipe(repository), stages)
    assert not (stages / "features.zarr.zip").exists()


PRIMARY = {"layer": 1, "cell_id": "41.875_-111.625", "primary": "NET/long/5-5/probe"}


@pytest.mark.parametrize(
    "sources",
    [
        3,
        ["long"],
        [{"layer": 1}],
        [PRIMARY | {"layer": "upper"}],
        [PRIMARY | {"layer": 9}],
        [PRIMARY | {"cell_id": "0.125_0.125"}],
        [PRIMARY | {"primary": "NET/unknown/5-5/probe"}],
        [PRIMARY | {"primary": ["NET/long/5-5/probe"]}],
    ],
    ids=str,
)
def test_report_that_does_not_fit_the_targets_is_refused_by_name(
    stages: Path, repository: Path, sources: Any
) -> None:
    write_json({"sources": sources}, stages / "targets.json")
    with pytest.raises(InputError, match=r"targets\.json"):
        write_features(make_recipe(repository), stages)
    assert not (stages / "features.zarr.zip").exists()


def change_forcing(folder: Path, change: Callable[[xr.Dataset], xr.Dataset]) -> None:
    path = folder / "forcing.zarr.zip"
    with open_zarr_zip(path) as opened:
        grid = opened.load()
    write_zarr_zip(change(grid), path)


@pytest.mark.parametrize(
    "change",
    [
        lambda grid: grid.drop_vars("reanalysis_soil_moisture"),
        lambda grid: grid.sel(layer=[1, 3]),
    ],
)
def test_forcing_without_the_reference_of_a_scaled_layer_is_refused(
    stages: Path, repository: Path, change: Callable[[xr.Dataset], xr.Dataset]
) -> None:
    change_forcing(stages, change)
    with pytest.raises(InputError, match="reference soil moisture of layer"):
        write_features(make_recipe(repository), stages)


def test_days_of_the_forcing_after_those_of_the_targets_change_nothing(
    stages: Path, repository: Path
) -> None:
    def add_days(grid: xr.Dataset) -> xr.Dataset:
        days = grid.get_index("time")
        later = grid.isel(time=slice(-5, None))
        later = later.assign_coords(time=days[-5:] + pd.Timedelta(days=5))
        return xr.concat([grid, later], "time", data_vars="minimal", coords="minimal")

    recipe, written = make_recipe(repository), stages / "features.zarr.zip"
    write_features(recipe, stages)
    expected = written.read_bytes()
    change_forcing(stages, add_days)
    write_features(recipe, stages)
    assert written.read_bytes() == expected


def test_release_without_any_split_has_features_of_none(
    targets: xr.Dataset, forcing: xr.Dataset, recipe: Recipe, tmp_path: Path
) -> None:
    found = build_features(targets, forcing, make_splits().iloc[:0], recipe)
    validate_grid(found, FEATURES, "features")
    assert found.sizes["split"] == 0
    write_zarr_zip(found, tmp_path / "features.zarr.zip")
    with open_zarr_zip(tmp_path / "features.zarr.zip") as written:
        assert written["climatology"].shape == (0, 2, len(NAMES), 366)
