"""One defect a table: each is caught by the check that should, no good table is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from factories import make_cells, make_sensors, make_splits
from somobench.schemas.errors import ValidationError
from somobench.schemas.released import RELEASED_TABLES
from somobench.schemas.validate import validate_table

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


@pytest.mark.parametrize("name", GOOD)
def test_good_table_passes(name: str) -> None:
    validate_table(GOOD[name](), RELEASED_TABLES[name], name)


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


def stuck(first: int, last: int) -> Change:
    """Hold the first sensor at its value of a day."""

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        changed = frame.copy()
        value = changed["soil_moisture"].iloc[first]
        changed.loc[first:last, "soil_moisture"] = value
        return changed

    return change


def step(frame: pd.DataFrame) -> pd.DataFrame:
    # The waves span 0.17 to 0.35: 0.45 more leaves more than 0.25 between the halves.
    changed = frame.copy()
    changed.loc[100 : LENGTH - 1, "soil_moisture"] += 0.45
    return changed


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    """Swap the coordinates of one station of Hesse, cell and all."""
    moved = frame.copy()
    moved["longitude"] += 121
    moved.loc[0, ["latitude", "longitude"]] = (9.375, 41.875)
    names = zip(moved["latitude"], moved["longitude"], strict=True)
    return moved.assign(cell_id=[f"{north}_{east}" for north, east in names])


ORDER = "rows sorted by"
DAYS = "days at 00:00"
CENTIMETRES = "depths in m that round to those in cm"

MUTATIONS: dict[str, tuple[str, Change, str, str]] = {
    # Observations
    "no row": ("observations", lambda x: x.iloc[:0], "observations", "one row"),
    "backwards": ("observations", lambda x: x.iloc[::-1], "observations", ORDER),
    "two rows swapped": (
        "observations",
        lambda x: x.iloc[[1, 0, *range(2, len(x))]],
        "observations",
        ORDER,
    ),
    "a row twice": (
        "observations",
        lambda x: x.iloc[[0, *range(len(x))]],
        "observations",
        ORDER,
    ),
    "sensors out of order": (
        "observations",
        lambda x: x.iloc[[*range(LENGTH, 2 * LENGTH), *range(LENGTH)]],
        "observations",
        ORDER,
    ),
    "stuck for three months": ("observations", stuck(40, 130), "observations", "value"),
    "stuck all the time": ("observations", stuck(0, 199), "observations", "one value"),
    "stuck at its lowest": (
        "observations",
        put("soil_moisture", slice(20, 150), 0.05),
        "observations",
        "one value",
    ),
    "a step": ("observations", step, "observations", "no step of a sensor"),
    "percent": ("observations", times("soil_moisture", 100), "soil_moisture", "0 to 1"),
    "factor 0.01 twice": (
        "observations",
        times("soil_moisture", 0.01),
        "observations",
        "a median of at least",
    ),
    "depth of water in m": (
        "observations",
        times("soil_moisture", 0.05),
        "observations",
        "a maximum of at least",
    ),
    "one negative": (
        "observations",
        put("soil_moisture", 7, -0.01),
        "soil_moisture",
        "0 to 1",
    ),
    "one fill value": (
        "observations",
        put("soil_moisture", 7, -9999.0),
        "soil_moisture",
        "0 to 1",
    ),
    "one missing": (
        "observations",
        put("soil_moisture", 7, np.nan),
        "soil_moisture",
        "not_nullable",
    ),
    "one infinite": (
        "observations",
        put("soil_moisture", 7, np.inf),
        "soil_moisture",
        "0 to 1",
    ),
    "float32": (
        "observations",
        with_type("soil_moisture", "float32"),
        "soil_moisture",
        "float64",
    ),
    "values as text": (
        "observations",
        with_type("soil_moisture", "str"),
        "soil_moisture",
        "float64",
    ),
    "no observation": (
        "observations",
        put("observation_count", 3, 0),
        "observation_count",
        "from 1 to 1440",
    ),
    "more than a minute has": (
        "observations",
        put("observation_count", 3, 1441),
        "observation_count",
        "from 1 to 1440",
    ),
    "one hour off": (
        "observations",
        put("time", 3, pd.Timestamp("2018-01-04T01:00")),
        "time",
        DAYS,
    ),
    "epoch read as nanoseconds": (
        "observations",
        lambda x: x.assign(time=(x["time"] - pd.Timedelta("90000D"))),
        "time",
        "days from 1900",
    ),
    "times as text": ("observations", with_type("time", "str"), "time", "datetime64"),
    "blank sensor": ("observations", put("sensor_id", 0, " "), "sensor_id", "blank"),
    "no time": (
        "observations",
        lambda x: x.drop(columns="time"),
        "observations",
        "column_in_dataframe",
    ),
    "columns in another order": (
        "observations",
        lambda x: x.iloc[:, ::-1],
        "observations",
        "column_ordered",
    ),
    # Stations
    "no sensor": ("stations", lambda x: x.iloc[:0], "stations", "one row"),
    "sensor twice": ("stations", lambda x: x.iloc[[0, 0, 1]], "stations", ORDER),
    "beyond the pole": ("stations", put("latitude", 1, 90.5), "latitude", "-90 to 90"),
    "longitude 0 to 360": (
        "stations",
        times("longitude", -2),
        "longitude",
        "from -180 to 180",
    ),
    "latitude missing": (
        "stations",
        put("latitude", 1, np.nan),
        "latitude",
        "not_nullable",
    ),
    "coordinates swapped in Europe": ("stations", swapped, "stations", "once its"),
    "station outside its cell": (
        "stations",
        put("latitude", 1, 43.5),
        "stations",
        "inside its cell",
    ),
    "station half a cell east": (
        "stations",
        every(longitude=-111.0),
        "stations",
        "inside its cell",
    ),
    "station in two places": (
        "stations",
        put("longitude", 3, -111.3),
        "stations",
        "one place",
    ),
    "cell without centre": ("stations", every(cell_id="A12"), "cell_id", "centres"),
    "depth in cm": ("stations", times("depth_to", 100), "stations", CENTIMETRES),
    "depth in inches": ("stations", times("depth_to", 2.54), "stations", CENTIMETRES),
    "depth upside down": (
        "stations",
        put("depth_from", 1, 0.5),
        "stations",
        "depth_from not below",
    ),
    "negative depth": ("stations", put("depth_from", 1, -0.05), "depth_from", "0 to"),
    "one depth in two layers": (
        "stations",
        put("layer", 1, 3),
        "stations",
        "every depth in one layer",
    ),
    "id of another sensor": (
        "stations",
        every(sensor="other"),
        "stations",
        'sensor_id "{network}',
    ),
    "more valid days than days": (
        "stations",
        put("valid_days", 1, 4000),
        "stations",
        "within start and end",
    ),
    "fewer values than days": (
        "stations",
        put("value_count", 1, 7),
        "stations",
        "a value on each",
    ),
    "end before start": (
        "stations",
        put("end", 1, pd.Timestamp("2017-01-01")),
        "stations",
        "start not after end",
    ),
    "a day of its own": (
        "stations",
        every(day_definition="noon"),
        "day_definition",
        "one of UTC",
    ),
    "elevation in feet of a peak": (
        "stations",
        put("elevation", 1, 29029.0),
        "elevation",
        "to 9000",
    ),
    # Cells
    "no cell": ("cells", lambda x: x.iloc[:0], "cells", "one row"),
    "cells out of order": ("cells", lambda x: x.iloc[::-1], "cells", ORDER),
    "cell elsewhere": ("cells", put("latitude", 0, 42.125), "cells", "cell_id"),
    "radiation in W m-2": (
        "cells",
        times("mean_net_radiation", 11.574),
        "mean_net_radiation",
        "-25.0 to 40.0",
    ),
    "radiation in kWh m-2": (
        "cells",
        times("mean_net_radiation", 1 / 3.6),
        "cells",
        "dryness = mean_net_radiation",
    ),
    "rain in m": (
        "cells",
        times("mean_precipitation", 0.001),
        "cells",
        "dryness = mean_net_radiation",
    ),
    "Celsius": (
        "cells",
        every(mean_air_temperature=11.85),
        "mean_air_temperature",
        "180.0 to 335.0",
    ),
    "regime of the other side": (
        "cells",
        every(regime="energy-limited"),
        "cells",
        "energy-limited below",
    ),
    "dryness out of nothing": (
        "cells",
        every(mean_net_radiation=np.nan),
        "cells",
        "dryness = mean_net_radiation",
    ),
    "five corners": ("cells", put("node_count", 0, 5), "node_count", "from 0 to 4"),
    # Splits
    "a range twice": ("splits", lambda x: x.iloc[[0, 0, 1]], "splits", ORDER),
    "ranges overlap": (
        "splits",
        put("start", 1, pd.Timestamp("2018-01-05")),
        "splits",
        "apart",
    ),
    "no test days": (
        "splits",
        lambda x: x[x["role"] != "test"],
        "splits",
        "train and test",
    ),
    "val": ("splits", put("role", 1, "val"), "role", "validation"),
    "ends before it starts": (
        "splits",
        put("end", 1, pd.Timestamp("2018-01-01")),
        "splits",
        "start not after end",
    ),
}


@pytest.mark.parametrize("defect", MUTATIONS)
def test_single_defect_of_a_table_is_caught_by_its_check(defect: str) -> None:
    name, change, where, expected = MUTATIONS[defect]
    with pytest.raises(ValidationError) as caught:
        validate_table(change(GOOD[name]()), RELEASED_TABLES[name], name)
    named = [item for item in caught.value.failures if item.where == where]
    assert any(expected in f"{item.expected} {item.found}" for item in named), (
        caught.value.failures
    )


def test_fraction_in_percent_is_refused() -> None:
    cells = make_cells().assign(sand_fraction=31.0)
    with pytest.raises(ValidationError, match="fraction"):
        validate_table(cells, RELEASED_TABLES["cells"], "cells")


@pytest.mark.parametrize(
    ("first", "last"), [(40, 99), (0, 59)], ids=["inside", "at the start"]
)
def test_sensor_that_rests_sixty_days_passes(first: int, last: int) -> None:
    frame = stuck(first, last)(observations())
    validate_table(frame, RELEASED_TABLES["observations"], "observations")


def test_sensor_that_rests_a_dry_season_at_its_lowest_passes() -> None:
    frame = observations()
    frame.loc[40:158, "soil_moisture"] = 0.05  # 119 days below all other values
    validate_table(frame, RELEASED_TABLES["observations"], "observations")
    frame.loc[40:160, "soil_moisture"] = 0.05  # 121 days
    with pytest.raises(ValidationError, match=r"0.05000 on 121 days"):
        validate_table(frame, RELEASED_TABLES["observations"], "observations")


def test_rise_that_dries_again_is_no_step() -> None:
    frame = observations()
    frame.loc[100:120, "soil_moisture"] += 0.45  # rain, and dry again within 30 days
    validate_table(frame, RELEASED_TABLES["observations"], "observations")
