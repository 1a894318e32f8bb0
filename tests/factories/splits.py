"""Small worlds to split: lattices of cells, one station each, full records."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from factories.days import days
from somobench.schemas.recipe import (
    RegimeSplitParams,
    SpatialSplitParams,
    TemporalSplitParams,
    UngaugedSplitParams,
    YearSplitParams,
)
from somobench.splits import Assignment, LeftOut, SplitData

PERIOD = days(1461, "2016-01-01")  # to 2019-12-31, four years
SIX_YEARS = days(2192, "2016-01-01")  # to 2021-12-31, leap days in 2016 and 2020
TEMPORAL = TemporalSplitParams(
    validation_start=dt.date(2018, 1, 1),
    test_start=dt.date(2019, 1, 1),
    minimum_train_years=1.0,
)
SPATIAL = SpatialSplitParams(block_degrees=0.5, folds=4, seed=1, minimum_cells=6)
UNGAUGED = UngaugedSplitParams(seed=1, minimum_cells=6)
YEARS = YearSplitParams()
REGIMES = RegimeSplitParams(seed=1, minimum_cells=2)


def grid_cells(rows: int, columns: int, *, south: float = 40.125) -> pd.DataFrame:
    """Return a lattice of quarter-degree cells east of 10 degrees, dryness 0.5."""
    places = [
        (south + row / 4, 10.125 + column / 4)
        for row in range(rows)
        for column in range(columns)
    ]
    frame = pd.DataFrame(places, columns=["latitude", "longitude"])
    names = [f"{latitude}_{longitude}" for latitude, longitude in places]
    return frame.assign(cell_id=names, region="europe", dryness=0.5)


def make_sources(
    cells: pd.DataFrame, networks: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return one station in the middle of each cell, of one network by default."""
    frame = cells[["cell_id", "latitude", "longitude"]].copy()
    frame["network"] = list(networks) if networks is not None else "NET"
    frame["station_id"] = frame["network"] + "/S" + frame["cell_id"]
    return frame.assign(sensor_id=frame["station_id"] + "/5-5/probe")


def make_data(
    cells: pd.DataFrame,
    available: NDArray[np.bool_] | None = None,
    *,
    period: pd.DatetimeIndex = PERIOD,
    sources: pd.DataFrame | None = None,
    forcing: Mapping[str, Any] | None = None,
    lags: int = 7,
) -> SplitData:
    """Return what splits are made from; one layer, a target on every day by default."""
    if available is None:
        available = np.ones((1, len(cells), len(period)), dtype=bool)
    return SplitData(
        cells=cells,
        days=period,
        available=available,
        sources=make_sources(cells) if sources is None else sources,
        lags=lags,
        forcing=forcing or {},
    )


def everywhere(cells: pd.DataFrame, period: pd.DatetimeIndex = PERIOD) -> Any:
    """Return a target of one layer on every day."""
    return np.ones((1, len(cells), len(period)), dtype=bool)


def rows_of(outcome: Assignment | LeftOut) -> pd.DataFrame:
    """Return the rows of a split that is carried."""
    assert isinstance(outcome, Assignment), outcome
    return outcome.rows


def roles_of(outcome: Assignment | LeftOut) -> dict[str, str]:
    """Return the one role of each cell."""
    rows = rows_of(outcome)
    assert rows["cell_id"].is_unique
    return dict(zip(rows["cell_id"], rows["role"], strict=True))


def range_row(start: str, end: str, role: str, cell: str = "a") -> dict[str, Any]:
    """Return a row of a split."""
    return {
        "cell_id": cell,
        "start": pd.Timestamp(start),
        "end": pd.Timestamp(end),
        "role": role,
    }
