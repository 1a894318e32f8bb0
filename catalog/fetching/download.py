"""One bounded attempt to download one object from one address.

What belongs here: how an answer is judged before its body is read, and the limits of
bytes and time. Which addresses are allowed stands in `addresses`; which are tried, how
often, and where the bytes go, in `fetch`.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin

from somobench.catalog.fetching.addresses import (
    AttemptError,
    check_address,
    check_redirect,
)
from somobench.catalog.fetching.cache import make_write_error

CONNECT_SECONDS = 15.0
READ_SECONDS = 30.0
GRACE_SECONDS = 60.0  # of the whole attempt, beside what its size may take
LONGEST_SECONDS = 7 * 86400.0  # of an attempt, whatever the size
MINIMUM_RATE = 10_000.0  # bytes a second; slower is as good as hanging
MAXIMUM_WAIT = 60.0  # longest Retry-After that is waited for, seconds
MAXIMUM_REDIRECTS = 5
CHUNK = 64 * 1024
OK = 200
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504})

Progress = Callable[[int], object]


class _RedirectError(Exception):
    def __init__(self, target: str) -> None:
        super().__init__(target)
        self.target = target


class BoundedFile:
    """A writable file that hashes its bytes and refuses more than were promised."""

    def __init__(self, stream: IO[bytes], size: int, progress: Progress) -> None:
        self._stream = stream
        self._size = size
        self._progress = progress
        self._digest = hashlib.sha256()
        self.received = 0

    @property
    def sha256(self) -> str:
        """Return the sha256 of what was received."""
        return self._digest.hexdigest()

    def write(self, block: bytes) -> None:
        """Take a block of the body."""
        self.received += len(block)
        if self.received > self._size:
            raise AttemptError(f"more than {self._size} bytes", kind="content")
        self._digest.update(block)
        try:
            self._stream.write(block)
        except OSError as error:  # the disk's trouble, not the network's
            folder = Path(self._stream.name).parent
            raise make_write_error(folder, error, self._size) from error
        self._progress(len(block))

    def flush(self) -> None:
        """Do nothing: the whole file is flushed once, when it is complete."""


def download(url: str, target: BoundedFile, size: int) -> None:
    """Download one object, within its size and a time that suits the size.

    Raises
    ------
    AttemptError
        If the address isn't allowed, the answer isn't the object or it is too slow.
    InputError
        If `target` can't take the bytes.
    """
    seconds = min(GRACE_SECONDS + size / MINIMUM_RATE, LONGEST_SECONDS)
    _run_with_deadline(seconds, lambda: _follow(url, target, size))


def _run_with_deadline(seconds: float, call: Callable[[], None]) -> None:
    """Run a call in a thread, so that no server can make this process wait longer."""
    outcome: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            call()
        except BaseException as error:  # noqa: BLE001 - raised again by the caller
            outcome.put(error)
        else:
            outcome.put(None)

    threading.Thread(target=work, daemon=True, name="somobench-download").start()
    try:
        error = outcome.get(timeout=seconds)
    except queue.Empty:
        message = f"not complete after {seconds:.0f} s"
        raise AttemptError(message) from None
    if error is not None:
        raise error


def _follow(url: str, target: BoundedFile, size: int) -> None:
    """Download, following a few redirects to places that are allowed."""
    check_address(url)
    for _ in range(MAXIMUM_REDIRECTS + 1):
        try:
            return _request(url, target, size)
        except _RedirectError as redirect:
            check_redirect(url, redirect.target)
            url = redirect.target
    message = f"more than {MAXIMUM_REDIRECTS} redirects"
    raise AttemptError(message, again=False)


def _request(url: str, target: BoundedFile, size: int) -> None:
    import requests
    import urllib3
    from pooch import HTTPDownloader  # type: ignore[import-untyped]

    downloader = HTTPDownloader(
        chunk_size=CHUNK,
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        allow_redirects=False,
        headers={"Accept-Encoding": "identity", "User-Agent": "somobench"},
        hooks={"response": lambda response, **_: _judge(response, size)},
    )
    try:
        downloader(url, target, None)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        raise AttemptError(_describe_cause(error)) from error
    except (ValueError, ArithmeticError, OSError) as error:
        raise AttemptError(_describe_cause(error), again=False) from error
    if target.received < size:
        raise AttemptError(f"ended after {target.received} of {size} bytes")


def _describe_cause(error: Exception) -> str:
    """Return the innermost reason, without addresses that may hold tokens."""
    inner: Any = error
    while (nested := _find_inner_error(inner)) is not None:
        inner = nested
    text = str(inner)
    return type(error).__name__ + ("" if "://" in text else f": {text[:160]}")


def _find_inner_error(error: Any) -> Exception | None:
    for inner in (getattr(error, "reason", None), *error.args[:1]):
        if isinstance(inner, Exception):
            return inner
    return None


def _judge(response: Any, size: int) -> None:
    """Refuse an answer by its status and headers, before its body is read."""
    try:
        if response.is_redirect:
            target = urljoin(response.url, response.headers["location"])
            raise _RedirectError(target)
        _judge_status(response)
        _judge_headers(response.headers, size)
    except Exception:
        response.close()
        raise


def _judge_status(response: Any) -> None:
    status = response.status_code
    if status == OK:
        return
    reason = f"{status} {str(response.reason)[:80]}"
    wait = _retry_after(response.headers.get("Retry-After"))
    if wait > MAXIMUM_WAIT:
        message = f"{reason}, asks to wait {wait:.0f} s"
        raise AttemptError(message, again=False)
    raise AttemptError(reason, again=status in TRANSIENT, wait=wait)


def _retry_after(text: str | None) -> float:
    """Return the seconds that a server asks to wait; 0 if it doesn't say."""
    import urllib3

    if not text:
        return 0.0
    try:
        return max(0.0, urllib3.Retry().parse_retry_after(text))
    except urllib3.exceptions.InvalidHeader:
        return 0.0


def _judge_headers(headers: Any, size: int) -> None:
    encoding = headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        message = f"encoded as {encoding!r}, although plain bytes were asked for"
        raise AttemptError(message, kind="content", again=False)
    length = headers.get("Content-Length")
    if length is not None and length.strip() != str(size):
        kind = headers.get("Content-Type", "no content type")
        message = f"{length[:40]} bytes of {kind[:80]!r} announced instead of {size}"
        raise AttemptError(message, kind="content")
