"""Products: the same bytes however they are made, resumable, CF attributes."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

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


def test_era5_names_and_units_are_ours(tmp_path: Path) -> None:
    store = open_forcing(write_weather(tmp_path / "a.zarr", WHOLE, era5=True))
    found = store.read("precipitation", {})
    expected = make_weather()["precipitation"].transpose(
        "latitude", "longitude", "time"
    )
    np.testing.assert_allclose(found, expected, rtol=1e-6)


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


def test_what_is_there_is_kept_unless_told(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    with pytest.raises(UsageError, match="--overwrite"):
        predict(tmp_path, tmp_path / "a.zarr", WHOLE)


def spoil(grid: xr.Dataset, how: str) -> xr.Dataset:
    if how == "unit":
        grid["precipitation"].attrs["units"] = "inch"
    if how == "gap":
        return grid.isel(time=[0, 1, 3, 4])
    if how == "hours":
        hours = np.datetime64("2020-01-01", "ns") + np.arange(DAYS) * np.timedelta64(
            6, "h"
        )
        return grid.assign_coords(time=hours)
    return grid


@pytest.mark.parametrize(
    ("how", "match"),
    [
        ("unit", "units of precipitation of the forcing\n.*inch\n.*mm d-1"),
        ("gap", "2020-01-04 after 2020-01-02"),
        ("hours", "4 values a day\n.*daily values"),
    ],
)
def test_weather_that_can_not_be_used_is_refused(
    tmp_path: Path, how: str, match: str
) -> None:
    spoil(make_weather(), how).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(InputError, match=match):
        open_forcing(tmp_path / "a.nc")


def test_too_little_memory_is_refused_with_what_is_needed(tmp_path: Path) -> None:
    store = open_forcing(write_weather(tmp_path / "a.zarr", WHOLE))
    with pytest.raises(UsageError, match="at least .* MB"):
        plan_blocks(store, 1, plans.BASE + A_CELL - 1)


@pytest.mark.heavy
def test_a_rung_is_applied_on_the_command_line_with_its_distance(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(plans, "BASE", 400_000_000)
    grid = make_weather()
    for name in ("net_radiation", "shortwave_radiation", "specific_humidity"):
        value = {"specific_humidity": 0.008}.get(name, 10.0)
        units = "kg kg-1" if value < 1 else "MJ m-2 d-1"
        grid[name] = grid["precipitation"] * 0 + value
        grid[name].attrs["units"] = units
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
