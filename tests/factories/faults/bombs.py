"""Small files that declare or unpack to far more than they hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from factories.scoring import predicted


def grid_file(path: Path, values: dict[str, Any], labels: dict[str, Any]) -> Path:
    """Write dims layer, cell and time with given arrays, whatever they declare."""
    with h5py.File(path, "w") as file:
        given = {
            "layer": {"data": np.array([1], "i1")},
            "cell": {"data": np.array(["40.125_10.125"], "S13")},
            "time": {"data": np.arange(10)},
        } | labels
        for name, options in given.items():
            file.create_dataset(name, **options).make_scale(name)
        file["time"].attrs["units"] = "days since 2018-07-20"
        array = file.create_dataset("soil_moisture", **values)
        array.attrs["units"] = "m3 m-3"
        for place, name in enumerate(("layer", "cell", "time")):
            array.dims[place].attach_scale(file[name])
    return path


def sparse_hdf5(path: Path) -> Path:
    """Declare 1 GB of chunks that were never written."""
    days = {"data": np.arange(250_000), "compression": "gzip", "shuffle": True}
    ids = np.array([f"{number}.125_10.125" for number in range(1000)], "S")
    values = {"shape": (1, 1000, 250_000), "dtype": "f4", "chunks": (1, 100, 10_000)}
    return grid_file(path, values, {"time": days, "cell": {"data": ids}})


def never_written_hdf5(path: Path) -> Path:
    """Declare 1 GB in one piece without a byte of it."""
    days = {"shape": (250_000_000,), "dtype": "i8"}
    values = {"shape": (1, 1, 250_000_000), "dtype": "f4"}
    return grid_file(path, values, {"time": days})


def large_chunk_hdf5(path: Path) -> Path:
    """Declare few values in a chunk of 2 GB."""
    values = {"shape": (1, 1, 10), "dtype": "f4", "chunks": (1, 1, 500_000_000)}
    return grid_file(path, values | {"maxshape": (1, 1, None)}, {})


def long_labels_hdf5(path: Path) -> Path:
    """Declare labels of 9e8 bytes."""
    ids = {"shape": (900,), "dtype": "S1000000", "chunks": (1,), "compression": "gzip"}
    return grid_file(path, {"data": np.full((1, 900, 10), 0.3, "f4")}, {"cell": ids})


def letters_hdf5(path: Path) -> Path:
    """Declare labels of 9e8 bytes as single letters."""
    with h5py.File(
        grid_file(path, {"data": np.full((1, 1, 10), 0.3)}, {}), "a"
    ) as file:
        file.create_dataset("cell_id", (900, 10**6), "S1", chunks=(1, 10**6))
    return path


def zarr_store(path: Path, name: str, **content: Any) -> Path:
    grid = predicted(0.3).to_dataset(name="soil_moisture")
    grid.to_zarr(path, consolidated=False)
    document = json.loads((path / name / "zarr.json").read_text())
    (path / name / "zarr.json").write_text(json.dumps(document | content))
    return path


def sparse_zarr(path: Path) -> Path:
    return zarr_store(path, "soil_moisture", shape=[2, 6, 80_000_000])


def large_chunk_zarr(path: Path) -> Path:
    grid = {"name": "regular", "configuration": {"chunk_shape": [2, 6, 80_000_000]}}
    return zarr_store(path, "soil_moisture", chunk_grid=grid)


def long_labels_zarr(path: Path) -> Path:
    kind = {"name": "fixed_length_utf32", "configuration": {"length_bytes": 10**8}}
    return zarr_store(path, "cell", data_type=kind)


def repeated_rows(path: Path) -> Path:
    """Write 20 million rows that take a third of a megabyte."""
    count = 20_000_000
    ids = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(count, "i4")), pa.array(["40.125_10.125"])
    )
    columns = {
        "cell_id": ids,
        "time": pa.array((np.arange(count) // 2500).astype("i4")).cast(pa.date32()),
        "layer": pa.array(np.ones(count, "i1")),
        "soil_moisture": pa.array(np.full(count, 0.3, "f4")),
    }
    pq.write_table(pa.table(columns), path)
    return path


def spread_rows(path: Path) -> Path:
    """Write 30,000 rows whose labels span a billion combinations."""
    count = 30_000
    frame = pd.DataFrame(
        {
            "cell_id": [f"{number}.125_10.125" for number in range(count)],
            "time": pd.date_range("1970-01-01", periods=count, freq="D"),
            "layer": 1,
            "soil_moisture": 0.3,
        }
    )
    frame.to_parquet(path)
    return path


def long_texts(path: Path) -> Path:
    """Write one text of 100 MB for an id, which packs well."""
    columns = {
        "cell_id": pa.array(["x" * 100_000_000] * 8),
        "time": pa.array(range(8), pa.int32()).cast(pa.date32()),
        "layer": pa.array([1] * 8),
        "soil_moisture": pa.array([0.3] * 8),
    }
    pq.write_table(pa.table(columns), path, compression="zstd", use_dictionary=False)
    return path


def one_text_again_and_again(path: Path) -> Path:
    """Write a text of 1 MB in two million rows, of which a dictionary has one."""
    texts = pa.DictionaryArray.from_arrays(
        pa.array(np.zeros(2_000_000, "i4")), pa.array(["x" * 1_000_000])
    )
    split = pa.array(["temporal"] * 2_000_000)
    table = pa.table({"role": texts, "split": split})
    pq.write_table(table, path, store_schema=False)  # read as plain texts
    return path


BOMBS: dict[str, tuple[str, Callable[[Path], Path], str]] = {
    "sparse HDF5": ("a.nc", sparse_hdf5, "times what the file holds"),
    "HDF5 never written": ("a.nc", never_written_hdf5, "times what the file holds"),
    "large chunk in HDF5": ("a.nc", large_chunk_hdf5, "times what the file holds"),
    "long labels in HDF5": ("a.nc", long_labels_hdf5, "texts of 1000000 bytes"),
    "letters in HDF5": ("a.nc", letters_hdf5, "texts of 1000000 bytes"),
    "sparse Zarr": ("a.zarr", sparse_zarr, "times what the file holds"),
    "large chunk in Zarr": ("a.zarr", large_chunk_zarr, "times what the file holds"),
    "long labels in Zarr": ("a.zarr", long_labels_zarr, "texts of 100000000 bytes"),
    "rows of one value": ("a.parquet", repeated_rows, "times what the file holds"),
    "few rows, many labels": ("a.parquet", spread_rows, "30000 of cell, 30000 of time"),
    "long texts in Parquet": ("a.parquet", long_texts, "times what the file holds"),
}
