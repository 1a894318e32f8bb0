"""Read the values of some nodes of a file, chunk by chunk, in bounded memory.

A chunk is unpacked as a whole, once; of what it holds, the box around the nodes in it
is kept until the nodes are taken out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.submissions.gridded.layers import ModelLayer
from somobench.submissions.gridded.stored import unpack_variable

Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

SLAB_BYTES = 64_000_000  # of a box of values as they are read
LARGEST_VALUE = 1e20  # what is larger marks a missing value: fills are 1e20 to 1e37


class Plan(NamedTuple):
    """Boxes that are read of one variable.

    Attributes
    ----------
    chunks : lengths of a chunk along the variable's dims
    boxes : slices along the dims of place, and nodes inside: places in the list of
        nodes and their offsets
    blocks : slices along time
    """

    chunks: dict[str, int]
    boxes: tuple[tuple[dict[str, slice], Indices, tuple[Indices, ...]], ...]
    blocks: tuple[slice, ...]

    @property
    def chunk_values(self) -> int:
        """Values of one chunk."""
        return math.prod(self.chunks.values())


def get_chunks(variable: xr.Variable) -> dict[str, int]:
    """Return the lengths of what is unpacked at once, along the dims.

    What isn't chunked is read row by row of its last dim but one.
    """
    shape = dict(zip((str(dim) for dim in variable.dims), variable.shape, strict=True))
    stored = (
        variable.encoding.get("shards")
        or variable.encoding.get("chunksizes")
        or variable.encoding.get("chunks")
    )
    if stored and len(stored) == variable.ndim:
        pairs = zip(shape.items(), stored, strict=True)
        return {dim: min(size, int(chunk)) for (dim, size), chunk in pairs}
    return {dim: size if dim == [*shape][-1] else 1 for dim, size in shape.items()}


def plan_reading(
    variable: xr.Variable,
    time: str,
    place_dims: Sequence[str],
    nodes: Indices,
    stamps: tuple[int, int],
) -> Plan:
    """Plan which boxes are read for nodes and a range of times.

    Parameters
    ----------
    variable : as it is stored
    time : its dim of time
    place_dims : its dims of place, in which nodes are counted
    nodes : (N,) numbers
    stamps : first time and the one after the last
    """
    chunks = get_chunks(variable)
    sizes = dict(zip((str(dim) for dim in variable.dims), variable.shape, strict=True))
    places = np.unravel_index(nodes, tuple(sizes[dim] for dim in place_dims))
    own = np.stack(
        [at // chunks[dim] for at, dim in zip(places, place_dims, strict=True)]
    )
    boxes = []
    for chunk in np.unique(own, axis=1).T:
        inside = np.flatnonzero((own == chunk[:, None]).all(axis=0))
        starts = [int(at[inside].min()) for at in places]
        stops = [int(at[inside].max()) + 1 for at in places]
        offsets = tuple(
            (at[inside] - start).astype(np.int64)
            for at, start in zip(places, starts, strict=True)
        )
        slices = {
            dim: slice(start, stop)
            for dim, start, stop in zip(place_dims, starts, stops, strict=True)
        }
        boxes.append((slices, inside.astype(np.int64), offsets))
    widest = max(
        math.prod(part.stop - part.start for part in box[0].values()) for box in boxes
    )
    length = max(1, SLAB_BYTES // (widest * max(4, variable.dtype.itemsize)))
    length = max(chunks[time], length // chunks[time] * chunks[time])
    first = stamps[0] // chunks[time] * chunks[time]
    blocks = [
        slice(max(start, stamps[0]), min(start + length, stamps[1]))
        for start in range(first, stamps[1], length)
    ]
    return Plan(chunks, tuple(boxes), tuple(blocks))


def count_bytes(variable: xr.Variable, time: str, plan: Plan) -> int:
    """Return the bytes that are unpacked to read a plan."""
    a_chunk = plan.chunk_values * variable.dtype.itemsize
    per_block = (
        -(-block.stop // plan.chunks[time]) - block.start // plan.chunks[time]
        for block in plan.blocks
    )
    return a_chunk * len(plan.boxes) * sum(per_block)


def read_slabs(
    stored: xr.Dataset, layer: ModelLayer, time: str, plan: Plan, nodes: int
) -> Iterator[tuple[slice, Floats]]:
    """Yield the values of nodes by blocks of time, (time, node), in the file's unit.

    Packed values are unpacked; missing ones are NaN.
    """
    variable: Any = unpack_variable(stored, layer.variable)
    for block in plan.blocks:
        values = np.full((block.stop - block.start, nodes), np.nan, np.float32)
        for slices, inside, offsets in plan.boxes:
            chosen = dict.fromkeys((str(dim) for dim in variable.dims), slice(0, 1))
            chosen |= slices | {time: block}
            if layer.vertical is not None and layer.level is not None:
                chosen[layer.vertical] = slice(layer.level, layer.level + 1)
            box = variable.isel(chosen).transpose(time, *slices, ...).to_numpy()
            box = box.reshape(box.shape[: 1 + len(slices)])
            part = np.asarray(box[(slice(None), *offsets)], np.float32)
            values[:, inside] = np.where(np.abs(part) < LARGEST_VALUE, part, np.nan)
        yield block, values
