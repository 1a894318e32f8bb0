"""Recipes: a misspelt key or an impossible value stops with its name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.recipe import load_recipe


def _recipe(repository: Path, name: str = "virtual") -> dict[str, Any]:
    text = (repository / "conf" / "recipe" / f"{name}.yaml").read_text()
    content: dict[str, Any] = yaml.safe_load(text)
    return content


def _written(content: dict[str, Any], folder: Path) -> Path:
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(content))
    return path


def test_every_recipe_loads_under_its_own_name(repository: Path) -> None:
    files = sorted((repository / "conf" / "recipe").glob("*.yaml"))
    assert len(files) >= 2
    for file in files:
        assert load_recipe(file).release.recipe == file.stem


def test_misspelt_key_and_bad_value_are_both_named(
    repository: Path, tmp_path: Path
) -> None:
    content = _recipe(repository)
    content["stations"]["minimum_cout"] = 6
    content["grid"]["resolution"] = -1
    path = _written(content, tmp_path)
    with pytest.raises(ValidationError) as caught:
        load_recipe(path)
    lines = path.read_text().splitlines()
    places = {failure.where for failure in caught.value.failures}
    assert places == {
        f"line {lines.index('  minimum_cout: 6') + 1}, stations.minimum_cout",
        f"line {lines.index('  resolution: -1') + 1}, grid.resolution",
    }


def test_missing_key_is_named_with_the_line_of_its_section(
    repository: Path, tmp_path: Path
) -> None:
    content = _recipe(repository)
    del content["stations"]["minimum_count"]
    path = _written(content, tmp_path)
    line = path.read_text().splitlines().index("stations:") + 1
    with pytest.raises(ValidationError) as caught:
        load_recipe(path)
    (failure,) = caught.value.failures
    assert failure.where == f"line {line}, stations.minimum_count"
    assert failure.found == "nothing"


def test_period_that_ends_before_it_starts_is_refused(
    repository: Path, tmp_path: Path
) -> None:
    content = _recipe(repository)
    content["period"]["end"] = "2001-01-01"
    with pytest.raises(ValidationError, match="before start 2016-01-01"):
        load_recipe(_written(content, tmp_path))


def test_unknown_forcing_variable_is_refused_with_those_known(
    repository: Path, tmp_path: Path
) -> None:
    content = _recipe(repository)
    content["forcing"]["variables"].append("t2m")
    with pytest.raises(ValidationError, match=r"unknown variables \['t2m'\]"):
        load_recipe(_written(content, tmp_path))


def test_absent_recipe_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="readable YAML file"):
        load_recipe(tmp_path / "none.yaml")


def test_yaml_with_python_tag_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("release: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(InputError, match="could not determine a constructor"):
        load_recipe(path)
