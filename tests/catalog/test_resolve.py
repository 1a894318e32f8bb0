"""From a release id to verified files: where they may lie, and what is remembered."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import xarray as xr

import somobench
from factories.releases import (
    RELEASE,
    REQUEST,
    copy_release,
    make_catalog,
    make_release,
    write_manifest,
)
from factories.web import loopback_server as web
from somobench.catalog import registry, resolve
from somobench.catalog.fetching import cache, fetch
from somobench.catalog.reader import read_feature_set
from somobench.catalog.verify import fetch_release
from somobench.schemas.errors import (
    IntegrityError,
    OfflineError,
    UnknownNameError,
    UsageError,
)


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Return a maker of catalogs that pin the toy release, here or at addresses."""
    folder = copy_release(tmp_path / "origin")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "_sleep", lambda _: None)
    return lambda *base_urls: make_catalog(tmp_path, folder, *base_urls)


def from_folder(folder: Path) -> web.Answer:
    """Serve the files of a folder by the last part of the path."""

    def answer(handler: web.Handler) -> None:
        path = folder / handler.path.rpartition("/")[2]
        web.body(path.read_bytes())(handler)

    return answer


def test_releases_are_found_in_the_checkout_around_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_release(tmp_path / "releases")
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    inside = tmp_path / "docs" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    assert RELEASE in somobench.list_releases()
    assert resolve.resolve(RELEASE).folder == tmp_path / "releases" / RELEASE


def test_releases_are_sorted_by_version_as_numbers() -> None:
    names = ["b-0.1.0", "a-0.10.0", "a-0.9.0", "a-1.0.0"]
    expected = ["a-0.9.0", "a-0.10.0", "a-1.0.0", "b-0.1.0"]
    assert registry.sort_releases(names) == expected


def test_a_pinned_release_is_fetched_manifest_first(
    tmp_path: Path, pinned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with web.serving(from_folder(tmp_path / "origin" / RELEASE)) as server:
        catalog = pinned(server.base)
        release = resolve.resolve(RELEASE, catalog)
        assert server.asked == ["/r/MANIFEST.json"]
        dataset = read_feature_set(release, REQUEST)
        asked = list(server.asked)
        monkeypatch.setenv("SOMOBENCH_OFFLINE", "1")
        again = read_feature_set(resolve.resolve(RELEASE, catalog), REQUEST)
    xr.testing.assert_identical(again, dataset)
    assert server.asked == asked
    assert "/r/README.md" not in asked  # only what the feature set needs


def test_offline_with_a_cold_cache_names_what_is_missing(
    pinned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = pinned("https://example.org/toy")
    monkeypatch.setenv("SOMOBENCH_OFFLINE", "1")
    with pytest.raises(OfflineError, match=r"MANIFEST\.json"):
        resolve.resolve(RELEASE, catalog)


def test_a_manifest_other_than_the_pinned_one_is_refused(
    tmp_path: Path, pinned: Callable[..., Path]
) -> None:
    with web.serving(from_folder(tmp_path / "origin" / RELEASE)) as server:
        catalog = pinned(server.base)
        write_manifest(tmp_path / "origin" / RELEASE, title="Bad")
        with pytest.raises(IntegrityError, match="MANIFEST"):
            resolve.resolve(RELEASE, catalog)


def test_a_local_folder_with_other_content_does_not_stand_in_for_a_pinned_release(
    tmp_path: Path, pinned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = pinned()
    other = make_release(tmp_path / "other", title="Other content")
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(other.parent))
    with pytest.raises(IntegrityError, match="as the catalog pins it") as error:
        resolve.resolve(RELEASE, catalog)
    assert str(other) in str(error.value)
    both = os.pathsep.join([str(other.parent), str(tmp_path / "origin")])
    monkeypatch.setenv("SOMOBENCH_RELEASES", both)
    with pytest.warns(UserWarning, match="passed over"):
        found = resolve.resolve(RELEASE, catalog)
    assert found.folder == tmp_path / "origin" / RELEASE


def test_two_local_releases_of_one_id_and_other_content_are_refused(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make_release(tmp_path / "other", title="Other content")
    both = os.pathsep.join([str(toy.parent), str(other.parent)])
    monkeypatch.setenv("SOMOBENCH_RELEASES", both)
    with pytest.raises(UsageError, match="different contents"):
        resolve.resolve(RELEASE)


def settle(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the files be old enough to be remembered as verified."""
    later = time.time() + 60
    monkeypatch.setattr(cache.time, "time", lambda: later)


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of files that are hashed from here on."""
    names: list[str] = []
    plain = cache._hash

    def counting(stream: BinaryIO, path: Path) -> str:
        names.append(path.name)
        return plain(stream, path)

    monkeypatch.setattr(cache, "_hash", counting)
    return names


def test_an_unchanged_grid_is_hashed_once_and_a_changed_one_again(
    toy: Path, monkeypatch: pytest.MonkeyPatch, hashed: list[str]
) -> None:
    settle(toy, monkeypatch)
    release = resolve.resolve(RELEASE)
    name = "targets.zarr.zip"
    for _ in range(2):
        release.get_path(name)
    assert hashed == [name]
    cache._verified.clear()  # as in another process, which has the records
    release.get_path(name)
    assert hashed == [name]
    os.utime(toy / name)
    release.get_path(name)
    assert hashed == [name] * 2
    release.local_path(name, always=True)
    assert len(hashed) == 3


def test_a_file_without_checksums_inside_is_hashed_at_every_opening(
    toy: Path, monkeypatch: pytest.MonkeyPatch, hashed: list[str]
) -> None:
    settle(toy, monkeypatch)
    release = resolve.resolve(RELEASE)
    for name in ("cells.parquet", "splits.parquet", "README.md"):
        for read in (release.get_path, release.open_file, release.read_file):
            read(name)
        assert hashed == [name] * 3
        hashed.clear()


def test_records_that_others_can_write_are_not_believed(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(toy, monkeypatch)
    release = resolve.resolve(RELEASE)
    release.get_path("targets.zarr.zip")
    cache._verified.clear()
    records = cache.cache_folder() / "verified"
    assert cache._recorded(toy / "targets.zarr.zip") is not None
    records.chmod(0o777)
    assert cache._recorded(toy / "targets.zarr.zip") is None


def test_a_young_file_is_hashed_every_time(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.time, "time", lambda: time.time_ns() / 1e9 - 3600)
    resolve.resolve(RELEASE).get_path("targets.zarr.zip")
    assert str(toy / "targets.zarr.zip") not in cache._verified


def test_a_read_only_cache_serves_what_it_holds(
    tmp_path: Path, pinned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    with web.serving(from_folder(tmp_path / "origin" / RELEASE)) as server:
        catalog = pinned(server.base)
        fetch_release(resolve.resolve(RELEASE, catalog))

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    monkeypatch.setattr("somobench.catalog.storage.atomic.os.fsync", refuse)
    settle(tmp_path, monkeypatch)
    release = resolve.resolve(RELEASE, catalog)
    assert read_feature_set(release, REQUEST).sizes["time"] == 10


def test_a_shared_cache_without_write_permission_keeps_its_files(
    tmp_path: Path, pinned: Callable[..., Path]
) -> None:
    with web.serving(from_folder(tmp_path / "origin" / RELEASE)) as server:
        fetched = fetch_release(resolve.resolve(RELEASE, pinned(server.base)))
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o444 for path in fetched.values()}
    assert modes == {0o444}  # readable for the others of a shared cache


def test_an_unknown_file_of_a_release_is_refused_with_those_it_has(toy: Path) -> None:
    release = resolve.resolve(RELEASE)
    for name in ("target.zarr.zip", "../targets.zarr.zip", "MANIFEST.json"):
        with pytest.raises(UnknownNameError, match=r"targets\.zarr\.zip"):
            release.get_path(name)


def test_a_withdrawn_release_opens_with_a_warning(
    tmp_path: Path, pinned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = pinned()
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(tmp_path / "origin"))
    record = catalog / "releases" / f"{RELEASE}.yaml"
    text = record.read_text()
    record.write_text(
        text.replace("base_urls:", "withdrawn: wrong units\n    base_urls:")
    )
    with pytest.warns(UserWarning, match="withdrawn: wrong units"):
        release = resolve.resolve(RELEASE, catalog)
    attrs = read_feature_set(release, REQUEST).attrs
    assert attrs["withdrawn"] == "wrong units"


@pytest.mark.parametrize(
    "text", ["", "[]", "metadata: {}", "metadata: {record: {release: x}}", ": :\n\t"]
)
def test_a_damaged_catalog_record_is_refused(
    pinned: Callable[..., Path], text: str
) -> None:
    catalog = pinned()
    (catalog / "releases" / f"{RELEASE}.yaml").write_text(text)
    with pytest.raises(IntegrityError, match="catalog record"):
        resolve.resolve(RELEASE, catalog)


def test_a_release_that_is_catalogued_but_not_here_is_refused_with_the_way_to_it(
    tmp_path: Path, pinned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = pinned()
    monkeypatch.setattr(registry, "catalog_folder", lambda: catalog)
    monkeypatch.chdir(tmp_path)
    assert RELEASE not in somobench.list_releases()
    with pytest.raises(IntegrityError, match=r"no copy[\s\S]*SOMOBENCH_RELEASES"):
        somobench.open_dataset("forcing", release=RELEASE)
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(tmp_path / "origin"))
    assert RELEASE in somobench.list_releases()
    assert somobench.open_dataset("forcing", release=RELEASE).sizes["time"] == 10


def test_a_release_with_an_address_is_listed(
    tmp_path: Path, pinned: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = pinned("https://example.org/toy")
    monkeypatch.setattr(registry, "catalog_folder", lambda: catalog)
    assert RELEASE in somobench.list_releases()


def test_an_asset_is_found_beside_any_releases(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = toy / "MANIFEST.json"
    content = json.loads(path.read_text())
    content["assets"] = {"README.md": content["files"].pop("README.md")}
    path.write_text(json.dumps(content))
    place = tmp_path / "elsewhere" / "assets" / RELEASE
    place.mkdir(parents=True)
    (toy / "README.md").rename(place / "README.md")
    release = resolve.resolve(RELEASE)
    assert not release.is_here("README.md")
    with pytest.raises(IntegrityError, match="README"):
        release.get_path("README.md")
    both = os.pathsep.join([str(toy.parent), str(tmp_path / "elsewhere")])
    monkeypatch.setenv("SOMOBENCH_RELEASES", both)
    assert release.get_path("README.md") == place / "README.md"


@pytest.mark.parametrize("is_package", [True, False])
def test_links_lead_out_of_the_package_alone(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_package: bool
) -> None:
    # a strict editable install consists of links; elsewhere they are refused
    path = toy / "MANIFEST.json"
    content = json.loads(path.read_text())
    content["assets"] = {"README.md": content["files"].pop("README.md")}
    path.write_text(json.dumps(content))
    linked = tmp_path / "linked"
    for name, place in {
        "MANIFEST.json": linked / RELEASE,
        "cells.parquet": linked / RELEASE,
        "README.md": linked / "assets" / RELEASE,
    }.items():
        place.mkdir(parents=True, exist_ok=True)
        (place / name).symlink_to(toy / name)
    if is_package:
        monkeypatch.delenv("SOMOBENCH_RELEASES")
        for module in (registry, resolve):
            monkeypatch.setattr(module, "packaged_folder", lambda: linked)
        release = resolve.resolve(RELEASE)
        for name in ("cells.parquet", "README.md"):
            assert release.read_file(name) == (toy / name).read_bytes()
    else:
        monkeypatch.setenv("SOMOBENCH_RELEASES", str(linked))
        with pytest.raises(IntegrityError, match="a link to"):
            resolve.resolve(RELEASE)
