"""The target grid: which cell a position falls into, and what the cell is called."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from somobench.schemas.errors import InputError

EDGE_TOLERANCE = 1e-9  # cells; decimal coordinates this near an edge lie on it
CENTRE_DECIMALS = 10  # degrees; makes the ids independent of rounding errors


def locate_cells(
    latitude: ArrayLike, longitude: ArrayLike, resolution: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the centre of the grid cell nearest to each position.

    The grid is cell-centred: the first centre lies half a cell south of the north
    pole and half a cell east of 180 degrees west. A position on an edge belongs to
    the cell north or west of it. Scalars give scalars.

    Parameters
    ----------
    latitude : array, degrees north, -90..90
    longitude : array, degrees east, -180..180
    resolution : float, degrees; must divide 180

    Returns
    -------
    tuple of arrays
        Latitude and longitude of the centres, in the shape of the positions.

    Raises
    ------
    InputError
        If a coordinate isn't finite or out of range, or the resolution doesn't fit.

    Notes
    -----
    The rule of the SoMoBench target construction, `argmin(|centres - position|)`
    over centres sorted north to south and west to east.

    Examples
    --------
    >>> latitude, longitude = cell_of(41.87, -111.63, 0.25)
    >>> cell_id(latitude, longitude)
    '41.875_-111.625'
    """
    rows = _count_rows(resolution)
    north = _check_degrees("latitude", latitude, 90.0)
    east = _check_degrees("longitude", longitude, 180.0)
    row = np.clip(_index((90.0 - north) / resolution), 0, rows - 1)
    column = np.clip(_index((east + 180.0) / resolution), 0, 2 * rows - 1)
    # Adding zero turns a centre of -0.0 into 0.0, which is written differently.
    return (
        np.round(90.0 - (row + 0.5) * resolution, CENTRE_DECIMALS) + 0.0,
        np.round(-180.0 + (column + 0.5) * resolution, CENTRE_DECIMALS) + 0.0,
    )


@overload
def cell_id(latitude: float, longitude: float) -> str: ...
@overload
def cell_id(
    latitude: NDArray[np.float64], longitude: NDArray[np.float64]
) -> NDArray[np.str_]: ...
def cell_id(
    latitude: float | NDArray[np.float64], longitude: float | NDArray[np.float64]
) -> str | NDArray[np.str_]:
    """Name a cell by its centre, `"{latitude}_{longitude}"` in degrees.

    Two scalars give a string, two (N,) arrays an (N,) array of strings.

    Examples
    --------
    >>> cell_id(41.875, -111.625)
    '41.875_-111.625'
    """
    if np.ndim(latitude) == 0 and np.ndim(longitude) == 0:
        return f"{float(latitude)}_{float(longitude)}"
    pairs = zip(
        np.asarray(latitude).tolist(), np.asarray(longitude).tolist(), strict=True
    )
    return np.array([f"{north}_{east}" for north, east in pairs], dtype=np.str_)


def _index(cells_from_edge: NDArray[np.float64]) -> NDArray[np.float64]:
    """Index of the cell; a whole number is an edge and belongs to the cell before."""
    nearest = np.round(cells_from_edge)
    on_edge = np.abs(cells_from_edge - nearest) < EDGE_TOLERANCE
    return np.where(on_edge, nearest - 1, np.floor(cells_from_edge))


def _count_rows(resolution: float) -> int:
    """Count the rows from pole to pole."""
    if not np.isfinite(resolution) or resolution <= 0:
        raise InputError(
            "grid resolution", found=resolution, expected="a positive number of degrees"
        )
    rows = round(180.0 / resolution)
    if rows < 1 or abs(rows * resolution - 180.0) > EDGE_TOLERANCE * 180.0:
        raise InputError(
            "grid resolution",
            found=f"{resolution} degrees",
            expected="a divisor of 180 degrees, such as 0.25 or 0.5",
        )
    return rows


def _check_degrees(name: str, values: ArrayLike, limit: float) -> NDArray[np.float64]:
    degrees = np.asarray(values, dtype=np.float64)
    wrong = ~(np.abs(degrees) <= limit)
    if wrong.any():
        raise InputError(
            name,
            found=f"{degrees[wrong].flat[0]} degrees ({int(wrong.sum())} positions)",
            expected=f"{-limit:g} to {limit:g} degrees",
        )
    return degrees
