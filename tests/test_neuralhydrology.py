from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

import somobench
from somobench.neuralhydrology import export_split, read_predictions
from somobench.schemas.errors import InputError, UsageError

SPLIT = {"release": "virtual-2.0.0", "split": "dry_years"}


@pytest.fixture(scope="module")
def opened() -> xr.Dataset:
    return somobench.open_dataset("forcing", **SPLIT, layer=1, scaling="train")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return export_split(tmp_path_factory.mktemp("nh") / "cells", **SPLIT, layer=1)


def read_periods(exported: dict[str, Any], role: str) -> dict[str, Any]:
    return pickle.loads(Path(exported[f"per_basin_{role}_periods_file"]).read_bytes())


def test_a_cell_has_its_series_by_date(
    exported: dict[str, Any], opened: xr.Dataset
) -> None:
    cell = opened["cell"].values[7]
    with xr.open_dataset(
        Path(exported["data_dir"]) / "time_series" / f"{cell}.nc"
    ) as series:
        assert set(series.data_vars) == {"soil_moisture", *exported["dynamic_inputs"]}
        for name in series.data_vars:
            expected = opened[name].sel(cell=cell).values
            np.testing.assert_array_equal(series[name].values, expected)
        assert series.indexes["date"].equals(opened.indexes["time"])


def test_train_periods_are_the_train_days_and_no_other(
    exported: dict[str, Any], opened: xr.Dataset
) -> None:
    role = opened["role"].to_pandas()
    periods = read_periods(exported, "train")
    assert sorted(periods) == sorted(role.index[(role == 1).any(axis=1)])
    for cell, found in periods.items():
        spans = zip(found["start_dates"], found["end_dates"], strict=True)
        days = [day for span in spans for day in pd.date_range(*span)]
        assert days == role.columns[role.loc[cell] == 1].tolist()


def test_test_periods_are_one_that_holds_all_test_days(
    exported: dict[str, Any], opened: xr.Dataset
) -> None:
    role = opened["role"].to_pandas()
    for cell, found in read_periods(exported, "test").items():
        days = role.columns[role.loc[cell] == 3]
        assert found == {"start_dates": [days[0]], "end_dates": [days[-1]]}
        assert cell in Path(exported["test_basin_file"]).read_text().split()


def test_attributes_are_known_of_every_cell(exported: dict[str, Any]) -> None:
    table = pd.read_csv(
        Path(exported["data_dir"]) / "attributes" / "attributes.csv", index_col=0
    )
    assert table.shape == (40, 8)
    assert table.columns.tolist() == exported["static_attributes"]
    assert table.notna().all(axis=None)


def test_a_folder_that_exists_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it exists"):
        export_split(tmp_path, **SPLIT, layer=1)


def test_results_come_back_as_predictions(tmp_path: Path) -> None:
    days = pd.date_range("2020-01-01", periods=2)
    results = {
        cell: {"1D": {"xr": xr.Dataset(variables, {"date": days, "time_step": [0]})}}
        for cell, values in (("a", [0.2, -0.1]), ("b", [0.3, np.nan]))
        for variables in [
            {"soil_moisture_sim": (("date", "time_step"), np.array(values)[:, None])}
        ]
    }
    folder = tmp_path / "test" / "model_epoch001"
    folder.mkdir(parents=True)
    (folder / "test_results.p").write_bytes(pickle.dumps(results))
    grid = read_predictions(tmp_path, layer=2)
    assert grid.dims == ("layer", "cell", "time")
    assert (grid["layer"].item(), grid.attrs["units"]) == (2, "m3 m-3")
    # Below zero is no soil moisture; unknown stays unknown.
    np.testing.assert_array_equal(grid.sel(layer=2), [[0.2, 0], [0.3, np.nan]])


def test_a_run_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no test results"):
        read_predictions(tmp_path, layer=1)
