"""Stations, cells and splits with one defect are caught; no good table is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factories.days import make_cells
from factories.good.tables import GOOD, Change, assert_caught, every, put, times
from somobench.schemas.errors import ValidationError
from somobench.schemas.released import RELEASED_TABLES
from somobench.schemas.validate import validate_table


@pytest.mark.parametrize("name", GOOD)
def test_good_table_passes(name: str) -> None:
    validate_table(GOOD[name](), RELEASED_TABLES[name], name)


def swapped(frame: pd.DataFrame) -> pd.DataFrame:
    """Swap the coordinates of one station of Hesse, cell and all."""
    moved = frame.copy()
    moved["longitude"] += 121
    moved.loc[0, ["latitude", "longitude"]] = (9.375, 41.875)
    names = zip(moved["latitude"], moved["longitude"], strict=True)
    return moved.assign(cell_id=[f"{north}_{east}" for north, east in names])


ORDER = "rows sorted by"
CENTIMETRES = "depths in m that round to those in cm"

MUTATIONS: dict[str, tuple[str, Change, str, str]] = {
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
def test_defect_of_stations_cells_or_splits_is_caught_by_its_check(defect: str) -> None:
    assert_caught(MUTATIONS[defect])


def test_fraction_in_percent_is_refused() -> None:
    cells = make_cells().assign(sand_fraction=31.0)
    with pytest.raises(ValidationError, match="fraction"):
        validate_table(cells, RELEASED_TABLES["cells"], "cells")
