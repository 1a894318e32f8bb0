from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.raw.era5_stores import make_era5
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.members import Members
from somobench.pipelines.forcing.era5.files.layout import normalise
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.files.validity import list_times
from somobench.schemas.errors import InputError

NAMES = ("t2m",)


def rain_and_warmth() -> xr.Dataset:
    return make_era5(days=1, names=("tp", "t2m"))


def as_netcdf(dataset: xr.Dataset, path: Path) -> Path:
    dataset.to_netcdf(path)
    return path


def as_zarr_folder(dataset: xr.Dataset, path: Path, version: int = 3) -> Path:
    dataset.to_zarr(path, zarr_format=version, consolidated=version == 2)
    return path


def as_zarr_zip(dataset: xr.Dataset, path: Path) -> Path:
    write_zarr_zip(dataset, path)
    return path


def as_old_zarr_zip(dataset: xr.Dataset, path: Path) -> Path:
    folder = as_zarr_folder(dataset, path.with_suffix(".folder"), 2)
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path


@pytest.mark.parametrize(
    ("write", "name"),
    [
        (as_netcdf, "box.nc"),
        (as_zarr_folder, "box.zarr"),
        (as_zarr_zip, "box.zarr.zip"),
        (as_old_zarr_zip, "old.zarr.zip"),
    ],
)
def test_every_kind_of_store_gives_the_same_values(
    write: Callable[[xr.Dataset, Path], Path], name: str, tmp_path: Path
) -> None:
    expected = rain_and_warmth()
    with open_inputs([write(expected, tmp_path / name)]) as opened:
        [(found_name, found)] = opened.stores
        assert found_name == name
        for variable in ("tp", "t2m"):
            np.testing.assert_array_equal(found[variable], expected[variable])
        np.testing.assert_array_equal(list_times(found), expected["time"])


def names_in(*paths: Path) -> list[str]:
    with open_inputs(paths) as opened:
        return [name for name, _ in opened.stores]


def test_folder_and_glob_give_their_files_in_order(tmp_path: Path) -> None:
    for name in ("b.nc", "a.nc"):
        as_netcdf(make_era5(days=1, names=NAMES), tmp_path / name)
    (tmp_path / "readme.txt").write_text("not data")
    assert names_in(tmp_path) == ["a.nc", "b.nc"]
    assert names_in(tmp_path / "*.nc") == ["a.nc", "b.nc"]


def test_dims_of_other_names_and_longitudes_to_360_become_ours() -> None:
    theirs = make_era5(days=1, longitudes=(254.25, 359.75), names=NAMES).rename(
        time="valid_time", latitude="lat", longitude="lon"
    )
    found = normalise(theirs, "theirs.nc")
    assert found["t2m"].dims == ("time", "latitude", "longitude")
    assert found["longitude"].to_numpy().tolist() == [-105.75, -0.25]


def test_single_members_and_steps_are_dropped() -> None:
    theirs = make_era5(days=1, names=NAMES).expand_dims(number=[0], surface=[0.0])
    found = normalise(theirs, "theirs.nc")
    assert set(found["t2m"].dims) == {"time", "latitude", "longitude"}


def test_box_of_one_node_keeps_its_dims() -> None:
    pixel = make_era5(days=1, latitudes=(50.0,), longitudes=(10.0,), names=NAMES)
    assert normalise(pixel, "pixel.nc")["t2m"].shape == (25, 1, 1)


def test_times_without_nanoseconds_are_accepted() -> None:
    dataset = make_era5(days=1, names=NAMES)
    seconds = dataset.assign_coords(time=dataset["time"].to_numpy().astype("M8[s]"))
    assert list_times(normalise(seconds, "box.nc")).dtype == "datetime64[ns]"


@pytest.mark.parametrize("calendar", ["360_day", "noleap"])
def test_other_calendars_are_refused(calendar: str, tmp_path: Path) -> None:
    times = xr.date_range("2018-01-01", periods=3, calendar=calendar, use_cftime=True)
    values = make_era5(times=pd.date_range("2018-01-01", periods=3), names=NAMES)
    path = as_netcdf(values.assign_coords(time=times), tmp_path / "box.nc")
    with pytest.raises(InputError, match=rf"(?s)box\.nc.*calendar {calendar}"):
        names_in(path)


def check_times(times: object) -> xr.Dataset:
    return make_era5(
        times=pd.date_range("2018-01-01", periods=3), names=NAMES
    ).assign_coords(time=times)


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (["2018-01-01", "2018-01-02", "2018-01-03"], "text such as '2018-01-01'"),
        ([0, 24, 48], "without a unit"),
        (
            pd.to_datetime(["2018-01-01", "2018-01-01", "2018-01-02"]),
            r"time twice: 2018-01-01.*1 in all",
        ),
        (
            pd.to_datetime(["2018-01-02", "2018-01-01", "2018-01-03"]),
            "time before the one it follows: 2018-01-01",
        ),
        (
            pd.DatetimeIndex(["2018-01-01", pd.NaT, "2018-01-03"]),
            "missing time stamp",
        ),
    ],
)
def test_times_that_cannot_be_used_are_refused(times: object, found: str) -> None:
    with pytest.raises(InputError, match=f"(?s)times of forcing input box.*{found}"):
        normalise(check_times(times), "box.nc")


def test_swapped_coordinates_are_refused() -> None:
    swapped = make_era5(days=1, longitudes=(110.0, 110.25), names=NAMES).rename(
        latitude="longitude", longitude="latitude"
    )
    with pytest.raises(InputError, match=r"(?s)latitude.*110.*-90 to 90.*swapped"):
        normalise(swapped, "box.nc")


def test_two_dimensional_positions_are_refused() -> None:
    dataset = make_era5(days=1, names=NAMES).rename(latitude="y", longitude="x")
    grid = np.full((3, 3), 50.0)
    turned = dataset.drop_vars(["x", "y"]).assign_coords(
        latitude=(("y", "x"), grid), longitude=(("y", "x"), grid)
    )
    with pytest.raises(InputError, match="one-dimensional latitude"):
        normalise(turned, "box.nc")


def test_store_without_time_is_refused() -> None:
    with pytest.raises(InputError, match=r"(?s)dims.*latitude.*time or valid_time"):
        normalise(make_era5(days=1, names=NAMES).isel(time=0, drop=True), "box.nc")


def test_absent_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nothing at this path"):
        names_in(tmp_path / "nothing.nc")


@pytest.mark.parametrize("name", ["box.nc", "box.zarr.zip", "box.zarr"])
def test_file_that_is_not_what_its_name_says_is_refused(
    name: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text("neither")
    with pytest.raises(InputError, match=rf"(?s){name}.*a Zarr store, netCDF or GRIB"):
        names_in(path)


def test_zip_of_a_folder_that_holds_the_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "box.zarr.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("box.zarr/zarr.json", "{}")
    with pytest.raises(InputError, match=r"(?s)box\.zarr/zarr\.json first.*its root"):
        names_in(path)


def count_reads(
    original: Callable[[Members, str], memoryview], read: list[str]
) -> Callable[[Members, str], memoryview]:
    def counting(self: Members, name: str) -> memoryview:
        read.append(name)
        return original(self, name)

    return counting


def test_opening_reads_no_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = as_zarr_zip(rain_and_warmth(), tmp_path / "box.zarr.zip")
    read: list[str] = []
    for door in ("__getitem__", "read_chunk"):
        monkeypatch.setattr(Members, door, count_reads(getattr(Members, door), read))
    names_in(path)
    assert read
    assert not [name for name in read if name.startswith(("tp/c", "t2m/c"))]
