"""Bring predictions of any allowed layout into the one order that is checked.

Grids may have their dims, cells and days in any order; tables their rows. Units are
read, and what was understood is noted; what doesn't fit is refused.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import (
    CELL_IDS,
    DIMS,
    OPTIONAL_DIMS,
    PLACES,
    PREDICTION,
    UNNAMED,
)
from somobench.submissions.labels import read_labels
from somobench.submissions.limits import refuse_more_values, refuse_spread
from somobench.submissions.units import (
    check_units,
    decode_attribute,
    find_moisture_factor,
)

SCALING = "train"
COLUMNS = {"cell": CELL_IDS} | {dim: dim for dim in DIMS if dim != "cell"}
"""Column of a table for each dim."""
REQUIRED_COLUMNS = ("cell_id", "time", "layer", PREDICTION)
NEARNESS = 1e-3  # degrees between a coordinate and the id of its cell
_EXPECTED_DIMS = "cell, time and layer; optionally member and lead_time"


class Understood(NamedTuple):
    """Predictions in order, and what was understood on the way."""

    grid: xr.Dataset
    notes: tuple[str, ...]
    gridded: dict[str, Any] | None = None
    """What was done to bring a model's own grid here, where it was one."""


def arrange_dataset(dataset: xr.Dataset, asked: int | None = None) -> Understood:
    """Order a grid of predictions.

    Parameters
    ----------
    dataset : Dataset
        `soil_moisture` (a ratio of volumes, with units) over cell, time and layer, and
        optionally member and lead_time (days, or with units), in any order. `layer` and
        `lead_time` may be scalars.
    asked : int, optional
        Values that a release has: cells x layers x days.

    Returns
    -------
    Understood
        m3 m-3 in float32, dims in the order of `DIMS`, labels ascending; and notes.

    Raises
    ------
    InputError
        For a missing variable, dim or coordinate, another unit or scaling, labels of
        the wrong kind, or far more values than are asked for.
    """
    notes: list[str] = []
    array = _find_prediction(dataset, notes)
    _refuse_other_scaling(array)
    factor = find_moisture_factor(array.attrs, notes)
    for name in ("layer", "lead_time"):
        if name in array.coords and array.coords[name].ndim == 0:
            array = array.expand_dims(name)
    given = {str(dim) for dim in array.dims}
    if not {"cell", "time", "layer"} <= given <= set(DIMS):
        listed = ", ".join(f"{dim} {size}" for dim, size in array.sizes.items())
        raise InputError(
            f"dims of {PREDICTION}", found=listed[:200], expected=_EXPECTED_DIMS
        )
    dims = tuple(dim for dim in DIMS if dim in given)
    if array.dtype.kind not in "fiu":
        raise InputError(PREDICTION, found=f"dtype {array.dtype}", expected="numbers")
    labels = {dim: _read_coordinate(array, dim, notes) for dim in dims}
    _check_places(dataset, labels["cell"], notes)
    refuse_more_values({dim: len(found) for dim, found in labels.items()}, asked)
    values = array.transpose(*dims).to_numpy()
    return Understood(
        _sort_labels(_multiply_values(values, factor), labels), tuple(notes)
    )


def _multiply_values(values: NDArray[Any], factor: float) -> NDArray[Any]:
    return values if factor == 1.0 else values.astype(np.float64) * factor


def _find_prediction(dataset: xr.Dataset, notes: list[str]) -> xr.DataArray:
    """Find the predictions: by their name, or as the only array, without a name."""
    if PREDICTION in dataset:
        return dataset[PREDICTION]
    names = [str(name) for name in dataset.data_vars if name != CELL_IDS]
    if names == [UNNAMED]:
        notes.append(f"the array without a name is taken as {PREDICTION}")
        return dataset[UNNAMED]
    found = ", ".join(sorted(names)) or "no variable"
    raise InputError(
        "variables of the submission", found=found[:200], expected=PREDICTION
    )


def _check_places(dataset: xr.Dataset, cells: NDArray[Any], notes: list[str]) -> None:
    """Refuse latitudes and longitudes that aren't those in the ids of their cells."""
    for place, name in enumerate(PLACES):
        if name not in dataset.variables or dataset[name].dims != ("cell",):
            continue
        check_units(name, dataset[name].attrs)
        if dataset[name].dtype.kind not in "fiu":
            found = f"dtype {dataset[name].dtype}"
            raise InputError(name, found=found, expected="degrees as numbers")
        for cell, value in zip(cells.tolist(), dataset[name].values, strict=True):
            off = float(value) - _number_in(cell, place, float(value))
            turned = (off + 180) % 360 - 180 if name == "longitude" else off
            if not abs(turned) <= NEARNESS:
                raise InputError(
                    f"{name} of cell {cell[:80]}",
                    found=f"{value:g}",
                    expected="the one in its id",
                )
            if abs(off - turned) > NEARNESS and _TURNED not in notes:
                notes.append(_TURNED)


_TURNED = "longitudes from 0 to 360 agree with the ids of their cells"


def _number_in(cell: str, place: int, otherwise: float) -> float:
    """Return latitude (0) or longitude (1) of an id, or what stands for other ids."""
    parts = cell.split("_")
    try:
        return float(parts[place]) if len(parts) == len(PLACES) else otherwise
    except ValueError:
        return otherwise


def _refuse_other_scaling(array: xr.DataArray) -> None:
    scaling = decode_attribute(array.attrs.get("scaling", SCALING))
    if scaling != SCALING:
        raise InputError(
            f"scaling of {PREDICTION}",
            found=scaling[:80],
            expected=SCALING,
            hint='train on open_dataset(..., scaling="train", split=...)',
        )


def _read_coordinate(array: xr.DataArray, dim: str, notes: list[str]) -> NDArray[Any]:
    named = CELL_IDS if dim == "cell" and CELL_IDS in array.coords else dim
    if named in array.coords:
        attrs = array[named].attrs
        check_units(dim, attrs)
        labels = array[named].to_numpy()
        return read_labels(dim, labels, decode_attribute(attrs.get("units")), notes)
    if dim == "member":
        return np.arange(array.sizes[dim])
    raise InputError(
        f"coordinate {dim} of the submission",
        found=f"{array.sizes[dim]} places without labels",
        expected="a label for each",
    )


def arrange_table(table: pd.DataFrame, asked: int | None = None) -> Understood:
    """Spread a table of predictions over a grid; combinations without a row are NaN.

    Parameters
    ----------
    table : DataFrame
        Columns or levels of the index cell_id (or cell), time, layer, soil_moisture
        (m3 m-3), and optionally member and lead_time (days); rows in any order, each
        combination once. `table.attrs["units"]` may hold units by column.
    asked : int, optional
        Values that a release has: cells x layers x days.

    Returns
    -------
    Understood
        As of `arrange_dataset`.

    Raises
    ------
    InputError
        For missing or unknown columns, missing labels, a combination given twice, rows
        that are spread over far more combinations than they are.
    """
    notes: list[str] = []
    units = {
        str(name): decode_attribute(unit) for name, unit in _get_units(table).items()
    }
    table = _move_labels_to_columns(table)
    _refuse_other_columns([str(name) for name in table.columns])
    dims = tuple(dim for dim in DIMS if COLUMNS[dim] in table)
    labels, codes = {}, []
    for dim in dims:
        check_units(dim, {"units": units.get(COLUMNS[dim])})
        places, found = _encode_labels(table[COLUMNS[dim]])
        _refuse_missing(COLUMNS[dim], places)
        labels[dim] = read_labels(dim, found, units.get(dim, ""), notes)
        codes.append(places)
    shape = tuple(len(labels[dim]) for dim in dims)
    refuse_spread(len(table), dict(zip(dims, shape, strict=True)))
    refuse_more_values(dict(zip(dims, shape, strict=True)), asked)
    flat = np.ravel_multi_index(codes, shape)
    _refuse_twice(flat, table, dims)
    predicted = table[PREDICTION]
    if predicted.dtype.kind not in "fiu":
        raise InputError(
            f"column {PREDICTION}", found=predicted.dtype, expected="numbers"
        )
    factor = 1.0
    if PREDICTION in units:
        factor = find_moisture_factor({"units": units[PREDICTION]}, notes)
    kind = np.float32 if factor == 1.0 else np.float64
    values = np.full(shape, np.nan, dtype=np.float32)
    given = predicted.to_numpy(dtype=kind, na_value=np.nan)
    values.reshape(-1)[flat] = _multiply_values(given, factor)
    return Understood(_sort_labels(values, labels), tuple(notes))


def _encode_labels(column: pd.Series) -> tuple[NDArray[np.intp], Any]:
    """Give the labels of a column numbers in the order of their first rows."""
    try:
        return pd.factorize(column)
    except TypeError as error:
        raise InputError(
            f"column {column.name} of the submission",
            found="lists or other objects",
            expected="texts, days or numbers",
        ) from error


def _get_units(table: pd.DataFrame) -> dict[Any, object]:
    units = table.attrs.get("units", {})
    return dict(units) if isinstance(units, dict) else {}


def _move_labels_to_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Take labels out of the index, as `DataArray.to_dataframe` leaves them there."""
    allowed = {*COLUMNS, *COLUMNS.values()} - {str(name) for name in table.columns}
    levels = [name for name in table.index.names if name in allowed]
    if levels:
        table = table.reset_index(level=levels)
    if "cell" in table and COLUMNS["cell"] not in table:
        table = table.rename(columns={"cell": COLUMNS["cell"]})
    return table


def _refuse_other_columns(columns: Sequence[str]) -> None:
    allowed = {PREDICTION, *COLUMNS.values()}
    missing = [name for name in REQUIRED_COLUMNS if name not in columns]
    unknown = set(columns) - allowed
    if missing or unknown or len(set(columns)) < len(columns):
        raise InputError(
            "columns of the submission",
            found=", ".join(columns)[:200],
            expected=", ".join(REQUIRED_COLUMNS)
            + f"; optionally {', '.join(OPTIONAL_DIMS)}",
            hint=suggest_columns(columns),
        )


def suggest_columns(columns: Sequence[str]) -> str | None:
    """Say which columns to drop; nothing where one is missing instead."""
    if set(REQUIRED_COLUMNS) - set(columns):
        return None
    extra = sorted(set(columns) - {PREDICTION, *COLUMNS.values()})
    return f"table.drop(columns={extra})"[:200] if extra else None


def _refuse_missing(column: str, codes: NDArray[np.intp]) -> None:
    if (codes < 0).any():
        count, first = int((codes < 0).sum()), int((codes < 0).argmax())
        raise InputError(
            f"column {column} of the submission",
            found=f"{count} missing labels, the first in row {first}",
            expected="a label in every row",
        )


def _refuse_twice(
    flat: NDArray[np.intp], table: pd.DataFrame, dims: tuple[str, ...]
) -> None:
    twice = pd.Series(flat).duplicated().to_numpy()
    if twice.any():
        row = int(twice.argmax())
        named = ", ".join(
            f"{COLUMNS[dim]} {table[COLUMNS[dim]].iloc[row]}" for dim in dims
        )
        raise InputError(
            "rows of the submission",
            found=f"{int(twice.sum())} given twice, the first in row {row}: {named}",
            expected="each combination once",
        )


def _sort_labels(values: NDArray[Any], labels: dict[str, NDArray[Any]]) -> xr.Dataset:
    """Sort labels and take values along."""
    order = {dim: np.argsort(found, kind="stable") for dim, found in labels.items()}
    for axis, dim in enumerate(labels):
        if (np.diff(order[dim]) != 1).any():
            values = np.take(values, order[dim], axis=axis)
    coords: dict[Hashable, Any] = {
        dim: found[order[dim]] for dim, found in labels.items()
    }
    single = np.ascontiguousarray(values, dtype=np.float32)
    return xr.Dataset({PREDICTION: (tuple(labels), single)}, coords)
