"""A copy of a release with a defect, whose hashes, sizes and descriptions fit it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from factories.faults.third_list.opened import Grid, Opened
from factories.faults.vouched import replace_text, vouch
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import format_json


def write_copy(release: Opened, folder: Path) -> Path:
    """Write a folder that holds what a defect changed, and links to all else."""
    shutil.copytree(release.folder, folder, copy_function=os.link)
    unchanged = Opened(release.folder)
    for name, frame in release.tables.items():
        if not frame.equals(unchanged.table(name)):
            path = folder / f"{name}.parquet"
            path.unlink()
            frame.to_parquet(path, index=False)
    for name, grid in release.grids.items():
        if not is_same(grid, unchanged.grid(name)):
            write_grid(grid, folder / f"{name}.zarr.zip")
    for name, content in release.documents.items():
        replace_text(folder / name, format_json(content))
    for name, text in release.texts.items():
        replace_text(folder / name, text)
    vouch(folder)
    return folder


def write_grid(grid: Grid, path: Path) -> None:
    """Write a grid with other values and attributes, in the same layout."""
    with open_zarr_zip(path) as opened:
        dataset = opened.load()
    for name, values in grid.arrays.items():
        if name in dataset.variables and name not in dataset.indexes:
            dataset[name] = put_values(dataset[name], values, grid.attributes[name])
    dataset.attrs.update(grid.attributes[""])
    path.unlink()
    write_zarr_zip(dataset, path)


def is_same(one: Grid, other: Grid) -> bool:
    """Tell whether two grids hold the same arrays and attributes."""
    pairs = [(values, other.arrays[name]) for name, values in one.arrays.items()]
    return one.attributes == other.attributes and all(
        np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
        for first, second in pairs
    )


def put_values(
    array: xr.DataArray, values: Any, attributes: dict[str, Any]
) -> xr.DataArray:
    """Return an array with other values, and attributes where they differ."""
    changed = array.copy(data=values)
    kept = {name for name in changed.attrs if name in attributes}
    changed.attrs |= {name: attributes[name] for name in kept}
    return changed
