"""What people have: files of each place, in its own layout, give the same days.

The days expected are those of plain hourly netCDF on `time`, which test_era5.py holds
to sums and means computed one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.raw import era5_deliveries as deliveries
from factories.raw.era5_stores import (
    CELLS,
    hours,
    make_cell_table,
    make_era5,
    make_recipe,
)
from somobench.pipelines.forcing.era5 import Era5Source
from somobench.pipelines.forcing.source import DailyForcing, ForcingRequest
from somobench.schemas.errors import InputError

pytestmark = pytest.mark.heavy

Build = Callable[..., DailyForcing]
REFERENCE = "reanalysis_soil_moisture"


@pytest.fixture
def build(tmp_path: Path, repository: Path) -> Build:
    """Return a builder of daily forcing from paths and changed recipe keys."""

    def daily(
        *paths: Path, cells: Sequence[str] = CELLS, **blocks: Any
    ) -> DailyForcing:
        request = ForcingRequest(
            recipe=make_recipe(repository, **blocks),
            cells=make_cell_table(cells=cells),
            inputs=tuple(paths),
        )
        return Era5Source().daily(request)

    return daily


@pytest.fixture
def plain(tmp_path: Path, build: Build) -> xr.Dataset:
    """Return the days of plain hourly files."""
    return build(written(tmp_path / "plain", make_era5())).dataset


def written(folder: Path, *stores: xr.Dataset, **keywords: Any) -> Path:
    files = {f"{number}.nc": store for number, store in enumerate(stores)}
    return deliveries.write_files(folder, files, **keywords)


def assert_same(found: xr.Dataset, expected: xr.Dataset, steps: int = 0) -> None:
    """Compare values; `steps` of storing (2**-7 mm and so on) may lie between."""
    for name in expected.data_vars:
        tolerance = steps * 2.0**-7 if name != "specific_humidity" else steps * 2.0**-17
        np.testing.assert_allclose(
            found[name], expected[name], rtol=0, atol=tolerance, err_msg=str(name)
        )


def test_new_cds_zip_gives_the_same_days(
    tmp_path: Path, build: Build, plain: xr.Dataset
) -> None:
    path = deliveries.write_cds_zip(tmp_path / "a.zip", make_era5(), tmp_path / "in")
    assert_same(build(path).dataset, plain)


def test_zip_named_nc_in_a_sub_folder_beside_netcdf_is_read(
    tmp_path: Path, build: Build, plain: xr.Dataset
) -> None:
    store = make_era5()
    folder = tmp_path / "era5"
    first, second = store.isel(time=slice(0, 30)), store.isel(time=slice(30, None))
    deliveries.write_cds_zip(folder / "2018/01/download.nc", first, tmp_path / "in")
    deliveries.write_files(folder, {"2018/02/data_0.nc": deliveries.new_cds(second)})
    (folder / "readme.txt").write_text("from the store")
    given = build(folder)
    assert_same(given.dataset, plain)
    assert given.report["files_passed_over"] == [
        {"name": "readme.txt", "reason": "no netCDF, GRIB, Zarr or zip"}
    ]
    assert given.report["boxes"][0]["files"] == [
        "2018/01/download.nc/data_stream-oper_stepType-accum.nc",
        "2018/01/download.nc/data_stream-oper_stepType-instant.nc",
        "2018/02/data_0.nc",
    ]


def test_era5_land_total_belongs_to_the_day_that_it_covers(
    tmp_path: Path, build: Build
) -> None:
    # Rain of 1, 2 and 4 mm on 1, 2 and 3 January, each in one value at the end of the
    # day, in a file whose `time` is the start of the day.
    days = pd.date_range("2018-01-01", periods=3)
    rain = make_era5(times=days, names=("tp",))["tp"]
    rain[:] = np.array([1e-3, 2e-3, 4e-3])[:, None, None]
    recipe = {
        "forcing": {
            "variables": ["precipitation"],
            "frequency": "daily",
            "accumulation": "since_00_utc",
        },
        "reference": {"source": "none", "layers": []},
    }
    path = written(tmp_path / "land", deliveries.cfgrib_of_land_totals(rain))
    found = build(path, **recipe).dataset["precipitation"]
    assert found.isel(cell=0).to_numpy().tolist() == [1.0, 2.0, 4.0]


@pytest.mark.parametrize("keep_valid_time", [True, False])
def test_forecasts_by_start_and_step_give_the_same_days(
    keep_valid_time: bool, tmp_path: Path, build: Build, plain: xr.Dataset
) -> None:
    store = make_era5()
    totals = store[list(deliveries.ACCUMULATED)]
    forecast = deliveries.cfgrib_of_forecasts(totals, keep_valid_time=keep_valid_time)
    states = store.drop_vars(deliveries.ACCUMULATED)
    assert_same(build(written(tmp_path / "era5", states, forecast)).dataset, plain)


def test_months_of_forecasts_overlap_by_their_padding(
    tmp_path: Path, build: Build, plain: xr.Dataset
) -> None:
    store = make_era5()
    totals = store[list(deliveries.ACCUMULATED)]
    months = [
        deliveries.cfgrib_of_forecasts(totals.isel(time=part))
        for part in (slice(0, 24), slice(24, None))
    ]
    states = store.drop_vars(deliveries.ACCUMULATED)
    assert_same(build(written(tmp_path / "era5", states, *months)).dataset, plain)


def test_ncar_files_give_the_same_days(
    tmp_path: Path, build: Build, plain: xr.Dataset
) -> None:
    folder = deliveries.write_files(tmp_path / "ncar", deliveries.ncar(make_era5()))
    given = build(folder)
    assert_same(given.dataset, plain)
    assert given.report["variables"]["precipitation"]["from"] == ["lsp", "cp"]


def test_sea_of_packed_files_is_no_land(tmp_path: Path, build: Build) -> None:
    store = make_era5()
    for level in ("swvl1", "swvl2", "swvl3"):
        store[level][:] = 0.277
        store[level][:, 0, 0] = 0.0  # a corner of one cell
    encoding = deliveries.old_cds(store)
    folder = written(tmp_path / "old", store, encoding=encoding)
    with xr.open_dataset(folder / "0.nc") as packed:
        assert 0 < np.abs(packed["swvl1"].to_numpy()[:, 0, 0]).max() < 1e-6
    given = build(folder)
    found = given.dataset[REFERENCE].sel(cell="50.125_10.125").to_numpy()
    # The mean of the three land nodes; with the sea it would be 0.208.
    np.testing.assert_allclose(found, 0.277, atol=2.0**-14)
    assert given.report["reference"]["sea_nodes_left_out"] == 1


def test_dry_days_of_packed_files_are_dry(tmp_path: Path, build: Build) -> None:
    # A step of 0.1 m / 65533 = 1.5e-6 m leaves zero up to 0.76e-6 m off: 0.018 mm a
    # day, which would be stored as two steps of 2**-7 mm.
    store = make_era5()
    store["tp"][:] = 0.0
    store["tp"][60, 0, 0] = 0.1
    encoding = deliveries.old_cds(store)
    encoding["tp"]["add_offset"] += 0.4 * encoding["tp"]["scale_factor"]
    rain = build(written(tmp_path / "old", store, encoding=encoding)).dataset
    first = rain["precipitation"].sel(time="2018-01-01").to_numpy()
    assert first.tolist() == [0.0] * 4


def test_grid_in_single_and_double_precision_is_one_grid(
    tmp_path: Path, build: Build
) -> None:
    latitude = np.array([50.2, 50.1, 50.0])
    longitude = np.array([10.0, 10.1, 10.2])
    store = make_era5(latitudes=latitude, longitudes=longitude)
    single = store.assign_coords(
        latitude=latitude.astype(np.float32), longitude=longitude.astype(np.float32)
    )
    parts = single.isel(time=slice(0, 40)), store.isel(time=slice(40, None))
    keys = {"grid": {"resolution": 0.1}, "cells": ("50.05_10.05", "50.15_10.15")}
    two = build(written(tmp_path / "two", *parts), **keys).dataset
    one = build(written(tmp_path / "one", store), **keys).dataset
    xr.testing.assert_identical(two, one)


@pytest.mark.parametrize(
    ("name", "units", "factor"),
    [
        ("tp", "kg m**-2", 1e3),
        ("tp", "mm", 1e3),
        ("tp", "kg m**-2 s**-1", 1e3 / 3600),
        ("tp", "mm/day", 24e3),
        ("ssrd", "W m-2", 1 / 3600),
        ("str", "kJ m**-2", 1e-3),
        ("sp", "hPa", 1e-2),
        ("e", "mm of water equivalent", 1e3),
    ],
)
@pytest.mark.parametrize("in_recipe", [False, True])
def test_other_units_give_the_same_days(
    name: str,
    units: str,
    factor: float,
    in_recipe: bool,
    tmp_path: Path,
    build: Build,
    plain: xr.Dataset,
) -> None:
    store = make_era5()
    wrong = store[name].attrs["units"]
    store[name] = store[name].astype(float) * factor
    store[name].attrs["units"] = wrong if in_recipe else units
    keys = {"units": {name: units}} if in_recipe else {}
    given = build(written(tmp_path / "era5", store), forcing=keys)
    assert_same(given.dataset, plain, steps=1)


def test_celsius_becomes_kelvin(
    tmp_path: Path, build: Build, plain: xr.Dataset
) -> None:
    store = make_era5()
    store["t2m"] = (store["t2m"].astype(float) - 273.15).assign_attrs(units="degC")
    assert_same(build(written(tmp_path / "a", store)).dataset, plain, steps=1)


def preliminary_from(store: xr.Dataset, hour: int) -> xr.Dataset:
    versions = ["0001"] * hour + ["0005"] * (store.sizes["time"] - hour)
    return deliveries.new_cds(store, versions)


def test_preliminary_days_are_counted_by_variable(tmp_path: Path, build: Build) -> None:
    # From 00 UTC of 3 January on: a mean of 3 January has 24 preliminary hours, and a
    # sum of 2 January one, its last.
    path = written(tmp_path / "era5", preliminary_from(make_era5(), 48))
    variables = build(path).report["variables"]
    assert variables["air_temperature"]["preliminary_days"] == {
        "count": 1,
        "runs": [["2018-01-03", "2018-01-03"]],
    }
    assert variables["precipitation"]["preliminary_days"] == {
        "count": 2,
        "runs": [["2018-01-02", "2018-01-03"]],
    }


def test_preliminary_days_can_be_refused(tmp_path: Path, build: Build) -> None:
    path = written(tmp_path / "era5", preliminary_from(make_era5(), 48))
    with pytest.raises(
        InputError, match=r"(?s)precipitation: 2 days: 2018-01-02 to 2018-01-03.*refuse"
    ):
        build(path, forcing={"preliminary": "refuse"})
    final = written(tmp_path / "final", deliveries.new_cds(make_era5()))
    build(final, forcing={"preliminary": "refuse"})


def test_final_values_go_before_preliminary_ones(
    tmp_path: Path, build: Build, plain: xr.Dataset
) -> None:
    # Old store: a dim expver, 1 up to some hour and 5 after, NaN elsewhere; and hours
    # that both have, of which the preliminary is another.
    store = make_era5()
    final = store.where(store["time"] < np.datetime64("2018-01-03"))
    early = store.where(store["time"] >= np.datetime64("2018-01-02T12"))
    early["t2m"][36:48] += 3.0
    both = xr.concat([final, early], pd.Index([1, 5], name="expver"))
    for name in store.data_vars:
        both[name].attrs = store[name].attrs
    given = build(written(tmp_path / "old", both))
    assert_same(given.dataset, plain)
    counted = given.report["variables"]["air_temperature"]["preliminary_days"]
    assert counted == {"count": 1, "runs": [["2018-01-03", "2018-01-03"]]}


def test_arco_store_says_how_far_it_is_final(tmp_path: Path, build: Build) -> None:
    store = make_era5(times=hours(3)).assign_attrs(
        valid_time_start="1940-01-01",
        valid_time_stop="2018-01-02",
        valid_time_stop_era5t="2018-01-06",
    )
    store.to_zarr(tmp_path / "arco.zarr", zarr_format=2)
    variables = build(tmp_path / "arco.zarr").report["variables"]
    assert variables["skin_temperature"]["preliminary_days"]["count"] == 1


def with_fill(path: Path, value: float, **attrs: Any) -> Path:
    """Write a store with a corner of t2m at a value, and change its attributes."""
    store = make_era5()
    store["t2m"][:, 0, 0] = value
    folder = written(path, store, encoding={"t2m": {"_FillValue": None}})
    with netCDF4.Dataset(folder / "0.nc", "a") as file:
        for name, content in attrs.items():
            setattr(file["t2m"], name, content)
    return folder


@pytest.mark.parametrize("value", [9.96921e36, 1e20, -9999.9])
def test_missing_value_of_double_precision_is_missing_in_single(
    value: float, tmp_path: Path, build: Build
) -> None:
    # In single precision 9.96921e36 is another number than in double.
    given = build(with_fill(tmp_path / "era5", value, missing_value=np.float64(value)))
    cells = given.dataset["cell"].to_numpy().tolist()
    assert given.node_count[cells.index("50.125_10.125")] == 3
    assert given.node_count[cells.index("49.875_10.375")] == 4


def test_undeclared_fill_is_refused_by_its_size(tmp_path: Path, build: Build) -> None:
    with pytest.raises(InputError, match=r"(?s)9\.96921e\+36.*declared as _FillValue"):
        build(with_fill(tmp_path / "era5", 9.96921e36))


def packed(path: Path, *, fill: int | None, hole: float) -> Path:
    """Write t2m in 16 bits around 285 K in steps of 1 mK, with or without a fill."""
    store = make_era5()
    store["t2m"][:, 0, 0] = hole
    packing = {"dtype": "int16", "scale_factor": 0.001, "add_offset": 285.0}
    folder = written(path, store, encoding={"t2m": packing | {"_FillValue": -32767}})
    with netCDF4.Dataset(folder / "0.nc", "a") as file:
        file["t2m"].delncattr("_FillValue")
        if fill is not None:
            file["t2m"].missing_value = np.int16(fill)
    return folder


def test_undeclared_fill_of_packed_values_is_refused(
    tmp_path: Path, build: Build
) -> None:
    # Decoded, -32767 is 252.2 K: a temperature like any other.
    path = packed(tmp_path / "era5", fill=None, hole=np.nan)
    with pytest.raises(InputError, match=r"(?s)t2m in.*stored as -32767.*ncatted"):
        build(path)
    build(packed(tmp_path / "declared", fill=-32767, hole=np.nan))
    build(packed(tmp_path / "whole", fill=None, hole=284.0))


def test_lost_scale_factor_is_refused(tmp_path: Path, build: Build) -> None:
    folder = packed(tmp_path / "era5", fill=-32767, hole=284.0)
    with netCDF4.Dataset(folder / "0.nc", "a") as file:
        file["t2m"].delncattr("scale_factor")
        file["t2m"].delncattr("add_offset")
    with pytest.raises(InputError, match=r"(?s)t2m in.*150 to 340 K"):
        build(folder)


def test_damaged_values_are_refused_with_their_file(
    tmp_path: Path, build: Build
) -> None:
    store = make_era5()
    folder = written(tmp_path / "era5", store, encoding={"t2m": {"fletcher32": True}})
    content = bytearray((folder / "0.nc").read_bytes())
    at = content.index(store["t2m"].to_numpy()[40].tobytes())
    content[at : at + 4] = bytes(4)
    (folder / "0.nc").write_bytes(content)
    with pytest.raises(InputError, match=r"(?s)t2m in forcing input 0\.nc.*damaged"):
        build(folder)


def test_netcdf_cut_short_is_refused(tmp_path: Path, build: Build) -> None:
    folder = written(tmp_path / "era5", make_era5(), format="NETCDF3_64BIT")
    content = (folder / "0.nc").read_bytes()
    (folder / "0.nc").write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(InputError, match=r"(?s)forcing input 0\.nc"):
        build(folder)
