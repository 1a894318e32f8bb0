"""Build one release from its recipe in a private copy of the checkout.

DVC composes an experiment's parameters in the working tree: it detaches HEAD, writes
params.yaml and puts both back. A build that is killed in between leaves another
recipe's parameters behind, and two builds at once read each other's. So each recipe
gets its own copy under `.dvc/tmp/builds`, with the cache of the checkout; tracked files
and `data/` stay as they are, whatever happens to the build.
"""

from __future__ import annotations

import difflib
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import IO, NamedTuple

from somobench.schemas.errors import InputError, SomobenchError, UnknownNameError
from somobench.schemas.manifest import parse_manifest

BUILDS = Path(".dvc/tmp/builds")
DEFAULT_DATA = Path("../shared/data")
STDERR = 2  # the file descriptor, whatever sys.stderr was replaced by
PACKAGES = {
    "somobench": "src/somobench",
    "somobench.catalog": "catalog",
    "somobench.pipelines": "pipelines",
    "somobench.schemas": "schemas",
}
GIT_SETTINGS = {
    "commit.gpgsign": "false",
    "core.autocrlf": "false",
    "core.hooksPath": os.devnull,
    "user.email": "build@somobench.invalid",
    "user.name": "somobench build",
}
Echo = Callable[[str], None]


class BuiltRelease(NamedTuple):
    """A published release: its id, and the folder that holds it."""

    release: str
    path: Path


def find_checkout(start: Path | None = None) -> Path:
    """Find the checkout of SoMoBench around a folder, the current one by default.

    Raises
    ------
    InputError
        If no parent folder has both `dvc.yaml` and `conf/recipe`.
    """
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / "conf/recipe").is_dir():
            return folder
    raise InputError(
        f"folder {here}",
        found="no dvc.yaml with conf/recipe here or above",
        expected="a checkout of the SoMoBench repository",
        hint="clone the repository and run the build inside it",
    )


def list_recipes(root: Path) -> list[str]:
    """Name the recipes of a checkout, sorted."""
    return sorted(path.stem for path in (root / "conf/recipe").glob("*.yaml"))


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def build_recipe(
    recipe: str, *, root: Path | None = None, echo: Echo = _to_stderr
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
        If there is no checkout, or the installed package isn't the checkout's.
    SomobenchError
        If a stage or the publishing fails; the failed program prints why, and
        `exit_code` is its own.
    """
    root = find_checkout(root)
    _require_known(recipe, list_recipes(root))
    _require_same_code(root)
    with _own_folder(root, recipe, echo) as (folder, lock):
        echo(f"{recipe}: building in a private copy of {root}")
        run = _runner(folder, _environment(root), lock)
        _copy_checkout(root, folder, run)
        run(
            "build", sys.executable, "-m", "dvc", "exp", "run", "-S", f"recipe={recipe}"
        )
        publish = ("-m", "somobench.pipelines.release.publish", str(root / "releases"))
        run("publish", sys.executable, *publish)
        text = (folder / "data/release/MANIFEST.json").read_bytes()
    release = parse_manifest(text, f"manifest of {recipe}").release
    return BuiltRelease(release, root / "releases" / release)


def _require_known(recipe: str, known: list[str]) -> None:
    if recipe not in known:
        nearest = difflib.get_close_matches(recipe, known, n=1)
        raise UnknownNameError(
            "recipe",
            found=repr(recipe),
            expected=f"one of {', '.join(known)}",
            hint=f"somobench build {nearest[0]}" if nearest else None,
        )


def _require_same_code(root: Path) -> None:
    """Refuse a checkout whose stages would run other code than DVC hashes."""
    for package, folder in PACKAGES.items():
        installed = resources.files(package)
        for path in sorted((root / folder).rglob("*.py")):
            inside = path.relative_to(root / folder)
            twin = installed.joinpath(*inside.parts)
            if not twin.is_file() or twin.read_bytes() != path.read_bytes():
                raise InputError(
                    f"module {inside} of {package}",
                    found="installed with other content than in this checkout",
                    expected=f"the content of {path}",
                    hint="make dev",
                )


@contextmanager
def _own_folder(
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
    data = Path(os.environ.get("SOMOBENCH_DATA") or root / DEFAULT_DATA)
    programs = str(Path(sys.executable).parent)
    return kept | {
        "DVC_NO_ANALYTICS": "1",
        "PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)]),
        "SOMOBENCH_DATA": os.path.abspath(data),  # noqa: PTH100 - keeps links
    }


def _runner(
    folder: Path, environment: Mapping[str, str], lock: IO[bytes]
) -> Callable[..., None]:
    """Return a function that runs a program in the private copy.

    The program's output goes to standard error. It inherits the lock, so that one that
    outlives a killed build still keeps the next build out of its folder.
    """

    def run(step: str, *command: str) -> None:
        status = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=STDERR,
            pass_fds=(lock.fileno(),),
            check=False,
        ).returncode
        if status:
            error = SomobenchError(
                f"step '{step}' of the build of {folder.name}",
                found=f"{command[0]} ended with status {status}",
                expected="status 0",
                hint="read the messages above; nothing was published",
            )
            error.exit_code = status if status in range(1, 6) else 1
            raise error

    return run


def _copy_checkout(root: Path, folder: Path, run: Callable[..., None]) -> None:
    """Commit the working tree's files to a new repository, and link DVC's cache."""
    run("copy", "git", "init", "--quiet", "--template=", ".")
    for name, value in GIT_SETTINGS.items():
        run("copy", "git", "config", name, value)
    tree = f"--work-tree={root}"
    run("copy", "git", "--git-dir=.git", tree, "add", "--all", "--", str(root))
    run("copy", "git", "commit", "--quiet", "--message=working tree")
    run("copy", "git", "reset", "--quiet", "--hard")
    private = root / ".dvc/config.local"
    if private.is_file():
        shutil.copyfile(private, folder / ".dvc/config.local")
    cache = _cache_folder(root)
    dvc = (sys.executable, "-m", "dvc", "cache", "dir", "--quiet", "--local", cache)
    run("copy", *dvc)


def _cache_folder(root: Path) -> str:
    """Ask DVC where the checkout keeps its cache."""
    asked = subprocess.run(
        [sys.executable, "-m", "dvc", "cache", "dir"],
        cwd=root,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise InputError(
            f"DVC's cache of {root}",
            found=f"dvc ended with status {asked.returncode}",
            expected="a checkout that DVC can read",
            hint="pip install 'somobench[build]'; then read the message above",
        )
    return str(root / asked.stdout.strip())
