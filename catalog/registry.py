"""Which releases exist: those of the catalog, those on this machine, and their names.

A catalogued release has a record, `releases/<id>.yaml` beside the catalog, that pins
its manifest by sha256. A local release is a folder with a manifest, in `releases/` of
the checkout around the working directory or below a path in `SOMOBENCH_RELEASES`.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field

from somobench.catalog.recipes import BuildRecord, read_build_record
from somobench.schemas.errors import IntegrityError, UnknownNameError, UsageError
from somobench.schemas.manifest import RELEASE_ID, SHA256

MANIFEST = "MANIFEST.json"
MAXIMUM_RECORD = 200_000  # bytes of the file of a catalog record
UNREADABLE = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    RecursionError,
    yaml.YAMLError,
)
SHOWN_LETTERS = 200  # of a name that doesn't exist


class CatalogRecord(BaseModel):
    """What the catalog knows of a release before any of its files is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: Annotated[str, Field(pattern=RELEASE_ID)]
    title: str
    schema_version: str
    manifest_sha256: Annotated[str, Field(pattern=SHA256)]
    manifest_size: Annotated[int, Field(gt=0, le=64_000_000)]
    base_urls: tuple[str, ...] = ()
    withdrawn: str | None = None


def catalog_folder() -> Path:
    """Return the folder of the packaged catalog."""
    return Path(str(files("somobench.catalog")))


def packaged_folder() -> Path:
    """Return the folder of the releases that ship with the package."""
    return Path(str(files("somobench.releases")))


def local_roots() -> list[Path]:
    """Return the folders that hold releases built on this machine, in order."""
    variable = "SOMOBENCH_RELEASES"
    listed = os.environ.get(variable, "").split(os.pathsep)
    chosen = [chosen_folder(variable, text) for text in listed if text.strip()]
    return [folder / "releases" for folder in _find_checkouts()[:1]] + chosen


def chosen_folder(variable: str, text: str) -> Path:
    """Return the folder that an environment variable names.

    Raises
    ------
    UsageError
        For the home of an unknown user, or a relative path where there is no working
        directory.
    """
    try:
        return Path(text).expanduser().absolute()
    except (RuntimeError, OSError) as error:
        raise UsageError(
            variable, found=f"{text!r}: {error}", expected="the path of a folder"
        ) from error


def _find_checkouts() -> list[Path]:
    try:
        here = Path.cwd()
    except OSError:  # the working directory was deleted
        return []
    return [folder for folder in (here, *here.parents) if _is_checkout(folder)]


def _is_checkout(folder: Path) -> bool:
    return is_there(folder / "dvc.yaml") and is_there(folder / "releases")


def is_there(path: Path) -> bool:
    """Say whether there is a file or folder that the system lets us see."""
    try:
        return path.exists()
    except OSError:  # a forbidden folder, a name too long; Python 3.13 says False too
        return False


def list_places_of_release(release: str) -> list[Path]:
    """Return every folder on this machine that has the name of a release, in order."""
    roots = dict.fromkeys([*local_roots(), packaged_folder()])
    return [root / release for root in roots if is_there(root / release)]


def find_folders(release: str) -> list[Path]:
    """Return every folder on this machine that claims to be a release."""
    return [
        folder
        for folder in list_places_of_release(release)
        if is_there(folder / MANIFEST)
    ]


def local_names() -> list[str]:
    """Return the ids of the releases that lie on this machine."""
    found = {
        manifest.parent.name
        for root in (*local_roots(), packaged_folder())
        for manifest in _find_manifests(root)
        if re.fullmatch(RELEASE_ID, manifest.parent.name)
    }
    return sort_releases(found)


def _find_manifests(root: Path) -> list[Path]:
    try:
        return list(root.glob(f"*/{MANIFEST}"))
    except OSError:  # on Python 3.13 a folder that can't be listed is empty as well
        return []


def records_folder(catalog: Path | None = None) -> Path:
    """Return the folder of the records of a catalog, by default the packaged one."""
    return (catalog or catalog_folder()) / "releases"


def list_catalogued(catalog: Path | None = None) -> list[str]:
    """Return the ids of the releases that a catalog pins."""
    found = {path.stem for path in records_folder(catalog).glob("*.yaml")}
    return sort_releases(name for name in found if re.fullmatch(RELEASE_ID, name))


def read_record(release: str, catalog: Path | None = None) -> CatalogRecord | None:
    """Return the record of a release, or nothing if the catalog has none.

    Raises
    ------
    IntegrityError
        If the record can't be believed.
    """
    path = records_folder(catalog) / f"{release}.yaml"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            text = stream.read(MAXIMUM_RECORD + 1)
        if len(text) > MAXIMUM_RECORD:
            raise _make_record_error(path, f"over {MAXIMUM_RECORD} bytes")
        record = _parse_record(text)
    except UNREADABLE as error:
        raise _make_record_error(path, error) from error
    if record.release != release:
        raise _make_record_error(path, f"a record of {record.release}")
    return record


@lru_cache
def _parse_record(text: bytes) -> CatalogRecord:
    content = yaml.load(text, _NoAliasLoader)  # noqa: S506 - a safe loader
    return CatalogRecord.model_validate(content["metadata"]["record"])


class _NoAliasLoader(yaml.SafeLoader):
    """Reads plain YAML without aliases: ten lines of them may stand for 10^10 items."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            message = "an alias, which a catalog doesn't need"
            raise yaml.YAMLError(message)
        return super().compose_node(parent, index)


def _make_record_error(path: Path, found: object) -> IntegrityError:
    return IntegrityError(
        f"catalog record {path}",
        found=str(found)[:1000],
        expected="a record as `python -m somobench.catalog.generate` writes it",
        hint="install somobench again",
    )


def known_releases(catalog: Path | None = None) -> list[str]:
    """Return the ids of all releases that exist, here or elsewhere."""
    return sort_releases({*list_catalogued(catalog), *local_names()})


def list_openable_releases() -> list[str]:
    """Return the ids of the releases that lie on this machine or have an address."""
    here = {*local_names()}
    records = (read_record(name) for name in list_catalogued() if name not in here)
    away = {record.release for record in records if record and record.base_urls}
    return sort_releases(here | away)


def sort_releases(names: Iterable[str]) -> list[str]:
    """Sort release ids by recipe, then by version as numbers."""

    def key(name: str) -> tuple[str, list[int]]:
        recipe, _, version = name.rpartition("-")
        return recipe, [int(part) for part in version.split(".")]

    return sorted(set(names), key=key)


def check_release(release: Any, catalog: Path | None = None) -> str:
    """Return a release id, if it is the full id of a release that exists here.

    Raises
    ------
    UnknownNameError
        For anything else; a recipe without a version is never completed.
    """
    known = known_releases(catalog)
    if isinstance(release, str) and (name := str.__str__(release)) in known:
        return name
    if isinstance(release, str) and (record := read_build_record(str(release))):
        raise _make_unbuilt_error(record)
    raise unknown("release", release, known)


def _make_unbuilt_error(record: BuildRecord) -> UnknownNameError:
    """Return the refusal of a release that isn't built here yet, and the command."""
    needed = "; ".join(
        f"{item.path} ({item.name}, {item.size} bytes, {item.licence})"
        for item in record.inputs
    )
    return UnknownNameError(
        f"release {record.release}",
        found="nothing on this machine; it isn't shipped, but can be built",
        expected=f"a build from {needed}",
        hint=f"SOMOBENCH_DATA=/where/archives/lie {record.command}",
    )


def unknown(
    kind: str, found: Any, known: Sequence[Any], reasons: str | None = None
) -> UnknownNameError:
    """Return the refusal of a name: what exists, and the nearest of it."""
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(found), names, n=1, cutoff=0.6)
    named = repr(found)
    if len(named) > SHOWN_LETTERS:
        named = f"{named[:SHOWN_LETTERS]}... ({len(named)} letters)"
    listed = ", ".join(names) or "none here"
    if kind == "release":
        listed += " (always with the full version)"
    hint = f"did you mean {near[0]!r}?" if near else None
    return UnknownNameError(
        f"unknown {kind}",
        found=named + (f" ({reasons})" if reasons else ""),
        expected=f"one of: {listed}",
        hint=hint,
    )
