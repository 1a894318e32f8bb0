"""Fill the arrays below windows from an opened feature set, some cells at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.storage.archive import CELLS_A_CHUNK
from somobench.catalog.view import average_known
from somobench.schemas.variables import (
    DYNAMIC_FORCING,
    STATIC_ATTRIBUTES,
    TRAIN,
)
from somobench.windows.flat import FlatArray, Scratch
from somobench.windows.series import Moments, Series

GROUPS = ("region", "regime")
SOURCE = ("release", "split", "feature_set")
CALENDAR = "day_of_year"
TURN = ("sine_of_year", "cosine_of_year")
DAYS_A_YEAR = 365.2425


def read_series(
    opened: xr.Dataset, *, length: int, memory_limit: int, scratch: Path | None = None
) -> Series:
    """Return a feature set of one layer as normalised arrays.

    An input that is missing counts as average, 0, and takes the day's `is_present`
    away. Of lagged inputs the day itself is taken: a window holds the days before.
    The day of the year becomes a sine and a cosine. Beside the numbers that a release
    knows of its cells, the mean of each weather variable over days that train
    somewhere is a static attribute; attributes that no train cell has, or that all
    share, are left out.

    Parameters
    ----------
    opened : Dataset, (cell, time)
        Of one layer, with a split's normalisation and statics; Dask-backed or not.
    length : int
        Days of the longest window.
    memory_limit : int, bytes
        Larger arrays are written to a file in `scratch` and mapped.
    scratch : Path, optional
    """
    names = _list_dynamic(opened)
    columns = tuple(part for name in names for part in _split_calendar(name))
    moments = _read_moments(opened, names)
    arrays = _make_arrays(opened, len(columns), length - 1, memory_limit, scratch)
    role = opened["role"].transpose("cell", "time").to_numpy()
    trained_days = (role == TRAIN).any(axis=0)
    means = np.empty((opened.sizes["cell"], len(columns)))
    for rows in _list_blocks(opened.sizes["cell"]):
        part = opened.isel(cell=rows)
        means[rows] = _fill_inputs(
            arrays, part, rows=rows, moments=moments, days=trained_days
        )
        target = part["soil_moisture"].transpose("cell", "time").to_numpy()
        arrays.observed.values[rows] = _normalise(target, moments["soil_moisture"])
        arrays.roles.values[rows] = role[rows]
        for array in arrays:
            array.let_go()
    for array in arrays:
        array.freeze()
    attributes = _read_attributes(opened)
    attributes |= {
        f"mean_{name}": means[:, column]
        for column, name in enumerate(columns)
        if name in DYNAMIC_FORCING
    }
    statics = _standardise(attributes, (role == TRAIN).any(axis=1))
    stacked = np.column_stack([np.empty((len(means), 0)), *statics.values()])
    return Series(
        **arrays._asdict(),
        statics=stacked.astype(np.float32),
        input_names=columns,
        static_names=tuple(statics),
        cells=opened["cell"].to_numpy().astype(str),
        days=pd.DatetimeIndex(opened["time"].to_numpy()),
        layer=int(opened["layer"]),
        before=length - 1,
        moments=moments,
        groups={name: opened[name].to_numpy().astype(str) for name in GROUPS},
        source={name: opened.attrs[name] for name in SOURCE},
    )


class _Arrays(NamedTuple):
    padded: FlatArray
    known: FlatArray
    observed: FlatArray
    roles: FlatArray


def _make_arrays(
    opened: xr.Dataset,
    columns: int,
    before: int,
    memory_limit: int,
    parent: Path | None,
) -> _Arrays:
    """Make the arrays, in a scratch file where they are larger than the limit."""
    cells, days = opened.sizes["cell"], opened.sizes["time"]
    shapes = {
        "padded": ((cells, before + days, columns), np.float32),
        "known": ((cells, before + days), np.bool_),
        "observed": ((cells, days), np.float32),
        "roles": ((cells, days), np.int8),
    }
    size = sum(
        math.prod(shape) * np.dtype(kind).itemsize for shape, kind in shapes.values()
    )
    scratch = Scratch(parent) if size > memory_limit else None
    return _Arrays(
        *(FlatArray(shape, kind, scratch=scratch) for shape, kind in shapes.values())
    )


def _list_blocks(cells: int) -> list[slice]:
    starts = range(0, cells, CELLS_A_CHUNK)
    return [slice(first, min(first + CELLS_A_CHUNK, cells)) for first in starts]


def _fill_inputs(
    arrays: _Arrays,
    part: xr.Dataset,
    *,
    rows: slice,
    moments: dict[str, Moments],
    days: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Write the inputs of some cells; return their means over some days by column.

    One variable at a time, so that little is in memory at once.
    """
    before = arrays.padded.values.shape[1] - part.sizes["time"]
    into = arrays.padded.values[rows, before:]
    known = np.ones(into.shape[:2], dtype=np.bool_)
    means = np.empty((into.shape[0], into.shape[2]))
    inputs = (_read_input(part[name], moments) for name in _list_dynamic(part))
    for column, values in enumerate(chain.from_iterable(inputs)):
        present = np.isfinite(values)
        known &= present
        into[..., column] = np.where(present, values, 0)
        means[:, column] = average_known(values[:, days])
    arrays.known.values[rows, before:] = known
    return means


def _read_input(
    array: xr.DataArray, moments: dict[str, Moments]
) -> Iterator[NDArray[np.float32]]:
    """Yield the columns of an input, normalised, NaN where unknown; (cell, day)."""
    if array.name == CALENDAR:
        turn = array.to_numpy() * (2 * np.pi / DAYS_A_YEAR)
        yield from (np.sin(turn)[None], np.cos(turn)[None])
        return
    if "lag" in array.dims:
        array = array.sel(lag=0)
    values = array.transpose("cell", "time").to_numpy()
    yield _normalise(values, moments[str(array.name)])


def _list_dynamic(opened: xr.Dataset) -> list[str]:
    """Return the inputs that have days, in their order."""
    names = opened["variable"].to_numpy().astype(str).tolist()
    return [name for name in names if name not in STATIC_ATTRIBUTES]


def _split_calendar(name: str) -> tuple[str, ...]:
    return TURN if name == CALENDAR else (name,)


def _read_moments(opened: xr.Dataset, names: list[str]) -> dict[str, Moments]:
    """Return the release's moments; a variable that never varies is divided by 1."""
    mean, std = opened["normalisation_mean"], opened["normalisation_std"]
    found = {
        name: (float(mean.sel(variable=name)), float(std.sel(variable=name)))
        for name in names
        if name != CALENDAR
    }
    found["soil_moisture"] = float(opened["target_mean"]), float(opened["target_std"])
    return {name: Moments(at, spread or 1.0) for name, (at, spread) in found.items()}


def _normalise(values: NDArray[Any], moments: Moments) -> NDArray[np.float32]:
    normal = (values.astype(np.float64) - moments.mean) / moments.std
    return np.asarray(normal, dtype=np.float32)


def _read_attributes(opened: xr.Dataset) -> dict[str, NDArray[np.float64]]:
    """Return the numbers that the release knows of its cells, (cell,) each."""
    names = [name for name in STATIC_ATTRIBUTES if name in opened.data_vars]
    return {name: opened[name].to_numpy().astype(np.float64) for name in names}


def _standardise(
    attributes: dict[str, NDArray[np.float64]], trained: NDArray[np.bool_]
) -> dict[str, NDArray[np.float64]]:
    """Standardise over train cells; what they lack or share is left out."""
    found = {}
    for name, values in attributes.items():
        own = values[trained & np.isfinite(values)]
        if own.size and own.std() > 0:
            found[name] = np.nan_to_num((values - own.mean()) / own.std(), nan=0.0)
    return found
