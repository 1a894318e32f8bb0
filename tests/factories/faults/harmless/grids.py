"""Grids written by other programs, with the same values at the same places."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import (
    BloscCodec,
    Crc32cCodec,
    GzipCodec,
    TransposeCodec,
    ZstdCodec,
)
from zarr.storage import MemoryStore

from factories.faults.vouched import Defect, in_grid
from somobench.catalog.storage.archive import open_zarr_zip

GRIDS = ("forcing", "targets", "features")
OTHER_NAN = np.array([0xFFC00123], "uint32").view("float32")[0]
Encoding = Callable[[xr.Variable], dict[str, Any]]


def reversed_attrs(grid: xr.Dataset) -> xr.Dataset:
    grid = grid.copy()
    for part in (grid, *grid.variables.values()):
        part.attrs = dict(reversed(part.attrs.items()))
    return grid


def commented(grid: xr.Dataset) -> xr.Dataset:
    grid = grid.assign_attrs(comment="looked at twice", history="2026: packed again")
    name = next(iter(grid.data_vars))
    return grid.assign({name: grid[name].assign_attrs(comment="as it was")})


def attributed(grid: xr.Dataset) -> xr.Dataset:
    """Add attributes of other kinds than short texts."""
    further = {"contact": "Zoë, 東京", "levels": [1, 2.5], "empty": "", "count": 3}
    grid = grid.assign_attrs(further, nested={"tool": {"name": "x", "options": []}})
    name = [*grid.data_vars][-1]
    return grid.assign({name: grid[name].assign_attrs(further)})


def reversed_variables(grid: xr.Dataset) -> xr.Dataset:
    names = [*grid.data_vars][::-1]
    return grid.drop_vars(names).assign({name: grid[name] for name in names})


def reversed_coords(grid: xr.Dataset) -> xr.Dataset:
    names = [*grid.coords][::-1]
    return xr.Dataset(grid.data_vars, attrs=grid.attrs).assign_coords(
        {name: grid.variables[name] for name in names}
    )


def big_endian(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign(
        {
            name: array.astype(array.dtype.newbyteorder(">"))
            for name, array in grid.data_vars.items()
            if array.dtype.kind == "f"
        }
    )


def _change_floats(
    grid: xr.Dataset, change: Callable[[np.ndarray], np.ndarray]
) -> xr.Dataset:
    floats = {k: v for k, v in grid.data_vars.items() if v.dtype.kind == "f"}
    return grid.assign(
        {name: it.copy(data=change(it.to_numpy())) for name, it in floats.items()}
    )


def minus_zero(grid: xr.Dataset) -> xr.Dataset:
    return _change_floats(
        grid, lambda values: np.where(values == 0, -np.abs(values), values)
    )


def other_nan(grid: xr.Dataset) -> xr.Dataset:
    """Write missing values as a NaN with a sign and a payload."""
    return _change_floats(
        grid,
        lambda it: np.where(np.isnan(it), OTHER_NAN.astype(it.dtype), it),
    )


CHANGES: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    "attributes in another order": reversed_attrs,
    "comments": commented,
    "further attributes": attributed,
    "variables in another order": reversed_variables,
    "coordinates in another order": reversed_coords,
    "the other byte order": big_endian,
    "minus zero": minus_zero,
    "other NaNs": other_nan,
}


def compress(*codecs: Any) -> Encoding:
    """Compress numbers; texts stay as they are."""
    return lambda it: {} if it.dtype.kind in "OUT" else {"compressors": codecs}


def cut(length: int) -> Encoding:
    """Cut the last dim into chunks of a length, or fewer."""
    return lambda it: {"chunks": (*it.shape[:-1], min(length, max(1, it.shape[-1])))}


def shard(it: xr.Variable) -> dict[str, Any]:
    """Keep ten chunks a shard, along the last dim."""
    if it.dtype.kind in "OUT" or not it.shape or it.shape[-1] < 10:
        return {}
    outer = -(-it.shape[-1] // 10) * 10
    return {
        "chunks": (*it.shape[:-1], outer // 10),
        "shards": (*it.shape[:-1], outer),
    }


def turn(it: xr.Variable) -> dict[str, Any]:
    """Keep values in the order of Fortran."""
    if it.dtype.kind in "OUT" or it.ndim < 2:
        return {}
    return {"filters": (TransposeCodec(order=tuple(range(it.ndim))[::-1]),)}


def mark_missing(it: xr.Variable) -> dict[str, Any]:
    """Write missing values as a number, which the attribute `_FillValue` names."""
    return {"_FillValue": it.dtype.type(-9999)} if it.dtype.kind == "f" else {}


def count_time(units: str, dtype: str) -> Encoding:
    return lambda it: (
        {"units": units, "dtype": dtype} if np.issubdtype(it.dtype, "M8") else {}
    )


ENCODINGS: dict[str, Encoding] = {
    "zstd, other members": compress(ZstdCodec(level=1)),
    "zstd with checksums": compress(ZstdCodec(level=3, checksum=True)),
    "gzip": compress(GzipCodec(level=1)),
    "blosc by lz4": compress(BloscCodec(cname="lz4", shuffle="shuffle")),
    "checksums alone": compress(Crc32cCodec()),
    "no compression": compress(),
    "chunks of 100 days": cut(100),
    "chunks of one value": lambda it: {
        "chunks": (1,) * it.ndim if it.size < 99 else it.shape
    },
    "shards": shard,
    "Fortran's order": turn,
    "missing as -9999": mark_missing,
    "time in days": count_time("days since 1900-01-01", "float64"),
    "time in hours": count_time("hours since 1970-01-01", "int32"),
    "time in nanoseconds": count_time("nanoseconds since 1970-01-01", "int64"),
}


def encode_again(
    name: str,
    encode: Encoding = lambda _: {},
    *,
    method: int = zipfile.ZIP_STORED,
    consolidated: bool = False,
) -> Defect:
    """Write a grid by xarray itself, without our packing, and zip its members."""

    def change(folder: Path) -> None:
        path = folder / f"{name}.zarr.zip"
        grid = open_zarr_zip(path).load().drop_encoding()
        encoding = {it: encode(array) for it, array in grid.variables.items()}
        members = store_members(
            grid, zarr_format=3, encoding=encoding, consolidated=consolidated
        )
        path.unlink()
        write_members(path, members, method)

    return change


def store_members(grid: xr.Dataset, **options: Any) -> dict[str, bytes]:
    """Return the files of a Zarr store that xarray writes."""
    members: dict[str, Any] = {}
    with (
        warnings.catch_warnings(),
        zarr.config.set({"array.write_empty_chunks": True}),
    ):
        warnings.simplefilter("ignore")
        grid.to_zarr(MemoryStore(members), **options)
    return {name: members[name].to_bytes() for name in members}


def write_members(
    path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_STORED
) -> None:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def texts_of_any_length(grid: xr.Dataset) -> xr.Dataset:
    texts = {k: v for k, v in grid.variables.items() if v.dtype.kind == "U"}
    return grid.assign({name: it.astype(object) for name, it in texts.items()})


def longer_texts(grid: xr.Dataset) -> xr.Dataset:
    """Keep texts in fields that are wider than the longest."""
    texts = {k: v for k, v in grid.data_vars.items() if v.dtype.kind == "U"}
    return grid.assign({name: it.astype("<U99") for name, it in texts.items()})


CHANGES |= {"texts of any length": texts_of_any_length, "wider texts": longer_texts}


def list_grid_changes() -> Iterator[tuple[str, str, Defect]]:
    """Give changes of grids, written by our own writer or by xarray."""
    for name in GRIDS:
        file = f"{name}.zarr.zip"
        for what, change in CHANGES.items():
            yield file, what, in_grid(name, change)
        yield file, "other chunks", in_grid(name, lambda it: it, chunks={"cell": 7})
        for what, encode in ENCODINGS.items():
            yield file, what, encode_again(name, encode)
        again = partial(encode_again, name)
        yield file, "a zip that compresses", again(method=zipfile.ZIP_DEFLATED)
        yield file, "consolidated metadata", again(consolidated=True)
