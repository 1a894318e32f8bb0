"""What a classic netCDF submission may hold, judged by its header alone.

The header counts names, attributes and arrays, and says where each array begins; values
lie in the file unpacked. Nothing that it says is believed before the file has it. The
format: https://docs.unidata.ucar.edu/nug/current/file_format_specifications.html
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import LONGEST_NAME
from somobench.submissions.limits import (
    MAXIMUM_METADATA,
    MAXIMUM_OBJECTS,
    Contents,
    refuse,
    refuse_size,
)

VERSIONS = {1: "classic", 2: "64-bit offsets"}
DIMS, ARRAYS, ATTRIBUTES = 10, 11, 12  # tags of the header's lists
ITEM_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8}  # bytes of a value, by type
UNIT = 4  # bytes to which all is filled up
NOT_COUNTED = 0xFFFFFFFF  # records of a file that was never closed
LARGEST_TOLD = 2**32 - 4  # bytes; larger arrays don't tell their size


class _Array(NamedTuple):
    name: str
    begin: int
    size: int
    """Bytes; of one record where there are records."""
    has_records: bool


def inspect_classic(path: Path, *, whole: bool = True) -> Contents:
    """Return the size of a classic netCDF file, and its arrays.

    Parameters
    ----------
    path : Path
    whole : bool
        Whether all of it is read; otherwise it may have any size.

    Raises
    ------
    InputError
        For other versions, a header that is cut short or makes no sense, arrays beyond
        the end of the file or in each other's place, and too large a file.
    """
    size = path.stat().st_size
    if whole:
        refuse_size(size)
    with path.open("rb") as stream:
        version = stream.read(UNIT)[-1]
        if version not in VERSIONS:
            found = f"classic netCDF of version {version}"
            hint = "nccopy -k nc4 IN OUT"
            raise refuse(f"submission {path.name}", found, VERSIONS.values(), hint)
        arrays, records = _Header(stream, size, version).read()
        _refuse_places(arrays, records, stream.tell(), size)
    return Contents(size, tuple(sorted(array.name for array in arrays)))


class _Header:
    """A header, read from its beginning to its end."""

    def __init__(self, stream: BinaryIO, size: int, version: int) -> None:
        self._stream, self._size = stream, size
        self._place = ">I" if version == 1 else ">Q"

    def read(self) -> tuple[list[_Array], int]:
        """Return the arrays, and how many records there are."""
        records = self._number()
        lengths = [self._dim() for _ in range(self._count(DIMS, "dims"))]
        self._skip_attributes()
        count = self._count(ARRAYS, "arrays")
        return [self._array(lengths) for _ in range(count)], records

    def _take(self, length: int) -> bytes:
        if length > self._size - self._stream.tell():
            found = f"a header that is cut short, after {self._size} bytes"
            raise _make_error(found, "a whole file")
        return self._stream.read(length)

    def _number(self, form: str = ">I") -> int:
        return int(struct.unpack(form, self._take(struct.calcsize(form)))[0])

    def _count(self, tag: int, what: str) -> int:
        """Return the length of a list; nothing has neither a tag nor a length."""
        found, count = self._number(), self._number()
        if found not in {0, tag} or (found == 0 and count):
            raise _make_error(f"tag {found} before {what}", f"tag {tag}")
        if count > MAXIMUM_OBJECTS:
            raise _make_error(f"{count} {what}", f"at most {MAXIMUM_OBJECTS}")
        return count

    def _name(self) -> str:
        length = self._number()
        if length > LONGEST_NAME:
            raise _make_error(f"a name of {length} bytes", f"at most {LONGEST_NAME}")
        return self._take(_fill(length))[:length].decode("utf-8", "replace")

    def _dim(self) -> int:
        self._name()
        return self._number()

    def _skip_attributes(self) -> None:
        for _ in range(self._count(ATTRIBUTES, "attributes")):
            name = self._name()
            size = self._item_size(f"attribute {name}") * self._number()
            if size > MAXIMUM_METADATA:
                found = f"attribute {name} of {size} bytes"
                raise _make_error(found, f"at most {MAXIMUM_METADATA}")
            self._take(_fill(size))

    def _item_size(self, what: str) -> int:
        kind = self._number()
        if kind not in ITEM_SIZES:
            expected = ", ".join(map(str, ITEM_SIZES))
            raise _make_error(f"{what} of type {kind}", f"one of {expected}")
        return ITEM_SIZES[kind]

    def _array(self, lengths: list[int]) -> _Array:
        name = self._name()
        dims = [self._number() for _ in range(self._rank(name, len(lengths)))]
        if any(dim >= len(lengths) for dim in dims):
            found = f"{name} along dim {max(dims)}"
            raise _make_error(found, f"one of {len(lengths)} dims")
        self._skip_attributes()
        item = self._item_size(name)
        shape = [lengths[dim] for dim in dims]
        has_records = bool(shape) and shape[0] == 0
        size = math.prod(shape[has_records:]) * item
        told = self._number()
        if size < LARGEST_TOLD and told not in {size, _fill(size)}:
            raise _make_error(f"{name} of {told} bytes", f"{_fill(size)}, by its dims")
        return _Array(name, self._number(self._place), size, has_records)

    def _rank(self, name: str, dims: int) -> int:
        rank = self._number()
        if rank > MAXIMUM_OBJECTS or (rank and not dims):
            raise _make_error(f"{name} along {rank} dims", f"at most {dims}")
        return rank


def _fill(size: int) -> int:
    return -(-size // UNIT) * UNIT


def _refuse_places(arrays: list[_Array], records: int, start: int, size: int) -> None:
    """Refuse arrays that lie in the header, in each other's place or beyond the end."""
    with_records = [array for array in arrays if array.has_records]
    if with_records and records == NOT_COUNTED:
        raise _make_error("records that nobody counted", "their number")
    further = max(0, records - 1) * _measure_record([it.size for it in with_records])
    free = start
    for array in sorted(arrays, key=lambda it: it.begin):
        if array.begin < free:
            found = f"{array.name} from byte {array.begin} on"
            raise _make_error(found, f"{free} or more")
        free = array.begin + array.size
        end = free + further if array.has_records else free
        if end > size and not (array.has_records and records == 0):
            found = f"{array.name} to byte {end} of a file of {size}"
            raise _make_error(found, "a whole file")


def _measure_record(sizes: list[int]) -> int:
    """Return the bytes of a record: arrays filled up, unless there is only one."""
    return sizes[0] if len(sizes) == 1 else sum(map(_fill, sizes))


def _make_error(found: str, expected: str) -> InputError:
    hint = "the file may be cut short or damaged: write it again"
    return refuse("header of the submission", found, expected, hint)
