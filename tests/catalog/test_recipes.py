"""Releases that are known before they are built: records, refusals, proof."""

from __future__ import annotations

from pathlib import Path

import pytest

import somobench
from factories.toy_manifest import RELEASE, toy_manifest
from somobench.catalog import recipes
from somobench.catalog.recipes import (
    BuildInput,
    BuildRecord,
    hash_values,
    list_buildable,
    make_build_record,
    read_build_record,
    refuse_other_values,
    write_build_record,
)
from somobench.cli.describe import list_titles
from somobench.schemas.errors import InputError, IntegrityError, UnknownNameError
from somobench.schemas.manifest import Manifest
from somobench.schemas.recipe import load_recipe

SOURCE = {
    "role": "stations", "source": "fluxnet", "name": "Towers", "sha256": "a" * 64,
    "size": 7, "producer": "FLUXNET", "licence": "CC-BY-4.0", "citation": "cite us",
}  # fmt: skip


def held(report: bytes = b"report", **changes: object) -> dict[str, object]:
    """Return the files of a manifest: a table with one column, and a report."""
    column = {
        "dtype": "float64", "dims": ["row"], "shape": [2], "units": "m3 m-3",
        "sha256": "c" * 64, "mean": 0.5,
    }  # fmt: skip
    files = toy_manifest({"cells.parquet": b"cells", "report.html": report})["files"]
    files["cells.parquet"]["arrays"] = {"sand": column | changes}
    return dict(files)


def toy(**changes: object) -> dict[str, object]:
    return toy_manifest({}, sources=[SOURCE]) | {"files": held()} | changes


def manifest(**changes: object) -> Manifest:
    return Manifest.model_validate(toy(**changes))


def record(**changes: object) -> BuildRecord:
    content = {
        "release": RELEASE,
        "title": "Toy",
        "recipe": "toy",
        "licence_spdx": "CC-BY-4.0",
        "redistributable": True,
        "values_sha256": hash_values(manifest()),
        "inputs": (
            BuildInput(
                name="Towers",
                path="fluxnet/towers.zip",
                sha256="a" * 64,
                size=7,
                producer="FLUXNET",
                licence="CC-BY-4.0",
            ),
        ),
    }
    return BuildRecord.model_validate(content | changes)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of records with one in it, which stands for the packaged one."""
    place = tmp_path / "buildable"
    place.mkdir()
    write_build_record(record(), place)
    monkeypatch.setattr(recipes, "build_records_folder", lambda: place)
    return place


def test_record_comes_back_as_written(folder: Path) -> None:
    assert list_buildable(folder) == [RELEASE]
    assert read_build_record(RELEASE, folder) == record()
    assert read_build_record("toy-9.9.9", folder) is None


@pytest.mark.parametrize(
    "words",
    [
        {"pipeline_sha256": "f" * 64},
        {"package_version": "9.9"},
        {"title": "Other"},
        {"files": held(report=b"in other words")},
    ],
)
def test_hash_of_values_knows_neither_builder_nor_words(
    words: dict[str, object],
) -> None:
    assert hash_values(manifest(**words)) == hash_values(manifest())


@pytest.mark.parametrize(
    "values",
    [
        {"files": held(units="K")},
        {"files": held(sha256="e" * 64)},
        {"files": held(), "assets": held()},
        {"sources": [SOURCE | {"sha256": "b" * 64}]},
        {"period": ("2001-01-01", "2001-01-02")},
    ],
)
def test_hash_of_values_knows_every_value(values: dict[str, object]) -> None:
    assert hash_values(manifest(**values)) != hash_values(manifest())


@pytest.mark.usefixtures("folder")
def test_buildable_release_is_listed_with_its_command() -> None:
    rows = {row["release"]: row["from"] for row in list_titles()}
    assert rows[RELEASE] == "somobench build toy"


@pytest.mark.usefixtures("folder")
def test_opening_says_the_one_command_and_what_it_needs() -> None:
    with pytest.raises(UnknownNameError) as caught:
        somobench.open_dataset("forcing", release=RELEASE)
    text = str(caught.value)
    assert "SOMOBENCH_DATA=/where/archives/lie somobench build toy" in text
    assert "fluxnet/towers.zip (Towers, 7 bytes, CC-BY-4.0)" in text


def test_build_of_the_known_content_is_proven(folder: Path) -> None:
    assert refuse_other_values(manifest(), folder)
    assert not refuse_other_values(manifest(release="toy-0.2.0"), folder)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"files": held(sha256="d" * 64)}, "the same inputs"),
        ({"sources": [SOURCE | {"sha256": "b" * 64}]}, "other inputs: Towers"),
    ],
)
def test_build_of_other_content_is_refused(
    folder: Path, changes: dict[str, object], message: str
) -> None:
    with pytest.raises(IntegrityError, match=message):
        refuse_other_values(manifest(**changes), folder)


@pytest.mark.parametrize(
    "text", ["release: [", "release: toy-0.1.0\n", "a: 1\n", b"\xff\xfe"]
)
def test_damaged_record_is_an_error(folder: Path, text: str | bytes) -> None:
    path = folder / f"{RELEASE}.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(IntegrityError, match="record .*toy-0.1.0"):
        read_build_record(RELEASE, folder)


def test_record_of_another_release_is_an_error(folder: Path) -> None:
    (folder / "toy-0.2.0.yaml").write_bytes((folder / f"{RELEASE}.yaml").read_bytes())
    with pytest.raises(IntegrityError, match="a record of toy-0.1.0"):
        read_build_record("toy-0.2.0", folder)


def test_record_is_made_from_a_release_and_its_own_recipe(repository: Path) -> None:
    recipe = load_recipe(repository / "conf" / "recipe" / "fluxnet_fet.yaml")
    with pytest.raises(InputError, match="fluxnet_fet-0.1.0"):
        make_build_record(manifest(), recipe)
    name = recipe.stations.inputs[0].name
    built = manifest(release=recipe.release.id, sources=[SOURCE | {"name": name}])
    made = make_build_record(built, recipe)
    assert [item.path for item in made.inputs] == ["fluxnet/fet_daily.zip"]
    assert made.command == "somobench build fluxnet_fet"


@pytest.mark.parametrize("release", list_buildable() or ["none yet"])
def test_every_packaged_record_fits_the_recipe_beside_it(
    release: str, repository: Path
) -> None:
    if release == "none yet":
        pytest.skip("no record")
    found = read_build_record(release)
    assert found is not None
    recipe = load_recipe(repository / "conf" / "recipe" / f"{found.recipe}.yaml")
    assert recipe.release.id == release
    pinned = {item.params.path: item.params.sha256 for item in recipe.raw_inputs()}
    assert {item.path: item.sha256 for item in found.inputs} == pinned
