"""Checks on a whole column, table or grid that say what they found.

Pandera reports the failing values of an element-wise check, but of a wide one only
that it failed; here a wide check is a function that describes the defect.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from pandera.api.checks import Check

from somobench.schemas.variables import AS_MEASURED, AVAILABILITY, OF_RECORD

Finder = Callable[[Any], str | None]
"""Return what is wrong with the data, or None where nothing is."""

_FINDERS: dict[str, Finder] = {}
A_DAY = np.timedelta64(1, "D")
_UNFIT = (TypeError, ValueError, AttributeError, ArithmeticError, LookupError)
"""What NumPy, pandas and xarray raise for data of another type or shape."""
SHOWN = 3  # values shown of those that are wrong


def check_whole(expected: str, find: Finder, *, needs: tuple[str, ...] = ()) -> Check:
    """Return a check that holds where `find` finds nothing.

    Parameters
    ----------
    expected : str
        What holds, in words; each text belongs to one finder.
    find : callable
        Describes the defect.
    needs : tuple of str
        Columns or variables that it reads. Where one is absent nothing is said: its
        absence is a failure of its own.
    """

    @functools.wraps(find)
    def guarded(data: Any) -> str | None:
        if not set(needs) <= _list_names(data):
            return None
        try:
            return find(data)
        except _UNFIT as error:
            return f"values that can't be compared: {error}"

    known = _FINDERS.setdefault(expected, guarded)
    if known.__qualname__ != guarded.__qualname__:
        message = f"two checks expect {expected!r}"
        raise ValueError(message)
    return Check(lambda data: guarded(data) is None, error=expected)


def _list_names(data: Any) -> set[str]:
    listed = data.variables if isinstance(data, xr.Dataset) else data
    return {str(name) for name in listed} if not _is_column(data) else set()


def _is_column(data: Any) -> bool:
    return isinstance(data, xr.DataArray | pd.Series)


def describe_finding(check: Check, data: Any) -> str | None:
    """Describe what a wide check found, or None if it isn't one."""
    find = _FINDERS.get(str(check.error))
    return None if find is None else find(data)


@functools.cache
def check_range(expected: str, low: float | None, high: float | None) -> Check:
    """Return a check that no value is infinite, below `low` or above `high`.

    Missing values pass. It says how many values are wrong and shows the first, without
    the table of all of them that Pandera would make.
    """

    def find(values: pd.Series | xr.DataArray) -> str | None:
        array = values.to_numpy()
        bad = (
            np.isinf(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
        )
        if low is not None:
            bad |= array < low
        if high is not None:
            bad |= array > high
        if not bad.any():
            return None
        return f"{int(bad.sum())} values such as {show_some(array[bad])}"

    return check_whole(expected, find)


def show_some(values: Any) -> str:
    """Show the first few distinct values."""
    distinct = list(dict.fromkeys(str(value) for value in np.ravel(values)[:1000]))
    return ", ".join(distinct[:SHOWN]) + (", …" if len(distinct) > SHOWN else "")


def _find_no_rows(frame: pd.DataFrame) -> str | None:
    return None if len(frame) else "no row"


NOT_EMPTY = check_whole("at least one row", _find_no_rows)


def check_sorted_unique(*keys: str) -> Check:
    """Return a check that rows are in the order of `keys`, none of them twice."""

    def find(frame: pd.DataFrame) -> str | None:
        later = np.zeros(max(len(frame) - 1, 0), dtype=bool)
        same = ~later
        for key in keys:
            column = frame[key].array
            before, after = column[:-1], column[1:]
            later |= same & np.asarray(after > before, dtype=bool)
            same &= np.asarray(after == before, dtype=bool)
        if later.all():
            return None
        twice = frame.duplicated(list(keys)).to_numpy()
        if twice.any():
            return f"{int(twice.sum())} rows twice, the first at row {twice.argmax()}"
        return f"row {int((~later).argmax()) + 1} out of order"

    return check_whole(f"rows sorted by {', '.join(keys)}, each once", find, needs=keys)


def _find_irregular_day(times: xr.DataArray) -> str | None:
    values = times.to_numpy().astype("datetime64[ns]")
    late = values != values.astype("datetime64[D]")
    if late.any():
        return f"{values[late][0]}"
    steps = np.diff(values) != A_DAY
    if steps.any():
        first = int(steps.argmax())
        return f"{values[first]} followed by {values[first + 1]}"
    return None


DAILY = check_whole("every day once, at 00:00, in order", _find_irregular_day)


def _find_unsorted_cell(cells: xr.DataArray) -> str | None:
    listed = [str(item) for item in cells.to_numpy()]
    if not listed:
        return "no cell"
    for before, after in itertools.pairwise(listed):
        if before >= after:
            return f"{before} followed by {after}"
    return None


CELLS_IN_ORDER = check_whole(
    "at least one cell, sorted, each once", _find_unsorted_cell
)


def _find_nothing_finite(values: xr.DataArray) -> str | None:
    return None if bool(np.isfinite(values).any()) else f"{values.size} missing values"


def mark_missing_days(values: xr.DataArray) -> NDArray[np.bool_]:
    """Mark days that a variable must have and lacks, (..., time).

    Every day counts, unless the array says otherwise (`AVAILABILITY`): of a record,
    which reaches from a series' first to its last value, the days in it; of what is
    given as measured, none.
    """
    absent: NDArray[np.bool_] = np.isnan(values.transpose(..., "time").to_numpy())
    availability = values.attrs.get(AVAILABILITY)
    if availability == AS_MEASURED:
        return np.zeros_like(absent)
    if availability == OF_RECORD:
        begun = np.logical_or.accumulate(~absent, axis=-1)
        continues = np.logical_or.accumulate(~absent[..., ::-1], axis=-1)[..., ::-1]
        return absent & begun & continues
    return absent


def _find_missing_values(values: xr.DataArray) -> str | None:
    if values.attrs.get(AVAILABILITY) is not None and not np.isfinite(values).any():
        return _find_nothing_finite(values)
    missing = int(mark_missing_days(values).sum())
    return f"{missing} of {values.size} values missing" if missing else None


SOME_FINITE = check_whole("not missing everywhere", _find_nothing_finite)
NONE_MISSING = check_whole("no missing value", _find_missing_values)


def cell_name(latitude: float, longitude: float) -> str:
    """Return the id of the cell with this centre."""
    return f"{float(latitude)}_{float(longitude)}"


def _find_misplaced_cell(dataset: xr.Dataset) -> str | None:
    columns = (dataset[name].to_numpy() for name in ("cell", "latitude", "longitude"))
    for cell, latitude, longitude in zip(*columns, strict=True):
        if str(cell) != cell_name(latitude, longitude):
            return f"cell {cell} at {latitude}, {longitude}"
    return None


POSITIONS_MATCH = check_whole(
    "every cell named by its centre",
    _find_misplaced_cell,
    needs=("cell", "latitude", "longitude"),
)
