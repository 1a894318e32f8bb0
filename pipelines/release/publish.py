"""Publish a built release: once, complete, and never changed after.

Run as `python -m somobench.pipelines.release.publish [RELEASES]` in a checkout: it
publishes `data/release` into the folder RELEASES. Without one it publishes into
`releases` what Git is to hold, and asks for an entry in `CHANGELOG.md`.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

from somobench.catalog.manifest_checksum import (
    CHECKSUM,
    format_checksum,
    refuse_other_manifest,
)
from somobench.catalog.recipes import refuse_other_values
from somobench.catalog.resolve import ASSETS
from somobench.catalog.storage.atomic import (
    PARTIAL,
    remove_abandoned,
    replace_file,
)
from somobench.catalog.storage.hashing import sha256_file
from somobench.pipelines.release.verify_outputs import verify_outputs
from somobench.pipelines.stage import run_stage
from somobench.schemas.errors import InputError, IntegrityError
from somobench.schemas.manifest import Manifest, parse_manifest

BUILDER_FIELDS = frozenset({"package_version", "pipeline_sha256"})
"""Fields of a manifest that say who built a release, not what is in it."""
MANIFEST = "MANIFEST.json"
RESTORE = "restore the published folder, for example from Git"


class Published(NamedTuple):
    """A published release, and whether it was published just now."""

    manifest: Manifest
    path: Path
    is_new: bool


def publish_release(
    source: Path, releases: Path, *, changelog: Path | None = None
) -> Published:
    """Copy a built release to `releases/<id>/`, where nothing may change it any more.

    The copy is verified against the manifest and flushed to disk before it gets its
    name in one step, so that a killed or failed publisher leaves nothing that opens.
    A release that is published already with the same content is left alone; content is
    all that the manifest states but the version and the sources of the builder.

    Parameters
    ----------
    source : Path
        Folder with MANIFEST.json and exactly the files that it lists; its assets lie
        in the folder `assets` beside it, and go to `assets/<id>/` of the releases.
    releases : Path
        Folder of published releases.
    changelog : Path, optional
        Where one is given, the release must have a heading with its id in it.

    Raises
    ------
    InputError
        If `source` holds no release, or the changelog doesn't name it.
    IntegrityError
        If a file isn't the manifest's, or the id is published with other content, or
        the catalog knows other values of it.
    """
    manifest = _read_manifest(source, "dvc repro --force release")
    _require_complete(source, manifest, "dvc repro --force release")
    refuse_other_values(manifest)
    if changelog is not None:
        _require_changelog_entry(manifest.release, changelog)
    target = releases / manifest.release
    releases.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(releases)
    is_new = not _holds_files(target) and _copy(source, target, manifest)
    if not is_new:
        _require_same(target, manifest)
    _publish_assets(source.parent / ASSETS, releases / ASSETS, manifest)
    return Published(manifest, target, is_new)


def _publish_assets(source: Path, target: Path, manifest: Manifest) -> None:
    """Copy what belongs to the release but isn't shipped with it, where it lacks."""
    for name, record in manifest.assets.items():
        place = target / manifest.release / name
        if place.is_file() and sha256_file(place) == record.sha256:
            continue
        with replace_file(place) as partial:
            shutil.copyfile(source / name, partial)
            if (digest := sha256_file(partial)) != record.sha256:
                raise IntegrityError(
                    f"asset {source / name}",
                    found=f"sha256 {digest}",
                    expected=record.sha256,
                    hint="dvc repro --force release",
                )


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _read_manifest(folder: Path, hint: str) -> Manifest:
    path = folder / MANIFEST
    try:
        text = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"release in {folder}",
            found=f"{MANIFEST}: {error.strerror}",
            expected="a release with its manifest",
            hint=hint,
        ) from error
    refuse_other_manifest(text, folder)
    return parse_manifest(text, f"manifest {path}")


def _require_complete(folder: Path, manifest: Manifest, hint: str) -> None:
    """Refuse missing, extra and changed files, all in one message."""
    wrong = []
    present = {path.name for path in folder.iterdir()} - {MANIFEST, CHECKSUM}
    wrong += [f"{name}: not in the manifest" for name in present - set(manifest.files)]
    for name, record in manifest.files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file():
            wrong.append(f"{name}: no regular file")
        elif path.stat().st_size != record.size:
            wrong.append(f"{name}: {path.stat().st_size} bytes, not {record.size}")
        elif (digest := sha256_file(path)) != record.sha256:
            wrong.append(f"{name}: sha256 {digest}, not {record.sha256}")
    if wrong:
        raise IntegrityError(
            f"release {manifest.release} in {folder}",
            found="; ".join(sorted(wrong)),
            expected="exactly the files of its manifest",
            hint=hint,
        )


def _require_same(target: Path, built: Manifest) -> None:
    """Refuse a published release that isn't the built one, or isn't whole."""
    published = _read_manifest(target, RESTORE)
    new = built.model_dump(exclude=set(BUILDER_FIELDS))
    old = published.model_dump(exclude=set(BUILDER_FIELDS))
    if new != old:
        fields = [name for name in new if new[name] != old[name] and name != "files"]
        files = sorted(new["files"].keys() | old["files"].keys())
        changed = [
            name for name in files if new["files"].get(name) != old["files"].get(name)
        ]
        raise IntegrityError(
            f"release {built.release}, published in {target}",
            found=f"a build with another {', '.join(fields + changed)}",
            expected="the published content, or a version that isn't published",
            hint="raise release.version in the recipe, and say why in CHANGELOG.md",
        )
    _require_complete(target, published, RESTORE)


def _require_changelog_entry(release: str, changelog: Path) -> None:
    heading = re.compile(rf"^#+ .*\b{re.escape(release)}(?![\w.])", re.MULTILINE)
    text = changelog.read_text(encoding="utf-8") if changelog.is_file() else ""
    if not heading.search(text):
        raise InputError(
            f"changelog {changelog}",
            found=f"no heading with {release}",
            expected="an entry for each release that others get",
            hint="write what changes for users of the data, then publish again",
        )


def _copy(source: Path, target: Path, manifest: Manifest) -> bool:
    """Copy, verify, flush and name a release; False if another publisher was first."""
    partial = target.with_name(f"{PARTIAL}{secrets.token_hex(6)}-{target.name}")
    partial.mkdir()
    try:
        for name in (*manifest.files, MANIFEST):
            shutil.copyfile(source / name, partial / name)
            _flush(partial / name)
        line = format_checksum((source / MANIFEST).read_bytes())
        (partial / CHECKSUM).write_bytes(line)
        _flush(partial / CHECKSUM)
        _require_complete(partial, manifest, "run it again; the copy was damaged")
        refuse_other_manifest((partial / MANIFEST).read_bytes(), partial)
        _flush(partial)
        return _name(partial, target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _name(partial: Path, target: Path) -> bool:
    """Rename a folder; the system refuses to replace one that holds files."""
    try:
        partial.rename(target)
    except OSError:
        if _holds_files(target):
            return False
        raise
    _flush(target.parent)
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_leftovers(releases: Path) -> None:
    """Delete what a publisher that was killed a day ago left behind."""
    for folder in (releases, *(releases / ASSETS).glob("*")):
        remove_abandoned(folder, lambda item: item.name.startswith(PARTIAL))


def describe_opening(published: Published) -> str:
    """Tell what was published, and the line of Python that opens it."""
    manifest, path = published.manifest, published.path
    size = sum(record.size for record in manifest.files.values()) / 1e6
    state = "published" if published.is_new else "already published, same content"
    sets = ", ".join(manifest.feature_sets)
    name = next(iter(manifest.feature_sets), "forcing")
    return "\n".join(
        [
            f"{manifest.release}: {state}",
            f"  {path}: {len(manifest.files)} files, {size:.1f} MB",
            f"  feature sets: {sets}",
            f"  splits: {', '.join(manifest.splits) or 'none'}",
            "open it in Python:",
            "  import somobench",
            f'  somobench.open_dataset("{name}", release="{manifest.release}")',
            f"read its page: {path / 'report.html'}",
            "",
        ]
    )


def main() -> None:
    """Verify the stages' outputs and publish `data/release` of this folder."""
    given = [Path(argument) for argument in sys.argv[1:2]]
    changelog = None if given else Path("CHANGELOG.md")
    releases = given[0] if given else Path("releases")
    verify_outputs(Path())
    published = publish_release(Path("data/release"), releases, changelog=changelog)
    sys.stdout.write(describe_opening(published))


if __name__ == "__main__":
    run_stage(main)
