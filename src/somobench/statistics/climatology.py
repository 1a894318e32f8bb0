"""Climatologies by day of the year of short records and of held-out cells.

Pure functions on arrays: (cell, day) series, NaN where a day is missing or must not be
used, and (cell, 366) climatologies. Which days may be used is the caller's business:
whatever isn't in the series can't leak.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

DAYS_A_YEAR = 365.25
NEIGHBOURS = 5  # train cells that stand for a cell without its own climatology

OWN, OTHER_CELLS, REANALYSIS, NONE = 0, 1, 2, 3
SOURCES = ("own_train_days", "other_train_cells", "reanalysis", "none")
"""Meanings of the codes above, as `climatology_source` stores them."""


class Climatology(NamedTuple):
    """Day-of-year means, (cell, 366), and where each cell's comes from, (cell,)."""

    values: Array
    source: NDArray[np.int8]


def record_weight(years: Array, shrinkage_years: float) -> Array:
    """Return the weight of a record's own seasonal shape, `years / (years + k)`.

    Examples
    --------
    >>> record_weight(np.array([0.0, 1.0, 9.0]), 1.0)
    array([0. , 0.5, 0.9])
    """
    total = years + shrinkage_years
    return np.divide(years, total, out=np.zeros_like(years), where=total > 0)


def shrink_to_shape(own: Array, shape: Array, weight: Array) -> Array:
    """Draw short climatologies towards a seasonal shape, around their own level.

    The level is the mean difference to the shape on the days of the year that the
    record has, so a record of one season isn't taken for the whole year. What the
    record adds to level and shape counts with `weight`; days of the year without a
    record get level and shape alone.

    Parameters
    ----------
    own : array, (cell, 366), m3 m-3
        NaN on days of the year without a record.
    shape : array, (cell, 366), m3 m-3
        Departures from their own annual mean.
    weight : array, (cell,), 0 to 1

    Returns
    -------
    array, (cell, 366), m3 m-3
        NaN for cells without any record.

    Notes
    -----
    A complete climatology with annual mean m and departures a becomes
    `m + weight a + (1 - weight) shape`: 0.25 + 2/3 0.06 + 1/3 0.03 = 0.30 for two
    years of record and a shrinkage of one year.
    """
    residual = own - shape
    level = _average_present(residual)[:, None]
    added = weight[:, None] * (residual - level)
    result: Array = level + shape + np.where(np.isnan(added), 0.0, added)
    return result


def find_nearest_cells(
    attributes: Array, donors: NDArray[np.bool_], count: int = NEIGHBOURS
) -> list[NDArray[np.intp]]:
    """Find, for each cell, the donors most like it, itself excluded.

    Distance is Euclidean over columns divided by their standard deviation between
    donors. Column 0 is the latitude: donors of the other hemisphere come last, since
    their seasons are turned round. A column that is missing or constant for a donor or
    for the cell itself is passed over; equal distances keep the order of cells.

    Parameters
    ----------
    attributes : array, (cell, attribute)
        NaN where unknown.
    donors : array, (cell,), bool
    count : int

    Returns
    -------
    list of arrays of int
        Up to `count` indices of donors for each cell.
    """
    places = np.flatnonzero(donors)
    given = attributes[places]
    spread = given.std(axis=0) if len(places) else np.ones(attributes.shape[1])
    usable = np.isfinite(spread) & (spread > 0)
    scaled = attributes / np.where(usable, spread, 1.0)
    south = attributes[:, 0] < 0
    chosen = []
    for cell in range(len(attributes)):
        known = usable & np.isfinite(attributes[cell])
        apart = ((scaled[places][:, known] - scaled[cell, known]) ** 2).sum(axis=1)
        order = np.lexsort((np.round(apart, 9), south[places] != south[cell]))
        others = places[order]
        chosen.append(others[others != cell][:count])
    return chosen


def complete_climatologies(
    own: Array,
    years: Array,
    donors: NDArray[np.bool_],
    attributes: Array,
    shrinkage_years: float,
) -> Climatology:
    """Complete climatologies from those of the most similar train cells.

    A donor keeps its own level and, by its length of record, its own seasonal shape;
    the rest of the shape is the mean of its neighbours'. Any other cell gets the mean
    of its neighbours' finished climatologies, whatever days it has itself.

    Parameters
    ----------
    own : array, (cell, 366), m3 m-3
        Smoothed climatologies; only rows of donors are read.
    years : array, (cell,), years of record
    donors : array, (cell,), bool
        Cells with enough train days.
    attributes : array, (cell, attribute)
        Latitude first; see `find_nearest_cells`.
    shrinkage_years : float
        Years of record at which own shape and neighbours' shape weigh the same.

    Returns
    -------
    Climatology
        Source `OWN` for donors, `OTHER_CELLS` elsewhere, `NONE` without any donor.
    """
    complete = donors & np.isfinite(own).all(axis=1)
    shapes = own - _average_present(own)[:, None]
    pooled = np.zeros_like(own)
    weight = record_weight(years, shrinkage_years)
    for cell, near in enumerate(find_nearest_cells(attributes, complete)):
        if near.size:
            pooled[cell] = shapes[near].mean(axis=0)
        else:
            weight[cell] = 1.0
    values = np.full_like(own, np.nan)
    values[donors] = shrink_to_shape(own, pooled, weight)[donors]
    source = np.where(donors, OWN, NONE).astype(np.int8)
    finished = values.copy()
    for cell, near in enumerate(find_nearest_cells(attributes, donors)):
        if not donors[cell] and near.size:
            values[cell] = finished[near].mean(axis=0)
            source[cell] = OTHER_CELLS
    return Climatology(values, source)


def _average_present(values: Array) -> Array:
    """Mean of the values present along the last axis; NaN where there is none."""
    present = np.isfinite(values)
    return _divide(
        np.where(present, values, 0.0).sum(axis=-1), present.sum(axis=-1).astype(float)
    )


def _divide(total: Array, count: Array) -> Array:
    return np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
