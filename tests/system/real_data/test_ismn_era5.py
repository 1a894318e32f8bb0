"""Recipe `ismn_era5` on a small tree that is laid out like the full archives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from factories.programs import run_stages
from factories.raw.era5_stores import make_era5
from factories.raw.ismn_files import file_name, header, rows, station_file, write_zip
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.pipelines.forcing.cells import name_region
from somobench.pipelines.inputs import INPUTS_FILE, read_inputs
from somobench.pipelines.inputs.stage import record_inputs
from somobench.schemas.errors import IntegrityError
from somobench.schemas.recipe import Recipe, load_recipe

pytestmark = pytest.mark.heavy

ROOT = Path(__file__).resolve().parents[3]
RECIPE = ROOT / "conf" / "recipe" / "ismn_era5.yaml"
ARCHIVE = "ismn/Data_separate_files_header_20010101_20241231.zip"
EUROPE, UTAH, SYDNEY = "50.125_10.125", "41.875_-111.625", "-33.875_151.125"
AREAS = {  # nodes as CDS cuts them out: north to south, 0 to 360 degrees
    "europe": ((50.25, 50.0, 49.75), (10.0, 10.25, 10.5)),
    "namerica": ((42.0, 41.75), (248.25, 248.5)),
}
INSTANT = ("t2m", "d2m", "sp", "skt", "swvl1", "swvl2", "swvl3")
SUMS = ("tp", "ssr", "str", "ssrd", "e")
STATIONS: Mapping[str, tuple[tuple[float, float], tuple[float, ...]]] = {
    "Near": ((50.12, 10.12), (0.05, 0.2, 0.4)),  # 0.005 degrees from the centre
    "Far": ((50.02, 10.02), (0.05,)),
    "Inch": ((41.87, -111.63), (0.0508, 0.1016, 0.508)),
    "Nowhere": ((-33.9, 151.2), (0.05,)),  # no ERA5 file covers it
}
SAND = {"Near": 31, "Far": 62, "Nowhere": 50}


def recipe_for(start: str, end: str) -> dict[str, Any]:
    """Return the recipe with a short period and the years of ERA5 that it needs."""
    content = load_recipe(RECIPE).model_dump(mode="json")
    content["period"] = {"start": start, "end": end}
    years = range(int(start[:4]), int(end[:4]) + 2)
    places = {f"era5/{year}" for year in years}
    forcing = content["forcing"]
    forcing["inputs"] = [item for item in forcing["inputs"] if item["path"] in places]
    content["splits"]["temporal"] |= {
        "validation_start": "2002-03-01",
        "test_start": "2002-08-01",
    }
    return content


def season(times: pd.DatetimeIndex, depth: float) -> np.ndarray[Any, Any]:
    """Return a yearly wave with slow noise, smaller and later with depth."""
    days = np.arange(len(times)) / 24
    wave = np.sin(2 * np.pi * (days - 100 * depth) / 365)
    noise = np.random.default_rng(7).normal(0, 0.3, len(times) // 24 + 1)
    return (wave + np.repeat(noise, 24)[: len(times)]) * (1 - depth)


def write_era5(root: Path, first: int, last: int) -> None:
    """Write a folder a year, two files an area: one of moments, one of sums."""
    end = pd.Timestamp(f"{last + 1}-01-01T00:00")
    times = pd.date_range(f"{first}-01-01", end, freq="h", unit="ns")
    for area, (latitudes, longitudes) in AREAS.items():
        store = make_era5(times=times, latitudes=latitudes, longitudes=longitudes)
        for level, depth in (("swvl1", 0.03), ("swvl2", 0.2), ("swvl3", 0.6)):
            store[level] += xr.DataArray(0.05 * season(times, depth), dims="time")
            if area == "europe":
                store[level][:, 0, 0] = 0.0  # sea
            store[level] = store[level].astype("float32")
        for year, part in store.groupby("time.year"):
            for kind, names in (("instant", INSTANT), ("accum", SUMS)):
                file = root / "era5" / str(year) / f"{area}_{kind}.nc"
                file.parent.mkdir(parents=True, exist_ok=True)
                as_delivered(part[list(names)]).to_netcdf(file)


def as_delivered(store: xr.Dataset) -> xr.Dataset:
    """Name times as CDS does, and add its coordinates that say nothing here."""
    versions = np.full(store.sizes["time"], "0001")
    return store.rename(time="valid_time").assign_coords(
        number=0, expver=("valid_time", versions)
    )


def write_stations(root: Path, first: int, last: int) -> None:
    times = pd.date_range(f"{first}-01-01", f"{last}-12-31T23:00", freq="h", unit="ns")
    days = f"{first}0101_{last}1231"
    members = {}
    for station, (place, depths) in STATIONS.items():
        for depth in depths:
            interval = (depth, depth)
            values = 0.2 + 0.08 * season(times, depth)
            name = file_name(station=station, depths=interval, days=days)
            first_line = header(station=station, place=place, depths=interval)
            lines = rows(values.tolist(), start=f"{first}-01-01T00:00")
            members[name] = station_file(lines, first=first_line)
        if station in SAND:
            stem = f"NET/{station}/NET_NET_{station}"
            members[f"{stem}_static_variables.csv"] = static_file(SAND[station])
    (root / "ismn").mkdir()
    write_zip(root / ARCHIVE, members)


def static_file(sand: int) -> bytes:
    head = "quantity_name;unit;depth_from[m];depth_to[m];value;description;source;\n"
    soil = f"sand fraction;% weight;0.00;0.30;{sand}.00;;HWSD;\n"
    cover = "land cover classification;;;;10;Cropland;CCI_landcover_2010;\n"
    return (head + soil + cover).encode()


@pytest.mark.parametrize(
    ("place", "region"),
    [
        ((41.9, -111.6), "namerica"),
        ((64.8, -147.9), "namerica"),  # Fairbanks
        ((9.2, -79.8), "namerica"),  # Barro Colorado, Panama
        ((-9.6, -37.8), "samerica"),  # Alagoas
        ((8.9, -67.4), "samerica"),  # Venezuela
        ((-0.5, -90.3), "samerica"),  # Galapagos
        ((41.4, -5.4), "europe"),  # REMEDHUS
        ((67.4, 26.6), "europe"),  # Sodankyla
        ((35.2, 25.0), "europe"),  # Crete
        ((36.7, 3.1), "africa"),  # Algiers
        ((36.9, 27.3), "europe"),  # Kos
        ((14.0, 2.0), "africa"),  # Niger
        ((-1.3, 36.8), "africa"),  # Nairobi
        ((30.0, 31.2), "africa"),  # Cairo
        ((39.9, 32.9), "asia"),  # Ankara
        ((31.9, 34.8), "asia"),  # Rehovot
        ((24.7, 46.7), "asia"),  # Riyadh
        ((33.9, 102.1), "asia"),  # Maqu
        ((43.1, 141.3), "asia"),  # Sapporo
        ((64.7, -177.5), "asia"),  # Anadyr, beyond 180 degrees
        ((-35.0, 146.1), "oceania"),  # OzNet
        ((-12.5, 131.0), "oceania"),  # Darwin
        ((-43.5, 172.6), "oceania"),  # Christchurch
        ((19.8, -155.4), "oceania"),  # Hawaii
    ],
)
def test_continent_of_a_place(place: tuple[float, float], region: str) -> None:
    assert name_region(*place, load_recipe(RECIPE).regions) == region


def test_every_year_of_the_period_is_an_input_and_the_hour_after_it() -> None:
    recipe = load_recipe(RECIPE)
    years = range(recipe.period.start.year, recipe.period.end.year + 2)
    places = [item.path for item in recipe.forcing.inputs]
    assert places == [f"era5/{year}" for year in years]
    assert len({item.name for item in recipe.forcing.inputs}) == len(places) == 25


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the root of a tree for two years."""
    root = tmp_path / "archives"
    root.mkdir()
    write_era5(root, 2001, 2002)
    write_stations(root, 2001, 2002)
    monkeypatch.setenv("SOMOBENCH_DATA", str(root))
    return root


@pytest.mark.slow
def test_pinned_year_is_refused_once_a_file_of_it_changes(
    tmp_path: Path, tree: Path
) -> None:
    content = recipe_for("2001-01-01", "2002-12-31")
    record_inputs(Recipe.model_validate(content), tmp_path / INPUTS_FILE)
    found = {item.path: item for item in read_inputs(tmp_path / INPUTS_FILE)}
    for item in content["forcing"]["inputs"]:
        item["sha256"] = found[item["path"]].sha256
    pinned = Recipe.model_validate(content)
    record_inputs(pinned, tmp_path / INPUTS_FILE)
    with (tree / "era5" / "2002" / "europe_accum.nc").open("ab") as file:
        file.write(b"\0")
    with pytest.raises(IntegrityError, match="ERA5 hourly, 2002"):
        record_inputs(pinned, tmp_path / INPUTS_FILE)


@pytest.mark.slow
@pytest.mark.once
def test_every_stage_runs_on_a_tree_like_the_full_one(
    tmp_path: Path, tree: Path
) -> None:
    run_pipeline(tmp_path, recipe_for("2001-01-01", "2002-12-31"), tree)
    data = tmp_path / "data"
    cells = pd.read_parquet(data / "cells.parquet").set_index("cell_id")
    assert cells["region"].to_dict() == {EUROPE: "europe", UTAH: "namerica"}
    assert cells.loc[EUROPE, "sand_fraction"] == 0.31  # of Near, 31 per cent
    assert cells["land_cover"].to_dict() == {EUROPE: "10", UTAH: ""}
    forcing = json.loads((data / "forcing.json").read_text("utf-8"))
    assert [item["cell_id"] for item in forcing["dropped_cells"]] == [SYDNEY]
    assert forcing["reference"]["sea_nodes_left_out"] == 1
    assert_last_day(tree, data)
    assert_targets(data)
    manifest = json.loads((data / "release" / "MANIFEST.json").read_text("utf-8"))
    assert "temporal" in manifest["splits"]
    assert {item["name"] for item in manifest["sources"]} == {
        "ISMN archive, header and values",
        *(f"ERA5 hourly, {year}" for year in (2001, 2002, 2003)),
    }
    assert not (data / "release" / "stations.parquet").exists()  # not ours to pass on


def run_pipeline(folder: Path, content: dict[str, Any], inputs: Path) -> None:
    """Run what `dvc.yaml` lists, in its order, in a folder of its own."""
    (folder / "params.yaml").write_text(yaml.safe_dump(content), "utf-8")
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    for name, stage in stages.items():
        assert stage["cmd"] == f"python -m somobench.pipelines.{name}"
    run_stages(folder, stages, inputs)


def assert_last_day(tree: Path, data: Path) -> None:
    """Compare the day whose total needs an hour of the next year's folder."""
    files = sorted((tree / "era5").glob("200[23]/namerica_accum.nc"))
    with (
        xr.open_dataset(files[0]) as year,
        xr.open_dataset(files[1]) as hour,
        open_zarr_zip(data / "forcing.zarr.zip") as forcing,
    ):
        hourly = np.concatenate([year["tp"].to_numpy()[-23:], hour["tp"].to_numpy()])
        found = forcing["precipitation"].sel(cell=UTAH, time="2002-12-31").item()
        deep = forcing["reanalysis_soil_moisture"].sel(cell=UTAH, layer=3)
        assert np.isfinite(deep).all()
    # Four corners; 23 hours of the day and 00 UTC of the next; m to mm.
    assert hourly.shape == (24, 2, 2)
    assert found == pytest.approx(1000 * hourly.mean(axis=(1, 2)).sum(), abs=0.01)


def assert_targets(data: Path) -> None:
    with open_zarr_zip(data / "targets.zarr.zip") as targets:
        primary = targets["primary_station"].to_dataframe()["primary_station"]
        depth = targets["depth_from"].sel(cell=UTAH).to_numpy()
        overlap = targets["overlap_days"].sel(layer=1)
        assert overlap.to_numpy().tolist() == [730, 730]
    # 5.08 and 50.8 cm, rounded down, lie in layers 1 and 3; 10.16 cm in layer 1 too,
    # farther from its middle. Two stations measure all days: the first name is primary.
    np.testing.assert_allclose(depth, [0.05, np.nan, 0.5])
    assert primary.loc[1].to_dict() == {EUROPE: "Far", UTAH: "Inch"}
