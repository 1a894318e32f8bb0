"""Feature sets as views of a release's files: selection, lags, scaling, roles.

Pure functions on grids and tables, in memory or Dask-backed; which files they come
from is the business of `reader`. What a feature set holds is said by the release.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.labels import make_variable
from somobench.catalog.scaling import scale_by_train_days
from somobench.schemas.errors import IntegrityError
from somobench.schemas.manifest import FeatureSetRecord
from somobench.schemas.variables import (
    DRYNESS_SOURCES,
    DYNAMIC_FORCING,
    ROLES,
    STATIC_ATTRIBUTES,
    STATIC_CLASSES,
    get_attrs,
)

FACTORS = ("scale_slope", "scale_offset")
TEXTS = ("region", "regime")
CELL_COLUMNS = (*TEXTS, "dryness")
SPLIT_COLUMNS = ("split", "cell_id", "start", "end", "role")


def view_targets(
    targets: xr.Dataset,
    features: xr.Dataset,
    scaling: str,
    role: xr.DataArray | None = None,
) -> xr.Dataset:
    """Return the target in the requested scaling, for all layers of `targets`.

    Parameters
    ----------
    targets : Dataset, (layer, cell, time), m3 m-3
    features : Dataset, (layer, cell)
        Of a split, on the cells of the targets; may be empty but for train scaling.
    scaling : {"full", "train", "none"}
    role : DataArray, (cell, time)
        As `view_roles` gives it; needed for train scaling alone.

    Returns
    -------
    Dataset
        `soil_moisture` and `is_gapfilled`, (layer, cell, time), float32 and int8; with
        train scaling also `scale_is_full_record`, (layer, cell): 1 where a cell has no
        train day and keeps the factors of its full record.
    """
    view = xr.Dataset(coords=targets.coords)
    if scaling == "full":
        view["soil_moisture"] = targets["soil_moisture"]
    elif scaling == "none":
        view["soil_moisture"] = targets["soil_moisture_in_situ"]
    else:
        view["soil_moisture"] = scale_by_train_days(targets, features, role)
        view["scale_is_full_record"] = features["scale_is_full_record"]
    view["soil_moisture"].attrs = get_attrs("soil_moisture")
    view["is_gapfilled"] = targets["is_gapfilled"]
    return view


def view_climatology(
    features: xr.Dataset, targets: xr.Dataset, scaling: str
) -> xr.DataArray:
    """Return the climatology of a split on every day, in the target's scaling.

    Releases hold it in train scaling; the split's lines lead back to what was measured,
    and the full record's from there to full scaling.

    Parameters
    ----------
    features : Dataset, (layer, cell)
        Of the split, on the cells of the targets.
    targets : Dataset, (layer, cell, time)
    scaling : {"full", "train", "none"}

    Returns
    -------
    DataArray, (layer, cell, time), m3 m-3, float32
    """
    by_day = features["climatology"]
    if scaling != "train":
        by_day = (by_day - features["scale_offset"]) / features["scale_slope"]
    if scaling == "full":
        by_day = targets["scale_offset"] + targets["scale_slope"] * by_day
    days = day_of_year(targets["time"])
    daily = by_day.astype("float32").sel(day_of_year=days).drop_vars("day_of_year")
    daily.attrs = get_attrs("climatology")
    return daily.transpose("layer", "cell", "time")


def day_of_year(time: xr.DataArray) -> xr.DataArray:
    """Return the day of the calendar year, (time), int16, as climatologies count it.

    1 March is day 60, in leap years 61.
    """
    days = time.dt.dayofyear.astype("int16")
    days.attrs = {"long_name": "day of the calendar year", "units": "1"}
    return days.rename("day_of_year")


def align_to_targets(grid: xr.Dataset, targets: xr.Dataset, what: str) -> xr.Dataset:
    """Return another grid of the release on the cells and days of the targets.

    Raises
    ------
    IntegrityError
        If it lacks one of them.
    """
    for dim in ("cell", "time"):
        if dim not in grid.dims:
            continue
        wanted, have = targets.get_index(dim), grid.get_index(dim)
        lacking = wanted.difference(have)
        if len(lacking):
            raise IntegrityError(
                f"{what} of the release",
                found=f"no {dim} {lacking[0]} and {len(lacking) - 1} more",
                expected=f"every {dim} of the targets",
            )
        if not have.equals(wanted):
            grid = grid.sel({dim: wanted})
    return grid


def average_known(
    values: np.ndarray[Any, np.dtype[np.floating[Any]]],
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return means over days, (cell,), of the days that a cell has; NaN without any.

    Parameters
    ----------
    values : array, (cell, day)
    """
    present = np.isfinite(values)
    if present.all():
        return np.asarray(values.mean(axis=1, dtype=np.float64))
    sums = np.where(present, values, 0.0).sum(axis=1, dtype=np.float64)
    counts = present.sum(axis=1)
    nothing = np.full(len(values), np.nan)
    return np.divide(sums, counts, out=nothing, where=counts > 0)


def view_forcing(
    forcing: xr.Dataset, definition: FeatureSetRecord, names: tuple[str, ...]
) -> xr.Dataset:
    """Return forcing variables; those of the weather with lags if there are any.

    Returns
    -------
    Dataset
        (cell, time) or (cell, time, lag), in the dtype of `forcing`.
    """
    has_lags = any(definition.lags)
    return xr.Dataset(
        {
            name: add_lags(forcing[name], definition.lags)
            if has_lags and name in DYNAMIC_FORCING
            else forcing[name]
            for name in names
        }
    )


def add_lags(series: xr.DataArray, lags: tuple[int, ...]) -> xr.DataArray:
    """Add a `lag` dimension: the value of as many days before.

    Lag 0 is the day itself; days before the first are missing. In memory and for
    lags without gaps the result is a read-only view that takes no more memory.

    Parameters
    ----------
    series : DataArray, (cell, time), float
    lags : whole days

    Returns
    -------
    DataArray, (cell, time, lag)
    """
    if series.chunks is not None:
        series = series.chunk(time=-1)
    result: xr.DataArray = xr.apply_ufunc(
        _stack_lags,
        series,
        kwargs={"lags": lags},
        input_core_dims=[["time"]],
        output_core_dims=[["time", "lag"]],
        dask="parallelized",
        output_dtypes=[series.dtype],
        dask_gufunc_kwargs={"output_sizes": {"lag": len(lags)}},
        keep_attrs=True,
    )
    days = xr.Variable(
        "lag",
        np.asarray(lags, "int16"),
        {"units": "d", "long_name": "days before the day of the target"},
    )
    return result.assign_coords(lag=days).transpose(..., "time", "lag")


def _stack_lags(values: np.ndarray[Any, Any], lags: tuple[int, ...]) -> Any:
    """Return (..., time, lag) from (..., time)."""
    longest = max(lags)
    before = np.full((*values.shape[:-1], longest), np.nan, values.dtype)
    padded = np.concatenate([before, values], axis=-1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, longest + 1, axis=-1)
    if lags == tuple(range(longest + 1)):
        return windows[..., ::-1]
    return windows[..., [longest - lag for lag in lags]]


def take_layer_above(soil_moisture: xr.DataArray) -> xr.DataArray:
    """Return, for each layer, the target of the layer above; missing where none is."""
    layers = soil_moisture["layer"]
    above = soil_moisture.reindex(layer=layers - 1).assign_coords(layer=layers)
    above.attrs = get_attrs("soil_moisture_above")
    return above


def check_rows(splits: pd.DataFrame) -> None:
    """Refuse rows of splits that give no days of a cell a role.

    Raises
    ------
    IntegrityError
    """
    lacking = {*SPLIT_COLUMNS} - {*map(str, splits.columns)}
    if lacking:
        raise _make_rows_error(f"no column {', '.join(sorted(lacking))}")
    rows = splits[[*SPLIT_COLUMNS]]
    if rows.isna().to_numpy().any():
        raise _make_rows_error("missing values")
    unknown = {*rows["role"].astype(str)} - {*ROLES}
    if unknown:
        raise _make_rows_error(f"role {sorted(unknown)[0]!r}"[:80])
    days = rows["start"], rows["end"]
    if not all(pd.api.types.is_datetime64_any_dtype(day) for day in days):
        raise _make_rows_error("other types than days in start or end")
    if (days[0] > days[1]).any():
        raise _make_rows_error("an end before its start")


def _make_rows_error(found: str) -> IntegrityError:
    expected = f"{', '.join(SPLIT_COLUMNS)}; roles {', '.join(ROLES)}"
    return IntegrityError("splits of the release", found=found, expected=expected)


def view_roles(splits: pd.DataFrame, targets: xr.Dataset, split: str) -> xr.DataArray:
    """Return the role of every day of every cell in a split.

    Parameters
    ----------
    splits : table of the release: split, cell_id, start, end, role
    targets : Dataset with cell and time
    split : str

    Returns
    -------
    DataArray, (cell, time), int8
        0 none, 1 train, 2 validation, 3 test.

    Raises
    ------
    IntegrityError
        If no row names a cell of the targets.
    """
    rows = splits[splits["split"] == split]
    cells = pd.Index(targets["cell"].to_numpy().astype(str)).get_indexer(
        rows["cell_id"].astype(str)
    )
    rows, cells = rows[cells >= 0], cells[cells >= 0]
    if not len(rows):
        raise _make_rows_error(f"no row of {split} for a cell of the targets")
    times = targets["time"].to_numpy()
    first = np.searchsorted(times, rows["start"].to_numpy(times.dtype), "left")
    after = np.searchsorted(times, rows["end"].to_numpy(times.dtype), "right")
    codes = rows["role"].map({role: code for code, role in enumerate(ROLES, 1)})
    role = np.zeros((targets.sizes["cell"], len(times)), "int8")
    for cell, start, end, code in zip(cells, first, after, codes, strict=True):
        role[cell, start:end] = code
    attrs = {
        "long_name": f"role of the day in split {split}",
        "flag_values": np.arange(len(ROLES) + 1, dtype="int8"),
        "flag_meanings": " ".join(("none", *ROLES)),
    }
    return xr.DataArray(make_variable(("cell", "time"), role, attrs))


def make_cell_coords(table: pd.DataFrame) -> dict[str, xr.Variable]:
    """Return region, regime, dryness and static attributes as coordinates of cells.

    Attributes that the table lacks have no coordinate; unknown ones are missing, and
    unknown classes empty.

    Parameters
    ----------
    table : DataFrame
        As of `index_cells`.
    """
    coords = {
        name: make_variable("cell", table[name].to_numpy().astype(str))
        for name in TEXTS
    }
    for name, meaning in STATIC_CLASSES.items():
        if name in table:
            texts = table[name].fillna("").to_numpy().astype(str)
            coords[name] = make_variable("cell", texts, {"long_name": meaning})
    for name in ("dryness", *STATIC_ATTRIBUTES):
        if name in table:
            numbers = table[name].to_numpy("float64")
            coords[name] = make_variable("cell", numbers, get_attrs(name))
    sources = set(table["dryness_source"]) if "dryness_source" in table else set()
    if len(sources) == 1 and (source := str(*sources)) in DRYNESS_SOURCES:
        meaning = f"{DRYNESS_SOURCES[source]}, long-term mean"
        coords["dryness"].attrs["long_name"] = meaning
    return coords
