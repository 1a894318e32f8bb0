"""Fill the arrays below windows from an opened feature set, some cells at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.variables import (
    DYNAMIC_FORCING,
    STATIC_ATTRIBUTES,
    TRAIN,
)
from somobench.windows.flat import FlatArray, Scratch
from somobench.windows.series import Moments, Series

CELLS_A_BLOCK = 64  # of a chunk of a release, which has all days
CALENDAR = "day_of_year"
TURN = ("sine_of_year", "cosine_of_year")
DAYS_A_YEAR = 365.2425


def read_series(
    opened: xr.Dataset, *, length: int, memory_limit: int, scratch: Any = None
) -> Series:
    """Return a feature set of one layer as normalised arrays.

    An input that is missing counts as average, 0, and takes the day's `is_present`
    away. Of lagged inputs the day itself is taken: a window holds the days before.
    The day of the year becomes a sine and a cosine. Beside the numbers that a release
    knows of its cells, the mean of each weather variable over days that train
    somewhere is a static attribute; attributes that no train cell has are left out.

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
    cells, days = opened.sizes["cell"], opened.sizes["time"]
    before = length - 1
    size = cells * (days + before) * (4 * len(columns) + 1) + cells * days * 5
    folder = Scratch(scratch) if size > memory_limit else None

    def make(shape: tuple[int, ...], dtype: Any) -> FlatArray:
        return FlatArray(shape, dtype, scratch=folder, budget=memory_limit // 4)

    padded = make((cells, before + days, len(columns)), np.float32)
    known = make((cells, before + days), np.bool_)
    observed = make((cells, days), np.float32)
    roles = make((cells, days), np.int8)
    role = opened["role"].transpose("cell", "time").to_numpy()
    trained = (role == TRAIN).any(axis=0)
    weather = tuple(name for name in names if name in DYNAMIC_FORCING)
    climate = np.full((cells, len(weather)), np.nan)
    for rows, part in _read_blocks(opened[["soil_moisture", *names]]):
        values = _stack_inputs(part, names, moments)
        present = np.isfinite(values).all(axis=-1)
        places = [columns.index(name) for name in weather]
        climate[rows] = _average(values[:, trained][..., places])
        padded.values[rows, before:] = np.nan_to_num(values, copy=False, nan=0.0)
        known.values[rows, before:] = present
        observed.values[rows] = _normalise(part["soil_moisture"], moments)
        roles.values[rows] = role[rows]
        for array in (padded, known, observed, roles):
            array.let_go()
    for array in (padded, known, observed, roles):
        array.freeze()
    own, own_names = _read_statics(opened)
    statics, kept = _standardise(
        np.column_stack([own, climate]),
        (*own_names, *(f"mean_{name}" for name in weather)),
        (role == TRAIN).any(axis=1),
    )
    return Series(
        padded=padded,
        known=known,
        observed=observed,
        roles=roles,
        statics=statics,
        input_names=columns,
        static_names=kept,
        cells=opened["cell"].to_numpy().astype(str),
        days=pd.DatetimeIndex(opened["time"].to_numpy()),
        layer=int(opened["layer"]),
        before=before,
        moments=moments,
        groups={
            name: opened[name].to_numpy().astype(str) for name in ("region", "regime")
        },
        source={
            name: opened.attrs[name] for name in ("release", "split", "feature_set")
        },
    )


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


def _read_blocks(opened: xr.Dataset) -> Iterator[tuple[slice, xr.Dataset]]:
    """Yield cells by the chunk, in memory, of lagged inputs the day itself."""
    if "lag" in opened.dims:
        opened = opened.sel(lag=0, drop=True)
    for first in range(0, opened.sizes["cell"], CELLS_A_BLOCK):
        rows = slice(first, min(first + CELLS_A_BLOCK, opened.sizes["cell"]))
        yield rows, opened.isel(cell=rows).compute()


def _stack_inputs(
    part: xr.Dataset, names: list[str], moments: dict[str, Moments]
) -> NDArray[np.float32]:
    """Return normalised inputs, (cell, day, column), NaN where unknown."""
    columns = []
    for name in names:
        if name == CALENDAR:
            turn = part[name].to_numpy() * (2 * np.pi / DAYS_A_YEAR)
            shape = (part.sizes["cell"], turn.size)
            columns += [np.broadcast_to(f(turn), shape) for f in (np.sin, np.cos)]
        else:
            columns.append(_normalise(part[name], moments))
    return np.stack(columns, axis=-1, dtype=np.float32, casting="same_kind")


def _normalise(array: xr.DataArray, moments: dict[str, Moments]) -> NDArray[np.float32]:
    mean, std = moments[str(array.name)]
    values = array.transpose("cell", "time").to_numpy().astype(np.float64)
    return np.asarray((values - mean) / std, dtype=np.float32)


def _average(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return means over known days, (cell, column); NaN where there is none."""
    present = np.isfinite(values)
    sums = np.where(present, values, 0.0).sum(axis=1, dtype=np.float64)
    counts = present.sum(axis=1)
    nothing = np.full(sums.shape, np.nan)
    return np.divide(sums, counts, out=nothing, where=counts > 0)


def _read_statics(opened: xr.Dataset) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    names = tuple(name for name in STATIC_ATTRIBUTES if name in opened.data_vars)
    columns = [opened[name].to_numpy().astype(np.float64) for name in names]
    empty = np.empty((opened.sizes["cell"], 0))
    return np.column_stack([empty, *columns]), names


def _standardise(
    values: NDArray[np.float64], names: tuple[str, ...], trained: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Standardise over train cells; what they lack or share is left out."""
    kept, columns = [], [np.empty((len(values), 0))]
    for name, column in zip(names, values.T, strict=True):
        own = column[trained & np.isfinite(column)]
        if own.size and own.std() > 0:
            columns.append(np.nan_to_num((column - own.mean()) / own.std(), nan=0.0))
            kept.append(name)
    return np.column_stack(columns).astype(np.float32), tuple(kept)
