"""Shared fixtures: real data where it is present, seeded generators, no network."""

from __future__ import annotations

import gc
import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from somobench.catalog.fetching.fetch import RemoteObject

# Files that take minutes come first, so that no process ends long after the others;
# the longest before all.
LONGEST = ("test_pipeline_end_to_end.py", "test_readme.py")
ROOT = Path(__file__).resolve().parents[1]
PARALLEL = "somobench.parallel"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and then those with a slow test."""
    slow = {item.path.name for item in items if item.get_closest_marker("slow")}
    places = {name: place for place, name in enumerate(LONGEST)}

    def place(item: pytest.Item) -> int:
        name = item.path.name
        return places.get(name, len(LONGEST) + (name not in slow))

    items.sort(key=place)


def pytest_collection_finish() -> None:
    """Let the collector of cycles pass over what collecting left, thousands of objects.

    It would take 7 % of the tests' time. What they leave themselves is collected.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def repository() -> Path:
    """Return the root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real input archives, or skip where there is none."""
    root = Path(os.environ.get("SOMOBENCH_DATA", ROOT.parent / "shared" / "data"))
    if not (root / "PROVENANCE.md").is_file():
        pytest.skip(f"no real input data in {root}; set SOMOBENCH_DATA")
    return root


@pytest.fixture
def rng() -> np.random.Generator:
    """Return a seeded generator."""
    return np.random.default_rng(20260601)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves this machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] not in LOOPBACK:
            message = f"a test tried to reach {address[0]}"
            raise ConnectionRefusedError(message)
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every test a cache of its own and no release but the packaged ones."""
    monkeypatch.setenv("SOMOBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SOMOBENCH_RELEASES", raising=False)
    monkeypatch.delenv("SOMOBENCH_OFFLINE", raising=False)


@pytest.fixture(autouse=True)
def _warm_readers(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start readers of strangers' files without loading libraries each time."""
    if "cold_start" in request.fixturenames:
        return
    for name in ("somobench.submissions.child", "somobench.validate"):
        if name in sys.modules:
            from factories.warm.python import WARM

            monkeypatch.setattr(sys.modules[name], "subprocess", WARM)


@pytest.fixture(autouse=True)
def _warm_pools(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Start the processes of pools, and workers of Dask, likewise."""
    if "cold_start" not in request.fixturenames and PARALLEL in sys.modules:
        from factories.warm.pools import WarmContext

        monkeypatch.setattr(sys.modules[PARALLEL], "BoundContext", WarmContext)


@pytest.fixture
def cold_start() -> None:
    """Let processes and readers of strangers' files start as they do for users."""


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Record the pauses between rounds instead of sleeping."""
    from somobench.catalog.fetching import fetch

    slept: list[float] = []
    monkeypatch.setattr(fetch, "_sleep", slept.append)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return slept


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put the toy release on this machine, and work out of the checkout."""
    from factories.releases import copy_release

    folder = copy_release(tmp_path / "releases")
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(folder.parent))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture
def wanted() -> Iterator[RemoteObject]:
    """Return an object that a server has."""
    from factories.web import loopback_server as web
    from factories.web.remote_object import CONTENT, SHA256
    from somobench.catalog.fetching.fetch import RemoteObject

    with web.serving(web.body(CONTENT)) as server:
        yield RemoteObject(
            name="object.bin",
            sha256=SHA256,
            size=len(CONTENT),
            urls=(f"{server.base}/object.bin",),
        )
