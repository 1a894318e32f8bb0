"""Build one release from its recipe in a private copy of the checkout.

DVC composes an experiment's parameters in the working tree: it detaches HEAD, writes
params.yaml and puts both back. A build that is killed in between leaves another
recipe's parameters behind, and two builds at once read each other's. So each recipe
gets its own copy under `.dvc/tmp/builds`, with the cache of the checkout; tracked files
and `data/` stay as they are, whatever happens to the build.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from somobench.building.checks import (
    DATA_VARIABLE,
    find_checkout,
    list_recipes,
    read_committed_recipe,
    require_known,
    require_same_code,
    require_sound,
    resolve_data_folder,
)
from somobench.building.run import make_runner
from somobench.schemas.errors import InputError
from somobench.schemas.manifest import parse_manifest

BUILDS = Path(".dvc/tmp/builds")
GIT_SETTINGS = {
    "commit.gpgsign": "false",
    "core.autocrlf": "false",
    "core.hooksPath": os.devnull,
    "user.email": "build@somobench.invalid",
    "user.name": "somobench build",
}
LOCK = "dvc.lock"
Echo = Callable[[str], None]


class BuiltRelease(NamedTuple):
    """A published release: its id, and the folder that holds it."""

    release: str
    path: Path


def _write_to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def build_recipe(
    recipe: str, *, root: Path | None = None, echo: Echo = _write_to_stderr
) -> BuiltRelease:
    """Build a recipe and publish it, add-only, to `releases/` of the checkout.

    The working tree is built as it is, uncommitted changes included. Stages whose code,
    parameters and inputs are those of an earlier run come from DVC's cache. A second
    build of one recipe waits for the first; different recipes build side by side.

    Parameters
    ----------
    recipe : str
        Name of a file in `conf/recipe`, without its ending.
    root : Path, optional
        The checkout; by default the one around the current folder.
    echo : callable
        Takes one line of progress at a time.

    Raises
    ------
    UnknownNameError
        If there is no such recipe.
    InputError
        If there is no checkout, or the installed package isn't the checkout's; if the
        recipe has another name inside than its file, or an archive is absent.
    ValidationError
        If the recipe holds an unknown key or an impossible value.
    SomobenchError
        If a stage or the publishing fails; the failed program prints why, and
        `exit_code` is its own.
    """
    root = find_checkout(root)
    require_known(recipe, list_recipes(root))
    require_sound(recipe, root)
    require_same_code(root)
    with _make_own_folder(root, recipe, echo) as (folder, lock):
        echo(f"{recipe}: building in a private copy of {root}")
        run = make_runner(folder, _environment(root), lock)
        _copy_checkout(root, folder, recipe, run)
        run(
            "build", sys.executable, "-m", "dvc", "exp", "run", "-S", f"recipe={recipe}"
        )
        publish = ("-m", "somobench.pipelines.release.publish", str(root / "releases"))
        run("publish", sys.executable, *publish)
        text = (folder / "data/release/MANIFEST.json").read_bytes()
    release = parse_manifest(text, f"manifest of {recipe}").release
    return BuiltRelease(release, root / "releases" / release)


@contextmanager
def _make_own_folder(
    root: Path, recipe: str, echo: Echo
) -> Iterator[tuple[Path, IO[bytes]]]:
    """Give an empty folder that no other build of this recipe touches."""
    builds = root / BUILDS
    builds.mkdir(parents=True, exist_ok=True)
    folder = builds / recipe
    with (builds / f"{recipe}.lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            echo(f"{recipe}: waiting for another build of this recipe")
            fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder, lock
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _environment(root: Path) -> dict[str, str]:
    """Return the variables of every program of a build, with absolute paths."""
    kept = {name: text for name, text in os.environ.items() if name[:4] != "GIT_"}
    programs = str(Path(sys.executable).parent)
    return kept | {
        "DVC_NO_ANALYTICS": "1",
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
        DATA_VARIABLE: str(resolve_data_folder(root)),
    }


def _copy_checkout(
    root: Path, folder: Path, recipe: str, run: Callable[..., None]
) -> None:
    """Commit the working tree's files to a new repository, and link DVC's cache.

    The lock of another recipe's outputs stays away: DVC would parse it at every step.
    """
    run("copy", "git", "init", "--quiet", "--template=", ".")
    for name, value in GIT_SETTINGS.items():
        run("copy", "git", "config", name, value)
    tree = f"--work-tree={root}"
    run("copy", "git", "--git-dir=.git", tree, "add", "--all", "--", str(root))
    if read_committed_recipe(root) != recipe:
        run("copy", "git", "update-index", "--force-remove", LOCK)
    run("copy", "git", "commit", "--quiet", "--message=working tree")
    run("copy", "git", "reset", "--quiet", "--hard")
    private = root / ".dvc/config.local"
    if private.is_file():
        shutil.copyfile(private, folder / ".dvc/config.local")
    _link_cache(root, folder)


def _link_cache(root: Path, folder: Path) -> None:
    """Let a copy keep outputs of its stages where the checkout keeps them."""
    try:
        from dvc.config import Config, ConfigError
    except ImportError as error:
        raise _make_cache_error(root, error) from error
    try:
        cache = Config(str(root / ".dvc"))["cache"].get("dir", root / ".dvc/cache")
        with Config(str(folder / ".dvc")).edit("local") as settings:
            settings["cache"]["dir"] = str(root / cache)
    except ConfigError as error:
        raise _make_cache_error(root, error) from error


def _make_cache_error(root: Path, found: Exception) -> InputError:
    return InputError(
        f"DVC's cache of {root}",
        found=found,
        expected="a checkout that DVC can read",
        hint="pip install 'somobench[build]'",
    )
