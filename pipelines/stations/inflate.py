"""Members of a zip unpacked whole by libdeflate, where `deflate` is installed.

It unpacks station files twice as fast as zlib, and checks their sum seven times as
fast. What isn't as the zip's directory says is left to `zipfile`, whose word counts.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence

from somobench.catalog.storage.members import (
    LOCAL_HEADER,
    PositionedFile,
    read_raw,
)
from somobench.catalog.storage.zip_directory import ZIP_ERRORS

_PLAIN_FLAGS = 0x080E  # level of compression, sizes behind the data, names in UTF-8


class Inflater:
    """Reads deflated members of an open zip, from any thread."""

    def __init__(
        self, file: zipfile.ZipFile, entries: Sequence[zipfile.ZipInfo]
    ) -> None:
        self._file = _open_again(file)
        starts = sorted(entry.header_offset for entry in entries)
        ends = [min(after, file.start_dir) for after in [*starts, file.start_dir][1:]]
        self._ends = dict(zip(starts, ends, strict=True))

    def read(self, entry: zipfile.ZipInfo) -> bytearray | None:
        """Return the bytes of a member, their sum checked; None if it isn't plain."""
        try:
            import deflate
        except ImportError:
            return None
        if self._file is None or not self._is_plain(entry):
            return None
        try:
            packed = read_raw(self._file, entry, self._ends[entry.header_offset])
            content = deflate.deflate_decompress(packed, entry.file_size)
        except (deflate.DeflateError, *ZIP_ERRORS):
            return None
        if len(content) != entry.file_size or deflate.crc32(content) != entry.CRC:
            return None
        return content

    def _is_plain(self, entry: zipfile.ZipInfo) -> bool:
        """Tell whether a member is deflated, without options, and inside the file."""
        room = self._ends[entry.header_offset] - LOCAL_HEADER.size - entry.compress_size
        is_deflated = entry.compress_type == zipfile.ZIP_DEFLATED
        has_options = bool(entry.flag_bits & ~_PLAIN_FLAGS)
        return is_deflated and not has_options and 0 <= entry.header_offset <= room


def _open_again(file: zipfile.ZipFile) -> PositionedFile | None:
    """Open the file once more; None for a zip in memory or in another one."""
    try:
        return None if file.fp is None else PositionedFile(os.dup(file.fp.fileno()))
    except OSError:
        return None
