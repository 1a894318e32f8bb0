"""Damaged files and hostile manifests: no release opens from them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from factories.releases import RELEASE, REQUEST
from somobench.catalog import resolve
from somobench.catalog.reader import read_feature_set
from somobench.catalog.verify import verify_release
from somobench.schemas.errors import IntegrityError, UsageError

FILES = (
    "README.md",
    "cells.parquet",
    "features.zarr.zip",
    "forcing.zarr.zip",
    "splits.parquet",
    "targets.zarr.zip",
)


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def keep_times(path: Path, change: Callable[[Path], object]) -> None:
    """Change a file as bit rot does: size and mtime stay."""
    status = path.stat()
    change(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def swap_halves(path: Path) -> None:
    content = path.read_bytes()
    middle = len(content) // 2
    path.write_bytes(content[middle:] + content[:middle])


DAMAGES: dict[str, Callable[[Path], object]] = {
    "first byte": lambda path: flip(path, 0),
    "middle byte": lambda path: flip(path, path.stat().st_size // 2),
    "last byte": lambda path: flip(path, -1),
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "appended": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "emptied": lambda path: path.write_bytes(b""),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "halves swapped": swap_halves,
    "deleted": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "middle byte, mtime kept": lambda path: keep_times(
        path, lambda it: flip(it, it.stat().st_size // 2)
    ),
}


@pytest.mark.parametrize("name", [name for name in FILES if name != "README.md"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_never_opens(toy: Path, name: str, damage: str) -> None:
    release = resolve.resolve(RELEASE)
    assert release.get_path(name) == toy / name
    DAMAGES[damage](toy / name)
    with pytest.raises(IntegrityError, match=name):
        release.get_path(name)


def test_reading_a_feature_set_checks_every_file_that_it_needs(toy: Path) -> None:
    for name in set(FILES) - {"README.md"}:
        flip(toy / name, 100)
        with pytest.raises(IntegrityError, match=name):
            read_feature_set(resolve.resolve(RELEASE), REQUEST)
        flip(toy / name, 100)
    flip(toy / "README.md", 1)
    read_feature_set(resolve.resolve(RELEASE), REQUEST)


@pytest.mark.parametrize("name", FILES)
def test_any_flipped_byte_is_found_by_verify(toy: Path, name: str) -> None:
    size = (toy / name).stat().st_size
    for place in {0, size // 3, size // 2, size - 1}:
        flip(toy / name, place)
        damaged = [
            file.name
            for file in verify_release(resolve.resolve(RELEASE))
            if file.status == "damaged"
        ]
        assert damaged == [name]
        flip(toy / name, place)
    states = {file.status for file in verify_release(resolve.resolve(RELEASE))}
    assert states == {"intact"}


def test_verify_lists_what_does_not_belong_to_the_release(toy: Path) -> None:
    (toy / "notes.txt").write_text("mine")
    extra = [file.name for file in verify_release(resolve.resolve(RELEASE))][-1]
    assert extra == "notes.txt"


HOSTILE_NAMES = (
    "../x",
    "/etc/hostname",
    "a\\b",
    "a/b",
    "..",
    "",
    "-x",
    ".hidden",
    "x\n",
    "x" * 200,
)


def change_manifest(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "MANIFEST.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_a_manifest_with_a_path_that_escapes_is_refused(toy: Path, name: str) -> None:
    def add(content: dict[str, Any]) -> None:
        content["files"][name] = content["files"]["README.md"]

    change_manifest(toy, add)
    with pytest.raises(IntegrityError, match="manifest of release"):
        resolve.resolve(RELEASE)


def md5(content: dict[str, Any]) -> None:
    content["files"]["README.md"]["sha256"] = hashlib.md5(b"x").hexdigest()


def md5_named(content: dict[str, Any]) -> None:
    content["files"]["README.md"]["sha256"] = "md5:" + hashlib.md5(b"x").hexdigest()


def unknown_field(content: dict[str, Any]) -> None:
    content["plugins"] = ["os"]


def negative_size(content: dict[str, Any]) -> None:
    content["files"]["README.md"]["size"] = -1


def other_release(content: dict[str, Any]) -> None:
    content["release"] = "other-0.1.0"


def no_version(content: dict[str, Any]) -> None:
    del content["schema_version"]


@pytest.mark.parametrize(
    "change", [md5, md5_named, unknown_field, negative_size, other_release, no_version]
)
def test_a_manifest_that_breaks_its_schema_is_refused(
    toy: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    change_manifest(toy, change)
    with pytest.raises(IntegrityError, match="manifest of release toy"):
        resolve.resolve(RELEASE)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"\xff\xfe", b"null", b"{}"])
def test_a_damaged_manifest_is_refused(toy: Path, text: bytes) -> None:
    (toy / "MANIFEST.json").write_bytes(text)
    with pytest.raises(IntegrityError, match="manifest of release toy"):
        resolve.resolve(RELEASE)


def test_a_manifest_of_a_later_schema_asks_for_a_newer_package(toy: Path) -> None:
    def later(content: dict[str, Any]) -> None:
        content |= {"schema_version": "2", "something_new": 1}

    change_manifest(toy, later)
    with pytest.raises(UsageError, match="pip install --upgrade somobench"):
        resolve.resolve(RELEASE)


@pytest.mark.parametrize("name", ["cells.parquet", "MANIFEST.json"])
def test_a_link_out_of_the_release_folder_is_refused(
    toy: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "outside"
    shutil.move(toy / name, outside)
    (toy / name).symlink_to(outside)
    with pytest.raises(IntegrityError, match="a link to"):
        resolve.resolve(RELEASE).get_path("cells.parquet")
