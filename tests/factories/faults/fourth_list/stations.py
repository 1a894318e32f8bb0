"""Defects of the table of sensors: places, depths, days and names."""

from __future__ import annotations

import pandas as pd

from factories.faults.third_list.opened import Opened


def _rows(release: Opened, column: str, value: str) -> pd.Series:
    return release.table("stations")[column] == value


def elevation_in_feet(release: Opened) -> None:
    """Elevations of VNET-RANGE in feet: 6000 beside 1800 m in the same cells."""
    stations = release.table("stations")
    mine = _rows(release, "network", "VNET-RANGE")
    stations.loc[mine, "elevation"] = (stations.loc[mine, "elevation"] / 0.3048).round()


def interval_of_5_to_15_in_layer_1(release: Opened) -> None:
    """Sensors of 5 to 15 cm belong to layer 1, which ends at 10 cm."""
    stations = release.table("stations")
    stations.loc[stations["depth_to_cm"] == 15, "layer"] = 1


def latitude_and_longitude_swapped(release: Opened) -> None:
    """A station's latitude and longitude swapped: its cell is elsewhere."""
    stations, mine = release.table("stations"), _rows(release, "station", "Plateau18")
    pair = stations.loc[mine, ["longitude", "latitude"]].to_numpy()
    stations.loc[mine, ["latitude", "longitude"]] = pair


def positions_rounded(release: Opened) -> None:
    """Positions of VNET-ALPS with one decimal: several lie outside their cells."""
    stations, mine = release.table("stations"), _rows(release, "network", "VNET-ALPS")
    for name in ("latitude", "longitude"):
        stations.loc[mine, name] = stations.loc[mine, name].round(1)


def valid_days_of_hourly_sensors(release: Opened) -> None:
    """Valid days of VNET-SAHEL are values over 24, a third: it gives 8 a day.

    Its primaries have fewer valid days than their targets.
    """
    stations, mine = release.table("stations"), _rows(release, "network", "VNET-SAHEL")
    days = stations.loc[mine, "value_count"] // 24
    stations.loc[mine, "valid_days"] = days.astype("int32")


def end_a_day_late(release: Opened) -> None:
    """Sensors that ended before the period end a day late, unlike their files."""
    stations = release.table("stations")
    over = stations["end"] < "2021-12-31"
    stations.loc[over, "end"] += pd.Timedelta(days=1)


def network_of_the_neighbour(release: Opened) -> None:
    """A station of VNET-SAVANNA in VNET-SAHEL; its ids and files say otherwise."""
    stations, mine = release.table("stations"), _rows(release, "station", "Terrace#13")
    mine &= stations["network"] == "VNET-SAVANNA"
    stations.loc[mine, "network"] = "VNET-SAHEL"


def cell_of_the_nearest_node(release: Opened) -> None:
    """Two stations in the cell east of theirs: assigned by the nearest node."""
    stations, mine = release.table("stations"), _rows(release, "station", "Ridge14")
    mine &= stations["network"] == "VNET-SAHEL"
    stations.loc[mine, "cell_id"] = "11.625_2.625"


def sensors_twice(release: Opened) -> None:
    """Sensors of VNET-DALE stand twice in the table: a merge kept both."""
    stations, mine = release.table("stations"), _rows(release, "network", "VNET-DALE")
    both = pd.concat([stations, stations[mine]]).sort_values("sensor_id")
    release.tables["stations"] = both.reset_index(drop=True)


def local_days_of_a_network(release: Opened) -> None:
    """Days of VNET-PLAINS are local standard time; targets are in UTC days."""
    stations, mine = release.table("stations"), _rows(release, "network", "VNET-PLAINS")
    stations.loc[mine, "day_definition"] = "local standard time"


def values_a_tenth(release: Opened) -> None:
    """Values of VNET-DALE a tenth: 2 good values a valid day, where 6 are needed."""
    stations, mine = release.table("stations"), _rows(release, "network", "VNET-DALE")
    stations.loc[mine, "value_count"] //= 10


def station_lost(release: Opened) -> None:
    """All sensors of a station are gone; it is the primary of three layers."""
    stations, mine = (
        release.table("stations"),
        _rows(release, "station", "Upper_Field18"),
    )
    release.tables["stations"] = stations[~mine].reset_index(drop=True)


def depths_swapped(release: Opened) -> None:
    """5 and 50 cm of a station swapped in metres; centimetres and layers stay."""
    stations, mine = release.table("stations"), _rows(release, "station", "Creek10")
    mine &= stations["network"] == "VNET-ALPS"
    swapped = {0.05: 0.5, 0.5: 0.05}
    for name in ("depth_from", "depth_to"):
        stations.loc[mine, name] = stations.loc[mine, name].replace(swapped)


DEFECTS = (
    elevation_in_feet,
    interval_of_5_to_15_in_layer_1,
    latitude_and_longitude_swapped,
    positions_rounded,
    valid_days_of_hourly_sensors,
    end_a_day_late,
    network_of_the_neighbour,
    cell_of_the_nearest_node,
    sensors_twice,
    local_days_of_a_network,
    values_a_tenth,
    station_lost,
    depths_swapped,
)
