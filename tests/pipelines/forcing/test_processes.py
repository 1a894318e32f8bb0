"""Variables of a forcing are made by any number of processes, with equal values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factories.raw.era5_stores import make_cell_table, make_era5, make_recipe
from somobench.pipelines.forcing.era5 import Era5Source, opened
from somobench.pipelines.forcing.era5.blocks import count_chunk_bytes
from somobench.pipelines.forcing.era5.fields import group_boxes
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.reference import REFERENCE
from somobench.pipelines.forcing.era5.variables import RAW, Delivery
from somobench.pipelines.forcing.source import ForcingRequest
from somobench.progress import listen_to_steps

DAYS = np.arange("2018-01-01", "2018-01-04", dtype="datetime64[D]")


@pytest.fixture
def request_of_store(tmp_path: Path, repository: Path) -> ForcingRequest:
    store = make_era5()
    chunks = {name: {"chunks": (24, 2, 3)} for name in store.data_vars}
    store.to_zarr(tmp_path / "a.zarr", encoding=chunks, zarr_format=2)
    recipe = make_recipe(repository)
    return ForcingRequest(recipe, make_cell_table(), (tmp_path / "a.zarr",))


@pytest.mark.slow
def test_processes_and_workers_give_the_values_of_one(
    request_of_store: ForcingRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = Era5Source().daily(request_of_store)
    monkeypatch.setattr(opened, "WORTH_IT", 0)
    two = Era5Source().daily(replace(request_of_store, processes=2))
    monkeypatch.setenv("SOMOBENCH_DASK", "local")
    four = Era5Source().daily(replace(request_of_store, processes=4))
    assert REFERENCE in alone.dataset  # its soil levels go through processes too
    for other in (two, four):
        assert other.dataset.identical(alone.dataset)
        assert other.report == alone.report
        assert other.node_count.tolist() == alone.node_count.tolist()


def test_bytes_are_those_of_the_chunks_that_are_needed(
    request_of_store: ForcingRequest,
) -> None:
    with open_inputs(request_of_store.inputs) as found:
        (box,) = group_boxes(found.stores)
        field = box.field(RAW["t2m"], Delivery())
        corner, both = np.array([0, 4]), np.array([0, 4, 8])
        # Three days and the midnight after them are four chunks of 24 x 2 x 3 float32;
        # nodes 0 and 4 lie in the first two rows, node 8 in the third.
        a_tile = 4 * 24 * 2 * 3 * 4
        assert count_chunk_bytes(field, (box.nodes, corner), DAYS) == a_tile
        assert count_chunk_bytes(field, (box.nodes, both), DAYS) == 2 * a_tile


def test_what_is_unpacked_is_said_before_it_begins(
    request_of_store: ForcingRequest,
) -> None:
    said: list[str] = []
    with listen_to_steps(said.append):
        Era5Source().daily(request_of_store)
    assert said[0] == "unpacking 0.00 GB of weather"
