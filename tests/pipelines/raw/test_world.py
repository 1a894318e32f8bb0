"""The virtual world's raw formats, as a reader meets them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.raw.virtual_recipes import make_recipe
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.storage.hashing import sha256_file
from somobench.pipelines.raw.world import write_virtual_world
from somobench.pipelines.raw.world.archive import (
    format_flags,
    format_times,
    format_values,
)
from somobench.pipelines.raw.world.reanalysis import SPIN_UP, simulate_box
from somobench.pipelines.raw.world.regions import CLIMATES, NETWORKS
from somobench.pipelines.raw.world.sensors import BIT, MISSING_BIT
from somobench.schemas.errors import InputError

pytestmark = pytest.mark.heavy

ROW = re.compile(
    rb"\d{4}/\d\d/\d\d \d\d:00 +-?\d+\.\d{4} "
    rb"(?:G|M|[CD]\d\d(?:,[CD]\d\d)*)(?: \w+)?"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a world of two regions, three cells each, thirteen months."""
    folder = tmp_path_factory.mktemp("world")
    write_virtual_world(make_recipe(), folder)
    return folder


def members(world: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(world / "ismn.zip") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def sensor_files(world: Path, variable: str = "sm") -> dict[str, bytes]:
    return {
        name: content
        for name, content in members(world).items()
        if f"_{variable}_" in name and "/Broken/" not in name
    }


def rows_of(content: bytes) -> pd.DataFrame:
    """Return a file's rows as text columns: time, value, flag."""
    lines = content.split(b"\n\r", 1)[1].decode().splitlines()
    parts = [line.split() for line in lines]
    return pd.DataFrame(
        {
            "time": pd.to_datetime([f"{x[0]} {x[1]}" for x in parts]),
            "value": [float(x[2]) for x in parts],
            "flag": [x[3] for x in parts],
        }
    )


def test_soil_memory_grows_with_depth(world: Path) -> None:
    with open_zarr_zip(world / "truth.zarr.zip") as truth:
        anomaly = truth.soil_moisture_truth - truth.soil_moisture_truth.mean("time")
        later = anomaly.values[..., 5:] * anomaly.values[..., :-5]
    memory = later.mean(axis=(1, 2)) / anomaly.var(("cell", "time")).values
    assert memory[0] < memory[1] < memory[2]


def test_southern_summer_is_in_january(world: Path) -> None:
    for region, warm, cold in (("europe", 7, 1), ("oceania", 1, 7)):
        with open_zarr_zip(world / "era5" / f"{region}.zarr.zip") as store:
            months = store.t2m.groupby("valid_time.month").mean(...)
        assert float(months.sel(month=warm)) > float(months.sel(month=cold)) + 8.0


def test_reanalysis_follows_era5_conventions(world: Path) -> None:
    with open_zarr_zip(world / "era5" / "europe.zarr.zip") as store:
        assert store.latitude.values.tolist() == [48.0, 47.75, 47.5]
        assert store.tp.dims == ("valid_time", "latitude", "longitude")
        assert {str(store[name].dtype) for name in store} == {"float32"}
        # 397 days of 24 hours and the hour that completes the last day.
        assert store.sizes["valid_time"] == 397 * 24 + 1
        assert str(store.valid_time.values[-1])[:13] == "2017-02-01T00"
        assert float(store.e.max()) <= 0.0
        assert float((store.d2m - store.t2m).max()) <= 0.0
        night = store.ssrd.sel(valid_time=store.valid_time.dt.hour == 0)
        assert float(night.max()) == 0.0
    with open_zarr_zip(world / "era5" / "oceania.zarr.zip") as store:
        assert store.longitude.values.tolist() == [148.0, 148.25, 148.5]


def test_truth_is_driven_by_the_daily_sums_that_a_user_computes(world: Path) -> None:
    recipe = make_recipe()
    days = np.arange(
        np.datetime64(recipe.period.start), np.datetime64(recipe.period.end) + 1
    )
    box = simulate_box(CLIMATES["europe"], days, 3, 0.25, 1)
    with open_zarr_zip(world / "era5" / "europe.zarr.zip") as store:
        # The documented rule: hours 01 to 23 of the day and 00 of the next.
        shifted = store.tp.assign_coords(
            valid_time=store.valid_time - np.timedelta64(1, "h")
        ).astype("float64")
        sums = 1000.0 * shifted.resample(valid_time="1D").sum()[1:]
    driven = box.drivers.rain[SPIN_UP:].reshape(-1, 3, 3)
    np.testing.assert_allclose(sums.values, driven, atol=1e-9)


def test_truth_covers_cell_centres_sorted_by_id(world: Path) -> None:
    with open_zarr_zip(world / "truth.zarr.zip") as truth:
        cells = truth.cell.values.tolist()
        assert cells == sorted(cells)
        assert len(set(cells)) == 6
        for cell, latitude, longitude in zip(
            cells, truth.latitude.values, truth.longitude.values, strict=True
        ):
            assert cell == f"{latitude}_{longitude}"
            assert (8 * latitude) % 2 == (8 * longitude) % 2 == 1  # odd eighths
        assert truth.layer.values.tolist() == [1, 2, 3]
        assert truth.layer_depth_to.values.tolist() == [0.1, 0.3, 0.5]
        values = truth.soil_moisture_truth.values
    assert np.isfinite(values).all()
    assert 0.0 < values.min() < values.max() < 0.52


def test_archive_is_sorted_stored_and_undated(world: Path) -> None:
    with zipfile.ZipFile(world / "ismn.zip") as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(set(names))
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert "Readme.txt" in names


def test_station_files_follow_the_header_values_layout(world: Path) -> None:
    files = sensor_files(world)
    assert len(files) > 12
    for name, content in files.items():
        header, body = content.split(b"\n\r", 1)
        rows = body.split(b"\r\n")
        assert rows.pop() == b""
        assert all(ROW.fullmatch(row) for row in rows)
        times = [row[:16] for row in rows]
        assert times == sorted(set(times))
        cse, network, station, *numbers = header.decode().split()[:8]
        folder, place, member = name.split("/")
        assert (folder, place) == (network, station)
        depths = f"{float(numbers[3]):.6f}_{float(numbers[4]):.6f}"
        assert member.startswith(f"{cse}_{network}_{station}_sm_{depths}_")


def test_flags_mark_every_value_out_of_range(world: Path) -> None:
    rows = pd.concat([rows_of(content) for content in sensor_files(world).values()])
    rows = rows[rows.flag != "M"]
    negative, wet = rows.value < 0.0, rows.value > 0.60
    assert negative.any()
    assert wet.any()
    assert rows.flag[negative].str.contains("C01").all()
    assert rows.flag[wet].str.contains("C02").all()
    assert not rows.flag[~negative & ~wet].str.contains("C01|C02").any()


def test_frozen_soil_carries_frost_flags(world: Path) -> None:
    # VNET-ALPS measures soil temperature, every six hours, at its uppermost probe.
    warmth, moisture = (
        {
            name.rpartition(f"_{variable}_")[0]: rows_of(content).set_index("time")
            for name, content in sorted(sensor_files(world, variable).items())
            if "VNET-ALPS" in name and "_0.050000_0.050000_" in name
        }
        for variable in ("ts", "sm")
    )
    assert warmth
    frozen_values = 0
    for station, degrees in warmth.items():
        soil = degrees[["value"]].add_suffix("_soil")
        joined = moisture[station].join(soil, how="inner")
        frozen = joined[joined.value_soil < -0.01]  # degrees are rounded to 0.01
        assert frozen.flag.str.contains("D01").all()
        assert not joined.flag[joined.value_soil > 0.01].str.contains("D01").any()
        frozen_values += len(frozen)
    assert frozen_values > 10


def test_damaged_members_are_among_the_stations(world: Path) -> None:
    broken = [x for name, x in members(world).items() if "/Broken/" in name]
    assert len(broken) == 6  # three a region
    assert b"" in broken


def test_community_reader_reads_a_station_file(world: Path, tmp_path: Path) -> None:
    files = pytest.importorskip("ismn.filehandlers")
    name, content = min(sensor_files(world).items())
    path = tmp_path / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    read = files.DataFile(tmp_path, path.relative_to(tmp_path)).read_data()
    expected = rows_of(content)
    np.testing.assert_allclose(read.soil_moisture.to_numpy(), expected.value)
    assert read.soil_moisture_flag.tolist() == expected.flag.tolist()
    assert read.index.tolist() == expected.time.tolist()


def test_texts_have_the_archive_format() -> None:
    values = format_values(np.array([0.1, -0.25, 12.0]), 0)
    texts = [bytes(row[row != 0]).decode() for row in values]
    assert texts == ["0.1000", "-0.2500", "12.0000"]
    assert bytes(format_values(np.array([0.1]), 9)[0]) == b"   0.1000"
    times = format_times(np.array(["2020-02-29T23"], dtype="datetime64[h]"))
    assert bytes(times[0]) == b"2020/02/29 23:00"


def test_flag_texts_join_flags_and_name_the_provider() -> None:
    alps, dale = NETWORKS["europe"]
    savanna = NETWORKS["africa"][1]  # delivers no flag of its own
    both = int(BIT["D03"] | BIT["D05"])
    assert format_flags(both, dale) == " D03,D05 4\r\n"
    assert format_flags(both, alps) == " D05,D03 M\r\n"  # joined in the other order
    assert format_flags(0, dale) == " G 1\r\n"
    assert format_flags(0, savanna) == " G\r\n"
    assert format_flags(int(MISSING_BIT), savanna) == " M\r\n"


def test_world_is_the_same_in_other_processes(world: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path;"
        "from factories.raw.virtual_recipes import make_recipe;"
        "from somobench.pipelines.raw.world import write_virtual_world;"
        "write_virtual_world(make_recipe(), Path(sys.argv[1]), processes=2)"
    )
    other = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "BLOSC_NTHREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | other,
    )
    names = ["ismn.zip", "truth.zarr.zip", "era5/europe.zarr.zip"]
    for name in names:
        assert sha256_file(tmp_path / name) == sha256_file(world / name), name


def test_region_does_not_depend_on_the_others(world: Path, tmp_path: Path) -> None:
    write_virtual_world(make_recipe(regions=("oceania",)), tmp_path)
    name = "era5/oceania.zarr.zip"
    assert sha256_file(tmp_path / name) == sha256_file(world / name)
    alone = sensor_files(tmp_path)
    assert alone.items() <= sensor_files(world).items()


def test_another_seed_gives_another_world(world: Path, tmp_path: Path) -> None:
    write_virtual_world(make_recipe(regions=("oceania",), seed=2), tmp_path)
    with (
        open_zarr_zip(world / "era5/oceania.zarr.zip") as first,
        open_zarr_zip(tmp_path / "era5/oceania.zarr.zip") as second,
    ):
        assert not np.array_equal(first.tp.values, second.tp.values)


def test_world_refuses_more_cells_than_its_boxes_hold(tmp_path: Path) -> None:
    # Three by three nodes enclose four cells.
    with pytest.raises(InputError, match=r"found:\s+5\n\s+expected:\s+at most 4"):
        write_virtual_world(make_recipe(cells=5), tmp_path)


def test_world_refuses_a_region_that_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="atlantis"):
        write_virtual_world(make_recipe(regions=("atlantis",)), tmp_path)
