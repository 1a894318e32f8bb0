"""Numbers of the report: what each figure counts, from arrays small enough to check."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from factories.days import cell_ids, make_cells, make_targets
from factories.reports import HOSTILE, LENGTH, write_report_data
from somobench.pipelines.release.report import station_numbers as report_stations
from somobench.pipelines.release.report.availability import (
    count_days,
    count_depths,
    list_cells,
)
from somobench.pipelines.release.report.losses import NOT_OFFERED, count_losses
from somobench.pipelines.release.report.numbers import figure_numbers
from somobench.pipelines.release.report.reanalysis import (
    correlate_with_reanalysis,
    describe_values,
)
from somobench.pipelines.release.report.statistics import (
    ROWS_A_BLOCK,
    correlate_rows,
    count_bins,
    describe_moments,
    difference_days,
    summarise,
)
from somobench.schemas.recipe import Recipe, load_recipe

GAP = np.nan


@pytest.fixture
def recipe(repository: Path) -> Recipe:
    return load_recipe(repository / "conf" / "recipe" / "virtual.yaml")


def test_summary_of_few_values_lists_them() -> None:
    # quartiles of 1, 2, 4 by linear interpolation: 1.5, 2, 3
    found = summarise([4.0, GAP, 1.0, 2.0])
    assert (found["q25"], found["median"], found["q75"]) == (1.5, 2.0, 3.0)
    assert found["values"] == [1.0, 2.0, 4.0]
    assert (found["count"], found["minimum"], found["maximum"]) == (3, 1.0, 4.0)
    assert "values" not in summarise([1, 2, 3, 4, 5])
    assert summarise([GAP]) == {"count": 0}


def test_correlation_uses_common_days_only() -> None:
    # common days 1, 2, 3: deviations -1 0 1 and -7/3 -1/3 8/3,
    # so r = 5 / sqrt(2 * 114/9)
    x = np.array([[1.0, 2.0, 3.0, GAP, 9.0]])
    y = np.array([[2.0, 4.0, 7.0, 1.0, GAP]])
    correlation, pairs = correlate_rows(x, y, 3)
    assert pairs.tolist() == [3]
    assert correlation[0] == pytest.approx(5 / np.sqrt(2 * 114 / 9))
    assert np.isnan(correlate_rows(x, y, 4)[0][0])


def test_correlation_of_a_constant_row_is_missing() -> None:
    stuck = np.full((1, 4), 0.1)
    wave = np.array([[1.0, 2.0, 1.0, 3.0]])
    assert np.isnan(correlate_rows(stuck, wave, 2)[0][0])
    assert np.isnan(correlate_rows(wave, stuck, 2)[0][0])


def test_correlations_of_many_rows_are_those_of_numpy(
    rng: np.random.Generator,
) -> None:
    x, y = rng.normal(0.3, 0.1, (2, ROWS_A_BLOCK + 5, 60)).astype("float32")
    x[rng.random(x.shape) < 0.3] = GAP
    found, pairs = correlate_rows(x, y, 10)
    for row in (0, 1, ROWS_A_BLOCK - 1, ROWS_A_BLOCK, ROWS_A_BLOCK + 4):
        both = np.isfinite(x[row])
        expected = np.corrcoef(
            x[row, both].astype("float64"), y[row, both].astype("float64")
        )[0, 1]
        assert found[row] == pytest.approx(expected, abs=1e-12)
        assert pairs[row] == both.sum()


def test_day_to_day_difference_needs_both_days() -> None:
    found = difference_days(np.array([[1.0, GAP, 2.0, 5.0]]))
    assert np.isnan(found[0, :2]).all()
    assert found[0, 2] == 3.0


def test_histogram_keeps_edges_in_single_precision() -> None:
    # float32 of 0.57 and 0.29 lie below and above the edges of their bins
    values = np.array([0.57, 0.29, 0.299, GAP, 0.58], "float32")
    found = count_bins(values)
    assert found["first_bin"] == 29
    assert {29 + place: n for place, n in enumerate(found["counts"]) if n} == {
        29: 2,
        57: 1,
        58: 1,
    }
    # -0.005 lies in the bin from -0.01 to 0
    assert count_bins(np.array([-0.005]))["first_bin"] == -1
    assert count_bins(np.array([GAP])) == {"first_bin": 0, "counts": []}


def test_moments_have_sample_deviation() -> None:
    # 1, 3: mean 2, deviation sqrt(2) with ddof 1
    found = describe_moments(np.array([1.0, 3.0, GAP]))
    assert found["mean"] == 2.0
    assert found["std"] == pytest.approx(np.sqrt(2), abs=1e-6)


def test_completeness_counts_days_between_first_and_last() -> None:
    days = pd.date_range("2018-01-30", periods=4)  # two of January, two of February
    valid = np.array([[1, 0, 1, 0], [0, 0, 1, 1], [0, 0, 0, 0]], bool)
    # cell 0 runs on days 0 to 2, cell 1 on days 2 and 3, cell 2 never
    found = count_days(valid, days)
    assert found["years"] == [2018]
    assert found["observed"][0][:3] == [1, 3, 0]
    assert found["possible"][0][:3] == [2, 3, 0]
    assert found["active_cells"] == [2]


def test_active_cells_are_counted_by_calendar_year() -> None:
    days = pd.date_range("2018-12-31", periods=2)
    found = count_days(np.array([[1, 1], [0, 1]], bool), days)
    assert found["years"] == [2018, 2019]
    assert found["active_cells"] == [1, 2]
    assert found["observed"] == [[0] * 11 + [1], [2] + [0] * 11]


def test_depths_count_only_cells_with_a_target() -> None:
    targets = make_targets()
    targets["scale_slope"][0, 1] = GAP
    found = count_depths(targets, 1)
    assert found["cells"] == 1
    assert found["depths"] == [{"depth_from_cm": 5, "depth_to_cm": 5, "cells": 1}]
    assert found["networks"] == {"network": 1}


def test_climate_space_keeps_unknown_dryness_unknown() -> None:
    cells = make_cells()
    cells["dryness"] = [GAP, 2.0]
    found = list_cells(cells, make_targets())
    assert found["dryness"] == [None, 2.0]
    # 285 K
    assert found["mean_air_temperature"] == [11.85, 11.85]
    assert found["cell_id"] == cell_ids()
    assert found["layers"] == [[1, 2, 3], [1, 2, 3]]


def test_losses_of_sensors_add_up_over_both_stages() -> None:
    ingest = {"sensors": {"kept": 6, "dropped": {"in no layer": 4}}}
    targets = {
        "sensors": {"candidates": 5, "primary": 2, "gap-filling": 1, "rejected": 2},
        "rejected_by_reason": {"another depth": 2},
    }
    found = count_losses(ingest, targets)["sensors"]
    assert found["total"] == 10
    assert found["kept"] == 3
    assert found["lost"] == [
        {"rule": "in no layer", "count": 4},
        {"rule": "another depth", "count": 2},
        {"rule": NOT_OFFERED, "count": 1},
    ]


def test_losses_of_files_count_files_where_reasons_count_sensors() -> None:
    ingest = {
        "files": {"found": 5, "read": 4, "rejected": 1},
        "rejected_by_reason": {"header": 1, "swapped coordinates": 3},
    }
    found = count_losses(ingest, {})["files"]
    assert found == {
        "total": 5,
        "kept": 4,
        "lost": [{"rule": "rejected", "count": 1}],
    }


def test_losses_leave_out_what_no_stage_reported() -> None:
    assert count_losses({}, {}) == {}


def test_agreement_is_by_region_and_leaves_short_cells_out(
    rng: np.random.Generator,
) -> None:
    target = rng.normal(size=(3, 200))
    reference = 2 * target + 1  # correlation 1, also of differences
    target[2, 50:] = GAP
    found = correlate_with_reanalysis(target, reference, ["a", "b", "b"])
    assert found["all"]["cells"] == 3
    assert found["all"]["cell_days"] == 450
    assert found["regions"]["a"]["daily"]["values"] == [1.0]
    assert found["regions"]["b"]["cells"] == 2
    assert found["regions"]["b"]["daily"]["count"] == 1  # the other has 50 days
    assert found["regions"]["b"]["day_to_day"]["median"] == 1.0


def test_distributions_take_the_reanalysis_on_days_of_the_target() -> None:
    in_situ = np.array([[0.1, GAP, 0.3]])
    reference = np.array([[0.2, 0.9, 0.4]])
    found = describe_values(in_situ, None, reference)
    assert set(found) == {"in_situ", "reanalysis"}
    assert found["reanalysis"]["maximum"] == 0.4
    assert found["reanalysis"]["count"] == found["in_situ"]["count"] == 2


def test_numbers_of_a_release_are_json_and_repeat(
    tmp_path: Path, recipe: Recipe
) -> None:
    reports = write_report_data(tmp_path)
    numbers = figure_numbers(recipe, tmp_path, reports)
    text = json.dumps(numbers, allow_nan=False)
    assert text == json.dumps(figure_numbers(recipe, tmp_path, reports))
    # one of 120 days is missing, in two cells
    assert numbers["layers"]["1"]["days"] == 2 * (LENGTH - 1)
    assert numbers["layers"]["1"]["gapfilled_days"] == 5
    assert numbers["layers"]["3"]["days"] == 0
    assert "reanalysis" not in numbers["layers"]["3"]


def test_sensors_are_compared_on_days_of_the_primary(
    tmp_path: Path, recipe: Recipe
) -> None:
    reports = write_report_data(tmp_path)
    first = figure_numbers(recipe, tmp_path, reports)["layers"]["1"]
    filling = first["stations"]["gap-filling"]
    # the filling sensor is the primary's series, 0.05 higher
    assert filling["correlation"]["values"] == [1.0]
    assert filling["mean_difference"]["values"] == [0.05]
    assert filling["sensors"] == filling["cells"] == filling["compared"] == 1
    primary = first["stations"]["primary"]
    assert primary == {"sensors": 2, "cells": 2, "largest_difference": 0.0}
    sources = first["sources"]
    assert (sources["cells"], sources["cells_with_several"]) == (2, 1)
    assert sources["spread"]["values"] == [0.25]
    assert sources["correlation"]["count"] == 1


def test_sensor_is_read_whole_across_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report_data(tmp_path)
    path = tmp_path / "observations.parquet"
    first_day = np.datetime64("2018-01-01", "ns")
    whole = list(report_stations.read_sensor_days(path, first_day))
    monkeypatch.setattr(report_stations, "ROWS_A_BATCH", 7)
    cut = list(report_stations.read_sensor_days(path, first_day))
    # 119 valid days; of the first cell's primary, the last five are filled
    assert [len(item.values) for item in whole] == [114, 119, 119]
    assert [item.sensor_id for item in cut] == [item.sensor_id for item in whole]
    for one, other in zip(whole, cut, strict=True):
        np.testing.assert_array_equal(one.position, other.position)
        np.testing.assert_array_equal(one.values, other.values)
    assert whole[0].position[:4].tolist() == [0, 1, 2, 4]  # day 3 is missing


def test_primary_that_is_not_the_target_shows(tmp_path: Path, recipe: Recipe) -> None:
    reports = write_report_data(tmp_path)
    path = tmp_path / "observations.parquet"
    table = pd.read_parquet(path)
    table.loc[0, "soil_moisture"] += 0.125
    table.to_parquet(path)
    first = figure_numbers(recipe, tmp_path, reports)["layers"]["1"]
    assert first["stations"]["primary"]["largest_difference"] == pytest.approx(0.125)


def test_example_is_left_out_where_series_may_not_be_passed_on(
    tmp_path: Path, recipe: Recipe
) -> None:
    reports = write_report_data(tmp_path)
    example = figure_numbers(recipe, tmp_path, reports)["examples"]["1"]
    assert example["cell_id"] == cell_ids()[0]
    assert example["months"] == ["2018-01", "2018-02", "2018-03", "2018-04"]
    target, primary, filling = example["series"]
    assert (target["sensor_id"], filling["role"]) == (None, "gap-filling")
    assert filling["means"][0] == pytest.approx(primary["means"][0] + 0.05, abs=2e-4)
    closed = recipe.release.model_copy(update={"redistributable": False})
    numbers = figure_numbers(
        recipe.model_copy(update={"release": closed}), tmp_path, reports
    )
    assert numbers["examples"] == {}
    assert HOSTILE not in json.dumps(numbers)


def test_release_without_a_reference_has_no_scaled_numbers(
    tmp_path: Path, recipe: Recipe
) -> None:
    reports = write_report_data(tmp_path, reference=False)
    first = figure_numbers(recipe, tmp_path, reports)["layers"]["1"]
    assert set(first["distributions"]) == {"in_situ"}
    assert "scale_slope" not in first
    assert "reanalysis" not in first
