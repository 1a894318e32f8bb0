"""Stations that are wrong: where they stand, how deep they reach, what they gave."""

from __future__ import annotations

import numpy as np
import pandas as pd

from factories.faults.third_list.opened import Opened


def _of_network(release: Opened, network: str) -> pd.Series:
    return release.table("stations")["network"] == network


def station_in_the_next_cell(release: Opened) -> None:
    """One station's cell is its neighbour; its position is right.

    Its sensors are missed where they are primary. Contradicted by the position.
    """
    stations = release.table("stations")
    mask = stations["station_id"] == "VNET-SAHEL/Terrace#07"
    stations.loc[mask, "cell_id"] = "12.125_2.625"


def station_moved_within_the_cell(release: Opened) -> None:
    """One network's positions are rounded to a tenth of a degree.

    Up to 5 km off, and none leaves its cell. Contradicted by five decimals elsewhere,
    which other networks needn't have.
    """
    stations, mask = release.table("stations"), _of_network(release, "VNET-PLAINS")
    for name in ("latitude", "longitude"):
        stations.loc[mask, name] = stations.loc[mask, name].round(1)


def elevation_in_feet(release: Opened) -> None:
    """One network's elevations are in feet.

    Its stations seem three times as high. Contradicted by stations of the other
    network in the same cells, and by their air temperature.
    """
    stations, mask = release.table("stations"), _of_network(release, "VNET-ALPS")
    stations.loc[mask, "elevation"] = (stations.loc[mask, "elevation"] / 0.3048).round()


def ten_centimetres_in_the_second_layer(release: Opened) -> None:
    """Probes at 10 cm are given to layer 2.

    Nine sensors. Contradicted by the rule of depths, by other layers' candidates and by
    the report's roles.
    """
    stations = release.table("stations")
    mask = (stations["depth_from_cm"] == 10) & (stations["depth_to_cm"] == 10)
    stations.loc[mask, "layer"] = np.int8(2)


def depths_of_two_sensors_exchanged(release: Opened) -> None:
    """At one station the depths of the probes at 20 and 50 cm are exchanged.

    Metres, centimetres and layers agree. Contradicted by the sensors' names, by the
    files and by targets' depths.
    """
    stations = release.table("stations")
    rows = np.flatnonzero(
        (stations["station_id"] == "VNET-BUSH/Hollow01") & (stations["layer"] > 1)
    )
    names = ["depth_from", "depth_to", "depth_from_cm", "depth_to_cm", "layer"]
    for name in names:
        column = stations[name].to_numpy(copy=True)
        column[rows] = column[rows[::-1]]
        stations[name] = column


def valid_days_from_hourly_values(release: Opened) -> None:
    """`valid_days` of one network is its values over 24: a third of its days.

    Contradicted by targets' days and by the values a day.
    """
    stations, mask = release.table("stations"), _of_network(release, "VNET-COAST")
    days = stations.loc[mask, "value_count"] // 24
    stations.loc[mask, "valid_days"] = days.astype(np.int32)


def valid_days_within_gaps(release: Opened) -> None:
    """`valid_days` of every sensor is the length of its record, gaps inside.

    Completeness looks perfect. Contradicted by targets' days of the primaries and by
    the sum that the report gives.
    """
    stations = release.table("stations")
    length = (stations["end"] - stations["start"]).dt.days + 1
    stations["valid_days"] = length.astype(np.int32)


def record_ends_a_year_early(release: Opened) -> None:
    """One primary's record ends with 2020 in the table.

    Contradicted by target days of 2021 that no other sensor filled, and by its file's
    name.
    """
    stations = release.table("stations")
    mask = stations["station_id"] == "VNET-COAST/Creek18"
    stations.loc[mask, "end"] = pd.Timestamp("2020-12-31")


def primary_left_out(release: Opened) -> None:
    """One station's sensors are missing from the table, a target's primary among them.

    Contradicted by targets, which name it, and by 230 sensors in the report.
    """
    stations = release.table("stations")
    kept = stations["station_id"] != "VNET-BUSH/Upper_Field11"
    release.tables["stations"] = stations[kept].reset_index(drop=True)


def days_said_to_be_local(release: Opened) -> None:
    """One network's days are said to be local standard time.

    Contradicted by targets' days, which are UTC, and by other stations of its cells.
    """
    stations, mask = release.table("stations"), _of_network(release, "VNET-RANGE")
    stations.loc[mask, "day_definition"] = "local_standard_time"


DEFECTS = (
    station_in_the_next_cell,
    station_moved_within_the_cell,
    elevation_in_feet,
    ten_centimetres_in_the_second_layer,
    depths_of_two_sensors_exchanged,
    valid_days_from_hourly_values,
    valid_days_within_gaps,
    record_ends_a_year_early,
    primary_left_out,
    days_said_to_be_local,
)
