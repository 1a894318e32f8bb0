"""Members of a zip unpacked whole by libdeflate, where `deflate` is installed.

It unpacks station files twice as fast as zlib, and checks their sum seven times as
fast. What isn't as the zip's directory says is left to `zipfile`, whose word counts.
"""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Sequence

_MAGIC = b"PK\x03\x04"
_HEADER_SIZE, _NAMES_AT = 30, 26
_ROOM = 512  # bytes of extra fields that a member may have before its data
_PLAIN_FLAGS = 0x080E  # level of compression, sizes behind the data, names in UTF-8


class Inflater:
    """Reads deflated members of an open zip, from any thread."""

    def __init__(
        self, file: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]
    ) -> None:
        self._descriptor = _find_descriptor(file)
        starts = sorted(entry.header_offset for entry in entries)
        ends = [min(after, file.start_dir) for after in [*starts, file.start_dir][1:]]
        self._ends = dict(zip(starts, ends, strict=True))

    def read(self, entry: zipfile.ZipInfo) -> bytearray | None:
        """Return the bytes of a member, their sum checked; None if it isn't plain."""
        try:
            import deflate
        except ImportError:
            return None
        try:
            packed = self._read_packed(entry)
            if packed is None:
                return None
            content = deflate.deflate_decompress(packed, entry.file_size)
        except (deflate.DeflateError, OSError):
            return None
        if len(content) != entry.file_size or deflate.crc32(content) != entry.CRC:
            return None
        return content

    def _read_packed(self, entry: zipfile.ZipInfo) -> memoryview | None:
        is_deflated = entry.compress_type == zipfile.ZIP_DEFLATED
        first, end = entry.header_offset, self._ends[entry.header_offset]
        fits = 0 <= first <= end - _HEADER_SIZE - entry.compress_size
        if not (is_deflated and fits) or entry.flag_bits & ~_PLAIN_FLAGS:
            return None
        if self._descriptor is None:
            return None
        name = _encode_name(entry)
        ahead = _HEADER_SIZE + len(name)
        size = ahead + _ROOM + entry.compress_size
        block = memoryview(os.pread(self._descriptor, size, first))
        if len(block) < ahead or bytes(block[:4]) != _MAGIC:
            return None
        flags = struct.unpack_from("<H", block, 6)[0]
        lengths = struct.unpack_from("<2H", block, _NAMES_AT)
        start = _HEADER_SIZE + sum(lengths)
        stop = start + entry.compress_size
        is_said = bytes(block[_HEADER_SIZE:ahead]) == name and lengths[0] == len(name)
        is_inside = first + stop <= end
        if flags & ~_PLAIN_FLAGS or not (is_said and is_inside and stop <= len(block)):
            return None
        return block[start:stop]


def _find_descriptor(file: zipfile.ZipFile) -> int | None:
    """Return the descriptor of the file; None for a zip in memory or in another one."""
    try:
        return None if file.fp is None else file.fp.fileno()
    except OSError:
        return None


def _encode_name(entry: zipfile.ZipInfo) -> bytes:
    return entry.orig_filename.encode("utf-8" if entry.flag_bits & 0x800 else "cp437")
