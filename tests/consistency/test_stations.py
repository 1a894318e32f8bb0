"""Sensors whose files, by their names, are others'."""

from __future__ import annotations

import pandas as pd
import pytest
import xarray as xr

from somobench.consistency.stations import (
    find_other_layers,
    find_other_positions,
    find_other_sources,
)

ISMN = "NET/{0}/NET_NET_{0}_sm_0.050000_0.100000_Probe_20160101_20181231.stm"


def make_stations(*files: str) -> pd.DataFrame:
    """Return sensors of stations Creek#01 and Ridge_02."""
    stations = pd.DataFrame(
        {"station": ["Creek#01", "Ridge_02"], "source_file": list(files)}
    )
    return stations.assign(
        sensor_id=stations["station"] + "/probe",
        start=pd.Timestamp("2016-01-01"),
        end=pd.Timestamp("2018-12-31"),
        depth_from=0.05,
        depth_to=0.10,
        elevation=300.0,
    )


@pytest.mark.parametrize(
    "files",
    [
        (ISMN.format("Creek#01"), ISMN.format("Ridge-02")),
        ("all.csv", "all.csv"),
        ("sites/001.csv", "sites/002.csv"),
        ("NET_Creek01_HH_2016-2018.csv", "NET_RIDGE02_HH_2016-2018.csv"),
    ],
)
def test_files_that_say_their_station_or_none_are_good(files: tuple[str, str]) -> None:
    assert find_other_sources(make_stations(*files)) == []


def test_file_of_another_station_is_found() -> None:
    stations = make_stations(ISMN.format("Ridge_02"), ISMN.format("Creek#01"))
    (failure,) = find_other_sources(stations)
    assert failure.where == "stations.parquet source_file"
    assert "Creek#01/probe" in failure.found


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("start", pd.Timestamp("2015-12-31")),
        ("end", pd.Timestamp("2019-01-01")),
        ("depth_from", 0.5),
        ("depth_to", 0.2),
    ],
)
def test_time_and_depth_beyond_those_of_the_file_are_found(
    column: str, value: object
) -> None:
    stations = make_stations(ISMN.format("Creek#01"), ISMN.format("Ridge_02"))
    stations[column] = value
    (failure,) = find_other_sources(stations)
    assert failure.where == f"stations.parquet {column}"


@pytest.mark.parametrize(
    ("cells", "latitudes", "alarm"),
    [
        (("a", "a"), (10.125, 10.125), True),
        (("a", "a"), (10.125, 10.126), False),
        (("a", "b"), (10.125, 20.125), False),
    ],
)
def test_stations_in_the_middle_of_a_cell_that_holds_several_are_found(
    cells: tuple[str, str], latitudes: tuple[float, float], alarm: bool
) -> None:
    places = pd.DataFrame({"cell_id": ["a", "b"], "latitude": [10.125, 20.125]})
    stations = make_stations("all.csv", "all.csv").assign(
        station_id=["one", "two"], cell_id=list(cells), latitude=list(latitudes)
    )
    found = find_other_positions(
        stations.assign(longitude=5.0), places.assign(longitude=5.0)
    )
    assert bool(found) is alarm


def find_layers(depth_from: int, depth_to: int, layer: int) -> list[str]:
    """Return what is found of a sensor, in cm, beside layers of 0-10 and 10-30 cm."""
    sensor = {
        "sensor_id": ["probe"],
        "depth_from_cm": [depth_from],
        "depth_to_cm": [depth_to],
        "layer": [layer],
    }
    bounds = {"layer_depth_from": [0.0, 0.1], "layer_depth_to": [0.1, 0.3]}
    targets = xr.Dataset(coords={"layer": [1, 2]}).assign_coords(
        {name: ("layer", it) for name, it in bounds.items()}
    )
    return [it.found for it in find_other_layers(pd.DataFrame(sensor), targets)]


@pytest.mark.parametrize(
    ("depths", "layer"),
    [((0, 5), 1), ((10, 10), 1), ((10, 30), 2), ((5, 15), 0), ((50, 50), 3)],
)
def test_sensor_in_the_layer_that_holds_it_is_good(
    depths: tuple[int, int], layer: int
) -> None:
    assert find_layers(*depths, layer) == []


@pytest.mark.parametrize(
    ("depths", "layer"), [((10, 10), 2), ((5, 15), 1), ((5, 5), 0), ((20, 20), 3)]
)
def test_sensor_in_another_layer_is_found(depths: tuple[int, int], layer: int) -> None:
    assert find_layers(*depths, layer) == [f"{layer} of probe"]


def test_elevation_that_no_soil_has_is_found() -> None:
    stations = make_stations("all.csv", "all.csv")
    assert find_other_sources(stations.assign(elevation=[5500.0, None])) == []
    (failure,) = find_other_sources(stations.assign(elevation=[300.0, 9000.0]))
    assert failure.where == "stations.parquet elevation"
