"""Daily values at nodes, read in blocks so that memory is bounded whatever the store.

A block is the smallest rectangle of one storage tile that holds the nodes wanted,
over as many whole days as fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import (
    DayRule,
    aggregate_days,
    find_days,
    gather_days,
)
from somobench.pipelines.forcing.era5.fields import Field
from somobench.pipelines.forcing.era5.nodes import NodeSet
from somobench.pipelines.forcing.era5.parts import Rectangle
from somobench.pipelines.forcing.era5.variables import Derivation

BLOCK_VALUES = 2**24  # of one variable in memory at a time, 64 MiB of float32
STRETCH = 4  # times that, where a store's chunks would else be decoded repeatedly

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def read_days(
    derivation: Derivation,
    fields: Sequence[Field],
    nodes: tuple[NodeSet, Indices],
    days: NDArray[np.datetime64],
    rule: DayRule,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Read, combine and aggregate a variable.

    Parameters
    ----------
    fields : one for each of the derivation's variables
    nodes : the box's positions, and the numbers of the wanted ones

    Returns
    -------
    tuple of arrays
        (day, node) in our unit, and by day whether a preliminary value went in.
    """
    positions = [find_days(field.times, days, rule) for field in fields]
    result = np.full((len(days), len(nodes[1])), np.nan)
    preliminary = np.zeros(len(days), dtype=bool)
    for rectangle in list_rectangles(nodes[0], nodes[1], fields[0]):
        length = _count_block_days(rectangle, fields[0], positions[0].shape[1])
        for first in range(0, len(days), length):
            block = slice(first, first + length)
            arranged = []
            for field, where in zip(fields, positions, strict=True):
                values, flags = _arrange_days(field, where[block], rectangle)
                arranged.append(values)
                preliminary[block] |= flags
            daily = aggregate_days(derivation.combine(*arranged), rule)
            result[block, rectangle.members] = daily * derivation.factor
    return result, preliminary


def _count_block_days(rectangle: Rectangle, field: Field, steps_a_day: int) -> int:
    a_day = rectangle.size * steps_a_day
    fitting = BLOCK_VALUES // a_day
    whole_chunk = -(-field.parts[0].chunk[0] // steps_a_day)
    return max(1, fitting, min(whole_chunk, STRETCH * fitting))


def _arrange_days(
    field: Field, positions: Indices, rectangle: Rectangle
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the values of some days, (day, step, node), and which are preliminary."""
    present = positions[positions >= 0]
    if not len(present):
        shape = (*positions.shape, len(rectangle.inside))
        return np.full(shape, np.nan), np.zeros(len(positions), dtype=bool)
    start, stop = int(present.min()), int(present.max()) + 1
    values, preliminary = field.read(start, stop, rectangle)
    within = np.where(positions >= 0, positions - start, -1)
    flags = np.asarray(preliminary.any(axis=1))[within] & (within >= 0)
    return gather_days(values, within), np.asarray(flags.any(axis=1))


def list_rectangles(
    nodes: NodeSet, wanted: Indices, field: Field
) -> Iterator[Rectangle]:
    """Give, tile by tile of the field's storage, what to load for the wanted nodes."""
    row, column = np.divmod(wanted, nodes.columns)
    _, height, width = field.parts[0].chunk
    tiles = row // height * (nodes.columns // width + 1) + column // width
    for tile in np.unique(tiles):
        members = np.flatnonzero(tiles == tile)
        rows = _span_positions(row[members])
        columns = _span_positions(column[members])
        across = columns.stop - columns.start
        inside = (row[members] - rows.start) * across + column[members] - columns.start
        yield Rectangle(rows, columns, inside, members)


def _span_positions(positions: Indices) -> slice:
    return slice(int(positions.min()), int(positions.max()) + 1)
