"""Downloads over a loopback server that fails in every way we know of."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from factories.web import loopback_server as web
from factories.web.remote_object import CONTENT, FLIPPED, SHA256, cached_files, wanted
from somobench.catalog.fetching import download, fetch
from somobench.catalog.fetching.fetch import RemoteObject
from somobench.schemas.errors import IntegrityError, NetworkError

pytestmark = pytest.mark.usefixtures("waits")

LOGIN = b"<html>Please log in</html>"


NETWORK_TROUBLE = {
    "truncated": web.cut(CONTENT, 5000, announced=len(CONTENT)),
    "truncated, no length": web.cut(CONTENT, 5000, announced=None),
    "empty, no length": web.cut(b"", 0, announced=None),
    "401": web.status(401),
    "403": web.status(403),
    "404": web.status(404),
    "410": web.status(410),
    "416": web.status(416),
    "429 with a long wait": web.status(429, Retry_After="3600"),
    "500": web.status(500),
    "204": web.status(204),
    "redirect to file": web.redirect("file:///etc/hostname"),
    "redirect to ftp": web.redirect("ftp://127.0.0.1/x"),
    "redirect link-local": web.redirect("http://169.254.169.254/latest/meta-data"),
    "redirect to https private": web.redirect("https://10.0.0.1/object.bin"),
    "redirect to another host": web.redirect("http://localhost:1/object.bin"),
    "redirect to no host": web.redirect("http://[::1"),
    "redirect with a zero byte": web.redirect("http://a\0b/object.bin"),
    "redirect with a password": web.redirect("http://u:hush@127.0.0.1/object.bin"),
    "206, a range nobody asked for": web.status(206, Content_Range="bytes 0-9/10"),
    "304": web.status(304),
    "503 with a wait that is no number": web.status(503, Retry_After="\xb2"),
    "503 with an endless wait": web.status(503, Retry_After="9" * 400),
    "503 with a wait from the past": web.status(
        503, Retry_After="Mon, 01 Jan 0001 00:00:00 +2359"
    ),
    "a status line of noise": web.raw(b"\0\xff" * 99),
    "a status that is no number": web.raw(b"HTTP/1.1 abc\r\n\r\n"),
    "a closed connection": web.raw(b""),
    "endless headers": web.raw(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"\r\n"),
    "a long header": web.raw(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10**5 + b"\r\n\r\n"),
    "broken chunks": web.raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"
    ),
}
OTHER_CONTENT = {
    "flipped bit": web.body(FLIPPED),
    "extra bytes": web.body(CONTENT + b"x"),
    "extra bytes, no length": web.cut(CONTENT + b"x", 10**6, announced=None),
    "login page": web.body(LOGIN, Content_Type="text/html"),
    "zero bytes": web.body(b""),
    "gzip once": web.gzipped(CONTENT, 1),
    "gzip twice": web.gzipped(CONTENT, 2),
    "shorter length": web.cut(CONTENT, 5000, announced=5000),
    "negative length": web.cut(CONTENT, 5000, announced=-5),
}


@pytest.mark.parametrize("trouble", NETWORK_TROUBLE)
def test_network_trouble_ends_as_network_error_with_an_empty_cache(
    trouble: str,
) -> None:
    with (
        web.serving(NETWORK_TROUBLE[trouble]) as server,
        pytest.raises(NetworkError, match="object.bin") as error,
    ):
        fetch.fetch(wanted(server.base))
    assert SHA256 in str(error.value)
    assert cached_files() == []
    assert len(server.asked) <= fetch.ROUNDS


@pytest.mark.parametrize("trouble", OTHER_CONTENT)
def test_other_bytes_end_as_integrity_error_with_an_empty_cache(trouble: str) -> None:
    with (
        web.serving(OTHER_CONTENT[trouble]) as server,
        pytest.raises(IntegrityError, match="object.bin"),
    ):
        fetch.fetch(wanted(server.base))
    assert cached_files() == []


@pytest.mark.parametrize("trouble", {**NETWORK_TROUBLE, **OTHER_CONTENT})
def test_a_second_mirror_makes_up_for_every_trouble_of_the_first(trouble: str) -> None:
    bad = {**NETWORK_TROUBLE, **OTHER_CONTENT}[trouble]
    with web.serving(bad) as first, web.serving(web.body(CONTENT)) as second:
        path = fetch.fetch(wanted(first.base, second.base))
    assert path.read_bytes() == CONTENT
    assert len(first.asked) == len(second.asked) == 1


def test_no_more_than_twice_the_size_is_asked_of_one_mirror() -> None:
    # three rounds are allowed, but two whole wrong bodies are 2 x size already
    with web.serving(web.body(FLIPPED)) as server, pytest.raises(IntegrityError):
        fetch.fetch(wanted(server.base))
    assert len(server.asked) == 2


def test_a_login_page_is_named_in_the_error() -> None:
    page = web.body(LOGIN, Content_Type="text/html")
    with web.serving(page) as server, pytest.raises(IntegrityError, match="text/html"):
        fetch.fetch(wanted(server.base))


@pytest.mark.parametrize("code", [429, 500, 502, 503])
def test_a_passing_trouble_is_asked_again(code: int, waits: list[float]) -> None:
    with web.serving(web.status(code), web.body(CONTENT)) as server:
        fetch.fetch(wanted(server.base))
    assert len(server.asked) == 2
    assert waits == [fetch.BACKOFF_SECONDS]


def test_retry_after_is_waited_for_within_its_bound(waits: list[float]) -> None:
    busy = web.status(503, Retry_After="7")
    with web.serving(busy, web.body(CONTENT)) as server:
        fetch.fetch(wanted(server.base))
    assert waits == [7.0]


def test_a_refusal_is_not_asked_again() -> None:
    with web.serving(web.status(404)) as server, pytest.raises(NetworkError):
        fetch.fetch(wanted(server.base))
    assert len(server.asked) == 1


def test_a_redirect_on_the_same_host_is_followed() -> None:
    with web.serving(web.redirect("/elsewhere"), web.body(CONTENT)) as server:
        assert fetch.fetch(wanted(server.base)).read_bytes() == CONTENT
    assert server.asked == ["/r/object.bin", "/elsewhere"]


def test_a_redirect_loop_ends() -> None:
    with web.serving(web.redirect("/again")) as server, pytest.raises(NetworkError):
        fetch.fetch(wanted(server.base))
    assert len(server.asked) == download.MAXIMUM_REDIRECTS + 1


def test_a_hanging_body_ends_at_the_read_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    over = threading.Event()
    start = time.monotonic()
    with web.serving(web.hang(over)) as server, pytest.raises(NetworkError):
        fetch.fetch(wanted(server.base))
    over.set()
    assert time.monotonic() - start < 5


def test_a_server_that_never_answers_ends_at_the_read_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    over = threading.Event()

    def silent(handler: web.Handler) -> None:
        over.wait(20)

    with (
        web.serving(silent) as server,
        pytest.raises(NetworkError, match="timed out"),
    ):
        fetch.fetch(wanted(server.base))
    over.set()


def test_a_server_that_takes_no_connection_ends_at_the_connect_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.2)
    waiting = [socket.socket() for _ in range(4)]
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for one in waiting:  # until the queue of the listener is full
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with pytest.raises(NetworkError, match="timed out"):
            fetch.fetch(wanted(f"http://127.0.0.1:{full.getsockname()[1]}/r"))
    for one in waiting:
        one.close()


def test_a_cut_download_starts_again_and_never_resumes() -> None:
    # so that no mirror can ignore a range, shift it or change its ETag in between
    ranges: list[str | None] = []

    def answer(handler: web.Handler) -> None:
        ranges.append(handler.headers.get("Range"))
        etag = f'"{len(ranges)}"'
        if len(ranges) == 1:
            handler.head(200, Content_Length=str(len(CONTENT)), ETag=etag)
            handler.wfile.write(CONTENT[:5000])
        else:
            web.body(CONTENT, ETag=etag)(handler)

    with web.serving(answer) as server:
        assert fetch.fetch(wanted(server.base)).read_bytes() == CONTENT
    assert ranges == [None, None]


def test_a_size_beyond_all_measure_is_a_typed_error() -> None:
    huge = RemoteObject(
        name="object.bin", sha256=SHA256, size=10**30, urls=("http://127.0.0.1:9/r",)
    )
    with pytest.raises(NetworkError):
        fetch.fetch(huge)


def test_a_trickling_body_ends_at_the_deadline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "GRACE_SECONDS", 0.3)
    monkeypatch.setattr(download, "MINIMUM_RATE", 1e9)
    over = threading.Event()
    with (
        web.serving(web.trickle(CONTENT, over)) as server,
        pytest.raises(NetworkError, match="not complete after"),
    ):
        fetch.fetch(wanted(server.base))
    over.set()
    assert cached_files() == []


def test_a_reset_connection_is_a_network_error() -> None:
    def reset(handler: web.Handler) -> None:
        handler.head(200, Content_Length=str(len(CONTENT)))
        handler.wfile.write(CONTENT[:3000])
        handler.connection.close()

    with web.serving(reset) as server, pytest.raises(NetworkError):
        fetch.fetch(wanted(server.base))
    assert cached_files() == []


def test_a_closed_port_and_a_name_that_does_not_resolve_are_network_errors() -> None:
    with web.serving(web.status(200)) as server:
        closed = server.base
    with pytest.raises(NetworkError, match="127.0.0.1"):
        fetch.fetch(wanted(closed, "https://nowhere.invalid/r"))
