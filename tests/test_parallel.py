"""Work for every item: results in order, inputs read once a process, errors whole."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

import distributed
import pytest

from factories.split_work import (
    kill_worker_once,
    name_split,
    read_inputs,
    refuse_split,
)
from somobench.parallel import connect, map_items
from somobench.schemas.errors import InputError, SomobenchError, UsageError

pytestmark = pytest.mark.usefixtures("cold_start")


@pytest.mark.parametrize("processes", [1, 2])
def test_results_come_in_order_of_the_splits(tmp_path: Path, processes: int) -> None:
    names = ["c", "a", "b"]
    results = map_items(name_split, names, partial(read_inputs, tmp_path), processes)
    assert [said for said, _ in results] == [f"inputs of {name}" for name in names]


def test_inputs_are_read_once_in_every_process(tmp_path: Path) -> None:
    names = [f"split_{number}" for number in range(6)]
    results = map_items(name_split, names, partial(read_inputs, tmp_path), 2)
    workers = {str(process) for _, process in results}
    assert str(os.getpid()) not in workers
    read = {path.name: path.read_text("utf-8") for path in tmp_path.iterdir()}
    assert workers <= set(read)
    assert set(read.values()) == {"read "}


@pytest.mark.parametrize("processes", [1, 2])
def test_refusal_of_a_split_arrives_whole(tmp_path: Path, processes: int) -> None:
    with pytest.raises(InputError, match="split a") as refused:
        map_items(refuse_split, ["a", "b"], partial(read_inputs, tmp_path), processes)
    assert (refused.value.found, refused.value.hint) == ("inputs", "try")


def test_killed_process_is_a_refusal_that_says_so(tmp_path: Path) -> None:
    work = partial(kill_worker_once, tmp_path / "killed")
    read = partial(read_inputs, tmp_path)
    with pytest.raises(SomobenchError, match="ended before its work was done"):
        map_items(work, ["a", "b"], read, 2)


def test_dask_gives_the_same_results_in_order(tmp_path: Path) -> None:
    names = ["c", "a", "b"]
    read = partial(read_inputs, tmp_path)
    results = map_items(name_split, names, read, 2, scheduler="local")
    assert [said for said, _ in results] == [f"inputs of {name}" for name in names]
    assert os.getpid() not in {process for _, process in results}


def test_a_worker_killed_in_mid_run_costs_no_result(tmp_path: Path) -> None:
    names = [f"split_{number}" for number in range(6)]
    work = partial(kill_worker_once, tmp_path / "killed")
    results = map_items(
        work, names, partial(read_inputs, tmp_path), 2, scheduler="local"
    )
    assert (tmp_path / "killed").exists()
    assert results == [f"inputs of {name}" for name in names]


def test_the_environment_names_a_scheduler_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect("local", 1) as client:
        monkeypatch.setenv("SOMOBENCH_DASK", client.scheduler.address)
        read = partial(read_inputs, tmp_path)
        results = map_items(name_split, ["a"], read, 1)
        assert [process for _, process in results] != [os.getpid()]
        # It is somebody else's: it runs on.
        assert client.submit(abs, -1).result() == 1


def test_no_scheduler_at_an_address_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_client = distributed.Client
    monkeypatch.setattr(
        distributed, "Client", lambda address, timeout: make_client(address, timeout=1)
    )
    with pytest.raises(UsageError, match=r"none at tcp://127.0.0.1:9"):
        map_items(
            name_split,
            ["a"],
            partial(read_inputs, tmp_path),
            1,
            scheduler="tcp://127.0.0.1:9",
        )
