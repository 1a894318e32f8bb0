"""Classic netCDF with one defect in its header, made of the bytes of a good file."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from scipy.io import netcdf_file

Random = np.random.Generator
Defect = Callable[[bytes, Random], bytes]
WORDS = (0, 1, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 1_000_000_000)
RECORDS = 4  # place of the number of records


def measure_header(content: bytes) -> int:
    """Return where values begin: what a good file has beside them."""
    with netcdf_file(io.BytesIO(content), mmap=False) as file:
        sizes = [-(-it.data.nbytes // 4) * 4 for it in file.variables.values()]
    return len(content) - sum(sizes)


def cut(content: bytes, rng: Random) -> bytes:
    return content[: int(rng.integers(1, len(content)))]


def cut_header(content: bytes, rng: Random) -> bytes:
    return content[: int(rng.integers(1, measure_header(content)))]


def flip(content: bytes, rng: Random) -> bytes:
    """Flip a bit of the header."""
    changed = bytearray(content)
    changed[int(rng.integers(4, measure_header(content)))] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def put_word(content: bytes, rng: Random) -> bytes:
    """Put a length, tag or type that makes no sense into the header."""
    place = 4 * int(rng.integers(1, measure_header(content) // 4))
    return put(content, place, int(rng.choice(WORDS)).to_bytes(4, "big"))


def put(content: bytes, place: int, word: bytes) -> bytes:
    return content[:place] + word + content[place + len(word) :]


def put_zeros(content: bytes, rng: Random) -> bytes:
    start = int(rng.integers(4, measure_header(content)))
    return put(content, start, bytes(min(64, len(content) - start)))


def swap_bytes(content: bytes, _: Random) -> bytes:
    """Write the header's words in the other byte order."""
    head = measure_header(content) // 4 * 4
    words = np.frombuffer(content[4:head], ">u4").astype("<u4").tobytes()
    return content[:4] + words + content[head:]


SEEDED: Mapping[str, Defect] = MappingProxyType(
    {
        "cut": cut,
        "cut within the header": cut_header,
        "a bit of the header": flip,
        "a word of the header": put_word,
        "zeros in the header": put_zeros,
    }
)
"""Defects that differ from seed to seed."""
ONCE: Mapping[str, Defect] = MappingProxyType(
    {
        "nothing": lambda _, __: b"",
        "a signature alone": lambda content, _: content[:4],
        "a header alone": lambda content, _: content[: measure_header(content)],
        "an unknown version": lambda content, _: put(content, 3, b"\3"),
        "version 5": lambda content, _: put(content, 3, b"\5"),
        "the other version": lambda content, _: put(
            content, 3, b"\2" if content[3] == 1 else b"\1"
        ),
        "a billion records": lambda content, _: put(
            content, RECORDS, (10**9).to_bytes(4, "big")
        ),
        "records without end": lambda content, _: put(content, RECORDS, b"\xff" * 4),
        "the other byte order": swap_bytes,
        "a name of 2 GB": lambda content, _: put(
            content, 16, (2**31 - 4).to_bytes(4, "big")
        ),
        "more at its end": lambda content, _: content + b"x" * 1000,
    }
)
