"""The stage graph: its order, and dependencies that are complete."""

from __future__ import annotations

import ast
import configparser
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from factories.import_graph import needed_files
from somobench.schemas.recipe import Recipe, load_recipe

ROOT = Path(__file__).resolve().parents[2]
DVC: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text("utf-8"))
STAGES: dict[str, dict[str, Any]] = DVC["stages"]
ORDER = [
    "inputs",
    "raw",
    "ingest",
    "forcing",
    "targets",
    "splits",
    "features",
    "baselines",
    "scores",
    "release",
]


def is_code(dependency: str) -> bool:
    return not dependency.startswith("data/")


METHODS = {
    "raw_inputs": {
        f"{section}.{key}"
        for section in ("stations", "forcing", "reference")
        for key in ("inputs", "source")
    },
    "target_moments_from": {"layers", "reference"},
}
"""What a method of the recipe reads of it."""


@cache
def recipe_keys(stage: str) -> frozenset[str]:
    """Return what a stage's code reads of `recipe`: `grid`, or `features.lags`.

    A section that is handed on or whose property is read counts as a whole.
    """
    read: set[str] = set()
    for name in needed_files(f"somobench.pipelines.{stage}", ROOT):
        if name.startswith("pipelines/"):
            read |= _keys(ROOT / name)
    return frozenset(read)


@cache
def _keys(path: Path) -> frozenset[str]:
    tree = ast.parse(path.read_text("utf-8"))
    inner = {
        id(node.value): node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
    }
    keys = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and _is_recipe(node.value):
            keys |= METHODS.get(node.attr, set())
            section = Recipe.model_fields.get(node.attr)
            fields = getattr(section and section.annotation, "model_fields", {})
            key = inner.get(id(node))
            keys |= {f"{node.attr}.{key}" if key in fields else node.attr}
    return frozenset(
        key for key in keys if key.partition(".")[0] in Recipe.model_fields
    )


def _is_recipe(node: ast.expr) -> bool:
    return ast.unparse(node).rpartition(".")[2] == "recipe"


def own_parameters(stage: str) -> set[str]:
    return {item for item in STAGES[stage]["params"] if isinstance(item, str)}


def test_stages_stand_in_the_order_that_they_run() -> None:
    assert [name for name in STAGES if name in ORDER] == ORDER


def test_every_input_of_a_stage_is_an_output_of_an_earlier_one() -> None:
    made: set[str] = set()
    for name, stage in STAGES.items():
        taken = {item for item in stage["deps"] if not is_code(item)}
        assert taken - made == set(), name
        made |= set(stage["outs"])


def test_every_output_reaches_the_release() -> None:
    taken = {item for stage in STAGES.values() for item in stage["deps"]}
    made = {item for stage in STAGES.values() for item in stage["outs"]}
    assert made - taken == {"data/assets", "data/release"}


@pytest.mark.parametrize("stage", STAGES)
def test_stage_runs_its_module(stage: str) -> None:
    assert STAGES[stage]["cmd"] == f"python -m somobench.pipelines.{stage}"


@pytest.mark.parametrize("stage", STAGES)
def test_module_of_a_stage_does_its_work_when_run(stage: str) -> None:
    # Without this block `python -m` would end at once, with status 0.
    package = ROOT / f"pipelines/{stage}/__main__.py"
    path = package if package.is_file() else ROOT / f"pipelines/{stage}.py"
    last = ast.parse(path.read_text("utf-8")).body[-1]
    assert isinstance(last, ast.If)
    assert ast.unparse(last.test) == "__name__ == '__main__'"
    assert ast.unparse(last.body) == "run_stage(main)"


@pytest.mark.parametrize("stage", STAGES)
def test_stage_depends_on_the_folders_of_the_code_that_it_imports(stage: str) -> None:
    listed = {item for item in STAGES[stage]["deps"] if is_code(item)}
    assert [item for item in listed if not (ROOT / item).exists()] == []
    needed = needed_files(f"somobench.pipelines.{stage}", ROOT)

    def holds(item: str, name: str) -> bool:
        return name == item or name.startswith(f"{item}/")

    left_out = {name for name in needed if not any(holds(i, name) for i in listed)}
    assert left_out == set()
    useless = {item for item in listed if not any(holds(item, n) for n in needed)}
    assert useless == set()


def test_release_depends_on_every_source_that_its_manifest_digests() -> None:
    # pipeline_sha256 of the manifest covers these two packages.
    assert {"pipelines", "schemas"} <= set(STAGES["release"]["deps"])


@pytest.mark.parametrize("stage", STAGES)
def test_stage_depends_on_all_of_the_recipe_that_it_reads(stage: str) -> None:
    own = own_parameters(stage)
    read = {key for key in recipe_keys(stage) if key.partition(".")[0] not in own}
    assert read - own == set()


@pytest.mark.parametrize("stage", [name for name in STAGES if name != "release"])
def test_stage_depends_on_nothing_of_the_recipe_that_it_does_not_read(
    stage: str,
) -> None:
    read = recipe_keys(stage)
    sections = {key.partition(".")[0] for key in read}
    assert own_parameters(stage) - read - sections == set()


@pytest.mark.parametrize("stage", STAGES)
def test_stage_depends_only_on_keys_that_the_recipe_has(stage: str) -> None:
    recipe = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    for key in own_parameters(stage):
        section, _, name = key.partition(".")
        assert section in recipe
        assert not name or name in recipe[section]


def test_release_depends_on_the_whole_recipe_and_the_package_version() -> None:
    # Its manifest states the hash of the recipe and the version of the package.
    parameters = STAGES["release"]["params"]
    sections = yaml.safe_load((ROOT / "params.yaml").read_text("utf-8"))
    assert own_parameters("release") == set(sections)
    assert {"pyproject.toml": ["project.version"]} in parameters


@pytest.mark.parametrize("stage", STAGES)
def test_output_path_names_no_release(stage: str) -> None:
    # A path that changes with the recipe makes DVC delete the other recipe's output.
    names = {path.stem for path in (ROOT / "conf/recipe").glob("*.yaml")}
    for output in STAGES[stage]["outs"]:
        assert output.startswith("data/")
        assert not any(name in output for name in names)


def test_dvc_has_metrics_and_plots_and_each_is_an_output_once() -> None:
    scores = STAGES["scores"]
    plots = [name for plot in scores["plots"] for name in plot]
    assert scores["metrics"] == ["data/metrics.json"]
    assert plots == ["data/plots"]
    outputs = [item for stage in STAGES.values() for item in stage["outs"]]
    assert set(outputs) & {*scores["metrics"], *plots} == set()


def test_archives_outside_the_repository_are_looked_at_on_every_run() -> None:
    always = [name for name, stage in STAGES.items() if stage.get("always_changed")]
    assert always == ["inputs"]
    assert STAGES["inputs"]["outs"] == ["data/inputs.json"]
    assert "data/inputs.json" in STAGES["raw"]["deps"]


def test_artifact_is_the_release_of_the_committed_recipe() -> None:
    release = load_recipe(ROOT / "params.yaml").release
    artifact = DVC["artifacts"][release.recipe]
    assert artifact["path"] == f"releases/{release.id}"
    assert artifact["type"] == "dataset"


def composed(*overrides: str) -> str:
    """Compose the parameters as DVC does, with Hydra's own interface."""
    from hydra import compose, initialize_config_dir
    from omegaconf import OmegaConf

    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        config = compose("config", overrides=list(overrides))
    OmegaConf.resolve(config)
    return OmegaConf.to_yaml(config)


def test_committed_parameters_are_the_composition_byte_by_byte() -> None:
    committed = (ROOT / "params.yaml").read_text("utf-8")
    assert committed == composed(), "run: make params"


def test_dvc_composes_the_committed_parameters(tmp_path: Path) -> None:
    from somobench.pipelines.tools.compose_params import compose_params

    compose_params(ROOT / "conf", tmp_path / "params.yaml")
    written = (tmp_path / "params.yaml").read_bytes()
    assert written == (ROOT / "params.yaml").read_bytes()


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in (ROOT / "conf/recipe").glob("*.yaml"))
)
def test_recipe_composes_to_valid_parameters_of_its_own_name(
    name: str, tmp_path: Path
) -> None:
    (tmp_path / "params.yaml").write_text(composed(f"recipe={name}"), "utf-8")
    assert load_recipe(tmp_path / "params.yaml").release.recipe == name
    # DVC needs every key that a stage names to be there, be it null.
    given = yaml.safe_load(composed(f"recipe={name}"))
    for key in {key for stage in STAGES for key in own_parameters(stage)}:
        section, _, inner = key.partition(".")
        assert section in given
        assert not inner or inner in given[section]


def test_remotes_verify_what_they_deliver() -> None:
    # Without `verify` DVC hands out damaged objects of a remote with exit code 0.
    config = configparser.ConfigParser()
    config.read(ROOT / ".dvc/config")
    remotes = [name for name in config.sections() if name.startswith("'remote")]
    assert [name for name in remotes if config[name].get("verify") != "true"] == []
    assert config["core"]["analytics"] == "false"
    assert config["core"]["autostage"] == "false"
