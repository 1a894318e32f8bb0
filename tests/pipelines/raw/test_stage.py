"""Stage `raw`: the virtual world and its record."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from factories.raw.virtual_recipes import make_recipe
from somobench.pipelines.inputs import (
    INPUTS_FILE,
    InputRecord,
    read_inputs,
    verify_inputs,
    write_inputs,
)
from somobench.pipelines.raw import write_raw
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe


def run_raw(recipe: Recipe, data: Path, *archives: InputRecord) -> None:
    """Run the stage after one that recorded some archives."""
    write_inputs(archives, data / INPUTS_FILE)
    write_raw(recipe, data / INPUTS_FILE, data / "raw")


@pytest.fixture(scope="module")
def virtual_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the raw data of a small virtual recipe."""
    folder = tmp_path_factory.mktemp("data") / "raw"
    recipe = make_recipe(end="2016-02-29", cells=1)
    run_raw(recipe, folder.parent)
    return folder


def test_virtual_inputs_are_recorded_by_role(virtual_raw: Path) -> None:
    records = read_inputs(virtual_raw / "inputs.json")
    assert [(record.role, record.source, record.path) for record in records] == [
        ("forcing", "era5", "era5/europe.zarr.zip"),
        ("forcing", "era5", "era5/oceania.zarr.zip"),
        ("stations", "ismn", "ismn.zip"),
        ("truth", "virtual", "truth.zarr.zip"),
    ]
    for record in records:
        content = (virtual_raw / record.path).read_bytes()
        assert record.generated
        assert record.size == len(content)
        assert record.sha256 == hashlib.sha256(content).hexdigest()


def test_virtual_inputs_verify_and_name_their_files(virtual_raw: Path) -> None:
    found = verify_inputs(virtual_raw / "inputs.json", "forcing")
    assert [path for _, path in found] == [
        virtual_raw / "era5/europe.zarr.zip",
        virtual_raw / "era5/oceania.zarr.zip",
    ]


def test_virtual_input_in_a_format_it_lacks_is_refused(tmp_path: Path) -> None:
    recipe = make_recipe(end="2016-01-31", cells=1, regions=("europe",))
    stations = recipe.stations.model_dump() | {"source": "uscrn"}
    refused = make_recipe(
        end="2016-01-31", cells=1, regions=("europe",), stations=stations
    )
    with pytest.raises(InputError, match="uscrn"):
        run_raw(refused, tmp_path)
