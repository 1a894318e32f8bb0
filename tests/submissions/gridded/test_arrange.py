"""A model's own grid at the cells of a release, with values derived by hand."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from factories.raw.own_grids import LAYER_STEP, make_globe, make_wanted, moisture
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.schemas.errors import InputError
from somobench.submissions.gridded import slabs
from somobench.submissions.gridded.arrange import arrange_gridded
from somobench.submissions.submission import open_submission

DAYS = np.arange(4)
HOURS = 9.0  # mean of 0, 6, 12 and 18


def arranged(grid: xr.Dataset, **options: Any) -> xr.DataArray:
    return arrange_gridded(grid, make_wanted(**options)).grid["soil_moisture"]


def test_bilinear_is_exact_on_a_linear_field() -> None:
    found = arranged(make_globe(), method="bilinear")
    expected = moisture(40.125, 10.125, DAYS, HOURS)
    np.testing.assert_allclose(found.sel(layer=1, cell="40.125_10.125"), expected, 1e-6)
    # The release's layer 2, 10 to 30 cm, lies in the model's second layer alone.
    np.testing.assert_allclose(
        found.sel(layer=2, cell="41.375_10.125"),
        moisture(41.375, 10.125, DAYS, HOURS) + LAYER_STEP,
        1e-6,
    )


def test_nearest_takes_the_node_of_the_grid_and_says_how_far_it_is() -> None:
    found = arrange_gridded(make_globe(), make_wanted())
    expected = moisture(40.0, 10.0, DAYS, HOURS)
    for values in found.grid["soil_moisture"].sel(layer=1):
        np.testing.assert_allclose(values, expected, 1e-6)
    # 1.375 degrees north: 1.375 x 111.195 km, and 0.125 degrees east of that latitude.
    assert found.gridded is not None
    assert found.gridded["greatest_distance_km"] == pytest.approx(153.25, abs=0.1)
    assert "median distance" in found.notes[0]


def test_water_in_a_layer_is_divided_by_its_thickness() -> None:
    expected, found = arranged(make_globe()), arranged(make_globe(mass=True))
    np.testing.assert_allclose(found, expected, 1e-6)


def test_layers_are_averaged_by_thickness() -> None:
    grid = make_globe()
    grid["depth_bnds"][:] = [[0.0, 0.05], [0.05, 0.2]]
    found = arrange_gridded(grid, make_wanted())
    first = found.grid["soil_moisture"].sel(layer=1)[0]
    # Half of layer 1 is the upper one, half the lower one, which holds 0.1 more.
    expected = moisture(40.0, 10.0, DAYS, HOURS) + LAYER_STEP / 2
    np.testing.assert_allclose(first, expected, 1e-6)
    assert found.gridded is not None
    assert found.gridded["covered"] == {"1": 1.0, "2": 0.5}
    assert any("50% of it is covered" in note for note in found.notes)


def test_a_layer_that_is_covered_by_less_than_half_is_left_out() -> None:
    grid = make_globe()
    grid["depth_bnds"][:] = [[0.0, 0.1], [0.1, 0.19]]
    assert arranged(grid)["layer"].to_numpy().tolist() == [1]


def test_turned_axes_and_packing_make_no_difference() -> None:
    grid = make_globe()
    turned = grid.isel(lat=slice(None, None, -1)).assign_coords(
        lon=("lon", (grid["lon"].to_numpy() + 180) % 360 - 180, grid["lon"].attrs)
    )
    turned = turned.sortby("lon").transpose("lon", "time", "lat", "depth", "bnds")
    for method in ("nearest", "bilinear"):
        xr.testing.assert_allclose(
            arranged(turned, method=method), arranged(grid, method=method), 1e-6
        )


def test_longitudes_wrap_where_the_globe_closes() -> None:
    # Between 350 E and 0 E, half way: -5 degrees.
    found = arranged(make_globe(), cells=((40.0, -5.0),), method="bilinear")
    expected = moisture(40.0, -5.0, DAYS, HOURS)
    np.testing.assert_allclose(found.sel(layer=1)[0], expected, 1e-6)


def make_points() -> xr.Dataset:
    """Return the globe's nodes as points of a reduced grid."""
    return make_globe().stack(point=("lat", "lon")).reset_index("point")


def test_points_are_taken_as_a_grid_is() -> None:
    options = {"reach_km": 200.0}
    expected = arranged(make_globe(), **options)
    xr.testing.assert_allclose(arranged(make_points(), **options), expected, 1e-6)


@pytest.mark.parametrize("name", ["a.nc", "a.zarr", "a.zip"])
@pytest.mark.heavy
def test_a_file_is_read_apart_as_memory_is(tmp_path: Path, name: str) -> None:
    grid = make_globe().astype("float32")
    grid["mrsol"].encoding["chunks"] = (3, 1, 7, 10)
    path = tmp_path / name
    if name.endswith(".nc"):
        grid["mrsol"].encoding = {"chunksizes": (3, 1, 7, 10), "zlib": True}
        grid.to_netcdf(path, engine="h5netcdf")
    elif name.endswith(".zarr"):
        grid.to_zarr(path, zarr_format=3, consolidated=False)
    else:
        write_zarr_zip(grid, path)
    wanted = make_wanted(method="bilinear")
    found, expected = (open_submission(item, wanted=wanted) for item in (path, grid))
    assert found.values_sha256 == expected.values_sha256
    assert found.gridded == expected.gridded


def test_blocks_of_time_make_no_difference(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = arranged(make_globe())
    monkeypatch.setattr(slabs, "SLAB_BYTES", 12)  # a value at a time
    xr.testing.assert_identical(arranged(make_globe()), expected)


def test_only_chunks_with_nodes_of_cells_are_planned() -> None:
    variable = make_globe()["mrsol"].variable
    variable.encoding["chunks"] = (8, 1, 5, 6)
    # Rows 5 and 6 lie in the second chunk of rows, columns 1 and 2 in the first.
    nodes = np.array([5 * 36 + 1, 5 * 36 + 2, 6 * 36 + 1])
    plan = slabs.plan_reading(variable, "time", ("lat", "lon"), nodes, (0, 16))
    assert [box[0] for box in plan.boxes] == [{"lat": slice(5, 7), "lon": slice(1, 3)}]
    # Two chunks of 8 stamps x 5 x 6 float64 values.
    assert slabs.count_bytes(variable, "time", plan) == 2 * 8 * 5 * 6 * 8


def test_the_nearest_node_with_values_stands_for_a_cell_at_the_coast() -> None:
    grid = make_globe()
    grid["mrsol"].loc[{"lat": 40.0, "lon": 10.0}] = np.nan
    found = arrange_gridded(grid, make_wanted(reach_km=500.0, cells=((40.1, 14.0),)))
    # 20 E is the next one on the same row, 511 km away: out of reach.
    assert not np.isfinite(found.grid["soil_moisture"]).any()
    near = arranged(grid, cells=((40.1, 14.9),), reach_km=500.0)
    expected = moisture(40.0, 20.0, DAYS, HOURS)
    np.testing.assert_allclose(near.sel(layer=1)[0], expected, 1e-6)


def test_a_corner_without_values_is_left_out_of_bilinear() -> None:
    grid = make_globe()
    grid["mrsol"].loc[{"lat": 50.0, "lon": 10.0}] = np.nan
    found = arranged(grid, cells=((45.0, 10.0),), method="bilinear")
    # Half of the weight is left: the node south of it.
    expected = moisture(40.0, 10.0, DAYS, HOURS)
    np.testing.assert_allclose(found.sel(layer=1)[0], expected, 1e-6)


def test_ecmwf_layers_have_their_known_depths(shared_data: Path) -> None:
    path = shared_data / "ecland" / "ecland_cy49r2_2020_2022.zarr.zip"
    first = np.datetime64("2021-03-01")
    wanted = make_wanted(cells=((51.625, 5.125),))
    wanted = type(wanted)(**vars(wanted) | {"days": (first, first)})
    found = open_submission(path, wanted=wanted)
    from zarr.storage import ZipStore

    store = xr.open_zarr(ZipStore(path, mode="r"), zarr_format=2)
    day = store.sel(time="2021-03-01").isel(x=1).load()
    assert float(day["lon"]) == pytest.approx(5.142853)
    upper, middle = (float(day[name].mean()) for name in ("swvl1", "swvl2"))
    # 0-7 and 7-28 cm in 0-10 cm.
    values = found.grid["soil_moisture"].sel(layer=1).to_numpy()
    assert values.item() == pytest.approx(0.7 * upper + 0.3 * middle, abs=1e-6)


def without(*names: str) -> Callable[[], xr.Dataset]:
    return lambda: make_globe().drop_vars(names)


def changed(name: str, **attrs: Any) -> Callable[[], xr.Dataset]:
    def make() -> xr.Dataset:
        grid = make_globe()
        grid[name].attrs |= attrs
        return grid

    return make


def renamed(**names: str) -> Callable[[], xr.Dataset]:
    return lambda: make_globe().rename(names)


def make_two_kinds() -> xr.Dataset:
    grid = make_globe()
    return grid.assign(swvl1=grid["mrsol"].isel(depth=0, drop=True))


def make_members() -> xr.Dataset:
    grid = make_globe()
    return grid.assign(mrsol=grid["mrsol"].expand_dims(number=3))


def make_months() -> xr.Dataset:
    grid = make_globe(hours=24)
    return grid.assign_coords(
        time=("time", [0, 31, 59, 90], {"units": "days since 2018-01-01"})
    )


def make_radians() -> xr.Dataset:
    return changed("lon", units="radians", standard_name="longitude")()


BAD: dict[str, tuple[Callable[[], xr.Dataset], str]] = {
    "no moisture": (without("mrsol"), "there are air_temperature\n.*\n.*--variable"),
    "several kinds": (make_two_kinds, "several kinds: mrsol, swvl1\n"),
    "no units": (changed("mrsol", units=""), "units of mrsol\n.*no attribute units"),
    "saturation": (changed("mrsol", units="percent", standard_name=""), "porosity"),
    "no bounds": (
        changed("depth", bounds=""),
        r"depths of mrsol\n.*without bounds\n.*\n.*--layers with one of ecmwf",
    ),
    "levels": (changed("depth", units="1"), "depths of mrsol\n.*depth in 1\n"),
    "members": (make_members, "dims of mrsol\n.*number 3"),
    "360_day": (
        changed("time", calendar="360_day"),
        "calendar of time\n.*360_day\n.*standard, or noleap",
    ),
    "months": (
        changed("time", units="months since 2018-01-01"),
        "units of time\n.*months since",
    ),
    "monthly": (make_months, "steps of 31 days\n(.*\n)*.*monthly means"),
    "no time": (
        lambda: make_globe().drop_vars("time").rename(time="step"),
        "time of the file\n.*no coordinate of time",
    ),
    "no latitude": (
        lambda: make_globe().rename(lat="y").assign_coords(y=np.arange(19.0)),
        "latitude of the file\n.*none among",
    ),
    "radians": (make_radians, "units of longitude of the file\n.*radians"),
    "too far north": (
        lambda: make_globe().assign_coords(lat=make_globe()["lat"] * 1000),
        "latitude of the file\n.*as large as 90000",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_can_not_be_understood_is_refused_by_name(name: str) -> None:
    make, match = BAD[name]
    with pytest.raises(InputError, match=match):
        # A method that was asked for, so that any file has to be gridded.
        arrange_gridded(make(), make_wanted(method="bilinear"))


def test_a_file_elsewhere_is_refused_with_the_distance() -> None:
    region = make_globe().sel(lat=slice(-10, -40), lon=slice(100, 140))
    match = r"none of 2: the nearest is 40.125_10.125, \d+ km from the node at"
    with pytest.raises(InputError, match=match):
        arranged(region)


def test_a_file_of_other_days_is_refused_with_both_periods() -> None:
    grid = make_globe()
    grid["time"].attrs["units"] = "hours since 1990-01-01"
    with pytest.raises(InputError, match="1990-01-01 to 1990-01-04 in the file"):
        arranged(grid)


def test_layers_by_name_serve_a_file_that_does_not_say() -> None:
    grid = changed("depth", bounds="")()
    found = arranged(grid, layers="0,0.1,0.4")
    xr.testing.assert_identical(found, arranged(make_globe()))
