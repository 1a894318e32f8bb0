"""Cores that this process may use, on Linux and elsewhere."""

from __future__ import annotations

import os

import pytest

from somobench.catalog.storage.processors import count_cores


def test_cores_are_counted_where_a_process_is_not_bound_to_some(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert count_cores() == len(os.sched_getaffinity(0))
    # macOS has no such call.
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert count_cores() == (os.cpu_count() or 1)
