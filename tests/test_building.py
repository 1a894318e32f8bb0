"""Building a recipe in a private copy: a small checkout with one stage."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from factories.raw.virtual_recipes import make_recipe
from somobench import building
from somobench.building import BuiltRelease, build_recipe, find_checkout, list_recipes
from somobench.building.checks import read_committed_recipe
from somobench.schemas.errors import (
    InputError,
    SomobenchError,
    UnknownNameError,
    ValidationError,
)

pytestmark = pytest.mark.heavy

Snapshot = tuple[str, dict[str, tuple[bytes, int]]]
TESTS = str(Path(__file__).parent)  # holds `factories`

PIPELINE = """\
stages:
  release:
    cmd: python make_release.py
    deps: [make_release.py]
    params: [release]
    outs: [data/release]
"""

# Waits where a file asks for it, so that a test can look at a build under way.
STAGE = """\
import json, os, pathlib, sys, time, yaml
release = yaml.safe_load(open("params.yaml"))["release"]
name = release["recipe"]
signals = pathlib.Path(os.environ["SOMOBENCH_DATA"]) / name
if signals.with_suffix(".fail").exists():
    sys.exit("the stage says why")
signals.with_suffix(".running").write_text(str(os.getpid()))
while signals.with_suffix(".wait").exists():
    time.sleep(0.05)
folder = pathlib.Path("data/release")
folder.mkdir(parents=True, exist_ok=True)
content = os.environ["SOMOBENCH_DATA"].encode()
(folder / "input_root").write_bytes(content)
sys.path.append({tests!r})
from factories.toy_manifest import toy_manifest
manifest = toy_manifest(
    {{"input_root": content}},
    release=f"{{name}}-{{release['version']}}",
    pipeline_sha256="{digit}" * 64,
)
(folder / "MANIFEST.json").write_text(json.dumps(manifest))
"""


def recipe_text(name: str, version: str = "0.1.0", **stations: object) -> str:
    """Return a recipe of another name than the virtual one, and the same inputs."""
    recipe = make_recipe().model_dump(mode="json")
    recipe["release"] |= {"recipe": name, "version": version, "predecessor": None}
    recipe["stations"] |= stations
    return "# @package _global_\n" + yaml.safe_dump(recipe, sort_keys=False)


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=root, check=True, capture_output=True, text=True
    ).stdout


def write_checkout(root: Path, repository: Path) -> None:
    """Write a checkout with recipes `virtual` and `other`, all of it committed."""
    shutil.copytree(repository / ".dvc", root / ".dvc", ignore=_only_settings)
    (root / "conf/recipe").mkdir(parents=True)
    shutil.copy(repository / "conf/config.yaml", root / "conf/config.yaml")
    for name in ("virtual", "other"):
        (root / f"conf/recipe/{name}.yaml").write_text(recipe_text(name))
    (root / "params.yaml").write_text(recipe_text("virtual"))
    (root / "dvc.yaml").write_text(PIPELINE)
    (root / "make_release.py").write_text(STAGE.format(digit=1, tests=TESTS))
    (root / ".gitignore").write_text("/data/\n/releases/*\n")
    git(root, "init", "-q")
    git(root, "add", "-A")
    identity = ["-c", "user.name=test", "-c", "user.email=test@test.invalid"]
    git(root, *identity, "commit", "-q", "-m", "toy")


def _only_settings(folder: str, names: list[str]) -> set[str]:
    return set(names) - {"config", ".gitignore"}


@pytest.fixture
def checkout(tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return made_checkout(tmp_path, repository, monkeypatch)


def made_checkout(tmp_path: Path, repository: Path, patch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "a checkout"
    root.mkdir()
    write_checkout(root, repository)
    (tmp_path / "signals").mkdir()
    patch.setenv("SOMOBENCH_DATA", str(tmp_path / "signals"))
    patch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    return root


@dataclass(frozen=True)
class Done:
    """One build, and the checkout as it was before and after it."""

    root: Path
    built: BuiltRelease
    before: Snapshot
    after: Snapshot
    index: tuple[bytes, bytes]


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, repository: Path) -> Done:
    """Build a recipe that isn't committed, in a Git hook, with inputs named from here.

    The checkout holds an uncommitted edit, and outputs of another build.
    """
    with pytest.MonkeyPatch.context() as patch:
        root = made_checkout(tmp_path_factory.mktemp("done"), repository, patch)
        (root / "conf/recipe/new.yaml").write_text(recipe_text("new", "0.2.0"))
        (root / "data").mkdir()
        (root / "data/mine").write_text("of another build")
        with (root / "make_release.py").open("a") as stream:
            stream.write("# an edit that is not committed\n")
        before, index = snapshot(root), (root / ".git/index").read_bytes()
        patch.chdir(root)
        patch.setenv("SOMOBENCH_DATA", "../signals")
        patch.setenv("GIT_DIR", str(root / ".git"))
        patch.setenv("GIT_INDEX_FILE", str(root / ".git/index"))
        built = build_recipe("new")
        indices = (index, (root / ".git/index").read_bytes())
    return Done(root, built, before, snapshot(root), indices)


def snapshot(root: Path) -> Snapshot:
    """Return Git's view of a checkout, and bytes and time of its files and `data/`."""
    files = {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in root.rglob("*")
        if path.is_file() and not {".git", ".dvc", "releases"} & set(path.parts)
    }
    refs = git(root, "for-each-ref") + git(root, "status", "-b", "--porcelain")
    return refs, files


def wait_for(path: Path) -> None:
    wait_until(lambda: path.exists() and path.stat().st_size > 0)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def is_running(process: int) -> bool:
    """Whether a process is there and isn't a dead one that nobody asked after."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def start_build(recipe: str, root: Path) -> subprocess.Popen[bytes]:
    # As in a terminal, also where the tests run behind `&`, which ignores SIGINT.
    code = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    code += f"from somobench.building import build_recipe; build_recipe({recipe!r})"
    return subprocess.Popen([sys.executable, "-c", code], cwd=root)


def test_build_refuses_an_unknown_recipe_and_names_the_nearest(checkout: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"'othr'(.|\n)*other, virtual") as error:
        build_recipe("othr", root=checkout)
    assert error.value.hint == "somobench build other"
    assert error.value.exit_code == 2


@pytest.mark.parametrize("recipe", ["../recipe/other", "", "other,virtual", "recipe"])
def test_build_refuses_what_is_no_recipe_name(checkout: Path, recipe: str) -> None:
    with pytest.raises(UnknownNameError):
        build_recipe(recipe, root=checkout)


def test_build_refuses_a_folder_outside_any_checkout(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"dvc.yaml(.|\n)*clone the repository"):
        find_checkout(tmp_path)


def test_checkout_is_found_from_a_folder_inside(checkout: Path) -> None:
    assert find_checkout(checkout / "conf") == checkout


def test_build_refuses_a_checkout_whose_code_is_not_installed(checkout: Path) -> None:
    (checkout / "pipelines/release").mkdir(parents=True)
    (checkout / "pipelines/release/publish.py").write_text("# another publish\n")
    with pytest.raises(
        InputError, match=r"release/publish.py of somobench.pipelines(.|\n)*make dev"
    ):
        build_recipe("other", root=checkout)


ARCHIVE = {
    "name": "archive",
    "path": "ismn/mine.zip",
    "producer": "ISMN",
    "licence": "closed",
    "citation": "Mine.",
}


def add_recipe(root: Path, name: str, text: str) -> Path:
    path = root / f"conf/recipe/{name}.yaml"
    path.write_text(text)
    return path


def line_with(path: Path, text: str) -> int:
    lines = path.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def test_copied_recipe_that_kept_its_name_is_refused(checkout: Path) -> None:
    path = add_recipe(checkout, "mine", recipe_text("virtual"))
    with pytest.raises(InputError) as refusal:
        build_recipe("mine", root=checkout)
    line = line_with(path, "recipe: virtual")
    assert refusal.value.what == f"recipe {path}, line {line}"
    assert refusal.value.found == "release.recipe: virtual"
    assert "release.recipe: mine" in str(refusal.value.expected)
    assert not (checkout / ".dvc/tmp/builds").exists()


def test_wrong_key_is_refused_with_the_user_s_file_and_line(checkout: Path) -> None:
    text = recipe_text("mine").replace("minimum_count:", "minimum_cuont:")
    path = add_recipe(checkout, "mine", text)
    with pytest.raises(ValidationError) as refusal:
        build_recipe("mine", root=checkout)
    assert str(path) in refusal.value.what
    line = line_with(path, "minimum_cuont")
    assert f"line {line}, stations.minimum_cuont" in str(refusal.value)
    assert not (checkout / ".dvc/tmp/builds").exists()


@pytest.mark.parametrize("is_set", [True, False])
def test_absent_archive_is_refused_before_anything_runs(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, is_set: bool
) -> None:
    path = add_recipe(checkout, "mine", recipe_text("mine", inputs=[ARCHIVE]))
    if not is_set:
        monkeypatch.delenv("SOMOBENCH_DATA")
    data = checkout.parent / ("signals" if is_set else "shared/data")
    with pytest.raises(InputError) as refusal:
        build_recipe("mine", root=checkout)
    message = str(refusal.value)
    line = line_with(path, "path: ismn/mine.zip")
    assert f"nothing at {data / 'ismn/mine.zip'} (line {line})" in message
    assert ("SOMOBENCH_DATA says" if is_set else "SOMOBENCH_DATA is unset") in message
    assert str(path) in message
    assert not (checkout / ".dvc/tmp/builds").exists()


def test_every_recipe_of_the_repository_can_be_named(repository: Path) -> None:
    assert {"virtual", "hamburg"} <= set(list_recipes(repository))


@pytest.mark.slow
def test_build_publishes_and_leaves_the_checkout_as_it_was(done: Done) -> None:
    assert (done.built.path / "MANIFEST.json").is_file()
    assert done.after == done.before
    assert not (done.root / ".dvc/tmp/builds/new").exists()


@pytest.mark.slow
def test_build_takes_uncommitted_changes_and_new_recipes(done: Done) -> None:
    assert done.built.release == "new-0.2.0"


@pytest.mark.slow
def test_build_gives_stages_the_input_root_as_an_absolute_path(done: Done) -> None:
    content = (done.built.path / "input_root").read_text()
    assert content == str(done.root.parent / "signals")


@pytest.mark.slow
def test_build_ignores_the_variables_of_a_git_hook(done: Done) -> None:
    before, after = done.index
    assert after == before


@pytest.mark.slow
@pytest.mark.once
def test_build_of_a_published_version_runs_nothing_or_is_refused_with_other_content(
    checkout: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    published = build_recipe("other", root=checkout).path / "input_root"
    before = published.read_bytes()
    running = tmp_path / "signals/other.running"
    running.unlink()
    build_recipe("other", root=checkout)
    assert not running.exists()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("SOMOBENCH_DATA", str(tmp_path / "elsewhere"))
    (checkout / "make_release.py").write_text(STAGE.format(digit=2, tests=TESTS))
    with pytest.raises(SomobenchError, match="step 'publish'") as error:
        build_recipe("other", root=checkout)
    assert error.value.exit_code == 4
    assert published.read_bytes() == before


@pytest.mark.slow
@pytest.mark.once
def test_failed_stage_publishes_nothing_and_says_why(
    checkout: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "signals/other.fail").touch()
    before = snapshot(checkout)
    with pytest.raises(SomobenchError, match=r"step 'build'(.|\n)*nothing was publ"):
        build_recipe("other", root=checkout)
    assert "the stage says why" in capfd.readouterr().err
    assert not (checkout / "releases").exists()
    assert snapshot(checkout) == before


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGINT])
def test_killed_build_publishes_nothing_and_the_next_one_succeeds(
    checkout: Path, tmp_path: Path, end: signal.Signals
) -> None:
    signals = tmp_path / "signals"
    (signals / "other.wait").touch()
    before = snapshot(checkout)
    process = start_build("other", checkout)
    wait_for(signals / "other.running")
    stage = int((signals / "other.running").read_text())
    process.send_signal(end)
    process.wait(timeout=60)
    wait_until(lambda: not is_running(stage))
    assert snapshot(checkout) == before
    assert not (checkout / "releases").exists()
    (signals / "other.wait").unlink()
    assert build_recipe("other", root=checkout).path.is_dir()


@pytest.mark.slow
@pytest.mark.once
def test_lock_of_another_recipe_is_left_out(checkout: Path) -> None:
    lock = checkout / "dvc.lock"
    lock.write_text("no lock that DVC could read: [")
    assert build_recipe("other", root=checkout).release == "other-0.1.0"
    assert lock.read_text() == "no lock that DVC could read: ["


@pytest.mark.parametrize("text", ["", "release: 3\n", "release: [\n", "- virtual\n"])
def test_parameters_that_name_no_recipe_are_those_of_none(
    checkout: Path, text: str
) -> None:
    assert read_committed_recipe(checkout) == "virtual"
    (checkout / "params.yaml").write_text(text)
    assert read_committed_recipe(checkout) == ""


def test_two_recipes_build_side_by_side(checkout: Path, tmp_path: Path) -> None:
    signals = tmp_path / "signals"
    before = snapshot(checkout)
    builds = {}
    for recipe in ("virtual", "other"):
        (signals / f"{recipe}.wait").touch()
        builds[recipe] = start_build(recipe, checkout)
    for recipe in builds:  # both stages run at the same time
        wait_for(signals / f"{recipe}.running")
    for recipe, process in builds.items():
        (signals / f"{recipe}.wait").unlink()
        assert process.wait(timeout=60) == 0
    names = sorted(path.name for path in (checkout / "releases").iterdir())
    assert names == ["other-0.1.0", "virtual-0.1.0"]
    assert snapshot(checkout) == before


@pytest.mark.slow
@pytest.mark.once
def test_second_build_of_one_recipe_waits_for_the_first(
    checkout: Path, tmp_path: Path
) -> None:
    signals = tmp_path / "signals"
    (signals / "other.wait").touch()
    first = start_build("other", checkout)
    wait_for(signals / "other.running")
    (signals / "other.running").unlink()
    second = start_build("other", checkout)
    time.sleep(1.5)
    assert second.poll() is None
    assert not (signals / "other.running").exists()  # the second runs no stage
    (signals / "other.wait").unlink()
    assert (first.wait(timeout=60), second.wait(timeout=60)) == (0, 0)


def test_child_environment_finds_this_python_first(tmp_path: Path) -> None:
    path = building._environment(tmp_path)["PATH"].split(os.pathsep)
    assert path[0] == str(Path(sys.executable).parent)
