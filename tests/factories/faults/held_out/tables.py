"""Defects of `splits`, `cells` and `stations`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from factories.faults.vouched import Defect, in_table

Change = Callable[[pd.DataFrame], pd.DataFrame]
DAY = pd.Timedelta(days=1)
UNGAUGED, TEMPORAL, SPATIAL = "ungauged", "temporal", "spatial"


def put(row: int | Callable[[pd.DataFrame], Any], **columns: Any) -> Change:
    """Put values into one row, or into those of a mask."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        places = frame.index == row if isinstance(row, int) else row(frame)
        for name, value in columns.items():
            frame[name] = frame[name].mask(places, value)
        return frame

    return change


def every(**columns: Callable[[pd.Series], Any]) -> Change:
    return lambda frame: frame.assign(
        **{name: change(frame[name]) for name, change in columns.items()}
    )


def exchanged(one: str, other: str) -> Change:
    return lambda frame: frame.assign(**{one: frame[other], other: frame[one]})


def rows_exchanged(one: int, other: int, *columns: str) -> Change:
    """Exchange the values of two rows, in some columns or in all but the first."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        order = np.arange(len(frame))
        order[[one, other]] = order[[other, one]]
        return frame.assign(
            **{
                name: frame[name].take(order).set_axis(frame.index)
                for name in columns or frame.columns[1:]
            }
        )

    return change


def role_of(split: str, role: str) -> Callable[[pd.DataFrame], Any]:
    return lambda frame: (frame["split"] == split) & (frame["role"] == role)


def first(mask: Callable[[pd.DataFrame], Any]) -> Callable[[pd.DataFrame], Any]:
    return lambda frame: frame.index == frame.index[mask(frame)][0]


def without(mask: Callable[[pd.DataFrame], Any]) -> Change:
    return lambda frame: frame[~mask(frame)].reset_index(drop=True)


def in_split(name: str) -> Callable[[pd.DataFrame], Any]:
    return lambda frame: frame["split"] == name


def exchange_roles(frame: pd.DataFrame) -> pd.DataFrame:
    roles = frame["role"].replace({"test": "validation", "validation": "test"})
    return frame.assign(role=frame["role"].mask(frame["split"] == TEMPORAL, roles))


def train_until_test(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop the embargo: train ends the day before validation."""
    return put(role_of(TEMPORAL, "train"), end=pd.Timestamp("2019-06-30"))(frame)


def train_in_test_cell(frame: pd.DataFrame) -> pd.DataFrame:
    """Give a test cell to train too, on other days."""
    chosen = frame[role_of(UNGAUGED, "test")(frame)].iloc[[0]]
    middle = pd.Timestamp("2019-01-01")
    before = chosen.assign(role="train", end=middle - 30 * DAY)
    after = chosen.assign(start=middle)
    kept = frame.drop(index=chosen.index)
    rows = pd.concat([kept, before, after])
    return rows.sort_values(["split", "cell_id", "start"], ignore_index=True)


SPLITS: dict[str, Defect] = {
    name: in_table("splits", change)
    for name, change in {
        "validation and test swapped": exchange_roles,
        "a test cell trains": put(first(role_of(UNGAUGED, "test")), role="train"),
        "a neighbour of train cells tests": put(
            first(role_of(SPATIAL, "train")), role="test"
        ),
        "a test cell trains on other days": train_in_test_cell,
        "no embargo": train_until_test,
        "all days a year later": lambda frame: frame.assign(
            start=frame["start"] + 365 * DAY, end=frame["end"] + 365 * DAY
        ),
        "test starts a day late": put(
            role_of(TEMPORAL, "test"), start=pd.Timestamp("2020-07-02")
        ),
        "a split left out": without(in_split("wet_years")),
        "a split under a second name": lambda frame: pd.concat(
            [frame, frame[in_split(SPATIAL)(frame)].assign(split="spatial_2")],
            ignore_index=True,
        ),
        "two splits change names": every(
            split=lambda it: it.replace(
                {"dry_years": "wet_years", "wet_years": "dry_years"}
            )
        ),
        "a cell left out of test": without(first(role_of(SPATIAL, "test"))),
        "no validation": without(role_of(SPATIAL, "validation")),
        "start and end swapped in a row": lambda frame: put(
            7, start=frame["end"][7], end=frame["start"][7]
        )(frame),
        "roles in capitals": every(role=lambda it: it.str.capitalize()),
        "cells of two decimals": every(
            cell_id=lambda it: it.str.replace(r"(\.\d\d)5", r"\1", regex=True)
        ),
        "an end missing": put(3, end=pd.NaT),
        "ends at noon": every(end=lambda it: it + pd.Timedelta(hours=12)),
        "roles of the row above": every(role=lambda it: it.shift(1, fill_value="test")),
    }.items()
}
CELLS: dict[str, Defect] = {
    name: in_table("cells", change)
    for name, change in {
        "two cells swapped": rows_exchanged(3, 30),
        "climates of neighbours swapped": rows_exchanged(
            12, 13, "mean_precipitation", "mean_net_radiation", "dryness", "regime"
        ),
        "latitudes mirrored": every(latitude=np.negative),
        "a region wrong": put(3, region="europe"),
        "temperature in Celsius": every(mean_air_temperature=lambda it: it - 273.15),
        "temperature of the next cell": every(
            mean_air_temperature=lambda it: np.roll(it, 1)
        ),
        "net radiation in W": every(mean_net_radiation=lambda it: it / 0.0864),
        "precipitation in mm a year": every(mean_precipitation=lambda it: it * 365.25),
        "dryness inverted": every(dryness=lambda it: 1 / it),
        "dryness of the next cell": every(dryness=lambda it: np.roll(it, 1)),
        "one regime": every(regime=lambda it: "water-limited"),
        "a regime flipped": lambda frame: put(
            2,
            regime="energy-limited"
            if frame["regime"][2] == "water-limited"
            else "water-limited",
        )(frame),
        "sand and silt swapped": exchanged("sand_fraction", "silt_fraction"),
        "clay in percent": every(clay_fraction=lambda it: it * 100),
        "clay missing in a cell": put(4, clay_fraction=np.nan),
        "saturation of 0.04": every(saturation=lambda it: it / 10),
        "no nodes": every(node_count=lambda it: it * 0),
        "longitudes from 0": every(longitude=lambda it: it % 360),
        "soil of the next cell": lambda frame: every(
            **{
                name: lambda it: np.roll(it, 1)
                for name in frame.columns
                if "fraction" in name or "saturation" in name
            }
        )(frame),
    }.items()
}
STATIONS: dict[str, Defect] = {
    name: in_table("stations", change)
    for name, change in {
        "elevations in feet": every(elevation=lambda it: it / 0.3048),
        "elevation of 9999": put(5, elevation=9999.0),
        "depth in m and in cm differ": put(5, depth_from_cm=np.int16(45)),
        "layers one deeper": every(layer=lambda it: it + 1),
        "a sensor in the neighbouring cell": put(5, cell_id="47.375_10.375"),
        "a network renamed in one column": every(
            network=lambda it: it.replace("VNET-ALPS", "VNET-ALPES")
        ),
        "start and end swapped": exchanged("start", "end"),
        "a start after the first target": every(start=lambda it: it + 400 * DAY),
        "no valid days": every(valid_days=lambda it: it * 0),
        "fewer values than days": every(value_count=lambda it: it // 100),
        "latitudes mirrored": every(latitude=np.negative),
        "coordinates rounded": every(latitude=np.round, longitude=np.round),
        "a network left out": without(lambda frame: frame["network"] == "VNET-DALE"),
        "a primary sensor left out": without(
            lambda frame: (
                frame["sensor_id"] == "VNET-BUSH/Ridge17/20-20/Virtual Probe-A"
            )
        ),
        "days of local time": put(5, day_definition="local"),
        "no source file": every(source_file=lambda it: ""),
        "depths upside down": lambda frame: exchanged("depth_from", "depth_to")(
            exchanged("depth_from_cm", "depth_to_cm")(frame)
        ),
        "names of another station": rows_exchanged(3, 90, "station"),
        "places of two stations swapped": rows_exchanged(
            3, 90, "latitude", "longitude"
        ),
    }.items()
}
