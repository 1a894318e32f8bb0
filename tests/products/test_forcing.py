"""Stores of weather: found under any name and unit, or refused with what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from factories.raw.weather_stores import DAYS, make_weather, write_weather
from somobench.products.forcing import ForcingStore, open_forcing
from somobench.products.units import check_values
from somobench.schemas.errors import InputError

Change = Callable[[xr.Dataset], xr.Dataset]


def write(folder: Path, change: Change, **encoding: dict[str, object]) -> ForcingStore:
    path = folder / "a.nc"
    change(make_weather()).to_netcdf(path, engine="h5netcdf", encoding=encoding)
    return open_forcing(path)


def keep(grid: xr.Dataset) -> xr.Dataset:
    return grid


def set_rain(factor: float, units: str) -> Change:
    def change(grid: xr.Dataset) -> xr.Dataset:
        grid["precipitation"] = grid["precipitation"] * factor
        grid["precipitation"].attrs["units"] = units
        return grid

    return change


def read_rain(grid: xr.Dataset) -> xr.DataArray:
    return grid["precipitation"].transpose("latitude", "longitude", "time")


def test_era5_names_and_units_are_ours(tmp_path: Path) -> None:
    store = open_forcing(write_weather(tmp_path / "a.zarr", (DAYS, 2, 3), era5=True))
    found = store.read("precipitation", {})
    np.testing.assert_allclose(found, read_rain(make_weather()), rtol=1e-6)


@pytest.mark.parametrize(
    ("factor", "units"),
    [
        (1.0, "mm/day"),
        (1.0, "kg m-2 day-1"),
        (1e-3, "m"),
        (1 / 86_400, "kg m-2 s-1"),
        (1 / 86_400, "kg m**-2 s**-1"),
    ],
)
def test_other_units_become_ours(tmp_path: Path, factor: float, units: str) -> None:
    found = write(tmp_path, set_rain(factor, units)).read("precipitation", {})
    np.testing.assert_allclose(found, read_rain(make_weather()), rtol=1e-5)


def test_packed_values_and_attributes_are_unpacked(tmp_path: Path) -> None:
    def change(grid: xr.Dataset) -> xr.Dataset:
        share = np.full((4, 6), 0.4)
        share[0, 0] = np.nan
        return grid.assign(clay=(("latitude", "longitude"), share))

    packed = {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -9999}
    store = write(tmp_path, change, precipitation=packed, clay=packed)
    found = store.read("precipitation", {})
    np.testing.assert_allclose(found, read_rain(make_weather()), atol=0.0051)
    clay = store.statics["clay"]
    assert np.isnan(clay[0, 0])
    np.testing.assert_allclose(clay.ravel()[1:], 0.4)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e20, -9.96921e36])
def test_fill_values_are_missing(tmp_path: Path, value: float) -> None:
    def change(grid: xr.Dataset) -> xr.Dataset:
        grid["precipitation"][3, 1, 2] = value
        return grid

    found = write(tmp_path, change).read("precipitation", {})
    assert np.argwhere(np.isnan(found)).tolist() == [[1, 2, 3]]


def test_what_packing_adds_is_taken_off() -> None:
    # A hundred-thousandth of 2000 mm d-1 is 0.02.
    given = np.array([-0.01, 0.0, 3.0])
    assert check_values("precipitation", given).tolist() == [0.0, 0.0, 3.0]
    with pytest.raises(InputError, match="-0.03 mm d-1"):
        check_values("precipitation", np.array([-0.03]))


def as_celsius(grid: xr.Dataset) -> xr.Dataset:
    kept = grid["air_temperature"].attrs
    return grid.assign(air_temperature=(grid["air_temperature"] - 273.15)).pipe(
        lambda it: it.assign(air_temperature=it["air_temperature"].assign_attrs(kept))
    )


@pytest.mark.parametrize(
    ("change", "name", "match"),
    [
        (as_celsius, "air_temperature", "expected: 180 to 335\n.*attribute units"),
        (set_rain(1000, "mm d-1"), "precipitation", "expected: 0 to 2000"),
        (set_rain(-1, "mm d-1"), "precipitation", "found:    -"),
    ],
)
def test_values_that_their_unit_can_not_have_are_refused(
    tmp_path: Path, change: Change, name: str, match: str
) -> None:
    store = write(tmp_path, change)
    with pytest.raises(InputError, match=match):
        store.read(name, {})


def pick_days(*days: int) -> Change:
    return lambda grid: grid.isel(time=list(days))


def by_six_hours(grid: xr.Dataset) -> xr.Dataset:
    step = np.timedelta64(6, "h")
    return grid.assign_coords(
        time=np.datetime64("2020-01-01", "ns") + np.arange(DAYS) * step
    )


def in_calendar(calendar: str) -> Change:
    def change(grid: xr.Dataset) -> xr.Dataset:
        days = xr.date_range(
            "2020-02-01", periods=DAYS, freq="D", calendar=calendar, use_cftime=True
        )
        return grid.assign_coords(time=days)

    return change


def with_members(grid: xr.Dataset) -> xr.Dataset:
    return xr.concat([grid, grid], dim="number")


def as_text(grid: xr.Dataset) -> xr.Dataset:
    words = grid["precipitation"].astype(str).assign_attrs(units="mm d-1")
    return grid.assign(precipitation=words)


def without_a_latitude(grid: xr.Dataset) -> xr.Dataset:
    north = ("latitude", [40.0, np.nan, 42.0, 43.0], {"units": "degrees_north"})
    return grid.assign_coords(latitude=north)


def without_weather(grid: xr.Dataset) -> xr.Dataset:
    return grid.rename(precipitation="rain", air_temperature="heat")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (
            set_rain(1, "inch"),
            "units of precipitation of the forcing\n.*inch\n.*mm d-1",
        ),
        (set_rain(1, ""), "no attribute units"),
        (pick_days(0, 1, 3, 4), "2020-01-04 after 2020-01-02\n.*\n.*fill the days"),
        (pick_days(0, 1, 1, 2), "2020-01-02 after 2020-01-02\n.*\n.*each day once"),
        (pick_days(3, 2, 1, 0), "\n.*\n.*sort by time"),
        (pick_days(0), "fewer than two values"),
        (by_six_hours, "4 values a day\n.*daily values"),
        (in_calendar("noleap"), "2020-03-01 after 2020-02-28\n.*\n.*no 29 February"),
        (in_calendar("360_day"), "calendar of time\n.*360_day"),
        (with_members, "precipitation of the forcing\n.*2 along number"),
        (as_text, "values of type .*\n.*numbers"),
        (without_a_latitude, "latitude of the file\n.*1 missing value of 4"),
        (without_weather, "found:    rain, heat\n.*ERA5"),
    ],
)
def test_weather_that_can_not_be_used_is_refused(
    tmp_path: Path, change: Change, match: str
) -> None:
    with pytest.raises(InputError, match=match):
        write(tmp_path, change)


def test_a_calendar_without_leap_days_serves_where_none_comes(tmp_path: Path) -> None:
    def change(grid: xr.Dataset) -> xr.Dataset:
        days = xr.date_range(
            "2021-02-01", periods=DAYS, freq="D", calendar="noleap", use_cftime=True
        )
        return grid.assign_coords(time=days)

    store = write(tmp_path, change)
    # 1 February and 39 days.
    assert str(store.days[-1]) == "2021-03-12"
    assert store.read("precipitation", {}).shape == (4, 6, DAYS)


def test_a_whole_day_may_be_stamped_at_noon(tmp_path: Path) -> None:
    noon = write(
        tmp_path, lambda it: it.assign_coords(time=it["time"] + np.timedelta64(12, "h"))
    )
    assert str(noon.days[0]) == "2020-01-01"


@pytest.mark.parametrize(
    "content", [b"", b"junk" * 99, b"\x89HDF\r\n\x1a\n" + bytes(99)]
)
def test_a_file_that_is_no_store_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(content)
    with pytest.raises(InputError, match="a netCDF file, or a folder or zip of Zarr"):
        open_forcing(path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a netCDF file, or a folder or zip of Zarr"):
        open_forcing(tmp_path)
