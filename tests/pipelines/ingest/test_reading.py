"""Archives are read by any number of processes, with the same bytes as outcome."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

import pytest

from factories.killed_blocks import read_unless_first
from factories.raw.input_records import record, write_inputs
from factories.raw.ismn_files import file_name, header, rows, station_file, write_zip
from somobench.pipelines.ingest import ingest, reading
from somobench.pipelines.stations.archive import Member
from somobench.schemas.recipe import Recipe, load_recipe

FILES = 7


@pytest.fixture
def recipe(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    """Return the virtual recipe, cut to four days; a block holds two files."""
    monkeypatch.setattr(reading, "BLOCK_FILES", 2)
    content = load_recipe(repository / "conf/recipe/virtual.yaml").model_dump()
    content["period"] = {"start": "2020-01-01", "end": "2020-01-04"}
    content["stations"]["minimum_days"] = 2
    return Recipe.model_validate(content)


def hash_outcome(folder: Path, recipe: Recipe, processes: int = 1) -> dict[str, str]:
    """Ingest an archive, and return the sum of every file that it gives."""
    members = {
        file_name(station=station): station_file(
            rows([0.1 + 0.001 * hour for hour in range(90 + number)]),
            first=header(station=station),
        )
        for number, station in enumerate(f"ST{item:02}" for item in range(FILES))
    } | {"NET/ST99/notes.dat": b"?"}
    folder.mkdir()
    archive = write_zip(folder / "ismn.zip", members)
    inputs = write_inputs(folder, [record(archive)])
    ingest(recipe, inputs, folder / "data", processes=processes)
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").iterdir())
    }


@pytest.mark.slow
def test_processes_and_workers_give_the_bytes_of_one(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = hash_outcome(tmp_path / "alone", recipe)
    assert sorted(alone) == [
        *("ingest.json", "observations.parquet"),
        *("statics.parquet", "stations.parquet"),
    ]
    assert hash_outcome(tmp_path / "two", recipe, processes=2) == alone
    monkeypatch.setenv("SOMOBENCH_DASK", "local")
    for workers in (2, 4):
        folder = tmp_path / f"dask{workers}"
        assert hash_outcome(folder, recipe, processes=workers) == alone


@pytest.mark.slow
def test_a_worker_that_is_killed_costs_no_data(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = hash_outcome(tmp_path / "alone", recipe)
    flag = tmp_path / "killed"
    monkeypatch.setattr(reading, "read_block", partial(read_unless_first, flag))
    monkeypatch.setenv("SOMOBENCH_DASK", "local")
    assert hash_outcome(tmp_path / "dask", recipe, processes=2) == alone
    assert flag.exists()


def test_blocks_hold_every_file_once_and_no_more_than_they_may(
    tmp_path: Path, recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [file_name(station=f"ST{number:02}") for number in range(FILES)]
    archive = write_zip(tmp_path / "a.zip", dict.fromkeys(names, b"x" * 100))
    reader = reading.Reader([("ismn", archive), ("uscrn", archive)], recipe, None)
    monkeypatch.setattr(reading, "BLOCK_FILES", 5)
    monkeypatch.setattr(reading, "BLOCK_SIZE", 300)
    *blocks, whole = reading.list_blocks(reader)
    # 300 bytes are three files of 100; a source that joins files takes all of them.
    assert [len(block.members or ()) for block in blocks] == [3, 3, 1]
    members = [member for block in blocks for member in block.members or ()]
    assert members == [Member(name, 100) for name in names]
    assert whole == (3, 1, None)
    assert [block.number for block in blocks] == [0, 1, 2]
