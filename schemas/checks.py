"""Checks on a whole column, table or grid that say what they found.

Pandera reports the failing values of an element-wise check, but of a wide one only
that it failed; here a wide check is a function that describes the defect.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from pandera.api.checks import Check

Finder = Callable[[Any], str | None]
"""Return what is wrong with the data, or None where nothing is."""

_FINDERS: dict[str, Finder] = {}
A_DAY = np.timedelta64(1, "D")


def wide(expected: str, find: Finder) -> Check:
    """Return a check that holds where `find` finds nothing."""
    if _FINDERS.setdefault(expected, find) is not find:
        message = f"two checks expect {expected!r}"
        raise ValueError(message)
    return Check(lambda data: find(data) is None, error=expected)


def found_by(check: Check, data: Any) -> str | None:
    """Describe what a wide check found, or None if it isn't one."""
    find = _FINDERS.get(str(check.error))
    return None if find is None else find(data)


def _no_rows(frame: pd.DataFrame) -> str | None:
    return None if len(frame) else "no row"


NOT_EMPTY = wide("at least one row", _no_rows)


def sorted_unique(*keys: str) -> Check:
    """Return a check that rows are in the order of `keys`, none of them twice."""

    def find(frame: pd.DataFrame) -> str | None:
        if not set(keys) <= set(frame):
            return f"no column {', '.join(sorted(set(keys) - set(frame)))}"
        order = frame.loc[:, list(keys)].reset_index(drop=True)
        twice = order.duplicated()
        if twice.any():
            return f"{int(twice.sum())} rows twice, the first at row {twice.argmax()}"
        ordered = order.sort_values(list(keys), kind="stable")
        moved = ordered.index.to_numpy() != order.index.to_numpy()
        return f"row {moved.argmax()} out of order" if moved.any() else None

    return wide(f"rows sorted by {', '.join(keys)}, each once", find)


def _not_daily(times: xr.DataArray) -> str | None:
    values = times.to_numpy().astype("datetime64[ns]")
    late = values != values.astype("datetime64[D]")
    if late.any():
        return f"{values[late][0]}"
    steps = np.diff(values) != A_DAY
    if steps.any():
        first = int(steps.argmax())
        return f"{values[first]} followed by {values[first + 1]}"
    return None


DAILY = wide("every day once, at 00:00, in order", _not_daily)


def _cells_out_of_order(cells: xr.DataArray) -> str | None:
    listed = [str(item) for item in cells.to_numpy()]
    if not listed:
        return "no cell"
    for before, after in zip(listed, listed[1:], strict=False):
        if before >= after:
            return f"{before} followed by {after}"
    return None


CELLS_IN_ORDER = wide("at least one cell, sorted, each once", _cells_out_of_order)


def _nothing_finite(values: xr.DataArray) -> str | None:
    return None if bool(np.isfinite(values).any()) else f"{values.size} missing values"


def _something_missing(values: xr.DataArray) -> str | None:
    missing = int(values.isnull().sum())
    return f"{missing} of {values.size} values missing" if missing else None


SOME_FINITE = wide("not missing everywhere", _nothing_finite)
NONE_MISSING = wide("no missing value", _something_missing)


def cell_name(latitude: float, longitude: float) -> str:
    """Return the id of the cell with this centre."""
    return f"{float(latitude)}_{float(longitude)}"


def _misplaced_cell(dataset: xr.Dataset) -> str | None:
    names = ("cell", "latitude", "longitude")
    if not set(names) <= set(dataset.coords):
        return "no coordinates"
    columns = (dataset[name].to_numpy() for name in names)
    for cell, latitude, longitude in zip(*columns, strict=True):
        if str(cell) != cell_name(latitude, longitude):
            return f"cell {cell} at {latitude}, {longitude}"
    return None


POSITIONS_MATCH = wide("every cell named by its centre", _misplaced_cell)
