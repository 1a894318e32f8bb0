"""What a Zarr submission may hold, folder or zip, judged by its metadata alone.

Zarr's object codecs can run code, its stores can lead out of the folder, and a zip can
pretend to be small. Codecs and types are an allow-list; consolidated metadata, which
may differ from the arrays' own, is never used.
"""

from __future__ import annotations

import json
import math
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

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
from somobench.submissions.members import (
    DOCUMENTS,
    list_folder_members,
    list_zip_members,
    refuse_large_zip,
)

CODECS = frozenset(
    {
        "blosc",
        "bytes",
        "crc32c",
        "gzip",
        "sharding_indexed",
        "transpose",
        "vlen-utf8",
        "zstd",
    }
)
COMPRESSORS = frozenset({"blosc", "bz2", "gzip", "lz4", "zlib", "zstd"})
FILTERS = frozenset({"crc32", "crc32c", "shuffle", "vlen-utf8"})
NUMBERS = frozenset(
    {"bool", "float16", "float32", "float64"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
TEXT_BYTES = 16  # assumed of a text of no fixed length
TEXTS = {"fixed_length_utf32": 1, "null_terminated_bytes": 1}
"""Types of texts of one length, which stands in their configuration in bytes."""

Read = Callable[[str], bytes]


def inspect_zarr(path: Path, *, whole: bool = True) -> Contents:
    """Return what the metadata of a store declare.

    Parameters
    ----------
    path : Path
    whole : bool
        Whether all of it is read; otherwise each array may have any size, and its
        chunks are limited.

    Raises
    ------
    InputError
        For links, names that lead out, encryption, object types, codecs and types that
        aren't allowed, and sizes beyond the limits.
    """
    try:
        if path.is_dir():
            sizes = list_folder_members(path)
            contents = _sum_contents(
                sizes, lambda name: (path / name).read_bytes(), whole=whole
            )
            if whole:
                stored = sum(sizes.values())
                refuse_emptiness(contents.declared_bytes, stored, path.name)
            return contents
        refuse_large_zip(path)
        with zipfile.ZipFile(path) as archive:
            sizes = list_zip_members(archive)
            contents = _sum_contents(sizes, archive.read, whole=whole)
        if whole:
            stored = path.stat().st_size
            refuse_emptiness(contents.declared_bytes, stored, path.name)
        return contents
    except InputError:
        raise
    except (
        ArithmeticError,
        LookupError,
        OSError,
        RecursionError,
        TypeError,
        ValueError,
        zipfile.BadZipFile,
        struct.error,
    ) as error:
        found = "damaged metadata, or a damaged zip"
        raise refuse(f"submission {path.name}", found, "a sound Zarr store") from error


def _sum_contents(sizes: Mapping[str, int], read: Read, *, whole: bool) -> Contents:
    documents = [name for name in sizes if PurePosixPath(name).name in DOCUMENTS]
    if not documents:
        raise refuse("submission", "a folder or zip without Zarr metadata", "Zarr")
    if len(documents) > MAXIMUM_OBJECTS:
        found = f"{len(documents)} documents"
        raise refuse("Zarr metadata", found, f"at most {MAXIMUM_OBJECTS}")
    declared, arrays = 0, []
    for name in documents:
        if sizes[name] > MAXIMUM_METADATA:
            found = f"{sizes[name]} bytes"
            raise refuse(f"metadata {name}", found, f"at most {MAXIMUM_METADATA}")
        content = json.loads(read(name))
        if not isinstance(content, dict):
            raise refuse(f"metadata {name}", type(content).__name__, "an object")
        if PurePosixPath(name).name == ".zarray":
            declared += _measure_v2(name, content, whole=whole)
        elif content.get("node_type") == "array":
            declared += _measure_v3(name, content, whole=whole)
        else:
            continue
        arrays.append(str(PurePosixPath(name).parent))
        if whole:
            refuse_size(declared)
    return Contents(declared, tuple(sorted(arrays)))


def _measure_v3(name: str, content: Mapping[str, Any], *, whole: bool) -> int:
    if content.get("storage_transformers"):
        raise refuse(f"metadata {name}", "storage transformers", "none")
    itemsize = _parse_itemsize_v3(name, content["data_type"])
    _refuse_codecs(name, content["codecs"])
    grid = content["chunk_grid"]
    if grid["name"] != "regular":
        raise refuse(f"metadata {name}", f"chunk grid {grid['name']}", "regular")
    chunks = grid["configuration"]["chunk_shape"]
    values = _count_chunk_values(name, content["shape"], chunks)
    if not whole:
        refuse_chunk(_multiply_shape(chunks) * itemsize, f"array {name}")
    return values * itemsize


def _parse_itemsize_v3(name: str, kind: Any) -> int:
    if isinstance(kind, dict) and kind.get("name") in TEXTS:
        return _parse_text_size(name, int(kind["configuration"]["length_bytes"]))
    if kind == "string":
        return TEXT_BYTES
    if not isinstance(kind, str) or kind not in NUMBERS:
        raise refuse(f"type in {name}", kind, "numbers or texts")
    return np.dtype(kind).itemsize


def _refuse_codecs(name: str, codecs: list[Any]) -> None:
    for codec in codecs:
        known = codec if isinstance(codec, str) else codec["name"]
        if known not in CODECS:
            raise refuse(f"codec in {name}", known, CODECS)
        settings = {} if isinstance(codec, str) else codec.get("configuration") or {}
        for inner in ("codecs", "index_codecs"):
            _refuse_codecs(name, settings.get(inner, []))


def _measure_v2(name: str, content: Mapping[str, Any], *, whole: bool) -> int:
    filters = [item["id"] for item in content.get("filters") or []]
    compressor = content.get("compressor")
    for used, allowed in (
        (filters, FILTERS),
        ([] if compressor is None else [compressor["id"]], COMPRESSORS),
    ):
        unknown = [item for item in used if item not in allowed]
        if unknown:
            raise refuse(f"codec in {name}", ", ".join(map(str, unknown)), allowed)
    kind = content["dtype"]
    if kind == "|O" and filters == ["vlen-utf8"]:
        itemsize = TEXT_BYTES
    elif isinstance(kind, str) and np.dtype(kind).kind in "biufUS":
        itemsize = max(1, np.dtype(kind).itemsize)
        if np.dtype(kind).kind in "US":
            _parse_text_size(name, itemsize)
    else:
        raise refuse(f"type in {name}", kind, "numbers or texts")
    values = _count_chunk_values(name, content["shape"], content["chunks"])
    if not whole:
        refuse_chunk(_multiply_shape(content["chunks"]) * itemsize, f"array {name}")
    return values * itemsize


def _parse_text_size(name: str, size: int) -> int:
    """Return the bytes of a text, or refuse a label longer than any."""
    if not 0 <= size <= LONGEST_LABEL and PurePosixPath(name).parent.name in LABELS:
        expected = f"at most {LONGEST_LABEL}"
        raise refuse(f"labels in {name}", f"texts of {size} bytes", expected)
    return size


def _count_chunk_values(name: str, shape: list[Any], chunks: list[Any]) -> int:
    """Return the values of an array in whole chunks, which are unpacked as a whole."""
    if len(shape) != len(chunks):
        raise refuse(f"chunks in {name}", chunks, f"{len(shape)} lengths")
    if _multiply_shape(shape) and not _multiply_shape(chunks):
        raise refuse(f"chunks in {name}", chunks, "lengths from 1")
    padded = [
        math.ceil(length / chunk) * chunk if chunk else 0
        for length, chunk in zip(shape, chunks, strict=True)
    ]
    return max(_multiply_shape(padded), _multiply_shape(chunks))


def _multiply_shape(shape: list[Any]) -> int:
    result = 1
    for length in shape:
        if not isinstance(length, int) or length < 0:
            raise refuse("shape of an array", shape, "whole numbers")
        result *= length
    return result
