"""Stations of one's own: added to a recipe's, built into a private local release."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from somobench.building import BuiltRelease, build_recipe
from somobench.building.checks import find_checkout, list_recipes, require_known
from somobench.catalog.storage.atomic import write_text
from somobench.catalog.storage.scratch import make_scratch
from somobench.schemas.errors import InputError, UsageError, ValidationError
from somobench.schemas.recipe import CSV, RECIPE_NAME, load_recipe
from somobench.validate import validate_file

MARK = "# Made by `somobench add-station`, which may write it again.\n"
ORIGIN = "# Its other stations and its rules are those of recipe {}.\n"
HEAD = "# @package _global_\n"
GOOD = "G"
LICENCE = "LicenseRef-private"
LONGEST_NAME = 60


class OwnRecipe(NamedTuple):
    """A recipe with stations of one's own: its name and its file."""

    name: str
    path: Path


def add_stations(
    files: Sequence[Path], recipe: str, name: str | None = None
) -> BuiltRelease:
    """Check station files, add them to a recipe's stations, and build the release.

    Parameters
    ----------
    files : CSV files, as docs/own-stations.md says
    recipe : str
        Whose archives, grid, meteorology, rules and splits are used.
    name : str, optional
        Of the new recipe; by default the old one's with `_own`. One that was made here
        before gets the files in addition, and its next version.

    Raises
    ------
    ValidationError
        If a file gives no series: with every reason.
    InputError, UsageError
        If there is no checkout or no such recipe, or the name is another recipe's.
    SomobenchError
        If the build fails, as of `build_recipe`.
    """
    for file in files:
        require_station_file(file)
    own = write_recipe(files, recipe, name, find_checkout())
    sys.stderr.write(f"recipe with your stations: {own.path}\n")
    built = build_recipe(own.name)
    for line in list_unused(files, built.path / "validation.json"):
        sys.stderr.write(f"{line}\n")
    return built


def list_unused(files: Sequence[Path], validation: Path) -> list[str]:
    """Say which files have no part in a release, and why, from its account."""
    if not validation.is_file():
        return []
    account = json.loads(validation.read_text(encoding="utf-8"))["stages"]["ingest"]
    found = []
    for file in files:
        inside = f"{file.name}/{file.name}"
        found += [
            f"{file}: not used: {item['reason']}: {item['found']}"
            for item in account["rejected_files"]
            if item["file"] in {inside, file.name}
        ]
        station, sensor = _name_sensor(file)
        found += [
            f"{file}: not used: {item['reason']}"
            for item in account["dropped_sensors"]
            if item["sensor_id"].startswith(f"{station}/")
            and item["sensor_id"].endswith(f"/{sensor}")
        ]
    return found


def _name_sensor(file: Path) -> tuple[str, str]:
    """Return `network/station` and sensor of a file that was read before."""
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    pairs = (line[1:].replace("=", ":", 1).partition(":") for line in lines[:50])
    keys = {key.strip().lower(): text.strip() for key, _, text in pairs}
    return f"{keys.get('network')}/{keys.get('station')}", str(keys.get("sensor"))


def require_station_file(file: Path) -> None:
    """Refuse a file that the pipelines' reader can't turn into a series."""
    if file.suffix != CSV:
        raise InputError(
            f"station file {file}",
            found=file.suffix or "no ending",
            expected=CSV,
            hint="docs/own-stations.md has the format",
        )
    for report in validate_file(file, "archive"):
        if not report.valid:
            hint = "docs/own-stations.md has the format; somobench validate FILE"
            raise ValidationError(f"station file {file}", report.failures, hint=hint)


def write_recipe(
    files: Sequence[Path], recipe: str, name: str | None, root: Path
) -> OwnRecipe:
    """Write a recipe that has a recipe's stations and those of files.

    Raises
    ------
    UnknownNameError
        If there is no such recipe.
    UsageError
        If another recipe has the name.
    ValidationError
        If the recipe, or the one to be written, isn't sound.
    """
    folder = root / "conf/recipe"
    require_known(recipe, list_recipes(root))
    if name is None:
        name = recipe if _is_own(folder / f"{recipe}.yaml") else f"{recipe}_own"
    path = folder / f"{name}.yaml"
    _require_name(name, recipe, path)
    base = path if path.exists() else folder / f"{recipe}.yaml"
    load_recipe(base)
    content = yaml.safe_load(base.read_text(encoding="utf-8"))
    changed = _add_inputs(content, files)
    changed["release"] |= _describe(content["release"], name)
    text = yaml.safe_dump(changed, sort_keys=False, allow_unicode=True, width=88)
    origin = ORIGIN.format(_read_origin(path) or recipe)
    _require_sound(name, HEAD + MARK + origin + text)
    write_text(HEAD + MARK + origin + text, path)
    return OwnRecipe(name, path)


def _require_name(name: str, recipe: str, path: Path) -> None:
    """Refuse a name that can't be one, or that a recipe of another origin has."""
    if not re.fullmatch(RECIPE_NAME, name) or len(name) > LONGEST_NAME:
        expected = f"letters a to z, digits and _, at most {LONGEST_NAME}"
        raise UsageError("--name", found=repr(name[:LONGEST_NAME]), expected=expected)
    if not path.exists():
        return
    if not _is_own(path):
        raise UsageError(
            f"recipe {name}",
            found=f"{path}, which wasn't made here",
            expected="a name that no recipe has",
            hint="choose one with --name",
        )
    origin = _read_origin(path)
    if recipe not in {name, origin or recipe}:
        raise UsageError(
            f"recipe {name}",
            found=f"{path}, with the stations and rules of recipe {origin}",
            expected=f"--recipe {name} to add to it",
            hint=f"choose another name with --name, to start from {recipe}",
        )


def _require_sound(name: str, text: str) -> None:
    """Refuse a recipe that wouldn't load, before anything of it is written."""
    with make_scratch() as folder:
        path = folder / f"{name}.yaml"
        write_text(text, path)
        load_recipe(path)


def _is_own(path: Path) -> bool:
    return path.is_file() and MARK in path.read_text(encoding="utf-8")


def _read_origin(path: Path) -> str | None:
    """Return the recipe that one of one's own began with, if it says so."""
    before, _, after = ORIGIN.partition("{}")
    pattern = f"^{re.escape(before)}(.+){re.escape(after)}"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else None


def _add_inputs(content: dict[str, Any], files: Sequence[Path]) -> dict[str, Any]:
    """Return a recipe's content with more station inputs, each file once."""
    new = [_make_input(file) for file in files]
    paths = {item["path"] for item in new}
    kept = [item for item in content["stations"]["inputs"] if item["path"] not in paths]
    stations = content["stations"] | {"inputs": [*kept, *new]}
    if GOOD not in stations["good_flags"]:
        stations["good_flags"] = [*stations["good_flags"], GOOD]
    changed: dict[str, Any] = json.loads(json.dumps(content, default=str))
    return changed | {"stations": stations}


def _make_input(file: Path) -> dict[str, str]:
    place = file.absolute()
    return {
        "name": f"own station file {file.name}",
        "path": place.as_posix(),
        "sha256": hashlib.sha256(place.read_bytes()).hexdigest(),
        "producer": "own measurements",
        "licence": "private",
        "citation": f"Own measurements, unpublished ({file.name}).",
    }


def _describe(release: dict[str, Any], name: str) -> dict[str, Any]:
    """Return what identifies the new release: private, and in versions of its own."""
    again = release["recipe"] == name
    major, minor, patch = map(int, release["version"].split("."))
    old = f"{release['recipe']}-{release['version']}"
    title = release["title"]
    return {
        "recipe": name,
        "version": f"{major}.{minor + 1}.{patch}" if again else "0.1.0",
        "title": title if again else f"{title}, with own stations",
        "licence_spdx": LICENCE,
        "redistributable": False,
        "predecessor": old,
    }
