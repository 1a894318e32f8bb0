"""A copy of a release with a defect, whose hashes, sizes and descriptions fit it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from factories.faults.third_list.opened import Grid, Opened
from factories.faults.vouched import MANIFEST, replace_text, vouch
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.atomic import format_json
from somobench.catalog.storage.hashing import sha256_file


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


def name_changes(release: Path, folder: Path) -> list[str]:
    """Return the files that differ; raise where a hash or a type doesn't fit."""
    before, after = (
        json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        for path in (release, folder)
    )
    for name, record in after["files"].items():
        if record["sha256"] != sha256_file(folder / name):
            message = f"{name} isn't the file of the manifest"
            raise ValueError(message)
        _compare_types(name, before["files"][name], record)
    changed = [it for it in after["files"] if before["files"][it] != after["files"][it]]
    rest = [
        {key: it for key, it in each.items() if key != "files"}
        for each in (before, after)
    ]
    return [*changed, *([MANIFEST] if rest[0] != rest[1] else [])]


def _compare_types(name: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    if {*before["arrays"]} != {*after["arrays"]}:
        message = f"{name} has other arrays"
        raise ValueError(message)
    for array, record in before["arrays"].items():
        for entry in ("dtype", "dims", "units"):
            if record[entry] != after["arrays"][array][entry]:
                message = f"{name}: {array} has another {entry}"
                raise ValueError(message)
