"""What a Zarr submission may hold, folder or zip, told from its metadata alone.

Zarr's object codecs can run code, its stores can lead out of the folder, and a zip can
pretend to be small. Codecs and types are an allow-list; consolidated metadata, which
may differ from the arrays' own, is never used.
"""

from __future__ import annotations

import json
import os
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from somobench.schemas.errors import InputError
from somobench.submissions.limits import (
    MAXIMUM_METADATA,
    MAXIMUM_OBJECTS,
    refuse,
    refuse_size,
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
    {"bool", "float32", "float64"}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
)
TEXT_BYTES = 16  # assumed of a text of no fixed length
DOCUMENTS = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")
MAXIMUM_MEMBERS = 100_000
MAXIMUM_DIRECTORY = 32_000_000  # bytes of a zip's table of contents
_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENCRYPTED = 0x1

Read = Callable[[str], bytes]


def declared_in_zarr(path: Path) -> int:
    """Return the bytes that all arrays of a store take, unpacked.

    Raises
    ------
    InputError
        For links, names that lead out, encryption, object types, codecs and types that
        aren't allowed, and sizes beyond the limits.
    """
    try:
        if path.is_dir():
            sizes = _members_of_folder(path)
            return _declared(sizes, lambda name: (path / name).read_bytes())
        _refuse_large_directory(path)
        with zipfile.ZipFile(path) as archive:
            return _declared(_members_of_zip(archive), archive.read)
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
        raise refuse(f"submission {path.name}", error, "a sound Zarr store") from error


def _members_of_folder(path: Path) -> dict[str, int]:
    sizes: dict[str, int] = {}
    pending = [path]
    while pending:
        for entry in os.scandir(pending.pop()):
            here = Path(entry.path)
            name = here.relative_to(path).as_posix()
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                pending.append(here)
            elif stat.S_ISREG(mode):
                sizes[name] = entry.stat(follow_symlinks=False).st_size
            else:
                raise refuse(f"member {name}", "a link or device", "a plain file")
            if len(sizes) + len(pending) > MAXIMUM_MEMBERS:
                raise refuse(path.name, "more members", f"at most {MAXIMUM_MEMBERS}")
    return sizes


def _refuse_large_directory(path: Path) -> None:
    """Refuse a zip whose table of contents alone would fill the memory."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(max(0, size - 65_536 - _END.size))
        tail = stream.read()
        start = tail.rfind(b"PK\x05\x06")
        if start < 0:
            raise refuse(path.name, "no end of the zip", "a whole zip")
        end = _END.unpack_from(tail, start)
        members, length = end[4], end[5]
        if start >= _LOCATOR_64.size:
            locator = _LOCATOR_64.unpack_from(tail, start - _LOCATOR_64.size)
            if locator[0] == b"PK\x06\x07":
                stream.seek(locator[2])
                record = _END_64.unpack(stream.read(_END_64.size))
                members, length = record[7], record[8]
    if members > MAXIMUM_MEMBERS or length > MAXIMUM_DIRECTORY:
        found = f"{members} members, a table of contents of {length} bytes"
        expected = f"at most {MAXIMUM_MEMBERS} and {MAXIMUM_DIRECTORY}"
        raise refuse(path.name, found, expected)


def _members_of_zip(archive: zipfile.ZipFile) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for item in archive.infolist():
        name = item.filename
        parts = PurePosixPath(name).parts
        leads_out = name.startswith("/") or ".." in parts or "\\" in name
        if leads_out or ":" in name or item.orig_filename != name:
            raise refuse(f"member {name[:80]!r}", "a path", "a name inside the zip")
        kind = stat.S_IFMT(item.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise refuse(f"member {name}", "a link or device", "a plain file")
        if item.flag_bits & _ENCRYPTED:
            raise refuse(f"member {name}", "encryption", "a plain file")
        if item.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            found = f"zip method {item.compress_type}"
            raise refuse(f"member {name}", found, ("stored", "deflated"))
        if name in sizes:
            raise refuse(f"member {name}", "it is there twice", "each member once")
        if not item.is_dir():
            sizes[name] = item.file_size
    refuse_size(sum(sizes.values()), "members of the zip")
    return sizes


def _declared(sizes: Mapping[str, int], read: Read) -> int:
    documents = [name for name in sizes if PurePosixPath(name).name in DOCUMENTS]
    if not documents:
        raise refuse("submission", "a folder or zip without Zarr metadata", "Zarr")
    if len(documents) > MAXIMUM_OBJECTS:
        found = f"{len(documents)} documents"
        raise refuse("Zarr metadata", found, f"at most {MAXIMUM_OBJECTS}")
    declared = 0
    for name in documents:
        if sizes[name] > MAXIMUM_METADATA:
            found = f"{sizes[name]} bytes"
            raise refuse(f"metadata {name}", found, f"at most {MAXIMUM_METADATA}")
        content = json.loads(read(name))
        if not isinstance(content, dict):
            raise refuse(f"metadata {name}", type(content).__name__, "an object")
        if PurePosixPath(name).name == ".zarray":
            declared += _declared_in_v2(name, content)
        elif content.get("node_type") == "array":
            declared += _declared_in_v3(name, content)
        refuse_size(declared)
    return declared


def _declared_in_v3(name: str, content: Mapping[str, Any]) -> int:
    if content.get("storage_transformers"):
        raise refuse(f"metadata {name}", "storage transformers", "none")
    itemsize = _itemsize_v3(name, content["data_type"])
    _refuse_codecs(name, content["codecs"])
    grid = content["chunk_grid"]
    if grid["name"] != "regular":
        raise refuse(f"metadata {name}", f"chunk grid {grid['name']}", "regular")
    chunk = _volume(grid["configuration"]["chunk_shape"]) * itemsize
    refuse_size(chunk, f"a chunk of {name}")
    return _volume(content["shape"]) * itemsize


def _itemsize_v3(name: str, kind: Any) -> int:
    if isinstance(kind, dict) and kind.get("name") == "fixed_length_utf32":
        return int(kind["configuration"]["length_bytes"])
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


def _declared_in_v2(name: str, content: Mapping[str, Any]) -> int:
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
    else:
        raise refuse(f"type in {name}", kind, "numbers or texts")
    refuse_size(_volume(content["chunks"]) * itemsize, f"a chunk of {name}")
    return _volume(content["shape"]) * itemsize


def _volume(shape: list[Any]) -> int:
    result = 1
    for length in shape:
        if not isinstance(length, int) or length < 0:
            raise refuse("shape of an array", shape, "whole numbers")
        result *= length
    return result
