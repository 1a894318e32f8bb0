"""Daily values at nodes, read in blocks so that memory is bounded whatever the store.

A block is the smallest rectangle of one storage tile that holds the nodes wanted,
over as many whole days as fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as field_of

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.accumulation import (
    LOOKED_AT,
    refuse_other_accumulation,
)
from somobench.pipelines.forcing.era5.daily import (
    Accumulation,
    DayRule,
    aggregate_days,
    find_days,
    gather_days,
)
from somobench.pipelines.forcing.era5.fields import Field
from somobench.pipelines.forcing.era5.nodes import NodeSet
from somobench.pipelines.forcing.era5.parts import Rectangle
from somobench.pipelines.forcing.era5.variables import Derivation

BLOCK_VALUES = 2**20  # of one variable in memory at a time, 8 MiB of float64
STRETCH = 64  # times that, where a store's chunks would else be decoded repeatedly

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]


def read_days(
    derivation: Derivation,
    fields: Sequence[Field],
    nodes: tuple[NodeSet, Indices],
    days: NDArray[np.datetime64],
    rule: DayRule,
    *,
    accumulation: Accumulation | None = None,
) -> tuple[Floats, NDArray[np.bool_]]:
    """Read, combine and aggregate a variable.

    Parameters
    ----------
    fields : one for each of the derivation's variables
    nodes : the box's positions, and the numbers of the wanted ones
    accumulation : what hourly totals are said to cover; values that don't are refused

    Returns
    -------
    tuple of arrays
        (day, node) in our unit, and by day whether a preliminary value went in.
    """
    positions = [find_days(field.times, days, rule) for field in fields]
    ends = [int(where.max(initial=-1)) + 1 for where in positions]
    result = np.full((len(days), len(nodes[1])), np.nan)
    preliminary = np.zeros(len(days), dtype=bool)
    for number, rectangle in enumerate(list_rectangles(*nodes, fields[0])):
        length = _count_block_days(rectangle, fields[0], positions[0].shape[1])
        spans = [
            Span(field, rectangle, end) for field, end in zip(fields, ends, strict=True)
        ]
        if accumulation is not None and number == 0:
            for span, where in zip(spans, positions, strict=True):
                _refuse_accumulation(span, where, accumulation)
        for first in range(0, len(days), length):
            block = slice(first, first + length)
            arranged = []
            for span, where in zip(spans, positions, strict=True):
                values, flags = _arrange_days(span, where[block])
                arranged.append(values)
                preliminary[block] |= flags
            daily = aggregate_days(derivation.combine(*arranged), rule)
            result[block, rectangle.members] = daily * derivation.factor
    return result, preliminary


def _refuse_accumulation(span: Span, positions: Indices, said: Accumulation) -> None:
    """Refuse a field whose first days at one node accumulate otherwise than is said."""
    present = positions[positions >= 0]
    if len(present):
        start = int(present.min())
        stop = min(start + LOOKED_AT, len(span.field.times))
        values, _ = span.read(start, stop)
        times = span.field.times[start:stop]
        refuse_other_accumulation(span.field, said, times, values[:, 0])


def count_chunk_bytes(
    field: Field, nodes: tuple[NodeSet, Indices], days: NDArray[np.datetime64]
) -> int:
    """Count the bytes of the chunks, unpacked, that hold some days of some nodes."""
    tiles = sum(1 for _ in list_rectangles(*nodes, field))
    first, last = days[0], days[-1] + np.timedelta64(1, "D")
    total = 0
    for part in field.parts:
        long, height, width = part.chunk
        start = int(np.searchsorted(part.times, first))
        stop = int(np.searchsorted(part.times, last, "right"))
        chunks = max(-(-stop // long) - start // long, 0) if stop > start else 0
        total += chunks * long * height * width * part.array.dtype.itemsize
    return tiles * total


def _count_block_days(rectangle: Rectangle, field: Field, steps_a_day: int) -> int:
    a_day = rectangle.size * steps_a_day
    fitting = BLOCK_VALUES // a_day
    whole_chunk = -(-field.parts[0].chunk[0] // steps_a_day)
    return max(1, fitting, min(whole_chunk, STRETCH * fitting))


@dataclass
class Span:
    """Times of a field that are at hand, so that no chunk is unpacked twice.

    What is loaded reaches to the end of a chunk; what the next block needs of it stays.
    """

    field: Field
    rectangle: Rectangle
    end: int
    """Behind the last time position that is needed at all."""
    start: int = 0
    values: Floats = field_of(default_factory=lambda: np.empty((0, 0)))
    preliminary: NDArray[np.bool_] = field_of(
        default_factory=lambda: np.empty((0, 0), np.bool_)
    )

    def read(self, start: int, stop: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Give the time positions [start, stop); calls follow the order of time."""
        held = self.start + len(self.values)
        if not self.start <= start < held:
            self.start = held = start
            self.values = np.empty((0, len(self.rectangle.inside)))
            self.preliminary = np.empty(self.values.shape, np.bool_)
        if stop > held:
            values, flags = self.field.read(
                held, self._reach(start, stop), self.rectangle
            )
            kept = start - self.start
            self.values = np.concatenate([self.values[kept:], values])
            self.preliminary = np.concatenate([self.preliminary[kept:], flags])
            self.start = start
        wanted = slice(start - self.start, stop - self.start)
        return self.values[wanted], self.preliminary[wanted]

    def _reach(self, start: int, stop: int) -> int:
        """Return the end of the last chunk, unless that would hold too much."""
        reach = min(self.field.find_chunk_end(stop), max(self.end, stop))
        size = (reach - start) * len(self.rectangle.inside)
        return reach if size <= STRETCH * BLOCK_VALUES else stop


def _arrange_days(span: Span, positions: Indices) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the values of some days, (day, step, node), and which are preliminary."""
    present = positions[positions >= 0]
    if not len(present):
        shape = (*positions.shape, len(span.rectangle.inside))
        return np.full(shape, np.nan), np.zeros(len(positions), dtype=bool)
    start, stop = int(present.min()), int(present.max()) + 1
    values, preliminary = span.read(start, stop)
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
