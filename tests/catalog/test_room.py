"""Room for the libraries: a tight limit is refused before they are imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from somobench.catalog.storage import room
from somobench.schemas.errors import InputError

TIGHT = """
import resource
resource.setrlimit(resource.RLIMIT_AS, (1_200_000_000, 1_200_000_000))
import somobench
try:
    somobench.open_dataset("memory", release="virtual-2.0.0")
except somobench.schemas.errors.SomobenchError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space")
def test_open_under_a_tight_limit_is_refused_and_does_not_hang() -> None:
    done = subprocess.run(
        [sys.executable, "-c", TIGHT],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert "left under a limit of 1200 MB" in done.stdout
    assert "ulimit -v" in done.stdout


def test_room_is_asked_for_only_before_libraries_are_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(room, "_get_limit", lambda: 10)
    monkeypatch.setattr(room, "LIBRARIES", (("sys", 100),))
    room.require_room_for_libraries()
    monkeypatch.setattr(room, "LIBRARIES", (("no_such_module", 100),))
    with pytest.raises(InputError, match="0 MB left under a limit of 0 MB"):
        room.require_room_for_libraries()


def test_no_limit_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_get_limit", lambda: None)
    monkeypatch.setattr(room, "LIBRARIES", (("no_such_module", 100),))
    room.require_room_for_libraries()


OPEN = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
import somobench
somobench.open_dataset("forcing", release=sys.argv[2])
"""


@pytest.mark.heavy
@pytest.mark.skipif(sys.platform != "linux", reason="address space as Linux counts it")
@pytest.mark.parametrize("limit", [1_500_000_000, 1_600_000_000, 1_700_000_000])
def test_a_limit_that_the_libraries_fit_under_lets_a_release_open(
    toy: Path, limit: int
) -> None:
    environment = dict(os.environ)
    environment.pop("ARROW_DEFAULT_MEMORY_POOL", None)
    limit += room.BYTES_A_CORE * ((os.cpu_count() or 2) - 2)
    command = [sys.executable, "-c", OPEN, str(limit), toy.name]
    done = subprocess.run(
        command, env=environment, capture_output=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
