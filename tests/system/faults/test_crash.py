"""Kills, full disks, failing system calls and many processes at once."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import resource
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

import somobench
from factories.faults.faulty_calls import (
    CALLS,
    READS,
    error_of,
    failing,
    in_child,
    kill,
    partials,
)
from factories.releases import RELEASE
from factories.web import loopback_server as web
from factories.web.remote_object import CONTENT, SHA256
from somobench.catalog.fetching import cache, fetch
from somobench.catalog.fetching.cache import cache_folder, object_path
from somobench.catalog.fetching.fetch import RemoteObject
from somobench.export import write_dataset
from somobench.schemas.errors import InputError, SomobenchError

CODES = ("EIO", "EACCES", "EROFS", "EMFILE", "ENOSPC", "ESTALE", "EINVAL")

pytestmark = [
    pytest.mark.usefixtures("waits"),
    pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system"),
    pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning"),
    pytest.mark.heavy,
]


def assert_only_verified_objects() -> None:
    for path in (cache_folder() / "sha256").glob("*/*"):
        if not path.name.startswith(".partial-"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


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
                shown = str(error)
                assert "try:" in shown
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


def read_toy(*, lazy: bool = False) -> xr.Dataset:
    cache._verified.clear()
    return somobench.open_dataset(
        "state", release=RELEASE, split="temporal", scaling="train", lazy=lazy
    ).compute(scheduler="synchronous")


# A path is resolved by one lstat a folder, of which none need succeed: how many there
# are depends on where the tests lie, and all of them are survived.
OPENS = tuple(call for call in CALLS if call[1] != "lstat")
SWEEPS = {
    "each call, one error": (CALLS, CODES[:1], 1, False),
    "errors in turn": (OPENS, CODES, 1, False),
    "errors in turn, lazily": (OPENS, CODES, 1, True),
    "reads of open files": (READS, ("EIO", "ESTALE"), 40, False),
    "reads of open files, lazily": (READS, ("EIO", "ESTALE"), 60, True),
}


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_failing_call_of_a_reader_is_a_typed_error_or_survived(
    toy: Path, sweep: str
) -> None:
    calls, codes, step, lazy = SWEEPS[sweep]
    folder = toy.parent.parent
    expected = read_toy(lazy=lazy)
    with failing(folder, 0, kill, calls) as counter:
        read_toy(lazy=lazy)
    assert counter.seen > 5
    refused = 0
    for turn, number in enumerate(range(1, counter.seen + 1, step)):
        trouble = error_of(getattr(errno, codes[turn % len(codes)]))
        with failing(folder, number, trouble, calls):
            try:
                found: object = read_toy(lazy=lazy)
            except SomobenchError as error:
                found = error
        if isinstance(found, xr.Dataset):
            xr.testing.assert_identical(found, expected)
        else:
            refused += 1
    assert refused > 0
    xr.testing.assert_identical(read_toy(lazy=lazy), expected)


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
def test_a_disk_full_at_any_part_of_a_download_is_reported(
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
def test_a_disk_full_at_any_part_of_an_export_is_reported(
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
