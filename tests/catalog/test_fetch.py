"""Objects fetched into the cache: once, whole, by allowed addresses, or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from factories.web import loopback_server as web
from factories.web.remote_object import CONTENT, FLIPPED, SHA256, cached_files, wanted
from somobench.catalog.fetching import download, fetch
from somobench.catalog.fetching.addresses import (
    AttemptError,
    check_address,
    check_redirect,
    redact_url,
)
from somobench.catalog.fetching.cache import object_path
from somobench.catalog.fetching.fetch import RemoteObject
from somobench.schemas.errors import (
    InputError,
    IntegrityError,
    NetworkError,
    OfflineError,
    SomobenchError,
)

pytestmark = pytest.mark.usefixtures("waits")


def test_an_object_is_fetched_once_and_read_from_the_cache_after() -> None:
    with web.serving(web.body(CONTENT)) as server:
        first = fetch.fetch(wanted(server.base))
        second = fetch.fetch(wanted(server.base))
    assert first == second == object_path(SHA256)
    assert first.read_bytes() == CONTENT
    assert server.asked == ["/r/object.bin"]


@pytest.mark.parametrize(
    "proxy",
    [
        "http://user:hush@127.0.0.1:1",
        "user:hush@[bad",
        "http://user:hush@[::bad",
        "http://user:hu sh@h:port",
        "socks5://user:hush@127.0.0.1:1",
    ],
)
def test_a_proxys_password_is_never_shown(
    proxy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "")
    with pytest.raises(NetworkError) as error:
        fetch.fetch(wanted("http://127.0.0.1:9/r"))
    assert "hush" not in str(error.value)
    assert "hu sh" not in str(error.value)


def test_a_garbage_proxy_variable_is_a_typed_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("HTTP_PROXY", "garbage://%%%")
    with pytest.raises(NetworkError):
        fetch.fetch(wanted("http://127.0.0.1:9/r"))


def test_offline_a_cold_cache_is_refused_and_a_warm_one_serves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with web.serving(web.body(CONTENT)) as server:
        monkeypatch.setenv("SOMOBENCH_OFFLINE", "1")
        with pytest.raises(OfflineError, match=r"object\.bin[\s\S]*somobench fetch"):
            fetch.fetch(wanted(server.base))
        assert server.asked == []
        monkeypatch.setenv("SOMOBENCH_OFFLINE", "0")
        fetch.fetch(wanted(server.base))
        monkeypatch.setenv("SOMOBENCH_OFFLINE", "1")
        assert fetch.fetch(wanted(server.base)).read_bytes() == CONTENT


def test_a_damaged_object_is_replaced_online_and_refused_offline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with web.serving(web.body(CONTENT)) as server:
        path = fetch.fetch(wanted(server.base))
        path.write_bytes(FLIPPED)
        monkeypatch.setenv("SOMOBENCH_OFFLINE", "1")
        with pytest.raises(IntegrityError, match="sha256"):
            fetch.fetch(wanted(server.base))
        monkeypatch.delenv("SOMOBENCH_OFFLINE")
        assert fetch.fetch(wanted(server.base)).read_bytes() == CONTENT


def test_leftovers_of_killed_downloads_are_removed() -> None:
    folder = object_path(SHA256).parent
    folder.mkdir(parents=True)
    old, fresh = folder / ".partial-old", folder / ".partial-fresh"
    for leftover in (old, fresh):
        leftover.write_bytes(b"half")
    os.utime(old, (1, 1))
    with web.serving(web.body(CONTENT)) as server:
        fetch.fetch(wanted(server.base))
    assert not old.exists()
    assert fresh.exists()  # may belong to a process that is still downloading


def test_a_cache_that_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    monkeypatch.setenv("SOMOBENCH_CACHE", str(blocked))
    with (
        web.serving(web.body(CONTENT)) as server,
        pytest.raises(InputError, match="SOMOBENCH_CACHE"),
    ):
        fetch.fetch(wanted(server.base))


def test_a_full_disk_is_named_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class FullFile:
        name = "/disk/partial"

        def write(self, block: bytes) -> None:
            raise OSError(28, "No space left on device")

    plain = download.BoundedFile
    monkeypatch.setattr(fetch, "BoundedFile", lambda _, *rest: plain(FullFile(), *rest))
    with (
        web.serving(web.body(CONTENT)) as server,
        pytest.raises(InputError, match="No space left on device"),
    ):
        fetch.fetch(wanted(server.base))
    assert cached_files() == []


def test_a_cache_with_blanks_and_other_letters_in_its_name_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMOBENCH_CACHE", str(tmp_path / "my cache, naïve \u571f"))
    with web.serving(web.body(CONTENT)) as server:
        assert fetch.fetch(wanted(server.base)).read_bytes() == CONTENT


PROCESS = """
import sys
from somobench.catalog.fetching.fetch import RemoteObject, fetch
name, sha256, size, url = sys.argv[1:]
print(fetch(RemoteObject(name=name, sha256=sha256, size=int(size), urls=(url,))))
"""


def test_four_processes_download_one_object_once() -> None:
    def slowly(handler: web.Handler) -> None:
        time.sleep(0.5)
        web.body(CONTENT)(handler)

    with web.serving(slowly) as server:
        command = [sys.executable, "-c", PROCESS, "object.bin", SHA256]
        command += [str(len(CONTENT)), f"{server.base}/object.bin"]
        running = [
            subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            for _ in range(4)
        ]
        answers = {process.communicate(timeout=60)[0] for process in running}
    assert answers == {f"{object_path(SHA256)}\n"}
    assert len(server.asked) == 1


def test_a_killed_download_leaves_nothing_that_opens() -> None:
    over, asked = threading.Event(), threading.Event()

    def slowly(handler: web.Handler) -> None:
        asked.set()
        web.trickle(CONTENT, over)(handler)

    with web.serving(slowly, web.body(CONTENT)) as server:
        command = [sys.executable, "-c", PROCESS, "object.bin", SHA256]
        command += [str(len(CONTENT)), f"{server.base}/object.bin"]
        running = subprocess.Popen(command)
        assert asked.wait(30)
        running.kill()
        running.wait()
        over.set()
        assert not object_path(SHA256).exists()
        assert fetch.fetch(wanted(server.base)).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/x",
        "ftp://example.org/x",
        "file:///etc/hostname",
        "https://user:secret@example.org/x",
        "https:///x",
        "//example.org/x",
        "https://[broken/x",
        "http://127.0.0.1.example.org/x",
    ],
)
def test_an_address_that_is_not_allowed_is_refused(url: str) -> None:
    with pytest.raises(AttemptError):
        check_address(url)


def test_an_address_that_is_none_is_shown_without_what_it_holds() -> None:
    assert redact_url("http://user:secret@[::1") == "an address that is none"


@pytest.mark.parametrize(
    "target",
    [
        "http://example.org/x",
        "https://127.0.0.1/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/x",
        "https://[::1]/x",
        "https://localhost/x",
    ],
)
def test_a_redirect_from_https_into_a_private_place_is_refused(target: str) -> None:
    with pytest.raises(AttemptError):
        check_redirect("https://example.org/x", target)


def test_errors_show_no_query_and_so_no_token() -> None:
    with web.serving(web.status(404)) as server:
        secret = RemoteObject(
            name="object.bin",
            sha256=SHA256,
            size=len(CONTENT),
            urls=(f"{server.base}/object.bin?token=hush",),
        )
        with pytest.raises(SomobenchError) as error:
            fetch.fetch(secret)
    assert "hush" not in str(error.value)
