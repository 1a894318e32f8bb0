"""What a netCDF 4 (HDF5) submission may hold, judged by its metadata alone.

HDF5 can name other files as the place of a group, of an array's values or of parts of
it, and would read them without a word.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import h5py

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import LABELS, LONGEST_LABEL
from somobench.submissions.limits import (
    MAXIMUM_METADATA,
    MAXIMUM_OBJECTS,
    Contents,
    refuse,
    refuse_chunk,
    refuse_emptiness,
    refuse_size,
)

FILTERS = {1: "deflate", 2: "shuffle", 3: "fletcher32"}
TYPES = {
    h5py.h5t.INTEGER: "integer",
    h5py.h5t.FLOAT: "float",
    h5py.h5t.STRING: "string",
    h5py.h5t.ENUM: "enumeration",
}
LINK_NAMES = {h5py.h5l.TYPE_SOFT: "soft link", h5py.h5l.TYPE_EXTERNAL: "external link"}


def inspect_hdf5(path: Path, *, whole: bool = True) -> Contents:
    """Return what the metadata of a file declare.

    Parameters
    ----------
    path : Path
    whole : bool
        Whether all of it is read; otherwise each array may have any size, and its
        chunks are limited.

    Raises
    ------
    InputError
        For links other than plain ones, values kept in other files, virtual arrays,
        filters and types that aren't allowed, sizes beyond the limits, and arrays that
        are far larger than what the file holds.
    """
    try:
        with h5py.File(path, "r", locking=False) as file:
            walk = _Walk(whole=whole)
            declared = walk.group(file.id, "/")
    except InputError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        found = "a damaged structure, or a file that is cut short"
        raise refuse(f"submission {path.name}", found, "a sound HDF5 file") from error
    if whole:
        refuse_emptiness(declared, path.stat().st_size, path.name)
    return Contents(declared, tuple(sorted(walk.arrays)))


class _Walk:
    """One walk over the objects of a file, none of them twice."""

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole
        self._seen: set[tuple[int, ...]] = set()
        self.arrays: list[str] = []

    def group(self, group: Any, name: str) -> int:
        _refuse_attributes(group, name)
        declared = 0
        for raw in list(group):
            here = f"{name.rstrip('/')}/{raw.decode('utf-8', 'replace')}"
            kind = group.links.get_info(raw).type
            if kind != h5py.h5l.TYPE_HARD:
                shown = LINK_NAMES.get(kind, f"link of type {kind}")
                raise refuse(f"object {here}", shown, "an object of this file")
            declared += self._measure_object(h5py.h5o.open(group, raw), here)
            if self._whole:
                refuse_size(declared)
        return declared

    def _measure_object(self, item: Any, name: str) -> int:
        info = h5py.h5o.get_info(item)
        key = (info.fileno, info.addr)
        if key in self._seen:
            return 0
        self._seen.add(key)
        if len(self._seen) > MAXIMUM_OBJECTS:
            raise refuse("submission", "more objects", f"at most {MAXIMUM_OBJECTS}")
        if isinstance(item, h5py.h5g.GroupID):
            return self.group(item, name)
        if isinstance(item, h5py.h5d.DatasetID):
            self.arrays.append(name.lstrip("/"))
            return _measure_array(item, name, whole=self._whole)
        return 0


def _measure_array(array: Any, name: str, *, whole: bool) -> int:
    _refuse_attributes(array, name)
    created = array.get_create_plist()
    if created.get_external_count():
        found = "values in another file"
        raise refuse(f"array {name}", found, "values in this file")
    if created.get_layout() == h5py.h5d.VIRTUAL:
        raise refuse(f"array {name}", "a virtual array", "values in this file")
    kind = array.get_type()
    if kind.get_class() not in TYPES:
        found = f"type class {kind.get_class()}"
        raise refuse(f"array {name}", found, TYPES.values())
    filters = [created.get_filter(i)[0] for i in range(created.get_nfilters())]
    unknown = [number for number in filters if number not in FILTERS]
    if unknown:
        raise refuse(f"array {name}", f"filters {unknown}", FILTERS.values())
    size = int(kind.get_size())
    shape = array.get_space().get_simple_extent_dims() or ()
    if kind.get_class() == h5py.h5t.STRING:
        _refuse_long_labels(name, size, shape)
    values = math.prod(shape)
    if created.get_layout() == h5py.h5d.CHUNKED:
        chunks = created.get_chunk()
        if not whole:
            refuse_chunk(math.prod(chunks) * size, f"array {name}")
        padded = (-(-a // b) * b for a, b in zip(shape, chunks, strict=True))
        # A chunk is unpacked as a whole, however little of it the array has.
        values = max(math.prod(padded), math.prod(chunks))
    if whole:
        refuse_size(values * size, f"array {name}")
    return values * size


def _refuse_long_labels(name: str, size: int, shape: tuple[int, ...]) -> None:
    """Refuse labels longer than any, in one text or as single letters along a dim."""
    size = max(size, shape[-1] if len(shape) > 1 else 0)
    if name.rpartition("/")[2] in LABELS and size > LONGEST_LABEL:
        expected = f"at most {LONGEST_LABEL}"
        raise refuse(f"labels {name}", f"texts of {size} bytes", expected)


def _refuse_attributes(item: Any, name: str) -> None:
    count = h5py.h5a.get_num_attrs(item)
    if count > MAXIMUM_OBJECTS:
        raise refuse(f"attributes of {name}", count, f"at most {MAXIMUM_OBJECTS}")
    for index in range(count):
        size = h5py.h5a.open(item, index=index).get_storage_size()
        if size > MAXIMUM_METADATA:
            found = f"an attribute of {size} bytes"
            raise refuse(f"attributes of {name}", found, f"at most {MAXIMUM_METADATA}")
