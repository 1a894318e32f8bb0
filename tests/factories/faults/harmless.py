"""Changes of a release that change nothing for a reader: checks must stay silent."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xarray as xr
import zarr
from zarr.codecs import GzipCodec, ZstdCodec
from zarr.storage import LocalStore

from factories.faults.vouched import MANIFEST, Defect, in_grid, in_text
from somobench.catalog.storage.archive import open_zarr_zip

GRIDS = ("forcing", "targets", "features")
TABLES = ("splits", "cells", "stations", "scores", "shift_costs")
Documents = Callable[[str], str]


def reversed_attrs(grid: xr.Dataset) -> xr.Dataset:
    grid = grid.copy()
    for part in (grid, *grid.variables.values()):
        part.attrs = dict(reversed(part.attrs.items()))
    return grid


def commented(grid: xr.Dataset) -> xr.Dataset:
    grid = grid.assign_attrs(comment="looked at twice", history="2026: packed again")
    name = next(iter(grid.data_vars))
    return grid.assign({name: grid[name].assign_attrs(comment="as it was")})


def reversed_variables(grid: xr.Dataset) -> xr.Dataset:
    names = [*grid.data_vars][::-1]
    return grid.drop_vars(names).assign({name: grid[name] for name in names})


def big_endian(grid: xr.Dataset) -> xr.Dataset:
    return grid.assign(
        {
            name: array.astype(array.dtype.newbyteorder(">"))
            for name, array in grid.data_vars.items()
            if array.dtype.kind == "f"
        }
    )


def minus_zero(grid: xr.Dataset) -> xr.Dataset:
    def change(array: xr.DataArray) -> xr.DataArray:
        values = array.to_numpy()
        return array.copy(data=np.where(values == 0, -np.abs(values), values))

    floats = {k: v for k, v in grid.data_vars.items() if v.dtype.kind == "f"}
    return grid.assign({name: change(array) for name, array in floats.items()})


CHANGES: dict[str, Callable[[xr.Dataset], xr.Dataset]] = {
    "attributes in another order": reversed_attrs,
    "comments": commented,
    "variables in another order": reversed_variables,
    "the other byte order": big_endian,
    "minus zero": minus_zero,
}


def pack_again(
    name: str, compressor: Any = None, *, method: int = zipfile.ZIP_STORED
) -> Defect:
    """Write a grid by xarray itself, without our packing, and zip its members."""

    def change(folder: Path) -> None:
        path = folder / f"{name}.zarr.zip"
        grid = open_zarr_zip(path).load().drop_encoding()
        stored = folder / "stored"
        encoding = {
            it: {"compressors": (compressor,) if compressor else ()}
            for it, array in grid.variables.items()
            if array.dtype.kind != "U"
        }
        with (
            warnings.catch_warnings(),
            zarr.config.set({"array.write_empty_chunks": True}),
        ):
            warnings.simplefilter("ignore")
            grid.to_zarr(
                LocalStore(stored), zarr_format=3, encoding=encoding, consolidated=False
            )
        path.unlink()
        files = [it for it in stored.rglob("*") if it.is_file()]
        with zipfile.ZipFile(path, "w", method) as archive:
            for file in files:
                archive.write(file, str(file.relative_to(stored)))
        for it in sorted(stored.rglob("*"), reverse=True):
            it.unlink() if it.is_file() else it.rmdir()
        stored.rmdir()

    return change


def write_table(
    name: str, change: Callable[[pa.Table], pa.Table] = lambda it: it, **options: Any
) -> Defect:
    """Write a table by Arrow itself, as programs without pandas do."""

    def spoil(folder: Path) -> None:
        path = folder / f"{name}.parquet"
        table = change(pq.read_table(path))
        path.unlink()
        pq.write_table(table, path, **options)

    return spoil


def cast(old: Callable[[pa.DataType], bool], new: pa.DataType) -> Any:
    def change(table: pa.Table) -> pa.Table:
        return table.cast(
            pa.schema(
                field.with_type(new) if old(field.type) else field
                for field in table.schema
            )
        )

    return change


def encode_texts(table: pa.Table) -> pa.Table:
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            column = table.column(place).dictionary_encode()
            table = table.set_column(place, field.name, column)
    return table


def is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


WRITERS: dict[str, dict[str, Any]] = {
    "gzip, small row groups": {"compression": "gzip", "row_group_size": 50},
    "no compression, no dictionary": {"compression": "none", "use_dictionary": False},
    "brotli, no statistics": {"compression": "brotli", "write_statistics": False},
    "an old version of Parquet": {"version": "1.0"},
    "pages of version 2": {"data_page_version": "2.0", "compression": "zstd"},
    "no pandas metadata": {"change": lambda it: it.replace_schema_metadata(None)},
    "large texts": {"change": cast(is_text, pa.large_string())},
    "texts by a dictionary": {"change": encode_texts},
    "columns backwards": {"change": lambda it: it.select(it.column_names[::-1])},
    "a column more": {
        "change": lambda it: it.append_column("note_2", pa.array(["x"] * len(it)))
    },
}


def format_again(**options: Any) -> Documents:
    return lambda text: json.dumps(json.loads(text), **options)


def add_file(folder: Path, name: str) -> None:
    (folder / name).write_text("seen", encoding="utf-8")


def _list_changes() -> Iterator[tuple[str, str, Defect]]:
    for name in GRIDS:
        file = f"{name}.zarr.zip"
        for what, change in CHANGES.items():
            yield file, what, in_grid(name, change)
        yield file, "other chunks", in_grid(name, lambda it: it, chunks={"cell": 7})
        yield file, "zstd, other members", pack_again(name, ZstdCodec(level=1))
        yield file, "gzip", pack_again(name, GzipCodec(level=1))
        yield (
            file,
            "a zip that compresses",
            pack_again(name, method=zipfile.ZIP_DEFLATED),
        )
    for name in TABLES:
        for what, options in WRITERS.items():
            yield f"{name}.parquet", what, write_table(name, **options)
    for what, options in {
        "in one line": {"separators": (",", ":")},
        "keys in order": {"indent": 1, "sort_keys": True},
        "letters as they are": {"ensure_ascii": False, "indent": 4},
    }.items():
        for name in (MANIFEST, "validation.json", "croissant.json"):
            yield name, what, in_text(name, format_again(**options))
    yield "CITATION.cff", "a comment", in_text("CITATION.cff", lambda it: f"# x\n{it}")
    yield "README.md", "a line more", in_text("README.md", lambda it: f"{it}\nSeen.\n")
    yield "report.html", "a comment", in_text("report.html", lambda it: it + "<!-- -->")
    for name in ("notes.txt", ".DS_Store", "splits.csv"):
        yield "", f"{name} beside", partial(add_file, name=name)


HARMLESS: list[tuple[str, str, Defect]] = list(_list_changes())
"""File that may be checked alone, what is changed, and the change."""
