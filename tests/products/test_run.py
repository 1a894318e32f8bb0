"""Products: the same bytes however they are made, resumable, CF attributes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr

from factories.programs import run
from factories.raw.weather_stores import (
    DAYS,
    EAST,
    NORTH,
    make_weather,
    write_bucket,
    write_weather,
)
from somobench.neural.run import train
from somobench.neural.settings import NeuralSettings
from somobench.products import plan as plans
from somobench.products.forcing import open_forcing
from somobench.products.plan import plan_blocks
from somobench.products.run import predict_store
from somobench.schemas.errors import InputError, UsageError

WHOLE, BY_DAY, MIXED = (DAYS, 2, 3), (1, NORTH, EAST), (10, 2, 6)
A_CELL = 4 * DAYS * plans.COPIES * (2 + 1)  # two variables, one layer


@pytest.fixture(autouse=True)
def _small_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # What is left of 1 MB holds six cells, so that there are several blocks.
    monkeypatch.setattr(plans, "BASE", 1_000_000 - 6 * A_CELL)


def predict(
    folder: Path, out: Path, chunks: tuple[int, int, int], **options: Any
) -> Any:
    store = folder / f"days_{chunks[0]}.zarr"
    if not store.exists():
        write_weather(store, chunks)
    quiet = {"echo": lambda _: None, "memory": 1}
    return predict_store(write_bucket(folder), store, out, **(quiet | options))


def hash_folder(path: Path) -> str:
    digest = hashlib.sha256()
    for item in sorted(path.rglob("*")):
        if item.is_file():
            digest.update(str(item.relative_to(path)).encode() + item.read_bytes())
    return digest.hexdigest()


def open_product(path: Path) -> xr.Dataset:
    if path.suffix == ".nc":
        return xr.open_dataset(path).load()
    return xr.open_zarr(path, consolidated=False).load()


@pytest.mark.parametrize("chunks", [WHOLE, BY_DAY, MIXED])
@pytest.mark.parametrize("name", ["a.zarr", "a.nc"])
def test_every_day_knows_all_days_before_it(
    tmp_path: Path, chunks: tuple[int, int, int], name: str
) -> None:
    made = predict(tmp_path, tmp_path / name, chunks)
    assert len(made.plan.tiles) > 1
    found = open_product(tmp_path / name)["soil_moisture"]
    expected = 0.2 + 0.001 * make_weather()["precipitation"].cumsum("time")
    assert found.dims == ("time", "layer", "latitude", "longitude")
    np.testing.assert_allclose(found.sel(layer=1), expected, atol=1e-6)


@pytest.mark.parametrize("chunks", [WHOLE, BY_DAY, MIXED])
def test_each_chunk_of_a_store_is_unpacked_once(
    tmp_path: Path, chunks: tuple[int, int, int]
) -> None:
    store = open_forcing(write_weather(tmp_path / "a.zarr", chunks))
    plan = plan_blocks(store, 1, 1_000_000)
    assert plan.unpacked == plan.stored == 2 * 4 * DAYS * NORTH * EAST
    # Chunks of all days serve a block of cells; others are laid down by cell first.
    assert bool(plan.slabs) == (chunks != WHOLE)
    assert "1.00 times" in plan.describe()


@pytest.mark.parametrize("chunks", [WHOLE, BY_DAY])
@pytest.mark.heavy
def test_two_processes_write_the_same_bytes(
    tmp_path: Path, chunks: tuple[int, int, int]
) -> None:
    hashes = set()
    for processes in (1, 2):
        out = tmp_path / f"{processes}.zarr"
        predict(tmp_path, out, chunks, processes=processes)
        hashes.add(hash_folder(out))
    assert len(hashes) == 1


@pytest.mark.slow
def test_a_worker_of_dask_killed_in_mid_run_costs_no_data(tmp_path: Path) -> None:
    predict(tmp_path, tmp_path / "one.zarr", BY_DAY)
    kill = tmp_path / "kill"
    kill.touch()
    cluster = {"processes": 2, "scheduler": "local"}
    predict(tmp_path, tmp_path / "two.zarr", BY_DAY, **cluster)
    assert not kill.exists()
    assert hash_folder(tmp_path / "two.zarr") == hash_folder(tmp_path / "one.zarr")


def test_a_run_that_stopped_goes_on_where_it_was(tmp_path: Path) -> None:
    predict(tmp_path, tmp_path / "whole.zarr", WHOLE)
    out = tmp_path / "a.zarr"
    flag = tmp_path / "fail-42.0"
    flag.touch()
    with pytest.raises(InputError, match="stopped"):
        predict(tmp_path, out, WHOLE)
    assert not out.exists()
    flag.unlink()
    made = predict(tmp_path, out, WHOLE)
    assert made.resumed == 2  # the blocks of latitudes 40 and 41
    assert hash_folder(out) == hash_folder(tmp_path / "whole.zarr")
    assert not list(tmp_path.glob(".*unfinished"))


def test_another_question_does_not_go_on_with_an_old_run(tmp_path: Path) -> None:
    flag = tmp_path / "fail-42.0"
    flag.touch()
    with pytest.raises(InputError, match="stopped"):
        predict(tmp_path, tmp_path / "a.zarr", WHOLE)
    flag.unlink()
    name = write_bucket(tmp_path)
    path = Path(name.partition(":")[0])
    path.write_text(path.read_text().replace("0.2 +", "0.3 +"))
    made = predict_store(
        name,
        tmp_path / "days_40.zarr",
        tmp_path / "a.zarr",
        memory=1,
        echo=lambda _: None,
    )
    assert made.resumed == 0
    assert float(open_product(tmp_path / "a.zarr")["soil_moisture"].min()) >= 0.3


def test_axes_may_run_the_other_way(tmp_path: Path) -> None:
    turned = make_weather().isel(latitude=slice(None, None, -1))
    turned.transpose("longitude", "latitude", "time").to_netcdf(
        tmp_path / "a.nc", engine="h5netcdf"
    )
    name, quiet = write_bucket(tmp_path), {"echo": lambda _: None, "memory": 1}
    predict_store(name, tmp_path / "a.nc", tmp_path / "b.nc", **quiet)
    found = open_product(tmp_path / "b.nc")["soil_moisture"].sel(layer=1)
    assert found["latitude"].values.tolist() == [43.0, 42.0, 41.0, 40.0]
    expected = 0.2 + 0.001 * turned["precipitation"].cumsum("time")
    np.testing.assert_allclose(found.transpose(*expected.dims), expected, atol=1e-6)


def test_models_are_given_longitudes_as_releases_count_them(tmp_path: Path) -> None:
    east = ("longitude", [0.0, 90.0, 180.0, 270.0, 350.0, 359.0])
    grid = make_weather().assign_coords(longitude=east)
    grid["longitude"].attrs["units"] = "degrees_east"
    grid.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    path = tmp_path / "west.py"
    path.write_text(
        "def predict(forcing):\n"
        "    rain = forcing['precipitation']\n"
        "    return rain * 0 + forcing['longitude'] / 1000 + 0.2\n"
    )
    quiet = {"echo": lambda _: None, "memory": 1}
    predict_store(f"{path}:predict", tmp_path / "a.nc", tmp_path / "b.nc", **quiet)
    found = open_product(tmp_path / "b.nc")
    assert found["longitude"].values.tolist() == east[1]
    # 0.2 and a thousandth of 0, 90, -180, -90, -10 and -1 degrees.
    expected = [0.2, 0.29, 0.02, 0.11, 0.19, 0.199]
    values = found["soil_moisture"].isel(time=0, layer=0, latitude=0)
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_towers_at_one_place_are_cells_of_their_own(tmp_path: Path) -> None:
    points = make_weather().stack(point=("latitude", "longitude")).reset_index("point")
    points = points.isel(point=[0, 0, 1])
    points.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    name, quiet = write_bucket(tmp_path), {"echo": lambda _: None, "memory": 1}
    predict_store(name, tmp_path / "a.nc", tmp_path / "b.nc", **quiet)
    found = open_product(tmp_path / "b.nc")["soil_moisture"].sel(layer=1)
    expected = 0.2 + 0.001 * points["precipitation"].cumsum("time")
    np.testing.assert_allclose(found, expected.transpose(*found.dims), atol=1e-6)


def test_layers_that_change_from_block_to_block_are_refused(tmp_path: Path) -> None:
    store = write_weather(tmp_path / "a.zarr", WHOLE)
    path = tmp_path / "two.py"
    path.write_text(
        "def predict(forcing):\n"
        "    layers = [1, 2] if forcing.sizes['cell'] == 1 else [1]\n"
        "    return (forcing['precipitation'] * 0).expand_dims(layer=layers)\n"
    )
    with pytest.raises(InputError, match="layers that the model returned"):
        predict_store(
            f"{path}:predict", store, tmp_path / "b.nc", memory=1, echo=lambda _: None
        )


def test_a_tiny_memory_serves_a_huge_grid(tmp_path: Path) -> None:
    # A quarter of a degree and 20 years; no chunk is written, so nothing is read.
    shape = (7300, 721, 1440)
    rain: Any = dask.array.zeros(shape, chunks=(1, 721, 1440), dtype="float32")
    grid = xr.Dataset(
        {"precipitation": (("time", "latitude", "longitude"), rain)},
        {
            "time": np.datetime64("2000-01-01", "ns")
            + np.arange(shape[0]) * np.timedelta64(1, "D"),
            "latitude": ("latitude", np.linspace(-90, 90, 721)),
            "longitude": ("longitude", np.arange(1440) / 4),
        },
    )
    grid["precipitation"].attrs["units"] = "mm d-1"
    grid.to_zarr(tmp_path / "a.zarr", compute=False, consolidated=False)
    store = open_forcing(tmp_path / "a.zarr")
    memory = plans.BASE + 50_000_000
    plan = plan_blocks(store, 1, memory)
    # A cell takes 4 bytes x 7300 days x 6 copies x (1 variable + 1 layer) = 350,400.
    assert plan.tile == (1, 142)
    assert plan.unpacked == plan.stored == plan.staged == 4 * 7300 * 721 * 1440
    days = {slab[-1].stop - slab[-1].start for slab in plan.slabs}
    assert max(days) * 721 * 1440 * 3 * 8 <= 50_000_000 or max(days) == 1


def test_product_follows_cf_and_says_what_it_is(tmp_path: Path) -> None:
    predict(tmp_path, tmp_path / "a.nc", WHOLE)
    with xr.open_dataset(tmp_path / "a.nc", decode_cf=False) as raw:
        moisture = raw["soil_moisture"]
        assert moisture.attrs["units"] == "m3 m-3"
        assert moisture.attrs["standard_name"].startswith("volume_fraction_of_cond")
        assert moisture.attrs["cell_methods"] == "time: mean"
        assert raw["time"].attrs["units"] == "days since 1970-01-01"
        assert raw["latitude"].attrs["standard_name"] == "latitude"
        assert raw["longitude"].attrs["units"] == "degrees_east"
        assert raw.attrs["Conventions"] == "CF-1.11"


def test_too_little_memory_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    store = open_forcing(write_weather(tmp_path / "a.zarr", WHOLE))
    with pytest.raises(UsageError, match="at least .* MB"):
        plan_blocks(store, 1, plans.BASE + A_CELL - 1)


def make_all_weather() -> xr.Dataset:
    """Return the small store with every variable of the virtual world."""
    grid = make_weather()
    for name in ("net_radiation", "shortwave_radiation", "specific_humidity"):
        value = {"specific_humidity": 0.008}.get(name, 10.0)
        units = "kg kg-1" if value < 1 else "MJ m-2 d-1"
        grid[name] = grid["precipitation"] * 0 + value
        grid[name].attrs["units"] = units
    return grid


@pytest.mark.heavy
@pytest.mark.slow
@pytest.mark.parametrize(("name", "lost"), [("hybrid", 20), ("lstm", 1)])
def test_a_trained_network_is_applied_from_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, lost: int
) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr(plans, "BASE", 400_000_000)
    tiny = NeuralSettings(hidden=4, days=30, warm_up=30, batch=4, updates=2, checks=1)
    where = {"release": "virtual-2.0.0", "split": "temporal"}
    train(name, **where, out=tmp_path / "model", seeds=[1], settings=tiny)
    grid = make_all_weather()
    # One day of 40 lacks at one place: a store isn't known from there on.
    grid["precipitation"][20, 1, 2] = np.nan
    grid.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    predict_store(
        str(tmp_path / "model"),
        tmp_path / "a.nc",
        tmp_path / "b.nc",
        echo=lambda _: None,
    )
    found = open_product(tmp_path / "b.nc")["soil_moisture"]
    assert found["layer"].values.tolist() == [1, 2, 3]
    missing = np.isnan(found).sum(("time", "layer"))
    assert int(missing[1, 2]) == int(missing.sum()) == 3 * lost
    assert float(found.std("time").max()) > 0


@pytest.mark.heavy
def test_a_rung_is_applied_on_the_command_line_with_its_distance(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(plans, "BASE", 400_000_000)
    grid = make_all_weather()
    grid["precipitation"][:, 0, 0] = np.nan
    grid.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    status = run(
        monkeypatch,
        *("predict", "ridge_memory@virtual-2.0.0/temporal"),
        *("--forcing", str(tmp_path / "a.nc"), "--out", str(tmp_path / "b.nc")),
    )
    assert status == 0
    assert "area of applicability" in capsys.readouterr().out
    found = open_product(tmp_path / "b.nc")
    assert found["depth_bounds"].values.tolist() == [[0.0, 0.1], [0.1, 0.3], [0.3, 0.5]]
    missing = np.isnan(found["soil_moisture"]).all(("time", "layer"))
    assert missing.values.sum() == 1
    assert bool(missing[0, 0])
    index, inside = (
        found["dissimilarity_index"],
        found["is_within_area_of_applicability"],
    )
    assert int(inside[0, 0]) == -1
    known = np.isfinite(index.values)
    threshold = index.attrs["threshold"]
    assert ((index.values <= threshold) == (inside.values == 1))[known].all()
