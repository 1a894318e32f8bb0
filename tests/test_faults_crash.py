"""Kills, full disks, failing system calls and many processes at once."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import resource
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import loopback_server as web
import somobench
from faulty_calls import error_of, failing, in_child, kill
from release_factory import RELEASE, copy_release
from somobench.catalog import cache, fetch
from somobench.catalog.atomic import replacing, write_text
from somobench.catalog.cache import cache_folder, object_path
from somobench.catalog.fetch import RemoteObject
from somobench.export import write_dataset
from somobench.schemas.errors import InputError, SomobenchError

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
CODES = ("EIO", "EACCES", "EROFS", "EMFILE", "ENOSPC", "ESTALE", "EINVAL")

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_sleep", lambda _: None)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the toy release on this machine."""
    folder = copy_release(tmp_path / "releases")
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(folder.parent))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def wanted() -> Iterator[RemoteObject]:
    """Return an object that a server has."""
    with web.serving(web.body(CONTENT)) as server:
        yield RemoteObject(
            name="object.bin",
            sha256=SHA256,
            size=len(CONTENT),
            urls=(f"{server.base}/object.bin",),
        )


def assert_only_verified_objects() -> None:
    for path in (cache_folder() / "sha256").glob("*/*"):
        if not path.name.startswith(".partial-"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def partials(folder: Path) -> list[Path]:
    return list(folder.rglob(".partial-*"))


def calls_of(work: Callable[[], object], folder: Path) -> int:
    with failing(folder, 0, kill) as counter:
        work()
    return counter.seen


def test_a_fetch_killed_at_any_call_leaves_only_verified_objects(
    wanted: RemoteObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    count = calls_of(lambda: fetch.fetch(wanted), cache_folder())
    assert count > 8
    for number in range(1, count + 1):
        monkeypatch.setenv("SOMOBENCH_CACHE", str(tmp_path / f"cache{number}"))

        def work(number: int = number) -> None:
            with failing(cache_folder(), number, kill):
                fetch.fetch(wanted)

        status = in_child(work)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        assert_only_verified_objects()
        assert fetch.fetch(wanted).read_bytes() == CONTENT


@pytest.mark.parametrize("code", CODES)
def test_a_failing_call_of_a_fetch_is_a_typed_error_or_survived(
    wanted: RemoteObject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    count = calls_of(lambda: fetch.fetch(wanted), cache_folder())
    trouble = error_of(getattr(errno, code))
    for number in range(1, count + 1):
        monkeypatch.setenv("SOMOBENCH_CACHE", str(tmp_path / f"cache{number}"))
        with failing(cache_folder(), number, trouble):
            try:
                assert fetch.fetch(wanted).read_bytes() == CONTENT
            except SomobenchError as error:
                told = str(error)
                assert "try:" in told
        assert_only_verified_objects()
        assert fetch.fetch(wanted).read_bytes() == CONTENT


@pytest.mark.parametrize("code", CODES)
def test_a_failing_call_never_deletes_a_good_object(
    wanted: RemoteObject, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fetch.fetch(wanted)
    inode = path.stat().st_ino
    count = calls_of(lambda: fetch.fetch(wanted), cache_folder())
    for number in range(1, count + 1):
        cache._verified.clear()
        with failing(cache_folder(), number, error_of(getattr(errno, code))):
            try:
                fetch.fetch(wanted)
            except SomobenchError as error:
                assert error.found is not None  # noqa: PT017
        assert path.stat().st_ino == inode


@pytest.mark.parametrize(
    ("code", "lazy", "step"),
    [("EIO", False, 1), ("EIO", True, 4), *((code, False, 6) for code in CODES[1:])],
)
def test_a_failing_call_of_a_reader_is_a_typed_error_or_survived(
    toy: Path, code: str, lazy: bool, step: int
) -> None:
    def work() -> xr.Dataset:
        cache._verified.clear()
        return somobench.open_dataset(
            "state", release=RELEASE, split="temporal", scaling="train", lazy=lazy
        ).compute(scheduler="synchronous")

    expected = work()
    count = calls_of(work, toy.parent.parent)
    assert count > 10
    refused = 0
    for number in range(1, count + 1, step):
        with failing(toy.parent.parent, number, error_of(getattr(errno, code))):
            try:
                found: object = work()
            except SomobenchError as error:
                found = error
        if isinstance(found, xr.Dataset):
            xr.testing.assert_identical(found, expected)
        else:
            refused += 1
    assert refused > 0
    xr.testing.assert_identical(work(), expected)


@contextmanager
def file_limit(size: int) -> Iterator[None]:
    """Let no file grow beyond a size, as on a disk that is full by then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


FULL = (0.1, 0.5, 0.9, 0.99)


@pytest.mark.parametrize("part", FULL)
def test_a_disk_full_at_any_part_of_a_download_is_told(
    wanted: RemoteObject, part: float
) -> None:
    with (
        file_limit(int(part * len(CONTENT))),
        pytest.raises(InputError, match="SOMOBENCH_CACHE"),
    ):
        fetch.fetch(wanted)
    assert not object_path(SHA256).exists()
    assert partials(cache_folder()) == []
    assert fetch.fetch(wanted).read_bytes() == CONTENT


@pytest.mark.parametrize("part", FULL)
@pytest.mark.parametrize("suffix", [".nc", ".zarr.zip"])
def test_a_disk_full_at_any_part_of_an_export_is_told(
    toy: Path, tmp_path: Path, suffix: str, part: float
) -> None:
    dataset = somobench.open_dataset("state", release=RELEASE)
    out = tmp_path / f"out{suffix}"
    write_dataset(dataset, out)
    size = out.stat().st_size
    out.write_text("mine")
    with (
        file_limit(int(part * size)),
        pytest.raises(InputError, match=f"out{suffix}"),
    ):
        write_dataset(dataset, out)
    assert out.read_text() == "mine"
    assert partials(tmp_path) == []


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGINT])
def test_a_fetch_ended_by_a_signal_leaves_nothing_that_opens(
    kind: signal.Signals,
) -> None:
    over, asked = threading.Event(), threading.Event()

    def slowly(handler: web.Handler) -> None:
        asked.set()
        web.trickle(CONTENT, over)(handler)

    with web.serving(slowly, web.body(CONTENT)) as server:
        one = RemoteObject(
            name="object.bin", sha256=SHA256, size=len(CONTENT), urls=(server.base,)
        )
        child = os.fork()
        if child == 0:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            try:
                fetch.fetch(one)
            except KeyboardInterrupt:
                os._exit(9)
            finally:
                os._exit(8)
        assert asked.wait(20)
        os.kill(child, kind)
        os.waitpid(child, 0)
        over.set()
        assert not object_path(SHA256).exists()
        if kind is signal.SIGINT:
            assert partials(cache_folder()) == []
        assert fetch.fetch(one).read_bytes() == CONTENT


def useless(*_: Any) -> None:
    """Lock nothing, as some parallel file systems do."""


def unsupported(*_: Any) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


LOCKS = {"locks": fcntl.flock, "useless locks": useless, "no locks": unsupported}


@pytest.mark.parametrize("locks", LOCKS)
@pytest.mark.parametrize("count", [2, 8, pytest.param(32, marks=pytest.mark.slow)])
def test_many_processes_fetch_one_object(
    count: int, locks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fcntl, "flock", LOCKS[locks])
    with web.serving(web.body(CONTENT)) as server:
        one = RemoteObject(
            name="object.bin", sha256=SHA256, size=len(CONTENT), urls=(server.base,)
        )
        children = []
        for _ in range(count):
            child = os.fork()
            if child == 0:
                good = False
                try:
                    good = fetch.fetch(one).read_bytes() == CONTENT
                finally:
                    os._exit(0 if good else 1)
            children.append(child)
        codes = [os.waitpid(child, 0)[1] for child in children]
    assert codes == [0] * count
    assert len(server.asked) == 1 or locks != "locks"
    assert [path.name for path in object_path(SHA256).parent.iterdir()] == [SHA256]


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
    path = fetch.fetch(wanted)
    records = cache_folder() / "verified"
    assert list(records.iterdir())  # there is a record that could be believed
    for folder in (cache_folder(), path.parent, records):
        folder.chmod(0o777)
    cache._verified.clear()
    hashed: list[Path] = []
    plain = cache._hash
    monkeypatch.setattr(cache, "_hash", lambda it: (hashed.append(it), plain(it))[1])
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


def test_an_export_under_a_name_too_long_is_told(toy: Path, tmp_path: Path) -> None:
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
        if new == target and not self.name.endswith("-old"):
            raise OSError(errno.EIO, "Input/output error")
        return plain(self, new)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(OSError, match="Input/output"), replacing(target) as partial:
        partial.mkdir()
    assert (target / "old").read_text() == "old"
    assert partials(tmp_path) == []


def test_a_link_to_a_folder_is_replaced_and_its_folder_kept(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with replacing(tmp_path / "link") as partial:
        partial.mkdir()
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").is_dir()
    assert partials(tmp_path) == []
