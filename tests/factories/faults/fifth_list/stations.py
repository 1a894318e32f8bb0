"""Defects of the table of sensors."""

from __future__ import annotations

import pandas as pd

from factories.faults.third_list.opened import Defect, Opened


def _rows(release: Opened, network: str) -> pd.Series:
    return release.table("stations")["network"] == network


def heights_of_one_station_for_all(release: Opened) -> None:
    """VNET-PLAINS: every station has the elevation of the network's first one."""
    table, rows = release.table("stations"), _rows(release, "VNET-PLAINS")
    table.loc[rows, "elevation"] = table.loc[rows, "elevation"].iloc[0]


def places_cut_to_one_decimal(release: Opened) -> None:
    """VNET-SAHEL: coordinates keep one decimal; up to 0.1 degrees off."""
    table, rows = release.table("stations"), _rows(release, "VNET-SAHEL")
    for name in ("latitude", "longitude"):
        table.loc[rows, name] = (table.loc[rows, name] * 10).astype(int) / 10


def one_station_in_the_next_cell(release: Opened) -> None:
    """VNET-DALE/Creek03 is put into the cell south of its own."""
    table = release.table("stations")
    rows = table["station_id"] == "VNET-DALE/Creek03"
    table.loc[rows, "cell_id"] = "47.625_10.375"


def days_counted_from_start_to_end(release: Opened) -> None:
    """VNET-ALPS: valid days are all days from the first to the last."""
    table, rows = release.table("stations"), _rows(release, "VNET-ALPS")
    span = (table["end"] - table["start"]).dt.days + 1
    table.loc[rows, "valid_days"] = span[rows].astype("int32")


def values_counted_before_the_flags(release: Opened) -> None:
    """VNET-BUSH: value counts are 24 a valid day, flagged hours with them."""
    table, rows = release.table("stations"), _rows(release, "VNET-BUSH")
    table.loc[rows, "value_count"] = table.loc[rows, "valid_days"] * 24


def start_of_the_archive_for_that_of_the_sensor(release: Opened) -> None:
    """VNET-RANGE: every sensor starts on 2016-01-01."""
    table, rows = release.table("stations"), _rows(release, "VNET-RANGE")
    table.loc[rows, "start"] = pd.Timestamp("2016-01-01")


def points_thickened_to_ten_centimetres(release: Opened) -> None:
    """VNET-SAVANNA: the points at 5 cm are intervals from 0 to 10 cm."""
    table = release.table("stations")
    rows = _rows(release, "VNET-SAVANNA") & (table["depth_to_cm"] == 5)
    table.loc[rows, ["depth_from", "depth_to"]] = [0.0, 0.1]
    table.loc[rows, "depth_from_cm"] = 0
    table.loc[rows, "depth_to_cm"] = 10


def probes_at_thirty_centimetres_one_layer_down(release: Opened) -> None:
    """VNET-PLAINS: points at 30 cm belong to layer 3."""
    table = release.table("stations")
    rows = _rows(release, "VNET-PLAINS") & (table["depth_from_cm"] == 30)
    table.loc[rows, "layer"] = 3


def days_said_to_be_local(release: Opened) -> None:
    """VNET-COAST: the table says days of local standard time."""
    table, rows = release.table("stations"), _rows(release, "VNET-COAST")
    table.loc[rows, "day_definition"] = "local standard time"


def sensors_that_were_dropped_are_listed_no_more(release: Opened) -> None:
    """Sensors in no layer aren't in the table: 17 rows less."""
    table = release.table("stations")
    release.tables["stations"] = table[table["layer"] > 0].reset_index(drop=True)


DEFECTS: tuple[Defect, ...] = (
    heights_of_one_station_for_all,
    places_cut_to_one_decimal,
    one_station_in_the_next_cell,
    days_counted_from_start_to_end,
    values_counted_before_the_flags,
    start_of_the_archive_for_that_of_the_sensor,
    points_thickened_to_ten_centimetres,
    probes_at_thirty_centimetres_one_layer_down,
    days_said_to_be_local,
    sensors_that_were_dropped_are_listed_no_more,
)
