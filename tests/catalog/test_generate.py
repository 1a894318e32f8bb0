"""The catalog is generated, always the same, and runs no text of a release."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import intake
import pytest

import somobench
from factories.releases import RELEASE, copy_release, make_catalog, write_manifest
from somobench.catalog import generate
from somobench.catalog.registry import (
    catalog_folder,
    list_catalogued,
    packaged_folder,
    read_record,
)
from somobench.catalog.request import DatasetRequest
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.variables import FEATURE_SETS


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Return the folder of the toy release."""
    return copy_release(tmp_path / "releases")


def test_the_packaged_catalog_is_as_generated(tmp_path: Path) -> None:
    copy = tmp_path / "catalog"
    shutil.copytree(catalog_folder() / "releases", copy / "releases")
    generate.write_entries(copy)
    expected = (catalog_folder() / "somobench.yaml").read_text()
    assert (copy / "somobench.yaml").read_text() == expected


@pytest.mark.parametrize("release", list_catalogued() or ["none yet"])
def test_every_catalogued_release_is_as_generated(release: str, tmp_path: Path) -> None:
    folder = packaged_folder() / release
    if not folder.is_dir():
        pytest.skip(f"{release} isn't packaged")
    copy = tmp_path / "catalog"
    (copy / "releases").mkdir(parents=True)
    record = read_record(release)
    assert record is not None
    path = generate.add_release(folder, copy, base_urls=record.base_urls)
    expected = (catalog_folder() / "releases" / f"{release}.yaml").read_text()
    assert path.read_text() == expected


def test_the_packaged_catalog_opens_with_intake_and_names_the_feature_sets() -> None:
    catalog = intake.open_catalog(somobench.catalog_path())
    expected = [*list_catalogued(), *FEATURE_SETS, "local"]
    assert list(catalog) == list(somobench.open_catalog()) == expected


def test_generating_twice_gives_the_same_text(toy: Path, tmp_path: Path) -> None:
    first = make_catalog(tmp_path / "a", toy, "https://example.org/toy")
    second = make_catalog(tmp_path / "b", toy, "https://example.org/toy")
    for name in ("somobench.yaml", f"releases/{RELEASE}.yaml"):
        assert (first / name).read_bytes() == (second / name).read_bytes()
    generate.add_release(toy, first)  # keeps the addresses that it had
    name = f"releases/{RELEASE}.yaml"
    assert (first / name).read_bytes() == (second / name).read_bytes()


def test_a_pin_is_never_moved_to_other_content(toy: Path, tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, toy)
    before = resolve_pin(catalog)
    write_manifest(toy, title="Other content")
    with pytest.raises(UsageError, match="give the new content a new version"):
        generate.add_release(toy, catalog)
    assert resolve_pin(catalog) == before
    generate.add_release(toy, catalog, replace=True)
    assert resolve_pin(catalog) != before


def resolve_pin(catalog: Path) -> str:
    record = read_record(RELEASE, catalog)
    assert record is not None
    return record.manifest_sha256


@pytest.mark.parametrize(
    "url", ["http://example.org/r", "file:///r", "https://u:p@h/r"]
)
def test_an_address_that_is_not_allowed_is_not_catalogued(
    toy: Path, tmp_path: Path, url: str
) -> None:
    with pytest.raises(UsageError, match="base URL"):
        make_catalog(tmp_path, toy, url)
    assert not (tmp_path / "catalog" / "somobench.yaml").exists()


def test_the_command_adds_a_release_and_reports_its_errors(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = tmp_path / "catalog"
    arguments = ["--catalog", str(catalog), "--base-url", "https://example.org/r"]
    assert generate.main([str(toy), *arguments]) == 0
    assert list_catalogued(catalog) == [RELEASE]
    assert (
        generate.main([str(tmp_path / "nothing"), *arguments]) == InputError.exit_code
    )
    assert "MANIFEST.json" in capsys.readouterr().err


def retitle(content: dict[str, Any], text: str) -> None:
    content["title"] = text


def describe_again(content: dict[str, Any], text: str) -> None:
    content["feature_sets"]["memory"]["description"] = text


def rename_feature_set(content: dict[str, Any], text: str) -> None:
    content["feature_sets"][text] = content["feature_sets"].pop("memory")


def rename_split(content: dict[str, Any], text: str) -> None:
    content["splits"][text] = content["splits"].pop("temporal")


TEXTS = ("{{ shell('id') }}", "{% for x in y %}", "{# x #}", "}}", "a shell(id)")


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "place", [retitle, describe_again, rename_feature_set, rename_split]
)
def test_a_release_whose_texts_intake_may_run_is_not_catalogued(
    toy: Path, tmp_path: Path, place: Callable[[dict[str, Any], str], None], text: str
) -> None:
    path = toy / "MANIFEST.json"
    content = json.loads(path.read_text())
    place(content, text)
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match="no template|manifest"):
        make_catalog(tmp_path, toy)
    assert not list((tmp_path / "catalog").rglob("*.yaml"))


def test_entries_list_the_values_that_their_release_has(
    toy: Path, tmp_path: Path
) -> None:
    catalog = intake.open_catalog(str(make_catalog(tmp_path, toy) / "somobench.yaml"))
    shown = {
        name: {each["name"]: each for each in entry.describe()["user_parameters"]}
        for name, entry in catalog.walk(depth=2).items()
    }
    assert shown[f"{RELEASE}.memory"].keys() == {"include", "layer", "scaling", "split"}
    allowed = {
        name: each["allowed"]
        for name, each in shown[f"{RELEASE}.memory"].items()
        if "allowed" in each
    }
    assert allowed == {
        "layer": [1, 2, 3],
        "scaling": ["full", "train", "none"],
        "split": ["temporal"],
    }
    assert shown["memory"].keys() == {"include", "release", "layer", "scaling", "split"}
    assert "no default" in shown["memory"]["release"]["description"]


def test_no_entry_warns_or_chooses_for_its_user(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Intake fills missing parameters of most types, and warns of each text among them
    path = make_catalog(tmp_path, toy) / "somobench.yaml"
    monkeypatch.setenv("SOMOBENCH_RELEASES", str(toy.parent))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        catalog = intake.open_catalog(str(path))
        for source in (catalog["memory"], catalog[RELEASE]["memory"]):
            assert source.request == DatasetRequest(feature_set="memory")
        local = catalog.local[RELEASE]["memory"]
    assert (
        local.describe()["user_parameters"]
        == (catalog[RELEASE]["memory"].describe()["user_parameters"])
    )


def test_resolving_uses_the_pin_of_the_catalog(toy: Path, tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, toy)
    assert list_catalogued(catalog) == [RELEASE]
    with pytest.raises(Exception, match="as the catalog pins it"):
        resolve(RELEASE, catalog)  # the folder isn't where releases are looked for
