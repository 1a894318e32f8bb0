"""Values asked for before a compiled loop needs them.

A loop that does much with every value looks too few of them ahead for the processor to
have memory busy all the time: sums of pairs are twice as fast from caches.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

from numba.core import cgutils, types
from numba.extending import intrinsic

from somobench.compiling import compile_lazily
from somobench.metrics.kernels.arrays import Floats

LINE = 64  # bytes that memory gives at once
AHEAD = 64  # lines


def _describe_asking(_context: Any, values: Any, place: Any) -> Any:
    """Return the types of `_ask_for` and what generates its code."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = signature.args[0]
        array = context.make_array(kind)(context, builder, arguments[0])
        place_of: Any = cgutils.get_item_pointer
        address = place_of(
            context, builder, kind, array, [arguments[1]], wraparound=False
        )
        byte, number = cgutils.voidptr_t, cgutils.int32_t
        code: Any = cgutils
        asking = code.ir.FunctionType(code.ir.VoidType(), [byte, *[number] * 3])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [byte], asking)
        read, keep, data = number(0), number(3), number(1)
        builder.call(prefetch, [builder.bitcast(address, byte), read, keep, data])
        return context.get_dummy_value()

    return types.void(values, place), generate


_ask_for = cast(Callable[[Floats, int], None], intrinsic(_describe_asking))
"""Ask for a value (time,); a place behind the last one does no harm."""


@compile_lazily()
def count_in_line(values: Floats) -> int:
    """Return how many values memory gives at once."""
    return LINE // values.itemsize


@compile_lazily()
def ask_ahead(values: Floats, first: int, last: int, line: int) -> None:
    """Ask for values (time,) that are needed soon, when those from `first` are due.

    What is behind the series is asked for too: the next row of its array. `line` is
    `count_in_line` of them.
    """
    ahead = AHEAD * line
    for place in range(first + ahead, last + ahead, line):
        _ask_for(values, place)
