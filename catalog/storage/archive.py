"""Grids as one file: Zarr v3 in a stored zip, the same bytes for the same data.

Every chunk carries a crc32c, chunks of missing values are written too, and members
are sorted with fixed dates; zarr's own zip writer keeps none of these promises.
"""

from __future__ import annotations

import math
import warnings
import zipfile
from collections.abc import Hashable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import xarray as xr
from xarray.backends import StoreBackendEntrypoint

from somobench.catalog.storage.atomic import replace_file
from somobench.catalog.storage.grid_store import GridStore
from somobench.catalog.storage.members import Members

FIXED_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip member can carry
CELLS_A_CHUNK = 64
"""Cells in one chunk; time is never divided, since models read whole series."""
BLOCK, LARGE_CHUNK = 2**18, 2**20
"""Bytes that Blosc compresses for themselves in a chunk of more than so many: who wants
one cell decodes its block."""


def write_zarr_zip(
    dataset: xr.Dataset,
    path: Path | str,
    chunks: Mapping[str, int] | None = None,
) -> None:
    """Write a dataset as a Zarr v3 zip whose bytes depend on the data alone.

    Parameters
    ----------
    dataset : Dataset
        In memory or Dask-backed. Times are written as whole seconds since 1970.
    path : Path
        Replaced only when the new file is complete and reads back.
    chunks : mapping of dim to length, optional
        Chunk length by dimension; by default 64 cells, one layer, all of the rest.
    """
    import zarr
    from zarr.storage import MemoryStore

    members: dict[str, Any] = {}
    with warnings.catch_warnings(), zarr.config.set({"array.write_empty_chunks": True}):
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3.*")
        warnings.filterwarnings("ignore", message=".*not part in the Zarr format.*")
        _drop_encodings(dataset).to_zarr(
            MemoryStore(members),
            mode="w",
            zarr_format=3,
            consolidated=False,
            encoding=_build_encodings(dataset, chunks or {}),
            align_chunks=True,
        )
    with replace_file(path) as partial:
        _write_zip({name: members[name].to_bytes() for name in members}, partial)
        open_zarr_zip(partial).close()


def open_zarr_zip(
    source: Path | str | BinaryIO, chunks: Mapping[str, int] | None = None
) -> xr.Dataset:
    """Open a zipped grid lazily; with `chunks` (such as `{}`) backed by Dask.

    A file that is open already, and may be closed afterwards, is read itself, whatever
    has its name meanwhile.
    """
    if isinstance(source, Path | str):
        members = Members(Path(source))
    else:
        members = Members(Path(source.name), source)
    store = GridStore.recognise(members)
    if store is not None:
        return xr.open_dataset(store, engine=StoreBackendEntrypoint, chunks=chunks)
    return _open_by_zarr(members, chunks)


def _open_by_zarr(
    members: Members, chunks: Mapping[str, int] | None = None
) -> xr.Dataset:
    """Open any zipped Zarr v3 grid, by zarr itself."""
    from zarr.storage import MemoryStore

    store: Any = MemoryStore(_ZarrBuffers(members), read_only=True)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*does not have a Zarr V3.*")
        opened = xr.open_dataset(
            store,
            engine="zarr",
            chunks=chunks,
            consolidated=False,
            zarr_format=3,
        )
    return _load_texts(opened)


def _load_texts(grid: xr.Dataset) -> xr.Dataset:
    """Return texts of any length as objects, which become others as all texts do."""
    texts = {k: it for k, it in grid.variables.items() if it.dtype.kind == "T"}
    objects = {
        name: (it.dims, it.to_numpy().astype(object), it.attrs, it.encoding)
        for name, it in texts.items()
    }
    return grid.assign(objects) if objects else grid


class _ZarrBuffers(MutableMapping[str, Any]):
    """Members of a zip as zarr's own store of a mapping takes them; read-only."""

    def __init__(self, members: Members) -> None:
        self._members = members

    def __getitem__(self, name: str) -> Any:
        from zarr.core.buffer.cpu import Buffer

        return Buffer.from_bytes(self._members[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __setitem__(self, name: str, value: Any) -> None:
        raise TypeError(name)

    def __delitem__(self, name: str) -> None:
        raise TypeError(name)


def _drop_encodings(dataset: xr.Dataset) -> xr.Dataset:
    """Return the dataset without encodings that it brought from elsewhere."""
    return dataset.drop_encoding()


def _build_encodings(
    dataset: xr.Dataset, chunks: Mapping[str, int]
) -> dict[Hashable, dict[str, Any]]:
    return {
        name: _choose_encoding(variable, chunks)
        for name, variable in dataset.variables.items()
    }


def _choose_encoding(
    variable: xr.Variable, chunks: Mapping[str, int]
) -> dict[str, Any]:
    usual = {"cell": CELLS_A_CHUNK, "layer": 1, "split": 1}
    shape = tuple(
        max(1, min(chunks.get(str(dim), usual.get(str(dim), size)), size))
        for dim, size in variable.sizes.items()
    )
    from zarr.codecs import BloscCodec, Crc32cCodec

    encoding: dict[str, Any] = {"chunks": shape} if shape else {}
    if np.issubdtype(variable.dtype, np.datetime64):
        encoding |= {"units": "seconds since 1970-01-01", "dtype": "int64"}
    if variable.dtype.kind not in "OUST":
        is_large = variable.dtype.itemsize * math.prod(shape) > LARGE_CHUNK
        codec = BloscCodec(
            cname="zstd",
            clevel=7,
            shuffle="bitshuffle",
            blocksize=BLOCK if is_large else 0,  # else as Blosc chooses
        )
        encoding["compressors"] = (codec, Crc32cCodec())
    else:
        encoding["compressors"] = (Crc32cCodec(),)
    return encoding


def _write_zip(members: Mapping[str, bytes], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            entry = zipfile.ZipInfo(name, FIXED_DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, on whatever system it is written
            archive.writestr(entry, members[name])
