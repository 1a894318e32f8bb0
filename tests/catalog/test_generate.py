"""The catalog is generated, always the same, and may say very little."""

from __future__ import annotations

import shutil
from pathlib import Path

import intake
import pytest
import yaml

import somobench
from factories.releases import RELEASE, copy_release, make_catalog, write_manifest
from somobench.catalog import generate
from somobench.catalog.lint import lint_catalog, lint_file
from somobench.catalog.plain_yaml import MAXIMUM_SIZE
from somobench.catalog.registry import (
    catalog_folder,
    catalogued_names,
    packaged_folder,
    read_record,
)
from somobench.catalog.resolve import resolve
from somobench.schemas.errors import InputError, UsageError, ValidationError
from somobench.schemas.variables import FEATURE_SETS


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Return the folder of the toy release."""
    return copy_release(tmp_path / "releases")


def test_the_packaged_catalog_is_clean_and_as_generated(tmp_path: Path) -> None:
    lint_catalog(catalog_folder())
    copy = tmp_path / "catalog"
    shutil.copytree(catalog_folder() / "releases", copy / "releases")
    generate.write_entries(copy)
    expected = (catalog_folder() / "somobench.yaml").read_text()
    assert (copy / "somobench.yaml").read_text() == expected


@pytest.mark.parametrize("release", catalogued_names() or ["none yet"])
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
    expected = [*catalogued_names(), *FEATURE_SETS, "local"]
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


def test_the_command_adds_a_release_and_tells_its_errors(
    toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    catalog = tmp_path / "catalog"
    arguments = ["--catalog", str(catalog), "--base-url", "https://example.org/r"]
    assert generate.main([str(toy), *arguments]) == 0
    assert catalogued_names(catalog) == [RELEASE]
    assert (
        generate.main([str(tmp_path / "nothing"), *arguments]) == InputError.exit_code
    )
    assert "MANIFEST.json" in capsys.readouterr().err


ENTRY = {"driver": "somobench", "args": {"feature_set": "memory"}}


def with_entry(**changes: object) -> str:
    return yaml.safe_dump({"sources": {"x": ENTRY | changes}, "metadata": {}})


FORBIDDEN = {
    "shell template": with_entry(args={"feature_set": "{{ shell('id') }}"}),
    "environment template": with_entry(description="{{ env(HOME) }}"),
    "jinja block": with_entry(description="{% for x in y %}"),
    "jinja comment": with_entry(description="{# hidden #}"),
    "catalog dir elsewhere": with_entry(
        description="{{ CATALOG_DIR }}/releases/a.yaml"
    ),
    "path out of the catalog": with_entry(
        driver="somobench.catalog.driver.ReleaseCatalog",
        args={"path": "{{ CATALOG_DIR }}/releases/../../x.yaml"},
    ),
    "template in a path": with_entry(
        driver="somobench.catalog.driver.ReleaseCatalog",
        args={"path": "{{ CATALOG_DIR }}/releases/{{ shell('id') }}.yaml"},
    ),
    "template in a key": "{metadata: {}, sources: {'{{ x }}': {driver: somobench}}}",
    "other driver": with_entry(driver="zarr"),
    "driver by path": with_entry(driver="os.system"),
    "list of drivers": with_entry(driver=["somobench", "zarr"]),
    "argument": with_entry(args={"urlpath": "/etc"}),
    "parameters": with_entry(parameters={"a": {"default": "shell(id)"}}),
    "plugins": "{metadata: {}, sources: {}, plugins: {source: [{module: os}]}}",
    "unknown key": "{metadata: {}, sources: {}, extra: 1}",
    "anchor": "metadata: &a {}\nsources: {}\n",
    "alias bomb": "metadata: &a [x, x]\nsources: {b: [*a, *a], c: [*a, *a]}\n",
    "tag": "metadata: !!python/object/apply:os.system [id]\nsources: {}\n",
    "local tag": "metadata: !x {}\nsources: {}\n",
    "key twice": "metadata: {}\nsources: {}\nsources: {}\n",
    "entry twice": "metadata: {}\nsources: {x: {driver: a}, x: {driver: b}}\n",
    "no mapping": "[]",
    "no sources": "metadata: {}\n",
    "not YAML": "a: [",
    "large": "#" * (MAXIMUM_SIZE + 1),
}


@pytest.mark.parametrize("case", FORBIDDEN)
def test_lint_refuses_what_a_catalog_must_not_say(tmp_path: Path, case: str) -> None:
    path = tmp_path / "somobench.yaml"
    path.write_text(FORBIDDEN[case])
    assert lint_file(path)
    with pytest.raises(ValidationError, match="somobench.yaml"):
        lint_catalog(tmp_path)


def test_lint_accepts_a_plain_entry(tmp_path: Path) -> None:
    path = tmp_path / "somobench.yaml"
    path.write_text(with_entry(description="plain"))
    assert lint_file(path) == []


def test_a_title_that_looks_like_a_template_is_not_catalogued(
    toy: Path, tmp_path: Path
) -> None:
    write_manifest(toy, title="{{ shell('id') }}")
    with pytest.raises(ValidationError, match="no template"):
        make_catalog(tmp_path, toy)


def test_resolving_uses_the_pin_of_the_catalog(toy: Path, tmp_path: Path) -> None:
    catalog = make_catalog(tmp_path, toy)
    assert catalogued_names(catalog) == [RELEASE]
    with pytest.raises(Exception, match="as the catalog pins it"):
        resolve(RELEASE, catalog)  # the folder isn't where releases are looked for
