"""Every stage as a program: what is wrong with an input is a message and a status."""

from __future__ import annotations

import json
import runpy
import shutil
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from factories.programs import run_stages
from factories.raw.virtual_recipes import make_recipe
from somobench.catalog.storage.atomic import write_json
from somobench.pipelines.release.verify_outputs import verify_outputs
from somobench.pipelines.stage import read_batches, read_report, run_stage
from somobench.schemas.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
STAGES: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "dvc.yaml").read_text("utf-8")
)["stages"]
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning"),
    pytest.mark.heavy,
]
SPLIT = {
    "validation_start": "2017-07-01",
    "test_start": "2018-01-01",
    "minimum_train_years": 1.0,
}


def data_files(stage: str) -> list[str]:
    """Name what a stage reads of other stages; of folders, a file that it needs."""
    inside = {"data/raw": "data/raw/inputs.json"}
    inside["data/predictions"] = "data/predictions/temporal.zarr.zip"
    listed = [item for item in STAGES[stage]["deps"] if item.startswith("data/")]
    return [inside.get(item, item) for item in listed]


INPUTS = [(stage, name) for stage in STAGES for name in data_files(stage)]


def small_params() -> dict[str, Any]:
    """Return a small virtual recipe that all stages take."""
    recipe = make_recipe(regions=("europe",), cells=4, end="2018-12-31")
    content = recipe.model_dump(mode="json")
    content["splits"] = dict.fromkeys(content["splits"]) | {"temporal": SPLIT}
    content["release"] |= {"version": "0.0.1", "predecessor": None}
    return content


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which every stage ran once."""
    folder = tmp_path_factory.mktemp("world")
    (folder / "params.yaml").write_text(yaml.safe_dump(small_params()), "utf-8")
    run_stages(folder, STAGES, folder)
    return folder


@pytest.fixture
def workplace(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the folder, as the working directory."""
    folder = tmp_path / "workplace"
    shutil.copytree(world, folder)
    monkeypatch.chdir(folder)
    return folder


def run(stage: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Run a stage as `python -m` does; return its exit code and standard error."""
    capsys.readouterr()
    code = 0
    try:
        runpy.run_module(f"somobench.pipelines.{stage}", run_name="__main__")
    except SystemExit as ended:
        code = int(ended.code or 0)
    return code, capsys.readouterr().err


@pytest.mark.parametrize("stage", STAGES)
def test_stage_reads_nothing_but_what_dvc_knows_of(
    stage: str,
    world: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ["params.yaml", *STAGES[stage]["deps"]]:
        source = world / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        if source.exists():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            copy(source, tmp_path / name)
    assert run(stage, capsys) == (0, "")


@pytest.mark.parametrize(("stage", "name"), INPUTS)
def test_missing_input_is_a_message_that_names_it(
    stage: str, name: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / name).unlink()
    code, message = run(stage, capsys)
    assert code == 1
    assert Path(name).name in message
    assert "dvc repro" in message


@pytest.mark.parametrize(("stage", "name"), INPUTS)
def test_damaged_input_is_a_message_that_names_it(
    stage: str, name: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = (workplace / name).read_bytes()
    (workplace / name).write_bytes(content[: len(content) // 2])
    code, message = run(stage, capsys)
    assert code == 1
    assert Path(name).name in message
    assert "found:" in message


@pytest.mark.parametrize(
    ("stage", "name"), [item for item in INPUTS if item[1].endswith(".json")]
)
def test_report_of_other_content_is_a_message_or_none_is_needed(
    stage: str, name: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / name).write_text("{}\n", "utf-8")
    code, message = run(stage, capsys)
    assert code == 0 or Path(name).name in message


@pytest.mark.parametrize("stage", STAGES)
def test_wrong_parameter_is_a_message_that_names_it(
    stage: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = small_params()
    content["grid"]["resolution"] = -1
    (workplace / "params.yaml").write_text(yaml.safe_dump(content), "utf-8")
    code, message = run(stage, capsys)
    assert code == 1
    assert "grid.resolution: found -1" in message


@pytest.mark.parametrize("stage", STAGES)
def test_missing_parameters_are_a_message(
    stage: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "params.yaml").unlink()
    code, message = run(stage, capsys)
    assert code == 1
    assert "params.yaml" in message


@pytest.mark.parametrize("stage", ["ingest", "forcing"])
def test_missing_archive_is_a_message_that_names_it(
    stage: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = {"ingest": "ismn.zip", "forcing": "era5/europe.zarr.zip"}[stage]
    (workplace / "data/raw" / archive).unlink()
    code, message = run(stage, capsys)
    assert code == 1
    assert f"nothing at data/raw/{archive}" in message


@pytest.mark.parametrize("tool", ["check_archive", "ladder_tables"])
def test_tool_without_arguments_is_a_message(
    tool: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [tool])
    code, message = run(f"tools.{tool}", capsys)
    assert code == 2
    assert message.startswith("arguments\n  found:    none")


@pytest.mark.parametrize("content", ["a: [", "defaults:\n  - recipe: nope\n"])
def test_configuration_that_hydra_refuses_is_a_message(
    content: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/config.yaml").write_text(content)
    monkeypatch.chdir(tmp_path)
    code, message = run("tools.compose_params", capsys)
    assert code == 1
    assert message.startswith("configuration conf\n  found:")


@pytest.mark.parametrize("content", [None, "stages: [", "stages: 3", "{}"])
def test_lock_file_that_is_none_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "dvc.lock").write_text(content)
    with pytest.raises(InputError, match=r"dvc\.lock"):
        verify_outputs(tmp_path)


def test_folder_that_takes_no_file_is_a_message(
    capsys: pytest.CaptureFixture[str],
) -> None:
    def main() -> None:
        raise PermissionError(13, "Permission denied", "data/cells.parquet")

    with pytest.raises(SystemExit) as ended:
        run_stage(main)
    assert ended.value.code == 1
    assert "data/cells.parquet" in capsys.readouterr().err


def test_mistake_of_a_program_stays_a_traceback() -> None:
    def main() -> None:
        raise KeyError("a column that we forgot")

    with pytest.raises(KeyError):
        run_stage(main)


def test_table_without_a_column_is_refused(tmp_path: Path) -> None:
    pd.DataFrame({"a": [1]}).to_parquet(tmp_path / "table.parquet")
    assert [list(part) for part in read_batches(tmp_path / "table.parquet")] == [["a"]]
    with pytest.raises(InputError, match=r"table.parquet(.|\n)*'b'"):
        list(read_batches(tmp_path / "table.parquet", ["a", "b"]))


def test_report_without_a_key_is_refused(tmp_path: Path) -> None:
    write_json({"layers": {}}, tmp_path / "targets.json")
    assert read_report(tmp_path / "targets.json", "layers") == {"layers": {}}
    with pytest.raises(InputError, match=r"targets.json(.|\n)*'sources'"):
        read_report(tmp_path / "targets.json", "layers", "sources")
    (tmp_path / "targets.json").write_text(json.dumps([]))
    with pytest.raises(InputError, match="TypeError"):
        read_report(tmp_path / "targets.json", "layers")
