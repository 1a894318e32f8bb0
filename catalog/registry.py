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
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from somobench.schemas.errors import IntegrityError, UnknownNameError
from somobench.schemas.recipe import RELEASE_ID, SHA256

MANIFEST = "MANIFEST.json"
MAXIMUM_RECORD = 1_000_000  # bytes of a catalog record


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
    here = Path.cwd()
    checkouts = [folder for folder in (here, *here.parents) if _is_checkout(folder)]
    listed = os.environ.get("SOMOBENCH_RELEASES", "").split(os.pathsep)
    chosen = [Path(text).expanduser().absolute() for text in listed if text.strip()]
    return [folder / "releases" for folder in checkouts[:1]] + chosen


def _is_checkout(folder: Path) -> bool:
    return (folder / "dvc.yaml").is_file() and (folder / "releases").is_dir()


def folders_of(release: str) -> list[Path]:
    """Return every folder on this machine that claims to be a release."""
    roots = [*local_roots(), packaged_folder()]
    return [root / release for root in roots if (root / release / MANIFEST).exists()]


def local_names() -> list[str]:
    """Return the ids of the releases that lie on this machine."""
    found = {
        manifest.parent.name
        for root in (*local_roots(), packaged_folder())
        for manifest in root.glob(f"*/{MANIFEST}")
        if re.fullmatch(RELEASE_ID, manifest.parent.name)
    }
    return sort_releases(found)


def records_folder(catalog: Path | None = None) -> Path:
    """Return the folder of the records of a catalog, by default the packaged one."""
    return (catalog or catalog_folder()) / "releases"


def catalogued_names(catalog: Path | None = None) -> list[str]:
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
            content = yaml.safe_load(stream.read(MAXIMUM_RECORD))
        record = CatalogRecord.model_validate(content["metadata"]["record"])
    except (OSError, yaml.YAMLError, KeyError, TypeError, PydanticError) as error:
        raise _unbelievable(path, error) from error
    if record.release != release:
        raise _unbelievable(path, f"a record of {record.release}")
    return record


def _unbelievable(path: Path, found: object) -> IntegrityError:
    return IntegrityError(
        f"catalog record {path}",
        found=found,
        expected="a record as `python -m somobench.catalog.generate` writes it",
        hint="install somobench again",
    )


def known_releases(catalog: Path | None = None) -> list[str]:
    """Return the ids of all releases that can be opened here."""
    return sort_releases({*catalogued_names(catalog), *local_names()})


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
    if isinstance(release, str) and release in known:
        return release
    raise unknown("release", release, known)


def unknown(
    kind: str, found: Any, known: Sequence[Any], reasons: str | None = None
) -> UnknownNameError:
    """Return the refusal of a name: what exists, and the nearest of it."""
    names = [str(name) for name in known]
    near = difflib.get_close_matches(str(found), names, n=1, cutoff=0.6)
    listed = ", ".join(names) or "none here"
    if kind == "release":
        listed += " (always with the full version)"
    hint = f"did you mean {near[0]!r}?" if near else None
    return UnknownNameError(
        f"unknown {kind}",
        found=f"{found!r}" + (f" ({reasons})" if reasons else ""),
        expected=f"one of: {listed}",
        hint=hint,
    )
