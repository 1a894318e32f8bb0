"""Bring one object of a release into the cache: mirrors in order, verified, bounded."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from somobench.catalog.fetching.addresses import AttemptError, redact_url
from somobench.catalog.fetching.cache import (
    lock_object,
    make_write_error,
    object_path,
    open_verified,
    remove_leftovers,
)
from somobench.catalog.fetching.download import (
    GRACE_SECONDS,
    BoundedFile,
    Progress,
    download,
)
from somobench.schemas.errors import IntegrityError, NetworkError, OfflineError

ROUNDS = 3  # times that a mirror with a passing trouble is asked
BACKOFF_SECONDS = 1.0  # before the second round; doubled before the third
GRID = ".zarr.zip"
SHOWN_FROM = 1_000_000  # bytes; a smaller object needs no progress bar


@dataclass(frozen=True, kw_only=True)
class RemoteObject:
    """An object by its content, and the addresses that may have it."""

    name: str
    sha256: str
    size: int
    urls: tuple[str, ...]

    def open_at(self, path: Path, *, always: bool = False) -> BinaryIO:
        """Open a file that has to be this object; what is read is what was verified.

        Grids alone are believed by the record of an earlier verification, since each
        of their chunks has a checksum.
        """
        always = always or not self.name.endswith(GRID)
        return open_verified(path, self.sha256, self.size, always=always)


def is_offline() -> bool:
    """Say whether `SOMOBENCH_OFFLINE` forbids every download."""
    chosen = os.environ.get("SOMOBENCH_OFFLINE", "").strip().lower()
    return chosen not in {"", "0", "false", "no", "off"}


def open_cached(wanted: RemoteObject, *, always: bool = False) -> BinaryIO | None:
    """Return the verified object from the cache, opened; nothing if it isn't there.

    Raises
    ------
    IntegrityError
        If the cache holds other bytes under this name.
    """
    path = object_path(wanted.sha256)
    if not os.path.lexists(path):
        return None
    return wanted.open_at(path, always=always)


def fetch(wanted: RemoteObject) -> Path:
    """Return where the verified object lies in the cache, as `open_object` gets it."""
    open_object(wanted).close()
    return object_path(wanted.sha256)


def open_object(wanted: RemoteObject, *, always: bool = False) -> BinaryIO:
    """Open the verified object, downloading it if the cache doesn't hold it whole.

    A damaged object in the cache is replaced in the moment in which a whole one is
    there: where none can be had, it stays. Bytes asked of the mirrors together stay
    within their number plus one, times the size.

    Raises
    ------
    OfflineError
        If it isn't here and downloads are switched off.
    NetworkError
        If no mirror delivered it.
    IntegrityError
        If every mirror delivered other bytes, or the one in the cache is damaged and
        nothing may be downloaded.
    InputError
        If the cache can't be written.
    """
    can_download = bool(wanted.urls) and not is_offline()
    try:
        found = open_cached(wanted, always=always)
    except IntegrityError:
        if not can_download:
            raise
        found = None
    return found or _fetch_once(wanted)


def _fetch_once(wanted: RemoteObject) -> BinaryIO:
    if is_offline():
        raise OfflineError(
            f"file {wanted.name}",
            found="not on this machine, and SOMOBENCH_OFFLINE is set",
            expected=f"{wanted.size} bytes with sha256 {wanted.sha256}",
            hint="run `somobench fetch` with a network, or point SOMOBENCH_CACHE at"
            " a cache that holds it",
        )
    with lock_object(wanted.sha256, GRACE_SECONDS):
        with suppress(IntegrityError):
            if found := open_cached(wanted):  # another process was first
                return found
        return _download_to_cache(wanted)


def _download_to_cache(wanted: RemoteObject) -> BinaryIO:
    from somobench.catalog.storage.atomic import replace_file

    path = object_path(wanted.sha256)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent)
        with replace_file(path) as partial, progress_bar(wanted) as progress:
            _try_mirrors(wanted, partial, progress)
    except OSError as error:
        raise make_write_error(path.parent, error, wanted.size) from error
    return wanted.open_at(path)


def _try_mirrors(wanted: RemoteObject, partial: Path, progress: Progress) -> None:
    failures: dict[str, AttemptError] = {}
    candidates: Sequence[str] = wanted.urls
    allowance = (len(wanted.urls) + 1) * wanted.size
    for number in range(ROUNDS):
        if number:
            _sleep(_pause(number, [failures[url] for url in candidates]))
        for url in candidates:
            if allowance < wanted.size:
                raise _make_fetch_error(wanted, failures)
            try:
                return _attempt(wanted, url, partial, progress)
            except AttemptError as failure:
                failures[url] = failure
                allowance -= failure.received
        candidates = [url for url in candidates if failures[url].again]
        if not candidates:
            break
    raise _make_fetch_error(wanted, failures)


def _attempt(wanted: RemoteObject, url: str, partial: Path, progress: Progress) -> None:
    """Download from one address and check the bytes."""
    with partial.open("wb") as stream:
        target = BoundedFile(stream, wanted.size, progress)
        try:
            download(url, target, wanted.size)
            if target.sha256 != wanted.sha256:
                raise AttemptError(f"sha256 {target.sha256}", kind="content")
        except AttemptError as failure:
            failure.received = target.received
            raise


def _pause(number: int, failures: Sequence[AttemptError]) -> float:
    """Return how long to wait before a round: at least as long as servers ask."""
    asked = max((failure.wait for failure in failures), default=0.0)
    return max(BACKOFF_SECONDS * 2.0 ** (number - 1), asked)


def _sleep(seconds: float) -> None:
    time.sleep(seconds)


def _make_fetch_error(
    wanted: RemoteObject, failures: dict[str, AttemptError]
) -> NetworkError | IntegrityError:
    listed = "; ".join(
        f"{redact_url(url)}: {reason}" for url, reason in failures.items()
    )
    same = all(failure.kind == "content" for failure in failures.values())
    kind = IntegrityError if failures and same else NetworkError
    return kind(
        f"download of {wanted.name}",
        found=listed or "no address is known",
        expected=f"{wanted.size} bytes with sha256 {wanted.sha256}",
        hint="check the network, proxy and log-in page of this place, then run"
        " `somobench fetch` again",
    )


@contextmanager
def progress_bar(wanted: RemoteObject) -> Iterator[Progress]:
    """Show progress on standard error, if that is a terminal and the object large."""
    if wanted.size < SHOWN_FROM or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich import progress as rich
    from rich.console import Console

    columns = (rich.TextColumn(wanted.name), rich.BarColumn(), rich.DownloadColumn())
    with rich.Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(wanted.name, total=wanted.size)
        yield lambda count: bar.advance(task, count)
