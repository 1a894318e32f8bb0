"""The virtual world: its physics by hand, its raw formats as a reader meets them."""

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

from somobench.catalog.archive import open_zarr_zip
from somobench.catalog.manifest import sha256_file
from somobench.pipelines.virtual import write_virtual_world
from somobench.pipelines.virtual_archive import flag_text, time_texts, value_texts
from somobench.pipelines.virtual_hourly import (
    accumulate,
    daily_totals,
    hourly_states,
    interpolate,
    progress,
    quantise,
)
from somobench.pipelines.virtual_reanalysis import SPIN_UP, simulate_box
from somobench.pipelines.virtual_regions import CLIMATES, NETWORKS
from somobench.pipelines.virtual_sensors import BIT, MISSING_BIT
from somobench.pipelines.virtual_soil import (
    LATENT_HEAT,
    Drivers,
    Soil,
    rain_and_melt,
    texture_soil,
    water_balance,
    water_step,
)
from somobench.pipelines.virtual_stations import corner_mean
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import load_recipe
from virtual_recipes import RECIPE, make_recipe

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


def one_layer_soil() -> Soil:
    column = np.ones((1, 1))
    return Soil(
        thickness=100.0 * column,
        porosity=0.5 * column,
        field_capacity=0.3 * column,
        wilting_point=0.1 * column,
        roots=column,
        conductivity=10.0 * column,
        exchange=0.0 * column,
    )


def test_water_step_gives_hand_computed_fluxes() -> None:
    # The layer holds 50 mm at most and 25 mm now; 10 mm arrive, 2 mm are asked for.
    # Runoff 10 (25/50)^3 = 1.25, so 33.75 mm. Free water above 0.9 field capacity:
    # (33.75/50 - 0.54) / (1 - 0.54) = 0.135 / 0.46; drainage 10 (0.135/0.46)^2.
    # The soil is wet, so evaporation is 0.95 x 2 = 1.9.
    drained = 10.0 * (0.135 / 0.46) ** 2
    water, evaporation, runoff, drainage = water_step(
        one_layer_soil(),
        np.array([[25.0]]),
        np.array([10.0]),
        np.array([2.0]),
        np.array([[0.0]]),
    )
    assert runoff[0] == pytest.approx(1.25)
    assert drainage[0] == pytest.approx(drained)
    assert evaporation[0] == pytest.approx(1.9)
    assert water[0, 0] == pytest.approx(25.0 + 10.0 - 1.25 - drained - 1.9)


def test_frozen_layer_neither_evaporates_nor_drains() -> None:
    # Of 10 mm on frozen ground 7 mm run off, more than the 1.25 mm of thawed soil.
    water, evaporation, runoff, drainage = water_step(
        one_layer_soil(),
        np.array([[25.0]]),
        np.array([10.0]),
        np.array([2.0]),
        np.array([[1.0]]),
    )
    fluxes = (evaporation[0], drainage[0], runoff[0], water[0, 0])
    assert fluxes == pytest.approx((0.0, 0.0, 7.0, 28.0))


def test_dry_layer_keeps_its_water() -> None:
    # At half the wilting point nothing evaporates.
    _, evaporation, _, _ = water_step(
        one_layer_soil(),
        np.array([[5.0]]),
        np.array([0.0]),
        np.array([5.0]),
        np.array([[0.0]]),
    )
    assert evaporation[0] == 0.0


def test_snow_waits_for_warmth_and_melts_by_degree_days() -> None:
    # 4 mm fall at -2 degrees; a day at +1 melts 2.5 mm of it, the next day the rest.
    rain, cold, warm = np.array([4.0]), np.array([271.15]), np.array([274.15])
    liquid, snow = rain_and_melt(rain, cold, np.zeros(1))
    assert (liquid[0], snow[0]) == (0.0, 4.0)
    liquid, snow = rain_and_melt(np.zeros(1), warm, snow)
    assert (liquid[0], snow[0]) == pytest.approx((2.5, 1.5))
    liquid, snow = rain_and_melt(np.array([1.0]), warm, snow)
    assert (liquid[0], snow[0]) == pytest.approx((2.5, 0.0))


def test_water_balance_creates_and_loses_no_water(rng: np.random.Generator) -> None:
    days, columns, layers = 400, 5, (100.0, 200.0, 200.0, 500.0)
    soil = texture_soil(np.linspace(0.05, 0.9, columns), layers)
    season = 278.0 + 10.0 * np.sin(np.arange(days) / 58.0)[:, None]
    drivers = Drivers(
        rain=rng.gamma(0.3, 12.0, (days, columns)),
        temperature=season + rng.normal(0.0, 4.0, (days, columns)),
        net_radiation=rng.uniform(-2.0, 15.0, (days, columns)),
    )
    result = water_balance(soil, drivers)
    stored = (result.soil_moisture[-1] * soil.thickness).sum(axis=0)
    begun = (0.9 * soil.field_capacity * soil.thickness).sum(axis=0)
    left = (result.evaporation + result.runoff + result.drainage).sum(axis=0)
    change = stored - begun + result.snow[-1]
    assert result.snow.max() > 10.0
    assert (result.soil_temperature < 273.15).any()
    np.testing.assert_allclose(change + left, drivers.rain.sum(axis=0), atol=1e-8)


def test_soil_memory_grows_with_depth(world: Path) -> None:
    with open_zarr_zip(world / "truth.zarr.zip") as truth:
        anomaly = truth.soil_moisture_truth - truth.soil_moisture_truth.mean("time")
        later = anomaly.values[..., 5:] * anomaly.values[..., :-5]
    memory = later.mean(axis=(1, 2)) / anomaly.var(("cell", "time")).values
    assert memory[0] < memory[1] < memory[2]


def test_accumulation_ends_at_its_hour() -> None:
    # 24, 48 and 72 in three days, evenly: 1, 2 and 3 an hour. The period begins with
    # the second day; its 00:00 holds the last hour of the first day.
    hourly = accumulate(np.array([24.0, 48.0, 72.0]), np.full((3, 24), 1.0 / 24.0))
    assert hourly.tolist() == pytest.approx([1.0] + 24 * [2.0] + 24 * [3.0])
    assert daily_totals(hourly.astype("float32")).tolist() == pytest.approx([48, 72])


def test_interpolation_meets_daily_values_at_noon() -> None:
    hourly = interpolate(np.array([0.0, 10.0, 30.0]))
    # One day: 00:00 is halfway between the noons of the day before and of the day.
    assert hourly[[0, 12, 24]].tolist() == pytest.approx([5.0, 10.0, 20.0])


def test_hourly_state_follows_the_rain() -> None:
    # Rain in the hours ending at 06 and 12, half each; moisture rises 0.2 to 0.3.
    shares = np.zeros((2, 24))
    shares[:, [5, 11]] = 0.5
    moved = progress(shares, np.array([True, False]))
    hourly = hourly_states(np.array([0.2, 0.3, 0.3]), moved)
    assert hourly[[0, 5, 6, 11, 12, 24]].tolist() == pytest.approx(
        [0.2, 0.2, 0.25, 0.25, 0.3, 0.3]
    )
    assert moved[1, 6] == pytest.approx(0.25)  # a dry day passes evenly


def test_quantised_values_keep_their_precision(rng: np.random.Generator) -> None:
    values = rng.normal(0.0, 300.0, 1000)
    rounded = quantise(values)
    assert np.abs(rounded / values - 1.0).max() <= 2.0**-13 + 1e-7
    assert (rounded.view("uint32") & np.uint32(0x7FF) == 0).all()


def test_corner_mean_averages_four_nodes() -> None:
    nodes = np.arange(9.0).reshape(3, 3)
    # The cell between nodes 0, 1, 3 and 4 has mean 2; the others are 3, 5 and 6.
    assert corner_mean(nodes).tolist() == [2.0, 3.0, 5.0, 6.0]


def test_recipe_spans_energy_and_water_limitation() -> None:
    recipe = load_recipe(RECIPE)
    assert recipe.virtual is not None
    nodes, seed = recipe.virtual.box_nodes, recipe.virtual.seed
    days = np.arange(
        np.datetime64(recipe.period.start), np.datetime64(recipe.period.end) + 1
    )
    driest, wettest = [], []
    for climate in CLIMATES.values():
        box = simulate_box(climate, days, nodes, recipe.grid.resolution, seed)
        rain = box.drivers.rain[SPIN_UP:].mean(axis=0)
        energy = box.drivers.net_radiation[SPIN_UP:].mean(axis=0) / LATENT_HEAT
        dryness = corner_mean((energy / rain).reshape(nodes, nodes))
        wettest.append(dryness.min())
        driest.append(dryness.max())
    assert max(wettest) < 1.0 < min(driest)  # both sides in every region
    assert min(wettest) < 0.6
    assert max(driest) > 3.0


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
    values = value_texts(np.array([0.1, -0.25, 12.0]), 0)
    texts = [bytes(row[row != 0]).decode() for row in values]
    assert texts == ["0.1000", "-0.2500", "12.0000"]
    assert bytes(value_texts(np.array([0.1]), 9)[0]) == b"   0.1000"
    times = time_texts(np.array(["2020-02-29T23"], dtype="datetime64[h]"))
    assert bytes(times[0]) == b"2020/02/29 23:00"


def test_flag_texts_join_flags_and_name_the_provider() -> None:
    alps, dale = NETWORKS["europe"]
    savanna = NETWORKS["africa"][1]  # delivers no flag of its own
    both = int(BIT["D03"] | BIT["D05"])
    assert flag_text(both, dale) == " D03,D05 4\r\n"
    assert flag_text(both, alps) == " D05,D03 M\r\n"  # joined in the other order
    assert flag_text(0, dale) == " G 1\r\n"
    assert flag_text(0, savanna) == " G\r\n"
    assert flag_text(int(MISSING_BIT), savanna) == " M\r\n"


def test_world_is_the_same_in_another_process(world: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from virtual_recipes import make_recipe;"
        "from somobench.pipelines.virtual import write_virtual_world;"
        "write_virtual_world(make_recipe(), Path(sys.argv[1]))"
    )
    other = {"TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7", "BLOSC_NTHREADS": "1"}
    subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        check=True,
        cwd=Path(__file__).parent,
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
