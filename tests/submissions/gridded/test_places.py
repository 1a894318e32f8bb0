"""Where a file's values lie, and which of its nodes stand for a cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from scipy.interpolate import RegularGridInterpolator

from factories.raw.own_grids import FIRST_DAY, make_globe, make_wanted, moisture
from somobench.schemas.errors import InputError, ValidationError
from somobench.submissions.gridded.arrange import arrange_gridded
from somobench.submissions.layout import Understood
from somobench.submissions.submission import open_submission

EXPECTED = moisture(40.0, 10.0, np.arange(4), 9.0)


def first_layer(found: Understood) -> np.ndarray:
    return found.grid["soil_moisture"].sel(layer=1).to_numpy()


def test_bilinear_is_scipys_on_an_uneven_globe_stored_in_any_turn(
    rng: np.random.Generator,
) -> None:
    north = np.linspace(-70, 75, 30) + rng.uniform(-1, 1, 30)
    east = np.linspace(-179, 175, 48) + rng.uniform(-1, 1, 48)
    field = rng.random((4, 30, 48)) / 2
    cells = [
        (float(rng.uniform(north[0], north[-1])), float(rng.uniform(-180, 180)))
        for _ in range(40)
    ]
    turn = rng.permutation(48)
    grid = xr.Dataset(
        {
            "mrsos": (
                ("lon", "time", "lat"),
                field[:, ::-1][..., turn].transpose(2, 0, 1),
                {"units": "m3 m-3"},
            )
        },
        {
            "time": ("time", np.arange(4), {"units": f"days since {FIRST_DAY}"}),
            "lat": north[::-1],
            "lon": east[turn] % 360,
        },
    )
    wanted = make_wanted(tuple(cells), method="bilinear")
    found = arrange_gridded(grid, wanted).grid["soil_moisture"].sel(layer=1)
    turns = np.concatenate([east - 360, east, east + 360])
    known = RegularGridInterpolator(
        (north, turns), np.concatenate([field] * 3, axis=2).transpose(1, 2, 0)
    )
    np.testing.assert_allclose(
        found.sel(cell=list(wanted.cells)), known(cells), atol=1e-6
    )


def test_packed_positions_are_unpacked() -> None:
    grid = make_globe()
    packed = ((grid["lat"] + 90) / 10).round().astype("int16")
    attrs = {"standard_name": "latitude", "scale_factor": 10.0, "add_offset": -90.0}
    found = arrange_gridded(
        grid.assign_coords(lat=packed.assign_attrs(attrs)), make_wanted()
    )
    np.testing.assert_allclose(first_layer(found)[0], EXPECTED, 1e-6)


def test_an_axis_with_a_missing_position_is_refused() -> None:
    grid = make_globe()
    north = grid["lat"].where(grid["lat"] > -90).assign_attrs(grid["lat"].attrs)
    with pytest.raises(InputError, match="latitude of the file\n.*1 missing value"):
        arrange_gridded(grid.assign_coords(lat=north), make_wanted())


def test_points_without_a_position_are_no_ones_nearest() -> None:
    points = make_globe().stack(point=("lat", "lon")).reset_index("point")
    for name in ("lat", "lon"):
        lost = points[name].copy().astype("float64")
        lost[:5] = np.nan
        points = points.assign_coords({name: lost.assign_attrs(points[name].attrs)})
    found = arrange_gridded(points, make_wanted(reach_km=200.0))
    np.testing.assert_allclose(first_layer(found)[0], EXPECTED, 1e-6)


def test_the_distance_is_that_of_the_nearest_corner() -> None:
    # The nearest corner is 50 N, 20 E: 0.1 degrees from it, not the one south-west.
    found = arrange_gridded(
        make_globe(), make_wanted(((49.9, 20.0),), method="bilinear")
    )
    assert found.gridded is not None
    assert found.gridded["greatest_distance_km"] == pytest.approx(11.12, abs=0.01)


@pytest.mark.parametrize("sea", [0.0, 1.4e-5, -7.6e-6])
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_nodes_without_water_on_any_day_are_no_soil(sea: float, method: str) -> None:
    # ERA5 has 0 over the sea, and what packing leaves of it.
    grid = make_globe(step=5.0)
    grid["mrsol"].loc[{"lat": 45.0, "lon": 10.0}] = sea
    cell = ((42.5, 10.0),) if method == "bilinear" else ((42.6, 10.0),)
    found = arrange_gridded(grid, make_wanted(cell, method=method, reach_km=400.0))
    np.testing.assert_allclose(first_layer(found)[0], EXPECTED, 1e-6)
    assert any("without soil" in note for note in found.notes)
    assert found.gridded is not None
    assert found.gridded["nodes_without_soil"] == 1


@pytest.mark.heavy
def test_points_along_a_dim_named_cell_are_a_grid(tmp_path: Path) -> None:
    # As ICON names its triangles. Nothing is asked for, so the file has to be known.
    grid = make_globe(step=1.0).isel(lat=slice(45, 55), lon=slice(5, 15))
    cells = grid.stack(cell=("lat", "lon")).reset_index("cell")
    cells.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    for item in (cells, tmp_path / "a.nc"):
        found = open_submission(item, wanted=make_wanted()).grid["soil_moisture"]
        np.testing.assert_allclose(found.sel(layer=1)[0], EXPECTED, 1e-6)


def test_marks_of_missing_values_that_a_file_does_not_name_are_said_to_be() -> None:
    grid = make_globe()
    grid["mrsol"][2] = -9999.0
    with pytest.raises(ValidationError, match="try: .*_FillValue"):
        open_submission(grid, wanted=make_wanted())


def test_grib_is_refused_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "a.grib").write_bytes(b"GRIB" + bytes(200))
    with pytest.raises(InputError, match=r"try: .*xarray.open_dataset\(IN"):
        open_submission(tmp_path / "a.grib", wanted=make_wanted())


def test_a_dry_day_is_no_sea() -> None:
    grid = make_globe()
    grid["mrsol"][:4, 0] = 0.0
    found = arrange_gridded(grid, make_wanted())
    np.testing.assert_allclose(first_layer(found)[0], [0, *EXPECTED[1:]], 1e-6)
    assert not any("without soil" in note for note in found.notes)
