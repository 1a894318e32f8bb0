"""What is read is what was verified: bit rot, swapped files, damaged caches, copies."""

from __future__ import annotations

import os
import shutil
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import somobench
from factories.faults import damages
from factories.programs import run
from factories.releases import (
    RELEASE,
    REQUEST,
    copy_release,
    make_catalog,
    make_release,
)
from factories.web import loopback_server as web
from somobench.catalog import registry, resolve
from somobench.catalog.fetching import cache, fetch
from somobench.catalog.fetching.cache import object_path
from somobench.catalog.reader import read_feature_set
from somobench.catalog.release_files import ReleaseFiles
from somobench.catalog.verify import fetch_release
from somobench.schemas.errors import IntegrityError, NetworkError

pytestmark = pytest.mark.heavy

TABLES = ("cells.parquet", "splits.parquet")


def settle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be old enough for their verification to be recorded."""
    later = time.time() + 60
    monkeypatch.setattr(cache.time, "time", lambda: later)


def read_all(**options: Any) -> xr.Dataset:
    return somobench.open_dataset(
        "state", release=RELEASE, split="temporal", scaling="train", **options
    )


def rot(path: Path, place: int) -> None:
    """Flip a bit of a file whose size and times stay as they were."""
    state = path.stat()
    damages.flip_at(path, place)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def freeze_change_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the change time, which no program can set back but a disk keeps."""
    plain = cache._state
    monkeypatch.setattr(cache, "_state", lambda *args: (*plain(*args)[:4], 0))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_rots_after_its_verification_is_refused(
    toy: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator, name: str
) -> None:
    settle(monkeypatch)
    freeze_change_times(monkeypatch)
    read_all()
    path = toy / name
    files = ReleaseFiles(resolve.resolve(RELEASE), lazy=False)
    for place in rng.integers(path.stat().st_size, size=20).tolist():
        rot(path, place)
        for forget in (lambda: None, cache._verified.clear):  # this process, another
            forget()
            with pytest.raises(IntegrityError, match=name):
                files.table(name)
        rot(path, place)
    rot(path, 50)
    with pytest.raises(IntegrityError, match=name):
        read_all()


def test_a_grid_that_rots_after_its_verification_is_never_silent(
    toy: Path, monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator
) -> None:
    settle(monkeypatch)
    freeze_change_times(monkeypatch)
    expected = read_all()
    for name in ("targets.zarr.zip", "forcing.zarr.zip", "features.zarr.zip"):
        path = toy / name
        refused = 0
        for place in rng.integers(path.stat().st_size, size=8).tolist():
            rot(path, place)
            try:
                found: object = read_all()
            except IntegrityError as error:
                found = error
            if isinstance(found, xr.Dataset):
                xr.testing.assert_identical(found, expected)
            refused += isinstance(found, IntegrityError)
            rot(path, place)
        assert refused > 0


GRIDS = ("targets.zarr.zip", "forcing.zarr.zip", "features.zarr.zip")


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", [*GRIDS, *TABLES])
def test_a_file_swapped_after_it_was_hashed_is_not_read(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, lazy: bool
) -> None:
    # the other file is whole in itself: no checksum inside it is wrong
    monkeypatch.setattr(cache, "SETTLED_SECONDS", 1e9)  # so that each reading hashes
    other = make_release(tmp_path / "other", count=3) / name
    expected = read_all()
    plain = cache._hash

    def hash_then_swap(*args: Any) -> str:
        digest = plain(*args)
        if str(args[-1]).endswith(name) and other.exists():
            other.replace(toy / name)
        return digest

    monkeypatch.setattr(cache, "_hash", hash_then_swap)
    try:
        found: object = read_all(lazy=lazy).compute(scheduler="synchronous")
    except IntegrityError as error:
        found = error
    assert not other.exists()
    if isinstance(found, xr.Dataset):
        xr.testing.assert_identical(found, expected)
    else:
        assert name in str(found)


def test_a_manifest_swapped_in_the_cache_after_it_was_hashed_is_not_read(
    remote: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = remote()
    expected = resolve.resolve(RELEASE, catalog).manifest_sha256
    other = make_release(tmp_path / "other", title="Other") / "MANIFEST.json"
    path = object_path(expected)
    plain = cache._hash

    def hash_then_swap(*args: Any) -> str:
        digest = plain(*args)
        if other.exists():
            other.replace(path)
        return digest

    monkeypatch.setattr(cache, "_hash", hash_then_swap)
    try:
        found = resolve.resolve(RELEASE, catalog)
    except IntegrityError:
        return
    assert found.manifest.title == "Toy"
    assert found.manifest_sha256 == expected


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a maker of catalogs whose release is on a server alone."""
    folder = copy_release(tmp_path / "origin")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "_sleep", lambda _: None)
    monkeypatch.chdir(tmp_path)

    def answer(handler: web.Handler) -> None:
        path = folder / handler.path.rpartition("/")[2]
        if path.exists():
            web.body(path.read_bytes())(handler)
        else:
            web.status(404)(handler)

    with web.serving(answer) as server:
        catalog = make_catalog(tmp_path, folder, server.base)
        monkeypatch.setattr(registry, "catalog_folder", lambda: catalog)
        yield lambda: catalog


DAMAGED = ("MANIFEST.json", "targets.zarr.zip", "splits.parquet")


def object_of(name: str) -> Path:
    release = resolve.resolve(RELEASE)
    if name == "MANIFEST.json":
        return object_path(release.manifest_sha256)
    return object_path(release.remote(name).sha256)


@pytest.mark.parametrize("damage", ["flipped bit", "truncated", "appended"])
@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_object_is_fetched_again_by_opening_and_by_fetching(
    remote: Any,
    monkeypatch: pytest.MonkeyPatch,
    rng: np.random.Generator,
    name: str,
    damage: str,
) -> None:
    expected = read_all()
    path = object_of(name)
    fetches: tuple[Callable[[], object], ...] = (
        lambda: xr.testing.assert_identical(read_all(), expected),
        lambda: fetch_release(resolve.resolve(RELEASE)),
        lambda: run(monkeypatch, "fetch", RELEASE),
    )
    content = path.read_bytes()
    for repair in fetches:
        damages.ANY_FILE[damage](path, rng)
        repair()
        assert path.read_bytes() == content
    xr.testing.assert_identical(read_all(), expected)


@pytest.mark.parametrize("name", DAMAGED)
def test_offline_a_damaged_object_is_reported_with_the_command_and_kept(
    remote: Any, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    read_all()
    path = object_of(name)
    damages.flip_at(path, 5)
    kept = path.read_bytes()
    monkeypatch.setenv("SOMOBENCH_OFFLINE", "1")
    with pytest.raises(IntegrityError, match="somobench fetch"):
        read_all()
    assert path.read_bytes() == kept


def test_a_damaged_object_that_no_mirror_has_is_kept(
    remote: Any, tmp_path: Path
) -> None:
    read_all()
    path = object_of("splits.parquet")
    damages.flip_at(path, 5)
    kept = path.read_bytes()
    (tmp_path / "origin" / RELEASE / "splits.parquet").unlink()
    with pytest.raises(NetworkError, match="404"):
        read_all()
    assert path.read_bytes() == kept  # it may be the only copy left


@pytest.mark.parametrize("damage", ["other content", "no manifest", "broken manifest"])
def test_a_damaged_nearer_copy_is_passed_over_with_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    good = copy_release(tmp_path / "good")
    near = copy_release(tmp_path / "near")
    catalog = make_catalog(tmp_path, good)
    manifest = near / "MANIFEST.json"
    if damage == "no manifest":
        manifest.unlink()
    elif damage == "broken manifest":
        manifest.unlink()
        manifest.mkdir()
    else:
        manifest.write_text(manifest.read_text() + " ")
    both = os.pathsep.join([str(near.parent), str(good.parent)])
    monkeypatch.setenv("SOMOBENCH_RELEASES", both)
    with pytest.warns(UserWarning, match="passed over") as caught:
        found = resolve.resolve(RELEASE, catalog)
    assert found.folder == good
    assert [str(near) in str(warning.message) for warning in caught] == [True]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert resolve.resolve(RELEASE, catalog).folder == good


def test_an_intact_nearer_copy_is_read_without_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, near = copy_release(tmp_path / "far"), copy_release(tmp_path / "near")
    catalog = make_catalog(tmp_path, far)
    both = os.pathsep.join([str(near.parent), str(far.parent)])
    monkeypatch.setenv("SOMOBENCH_RELEASES", both)
    shutil.rmtree(far)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        release = resolve.resolve(RELEASE, catalog)
    assert release.folder == near
    assert read_feature_set(release, REQUEST).sizes["time"] == 10
