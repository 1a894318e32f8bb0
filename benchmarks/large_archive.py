"""An ISMN archive as large as the real one, written in minutes.

    python benchmarks/large_archive.py FILE STATIONS [YEARS]

Stations have two hourly probes each, in the header+values layout. A few bodies of rows
are made and packed once and shared by all files; headers, places and names differ. To a
reader every file is as long and as hard as if it had rows of its own.
"""

from __future__ import annotations

import struct
import sys
import zlib
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
from bench_ismn_scale import DEPTHS, _rows, _times

BODIES = 16
DATE = (46 << 9) | (1 << 5) | 1  # 2026-01-01, as zip writes it
LOCAL = struct.Struct("<4s5H3L2H")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LARGE_END = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")
END = struct.Struct("<4s4H2LH")
FULL = 0xFFFFFFFF


class Body(NamedTuple):
    """Rows of a file, plain and deflated."""

    plain: bytes
    packed: bytes


def make_bodies(years: int, first: int) -> list[Body]:
    """Make rows of some sensors."""
    rng = np.random.default_rng(20261130)
    times = _times(years, first)
    bodies = []
    for _ in range(BODIES):
        plain = _rows(times, rng)
        packer = zlib.compressobj(6, zlib.DEFLATED, -15)
        bodies.append(Body(plain, packer.compress(plain) + packer.flush()))
    return bodies


def write_member(file: BinaryIO, name: bytes, head: bytes, body: Body) -> bytes:
    """Write a member and return its entry of the directory.

    Its header is a stored block of the deflated stream, before that of the body.
    """
    start = file.tell()
    size = len(head)
    packed = struct.pack("<B2H", 0, size, size ^ 0xFFFF) + head + body.packed
    total = zlib.crc32(body.plain, zlib.crc32(head))
    sizes = (total, len(packed), size + len(body.plain))
    file.write(LOCAL.pack(b"PK\3\4", 20, 0, 8, 0, DATE, *sizes, len(name), 0))
    file.write(name)
    file.write(packed)
    # Places beyond 4 GiB stand in an extra field.
    extra = b"" if start < FULL else struct.pack("<2HQ", 1, 8, start)
    fields = (len(name), len(extra), 0, 0, 0, 0, min(start, FULL))
    entry = CENTRAL.pack(b"PK\1\2", 45, 45, 0, 8, 0, DATE, *sizes, *fields)
    return entry + name + extra


def write_archive(path: Path, stations: int, years: int = 24, first: int = 2001) -> int:
    """Write an archive, one station a cell of a quarter of a degree.

    Returns
    -------
    int
        Its size unpacked, bytes.
    """
    bodies = make_bodies(years, first)
    span = f"{first}0101_{first + years - 1}1231"
    entries, unpacked = [], 0
    with path.open("wb") as file:
        for number in range(stations):
            name = f"ST{number:05d}"
            place = f"{30.125 + number // 100:9.5f} {-110.125 + number % 100:10.5f}"
            for depth in DEPTHS:
                head = f"NET NET {name} {place} 100.00 {depth:7.2f} {depth:7.2f} Probe"
                stem = f"NET/{name}/NET_NET_{name}_sm_{depth:.6f}_{depth:.6f}_Probe"
                content = f"{head}\n\r".encode()
                body = bodies[len(entries) % BODIES]
                member = f"{stem}_{span}.stm".encode()
                entries.append(write_member(file, member, content, body))
                unpacked += len(content) + len(body.plain)
        start, count = file.tell(), len(entries)
        directory = b"".join(entries)
        file.write(directory)
        size = len(directory)
        ending = (44, 45, 45, 0, 0, count, count, size, start)
        file.write(LARGE_END.pack(b"PK\6\6", *ending))
        file.write(LOCATOR.pack(b"PK\6\7", 0, start + size, 1))
        few, near = min(count, 0xFFFF), min(start, FULL)
        file.write(END.pack(b"PK\5\6", 0, 0, few, few, size, near, 0))
    return unpacked


if __name__ == "__main__":
    asked = Path(sys.argv[1])
    size = write_archive(asked, int(sys.argv[2]), *map(int, sys.argv[3:4]))
    print(f"{size / 1e9:.1f} GB unpacked, {asked.stat().st_size / 1e9:.2f} GB packed")
