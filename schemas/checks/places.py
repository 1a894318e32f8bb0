"""Checks on where things lie: cells on their grid, stations in their cells.

A cell centre of a grid of resolution r lies at odd multiples of r/2 from the north pole
and from 180 degrees west; a half-cell shift puts it on even ones.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.checks import cell_name, check_whole

Floats = NDArray[np.float64]

MICRODEGREES = 1_000_000
COARSEST = 5.0  # degrees, the coarsest grid that a recipe may ask for
EDGE = 1e-6  # degrees
SAME_STATION = 0.1  # degrees; a station is one place
FAR = 20.0  # degrees between a place and the nearest of its network
NEAR = 2.0  # degrees from a place of the network, coordinates swapped


def _find_off_grid(dataset: xr.Dataset) -> str | None:
    resolution = dataset.attrs.get("grid_resolution")
    if resolution is None:
        return None
    edges = (("latitude", 90.0, -1.0), ("longitude", -180.0, 1.0))
    for name, edge, sign in edges:
        degrees = dataset[name].to_numpy().astype(np.float64)
        halves = sign * (degrees - edge) / (float(resolution) / 2)
        wrong = ~(np.abs(np.mod(halves, 2) - 1) < EDGE)
        if wrong.any():
            return f"{name} {degrees[wrong][0]} on a grid of {resolution} degrees"
    return None


ON_ITS_GRID = check_whole(
    "every centre at an odd multiple of half the grid's resolution",
    _find_off_grid,
    needs=("latitude", "longitude"),
)


def parse_centre(cell: str) -> tuple[float, float]:
    """Return latitude and longitude from a cell id, NaN where it has none."""
    north, _, east = cell.partition("_")
    try:
        latitude, longitude = float(north), float(east)
    except ValueError:
        return math.nan, math.nan
    if cell != cell_name(latitude, longitude):
        return math.nan, math.nan
    return latitude, longitude


def _parse_centres(cells: pd.Series) -> Floats:
    known = {str(cell): parse_centre(str(cell)) for cell in cells.unique()}
    return np.array([known[str(cell)] for cell in cells]).reshape(-1, 2)


def _find_unnamed_cell(cells: pd.Series) -> str | None:
    centres = _parse_centres(cells)
    wrong = ~(np.abs(centres) <= (90.0, 180.0)).all(axis=1)
    return repr(str(cells.iloc[int(np.argmax(wrong))])) if np.any(wrong) else None


CELL_IDS = check_whole(
    'ids "{latitude}_{longitude}" of cell centres', _find_unnamed_cell
)


def find_widest_resolution(centres: Floats) -> float:
    """Return the coarsest resolution, in degrees, that all centres can lie on.

    The true one divides it by an odd number.

    Examples
    --------
    >>> find_widest_resolution(np.array([[41.875, -111.625], [42.125, -111.625]]))
    0.25
    """
    halves = np.abs(np.array([90.0, 180.0]) + centres * (-1, 1)) * 2
    whole = np.round(halves * MICRODEGREES).astype(np.int64).ravel().tolist()
    return min(functools.reduce(math.gcd, whole) / MICRODEGREES, COARSEST)


def _find_distant_station(frame: pd.DataFrame) -> str | None:
    centres = _parse_centres(frame["cell_id"])
    if not np.isfinite(centres).all():
        return None
    reach = find_widest_resolution(centres) / 2 + EDGE
    places = frame[["latitude", "longitude"]].to_numpy(np.float64)
    wrong = ~(np.abs(places - centres) <= reach).all(axis=1)
    if not wrong.any():
        return None
    row = frame[wrong].iloc[0]
    return (
        f"{row['sensor_id']} at {row['latitude']}, {row['longitude']} in cell "
        f"{row['cell_id']}"
    )


_PLACED = ("sensor_id", "latitude", "longitude", "cell_id")
STATION_IN_CELL = check_whole(
    "every station inside its cell", _find_distant_station, needs=_PLACED
)


def _find_moving_station(frame: pd.DataFrame) -> str | None:
    places = frame.groupby("station_id")[["latitude", "longitude"]]
    spread = (places.max() - places.min()).max(axis=1)
    moved = spread[spread > SAME_STATION]
    return (
        f"{moved.index[0]} at places {moved.iloc[0]} degrees apart"
        if len(moved)
        else None
    )


ONE_PLACE = check_whole(
    f"every station in one place, to {SAME_STATION} degrees",
    _find_moving_station,
    needs=("station_id", "latitude", "longitude"),
)


def _find_swapped_station(frame: pd.DataFrame) -> str | None:
    columns = ["network", "latitude", "longitude"]
    for network, group in frame[columns].drop_duplicates().groupby("network"):
        places = group[["latitude", "longitude"]].to_numpy(np.float64)
        if len(places) < 2:  # noqa: PLR2004 (a place and its neighbour)
            continue
        for index, place in enumerate(places):
            others = np.delete(places, index, axis=0)
            apart = _measure_distance(others, place)
            mirrored = _measure_distance(others, place[::-1])
            if apart.min() > FAR and mirrored.min() < NEAR:
                return (
                    f"station of {network} at latitude {place[0]}, longitude {place[1]}"
                )
    return None


def _measure_distance(places: Floats, place: Floats) -> Any:
    """Degrees of latitude or longitude, the larger, the short way round."""
    difference = np.abs(places - place)
    difference[:, 1] = np.minimum(difference[:, 1], 360 - difference[:, 1])
    return difference.max(axis=1)


NOT_SWAPPED = check_whole(
    "no station that lies in its network once its coordinates are swapped",
    _find_swapped_station,
    needs=("network", "latitude", "longitude"),
)
