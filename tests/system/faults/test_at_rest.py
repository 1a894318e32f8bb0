"""No damage to a release at rest goes unseen: identical data, or a typed error."""

from __future__ import annotations

import os
import pickle
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import intake
import numpy as np
import pytest
import xarray as xr

import somobench
from factories.faults import damages
from factories.releases import RELEASE as TOY
from somobench.catalog import registry, resolve
from somobench.catalog.verify import verify_release
from somobench.schemas.errors import InputError, IntegrityError, SomobenchError

pytestmark = pytest.mark.heavy

PACKAGED = [
    name
    for name in registry.list_catalogued()
    if (registry.packaged_folder() / name).is_dir()
]
RELEASE = PACKAGED[-1]
MANIFEST = "MANIFEST.json"
NAMES = sorted(path.name for path in (registry.packaged_folder() / RELEASE).iterdir())
FILES = [name for name in NAMES if not name.startswith(MANIFEST)]
GRIDS = [name for name in FILES if name.endswith(".zarr.zip")]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the packaged release."""
    target = tmp_path_factory.mktemp("pristine") / RELEASE
    return Path(shutil.copytree(registry.packaged_folder() / RELEASE, target))


@pytest.fixture
def folder(pristine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the only copy of the release on this machine; its files are links."""
    target = tmp_path / "here" / RELEASE
    shutil.copytree(pristine, target, copy_function=os.link)
    nowhere = tmp_path / "nothing"
    nowhere.mkdir()
    for module in (registry, resolve):
        monkeypatch.setattr(module, "packaged_folder", lambda: nowhere)
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(target.parent))
    monkeypatch.chdir(tmp_path)  # out of the checkout, which has releases too
    return target


def own(folder: Path, name: str) -> Path:
    """Give a folder of links a copy of one file that may be damaged."""
    path = folder / name
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("release", PACKAGED)
def test_a_packaged_release_is_as_it_was_published(release: str) -> None:
    states = {file.status for file in verify_release(resolve.resolve(release))}
    assert states == {"intact"}


def regions(path: Path) -> dict[str, range]:
    """Return every structural region of a file by its place."""
    size = path.stat().st_size
    found = {"start": range(8), "body": range(size), "end": range(size - 8, size)}
    if path.suffix == ".parquet":
        footer = struct.unpack("<I", path.read_bytes()[-8:-4])[0]
        found["footer"] = range(size - 8 - footer, size - 8)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path) as archive:
            found["central directory"] = range(archive.start_dir, size - 22)
            found["end record"] = range(size - 22, size)
            members = archive.infolist()
        for kind, member in {
            "chunk": max(members, key=lambda member: member.file_size),
            "zarr.json": next(m for m in members if m.filename.endswith("zarr.json")),
        }.items():
            start = member.header_offset
            content = start + 30 + len(member.filename)
            found[f"local header of a {kind}"] = range(start, content)
            found[kind] = range(content, content + member.file_size)
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_flipped_byte_in_any_region_of_a_file_is_refused(
    folder: Path, name: str, rng: np.random.Generator
) -> None:
    release = resolve.resolve(RELEASE)
    path = own(folder, name)
    for places in regions(path).values():
        for place in rng.choice(places, min(12, len(places)), replace=False):
            damages.flip_at(path, int(place))
            with pytest.raises(IntegrityError, match=f"file .*{name}"):
                release.get_path(name)
            damages.flip_at(path, int(place))
    assert release.get_path(name) == path


@pytest.mark.parametrize("name", ["CITATION.cff", "splits.parquet"])
def test_every_single_byte_of_a_small_file_counts(folder: Path, name: str) -> None:
    release = resolve.resolve(RELEASE)
    path = own(folder, name)
    refused = 0
    for place in range(path.stat().st_size):
        damages.flip_at(path, place)
        with pytest.raises(IntegrityError):
            release.get_path(name)
        damages.flip_at(path, place)
        refused += 1
    assert refused == path.stat().st_size


def test_a_flipped_byte_of_the_manifest_is_refused(
    folder: Path, rng: np.random.Generator
) -> None:
    path = own(folder, MANIFEST)
    size = path.stat().st_size
    for place in {0, size - 1, *rng.integers(size, size=200).tolist()}:
        damages.flip_at(path, place)
        with pytest.raises(IntegrityError, match="as the catalog pins it"):
            resolve.resolve(RELEASE)
        damages.flip_at(path, place)
    assert resolve.resolve(RELEASE).folder == folder


def doors(name: str) -> list[Callable[[], object]]:
    catalog = intake.open_catalog(somobench.catalog_path())
    feature_set = "climatology" if name.startswith("features") else "state"
    asked: dict[str, Any] = {"split": "temporal", "scaling": "train"}
    sources = (
        lambda: catalog[RELEASE][feature_set](**asked),
        lambda: catalog[feature_set](release=RELEASE, **asked),
    )
    packaged = [
        lambda lazy=lazy: somobench.open_dataset(
            feature_set, release=RELEASE, lazy=lazy, **asked
        )
        for lazy in (False, True)
    ]
    return [
        *packaged,
        *(lambda source=source: source().read() for source in sources),
        *(lambda source=source: source().to_dask() for source in sources),
    ]


@pytest.mark.parametrize("name", [MANIFEST, *GRIDS, "splits.parquet", "cells.parquet"])
@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "deleted"])
def test_damage_is_refused_at_every_door(
    folder: Path, name: str, damage: str, rng: np.random.Generator
) -> None:
    damages.ANY_FILE[damage](own(folder, name), rng)
    for door in doors(name):
        with pytest.raises(SomobenchError, match=name.partition(".")[0].lower()):
            door()


EVERY_KIND = {**damages.ANY_FILE, **damages.ZIPPED_GRID}
OF_THE_TARGET = set(damages.ZIPPED_GRID) - {"damaged directory"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (name, damage)
        for name in GRIDS
        for damage in EVERY_KIND
        if name == "targets.zarr.zip" or damage not in OF_THE_TARGET
    ],
)
def test_twelve_kinds_of_damage_are_never_silent(
    folder: Path, name: str, damage: str, rng: np.random.Generator
) -> None:
    # the twelfth, a damaged manifest, has tests of its own
    release = resolve.resolve(RELEASE)
    pristine = (folder / name).read_bytes()
    for _ in range(8):
        path = own(folder, name)
        EVERY_KIND[damage](path, rng)
        with pytest.raises(IntegrityError, match=name):
            release.get_path(name)
        path.unlink(missing_ok=True)
        path.write_bytes(pristine)


def lazy_toy() -> xr.Dataset:
    return somobench.open_dataset("state", release=TOY, lazy=True)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("moved", [False, True], ids=["here", "in a worker"])
@pytest.mark.parametrize("damage", EVERY_KIND)
def test_damage_under_a_lazy_reader_is_never_silent(
    toy: Path, damage: str, moved: bool, rng: np.random.Generator
) -> None:
    expected = lazy_toy().compute()
    pristine = (toy / "targets.zarr.zip").read_bytes()
    for _ in range(6):
        lazy = lazy_toy()
        sent = pickle.dumps(lazy) if moved else b""
        path = toy / "targets.zarr.zip"
        EVERY_KIND[damage](path, rng)
        try:
            reader = pickle.loads(sent) if moved else lazy
            found = reader.compute(scheduler="synchronous")
        except IntegrityError as error:
            found = error
        if isinstance(found, IntegrityError):
            assert "targets.zarr.zip" in str(found)
        else:
            xr.testing.assert_identical(found, expected)
        path.unlink(missing_ok=True)
        path.write_bytes(pristine)


def test_a_damaged_chunk_is_reported_by_file_and_member(toy: Path) -> None:
    lazy = lazy_toy()
    path = toy / "targets.zarr.zip"
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo("soil_moisture/c/1/0/0")
    start = member.header_offset + 30 + len(member.filename)
    damages.flip_at(path, start + member.file_size // 2)
    fresh = pickle.loads(pickle.dumps(lazy))  # no good bytes are left in its buffer
    with pytest.raises(
        IntegrityError, match=r"targets\.zarr\.zip[\s\S]*soil_moisture/c/1/0/0: Bad CRC"
    ):
        fresh["soil_moisture"].compute()


def test_a_release_deleted_under_a_reader_is_read_on_or_refused(toy: Path) -> None:
    lazy = lazy_toy()
    sent = pickle.dumps(lazy)
    expected = lazy.compute()
    shutil.rmtree(toy)
    xr.testing.assert_identical(lazy.compute(), expected)  # the file is still open
    with pytest.raises(IntegrityError, match="No such file"):
        pickle.loads(sent)


def test_an_unreadable_disk_is_no_other_content(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.open

    def broken(path: Any, *args: Any, **kwargs: Any) -> int:
        if str(path).endswith("targets.zarr.zip"):
            raise OSError(5, "Input/output error")
        return plain(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", broken)
    release = resolve.resolve(TOY)
    with pytest.raises(InputError, match="Input/output error"):
        release.get_path("targets.zarr.zip")
    damaged = [f.name for f in verify_release(release) if f.status == "damaged"]
    assert damaged == ["targets.zarr.zip"]
