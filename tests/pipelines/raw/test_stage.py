"""Stage `raw`: inputs are known by their bytes, and nothing else passes."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from factories.virtual_recipes import make_recipe
from somobench.pipelines.inputs import (
    input_path,
    read_inputs,
    size_and_sha256,
    verified_inputs,
)
from somobench.pipelines.raw import record_inputs
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.recipe import Recipe

CONTENT = b"an archive"


def real_input(path: str = "ismn/a.zip", **changes: Any) -> dict[str, Any]:
    return {
        "name": "archive",
        "path": path,
        "producer": "ISMN",
        "licence": "closed",
        "citation": "Dorigo et al. 2021",
        "url": "https://ismn.earth",
    } | changes


def real_recipe(**changes: Any) -> Recipe:
    stations = {
        "source": "ismn",
        "inputs": [real_input(**changes)],
        "good_flags": ["G"],
        "minimum_count": 6,
        "minimum_days": 90,
    }
    forcing = make_recipe().forcing.model_dump() | {"inputs": []}
    return make_recipe(stations=stations, forcing=forcing)


@pytest.fixture
def archives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the stage an input root with one archive, `ismn/a.zip`."""
    root = tmp_path / "archives"
    (root / "ismn").mkdir(parents=True)
    (root / "ismn" / "a.zip").write_bytes(CONTENT)
    monkeypatch.setenv("SOMOBENCH_DATA", str(root))
    return root


@pytest.fixture(scope="module")
def virtual_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the raw data of a small virtual recipe."""
    folder = tmp_path_factory.mktemp("data") / "raw"
    recipe = make_recipe(end="2016-02-29", cells=1)
    record_inputs(recipe, folder)
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
    found = verified_inputs(virtual_raw / "inputs.json", "forcing")
    assert [path for _, path in found] == [
        virtual_raw / "era5/europe.zarr.zip",
        virtual_raw / "era5/oceania.zarr.zip",
    ]


def test_real_input_is_recorded_where_it_lies(archives: Path, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "raw"
    record_inputs(real_recipe(), folder)
    assert [path.name for path in folder.iterdir()] == ["inputs.json"]
    content = json.loads((folder / "inputs.json").read_text())
    assert content[0]["path"] == "ismn/a.zip"
    assert content[0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert str(tmp_path) not in (folder / "inputs.json").read_text()
    ((record, path),) = verified_inputs(folder / "inputs.json", "stations")
    assert not record.generated
    assert path == archives / "ismn" / "a.zip" == input_path(record)


def test_absent_input_is_refused_with_the_way_to_get_it(
    archives: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refusal:
        record_inputs(real_recipe(path="ismn/b.zip"), tmp_path / "raw")
    message = str(refusal.value)
    assert str(archives / "ismn" / "b.zip") in message
    assert "SOMOBENCH_DATA" in message
    assert "https://ismn.earth" in message
    assert not (tmp_path / "raw").exists()


def test_failed_stage_leaves_the_last_record(archives: Path, tmp_path: Path) -> None:
    folder = tmp_path / "raw"
    record_inputs(real_recipe(), folder)
    before = (folder / "inputs.json").read_bytes()
    with pytest.raises(InputError):
        record_inputs(real_recipe(path="ismn/b.zip"), folder)
    assert (folder / "inputs.json").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["archives", "raw"]


def test_input_of_another_hash_than_the_recipe_is_refused(
    archives: Path, tmp_path: Path
) -> None:
    with pytest.raises(IntegrityError, match="0000"):
        record_inputs(real_recipe(sha256=64 * "0"), tmp_path / "raw")


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.zip", "a/../../b", ""])
def test_path_outside_the_input_root_is_refused(
    archives: Path, tmp_path: Path, path: str
) -> None:
    with pytest.raises(InputError, match="below the input root"):
        record_inputs(real_recipe(path=path), tmp_path / "raw")


def test_changed_input_is_found_before_it_is_read(
    archives: Path, tmp_path: Path
) -> None:
    record_inputs(real_recipe(), tmp_path / "raw")
    (archives / "ismn" / "a.zip").write_bytes(CONTENT[:-1] + b"E")
    with pytest.raises(IntegrityError, match=r"ismn/a\.zip"):
        verified_inputs(tmp_path / "raw" / "inputs.json", "stations")


def test_removed_input_is_refused(archives: Path, tmp_path: Path) -> None:
    record_inputs(real_recipe(), tmp_path / "raw")
    (archives / "ismn" / "a.zip").unlink()
    with pytest.raises(InputError, match="nothing at"):
        verified_inputs(tmp_path / "raw" / "inputs.json", "stations")


def test_unreadable_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inputs.json").write_text('[{"role": "weather"}]')
    with pytest.raises(InputError, match="dvc repro raw"):
        read_inputs(tmp_path / "inputs.json")


def test_folder_hash_covers_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a" / "sub").mkdir(parents=True)
    (tmp_path / "a" / "sub" / "x").write_bytes(b"1")
    (tmp_path / "a" / "y").write_bytes(b"22")
    size, digest = size_and_sha256(tmp_path / "a")
    # Lines of the two files, sorted by path: "sub/x" before "y".
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("sub/x", b"1"), ("y", b"22"))
    )
    assert (size, digest) == (3, hashlib.sha256(lines.encode()).hexdigest())
    (tmp_path / "a" / "y").rename(tmp_path / "a" / "z")
    assert size_and_sha256(tmp_path / "a")[1] != digest


def test_virtual_input_in_a_format_it_lacks_is_refused(tmp_path: Path) -> None:
    recipe = make_recipe(end="2016-01-31", cells=1, regions=("europe",))
    stations = recipe.stations.model_dump() | {"source": "uscrn"}
    refused = make_recipe(
        end="2016-01-31", cells=1, regions=("europe",), stations=stations
    )
    with pytest.raises(InputError, match="uscrn"):
        record_inputs(refused, tmp_path / "raw")
