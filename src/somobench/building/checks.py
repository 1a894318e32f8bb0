"""What must hold before a build starts: the checkout, the recipe and its archives."""

from __future__ import annotations

import difflib
import os
import re
from importlib import resources
from pathlib import Path

import yaml

from somobench.schemas.errors import InputError, UnknownNameError
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.yaml_lines import find_line

DATA_VARIABLE = "SOMOBENCH_DATA"
DEFAULT_DATA = Path("../shared/data")
PACKAGES = {
    "somobench": "src/somobench",
    "somobench.catalog": "catalog",
    "somobench.pipelines": "pipelines",
    "somobench.schemas": "schemas",
}


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


def read_committed_recipe(root: Path) -> str:
    """Return the name of the recipe that `dvc repro` builds, or nothing."""
    try:
        content = yaml.safe_load((root / "params.yaml").read_text(encoding="utf-8"))
        return str(content["release"]["recipe"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError):
        return ""


def require_known(recipe: str, known: list[str]) -> None:
    """Refuse a name that no recipe has, with the nearest one."""
    if recipe not in known:
        nearest = difflib.get_close_matches(recipe, known, n=1)
        raise UnknownNameError(
            "recipe",
            found=repr(recipe),
            expected=f"one of {', '.join(known)}",
            hint=f"somobench build {nearest[0]}" if nearest else None,
        )


def require_sound(name: str, root: Path) -> None:
    """Refuse a recipe that can't be built, before anything runs.

    One that is composed of others (Hydra's `defaults`) is left to the stages.
    """
    path = root / f"conf/recipe/{name}.yaml"
    text = path.read_text(encoding="utf-8", errors="replace")
    if re.search(r"^defaults:", text, re.MULTILINE):
        return
    recipe = load_recipe(path)
    if recipe.release.recipe != name:
        line = find_line(text, ("release", "recipe"))
        raise InputError(
            f"recipe {path}, line {line}",
            found=f"release.recipe: {recipe.release.recipe}",
            expected=f"release.recipe: {name}, the name of the file",
            hint="a copied recipe needs a name, a title and a version of its own",
        )
    _require_archives(recipe, path, text, root)


def _require_archives(recipe: Recipe, path: Path, text: str, root: Path) -> None:
    """Refuse a recipe whose archives don't lie where it says."""
    data = resolve_data_folder(root)
    absent = {
        data / item.params.path: find_line(
            text, (item.role, "inputs", item.number, "path")
        )
        for item in recipe.raw_inputs()
        if not item.params.generated and not (data / item.params.path).exists()
    }
    if not absent:
        return
    is_set = os.environ.get(DATA_VARIABLE)
    listed = ", ".join(f"{place} (line {absent[place]})" for place in absent)
    raise InputError(
        f"archives of recipe {path}",
        found=f"nothing at {listed}",
        expected=f"every archive below {data}, "
        + (f"as {DATA_VARIABLE} says" if is_set else f"since {DATA_VARIABLE} is unset"),
        hint=f"set {DATA_VARIABLE} to the folder that holds the archives; "
        "docs/real-releases.md says how to get them",
    )


def resolve_data_folder(root: Path) -> Path:
    """Return the folder of raw archives as an absolute path that keeps links."""
    data = os.environ.get(DATA_VARIABLE) or root / DEFAULT_DATA
    return Path(os.path.abspath(data))  # noqa: PTH100 - resolve follows links


def require_same_code(root: Path) -> None:
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
