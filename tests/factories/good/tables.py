"""Good tables, ways to change them, and what a check must answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import pytest

from factories.days import make_cells, make_sensors, make_splits
from somobench.schemas.errors import ValidationError
from somobench.schemas.released import RELEASED_TABLES
from somobench.schemas.validate import validate_table
from somobench.schemas.variables import STATIC_ATTRIBUTES, STATIC_CLASSES

LENGTH = 200
Change = Callable[[pd.DataFrame], pd.DataFrame]


def observations() -> pd.DataFrame:
    """Return 200 days of two sensors: 0.25 +- 0.08 in waves of a month, and a trend."""
    parts = []
    for sensor in make_sensors()["sensor_id"]:
        day = np.arange(LENGTH)
        values = 0.25 + 0.08 * np.sin(day / 5) + day * 1e-4
        parts.append(
            pd.DataFrame(
                {
                    "sensor_id": sensor,
                    "time": pd.date_range("2018-01-01", periods=LENGTH, unit="ns"),
                    "soil_moisture": values,
                    "observation_count": np.full(LENGTH, 24, "int16"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def sensors() -> pd.DataFrame:
    """Return five sensors of one network, one of them deeper than the others."""
    first = make_sensors(count=1).iloc[0]
    rows = []
    for index in range(4):
        latitude, longitude = 41.875 + index, -111.625
        station = f"S{index}"
        rows.append(
            first.to_dict()
            | {
                "sensor_id": f"NET/{station}/5-5/probe",
                "station_id": f"NET/{station}",
                "station": station,
                "latitude": latitude,
                "longitude": longitude,
                "cell_id": f"{latitude}_{longitude}",
            }
        )
    deep = {"depth_from": 0.2, "depth_to": 0.2, "layer": 2}
    deep |= {"depth_from_cm": 20, "depth_to_cm": 20}
    rows.append(rows[-1] | deep | {"sensor_id": "NET/S3/20-20/probe"})
    frame = pd.DataFrame(rows).astype(make_sensors().dtypes.to_dict())
    return frame.sort_values("sensor_id", ignore_index=True)


GOOD: dict[str, Callable[[], pd.DataFrame]] = {
    "stations": sensors,
    "observations": observations,
    "cells": make_cells,
    "splits": make_splits,
}


def put(column: str, row: int | slice, value: object) -> Change:
    """Change one value, or those of a slice of rows."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame.copy()
        changed.loc[row, column] = value
        return changed

    return change


def every(**columns: object) -> Change:
    return lambda frame: frame.assign(**columns)


def times(column: str, factor: float) -> Change:
    return lambda frame: frame.assign(**{column: frame[column] * factor})


def with_type(column: str, dtype: str) -> Change:
    return lambda frame: frame.astype({column: dtype})


def assert_caught(mutation: tuple[str, Change, str, str]) -> None:
    """Assert that the check of a defect refuses the table and says where."""
    name, change, where, expected = mutation
    with pytest.raises(ValidationError) as caught:
        validate_table(change(GOOD[name]()), RELEASED_TABLES[name], name)
    named = [item for item in caught.value.failures if item.where == where]
    assert any(expected in f"{item.expected} {item.found}" for item in named), (
        caught.value.failures
    )


def make_statics(
    *, stations: Sequence[str], sand: Sequence[float] = (), cover: str = "10"
) -> pd.DataFrame:
    """Return a statics table: sand where given, a land cover, and nothing else."""
    columns = {"station_id": pd.Series(list(stations), dtype="str")}
    for name in STATIC_ATTRIBUTES:
        values = np.full(len(stations), np.nan)
        if name == "sand_fraction":
            values[: len(sand)] = sand
        columns[name] = pd.Series(values)
    for name in STATIC_CLASSES:
        text = cover if name == "land_cover" else ""
        columns[name] = pd.Series([text] * len(stations), dtype="str")
    return pd.DataFrame(columns)
