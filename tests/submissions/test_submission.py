"""Submissions: every layout read alike, every bad one refused by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.scoring import CELLS, LAYERS, TEST_TIMES, TIMES, make_case, predicted
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.schemas.errors import InputError, SomobenchError, ValidationError
from somobench.scoring.case import ScoringCase
from somobench.scoring.coverage import check_coverage, check_labels
from somobench.submissions.submission import open_submission

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def case() -> ScoringCase:
    return make_case()


def dataset() -> xr.Dataset:
    return predicted(0.3).to_dataset(name="soil_moisture")


def table() -> pd.DataFrame:
    frame = predicted(0.3).to_dataframe(name="soil_moisture").reset_index()
    return frame.rename(columns={"cell": "cell_id"})


def write(grid: xr.Dataset, path: Path) -> Path:
    if path.suffix == ".nc":
        grid.to_netcdf(path, engine="h5netcdf")
    elif path.suffix == ".zip":
        write_zarr_zip(grid, path)
    elif path.suffix == ".parquet":
        table().to_parquet(path)
    else:
        version = 2 if path.suffix == ".zarr2" else 3
        grid.to_zarr(path, zarr_format=version, consolidated=False)
    return path


@pytest.mark.parametrize("name", ["a.nc", "a.zip", "a.zarr", "a.zarr2", "a.parquet"])
@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
@pytest.mark.filterwarnings("ignore:.*not part in the Zarr format.*")
def test_format_of_the_file_makes_no_difference(tmp_path: Path, name: str) -> None:
    found = open_submission(write(dataset(), tmp_path / name))
    expected = open_submission(dataset())
    assert found.values_sha256 == expected.values_sha256
    assert found.file_sha256 is not None


def test_classic_netcdf_is_read_where_scipy_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("scipy")
    path = tmp_path / "a.nc"
    dataset().to_netcdf(path, engine="scipy", format="NETCDF3_64BIT")
    expected = open_submission(dataset())
    assert open_submission(path).values_sha256 == expected.values_sha256


def test_order_of_dims_cells_days_and_rows_makes_no_difference() -> None:
    expected = open_submission(dataset()).values_sha256
    turned = (
        dataset()
        .transpose("time", "cell", "layer")
        .isel(cell=slice(None, None, -1), time=slice(None, None, -1))
    )
    assert open_submission(turned).values_sha256 == expected
    shuffled = table().sample(frac=1.0, random_state=1)
    assert open_submission(shuffled).values_sha256 == expected


def test_packed_values_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "packed.nc"
    packing = {"dtype": "int16", "scale_factor": 1e-4, "_FillValue": -9999}
    dataset().to_netcdf(path, engine="h5netcdf", encoding={"soil_moisture": packing})
    found = open_submission(path).grid["soil_moisture"]
    # Half a step of 1e-4 is lost at most.
    np.testing.assert_allclose(found, predicted(0.3), atol=0.51e-4)


def test_scalar_layer_is_a_submission_of_one_layer() -> None:
    found = open_submission(dataset().sel(layer=2))
    assert found.grid["layer"].to_numpy().tolist() == [2]


def test_scalar_lead_time_is_a_submission_of_this_lead() -> None:
    found = open_submission(dataset().assign_coords(lead_time=3))
    assert found.leads == [3]
    assert found.grid["soil_moisture"].dims[0] == "lead_time"


@pytest.mark.parametrize(
    "units",
    [
        "m\u00b3 m\u207b\u00b3",
        "m^3 m^-3",
        "m3/m3",
        "m\u00b3/m\u00b3",
        "m**3 m**-3",
        "m3.m-3",
        " m3  m-3 ",
        "cm3 cm-3",  # a ratio of volumes is the same number in any unit of volume
        "mm3/mm3",
    ],
)
def test_unit_is_the_same_however_it_is_spelled(units: str) -> None:
    grid = dataset()
    grid["soil_moisture"].attrs["units"] = units
    expected = open_submission(dataset()).values_sha256
    assert open_submission(grid).values_sha256 == expected


@pytest.mark.parametrize(
    "units",
    ["m3 m3", "kg m-3", "%", "1", "m-3 m3", "cm3 m-3", "kg m-2", "mm", "percent", "in"],
)
def test_other_unit_is_refused(units: str) -> None:
    grid = dataset()
    grid["soil_moisture"].attrs["units"] = units
    with pytest.raises(InputError, match="units of soil_moisture"):
        open_submission(grid)


def test_frame_of_xarray_is_taken_with_its_index(tmp_path: Path) -> None:
    frame = predicted(0.3).to_dataframe(name="soil_moisture")
    assert frame.index.names == ["layer", "cell", "time"]
    expected = open_submission(dataset()).values_sha256
    assert open_submission(frame).values_sha256 == expected
    assert open_submission(frame.reset_index("time")).values_sha256 == expected
    frame.to_parquet(tmp_path / "a.parquet")
    assert open_submission(tmp_path / "a.parquet").values_sha256 == expected


@pytest.mark.parametrize("given", [None, np.zeros((2, 6, 160)), [0.2], 3])
def test_object_of_another_type_is_refused_naming_those_accepted(given: Any) -> None:
    match = f"type {type(given).__name__}\n *expected: a path, an xarray DataArray"
    with pytest.raises(InputError, match=match):
        open_submission(given)


def test_negative_predictions_are_refused_with_the_way_out() -> None:
    with pytest.raises(ValidationError, match="try: *clip negative predictions at 0"):
        open_submission(spoilt(value=-0.01)())
    with pytest.raises(ValidationError) as raised:
        open_submission(spoilt(value=1.6)())
    assert raised.value.hint is None
    with xr.set_options(keep_attrs=True):
        percent = dataset() * 100
    with pytest.raises(ValidationError, match="divide them by 100"):
        open_submission(percent)


def test_an_extra_column_and_local_days_are_refused_with_the_way_out() -> None:
    with pytest.raises(InputError, match=r"drop\(columns=\['spread'\]\)"):
        open_submission(table().assign(spread=0.1))
    days = table()["time"].dt.tz_localize("Europe/Berlin")
    with pytest.raises(InputError, match="average hours to UTC days"):
        open_submission(table().assign(time=days))


def test_table_leaves_combinations_without_a_row_missing() -> None:
    found = open_submission(table().iloc[1:]).grid["soil_moisture"]
    assert int(np.isnan(found).sum()) == 1
    assert np.isnan(found.sel(layer=1, cell=CELLS[0], time=TEST_TIMES[0]))


def spoilt(**changes: Any) -> Callable[[], xr.Dataset]:
    """Return a maker of a submission with one value or attribute changed."""

    def make() -> xr.Dataset:
        grid = dataset()
        array = grid["soil_moisture"]
        if "value" in changes:
            array[1, 2, 3] = changes["value"]
        array.attrs |= changes.get("attrs", {})
        return grid

    return make


def renamed(**names: str) -> Callable[[], xr.Dataset]:
    return lambda: dataset().rename(names)


def labelled(**labels: Any) -> Callable[[], xr.Dataset]:
    return lambda: dataset().assign_coords(labels)


DAY_3 = f"{TEST_TIMES[3]:%Y-%m-%d}"
BAD_GRIDS: dict[str, tuple[Callable[[], xr.Dataset], str]] = {
    "infinite": (
        spoilt(value=np.inf),
        rf"1 values: inf at layer 2, cell {CELLS[2]}, time {DAY_3}",
    ),
    "percent": (
        lambda: (dataset() * 100).assign_attrs().map(lambda a: a.assign_attrs(UNITS)),
        r"1920 values: 2\d\.\d+ at layer 1.* expected 0 to 1.5 m3 m-3",
    ),
    "negative": (spoilt(value=-0.01), "1 values: -0.01 at layer 2"),
    "wrong units": (spoilt(attrs={"units": "mm"}), "found: *mm\n *expected: m3 m-3"),
    "no units": (spoilt(attrs={"units": ""}), "no attribute units"),
    "other scaling": (spoilt(attrs={"scaling": "full"}), "found: *full"),
    "another name": (renamed(soil_moisture="swvl1"), "found: *swvl1"),
    "another dim": (renamed(time="t"), "layer 2, cell 6, t 160"),
    "no layer": (
        lambda: dataset().isel(layer=0, drop=True),
        "cell 6, time 160\n *expected: cell, time and layer",
    ),
    "no labels": (lambda: dataset().drop_vars("cell"), "6 places without labels"),
    "cells by number": (labelled(cell=np.arange(6)), "labels of dtype int64"),
    "days by number": (labelled(time=np.arange(160)), "labels of dtype int64"),
    "day twice": (
        labelled(time=[TEST_TIMES[0], *TEST_TIMES[:-1]]),
        f"{TEST_TIMES[0]:%Y-%m-%d}.* twice, expected each day once",
    ),
    "cell twice": (
        labelled(cell=[CELLS[0], *CELLS[:-1]]),
        f"{CELLS[0]} followed by {CELLS[0]}",
    ),
    "evening": (
        labelled(time=TEST_TIMES + pd.Timedelta(hours=18)),
        "T18:00:00.*expected days at 00:00",
    ),
    "noon of some days": (
        labelled(time=[TEST_TIMES[0], *(TEST_TIMES[1:] + pd.Timedelta(hours=12))]),
        "T12:00:00.*expected days at 00:00",
    ),
    "half a layer": (labelled(layer=[0.5, 1.5]), "layer of the submission"),
    "all missing": (
        lambda: dataset().where(False).map(lambda a: a.assign_attrs(UNITS)),
        "all 1920 predictions are missing",
    ),
    "eleven days ahead": (
        lambda: dataset().expand_dims(lead_time=[1, 11]),
        "lead_time: found 1 values such as 11.*, expected 1 to 10 days",
    ),
}
UNITS = {"units": "m3 m-3"}


@pytest.mark.parametrize("name", BAD_GRIDS)
def test_bad_grid_is_refused_naming_the_first_offender(name: str) -> None:
    make, match = BAD_GRIDS[name]
    with pytest.raises((InputError, ValidationError), match=match):
        open_submission(make())


BAD_TABLES: dict[str, tuple[Callable[[pd.DataFrame], pd.DataFrame], str]] = {
    "missing column": (lambda t: t.drop(columns="layer"), "columns of the submission"),
    "unknown column": (lambda t: t.assign(leadtime=1), "leadtime"),
    "row twice": (
        lambda t: pd.concat([t, t.iloc[[5]]], ignore_index=True),
        "1 given twice, the first in row 1920: layer 1",
    ),
    "missing cell": (
        lambda t: t.assign(cell_id=t["cell_id"].where(t.index != 7)),
        "1 missing labels, the first in row 7",
    ),
    "texts": (lambda t: t.assign(soil_moisture="wet"), "column soil_moisture"),
    "zoned days": (
        lambda t: t.assign(time=t["time"].dt.tz_localize("Africa/Nairobi")),
        "in UTC or without a time zone",
    ),
    "day first": (
        lambda t: t.assign(time=t["time"].dt.strftime("%d/%m/%Y")),
        "days of the standard calendar",
    ),
    "column twice": (
        lambda t: pd.concat([t, t[["time"]]], axis=1),
        "columns of the submission",
    ),
    "lists": (lambda t: t.assign(cell_id=[[1]] * len(t)), "lists or other objects"),
    "year 9999": (
        lambda t: t.assign(time=pd.Timestamp("9999-01-01")),
        "days of the standard calendar",
    ),
    "no such day": (lambda t: t.assign(time="2018-02-30"), "days of the standard"),
    "cells of two kinds": (
        lambda t: t.assign(cell_id=t["cell_id"].where(t.index > 3, 7)),
        "labels of dtype object",
    ),
    "no row": (lambda t: t.iloc[:0], "0 rows"),
}


@pytest.mark.parametrize("name", BAD_TABLES)
def test_bad_table_is_refused_naming_the_first_offender(name: str) -> None:
    change, match = BAD_TABLES[name]
    with pytest.raises(InputError, match=match):
        open_submission(change(table()))


def test_all_failures_are_reported_together() -> None:
    grid = spoilt(value=np.inf)().assign_coords(time=[TEST_TIMES[0], *TEST_TIMES[:-1]])
    with pytest.raises(ValidationError) as raised:
        open_submission(grid)
    assert {failure.where for failure in raised.value.failures} == {
        "soil_moisture",
        "time",
    }


def test_days_as_dates_of_python_are_accepted() -> None:
    dated = table().assign(time=table()["time"].dt.date)
    expected = open_submission(dataset()).values_sha256
    assert open_submission(dated).values_sha256 == expected


def test_calendar_other_than_the_standard_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    grid = dataset().assign_coords(time=np.arange(160))
    grid["time"].attrs = {"units": "days since 2018-07-20", "calendar": "360_day"}
    grid.to_netcdf(path, engine="h5netcdf")
    with pytest.raises(InputError, match="360_day\n *expected: the standard calendar"):
        open_submission(path)


def checked(grid: xr.Dataset, case: ScoringCase, **options: bool) -> dict[str, Any]:
    submission = open_submission(grid)
    check_labels(submission, case)
    placed = case.place_on_series(submission.select_lead(None))
    allowed = options.get("allow_missing", False)
    return check_coverage(placed, case, name="x", allow_missing=allowed)


def on_days(days: pd.DatetimeIndex) -> xr.Dataset:
    """Return predictions labelled with other days."""
    return dataset().isel(time=slice(0, len(days))).assign_coords(time=days)


BAD_ANSWERS: dict[str, tuple[Callable[[], xr.Dataset], str]] = {
    "wrong cells": (
        labelled(cell=["1.0_1.0", *CELLS[1:]]),
        r"found: *1\.0_1\.0 not in the release",
    ),
    "wrong layer": (labelled(layer=[1, 3]), "found: *3\n *expected: layers among 1, 2"),
    "train days only": (
        lambda: on_days(TIMES[:160]),
        "2018-01-01 to 2018-06-09: only train days",
    ),
    "outside the release": (
        lambda: on_days(TIMES[:160] + pd.Timedelta(days=3650)),
        "only days outside the release",
    ),
    # The first test day, number 200, has no target; on the second 11 series have one.
    "missing days": (
        lambda: dataset().isel(time=slice(2, None)),
        f"11 predictions missing; all of day {TEST_TIMES[1]:%Y-%m-%d}; "
        f"first layer 1, cell {CELLS[0]}, {TEST_TIMES[1]:%Y-%m-%d}",
    ),
    # 144 of 160 test days have a target; the first cell has one layer of two.
    "missing cell": (
        lambda: dataset().isel(cell=slice(1, None)),
        f"144 predictions missing; all of cell {CELLS[0]}; ",
    ),
    "missing layer": (
        lambda: dataset().isel(layer=[0]),
        "720 predictions missing; all of layer 2; first layer 2",
    ),
    "one missing": (
        spoilt(value=np.nan),
        f"1 predictions missing; first layer 2, cell {CELLS[2]}, {DAY_3}\n"
        " *expected: 1584 predictions",
    ),
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_answer_to_another_question_is_refused(name: str, case: ScoringCase) -> None:
    make, match = BAD_ANSWERS[name]
    with pytest.raises(SomobenchError, match=match):
        checked(make(), case)


def test_missing_prediction_where_there_is_no_target_is_fine(case: ScoringCase) -> None:
    grid = dataset()
    # Days 200, 210, ... have no target, and so has layer 2 of the first cell.
    grid["soil_moisture"][:, :, ::10] = np.nan
    grid["soil_moisture"][1, 0] = np.nan
    assert checked(grid, case).given == 1584


def test_cells_and_days_beyond_the_test_part_are_not_looked_at(
    case: ScoringCase,
) -> None:
    before = dataset().assign_coords(time=TIMES[40:200])
    both = xr.concat([before, dataset()], "time")
    assert checked(both, case).given == 1584


def test_missing_days_are_refused_with_the_option_of_both_ways(
    case: ScoringCase,
) -> None:
    placed = case.place_on_series(predicted(0.3)).where(
        case.target["time"] < TEST_TIMES[9]
    )
    with pytest.raises(InputError) as raised:
        check_coverage(placed, case, name="x", allow_missing=False)
    assert raised.value.hint is not None
    assert "allow_missing=True in Python" in raised.value.hint
    assert "--allow-missing on the command line" in raised.value.hint


def test_missing_days_are_counted_where_they_are_allowed(case: ScoringCase) -> None:
    found = checked(dataset().isel(cell=slice(1, None)), case, allow_missing=True)
    assert (found.asked, found.given) == (1584, 1440)  # 11 and 10 x 144
    assert found.by_layer["1"].model_dump() == {"asked": 864, "given": 720}
    assert found.by_layer["2"].model_dump() == {"asked": 720, "given": 720}


def test_placing_puts_every_value_on_its_series_and_day(case: ScoringCase) -> None:
    placed = case.place_on_series(predicted(0.3).isel(cell=slice(None, None, -1)))
    assert placed.sizes == {"series": 11, "time": 160}
    for series in (0, 6, 10):
        layer, cell = case.series_layers[series], case.series_cells[series]
        expected = predicted(0.3).sel(layer=int(layer), cell=str(cell))
        np.testing.assert_array_equal(placed[series], expected)
    assert set(case.series_layers.tolist()) == set(LAYERS)


@pytest.mark.parametrize("dim", ["cell", "time"])
def test_file_without_a_single_prediction_is_refused(tmp_path: Path, dim: str) -> None:
    path = write(dataset().isel({dim: slice(0)}), tmp_path / "a.nc")
    with pytest.raises(InputError, match=f"0 of {dim}"):
        open_submission(path)
