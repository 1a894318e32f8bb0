"""Grids as `write_zarr_zip` writes them, decoded without zarr.

Zarr itself reads every chunk through an event loop, several copies and one thread. Here
a chunk goes from the file into the array that is handed out: one read by position, its
checksum, Blosc into the place where its values belong, on as many threads as there
are cores. Of a chunk from which little is wanted, only the Blosc blocks that hold it
are decoded. `GridStore.recognise` decides from the metadata alone; it leaves to zarr
whatever it doesn't know to the letter. `tests/catalog/test_grid_store.py` compares the
two on any grid, and any part of it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from typing import Any

import numpy as np
from xarray import Variable
from xarray.backends import AbstractDataStore, BackendArray
from xarray.core import indexing

from somobench.catalog.storage.blosc_blocks import decode_range
from somobench.catalog.storage.grid_layout import Layout, count_chunks, read_layout
from somobench.catalog.storage.members import Members
from somobench.catalog.storage.processors import count_cores

GROUP = "zarr.json"
INTEGERS = (int, np.integer)
CHECKSUM = 4  # bytes of a crc32c behind a chunk
THREAD_BYTES = 1 << 20  # decoded; less isn't worth a thread
Part = tuple[int, Any, Any]
"""A chunk along one dim: its number, what is taken of it, and where that goes."""


class GridStore(AbstractDataStore):
    """A zipped grid as xarray opens it.

    Parameters
    ----------
    members : Members
    attrs : of the dataset
    layouts : by name of the array
    """

    def __init__(
        self, members: Members, attrs: dict[str, Any], layouts: dict[str, Layout]
    ) -> None:
        self._members, self._attrs, self._layouts = members, attrs, layouts

    @classmethod
    def recognise(cls, members: Members) -> GridStore | None:
        """Return the store of a zip, or nothing where zarr itself has to read it."""
        try:
            group = json.loads(bytes(members[GROUP]))
            nodes = [name for name in members if name.endswith(f"/{GROUP}")]
            layouts = {
                name.removesuffix(f"/{GROUP}"): read_layout(
                    json.loads(bytes(members[name]))
                )
                for name in nodes
            }
        except (KeyError, ValueError, TypeError, AttributeError):
            return None
        if {*group} - {"attributes", "zarr_format", "node_type"}:
            return None
        if (group.get("zarr_format"), group.get("node_type")) != (3, "group"):
            return None
        wanted = {GROUP, *nodes}
        for name, layout in layouts.items():
            if math.prod(layout.counts) > len(members):
                return None
            wanted |= {_key(name, at) for at in np.ndindex(layout.counts)}
        if wanted != {*members}:
            return None
        return cls(members, group.get("attributes", {}), layouts)

    def get_variables(self) -> dict[str, Variable]:
        """Return the arrays, which are read when they are needed."""
        return {name: self._open(name) for name in sorted(self._layouts)}

    def get_attrs(self) -> dict[str, Any]:
        """Return the attributes of the dataset."""
        return {
            name: value
            for name, value in self._attrs.items()
            if not name.lower().startswith("_nc")
        }

    def close(self) -> None:
        """Close the file; what is read later opens it by its path."""
        self._members.close()

    def __dask_tokenize__(self) -> tuple[str, str]:
        return self._members.__dask_tokenize__()

    def _open(self, name: str) -> Variable:
        layout = self._layouts[name]
        array = indexing.LazilyIndexedArray(GridArray(self._members, name, layout))
        encoding = {
            "chunks": layout.chunks,
            "preferred_chunks": dict(zip(layout.dims, layout.chunks, strict=True)),
        }
        return Variable(layout.dims, array, dict(layout.attrs), encoding)


class GridArray(BackendArray):
    """One array of a zipped grid, read chunk by chunk."""

    def __init__(self, members: Members, name: str, layout: Layout) -> None:
        self._members, self._name, self._layout = members, name, layout
        self.shape, self.dtype = layout.shape, layout.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        if not isinstance(key, indexing.VectorizedIndexer):
            return self._take(key.tuple)
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._take
        )

    async def async_getitem(self, key: indexing.ExplicitIndexer) -> Any:
        """Return what is asked for; nothing is gained by waiting."""
        return self[key]

    def _take(self, key: tuple[Any, ...]) -> np.ndarray[Any, Any]:
        keys = tuple(map(_straighten, key, self.shape))
        chunks = self._layout.chunks
        values = np.empty([_measure(one) for one in keys], self.dtype)
        tasks = list(product(*map(_divide, keys, chunks)))
        workers = min(len(tasks), count_cores())
        if workers > 1 and values.nbytes > THREAD_BYTES:
            with ThreadPoolExecutor(workers) as pool:
                list(pool.map(lambda task: self._fill(values, task), tasks))
        else:
            for task in tasks:
                self._fill(values, task)
        dropped = [at for at, one in enumerate(key) if isinstance(one, INTEGERS)]
        return values.squeeze(tuple(dropped)) if dropped else values

    def _fill(self, values: np.ndarray[Any, Any], task: tuple[Part, ...]) -> None:
        """Read the part of one chunk that is asked for."""
        numbers = tuple(part[0] for part in task)
        inside, outside = ([part[at] for part in task] for at in (1, 2))
        if all(isinstance(one, slice) for one in inside):
            place = values[(*outside, ...)]  # a view, of no dims too
            if place.shape == self._layout.chunks and place.flags.c_contiguous:
                self._decode(numbers, place, 0, place.size)
                return
        target = np.empty(self._layout.chunks, self.dtype)
        self._decode(numbers, target, *_bound(inside, target.shape))
        values[_cross(outside)] = target[_cross(inside)]

    def _decode(
        self,
        numbers: tuple[int, ...],
        target: np.ndarray[Any, Any],
        first: int,
        last: int,
    ) -> None:
        """Decode a chunk into an array, at least from one value to another."""
        key = _key(self._name, numbers)
        content = self._members.read_chunk(key)
        try:
            size = self.dtype.itemsize
            plain = target.reshape(-1).view("u1")
            _check(content)
            if self._layout.is_blosc:
                decode_range(content[:-CHECKSUM], plain, first * size, last * size)
            else:
                plain[:] = np.frombuffer(content[:-CHECKSUM], "u1")
        except (ValueError, RuntimeError) as error:
            raise self._members.make_error(f"{key}: {error}") from error


def _check(content: memoryview) -> None:
    """Compare a chunk with the crc32c behind it."""
    import google_crc32c

    inner = np.frombuffer(content, "u1")[:-CHECKSUM]  # it refuses a memoryview
    if google_crc32c.value(inner) != int.from_bytes(content[-CHECKSUM:], "little"):
        raise ValueError("another checksum than the one behind it")


def _key(name: str, numbers: tuple[int, ...]) -> str:
    return "/".join([name, "c", *map(str, numbers)])


def _straighten(key: Any, length: int) -> slice | np.ndarray[Any, Any]:
    """Return a key of one dim as a slice by ones, or an array of places."""
    if isinstance(key, INTEGERS):
        place = range(length)[key]
        return slice(place, place + 1)
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        if step == 1:
            return slice(start, max(start, stop))
        return np.arange(start, stop, step)
    places = np.where(key < 0, key + length, key)
    if places.size and not 0 <= places.min() <= places.max() < length:
        raise IndexError(f"{key} of {length}")
    return places


def _measure(key: slice | np.ndarray[Any, Any]) -> int:
    return int(key.stop - key.start if isinstance(key, slice) else key.size)


def _divide(key: slice | np.ndarray[Any, Any], size: int) -> Iterator[Part]:
    """Divide a straightened key of one dim by chunks of a size."""
    if isinstance(key, slice):
        for number in range(key.start // size, count_chunks(key.stop, size)):
            low = max(key.start, number * size)
            high = min(key.stop, (number + 1) * size)
            inside = slice(low - number * size, high - number * size)
            yield number, inside, slice(low - key.start, high - key.start)
        return
    for number in np.unique(key // size).tolist():
        (where,) = np.nonzero(key // size == number)
        yield number, key[where] - number * size, where


def _bound(inside: list[Any], chunk: tuple[int, ...]) -> tuple[int, int]:
    """Return where what is taken of a chunk begins and ends, in values."""
    first = last = 0
    for key, size in zip(inside, chunk, strict=True):
        is_slice = isinstance(key, slice)
        first = first * size + (key.start if is_slice else int(key.min()))
        last = last * size + (key.stop - 1 if is_slice else int(key.max()))
    return first, last + 1


def _cross(keys: list[Any]) -> tuple[Any, ...]:
    """Return a key of several dims that selects every combination."""
    if all(isinstance(key, slice) for key in keys):
        return tuple(keys)
    ranges = (np.arange(k.start, k.stop) if isinstance(k, slice) else k for k in keys)
    return np.ix_(*ranges)
