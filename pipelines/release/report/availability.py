"""When and where targets exist: by month and year, in climate, in depth.

Pure: grids and tables in, numbers for figures out.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.release.report.statistics import round_number

MONTHS = 12
CELSIUS_ZERO = 273.15  # K


def count_days(valid: NDArray[np.bool_], days: pd.DatetimeIndex) -> dict[str, Any]:
    """Compare observed with possible days of a layer, by year and month.

    A day is possible for a series from its first to its last day with a target, so
    that a network's late start or early end doesn't count as a gap.

    Parameters
    ----------
    valid : (cell, time)
        Where the layer has a target.
    days : (time,)

    Returns
    -------
    dict
        `years`; `observed` and `possible` (year, month): cell-days, summed over
        cells; `active_cells` (year,): cells with a target on at least one day.
    """
    years = np.unique(days.year)
    place = (days.year - years[0]) * MONTHS + days.month - 1
    possible = _between_first_and_last(valid)
    return {
        "years": years.tolist(),
        "observed": _by_month(valid.sum(axis=0), place, len(years)),
        "possible": _by_month(possible, place, len(years)),
        "active_cells": [
            int(valid[:, days.year == year].any(axis=1).sum()) for year in years
        ],
    }


def _between_first_and_last(valid: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count, by day, the rows whose first and last true day enclose it."""
    used = valid[valid.any(axis=1)]
    change = np.zeros(valid.shape[1] + 1, np.int64)
    np.add.at(change, used.argmax(axis=1), 1)
    np.add.at(change, valid.shape[1] - used[:, ::-1].argmax(axis=1), -1)
    return np.cumsum(change)[:-1]


def _by_month(
    counts: NDArray[np.int64], place: pd.Index, years: int
) -> list[list[int]]:
    sums = np.zeros(years * MONTHS, np.int64)
    np.add.at(sums, place.to_numpy(), counts)
    table: list[list[int]] = sums.reshape(years, MONTHS).tolist()
    return table


def count_depths(targets: xr.Dataset, layer: int) -> dict[str, Any]:
    """Count the depth intervals of the targets of a layer, and their networks."""
    one = targets.sel(layer=layer)
    has_target = np.isfinite(one["scale_slope"].to_numpy())
    bounds = [
        np.rint(one[name].to_numpy()[has_target].astype(np.float64) * 100).astype(int)
        for name in ("depth_from", "depth_to")
    ]
    intervals = Counter(zip(*(item.tolist() for item in bounds), strict=True))
    return {
        "cells": int(has_target.sum()),
        "depths": [
            {"depth_from_cm": low, "depth_to_cm": high, "cells": count}
            for (low, high), count in sorted(intervals.items())
        ],
        "networks": dict(
            sorted(Counter(one["primary_network"].to_numpy()[has_target]).items())
        ),
    }


def list_cells(cells: pd.DataFrame, targets: xr.Dataset) -> dict[str, Any]:
    """List position, region and climate of the cells that have a target.

    Returns
    -------
    dict
        Lists of equal length: `cell_id`, `region`, `latitude`, `longitude`,
        `mean_air_temperature` (degrees Celsius), `dryness` and `layers` (those with
        a target); None where a climate value is unknown.
    """
    slopes = targets["scale_slope"].transpose("cell", "layer").to_numpy()
    layers = targets["layer"].to_numpy()
    table = cells.set_index("cell_id").loc[targets["cell"].to_numpy().astype(str)]
    temperature = table["mean_air_temperature"].to_numpy() - CELSIUS_ZERO
    return {
        "cell_id": table.index.tolist(),
        "region": table["region"].tolist(),
        "latitude": table["latitude"].tolist(),
        "longitude": table["longitude"].tolist(),
        "mean_air_temperature": [round_number(value, 3) for value in temperature],
        "dryness": [round_number(value, 4) for value in table["dryness"]],
        "layers": [layers[row].tolist() for row in np.isfinite(slopes)],
    }
