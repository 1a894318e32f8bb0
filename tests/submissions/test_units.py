"""Units of a submission: read, converted where they say what they mean, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xarray as xr

from factories.scoring import CELLS, predicted
from somobench.schemas.errors import InputError
from somobench.submissions.submission import open_submission

pytestmark = pytest.mark.heavy

FRACTION = {"standard_name": "volume_fraction_of_condensed_water_in_soil"}


def dataset(**leads: Any) -> xr.Dataset:
    grid = predicted(0.3).to_dataset(name="soil_moisture")
    return grid.expand_dims(leads) if leads else grid


def in_units(units: str, factor: float, **attrs: str) -> xr.Dataset:
    grid = dataset()
    scaled = grid["soil_moisture"].astype("float64") * factor
    return scaled.assign_attrs(units=units, **attrs).to_dataset()


@pytest.mark.parametrize(
    ("units", "factor", "attrs"),
    [
        ("vol%", 100, {}),
        ("% vol", 100, {}),
        ("volume %", 100, {}),
        ("%", 100, FRACTION),
        ("percent", 100, FRACTION),
        ("1", 1, FRACTION),
    ],
)
def test_share_of_the_volume_is_converted_and_noted(
    units: str, factor: float, attrs: dict[str, str]
) -> None:
    found = open_submission(in_units(units, factor, **attrs))
    np.testing.assert_allclose(
        found.grid["soil_moisture"], predicted(0.3), rtol=1e-6, atol=0
    )
    (note,) = found.notes
    assert f"soil_moisture in {units} was multiplied by {1 / factor:g}" in note


@pytest.mark.parametrize(
    ("units", "hint"),
    [
        ("kg m-2", "thickness"),
        ("mm", "thickness"),
        ("%", "say of what it is a share"),
        ("1", "say of what it is a share"),
    ],
)
def test_unit_that_needs_more_is_refused_saying_what(units: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        open_submission(in_units(units, 1.0))


@pytest.mark.parametrize(
    ("labels", "units"),
    [
        ([24, 72], "hours"),
        ([24.0, 72.0], "h"),
        ([1440, 4320], "minutes"),
        ([86_400, 259_200], "seconds"),
        ([86_400 * 10**9, 259_200 * 10**9], "nanoseconds"),
        ([1, 3], "days"),
        ([1, 3], "day"),
        (pd.to_timedelta([1, 3], unit="D"), None),
    ],
)
def test_lead_time_is_read_in_its_unit(labels: Any, units: str | None) -> None:
    grid = dataset(lead_time=labels)
    if units:
        grid["lead_time"].attrs["units"] = units
    found = open_submission(grid)
    assert found.leads == [1, 3]
    np.testing.assert_array_equal(found.select_lead(3), predicted(0.3))


@pytest.mark.parametrize("name", ["a.nc", "a.zarr"])
@pytest.mark.parametrize(
    ("labels", "units"), [([24, 72], "hours"), (pd.to_timedelta([1, 3], "D"), None)]
)
@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
def test_lead_time_of_a_file_is_read_in_its_unit(
    tmp_path: Path, name: str, labels: Any, units: str | None
) -> None:
    grid = dataset(lead_time=labels)
    if units:
        grid["lead_time"].attrs["units"] = units
    if name == "a.nc":
        grid.to_netcdf(tmp_path / name, engine="h5netcdf")
    else:
        grid.to_zarr(tmp_path / name, consolidated=False)
    found = open_submission(tmp_path / name)
    assert found.leads == [1, 3]
    np.testing.assert_array_equal(found.select_lead(3), predicted(0.3))


def test_scalar_lead_time_in_hours_is_read_in_its_unit() -> None:
    grid = dataset().assign_coords(lead_time=48)
    grid["lead_time"].attrs["units"] = "hours"
    assert open_submission(grid).leads == [2]


def test_lead_time_without_units_is_in_days_and_noted() -> None:
    found = open_submission(dataset(lead_time=[1, 2]))
    assert found.leads == [1, 2]
    assert found.notes == ("lead_time has no units and is taken as days",)


@pytest.mark.parametrize(
    ("labels", "units", "match"),
    [
        ([1, 3], "weeks", "units of lead_time"),
        ([1, 3], "days since 2020-01-01", "units of lead_time"),
        ([6, 12], "hours", "whole numbers"),
        ([1, 3], "1", "units of lead_time"),
        (["1", "3"], "days", "spans of time"),
    ],
)
def test_other_lead_time_is_refused(labels: Any, units: str, match: str) -> None:
    grid = dataset(lead_time=labels)
    grid["lead_time"].attrs["units"] = units
    with pytest.raises(InputError, match=match):
        open_submission(grid)


@pytest.mark.parametrize(
    ("name", "units"), [("layer", "cm"), ("layer", "m"), ("member", "days")]
)
def test_coordinate_in_another_unit_is_refused(name: str, units: str) -> None:
    grid = dataset().expand_dims(member=[1, 2])
    grid[name].attrs["units"] = units
    with pytest.raises(InputError, match=f"units of {name}\n *found: *{units}"):
        open_submission(grid)


def placed(latitudes: Any, longitudes: Any) -> xr.Dataset:
    return dataset().assign_coords(
        latitude=("cell", latitudes), longitude=("cell", longitudes)
    )


LATITUDES = np.array([float(cell.split("_")[0]) for cell in CELLS])
LONGITUDES = np.array([float(cell.split("_")[1]) for cell in CELLS])


def test_places_that_agree_with_the_ids_are_fine(tmp_path: Path) -> None:
    grid = placed(LATITUDES.astype("float32"), LONGITUDES - 360)
    grid["latitude"].attrs["units"] = "degrees_north"
    expected = open_submission(dataset()).values_sha256
    found = open_submission(grid)
    assert found.values_sha256 == expected
    assert "longitudes from 0 to 360" in found.notes[0]
    grid.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    assert open_submission(tmp_path / "a.nc").values_sha256 == expected


def test_places_that_contradict_the_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"latitude of cell 40\.125_10\.125"):
        open_submission(placed(LATITUDES[::-1], LONGITUDES))
    for latitudes in (list("abcdef"), [np.nan] * 6):
        with pytest.raises(InputError, match="latitude"):
            open_submission(placed(latitudes, LONGITUDES))
    radians = placed(LATITUDES, LONGITUDES)
    radians["latitude"].attrs["units"] = "radians"
    radians.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    for source in (radians, tmp_path / "a.nc"):
        with pytest.raises(InputError, match="units of latitude"):
            open_submission(source)


def test_units_of_the_columns_of_a_table_are_read(tmp_path: Path) -> None:
    frame = predicted(0.3).to_dataframe(name="soil_moisture").reset_index()
    frame = frame.assign(lead_time=48, soil_moisture=frame["soil_moisture"] * 100.0)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name, units in (("lead_time", "hours"), ("soil_moisture", "vol%")):
        field = table.schema.field(name).with_metadata({"units": units})
        place = table.schema.get_field_index(name)
        table = table.set_column(place, field, table.column(name))
    pq.write_table(table, tmp_path / "a.parquet")
    for source in (table, tmp_path / "a.parquet"):
        found = open_submission(source)
        assert found.leads == [2]
        assert len(found.notes) == 2
        np.testing.assert_allclose(found.select_lead(2), predicted(0.3), rtol=1e-6)
