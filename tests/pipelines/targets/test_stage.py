"""The stage `targets`: dense reading, gridding, reports, files in and files out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.days import cell_ids, days
from factories.targets import (
    LENGTH,
    SERIES,
    make_recipe,
    make_reference,
    make_series,
    sensor,
    write_inputs,
)
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import write_json
from somobench.pipelines.targets import read_series, write_targets
from somobench.pipelines.targets.cells import (
    DenseSeries,
    build_targets,
    format_published_name,
)
from somobench.pipelines.targets.grid import TargetGrid
from somobench.pipelines.targets.report import TargetReport
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.grids import TARGETS
from somobench.schemas.recipe import Recipe
from somobench.schemas.validate import validate_grid

POSITIONS = pd.DataFrame(
    [[float(part) for part in cell.split("_")] for cell in cell_ids()],
    index=cell_ids(),
    columns=["latitude", "longitude"],
)


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    return make_recipe(repository)


@pytest.fixture
def series(rng: np.random.Generator) -> DenseSeries:
    return make_series(rng)


@pytest.fixture
def reference(rng: np.random.Generator) -> xr.DataArray:
    return make_reference(rng)


def built(
    series: DenseSeries, reference: xr.DataArray | None, recipe: Recipe
) -> tuple[xr.Dataset, dict[str, Any]]:
    grid = TargetGrid(series, POSITIONS, recipe)
    report = TargetReport(series, recipe)
    for result in build_targets(series, reference, recipe):
        grid.add(result)
        report.add(result)
    return grid.dataset(), report.content()


def test_every_sensor_has_one_outcome_and_a_reason(
    series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    _, report = built(series, reference, recipe)
    assert report["sensors"] == {
        "candidates": 8,  # nine rows, one of which is in no layer
        "in cells without forcing": 0,
        "primary": 2,
        "gap-filling": 1,
        "accepted, filled no day": 1,
        "rejected": 4,
    }
    reasons = {row["sensor_id"]: row["reason"] for row in report["rejected_sensors"]}
    assert reasons == {
        "NET/brief/5-5/probe": "overlap with the reference below the minimum",
        "NET/low/25-25/probe": "another depth interval chosen for the layer",
        "NET/noise/5-5/probe": "correlation with the primary below the minimum",
        "NET/stuck/5-5/probe": "standard deviation over the overlap not positive",
    }
    assert sum(report["rejected_by_reason"].values()) == 4
    brief = report["rejected_sensors"][0]
    assert (brief["found"], brief["expected"]) == (89, 90)


def test_cells_without_any_target_are_left_out_and_reported(
    series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    dataset, report = built(series, reference, recipe)
    kept = cell_ids()[0]
    assert dataset["cell"].to_numpy().tolist() == [kept]
    assert report["cells"] == {"kept": 1, "dropped": 1}
    assert report["dropped_cells"][0]["cell_id"] == cell_ids()[1]


def test_grid_holds_the_counts_and_the_primary_of_each_layer(
    series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    dataset, _ = built(series, reference, recipe)
    validate_grid(dataset, TARGETS, "targets")
    first = dataset.isel(cell=0).sel(layer=1)
    assert first["primary_station"].item() == "long"
    # long, good, twin and noise passed the scaling; brief didn't
    assert first["station_count"].item() == 4
    assert (first["accepted_count"].item(), first["used_count"].item()) == (2, 1)
    assert first["overlap_days"].item() == 380
    assert first["depth_from"].item() == pytest.approx(0.05)
    second = dataset.isel(cell=0).sel(layer=2)
    assert second["primary_station"].item() == "mid"
    assert second["station_count"].item() == 1
    third = dataset.isel(cell=0).sel(layer=3)
    assert third["primary_station"].item() == ""
    assert np.isnan(third["soil_moisture"]).all()
    assert np.isnan(third["scale_slope"])


def test_gap_days_carry_the_flag_and_the_count_of_the_filling_sensor(
    series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    dataset, _ = built(series, reference, recipe)
    first = dataset.isel(cell=0).sel(layer=1)
    gap = np.isin(np.arange(LENGTH), np.arange(100, 120))
    np.testing.assert_array_equal(first["is_gapfilled"], gap.astype("int8"))
    assert set(first["observation_count"].to_numpy()[gap]) == {11}
    assert set(first["observation_count"].to_numpy()[~gap]) == {10}


def test_scaled_is_the_primary_line_of_in_situ_on_every_day(
    series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    lowered = reference - 0.27  # pushes many scaled values below zero
    dataset, report = built(series, lowered.clip(min=0), recipe)
    line = dataset["scale_offset"] + dataset["scale_slope"] * dataset[
        "soil_moisture_in_situ"
    ].astype("float64")
    expected = np.round(line.where(line >= 0), 5).transpose(*SERIES)
    assert report["layers"]["1"]["negative_days"] > 0
    np.testing.assert_allclose(dataset["soil_moisture"], expected, atol=1.0001e-5)


def test_layer_without_reference_stays_unscaled(
    series: DenseSeries, reference: xr.DataArray, repository: Path
) -> None:
    recipe = make_recipe(repository, reference={"layers": (1,)})
    dataset, report = built(series, reference, recipe)
    assert dataset.attrs["reference_by_layer"] == "era5 none none"
    assert dataset.attrs["reference"] == "era5"
    assert report["layers"]["2"]["reference"] == "none"
    unscaled = dataset.sel(layer=2)
    assert unscaled["scale_slope"].item() == 1
    assert unscaled["scale_offset"].item() == 0
    np.testing.assert_array_equal(
        unscaled["soil_moisture"], unscaled["soil_moisture_in_situ"]
    )


def test_release_without_reference_needs_none(
    series: DenseSeries, repository: Path
) -> None:
    recipe = make_recipe(repository, reference={"source": "none", "layers": ()})
    dataset, _ = built(series, None, recipe)
    assert dataset.attrs["reference"] == "none"
    assert dataset["overlap_days"].max() == 0
    # Nothing is fitted without a reference, so the constant sensor of cell 1 stays.
    assert dataset["cell"].size == 2


def test_missing_reference_of_a_scaled_layer_is_refused(
    series: DenseSeries, recipe: Recipe
) -> None:
    with pytest.raises(InputError, match="reference soil moisture of layer 1"):
        list(build_targets(series, None, recipe))


def test_order_of_sensors_changes_nothing(
    series: DenseSeries,
    reference: xr.DataArray,
    recipe: Recipe,
    rng: np.random.Generator,
) -> None:
    expected, report = built(series, reference, recipe)
    order = rng.permutation(len(series.sensors))
    shuffled = DenseSeries(
        series.sensors.iloc[order],
        series.days,
        series.values[order],
        series.counts[order],
    )
    found, found_report = built(shuffled, reference, recipe)
    xr.testing.assert_identical(found, expected)
    assert found_report == report


def test_published_name_orders_as_the_files_did() -> None:
    # "_" sorts after digits, "/" before them: ids would put A before A1 here.
    names = [
        format_published_name(sensor(station, (5, 5), layer=1))
        for station in ("A", "A1")
    ]
    assert names[0] == "NET_A_sD5-sD5_probe"
    assert sorted(names) == names[::-1]


def test_published_name_orders_without_the_ending_of_the_file() -> None:
    # "probe" before "probe-2", although "probe-2.dat" would come before "probe.dat".
    row = sensor("A", (5, 5), layer=1)
    names = [
        format_published_name(row | {"sensor": name}) for name in ("probe", "probe-2")
    ]
    assert sorted(names) == names


def test_stage_writes_the_same_bytes_twice(
    tmp_path: Path, series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    write_inputs(tmp_path, series, reference)
    names = ("targets.zarr.zip", "targets.json")
    runs = []
    for _ in range(2):
        write_targets(recipe, tmp_path)
        runs.append([(tmp_path / name).read_bytes() for name in names])
    assert runs[0] == runs[1]
    rounded = replace(series, values=series.values.round(5))
    expected, report = built(rounded, reference, recipe)
    with open_zarr_zip(tmp_path / "targets.zarr.zip") as written:
        xr.testing.assert_equal(written.load(), expected)
    assert json.loads(runs[0][1]) == report


def test_batches_of_observations_give_the_dense_rows(
    tmp_path: Path,
    series: DenseSeries,
    reference: xr.DataArray,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write_inputs(tmp_path, series, reference)
    monkeypatch.setattr("somobench.pipelines.stage.ROWS_A_BATCH", 77)
    observations = tmp_path / "observations.parquet"
    found = read_series(observations, series.sensors, series.days, 9)
    order = np.argsort(series.sensors["sensor_id"].to_numpy()[:8])
    np.testing.assert_array_equal(found.values, series.values[:8][order].round(9))
    np.testing.assert_array_equal(found.counts, series.counts[:8][order])


def test_observation_of_an_unknown_sensor_is_refused(
    tmp_path: Path, series: DenseSeries, reference: xr.DataArray
) -> None:
    write_inputs(tmp_path, series, reference)
    with pytest.raises(InputError, match="NET/brief/5-5/probe on 2018-01-01"):
        read_series(
            tmp_path / "observations.parquet", series.sensors.iloc[[0]], series.days, 5
        )


def test_unphysical_observation_is_refused_with_its_value(
    tmp_path: Path, series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    observations = write_inputs(tmp_path, series, reference)
    observations.loc[5, "soil_moisture"] = 45.0  # percent
    observations.to_parquet(tmp_path / "observations.parquet", index=False)
    with pytest.raises(ValidationError, match=r"45\.0"):
        write_targets(recipe, tmp_path)


def test_forcing_of_another_period_is_refused(
    tmp_path: Path, series: DenseSeries, reference: xr.DataArray, repository: Path
) -> None:
    write_inputs(tmp_path, series, reference)
    shorter = make_recipe(repository, period={"end": days(LENGTH)[-2].date()})
    with pytest.raises(InputError, match=r"400 days from 2018-01-01(.|\n)*399 days"):
        write_targets(shorter, tmp_path)


def test_report_is_written_where_no_sensor_passes(
    tmp_path: Path, series: DenseSeries, reference: xr.DataArray, repository: Path
) -> None:
    write_inputs(tmp_path, series, reference)
    recipe = make_recipe(repository, targets={"minimum_days": 401})
    with pytest.raises(InputError, match="no sensor that passes"):
        write_targets(recipe, tmp_path)
    report = json.loads((tmp_path / "targets.json").read_text())
    assert report["rejected_by_reason"]["valid days below the minimum"] > 0
    assert not (tmp_path / "targets.zarr.zip").exists()


def test_cell_that_the_forcing_dropped_is_left_out_and_counted(
    tmp_path: Path, series: DenseSeries, reference: xr.DataArray, recipe: Recipe
) -> None:
    write_inputs(tmp_path, series, reference)
    cell = cell_ids()[1]
    with open_zarr_zip(tmp_path / "forcing.zarr.zip") as forcing:
        kept = forcing.load().drop_sel(cell=cell)
    write_zarr_zip(kept, tmp_path / "forcing.zarr.zip")
    with pytest.raises(InputError, match=f"no cell {cell}"):
        write_targets(recipe, tmp_path)
    write_json({"dropped_cells": [{"cell_id": cell}]}, tmp_path / "forcing.json")
    write_targets(recipe, tmp_path)
    report = json.loads((tmp_path / "targets.json").read_text())
    with open_zarr_zip(tmp_path / "targets.zarr.zip") as targets:
        assert cell not in targets["cell"].to_numpy()
    measured = np.isfinite(series.values).any(axis=1)
    inside = (series.sensors["cell_id"] == cell).to_numpy()
    assert report["sensors"]["in cells without forcing"] == (measured & inside).sum()
