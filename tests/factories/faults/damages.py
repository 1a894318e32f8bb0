"""Twelve kinds of damage to a file at rest, drawn by a seeded generator."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

Damage = Callable[[Path, np.random.Generator], None]


def flip(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


def flip_at(path: Path, place: int) -> None:
    with path.open("r+b") as stream:
        stream.seek(place)
        letter = stream.read(1)[0]
        stream.seek(place)
        stream.write(bytes([letter ^ 0x10]))


def zero_block(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    start = int(rng.integers(len(content)))
    block = content[start : start + 512]
    content[start : start + 512] = bytes(len(block))
    if any(block):
        path.write_bytes(content)
    else:
        flip(path, rng)


def truncate(path: Path, rng: np.random.Generator) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(rng.integers(len(content)))])


def append(path: Path, rng: np.random.Generator) -> None:
    path.write_bytes(path.read_bytes() + rng.bytes(int(rng.integers(1, 99))))


def delete(path: Path, rng: np.random.Generator) -> None:
    path.unlink()


def damage_directory(path: Path, rng: np.random.Generator) -> None:
    """Flip a byte of the zip's central directory or of its end record."""
    with zipfile.ZipFile(path) as archive:
        start = archive.start_dir
    flip_at(path, int(rng.integers(start, path.stat().st_size)))


def _members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(members: list[tuple[str, bytes]], path: Path) -> None:
    """Write a zip that is right in itself: its checksums suit its new content."""
    fresh = path.with_name(path.name + ".new")
    with zipfile.ZipFile(fresh, "w") as archive:
        for name, content in members:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content)
    fresh.replace(path)


def _chunks(members: dict[str, bytes], array: str = "soil_moisture") -> list[str]:
    return [name for name in members if name.startswith(f"{array}/c/")]


def swap_chunks(path: Path, rng: np.random.Generator) -> None:
    members = _members(path)
    first, second = rng.choice(_chunks(members), 2, replace=False)
    members[first], members[second] = members[second], members[first]
    _write([*members.items()], path)


def older_chunk(path: Path, rng: np.random.Generator) -> None:
    """Put a chunk in the place of another that fits it: same shape and codec."""
    members = _members(path)
    chunk = str(rng.choice(_chunks(members)))
    members[chunk] = members[chunk.replace("soil_moisture/", "soil_moisture_in_situ/")]
    _write([*members.items()], path)


def drop_chunk(path: Path, rng: np.random.Generator) -> None:
    members = _members(path)
    del members[str(rng.choice(_chunks(members)))]
    _write([*members.items()], path)


def edit_metadata(path: Path, rng: np.random.Generator) -> None:
    """Change shape, fill value, codec or units of the target, validly."""
    members = _members(path)
    content = json.loads(members["soil_moisture/zarr.json"])
    kind = rng.choice(["shape", "fill", "codec", "units"])
    if kind == "shape":
        content["shape"][-1] -= 1
    elif kind == "fill":
        content["fill_value"] = 0.25
    elif kind == "codec":
        content["codecs"][0]["configuration"]["endian"] = "big"
    else:
        content["attributes"]["scale_factor"] = 100.0
    members["soil_moisture/zarr.json"] = json.dumps(content).encode()
    _write([*members.items()], path)


def duplicate_member(path: Path, rng: np.random.Generator) -> None:
    """Add a second member of the name of a chunk, which readers take instead."""
    members = _members(path)
    chunks = _chunks(members)
    first, second = rng.choice(chunks, 2, replace=False)
    _write([*members.items(), (first, members[second])], path)


ANY_FILE: dict[str, Damage] = {
    "flipped bit": flip,
    "zeroed block": zero_block,
    "truncated": truncate,
    "appended": append,
    "deleted": delete,
}
ZIPPED_GRID: dict[str, Damage] = {
    "damaged directory": damage_directory,
    "two chunks swapped": swap_chunks,
    "chunk of elsewhere": older_chunk,
    "chunk gone": drop_chunk,
    "edited metadata": edit_metadata,
    "member twice": duplicate_member,
}
