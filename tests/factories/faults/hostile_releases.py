"""Releases that a manifest vouches for, and that make no sense: one defect each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.hashing import sha256_file

MANIFEST = "MANIFEST.json"
Defect = Callable[[Path], object]


def revouch(folder: Path) -> None:
    """Write a manifest that has the new sizes and hashes of the files."""
    content = json.loads((folder / MANIFEST).read_text())
    for name, record in content["files"].items():
        record["size"] = (folder / name).stat().st_size
        record["sha256"] = sha256_file(folder / name)
    (folder / MANIFEST).write_text(json.dumps(content))


def in_table(name: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Defect:
    def spoil(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        change(pd.read_parquet(path)).to_parquet(path)
        revouch(folder)

    return spoil


def in_grid(name: str, change: Callable[[xr.Dataset], xr.Dataset]) -> Defect:
    def spoil(folder: Path) -> None:
        path = folder / f"{name}.zarr.zip"
        grid = change(open_zarr_zip(path).load())
        for variable in grid.variables.values():
            variable.encoding = {}
        path.unlink()
        write_zarr_zip(grid, path)
        revouch(folder)

    return spoil


def in_manifest(**changes: Any) -> Defect:
    def spoil(folder: Path) -> None:
        content = json.loads((folder / MANIFEST).read_text()) | changes
        (folder / MANIFEST).write_text(json.dumps(content))

    return spoil


def no_zip(name: str) -> Defect:
    def spoil(folder: Path) -> None:
        (folder / f"{name}.zarr.zip").write_bytes(b"x" * 1000)
        revouch(folder)

    return spoil


def text_in(name: str) -> Callable[[xr.Dataset], xr.Dataset]:
    return lambda grid: grid.assign(
        {name: (grid[name].dims, np.full(grid[name].shape, "x"))}
    )


def fewer_dims(name: str) -> Callable[[xr.Dataset], xr.Dataset]:
    return lambda grid: grid.assign(
        {name: grid[name].isel({grid[name].dims[0]: 0}, drop=True)}
    )


def list_table_defects(name: str, columns: list[str]) -> Iterator[tuple[str, Defect]]:
    """Give the defects that a table of these columns may have."""
    yield f"{name}: no rows", in_table(name, lambda frame: frame.iloc[:0])
    yield f"{name}: no columns", in_table(name, lambda frame: frame[[]])
    yield (
        f"{name}: every row twice",
        in_table(name, lambda frame: pd.concat([frame, frame], ignore_index=True)),
    )
    for column in columns:
        yield (
            f"{name}: no {column}",
            in_table(name, lambda frame, it=column: frame.drop(columns=it)),
        )
        for what, value in (("text", "nonsense"), ("7", 7), ("nothing", None)):
            yield (
                f"{name}: {what} as {column}",
                in_table(
                    name,
                    lambda frame, it=column, to=value: frame.assign(**{it: to}),
                ),
            )


def list_grid_defects(name: str, grid: xr.Dataset) -> Iterator[tuple[str, Defect]]:
    """Give the defects that a grid like this one may have."""
    yield f"{name}: no zip", no_zip(name)
    for key in map(str, grid.variables):
        yield (
            f"{name}: no {key}",
            in_grid(name, lambda it, key=key: it.drop_vars(key, errors="ignore")),
        )
        yield f"{name}: text as {key}", in_grid(name, text_in(key))
        if key not in grid.dims and grid[key].ndim > 1:
            yield f"{name}: {key} without a dim", in_grid(name, fewer_dims(key))
    for dim in map(str, grid.dims):
        yield (
            f"{name}: nothing along {dim}",
            in_grid(name, lambda it, dim=dim: it.isel({dim: slice(0, 0)})),
        )
        yield (
            f"{name}: {dim} backwards",
            in_grid(name, lambda it, dim=dim: it.isel({dim: slice(None, None, -1)})),
        )
        yield (
            f"{name}: {dim} twice",
            in_grid(
                name,
                lambda it, dim=dim: xr.concat([it, it], dim, data_vars="minimal"),
            ),
        )


MANIFESTS: dict[str, Defect] = {
    "manifest: a lone surrogate": in_manifest(title="\ud800"),
    "manifest: moments of no layer": in_manifest(target_moments_from={"x": "y"}),
    "manifest: no splits": in_manifest(splits={}),
    "manifest: resolution NaN": in_manifest(grid_resolution=float("nan")),
    "manifest: resolution 0": in_manifest(grid_resolution=0.0),
    "manifest: endless layers": in_manifest(layers=[1e400]),
}


def list_defects(folder: Path) -> dict[str, Defect]:
    """Return every defect that is tried on a release like the one in a folder."""
    defects = dict(MANIFESTS)
    for name in ("cells", "splits"):
        columns = [*pd.read_parquet(folder / f"{name}.parquet").columns]
        defects |= dict(list_table_defects(name, columns))
    for name in ("targets", "features"):
        grid = open_zarr_zip(folder / f"{name}.zarr.zip")
        defects |= dict(list_grid_defects(name, grid))
    return defects
