"""Stage `inputs`: archives are known by their bytes, and nothing else passes."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from factories.raw.virtual_recipes import make_recipe
from somobench.catalog.fetching import cache
from somobench.catalog.storage.hashing import sha256_file
from somobench.pipelines.inputs import (
    input_path,
    measure_file,
    read_inputs,
    verify_inputs,
)
from somobench.pipelines.inputs.stage import record_inputs
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


def test_real_input_is_recorded_where_it_lies(archives: Path, tmp_path: Path) -> None:
    record = tmp_path / "data" / "inputs.json"
    record_inputs(real_recipe(), record)
    assert [path.name for path in record.parent.iterdir()] == ["inputs.json"]
    content = json.loads(record.read_text())
    assert content[0]["path"] == "ismn/a.zip"
    assert content[0]["sha256"] == hashlib.sha256(CONTENT).hexdigest()
    assert str(tmp_path) not in record.read_text()
    ((found, path),) = verify_inputs(record, "stations")
    assert not found.generated
    assert path == archives / "ismn" / "a.zip" == input_path(found)


def test_absent_input_is_refused_with_the_way_to_get_it(
    archives: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as refusal:
        record_inputs(real_recipe(path="ismn/b.zip"), tmp_path / "inputs.json")
    message = str(refusal.value)
    assert str(archives / "ismn" / "b.zip") in message
    assert "SOMOBENCH_DATA" in message
    assert "https://ismn.earth" in message
    assert not (tmp_path / "inputs.json").exists()


def test_recipe_that_generates_its_inputs_has_none_to_look_at(tmp_path: Path) -> None:
    record_inputs(make_recipe(), tmp_path / "inputs.json")
    assert read_inputs(tmp_path / "inputs.json") == ()


def test_every_absent_archive_is_named_once(archives: Path, tmp_path: Path) -> None:
    recipe = real_recipe(path="ismn/b.zip")
    forcing = recipe.forcing.model_dump() | {
        "inputs": [real_input("ismn/b.zip"), real_input("era5/2001")]
    }
    both = Recipe.model_validate(recipe.model_dump() | {"forcing": forcing})
    with pytest.raises(InputError) as refusal:
        record_inputs(both, tmp_path / "inputs.json")
    found = str(refusal.value.found)
    assert found.count(str(archives / "ismn" / "b.zip")) == 1
    assert str(archives / "era5" / "2001") in found


def test_other_bytes_at_the_same_path_give_another_record(
    archives: Path, tmp_path: Path
) -> None:
    record_inputs(real_recipe(), tmp_path / "one.json")
    archive = archives / "ismn" / "a.zip"
    status = archive.stat()
    archive.write_bytes(CONTENT[::-1])  # as long, and with the same mtime
    os.utime(archive, ns=(status.st_atime_ns, status.st_mtime_ns))
    record_inputs(real_recipe(), tmp_path / "two.json")
    (record,) = read_inputs(tmp_path / "two.json")
    assert record.sha256 == hashlib.sha256(CONTENT[::-1]).hexdigest()
    assert (tmp_path / "one.json").read_bytes() != (tmp_path / "two.json").read_bytes()


def test_archive_is_hashed_again_only_if_it_changed(
    archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    monkeypatch.setattr(cache, "SETTLED_SECONDS", -1.0)
    monkeypatch.setattr(
        cache,
        "_hash",
        lambda _, path: hashed.append(path) or sha256_file(path),
    )
    for _ in range(2):
        record_inputs(real_recipe(), tmp_path / "inputs.json")
        cache._verified.clear()  # as another process would find it
    assert hashed == [archives / "ismn" / "a.zip"]
    (archives / "ismn" / "a.zip").write_bytes(CONTENT[:-1] + b"E")
    record_inputs(real_recipe(), tmp_path / "inputs.json")
    assert len(hashed) == 2
    (record,) = read_inputs(tmp_path / "inputs.json")
    assert record.sha256 == hashlib.sha256(CONTENT[:-1] + b"E").hexdigest()


def test_failed_stage_leaves_the_last_record(archives: Path, tmp_path: Path) -> None:
    record = tmp_path / "data" / "inputs.json"
    record_inputs(real_recipe(), record)
    before = record.read_bytes()
    with pytest.raises(InputError):
        record_inputs(real_recipe(path="ismn/b.zip"), record)
    assert record.read_bytes() == before
    assert [path.name for path in record.parent.iterdir()] == ["inputs.json"]


def test_input_of_another_hash_than_the_recipe_is_refused(
    archives: Path, tmp_path: Path
) -> None:
    with pytest.raises(IntegrityError, match="0000"):
        record_inputs(real_recipe(sha256=64 * "0"), tmp_path / "inputs.json")


@pytest.mark.parametrize("path", ["/etc/passwd", "../a.zip", "a/../../b", ""])
def test_path_outside_the_input_root_is_refused(
    archives: Path, tmp_path: Path, path: str
) -> None:
    with pytest.raises(InputError, match="below the input root"):
        record_inputs(real_recipe(path=path), tmp_path / "inputs.json")


def test_changed_input_is_found_before_it_is_read(
    archives: Path, tmp_path: Path
) -> None:
    record_inputs(real_recipe(), tmp_path / "inputs.json")
    (archives / "ismn" / "a.zip").write_bytes(CONTENT[:-1] + b"E")
    with pytest.raises(IntegrityError, match=r"ismn/a\.zip"):
        verify_inputs(tmp_path / "inputs.json", "stations")


def test_removed_input_is_refused(archives: Path, tmp_path: Path) -> None:
    record_inputs(real_recipe(), tmp_path / "inputs.json")
    (archives / "ismn" / "a.zip").unlink()
    with pytest.raises(InputError, match="nothing at"):
        verify_inputs(tmp_path / "inputs.json", "stations")


def test_unreadable_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inputs.json").write_text('[{"role": "weather"}]')
    with pytest.raises(InputError, match="dvc repro"):
        read_inputs(tmp_path / "inputs.json")


def test_folder_hash_covers_names_and_bytes(tmp_path: Path) -> None:
    (tmp_path / "a" / "sub").mkdir(parents=True)
    (tmp_path / "a" / "sub" / "x").write_bytes(b"1")
    (tmp_path / "a" / "y").write_bytes(b"22")
    size, digest = measure_file(tmp_path / "a")
    # Lines of the two files, sorted by path: "sub/x" before "y".
    lines = "".join(
        f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        for name, content in (("sub/x", b"1"), ("y", b"22"))
    )
    assert (size, digest) == (3, hashlib.sha256(lines.encode()).hexdigest())
    (tmp_path / "a" / "y").rename(tmp_path / "a" / "z")
    assert measure_file(tmp_path / "a")[1] != digest
