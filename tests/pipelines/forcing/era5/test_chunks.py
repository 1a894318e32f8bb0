"""Every chunk of a store that a build needs is unpacked once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr

from factories.raw.era5_stores import make_era5
from somobench.pipelines.forcing.era5 import blocks
from somobench.pipelines.forcing.era5.blocks import read_days
from somobench.pipelines.forcing.era5.daily import MEAN_OF_HOURS, SUM_OF_HOURS_ENDING
from somobench.pipelines.forcing.era5.fields import group_boxes
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.variables import RAW, Delivery, find_derivation

DAYS = np.arange("2018-01-01", "2018-01-13", dtype="datetime64[D]")
HOURS = 24 * len(DAYS) + 1


@pytest.fixture
def unpacked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count by name the chunks that are read from stores on disk."""
    counts: Counter[str] = Counter()
    get: Callable[..., Any] = zarr.storage.LocalStore.get

    async def count(self: object, key: str, *args: object, **kwargs: object) -> object:
        if "/c/" in key:
            counts[key] += 1
        return await get(self, key, *args, **kwargs)

    monkeypatch.setattr(zarr.storage.LocalStore, "get", count)
    return counts


@pytest.mark.parametrize("variable", ["air_temperature", "net_radiation"])
@pytest.mark.parametrize("days_at_once", [1, 5, 100])
@pytest.mark.parametrize(
    "chunks",
    [
        (24, 3, 3),  # by time
        (HOURS, 1, 1),  # by place
        (100, 2, 3),  # mixed, with ends within days
        (7, 3, 1),
    ],
)
def test_each_chunk_is_read_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unpacked: Counter[str],
    chunks: tuple[int, int, int],
    days_at_once: int,
    variable: str,
) -> None:
    store = make_era5(days=len(DAYS), names=("t2m", "ssr", "str"))
    encoding = {name: {"chunks": chunks} for name in store.data_vars}
    store.to_zarr(tmp_path / "a.zarr", encoding=encoding, zarr_format=3)
    monkeypatch.setattr(blocks, "BLOCK_VALUES", 24 * 9 * days_at_once)
    monkeypatch.setattr(blocks, "STRETCH", 1000)
    derivation = find_derivation(variable, {})
    rule = SUM_OF_HOURS_ENDING if derivation.accumulated else MEAN_OF_HOURS
    nodes = np.array([0, 1, 5, 8])
    with open_inputs([tmp_path / "a.zarr"]) as opened:
        (box,) = group_boxes(opened.stores)
        fields = [box.field(RAW[raw], Delivery()) for raw in derivation.raws]
        unpacked.clear()
        values, _ = read_days(
            *(derivation, fields, (box.nodes, nodes), DAYS, rule),
            accumulation="hour_ending",
        )
    assert np.isfinite(values).all()
    # A chunk is needed if it holds a node and an hour that is asked for.
    first, last = (1, HOURS) if derivation.accumulated else (0, HOURS - 1)
    needed = {
        f"{raw}/c/{hour // chunks[0]}/{node // 3 // chunks[1]}/{node % 3 // chunks[2]}"
        for raw in derivation.raws
        for hour in range(first, last)
        for node in nodes.tolist()
    }
    assert set(unpacked) == needed
    assert sum(unpacked.values()) / len(needed) == 1.0
