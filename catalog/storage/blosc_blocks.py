"""Blosc buffers, of which the blocks that somebody needs are decoded.

A buffer of Blosc 1 is a header of 16 bytes, the place of every block (int32), and the
blocks, each compressed for itself (c-blosc, README_CHUNK_FORMAT.rst). Blocks that lie
one behind the other make a buffer again under a header of their own; the codec decodes
that as any other, with all its checks.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
from numcodecs import blosc  # type: ignore[import-untyped]  # ships no types

HEADER = struct.Struct("<4B3I")  # versions, flags, typesize; bytes, of a block, encoded
IS_COPY, IS_WHOLE = 0x2, 0x10  # flags: stored as it is; blocks aren't divided

blosc.use_threads = False  # as zarr sets it: chunks have threads, blocks have none


def decode_range(
    buffer: memoryview,
    target: np.ndarray[Any, np.dtype[np.uint8]],
    start: int,
    stop: int,
) -> None:
    """Decode a buffer into an array, at least its bytes from `start` to `stop`.

    Parameters
    ----------
    buffer : of Blosc
    target : array of as many bytes as the buffer decodes to
    start, stop : bytes

    Raises
    ------
    ValueError, RuntimeError
        If the buffer is damaged, or another number of bytes.
    """
    if len(buffer) < HEADER.size:
        raise ValueError("too short for Blosc")
    *head, total, block, encoded = HEADER.unpack_from(buffer)
    if total != target.size or encoded != len(buffer):
        raise ValueError(
            f"{total} and {encoded} bytes instead of {target.size} and {len(buffer)}"
        )
    count = -(-total // block) if block else 0
    first, last = _choose_blocks(start, stop, block, count)
    if last == count and not head[2] & IS_WHOLE:
        first = min(first, max(0, count - 2))  # a short one, alone, would be divided
    if head[2] & IS_COPY or last - first >= count:
        blosc.decompress(buffer, target)
        return
    places = np.frombuffer(buffer, "<u4", count, HEADER.size)
    ends = np.append(places[1:], encoded)
    if places[0] < HEADER.size + 4 * count or (ends <= places).any():
        blosc.decompress(buffer, target)  # blocks in another order
        return
    decoded = target[first * block : min(last * block, total)]
    chosen = places[first:last] - places[first] + HEADER.size + 4 * (last - first)
    content = buffer[int(places[first]) : int(ends[last - 1])]
    length = HEADER.size + 4 * (last - first) + len(content)
    header = HEADER.pack(*head, decoded.size, min(block, decoded.size), length)
    blosc.decompress(
        b"".join([header, chosen.astype("<u4").tobytes(), content]), decoded
    )


def _choose_blocks(start: int, stop: int, block: int, count: int) -> tuple[int, int]:
    """Return the first block and the one behind the last."""
    return (start // block, -(-stop // block)) if count > 1 else (0, count)
