"""Recipe `fluxnet_era5` on small files in the exact layout of the data portal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaml

from factories.programs import run_stages
from factories.raw.fluxnet_files import portal_zips
from somobench.catalog.storage.archive import open_zarr_zip

SITES = {
    "DE-Aaa": (51.1012, 10.9143, 40.0),
    "DE-Bbb": (51.1412, 10.9743, 40.0),
    "ES-Ccc": (37.1012, -2.9643, 9.0),
}


@pytest.fixture(scope="module")
def data(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the folder of the stages up to targets, two years of three sites."""
    folder = tmp_path_factory.mktemp("fluxnet")
    portal = folder / "archives" / "fluxnet" / "shuttle"
    portal.mkdir(parents=True)
    for name, content in portal_zips(SITES, 2).items():
        (portal / name).write_bytes(content)
    text = (repository / "conf" / "recipe" / "fluxnet_era5.yaml").read_text("utf-8")
    recipe = yaml.safe_load(text)
    recipe["period"] = {"start": "2003-06-01", "end": "2006-03-31"}
    (folder / "params.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    stages = ("inputs", "raw", "ingest", "forcing", "targets", "splits")
    run_stages(folder, stages, folder / "archives")
    return folder / "data"


def report(data: Path, stage: str) -> Any:
    return json.loads((data / f"{stage}.json").read_text("utf-8"))


def test_every_site_is_read_from_its_zip_and_nothing_is_rejected(data: Path) -> None:
    ingest = report(data, "ingest")
    assert ingest["files"] == {"found": 3, "read": 3, "rejected": 0}
    # 731 days a site; 20 of the upper sensor are of poor quality, 10 of the lower
    # one missing.
    assert ingest["values"]["dropped"] == {"not finite": 30, "quality below 0.5": 60}
    assert ingest["days"]["kept"] == 3 * (2 * 731 - 30)


def test_sensors_lie_in_the_layers_of_their_badm_depths(data: Path) -> None:
    stations = pd.read_parquet(data / "stations.parquet")
    found = set(
        stations[["sensor", "depth_from_cm", "layer"]].itertuples(
            index=False, name=None
        )
    )
    assert found == {("SWC_F_MDS_1", 5, 1), ("SWC_F_MDS_2", 20, 2)}
    assert stations["elevation"].eq(161.5).all()


def test_meteorology_is_the_reanalysis_and_fluxes_the_towers_own(data: Path) -> None:
    forcing = open_forcing(data)
    cell = forcing.sel(cell="51.105_10.915")
    record = cell.dropna("time", subset=["precipitation"])
    assert str(record["time"].values[0])[:10] == "2004-01-01"
    assert record.sizes["time"] == 731
    # The tower's own rain is 1 mm more on every day, so never zero.
    assert float(record["precipitation"].min()) == 0.0
    # 50 W m-2 are 1.76 mm in a day: 50 * 0.0864 / 2.45.
    mean = float(record["evapotranspiration_observed"].mean())
    assert mean == pytest.approx(1.76, abs=0.05)
    assert int(np.isnan(record["net_radiation"]).sum()) == 5
    assert record["net_radiation"].attrs["availability"] == "as measured, never filled"
    assert "downscaled" in record["precipitation"].attrs["comment"]


def open_forcing(data: Path) -> xr.Dataset:
    with open_zarr_zip(data / "forcing.zarr.zip") as opened:
        return opened.load()


def test_dryness_is_of_mean_months_and_names_the_regime(data: Path) -> None:
    cells = pd.read_parquet(data / "cells.parquet").set_index("cell_id")
    assert cells["vegetation_class"].eq("CRO").all()
    assert cells.loc["51.105_10.915", "regime"] == "energy-limited"
    assert cells.loc["37.105_-2.965", "regime"] == "water-limited"
    heat = cells["mean_net_radiation"] / (2.45 * cells["mean_precipitation"])
    np.testing.assert_allclose(cells["dryness"], heat, rtol=1e-5)


def test_targets_say_what_is_known_of_their_depths(data: Path) -> None:
    with open_zarr_zip(data / "targets.zarr.zip") as targets:
        assert "no depth" in targets["soil_moisture"].attrs["comment"]
        assert targets["depth_from"].sel(layer=2).to_numpy().tolist() == pytest.approx(
            [0.2] * 3
        )
    assert report(data, "targets")["layers"]["1"]["days"] == 3 * 711


def test_splits_that_so_few_data_cant_carry_say_why(data: Path) -> None:
    left_out = report(data, "splits")["left_out"]
    assert left_out["energy_to_water"].startswith("2 cells of the regime to train on")
    assert "3 cells with a target, 10 needed" in left_out["spatial"]
