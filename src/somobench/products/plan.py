"""How a store is cut into blocks of cells with all days, and what reading them costs.

A model's state carries on from day to day, so a block holds all days of its cells. A
store whose chunks hold few days and many cells would be unpacked once for every block:
it is staged instead, each chunk read once and laid down by cell on the disk.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import product
from typing import NamedTuple

from somobench.products.forcing import ForcingStore
from somobench.schemas.errors import UsageError
from somobench.submissions.gridded.slabs import get_chunks

BASE = 500_000_000  # bytes of a process with its libraries and a model's rows at once
COPIES = 6  # arrays of float32 that a block takes at once, for each variable and layer
STAGED_SHARE = 0.25  # of what is free, that a slab takes while a store is staged
LONGEST_CHUNK = 1461  # days of a chunk that is written; four years


class Plan(NamedTuple):
    """Blocks, and the bytes that they cost.

    Attributes
    ----------
    shape, tile : lengths of the dims of place, of the store and of a block
    days, layers : counts
    stored : bytes of the weather that is read, unpacked, each chunk once
    unpacked : bytes that are unpacked in all
    staged : bytes laid down on the way, 0 where nothing is
    written : bytes of what is written, before compression
    slabs : where staged, the parts that are read: slices along place and time
    """

    shape: tuple[int, ...]
    tile: tuple[int, ...]
    days: int
    layers: int
    stored: int
    unpacked: int
    staged: int
    written: int
    slabs: tuple[tuple[slice, ...], ...]

    @property
    def tiles(self) -> list[tuple[slice, ...]]:
        """Blocks as slices along the dims of place, in order."""
        return cut(self.shape, self.tile)

    def describe(self) -> str:
        """Say what will be read and written, before it begins."""
        staged = f", {self.staged / 1e6:.0f} MB staged on disk" if self.staged else ""
        ratio = self.unpacked / max(self.stored, 1)
        return (
            f"{len(self.tiles)} blocks of {math.prod(self.tile)} cells x {self.days}"
            f" days: {self.unpacked / 1e6:.0f} MB to unpack ({ratio:.2f} times the"
            f" chunks){staged}, {self.written / 1e6:.0f} MB to write before compression"
        )


def cut(shape: tuple[int, ...], tile: tuple[int, ...]) -> list[tuple[slice, ...]]:
    """Cut a shape into tiles, rows first.

    Examples
    --------
    >>> cut((3,), (2,))
    [(slice(0, 2, None),), (slice(2, 3, None),)]
    """
    return [
        tuple(
            slice(start, min(start + size, length))
            for start, size, length in zip(starts, tile, shape, strict=True)
        )
        for starts in product(
            *(range(0, length, size) for length, size in zip(shape, tile, strict=True))
        )
    ]


def plan_blocks(
    store: ForcingStore, layers: int, memory: int, libraries: int = 0
) -> Plan:
    """Cut a store into blocks that fit the memory of a process.

    Parameters
    ----------
    store : ForcingStore
        Limited to the variables that are read.
    layers : of the model
    memory : bytes of each process
    libraries : bytes of it that a model's own libraries take

    Raises
    ------
    UsageError
        If the memory holds no cell with all its days, or not one chunk.
    """
    days, shape = len(store.days), store.places.shape
    parts = len(store.parts)
    a_cell = 4 * days * COPIES * (parts + layers)
    free = memory - BASE - libraries
    fits = free // a_cell
    chunks = store.get_chunks()
    chunk = tuple(chunks[dim] for dim in store.places.dims)
    a_chunk = max(_chunk_bytes(store).values())
    if fits < 1 or a_chunk > free:
        raise UsageError(
            "memory of a process",
            found=f"{memory / 1e6:.0f} MB",
            expected=f"at least {(memory - free + max(a_cell, a_chunk)) / 1e6:.0f} MB:"
            " a cell with all its days, and a chunk of the forcing",
        )
    stored = _count_unpacked(store, [tuple(slice(0, length) for length in shape)])
    direct = math.prod(chunk) <= fits or math.prod(shape) <= fits
    tile = grow_tile(shape, chunk if direct else (1,) * len(shape), int(fits))
    unpacked, staged = stored, 0
    slabs: tuple[tuple[slice, ...], ...] = ()
    if direct:
        unpacked = _count_unpacked(store, cut(shape, tile))
    else:
        staged = 4 * len(store.variables) * math.prod(shape) * days
        slabs = tuple(_cut_slabs(store, chunks, int(free * STAGED_SHARE)))
    cells = math.prod(shape)
    return Plan(
        shape=shape,
        tile=tile,
        days=days,
        layers=layers,
        stored=stored,
        unpacked=unpacked,
        staged=staged,
        written=4 * layers * days * cells + 5 * cells,
        slabs=slabs,
    )


def grow_tile(
    shape: tuple[int, ...], chunk: tuple[int, ...], fits: int
) -> tuple[int, ...]:
    """Return the largest tile of whole chunks that holds at most so many cells.

    It grows along the last dim first, so that few tiles share a row.

    Examples
    --------
    >>> grow_tile((10, 12), (2, 3), 30)
    (2, 12)
    """
    tile = [min(size, length) for size, length in zip(chunk, shape, strict=True)]
    for dim in reversed(range(len(shape))):
        rest = math.prod(tile) // tile[dim]
        count = min(fits // rest, shape[dim])
        if count < shape[dim]:
            count = max(count // chunk[dim] * chunk[dim], tile[dim])
        tile[dim] = count
    return tuple(tile)


def _chunk_bytes(store: ForcingStore) -> dict[str, int]:
    found = {}
    for name in store.parts:
        variable = store.stored.variables[name]
        chunk = get_chunks(variable)
        found[name] = math.prod(chunk.values()) * variable.dtype.itemsize
    return found


def _count_unpacked(store: ForcingStore, tiles: list[tuple[slice, ...]]) -> int:
    """Count the bytes of the chunks that tiles touch, again for each tile."""
    sizes, total = _chunk_bytes(store), 0
    for name in store.parts:
        variable = store.stored.variables[name]
        chunks = get_chunks(variable)
        times = -(-len(store.days) // chunks[store.time_name])
        for tile in tiles:
            touched = (
                -(-part.stop // chunks[dim]) - part.start // chunks[dim]
                for dim, part in zip(store.places.dims, tile, strict=True)
            )
            total += sizes[name] * times * math.prod(touched)
    return total


def _cut_slabs(
    store: ForcingStore, chunks: Mapping[str, int], most: int
) -> list[tuple[slice, ...]]:
    """Cut place and time into slabs of whole chunks that take at most so many bytes."""
    shape = (*store.places.shape, len(store.days))
    chunk = tuple(chunks[dim] for dim in (*store.places.dims, store.time_name))
    values = max(most // (3 * 8), math.prod(chunk))  # as float64, and two copies
    # Along time last: a slab holds whole chunks of place before more days.
    turned = grow_tile((shape[-1], *shape[:-1]), (chunk[-1], *chunk[:-1]), values)
    return cut(shape, (*turned[1:], turned[0]))
