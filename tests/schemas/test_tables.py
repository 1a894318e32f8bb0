"""Table schemas: a good table passes, and each single defect is named."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from factories.days import make_cells, make_observations, make_sensors, make_splits
from somobench.schemas.errors import ValidationError
from somobench.schemas.tables import CELLS, OBSERVATIONS, SENSORS, SPLITS
from somobench.schemas.validate import validate_table

GOOD = {
    "stations": (make_sensors, SENSORS),
    "observations": (make_observations, OBSERVATIONS),
    "cells": (make_cells, CELLS),
    "splits": (make_splits, SPLITS),
}


@pytest.mark.parametrize("name", GOOD)
def test_good_table_passes_unchanged(name: str) -> None:
    make, schema = GOOD[name]
    frame = make()
    pd.testing.assert_frame_equal(validate_table(frame, schema, name), make())


Change = Callable[[pd.DataFrame], pd.DataFrame]

DEFECTS: dict[str, tuple[str, Change, str, str]] = {
    "empty": ("observations", lambda x: x.iloc[:0], "observations", "one row"),
    "unsorted": ("observations", lambda x: x.iloc[::-1], "observations", "sorted by"),
    "twice": (
        "observations",
        lambda x: x.iloc[[0, 0, 1]],
        "observations",
        "each once",
    ),
    "percent": (
        "observations",
        lambda x: x.assign(soil_moisture=x["soil_moisture"] * 100),
        "soil_moisture",
        "from 0 to 1",
    ),
    "missing value": (
        "observations",
        lambda x: x.assign(soil_moisture=np.nan),
        "soil_moisture",
        "not_nullable",
    ),
    "infinite": (
        "observations",
        lambda x: x.assign(soil_moisture=np.inf),
        "soil_moisture",
        "from 0 to 1",
    ),
    "not midnight": (
        "observations",
        lambda x: x.assign(time=x["time"] + pd.Timedelta("6h")),
        "time",
        "days at 00:00",
    ),
    "wrong type": (
        "observations",
        lambda x: x.assign(observation_count=x["observation_count"].astype(float)),
        "observation_count",
        "int16",
    ),
    "missing column": (
        "observations",
        lambda x: x.drop(columns="time"),
        "observations",
        "column_in_dataframe",
    ),
    "further column": (
        "observations",
        lambda x: x.assign(more=1),
        "observations",
        "column_in_schema",
    ),
    "latitude beyond the pole": (
        "stations",
        lambda x: x.assign(latitude=95.0),
        "latitude",
        "from -90 to 90",
    ),
    "longitude 0..360": (
        "stations",
        lambda x: x.assign(longitude=250.0),
        "longitude",
        "from -180 to 180",
    ),
    "depths swapped": (
        "stations",
        lambda x: x.assign(depth_from=0.2),
        "stations",
        "depth_from not below",
    ),
    "blank name": ("stations", lambda x: x.assign(network=" "), "network", "blank"),
    "unknown day": (
        "stations",
        lambda x: x.assign(day_definition="local"),
        "day_definition",
        "one of UTC",
    ),
    "cell id of another place": (
        "cells",
        lambda x: x.assign(latitude=x["latitude"] + 0.25),
        "cells",
        'cell_id "{latitude}_{longitude}"',
    ),
    "unknown regime": (
        "cells",
        lambda x: x.assign(regime="dry"),
        "regime",
        "energy-limited",
    ),
    "unknown role": ("splits", lambda x: x.assign(role="val"), "role", "validation"),
    "range backwards": (
        "splits",
        lambda x: x.assign(end=pd.Timestamp("2000-01-01")),
        "splits",
        "start not after end",
    ),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_single_defect_is_named(defect: str) -> None:
    name, change, where, expected = DEFECTS[defect]
    make, schema = GOOD[name]
    with pytest.raises(ValidationError) as caught:
        validate_table(change(make()), schema, name)
    named = [item for item in caught.value.failures if item.where == where]
    assert any(expected in f"{item.expected} {item.found}" for item in named), (
        caught.value.failures
    )


def test_all_defects_are_reported_together() -> None:
    frame = make_observations()
    frame["soil_moisture"] = 45.0
    frame["observation_count"] = np.int16(0)
    with pytest.raises(ValidationError) as caught:
        validate_table(frame.iloc[::-1], OBSERVATIONS, "observations")
    places = {failure.where for failure in caught.value.failures}
    assert places == {"soil_moisture", "observation_count", "observations"}
    assert "20 values such as 45.0" in str(caught.value)
