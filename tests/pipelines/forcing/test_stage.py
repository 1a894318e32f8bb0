from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.days import make_observations, make_sensors
from factories.good.tables import make_statics
from factories.raw.era5_stores import CELLS, make_era5, make_recipe
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.pipelines.forcing import write_forcing
from somobench.pipelines.inputs import measure_file
from somobench.schemas.errors import InputError, IntegrityError, ValidationError
from somobench.schemas.grids import FORCING
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import CELLS as CELLS_SCHEMA
from somobench.schemas.validate import validate_grid, validate_table

pytestmark = pytest.mark.heavy

OUTPUTS = ("cells.parquet", "forcing.json", "forcing.zarr.zip")
ALL_CELLS = (*CELLS, "0.125_0.125")


def record(path: Path, place: str, *, generated: bool) -> dict[str, Any]:
    size, sha256 = measure_file(path)
    empty = dict.fromkeys(("version_producer", "url", "doi", "date_accessed"))
    text = dict.fromkeys(("producer", "licence", "citation"), "x")
    return (
        empty
        | text
        | {
            "role": "forcing",
            "source": "era5",
            "name": path.name,
            "path": place,
            "size": size,
            "sha256": sha256,
            "generated": generated,
        }
    )


def write_tables(folder: Path, cells: tuple[str, ...]) -> None:
    stations = make_sensors(count=1)
    stations = stations.loc[[0] * len(cells)].reset_index(drop=True)
    stations["cell_id"] = pd.Series(sorted(cells), dtype="str")
    stations["sensor_id"] = "NET/S" + stations["cell_id"] + "/5-5/probe"
    observations = make_observations(count=1, length=1)
    observations = observations.loc[[0] * len(cells)].reset_index(drop=True)
    observations["sensor_id"] = stations["sensor_id"]
    write_parquet(stations, folder / "stations.parquet")
    write_parquet(observations, folder / "observations.parquet")
    write_parquet(make_statics(stations=()), folder / "statics.parquet")


def write_world(
    folder: Path, store: xr.Dataset, cells: tuple[str, ...] = CELLS
) -> None:
    box = folder / "raw" / "era5" / "box.zarr.zip"
    write_zarr_zip(store, box)
    listed = [record(box, "era5/box.zarr.zip", generated=True)]
    write_json(listed, folder / "raw" / "inputs.json")
    write_tables(folder, cells)


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    """Return the virtual recipe for three days."""
    return make_recipe(repository)


def hashes(folder: Path) -> list[str]:
    return [
        hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in OUTPUTS
    ]


def test_stage_writes_what_the_schemas_promise(tmp_path: Path, recipe: Recipe) -> None:
    write_world(tmp_path, make_era5())
    write_forcing(recipe, tmp_path)
    with open_zarr_zip(tmp_path / "forcing.zarr.zip") as forcing:
        validate_grid(forcing, FORCING, "forcing")
        assert set(forcing.data_vars) == {
            *recipe.forcing.variables,
            "reanalysis_soil_moisture",
        }
        assert forcing["cell"].to_numpy().tolist() == list(CELLS)
        assert forcing.sizes["time"] == 3
        assert forcing.attrs["grid_registration"] == "node"
        assert forcing.attrs["remapping"] == "corner_mean"
        assert forcing.attrs["day_definition"] == "UTC"
        assert forcing["layer_depth_to"].to_numpy().tolist() == [0.1, 0.3, 0.5]
        mean = forcing["precipitation"].to_numpy().astype(float).mean(axis=1)
    table = pd.read_parquet(tmp_path / "cells.parquet")
    validate_table(table, CELLS_SCHEMA, "cells")
    assert table["node_count"].to_list() == [4] * 4
    assert table["region"].to_list() == ["europe"] * 4
    np.testing.assert_allclose(table["mean_precipitation"], mean, atol=1e-6)


def test_stage_writes_the_same_bytes_again(tmp_path: Path, recipe: Recipe) -> None:
    write_world(tmp_path, make_era5())
    write_forcing(recipe, tmp_path)
    before = hashes(tmp_path)
    for name in OUTPUTS:
        (tmp_path / name).unlink()
    write_forcing(recipe, tmp_path)
    assert hashes(tmp_path) == before


def test_stage_reports_rules_counts_and_dropped_cells(
    tmp_path: Path, recipe: Recipe
) -> None:
    write_world(tmp_path, make_era5(), ALL_CELLS)
    write_forcing(recipe, tmp_path)
    report = json.loads((tmp_path / "forcing.json").read_text())
    assert report["cells"] == {"kept": 4, "dropped": 1, "by_node_count": {"4": 4}}
    assert report["dropped_cells"] == [
        {"cell_id": "0.125_0.125", "reason": "no node of the input lies at the cell"}
    ]
    daily = {name: item["daily"] for name, item in report["variables"].items()}
    assert daily["air_temperature"] == "mean of 00 to 23 UTC"
    assert daily["precipitation"].startswith("sum of 01 to 23 UTC")
    assert report["inputs"][0]["path"] == "era5/box.zarr.zip"
    with open_zarr_zip(tmp_path / "forcing.zarr.zip") as forcing:
        assert forcing["cell"].to_numpy().tolist() == list(CELLS)


def test_missing_hour_is_refused_with_its_day(tmp_path: Path, recipe: Recipe) -> None:
    write_world(tmp_path, make_era5().drop_isel(time=30))  # 2 January, 06 UTC
    with pytest.raises(
        InputError, match=r"(?s)air_temperature: 1 missing days: 2018-01-02"
    ):
        write_forcing(recipe, tmp_path)
    assert not any((tmp_path / name).exists() for name in OUTPUTS)


def test_total_of_the_last_day_needs_the_next_midnight(
    tmp_path: Path, recipe: Recipe
) -> None:
    write_world(tmp_path, make_era5().isel(time=slice(0, -1)))
    with pytest.raises(InputError) as caught:
        write_forcing(recipe, tmp_path)
    message = str(caught.value)
    assert "precipitation: 1 missing days: 2018-01-03" in message
    assert "air_temperature" not in message  # its mean needs 00 to 23 UTC only
    assert "00 UTC of the day after" in message


def test_period_beyond_the_input_is_refused_with_counts(
    tmp_path: Path, repository: Path
) -> None:
    write_world(tmp_path, make_era5())
    longer = make_recipe(repository, end="2018-01-20")
    with pytest.raises(InputError, match=r"17 missing days: 2018-01-04.*\.\.\."):
        write_forcing(longer, tmp_path)


def test_changed_input_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    write_world(tmp_path, make_era5())
    write_zarr_zip(make_era5(names=("tp",)), tmp_path / "raw/era5/box.zarr.zip")
    with pytest.raises(IntegrityError, match="box"):
        write_forcing(recipe, tmp_path)


@pytest.mark.parametrize(
    ("name", "factor", "variable"),
    [
        ("tp", 1 / 24, "precipitation"),  # a daily mean of hourly values
        ("ssrd", 1 / 24, "shortwave_radiation"),
        ("ssrd", 1e-4, "shortwave_radiation"),
        ("swvl1", 1e-4, "reanalysis_soil_moisture"),
        ("e", -1.0, "evaporation"),  # already positive upward
    ],
)
def test_wrong_magnitudes_are_refused_over_a_year(
    tmp_path: Path, repository: Path, name: str, factor: float, variable: str
) -> None:
    store = make_era5(days=365, latitudes=(50.0, 49.75), longitudes=(10.0, 10.25))
    for changed in ("swvl1", "swvl2", "swvl3") if name == "swvl1" else (name,):
        store[changed] = store[changed].copy(data=store[changed] * factor)
    write_world(tmp_path, store, ("49.875_10.125",))
    year = make_recipe(repository, end="2018-12-31")
    with pytest.raises(ValidationError) as caught:
        write_forcing(year, tmp_path)
    assert {failure.where for failure in caught.value.failures} == {variable}


def test_right_magnitudes_pass_over_a_year(tmp_path: Path, repository: Path) -> None:
    store = make_era5(days=365, latitudes=(50.0, 49.75), longitudes=(10.0, 10.25))
    write_world(tmp_path, store, ("49.875_10.125",))
    write_forcing(make_recipe(repository, end="2018-12-31"), tmp_path)
    assert (tmp_path / "forcing.zarr.zip").exists()


def test_real_hamburg_gives_three_cells(
    tmp_path: Path,
    shared_data: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SOMOBENCH_DATA", str(shared_data))
    place = "hamburg/era5_daily_0p5deg_2000_2023.nc"
    listed = [record(shared_data / place, place, generated=False)]
    write_json(listed, tmp_path / "raw" / "inputs.json")
    cells = ("53.25_10.25", "53.75_10.25", "53.75_9.75")
    write_tables(tmp_path, cells)
    write_forcing(load_recipe(repository / "conf/recipe/hamburg.yaml"), tmp_path)
    with (
        open_zarr_zip(tmp_path / "forcing.zarr.zip") as forcing,
        xr.open_dataset(shared_data / place) as era5,
    ):
        validate_grid(forcing, FORCING, "forcing")
        assert forcing["cell"].to_numpy().tolist() == list(cells)
        assert forcing.sizes["time"] == 2557  # 7 x 365 and 29 February 2012, 2016
        here = era5.sel(time="2013-06-15", lat=53.75, lon=9.75)
        ours = forcing.sel(time="2013-06-15", cell="53.75_9.75")
        # m to mm, J to MJ; stored in steps of 1/128
        for name, expected in (
            ("precipitation", float(here["tp"]) * 1000),
            ("net_radiation", float(here["nr"]) / 1e6),
            ("air_temperature", float(here["t2m"])),
        ):
            assert float(ours[name]) == pytest.approx(expected, abs=2**-8 + 1e-6)
        assert "reanalysis_soil_moisture" not in forcing
    table = pd.read_parquet(tmp_path / "cells.parquet")
    # Hamburg has about 770 mm a year and is energy-limited.
    assert table["mean_precipitation"].between(1.6, 2.8).all()
    assert set(table["regime"]) == {"energy-limited"}
    assert table["node_count"].to_list() == [0, 0, 0]
