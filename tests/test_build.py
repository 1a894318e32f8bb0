"""Building a recipe in a private copy: a small checkout with one stage."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from somobench import build
from somobench.build import BuiltRelease, build_recipe, find_checkout, list_recipes
from somobench.schemas.errors import InputError, SomobenchError, UnknownNameError

Snapshot = tuple[str, dict[str, tuple[bytes, int]]]
TESTS = str(Path(__file__).parent)  # holds `factories`

RECIPE = """\
# @package _global_
release:
  recipe: {name}
  version: 0.1.0
"""

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
signals.with_suffix(".running").touch()
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
        text = RECIPE.format(name=name)
        (root / f"conf/recipe/{name}.yaml").write_text(text)
    params = "release:\n  recipe: virtual\n  version: 0.1.0\n"
    (root / "params.yaml").write_text(params)
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
        recipe = RECIPE.format(name="new").replace("0.1.0", "0.2.0")
        (root / "conf/recipe/new.yaml").write_text(recipe)
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
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} never came"
        time.sleep(0.02)


def start_build(recipe: str, root: Path) -> subprocess.Popen[bytes]:
    code = f"from somobench.build import build_recipe; build_recipe({recipe!r})"
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
def test_killed_build_publishes_nothing_and_the_next_one_succeeds(
    checkout: Path, tmp_path: Path
) -> None:
    signals = tmp_path / "signals"
    (signals / "other.wait").touch()
    before = snapshot(checkout)
    process = start_build("other", checkout)
    wait_for(signals / "other.running")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert snapshot(checkout) == before
    assert not (checkout / "releases").exists()
    (signals / "other.wait").unlink()
    assert build_recipe("other", root=checkout).path.is_dir()


@pytest.mark.slow
@pytest.mark.once
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
    path = build._environment(tmp_path)["PATH"].split(os.pathsep)
    assert path[0] == str(Path(sys.executable).parent)
