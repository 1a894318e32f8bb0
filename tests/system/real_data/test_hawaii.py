"""Recipe `hawaii`: real stations and reanalysis, and what its choices rest on."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.programs import run_stages
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.pipelines.forcing.precision import STORED_STEP
from somobench.pipelines.ingest.sensor_days import (
    Rounding,
    find_layer,
    round_to_centimetres,
)
from somobench.pipelines.stations import SensorSeries
from somobench.pipelines.stations.ismn import IsmnSource
from somobench.schemas.recipe import load_recipe

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[3]
RECIPE = ROOT / "conf" / "recipe" / "hawaii.yaml"
NEWER = "ismn/hawaii_header_values_20250617.zip"
OLDER = "ismn/hawaii_ceop_2017_2018.zip"
MAUNA_KEA, KONA, KOHALA = "19.875_-155.375", "19.625_-155.875", "20.125_-155.625"
TOLERANCE = 1e-5  # m3 m-3, of mean and standard deviation


@pytest.mark.parametrize(
    ("rounding", "centimetres", "layers"),
    [
        ("nearest", [5, 10, 30, 51], [1, 1, 2, 0]),  # 51 cm ends below layer 3
        ("down", [5, 10, 30, 50], [1, 1, 2, 3]),
        ("up", [6, 11, 31, 51], [1, 2, 3, 0]),  # 11 and 31 cm begin a layer deeper
    ],
)
def test_probes_at_inches_reach_all_layers_only_rounded_down(
    rounding: Rounding, centimetres: list[int], layers: list[int]
) -> None:
    depths = (0.0508, 0.1016, 0.3048, 0.508)  # 2, 4, 12 and 20 inches, in m
    found = [round_to_centimetres(depth, rounding) for depth in depths]
    assert found == centimetres
    nominal = load_recipe(RECIPE).layers
    assert [find_layer(depth, depth, nominal) for depth in found] == layers


def soil_moisture(path: Path) -> list[SensorSeries]:
    series = list(IsmnSource().read(path))
    assert all(isinstance(item, SensorSeries) for item in series)
    return [item for item in series if isinstance(item, SensorSeries)]


def of_station(
    series: Sequence[SensorSeries], station: str, depth: float
) -> pd.DataFrame:
    """Join a station's probes of one depth: values and provider flags by time."""
    frames = [
        pd.DataFrame(
            {"value": item.values, "provider": item.provider_flags()},
            index=item.times.astype("datetime64[ns]"),
        )
        for item in series
        if item.metadata.station == station
        and abs(item.metadata.depth_from - depth) < 0.005
    ]
    return pd.concat(frames) if frames else pd.DataFrame(columns=["value", "provider"])


@pytest.mark.slow
@pytest.mark.once
def test_layouts_hold_the_same_values_where_they_overlap(shared_data: Path) -> None:
    newer, older = (soil_moisture(shared_data / archive) for archive in (NEWER, OLDER))
    compared: dict[str, int] = {}
    edited: Counter[str] = Counter()
    for item in older:
        place = item.metadata
        if place.sensor.endswith("-B"):
            continue  # Kainaliu's second probe: its file is not in the newer archive
        there = of_station(newer, place.station, place.depth_from)
        own = of_station([item], place.station, place.depth_from)
        both = there.join(own[own["value"] >= 0], how="inner", suffixes=("_newer", ""))
        differs = both["value_newer"] != both["value"]
        name = f"{place.network}/{place.station}"
        compared[name] = len(both)
        if differs.any():
            edited[name] = int(differs.sum())
            assert set(both.loc[differs, "provider_newer"]) == {"E"}  # edited
            assert set(both.loc[differs, "provider"]) == {"M"}  # no flag yet
    assert edited == {"SCAN/Waimea_Plain": 2}
    assert compared.pop("SCAN/Island_Dairy") == 0  # in the older archive alone
    assert len(compared) == 8
    assert min(compared.values()) > 8000
    assert sum(compared.values()) == 122_632


@pytest.fixture(scope="module")
def built(
    shared_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """Build as far as the splits; return the data folder and forcing.json."""
    folder = tmp_path_factory.mktemp("hawaii")
    shutil.copyfile(RECIPE, folder / "params.yaml")
    stages = ("inputs", "raw", "ingest", "forcing", "targets", "splits")
    run_stages(folder, stages, shared_data, PATH="")
    data = folder / "data"
    return data, json.loads((data / "forcing.json").read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.once
def test_archive_holds_189_sensors_and_all_of_soil_moisture_are_read(
    shared_data: Path, built: tuple[Path, dict[str, Any]]
) -> None:
    count = {
        variable: len(list(IsmnSource().read(shared_data / NEWER, variable=variable)))
        for variable in ("sm", "ts", "p", "ta")
    }
    assert count == {"sm": 87, "ts": 94, "p": 5, "ta": 3}
    assert sum(count.values()) == 189
    report = json.loads((built[0] / "ingest.json").read_text("utf-8"))
    assert report["files"] == {"found": 87, "read": 87, "rejected": 0}
    # 20 inches, 50.8 cm, count as 50: without them layer 3 would be empty.
    stations = pd.read_parquet(built[0] / "stations.parquet")
    assert set(stations.loc[stations["layer"] == 3, "depth_from"]) == {0.508}


@pytest.mark.slow
@pytest.mark.once
def test_scaled_targets_have_the_moments_of_the_reference(
    built: tuple[Path, dict[str, Any]],
) -> None:
    with (
        open_zarr_zip(built[0] / "targets.zarr.zip") as targets,
        open_zarr_zip(built[0] / "forcing.zarr.zip") as forcing,
    ):
        top = targets.sel(layer=1).load()
        reference = forcing["reanalysis_soil_moisture"].sel(layer=1).load()
    assert top["cell"].to_numpy().tolist() == [KONA, MAUNA_KEA, KOHALA]
    for cell in top["cell"].to_numpy():
        own = top.sel(cell=cell)
        scaled = own["soil_moisture"].where(own["is_gapfilled"] == 0)
        there = reference.sel(cell=cell).astype(float)
        both = np.isfinite(scaled.to_numpy()) & np.isfinite(there.to_numpy())
        assert both.sum() == own["overlap_days"].item() > 300
        x, y = scaled.to_numpy()[both].astype(float), there.to_numpy()[both]
        assert x.mean() == pytest.approx(y.mean(), abs=TOLERANCE)
        assert x.std(ddof=1) == pytest.approx(y.std(ddof=1), abs=TOLERANCE)


@pytest.mark.slow
@pytest.mark.once
def test_deeper_layers_are_unscaled(built: tuple[Path, dict[str, Any]]) -> None:
    with open_zarr_zip(built[0] / "targets.zarr.zip") as targets:
        deep = targets.sel(layer=[2, 3]).load()
    assert (deep["overlap_days"] == 0).all()
    assert deep["soil_moisture"].count("time").min() == 730
    xr.testing.assert_equal(
        deep["soil_moisture"], deep["soil_moisture_in_situ"].rename("soil_moisture")
    )


@pytest.mark.slow
@pytest.mark.once
def test_reference_is_the_mean_of_the_corners_that_the_files_hold(
    shared_data: Path, built: tuple[Path, dict[str, Any]]
) -> None:
    with open_zarr_zip(built[0] / "forcing.zarr.zip") as forcing:
        found = forcing["reanalysis_soil_moisture"].sel(layer=1, cell=KONA).load()
    # Of the corners 19.5 and 19.75 N, 155.75 and 156 W, the files lack those at 156 W,
    # on the coast.
    points = []
    for file in (shared_data / "era5_hawaii").glob("era5_swvl1*.nc"):
        with xr.open_dataset(file) as opened:
            near = (abs(opened["lat"] - 19.625) < 0.2) & (
                abs(opened["lon"] + 155.875) < 0.2
            )
            points.append(opened["swvl1"].to_numpy()[near.to_numpy()])
    corners = np.concatenate(points).astype(float)
    assert corners.shape == (2, 730)
    np.testing.assert_allclose(
        found, corners.mean(axis=0), atol=STORED_STEP["reanalysis_soil_moisture"] / 2
    )


@pytest.mark.slow
@pytest.mark.once
def test_air_temperature_is_complete_in_one_cell_of_three(
    shared_data: Path, built: tuple[Path, dict[str, Any]]
) -> None:
    # Forcing promises every day of every cell, so the recipe does without it.
    days = np.arange("2017-01-01", "2019-01-01", dtype="datetime64[D]")
    measured = {}
    for item in IsmnSource().read(shared_data / NEWER, variable="ta"):
        assert isinstance(item, SensorSeries)
        good = np.array(item.flags()) == "G"
        dates = item.times.astype("datetime64[D]")[good]
        measured[item.metadata.station] = int(np.isin(days, dates).sum())
    assert measured == {"Mana_House": 0, "Pua_Akala": 686, "Silver_Sword": 730}
    stations = pd.read_parquet(built[0] / "stations.parquet")
    complete = stations.loc[stations["station"] == "Silver_Sword", "cell_id"]
    assert set(complete) == {MAUNA_KEA}
    assert load_recipe(RECIPE).forcing.variables == ("precipitation",)


@pytest.mark.slow
@pytest.mark.once
def test_cell_without_rain_is_left_out_and_every_other_day_has_an_origin(
    built: tuple[Path, dict[str, Any]],
) -> None:
    report = built[1]
    assert report["dropped_cells"] == [
        {
            "cell_id": "19.875_-155.625",
            "reason": "precipitation: no station measures it",
        }
    ]
    rain = report["variables"]["precipitation"]
    assert rain["days"] == {
        "filled": 1,
        "of_other_stations": 0,
        "of_primary_stations": 3 * 730 - 1,
    }


@pytest.mark.slow
@pytest.mark.once
def test_two_years_carry_a_temporal_split_and_nothing_else(
    built: tuple[Path, dict[str, Any]],
) -> None:
    report = json.loads((built[0] / "splits.json").read_text("utf-8"))
    assert list(report["splits"]) == ["temporal"]
    assert set(report["left_out"]) == {
        "dry_years",
        "energy_to_water",
        "spatial",
        "ungauged",
        "water_to_energy",
        "wet_years",
    }
