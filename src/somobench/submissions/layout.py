"""Bring predictions of any allowed layout into the one order that is checked.

Grids may have their dims, cells and days in any order; tables their rows. Nothing is
filled in, dropped or converted: what doesn't fit is refused.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import (
    DIMS,
    MAXIMUM_MEMBERS,
    OPTIONAL_DIMS,
    PREDICTION,
    is_volumetric,
)

SCALING = "train"
COLUMNS = {"cell": "cell_id"} | {dim: dim for dim in DIMS if dim != "cell"}
"""Column of a table for each dim."""
REQUIRED_COLUMNS = ("cell_id", "time", "layer", PREDICTION)
MAXIMUM_VALUES = 1_000_000_000  # of predictions, missing ones included
_EXPECTED_DIMS = "cell, time and layer; optionally member and lead_time"


def grid_of_dataset(dataset: xr.Dataset) -> xr.Dataset:
    """Order a grid of predictions.

    Parameters
    ----------
    dataset : Dataset
        `soil_moisture` (m3 m-3) over cell, time and layer, and optionally member and
        lead_time (days), in any order. `layer` and `lead_time` may be scalars.

    Returns
    -------
    Dataset
        float32, dims in the order of `DIMS`, labels ascending.

    Raises
    ------
    InputError
        For a missing variable, dim or coordinate, another unit or scaling, or labels
        of the wrong kind.
    """
    if PREDICTION not in dataset:
        found = ", ".join(sorted(map(str, dataset.data_vars))) or "no variable"
        raise InputError(
            "variables of the submission", found=found[:200], expected=PREDICTION
        )
    array = dataset[PREDICTION]
    _refuse_other_attrs(array)
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
    labels = {dim: _labels(dim, _coordinate(array, dim)) for dim in dims}
    values = array.transpose(*dims).to_numpy()
    return _ordered(values, labels)


def _refuse_other_attrs(array: xr.DataArray) -> None:
    units = str(array.attrs.get("units", "")).strip()
    if not is_volumetric(units):
        raise InputError(
            f"units of {PREDICTION}",
            found=units[:80] or "no attribute units",
            expected="m3 m-3",
            hint="convert the values and set the attribute units",
        )
    scaling = str(array.attrs.get("scaling", SCALING))
    if scaling != SCALING:
        raise InputError(
            f"scaling of {PREDICTION}",
            found=scaling[:80],
            expected=SCALING,
            hint='train on open_dataset(..., scaling="train", split=...)',
        )


def _coordinate(array: xr.DataArray, dim: str) -> NDArray[Any]:
    if dim in array.coords:
        return np.asarray(array[dim].to_numpy())
    if dim == "member":
        return np.arange(array.sizes[dim])
    raise InputError(
        f"coordinate {dim} of the submission",
        found=f"{array.sizes[dim]} places without labels",
        expected="a label for each",
    )


def grid_of_table(table: pd.DataFrame) -> xr.Dataset:
    """Spread a table of predictions over a grid; combinations without a row are NaN.

    Parameters
    ----------
    table : DataFrame
        Columns or levels of the index cell_id (or cell), time, layer, soil_moisture
        (m3 m-3), and optionally member and lead_time (days); rows in any order, each
        combination once.

    Returns
    -------
    Dataset
        As of `grid_of_dataset`.

    Raises
    ------
    InputError
        For missing or unknown columns, missing labels, a combination given twice.
    """
    table = _labels_as_columns(table)
    _refuse_other_columns([str(name) for name in table.columns])
    dims = tuple(dim for dim in DIMS if COLUMNS[dim] in table)
    labels, codes = {}, []
    for dim in dims:
        places, found = pd.factorize(table[COLUMNS[dim]], sort=True)
        _refuse_missing(COLUMNS[dim], places)
        labels[dim] = _labels(dim, np.asarray(found))
        codes.append(places)
    shape = tuple(len(labels[dim]) for dim in dims)
    if len(table) == 0 or np.prod([float(size) for size in shape]) > MAXIMUM_VALUES:
        listed = ", ".join(
            f"{size} of {dim}" for dim, size in zip(dims, shape, strict=True)
        )
        raise InputError(
            "rows of the submission",
            found=f"{len(table)} rows with {listed}",
            expected=f"at least one, and at most {MAXIMUM_VALUES} combinations",
        )
    flat = np.ravel_multi_index(codes, shape)
    _refuse_twice(flat, table, dims)
    predicted = table[PREDICTION]
    if predicted.dtype.kind not in "fiu":
        raise InputError(
            f"column {PREDICTION}", found=predicted.dtype, expected="numbers"
        )
    values = np.full(shape, np.nan, dtype=np.float32)
    values.reshape(-1)[flat] = predicted.to_numpy(dtype=np.float32, na_value=np.nan)
    return _ordered(values, labels)


def _labels_as_columns(table: pd.DataFrame) -> pd.DataFrame:
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
    unknown = sorted(set(columns) - allowed)
    if missing or unknown:
        raise InputError(
            "columns of the submission",
            found=", ".join(columns)[:200],
            expected=", ".join(REQUIRED_COLUMNS)
            + f"; optionally {', '.join(OPTIONAL_DIMS)}",
        )


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


def _labels(dim: str, labels: NDArray[Any]) -> NDArray[Any]:
    """Return labels in the dtype of their dim, or refuse them."""
    if labels.ndim != 1:
        raise InputError(f"coordinate {dim}", found=f"{labels.ndim} dims", expected=1)
    if dim == "cell":
        return _texts(labels)
    if dim == "time":
        return _days(labels)
    return _whole_numbers(dim, labels)


def _texts(labels: NDArray[Any]) -> NDArray[Any]:
    if labels.dtype.kind == "S":
        labels = np.char.decode(labels, "utf-8", "replace")
    texts = [item for item in labels.tolist() if isinstance(item, str)]
    if len(texts) != labels.size:
        raise InputError(
            "cells of the submission",
            found=f"labels of dtype {labels.dtype}, such as {labels[:1]}",
            expected='texts, such as "41.875_-111.625"',
        )
    return np.asarray(texts, dtype=str)


def _days(labels: NDArray[Any]) -> NDArray[Any]:
    if labels.dtype.kind == "O" and all(_is_plain_date(item) for item in labels):
        labels = labels.astype("datetime64[ns]")
    if labels.dtype.kind != "M" or np.isnat(labels).any():
        raise InputError(
            "time of the submission",
            found=f"labels of dtype {labels.dtype}, such as {labels[:1]}",
            expected="days of the standard calendar, without a time zone",
        )
    return labels.astype("datetime64[ns]")


def _is_plain_date(label: object) -> bool:
    return isinstance(label, dt.date) and getattr(label, "tzinfo", None) is None


def _whole_numbers(dim: str, labels: NDArray[Any]) -> NDArray[Any]:
    if labels.dtype.kind == "m":
        labels = labels / np.timedelta64(1, "D")
    whole = labels.dtype.kind in "iuf" and bool((labels == np.round(labels)).all())
    limit = 9 if dim == "layer" else MAXIMUM_MEMBERS
    if not whole or bool((np.abs(labels) > limit).any()) or labels.size > limit:
        raise InputError(
            f"{dim} of the submission",
            found=f"{labels.size} labels of dtype {labels.dtype}, such as {labels[:3]}",
            expected=f"at most {limit} whole numbers up to {limit}",
        )
    return labels.astype("int8" if dim == "layer" else "int64")


def _ordered(values: NDArray[Any], labels: dict[str, NDArray[Any]]) -> xr.Dataset:
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
