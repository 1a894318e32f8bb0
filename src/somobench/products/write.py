"""The store that a product is written to: CF attributes, blocks, netCDF."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.products.forcing import ForcingStore
from somobench.products.models import PreparedModel
from somobench.products.plan import LONGEST_CHUNK, Plan
from somobench.schemas.submission_names import PREDICTION
from somobench.schemas.variables import SOIL_MOISTURE_NAME
from somobench.submissions.gridded.places import find_place_names

NETCDF = (".nc", ".nc4")
INDEX, INSIDE = "dissimilarity_index", "is_within_area_of_applicability"
COMMENT = (
    "Predictions of a statistical or simple model where it was not trained; the "
    "dissimilarity index says how far away that is."
)
AREA_SOURCE = "Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650"


def is_product(path: Path) -> bool:
    """Tell whether a file or folder is a product: it it has the comment of one."""
    try:
        if path.is_dir():
            import zarr

            attrs: Any = zarr.open_group(path, mode="r", use_consolidated=False).attrs
            return attrs.get("comment") == COMMENT
        with xr.open_dataset(path, decode_cf=False) as opened:
            return bool(opened.attrs.get("comment") == COMMENT)
    except (OSError, ValueError, KeyError):
        return False


def create_store(
    path: Path, store: ForcingStore, model: PreparedModel, plan: Plan
) -> None:
    """Create a Zarr store with coordinates and attributes, and no values yet."""
    dims = store.places.dims
    series = ("time", "layer", *dims)
    shape = (plan.days, plan.layers, *plan.shape)
    chunks = (min(plan.days, LONGEST_CHUNK), 1, *plan.tile)
    names = find_place_names(store.stored)
    grid = xr.Dataset(coords=_make_coordinates(store, model, names), attrs=_say(model))
    own = set(names.values()) - set(dims)
    auxiliary = {"coordinates": " ".join(sorted(own))} if own else {}
    grid[PREDICTION] = (
        series,
        _make_empty(shape, np.nan, "float32", chunks),
        {
            "standard_name": SOIL_MOISTURE_NAME,
            "long_name": "volumetric soil moisture",
            "units": "m3 m-3",
            "cell_methods": "time: mean",
        },
    )
    grid[PREDICTION].encoding = {"chunks": chunks, **auxiliary}
    if model.space is not None:
        for name, dtype, fill, attrs in _describe_area(model):
            empty = _make_empty(plan.shape, fill, dtype, plan.tile)
            grid[name] = (dims, empty, attrs)
            grid[name].encoding = {"chunks": plan.tile, **auxiliary}
    grid["time"].encoding = {
        "units": "days since 1970-01-01",
        "calendar": "standard",
        "dtype": "int32",
    }
    grid.to_zarr(path, compute=False, consolidated=False, zarr_format=3)


def _make_empty(
    shape: tuple[int, ...], fill: Any, dtype: str, chunks: tuple[int, ...]
) -> Any:
    """Return an array of one value that is never computed."""
    import dask.array

    full: Any = dask.array.full
    return full(shape, fill, dtype=dtype, chunks=chunks)


def _make_coordinates(
    store: ForcingStore, model: PreparedModel, names: Mapping[str, str]
) -> dict[str, Any]:
    coords: dict[str, Any] = {
        "time": (
            "time",
            store.days.astype("datetime64[ns]"),
            {"standard_name": "time", "axis": "T"},
        ),
        "layer": ("layer", np.array(model.layers, np.int8), {"long_name": "layer"}),
    }
    axes = {"latitude": ("degrees_north", "Y"), "longitude": ("degrees_east", "X")}
    for what, values in zip(axes, store.places[:2], strict=True):
        units, axis = axes[what]
        attrs = {"standard_name": what, "units": units}
        own = store.places.dims
        if store.places.is_grid:
            attrs["axis"] = axis
            own = (own[0] if what == "latitude" else own[1],)
        coords[names[what]] = (own, values, attrs)
    if model.depths:
        edges = np.array([model.depths[layer] for layer in model.layers])
        depth = {
            "standard_name": "depth",
            "units": "m",
            "positive": "down",
            "axis": "Z",
            "bounds": "depth_bounds",
        }
        coords["depth"] = ("layer", edges.mean(axis=1), depth)
        coords["depth_bounds"] = (("layer", "bounds"), edges)
    return coords


def _say(model: PreparedModel) -> dict[str, str]:
    return {
        "Conventions": "CF-1.11",
        "title": f"Daily soil moisture by {model.name}",
        "source": f"model {model.name}, trained on {model.training}",
        "comment": COMMENT,
    }


def _describe_area(model: PreparedModel) -> list[tuple[str, str, Any, dict[str, Any]]]:
    space = model.space
    if space is None:
        return []
    return [
        (
            INDEX,
            "float32",
            np.float32(np.nan),
            {
                "long_name": "dissimilarity index to the training climate",
                "units": "1",
                "predictors": ", ".join(space.names),
                "threshold": round(space.threshold, 6),
                "references": AREA_SOURCE,
            },
        ),
        (
            INSIDE,
            "int8",
            np.int8(-1),
            {
                "long_name": "within the area of applicability",
                "flag_values": np.array([-1, 0, 1], np.int8),
                "flag_meanings": "unknown outside inside",
                "references": AREA_SOURCE,
            },
        ),
    ]


def write_block(
    path: Path,
    tile: tuple[slice, ...],
    values: NDArray[np.float32],
    index: NDArray[np.float64] | None,
    threshold: float,
) -> None:
    """Write a block into the store; its chunks are no other block's.

    Parameters
    ----------
    path : of the store
    tile : slices along the dims of place
    values : (layer, cell, day), m3 m-3
    index : (cell,), dissimilarity index, if there is one
    threshold : of the index
    """
    import zarr

    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    shape = tuple(part.stop - part.start for part in tile)
    ordered = np.moveaxis(values, 2, 0).reshape(
        values.shape[2], values.shape[0], *shape
    )
    _get_array(group, PREDICTION)[(slice(None), slice(None), *tile)] = ordered
    if index is not None:
        inside = np.where(np.isfinite(index), index <= threshold, -1)
        _get_array(group, INDEX)[tile] = index.reshape(shape).astype(np.float32)
        _get_array(group, INSIDE)[tile] = inside.reshape(shape).astype(np.int8)


def _get_array(group: Any, name: str) -> Any:
    return group[name]


def write_netcdf(source: Path, target: Path) -> None:
    """Copy a finished store to a netCDF file, chunk by chunk."""
    import dask

    opened: Any = xr.open_zarr(source, consolidated=False, chunks={})
    grid: xr.Dataset = opened
    encoding: dict[Any, Any] = {}
    for name in grid.data_vars:
        chunks = grid[name].encoding.get("chunks")
        fill = grid[name].encoding.get("_FillValue")
        encoding[name] = {"zlib": True, "complevel": 4, "chunksizes": chunks}
        if fill is not None:
            encoding[name]["_FillValue"] = fill
    with dask.config.set(scheduler="synchronous"):
        grid.to_netcdf(target, engine="h5netcdf", encoding=encoding)
