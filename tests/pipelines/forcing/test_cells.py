from __future__ import annotations

import numpy as np
import pytest

from factories.days import make_forcing, make_sensors
from somobench.pipelines.forcing.cells import (
    compute_dryness,
    describe_cells,
    list_observed_cells,
    name_regime,
    name_region,
)
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import RegionParams
from somobench.schemas.tables import CELLS
from somobench.schemas.validate import validate_table
from somobench.schemas.variables import get_attrs

NORTH = RegionParams(name="north", south=0, north=90, west=-180, east=180)
EUROPE = RegionParams(name="europe", south=35, north=72, west=-25, east=45)
PACIFIC = RegionParams(name="pacific", south=-50, north=0, west=170, east=-130)


def test_dryness_divides_radiation_by_the_energy_of_rain() -> None:
    # 9.8 / (2.45 * 2) = 2; 4.9 / (2.45 * 4) = 0.5
    found = compute_dryness(np.array([9.8, 4.9]), np.array([2.0, 4.0]), 2.45)
    assert found.tolist() == [2.0, 0.5]


@pytest.mark.parametrize(
    ("radiation", "rain"), [(np.nan, 2.0), (-1.0, 2.0), (5.0, 0.0)]
)
def test_dryness_is_missing_where_it_means_nothing(
    radiation: float, rain: float
) -> None:
    found = compute_dryness(np.array([radiation]), np.array([rain]), 2.45)
    assert np.isnan(found[0])
    assert name_regime(float(found[0])) == "unknown"


def test_regime_changes_at_one() -> None:
    assert name_regime(0.999) == "energy-limited"
    assert name_regime(1.0) == "water-limited"


def test_region_is_the_first_box_that_holds_the_centre() -> None:
    assert name_region(50, 10, (EUROPE, NORTH)) == "europe"
    assert name_region(50, 10, (NORTH, EUROPE)) == "north"
    assert name_region(35, 45, (EUROPE,)) == "europe"
    assert name_region(-1, 10, (EUROPE, NORTH)) == "other"


def test_region_may_cross_the_antimeridian() -> None:
    assert [name_region(-20, east, (PACIFIC,)) for east in (175, -175, 0)] == [
        "pacific",
        "pacific",
        "other",
    ]


def test_cells_are_those_of_sensors_with_observations_in_a_layer() -> None:
    stations = make_sensors(count=3)
    stations.loc[1, "layer"] = np.int8(0)
    observed = stations["sensor_id"].to_list()[:2]
    cells = list_observed_cells(stations, observed)
    assert cells["cell_id"].to_list() == [stations.loc[0, "cell_id"]]
    position = f"{cells['latitude'][0]}_{cells['longitude'][0]}"
    assert position == stations.loc[0, "cell_id"]


def test_no_observed_cell_is_refused() -> None:
    with pytest.raises(InputError, match="2 sensors, but no valid day in a layer"):
        list_observed_cells(make_sensors(), [])


def test_cell_id_that_is_no_position_is_refused() -> None:
    stations = make_sensors(count=1)
    stations["cell_id"] = "somewhere"
    with pytest.raises(InputError, match="somewhere"):
        list_observed_cells(stations, stations["sensor_id"].to_list())


def test_cell_table_averages_the_whole_period() -> None:
    forcing = make_forcing(count=2, length=2)
    rain = np.array([[1.0, 3.0], [0.0, 1.0]], "float32")  # means 2 and 0.5
    energy = np.array([[9.0, 10.6], [0.0, 1.0]], "float32")  # means 9.8 and 0.5
    dims = ("cell", "time")
    forcing["precipitation"] = (dims, rain)
    forcing["net_radiation"] = (dims, energy, get_attrs("net_radiation"))
    table = describe_cells(forcing, np.array([4, 3], np.int8), (EUROPE,), 2.45)
    validate_table(table, CELLS, "cells")
    assert table["mean_precipitation"].to_list() == [2.0, 0.5]
    assert table["node_count"].to_list() == [4, 3]
    # 9.8 / (2.45 * 2) = 2 and 0.5 / (2.45 * 0.5) = 0.408163
    assert table["dryness"].to_list() == pytest.approx([2.0, 0.408163], abs=1e-6)
    assert table["regime"].to_list() == ["water-limited", "energy-limited"]


def test_cell_table_without_net_radiation_has_no_regime() -> None:
    table = describe_cells(make_forcing(), np.zeros(2, np.int8), (), 2.45)
    validate_table(table, CELLS, "cells")
    assert table["mean_net_radiation"].isna().all()
    assert set(table["regime"]) == {"unknown"}
    assert set(table["region"]) == {"other"}
