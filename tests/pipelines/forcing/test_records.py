"""Forcing that need not have every day: records, variables as measured, dryness."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.days import make_forcing, make_sensors
from somobench.pipelines.forcing.cells import (
    average_months,
    describe_cells,
    state_dryness,
)
from somobench.pipelines.forcing.checks import refuse_missing_days
from somobench.pipelines.forcing.station.merging import (
    NO_DAY,
    StationSeries,
    keep_common_record,
    merge_stations,
    take_primary,
)
from somobench.pipelines.targets import exclude_uncovered_days
from somobench.pipelines.targets.cells import DenseSeries
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.grids import FORCING, list_complete
from somobench.schemas.recipe import ForcingParams, Recipe, StationParams, load_recipe
from somobench.schemas.tables import CELLS
from somobench.schemas.validate import validate_grid, validate_table
from somobench.schemas.variables import AS_MEASURED, AVAILABILITY, OF_RECORD, get_attrs

NAN = np.nan


def of_one(*values: float) -> list[StationSeries]:
    return [StationSeries("N/A/s", np.array(values))]


def test_series_of_a_record_begins_and_ends_with_its_station() -> None:
    found = merge_stations(
        "air_temperature", of_one(NAN, NAN, 1, NAN, 3, NAN), 1, of_record=True
    )
    assert found.refused == ""
    # The gap inside is filled from its neighbours, the ends stay as they are.
    np.testing.assert_array_equal(found.values, [NAN, NAN, 1, 2, 3, NAN])
    assert found.origins == (NO_DAY, NO_DAY, "N/A/s", "linear", "N/A/s", NO_DAY)


def test_long_gap_inside_a_record_drops_the_cell() -> None:
    found = merge_stations(
        "air_temperature", of_one(NAN, 1, NAN, NAN, 3), 1, of_record=True
    )
    assert found.refused == "a gap longer than 1 days"


def test_record_of_a_cell_is_what_all_its_variables_have() -> None:
    rain = merge_stations("precipitation", of_one(NAN, 1, 2, 3), 1, of_record=True)
    heat = merge_stations("air_temperature", of_one(5, 6, 7, NAN), 1, of_record=True)
    found = keep_common_record({"rain": {"a": rain}, "heat": {"a": heat}})
    np.testing.assert_array_equal(found["rain"]["a"].values, [NAN, 1, 2, NAN])
    np.testing.assert_array_equal(found["heat"]["a"].values, [NAN, 6, 7, NAN])
    assert found["heat"]["a"].origins[0] == NO_DAY


def test_records_without_a_common_day_refuse_the_cell() -> None:
    rain = merge_stations("precipitation", of_one(1, NAN), 1, of_record=True)
    heat = merge_stations("air_temperature", of_one(NAN, 5), 1, of_record=True)
    found = keep_common_record({"rain": {"a": rain}, "heat": {"a": heat}})
    assert found["rain"]["a"].refused == "no day that all variables have"


def test_variable_as_measured_is_never_filled() -> None:
    found = take_primary([*of_one(1, NAN, 3), StationSeries("N/B/s", np.ones(3))], 3)
    # B has more measured days and is primary; A would fill nothing.
    np.testing.assert_array_equal(found.values, [1, 1, 1])
    assert take_primary([], 2).refused == ""
    assert np.isnan(take_primary([], 2).values).all()


def grid(availability: str | None, *rows: list[float]) -> xr.Dataset:
    forcing = make_forcing(count=len(rows), length=len(rows[0]))
    attrs = get_attrs("air_temperature")
    if availability is not None:
        attrs[AVAILABILITY] = availability
    values = 280 + np.array(rows, "float32")
    forcing["air_temperature"] = (("cell", "time"), values, attrs)
    return forcing


@pytest.mark.parametrize(
    ("availability", "row", "passes"),
    [
        (None, [1, 2, 3, 4], True),
        (None, [NAN, 2, 3, 4], False),
        (OF_RECORD, [NAN, 2, 3, NAN], True),
        (OF_RECORD, [1, NAN, 3, 4], False),
        (AS_MEASURED, [1, NAN, 3, NAN], True),
        (AS_MEASURED, [NAN, NAN, NAN, NAN], False),
    ],
)
def test_schema_holds_a_variable_to_what_it_says_of_its_days(
    availability: str | None, row: list[float], *, passes: bool
) -> None:
    forcing = grid(availability, row)
    if passes:
        validate_grid(forcing, FORCING, "forcing")
        refuse_missing_days(forcing)
        return
    with pytest.raises(ValidationError, match="missing"):
        validate_grid(forcing, FORCING, "forcing")


def test_only_complete_variables_are_offered_to_feature_sets() -> None:
    forcing = grid(AS_MEASURED, [1, NAN, 3, NAN])
    assert "air_temperature" not in list_complete(forcing)
    assert "precipitation" in list_complete(forcing)


def test_observations_outside_the_record_are_left_out_and_counted() -> None:
    forcing = grid(OF_RECORD, [NAN, 2, 3, NAN], [1, 2, 3, 4])
    sensors = make_sensors(count=2)
    cells = forcing["cell"].to_numpy().tolist()
    sensors["cell_id"] = cells
    series = DenseSeries(
        sensors,
        pd.DatetimeIndex(forcing["time"].to_numpy()),
        np.array([[0.1, 0.2, NAN, 0.3], [0.1, 0.2, 0.3, 0.4]]),
        np.ones((2, 4), "int16"),
    )
    kept, count = exclude_uncovered_days(series, forcing)
    np.testing.assert_array_equal(kept.values[0], [NAN, 0.2, NAN, NAN])
    np.testing.assert_array_equal(kept.values[1], series.values[1])
    assert count == 2
    assert kept.counts[0].tolist() == [0, 1, 1, 0]
    whole = grid(None, [1, 2, 3, 4], [1, 2, 3, 4])
    assert exclude_uncovered_days(series, whole) == (series, 0)


def test_observations_in_a_cell_without_forcing_are_not_those_outside_a_record() -> (
    None
):
    forcing = grid(OF_RECORD, [1, 2, 3, 4], [NAN, 2, 3, NAN])
    sensors = make_sensors(count=1).assign(cell_id="0.125_0.125")
    days = pd.DatetimeIndex(forcing["time"].to_numpy())
    series = DenseSeries(
        sensors, days, np.array([[0.1, NAN, NAN, 0.4]]), np.ones((1, 4), "int16")
    )
    kept, count = exclude_uncovered_days(series, forcing)
    np.testing.assert_array_equal(kept.values, series.values)
    assert count == 0


# --- long-term means and dryness ------------------------------------------------------


def test_mean_of_months_gives_every_season_its_weight() -> None:
    days = pd.date_range("2001-01-01", "2001-12-31")
    months = days.month.to_numpy().astype(np.int64)
    values = np.where(months == 7, 12.0, 0.0)
    # Ten days of every other month are missing: a plain mean would exceed 12 / 12.
    values[(months != 7) & (days.day <= 10) & (months != 2)] = NAN
    assert average_months(np.where(months == 2, NAN, values), months) != pytest.approx(
        1
    )
    values[months == 2] = 0.0
    assert average_months(values, months) == pytest.approx(1.0)


def test_mean_of_months_needs_days_of_every_month() -> None:
    months = pd.date_range("2001-01-01", "2001-12-31").month.to_numpy()
    values = np.ones(365)
    values[months == 6] = NAN
    assert np.isnan(average_months(values, months))


def cells_of(forcing: xr.Dataset) -> pd.DataFrame:
    nodes = np.zeros(forcing.sizes["cell"], "int8")
    return describe_cells(forcing, nodes, (), 2.45)


def test_dryness_rests_on_reference_evapotranspiration() -> None:
    forcing = make_forcing(count=2, length=2)
    dims = ("cell", "time")
    forcing["precipitation"] = (dims, np.array([[1, 3], [4, 4]], "float32"))
    name = "reference_evapotranspiration"
    forcing[name] = (dims, np.array([[4, 4], [2, 2]], "float32"), get_attrs(name))
    table = state_dryness(cells_of(forcing), forcing, name)
    validate_table(table, CELLS, "cells")
    assert table["dryness"].tolist() == [2.0, 0.5]  # 4 / 2 and 2 / 4
    assert table["regime"].tolist() == ["water-limited", "energy-limited"]
    assert set(table["dryness_source"]) == {name}


def test_dryness_is_that_of_the_table_of_sites() -> None:
    forcing = make_forcing(count=2, length=2)
    cells = cells_of(forcing).assign(aridity=[1.25, NAN])
    table = state_dryness(cells, forcing, "table")
    validate_table(table, CELLS, "cells")
    assert table["regime"].tolist() == ["water-limited", "unknown"]


@pytest.mark.parametrize("source", ["table", "reference_evapotranspiration"])
def test_dryness_without_its_source_is_refused(source: str) -> None:
    forcing = make_forcing(count=2, length=2)
    with pytest.raises(InputError, match=rf"(?s)forcing.dryness.*{source}, but no"):
        state_dryness(cells_of(forcing), forcing, source)


def test_dryness_that_isnt_that_of_its_source_is_refused() -> None:
    cells = cells_of(make_forcing(count=2, length=2)).assign(aridity=[1.25, 0.5])
    table = state_dryness(cells, make_forcing(count=2, length=2), "table")
    table.loc[0, "dryness"] = 1.5
    with pytest.raises(ValidationError, match="dryness"):
        validate_table(table, CELLS, "cells")


# --- what a recipe may say ------------------------------------------------------------


@pytest.fixture(scope="module")
def towers(repository: Path) -> Recipe:
    """Return the recipe `fluxnet`."""
    return load_recipe(repository / "conf" / "recipe" / "fluxnet.yaml")


def test_variable_as_measured_must_be_one_of_the_variables(towers: Recipe) -> None:
    content = towers.forcing.model_dump() | {"as_measured": ("evaporation",)}
    with pytest.raises(ValueError, match="evaporation"):
        ForcingParams.model_validate(content)


@pytest.mark.parametrize("key", ["minimum_quality", "positions"])
def test_number_of_a_recipe_needs_its_source(towers: Recipe, key: str) -> None:
    content = towers.stations.model_dump() | {f"{key}_source": None}
    with pytest.raises(ValueError, match=f"{key} without {key}_source"):
        StationParams.model_validate(content)


def test_series_is_replaced_and_not_changed() -> None:
    one = merge_stations("precipitation", of_one(NAN, 1, 2), 1, of_record=True)
    before = replace(one).values.copy()
    keep_common_record({"rain": {"a": one}})
    np.testing.assert_array_equal(one.values, before)
