"""Strange places: locks, links, names, clocks and caches that others can write."""

from __future__ import annotations

import errno
import os
import stat
import time
from dataclasses import replace
from pathlib import Path

import pytest
import xarray as xr

import somobench
from factories.faults.faulty_calls import partials
from factories.releases import RELEASE
from factories.web.remote_object import CONTENT, SHA256
from somobench.catalog.fetching import cache, fetch
from somobench.catalog.fetching.cache import cache_folder, object_path
from somobench.catalog.fetching.fetch import RemoteObject
from somobench.catalog.storage.atomic import replace_file, write_text
from somobench.export import write_dataset
from somobench.schemas.errors import InputError, SomobenchError

pytestmark = pytest.mark.usefixtures("waits")


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_strange_lock_neither_blocks_nor_is_followed(
    wanted: RemoteObject, tmp_path: Path, kind: str
) -> None:
    lock = cache_folder() / "locks" / f"{SHA256}.lock"
    lock.parent.mkdir(parents=True)
    victim = tmp_path / "victim"
    if kind == "pipe":
        os.mkfifo(lock)
        assert fetch.fetch(wanted).read_bytes() == CONTENT
        return
    if kind == "link":
        lock.symlink_to(victim)
    else:
        lock.mkdir()
    with pytest.raises(InputError, match="cache"):
        fetch.fetch(wanted)
    assert not victim.exists()


@pytest.mark.parametrize("kind", ["pipe", "link to other bytes", "folder", "dangling"])
def test_a_strange_object_in_the_cache_is_never_believed(
    wanted: RemoteObject, tmp_path: Path, kind: str
) -> None:
    path = object_path(SHA256)
    path.parent.mkdir(parents=True)
    other = tmp_path / "other"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(other)
        if kind == "link to other bytes":
            other.write_bytes(CONTENT[::-1])
    try:
        assert fetch.fetch(wanted).read_bytes() == CONTENT
    except SomobenchError as error:
        assert kind == "folder", error  # noqa: PT017 - it can't be replaced by a file
    assert not other.exists() or other.read_bytes() == CONTENT[::-1]


def test_a_cache_that_is_a_link_works(
    wanted: RemoteObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    monkeypatch.setenv("SOMOBENCH_CACHE", str(tmp_path / "link"))
    assert fetch.fetch(wanted).read_bytes() == CONTENT


def test_a_world_writable_cache_is_believed_by_hash_alone(
    wanted: RemoteObject, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = time.time() + 60
    monkeypatch.setattr(cache.time, "time", lambda: later)
    wanted = replace(wanted, name="object.zarr.zip")  # others have no records
    path = fetch.fetch(wanted)
    records = cache_folder() / "verified"
    assert list(records.iterdir())  # there is a record that could be believed
    for folder in (cache_folder(), path.parent, records):
        folder.chmod(0o777)
    cache._verified.clear()
    hashed: list[Path] = []
    plain = cache._hash
    monkeypatch.setattr(
        cache, "_hash", lambda *it: (hashed.append(it[1]), plain(*it))[1]
    )
    fetch.fetch(wanted)
    assert hashed == [path]


def test_a_cache_deleted_between_two_fetches_is_made_again(
    wanted: RemoteObject,
) -> None:
    path = fetch.fetch(wanted)
    path.unlink()
    path.parent.rmdir()
    assert fetch.fetch(wanted).read_bytes() == CONTENT


LONG = {
    "blanks": "a b  c.nc",
    "other letters": "B\u00f6den \u571f\u58e4.nc",
    "255 bytes of other letters": "\u00e4" * 126 + ".nc",
    "255 bytes": "a" * 252 + ".nc",
    "no UTF-8": os.fsdecode(b"a\xff.nc"),
    "a suffix alone": ".nc",
}


@pytest.mark.parametrize("case", LONG)
def test_an_export_takes_every_name_that_the_disk_takes(
    toy: Path, tmp_path: Path, case: str
) -> None:
    out = tmp_path / LONG[case]
    write_dataset(somobench.open_dataset("forcing", release=RELEASE), out)
    assert out.is_file()
    assert partials(tmp_path) == []


def test_an_export_under_a_name_too_long_is_reported(toy: Path, tmp_path: Path) -> None:
    dataset = somobench.open_dataset("forcing", release=RELEASE)
    with pytest.raises(InputError, match="File name too long"):
        write_dataset(dataset, tmp_path / ("a" * 300 + ".nc"))


def test_a_clock_that_jumps_back_only_costs_time(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = somobench.open_dataset("forcing", release=RELEASE)
    for now in (time.time() + 1e6, time.time() - 1e6, 0.0):
        monkeypatch.setattr(cache.time, "time", lambda now=now: now)
        xr.testing.assert_identical(
            somobench.open_dataset("forcing", release=RELEASE), expected
        )


def test_a_folder_that_cannot_be_flushed_takes_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = os.fsync

    def fsync(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        plain(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    write_text("text", tmp_path / "a.txt")
    assert (tmp_path / "a.txt").read_text() == "text"


def test_a_folder_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.mkdir()
    (target / "old").write_text("old")
    plain = Path.rename

    def rename(self: Path, new: Path) -> Path:
        if new == target and "-old" not in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return plain(self, new)

    # A system that exchanges folders in one step renames none.
    monkeypatch.setattr("somobench.catalog.storage.atomic._exchange", lambda *_: False)
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="Input/output"), replace_file(target) as partial:
        partial.mkdir()
    assert (target / "old").read_text() == "old"
    assert partials(tmp_path) == []


def test_a_link_to_a_folder_is_replaced_and_its_folder_kept(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replace_file(tmp_path / "link") as partial:
        partial.mkdir()
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").is_dir()
    assert partials(tmp_path) == []
