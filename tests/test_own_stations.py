"""Own stations beside a recipe's: the recipe that is written, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from factories.programs import run
from factories.raw.csv_files import csv_file
from somobench.building import BuiltRelease, own_stations
from somobench.building.own_stations import (
    list_unused,
    require_station_file,
    write_recipe,
)
from somobench.schemas.errors import (
    InputError,
    UnknownNameError,
    UsageError,
)
from somobench.schemas.recipe import load_recipe


@pytest.fixture
def checkout(tmp_path: Path, repository: Path) -> Path:
    """Return a checkout with recipe `uscrn`, whose good flags are none."""
    (tmp_path / "conf/recipe").mkdir(parents=True)
    (tmp_path / "dvc.yaml").touch()
    text = (repository / "conf/recipe/uscrn.yaml").read_text()
    (tmp_path / "conf/recipe/uscrn.yaml").write_text(text)
    (tmp_path / "field.csv").write_text(csv_file())
    return tmp_path


def test_a_recipe_gets_the_file_and_stays_private(checkout: Path) -> None:
    own = write_recipe([checkout / "field.csv"], "uscrn", None, checkout)
    assert own.path == checkout / "conf/recipe/uscrn_own.yaml"
    before, after = (
        load_recipe(checkout / "conf/recipe/uscrn.yaml"),
        load_recipe(own.path),
    )
    assert after.release.id == "uscrn_own-0.1.0"
    assert not after.release.redistributable
    assert after.release.predecessor == before.release.id
    assert after.stations.good_flags == ("G",)
    sources = [item.source for item in after.raw_inputs() if item.role == "stations"]
    assert sources == ["uscrn", "csv"]
    unchanged = {"release", "stations"}
    assert after.model_dump(exclude=unchanged) == before.model_dump(exclude=unchanged)


def test_the_same_file_again_gives_the_next_version(checkout: Path) -> None:
    file = checkout / "field.csv"
    write_recipe([file], "uscrn", None, checkout)
    file.write_text(csv_file(rows=["2020-01-01,0.3"]))
    other = checkout / "other.csv"
    other.write_text(csv_file(station="Field 2"))
    own = write_recipe([file, other], "uscrn_own", None, checkout)
    recipe = load_recipe(own.path)
    assert recipe.release.id == "uscrn_own-0.2.0"
    assert [Path(item.path).name for item in recipe.stations.inputs] == [
        "daily01_2020.zip",
        "field.csv",
        "other.csv",
    ]


def test_a_recipe_of_somebody_else_is_not_overwritten(checkout: Path) -> None:
    path = checkout / "conf/recipe/uscrn.yaml"
    before = path.read_bytes()
    with pytest.raises(UsageError, match="choose one with --name"):
        write_recipe([checkout / "field.csv"], "uscrn", "uscrn", checkout)
    with pytest.raises(UnknownNameError, match="build uscrn"):
        write_recipe([checkout / "field.csv"], "uscm", None, checkout)
    assert path.read_bytes() == before


@pytest.mark.parametrize("name", ["../evil", "A b", "", "x/y", "1.0", "a" * 300])
def test_a_name_that_no_recipe_can_have_leaves_nothing(
    checkout: Path, name: str
) -> None:
    before = sorted(checkout.rglob("*"))
    with pytest.raises(UsageError, match="--name"):
        write_recipe([checkout / "field.csv"], "uscrn", name, checkout)
    assert sorted(checkout.rglob("*")) == before


def test_stations_of_one_recipe_are_not_added_to_those_of_another(
    checkout: Path, repository: Path
) -> None:
    text = (repository / "conf/recipe/hamburg.yaml").read_text()
    (checkout / "conf/recipe/hamburg.yaml").write_text(text)
    file = checkout / "field.csv"
    own = write_recipe([file], "uscrn", "mine", checkout)
    before = own.path.read_text()
    with pytest.raises(UsageError, match="rules of recipe uscrn"):
        write_recipe([file], "hamburg", "mine", checkout)
    assert own.path.read_text() == before
    for recipe in ("uscrn", "mine"):
        write_recipe([file], recipe, "mine", checkout)
    assert load_recipe(own.path).release.id == "mine-0.3.0"


def test_a_file_without_a_series_is_refused_before_anything_is_written(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (checkout / "field.csv").write_text(
        csv_file(rows=["2020-01-01,21", "2020-01-02,22"])
    )
    monkeypatch.chdir(checkout)
    assert run(monkeypatch, "add-station", "field.csv", "--recipe", "uscrn") == 1
    assert "percent divided by 100" in capsys.readouterr().err
    with pytest.raises(InputError, match="own-stations"):
        require_station_file(checkout / "field.txt")
    assert [p.name for p in (checkout / "conf/recipe").iterdir()] == ["uscrn.yaml"]


def test_a_sensor_that_has_no_part_is_named_with_the_reason(checkout: Path) -> None:
    account = {
        "rejected_files": [
            {
                "file": "b.csv/b.csv",
                "reason": "time",
                "found": "row 3",
                "expected": "UTC",
            }
        ],
        "dropped_sensors": [
            {"sensor_id": "MYFARM/Field 1/5-5/TDR-a", "reason": "in no layer"},
            {"sensor_id": "MYFARM/Field 10/5-5/TDR-a", "reason": "in no layer"},
            {"sensor_id": "MYFARM/Field 1/5-5/TDR-b", "reason": "in no layer"},
        ],
    }
    path = checkout / "validation.json"
    path.write_text(json.dumps({"stages": {"ingest": account}}))
    (checkout / "b.csv").write_text(csv_file(station="Field 2"))
    files = [checkout / "field.csv", checkout / "b.csv"]
    assert list_unused(files, path) == [
        f"{files[0]}: not used: in no layer",
        f"{files[1]}: not used: time: row 3",
    ]


def test_the_recipe_is_built(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build_recipe(name: str) -> BuiltRelease:
        text = (checkout / f"conf/recipe/{name}.yaml").read_text()
        release = yaml.safe_load(text)["release"]
        return BuiltRelease(f"{name}-{release['version']}", checkout / "releases")

    monkeypatch.setattr(own_stations, "build_recipe", build_recipe)
    monkeypatch.chdir(checkout)
    asked = ("add-station", "field.csv", "--recipe", "uscrn", "--name", "mine")
    assert run(monkeypatch, *asked) == 0
    assert capsys.readouterr().out.startswith("mine-0.1.0: ")
