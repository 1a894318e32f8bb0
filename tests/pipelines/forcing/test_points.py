"""Forcing source `points`: the nearest point, units, records, and refused files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from somobench.pipelines.forcing.points import PointMeteorology
from somobench.pipelines.forcing.source import DailyForcing, ForcingRequest
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.recipe import PeriodParams, Recipe, load_recipe
from somobench.schemas.variables import AVAILABILITY, OF_RECORD

DAYS = pd.date_range("2018-06-01", "2018-06-30")
CELLS = pd.DataFrame(
    {
        "cell_id": ["9.745_1.605", "9.795_1.705"],
        "latitude": [9.745, 9.795],
        "longitude": [1.605, 1.705],
    }
)


@pytest.fixture(scope="module")
def recipe(repository: Path) -> Recipe:
    """Return the recipe `africa` cut to June 2018."""
    period = PeriodParams(start=dt.date(2018, 6, 1), end=dt.date(2018, 6, 30))
    whole = load_recipe(repository / "conf" / "recipe" / "africa.yaml")
    return whole.model_copy(update={"period": period})


def points(**changed: Any) -> xr.Dataset:
    """Return two points near the cells, in another order than theirs."""
    shape = (2, len(DAYS))
    values = {
        "precipitation_mm": 3.0,
        "temperature_mean_c": 27.0,
        "solar_radiation_mj_m2": 19.0,
        "et0_mm": 4.5,
    } | changed
    return xr.Dataset(
        {
            name: (("station", "time"), np.broadcast_to(value, shape).astype("f4"))
            for name, value in values.items()
        },
        coords={
            "station": ["b_Top", "a,_Mid"],
            "time": DAYS,
            "latitude": ("station", [9.7951, 9.7453]),
            "longitude": ("station", [1.7099, 1.6053]),
        },
    )


def daily(tmp_path: Path, recipe: Recipe, stored: xr.Dataset) -> DailyForcing:
    path = tmp_path / "points.nc"
    stored.to_netcdf(path)
    return PointMeteorology().daily(
        ForcingRequest(recipe=recipe, cells=CELLS, inputs=(path,))
    )


def with_forcing(recipe: Recipe, **changed: Any) -> Recipe:
    forcing = recipe.forcing.model_copy(update=changed)
    return recipe.model_copy(update={"forcing": forcing})


def test_cells_take_the_nearest_point_whatever_its_name(
    tmp_path: Path, recipe: Recipe
) -> None:
    rain = np.array([[1.0], [2.0]])
    given = daily(tmp_path, recipe, points(precipitation_mm=rain))
    assert given.dropped == {}
    matched = given.report["matched"]
    assert matched["9.745_1.605"] == {"degrees": 0.0003, "point": "a,_Mid"}
    first = given.dataset.isel(time=0)
    assert first["precipitation"].values.tolist() == [2.0, 1.0]
    assert first["air_temperature"].values.tolist() == pytest.approx(
        [300.15] * 2, abs=4e-3
    )
    assert first["reference_evapotranspiration"].values.tolist() == [4.5, 4.5]


def test_cell_begins_and_ends_with_its_point(tmp_path: Path, recipe: Recipe) -> None:
    rain = np.full((2, len(DAYS)), 3.0)
    rain[1, :10] = np.nan
    given = daily(tmp_path, recipe, points(precipitation_mm=rain))
    heat = given.dataset["air_temperature"].sel(cell="9.745_1.605")
    assert heat.attrs[AVAILABILITY] == OF_RECORD
    assert int(np.isfinite(heat).sum()) == 20
    whole = daily(
        tmp_path, with_forcing(recipe, coverage="period"), points(precipitation_mm=rain)
    )
    assert whole.dropped == {"9.745_1.605": "a gap longer than 3 days"}


def test_cell_without_a_near_point_or_value_is_left_out(
    tmp_path: Path, recipe: Recipe
) -> None:
    far = points()
    far["latitude"] = ("station", [9.7951, 9.9])
    assert daily(tmp_path, recipe, far).dropped == {
        "9.745_1.605": "no point near enough"
    }
    far["latitude"] = ("station", [9.7951, np.nan])
    assert list(daily(tmp_path, recipe, far).dropped) == ["9.745_1.605"]
    dry = points(et0_mm=np.array([[4.0], [np.nan]]))
    assert daily(tmp_path, recipe, dry).dropped == {
        "9.745_1.605": "its point has no value"
    }


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (points().drop_vars("et0_mm"), "no et0_mm"),
        (points().drop_vars("latitude"), "no latitude"),
        (points(temperature_mean_c=300.0), "573.15 K"),
        (points().isel(station=0), "numbers on .station, time."),
        (points().expand_dims(height=2), "numbers on .station, time."),
        (points().map(lambda values: values.astype(str)), "numbers on .station, time."),
        (
            points().assign_coords(latitude=(("station", "time"), np.ones((2, 30)))),
            "latitude of points.nc",
        ),
        (points(precipitation_mm=-1.0), "-1 to -1 mm d-1"),
        (points().assign_coords(time=[DAYS[0]] * len(DAYS)), "days twice, or hours"),
        (
            points().assign_coords(time=DAYS + pd.Timedelta(hours=6)),
            "days twice, or hours",
        ),
    ],
)
def test_file_that_doesnt_fit_is_refused(
    tmp_path: Path, recipe: Recipe, stored: xr.Dataset, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        daily(tmp_path, recipe, stored)


def test_file_that_is_no_netcdf_is_refused(tmp_path: Path, recipe: Recipe) -> None:
    path = tmp_path / "points.nc"
    path.write_text("station,time\n")
    request = ForcingRequest(recipe=recipe, cells=CELLS, inputs=(path,))
    with pytest.raises(InputError, match="a netCDF file"):
        PointMeteorology().daily(request)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"variables": ("wind_speed",)}, "wind_speed"),
        ({"frequency": "hourly"}, "hourly"),
    ],
)
def test_recipe_that_doesnt_fit_is_refused(
    tmp_path: Path, recipe: Recipe, changed: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        daily(tmp_path, with_forcing(recipe, **changed), points())


def test_real_points_give_the_dryness_of_west_africa(shared_data: Path) -> None:
    with xr.open_dataset(shared_data / "africa" / "era5_daily_points.nc") as stored:
        rain = float(stored["precipitation_mm"].mean())
        demand = float(stored["et0_mm"].mean())
    assert demand / rain == pytest.approx(1.386, abs=1e-3)
