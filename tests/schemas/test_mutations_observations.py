"""Observations with one defect are caught; no sensor that only rests is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factories.good.tables import (
    GOOD,
    LENGTH,
    Change,
    assert_caught,
    observations,
    put,
    times,
    with_type,
)
from somobench.schemas.errors import ValidationError
from somobench.schemas.released import RELEASED_TABLES
from somobench.schemas.validate import validate_table


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


ORDER = "rows sorted by"
DAYS = "days at 00:00"

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
}


@pytest.mark.parametrize("defect", MUTATIONS)
def test_defect_of_observations_is_caught_by_its_check(defect: str) -> None:
    assert_caught(MUTATIONS[defect])


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


def test_columns_in_another_order_pass() -> None:
    frame = GOOD["observations"]()
    validate_table(
        frame[frame.columns[::-1]], RELEASED_TABLES["observations"], "observations"
    )
