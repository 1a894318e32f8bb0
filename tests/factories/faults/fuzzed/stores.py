"""Zarr stores with one defect, made of the members of a good one."""

from __future__ import annotations

import json
import tempfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

Random = np.random.Generator
Members = dict[str, bytes]
Defect = Callable[[Members, Random], Members]
VALUES = "soil_moisture"
LARGE = 1_000_000_000
PICKLE = {"id": "pickle", "protocol": 4}
EXECUTED = Path(tempfile.gettempdir(), "somobench-executed-a-submission")
PAYLOAD = f"cposix\nsystem\n(S'touch {EXECUTED}'\ntR.".encode()
"""A pickle that leaves a file, once it is loaded."""


def find_document(members: Members, array: str = VALUES) -> str:
    """Return the name of an array's document."""
    names = (f"{array}/zarr.json", f"{array}/.zarray")
    return next(name for name in names if name in members)


def find_attributes(members: Members) -> str:
    name = f"{VALUES}/.zattrs"
    return name if name in members else find_document(members)


def find_chunks(members: Members, array: str = VALUES) -> list[str]:
    start = f"{array}/"
    documents = ("zarr.json", ".zarray", ".zattrs")
    names = [name for name in members if name.startswith(start)]
    return sorted(name for name in names if not name.endswith(documents))


def put(array: str = VALUES, **given: Any) -> Defect:
    """Put other entries into an array's document."""

    def change(members: Members, _: Random) -> Members:
        name = find_document(members, array)
        document = json.loads(members[name]) | given
        return members | {name: json.dumps(document).encode()}

    return change


def drop(key: str, array: str = VALUES) -> Defect:
    def change(members: Members, _: Random) -> Members:
        name = find_document(members, array)
        document = json.loads(members[name])
        document.pop(key, None)
        return members | {name: json.dumps(document).encode()}

    return change


def attribute(**given: Any) -> Defect:
    """Put other attributes beside the values."""

    def change(members: Members, _: Random) -> Members:
        name = find_attributes(members)
        document = json.loads(members[name])
        if name.endswith(".zattrs"):
            document |= given
        else:
            document["attributes"] |= given
        return members | {name: json.dumps(document).encode()}

    return change


def write(content: bytes) -> Defect:
    """Write something else in the place of an array's document."""
    return lambda members, _: members | {find_document(members): content}


def flip(members: Members, rng: Random) -> Members:
    """Flip a bit of a document."""
    names = sorted(it for it in members if "zarr.json" in it or "/.z" in it)
    name = str(rng.choice(names))
    content = bytearray(members[name])
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    return members | {name: bytes(content)}


def cut_document(members: Members, rng: Random) -> Members:
    name = find_document(members, str(rng.choice([VALUES, "cell", "time"])))
    return members | {name: members[name][: int(rng.integers(len(members[name])))]}


def flip_chunk(members: Members, rng: Random) -> Members:
    """Flip a bit of packed values, which are packed with a checksum."""
    name = str(rng.choice(find_chunks(members)))
    content = bytearray(members[name])
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    return members | {name: bytes(content)}


def in_chunk(content: Callable[[bytes], bytes], array: str = VALUES) -> Defect:
    """Write something else in the place of a chunk."""

    def change(members: Members, _: Random) -> Members:
        name = find_chunks(members, array)[0]
        return members | {name: content(members[name])}

    return change


def drop_chunk(members: Members, _: Random) -> Members:
    gone = find_chunks(members)[0]
    return {name: content for name, content in members.items() if name != gone}


def make_bomb(_: bytes) -> bytes:
    """Return zeros that unpack to 1 GB, whatever an array's document says."""
    packer = zlib.compressobj(9)
    blocks = [packer.compress(bytes(10**7)) for _ in range(100)]
    return b"".join([*blocks, packer.flush()])


def loaded(change: Defect, array: str = VALUES) -> Defect:
    """Let the chunks of an array that says so be pickles."""

    def spoil(members: Members, rng: Random) -> Members:
        chunks = dict.fromkeys(find_chunks(members, array), PAYLOAD)
        return change(members | chunks, rng)

    return spoil


DEEP = b"[" * 100_000
ANY_VERSION: dict[str, Defect] = {
    "a shape of a billion": put(shape=[2, 6, LARGE]),
    "a shape below zero": put(shape=[-1, -6, 30]),
    "a shape of texts": put(shape=["2", "6", "30"]),
    "a shape of fractions": put(shape=[2.5, 6, 30]),
    "a shape of truths": put(shape=[True, True, True]),
    "no dim": put(shape=[]),
    "a thousand dims": put(shape=[1] * 1000),
    "a shape of 1e300": put(shape=[10**300, 1, 1]),
    "no shape": drop("shape"),
    "no fill value": drop("fill_value"),
    "a fill value of text": put(fill_value="x" * 100_000),
    "a fill value of lists": put(fill_value=[[[]]]),
    "another version": put(zarr_format=7),
    "a version as text": put(zarr_format="2"),
    "no version": drop("zarr_format"),
    "a key more": put(secret={"a": [1, 2]}),
    "a billion labels": put("cell", shape=[LARGE]),
    "no unit": attribute(units=None),
    "units of 900 kB": attribute(units="m" * 900_000),
    "units of 2 MB": attribute(units="m" * 2_000_000),
    "a factor of text": attribute(scale_factor="x"),
    "a factor of 1e300": attribute(scale_factor=1e300),
    "a factor of nothing": attribute(scale_factor=0),
    "a scaling of another kind": attribute(scaling={"a": 1}),
    "a fill of lists": attribute(_FillValue=[1, 2]),
    "coordinates of numbers": attribute(coordinates=7),
    "a grid mapping elsewhere": attribute(grid_mapping="/etc/passwd"),
    "a document of endless depth": write(DEEP),
    "a document of 2 MB": write(b'{"a": "' + b"x" * 2_000_000 + b'"}'),
    "a document of nothing": write(b""),
    "a document of a list": write(b"[]"),
    "a document of null": write(b"null"),
    "a document that isn't UTF-8": write(b"\xff\xfe{}"),
    "a number without end": write(b'{"shape": [1' + b"0" * 10_000 + b"]}"),
    "a chunk of nothing": in_chunk(lambda _: b""),
    "a chunk of a byte": in_chunk(lambda _: b"\0"),
    "a chunk that is cut": in_chunk(lambda it: it[: len(it) // 2]),
    "a chunk and more": in_chunk(lambda it: it + b"x" * 100),
    "a chunk of another array": lambda members, _: (
        members | {find_chunks(members)[0]: members[find_chunks(members, "time")[0]]}
    ),
    "a chunk that unpacks to 1 GB": in_chunk(make_bomb),
    "labels that unpack to 1 GB": in_chunk(make_bomb, "cell"),
    "no chunk": drop_chunk,
}
VERSION_2: dict[str, Defect] = {
    "chunks of nothing": put(chunks=[0, 0, 0]),
    "chunks below zero": put(chunks=[-1, -6, -30]),
    "chunks of a billion": put(chunks=[2, 6, LARGE]),
    "chunks of other dims": put(chunks=[2]),
    "objects": put(dtype="|O"),
    "objects by pickle": loaded(put(dtype="|O", filters=[PICKLE], compressor=None)),
    "numbers by pickle": loaded(put(filters=[PICKLE], compressor=None)),
    "packed by pickle": loaded(put(compressor=PICKLE)),
    "objects by JSON": put(dtype="|O", filters=[{"id": "json2"}]),
    "objects by msgpack": put(dtype="|O", filters=[{"id": "msgpack2"}]),
    "labels by pickle": loaded(
        put("cell", dtype="|O", filters=[PICKLE], compressor=None), "cell"
    ),
    "categories": put(filters=[{"id": "categorize", "labels": ["a"], "dtype": "|O"}]),
    "a type of its own": put(dtype="|V8"),
    "a type of fields": put(dtype=[["a", "<f4"], ["b", "<f4"]]),
    "an unknown type": put(dtype="<x9"),
    "a wider type": put(dtype="<f8"),
    "times": put(dtype="<M8[ns]"),
    "spans": put(dtype="<m8[D]"),
    "complex numbers": put(dtype="<c8"),
    "texts of 1 MB": put("cell", dtype="<U1000000"),
    "a type of nothing": put(dtype=None),
    "no compressor": put(compressor=None),
    "a missing compressor": put(compressor={"id": "nowhere"}),
    "a compressor of no name": put(compressor={"level": 1}),
    "a compressor as text": put(compressor="zlib"),
    "a level of text": put(compressor={"id": "zlib", "level": "x"}),
    "a command as compressor": put(compressor={"id": "os.system", "cmd": "id"}),
    "filters as text": put(filters="shuffle"),
    "a shuffle of a billion": put(filters=[{"id": "shuffle", "elementsize": LARGE}]),
    "an unknown order": put(order="Q"),
    "Fortran's order": put(order="F"),
    "an unknown separator": put(dimension_separator="../"),
    "no dims": attribute(_ARRAY_DIMENSIONS=None),
    "other dims": attribute(_ARRAY_DIMENSIONS=["a", "b", "c"]),
    "dims twice": attribute(_ARRAY_DIMENSIONS=["cell", "cell", "time"]),
    "dims of numbers": attribute(_ARRAY_DIMENSIONS=[1, 2, 3]),
    "dims in another order": attribute(_ARRAY_DIMENSIONS=["time", "cell", "layer"]),
}


def grid_of(*lengths: Any) -> dict[str, Any]:
    return {"name": "regular", "configuration": {"chunk_shape": [*lengths]}}


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
VERSION_3: dict[str, Defect] = {
    "chunks of nothing": put(chunk_grid=grid_of(0, 0, 0)),
    "chunks below zero": put(chunk_grid=grid_of(-1, -6, -30)),
    "chunks of a billion": put(chunk_grid=grid_of(2, 6, LARGE)),
    "chunks of other dims": put(chunk_grid=grid_of(2)),
    "an irregular grid": put(chunk_grid={"name": "rectilinear"}),
    "a grid of nothing": put(chunk_grid=None),
    "pickle": loaded(put(codecs=[{"name": "numcodecs.pickle"}])),
    "labels by pickle": loaded(
        put("cell", codecs=[{"name": "numcodecs.pickle"}]), "cell"
    ),
    "an unknown codec": put(codecs=[BYTES, {"name": "nowhere"}]),
    "a codec without a name": put(codecs=[{"configuration": {}}]),
    "codecs as text": put(codecs="bytes"),
    "no codec": put(codecs=[]),
    "codecs a thousand deep": put(
        codecs=json.loads(
            '[{"name": "sharding_indexed", "configuration": {"codecs": ' * 300
            + "[]"
            + "}}]" * 300
        )
    ),
    "a shuffle of a billion": put(
        codecs=[
            BYTES,
            {
                "name": "blosc",
                "configuration": {
                    "cname": "zstd",
                    "clevel": 5,
                    "shuffle": "shuffle",
                    "typesize": LARGE,
                    "blocksize": LARGE,
                },
            },
        ]
    ),
    "objects": put(data_type="object"),
    "a type of its own": put(data_type={"name": "struct", "configuration": {}}),
    "times": put(
        data_type={
            "name": "numpy.datetime64",
            "configuration": {"unit": "ns", "scale_factor": 1},
        }
    ),
    "a wider type": put(data_type="float64"),
    "a type of nothing": put(data_type=None),
    "transformers": put(storage_transformers=[{"name": "x"}]),
    "an unknown key": put(chunk_key_encoding={"name": "nowhere"}),
    "a separator that climbs": put(
        chunk_key_encoding={"name": "default", "configuration": {"separator": "../"}}
    ),
    "no names of dims": put(dimension_names=None),
    "other dims": put(dimension_names=["a", "b", "c"]),
    "dims twice": put(dimension_names=["cell", "cell", "time"]),
    "an unknown node": put(node_type="link"),
    "values as a group": put(node_type="group"),
}
SEEDED: Mapping[str, Defect] = MappingProxyType(
    {
        "a bit of a document": flip,
        "a document that is cut": cut_document,
        "a bit of a chunk": flip_chunk,
    }
)
"""Defects that differ from seed to seed."""
ONCE: Mapping[int, Mapping[str, Defect]] = MappingProxyType(
    {2: ANY_VERSION | VERSION_2, 3: ANY_VERSION | VERSION_3}
)
"""Other defects, by version of Zarr."""
