"""Check or fetch a whole release, file by file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from somobench.catalog.manifest_checksum import CHECKSUM
from somobench.catalog.registry import MANIFEST
from somobench.catalog.resolve import Release
from somobench.schemas.errors import InputError, IntegrityError

INTACT, DAMAGED, ABSENT, EXTRA = "intact", "damaged", "absent", "extra"
ASSET = "asset, on request"
"""Reason that an asset may be absent."""


class FileStatus(NamedTuple):
    """What is known of one file of a release on this machine.

    `status` is `intact`, `damaged`, `absent` (can be fetched) or `extra` (lies in the
    folder of the release, but isn't one of its files).
    """

    name: str
    status: str
    path: str | None
    reason: str | None = None


def verify_release(release: Release) -> list[FileStatus]:
    """Hash every file of a release on this machine, whatever was verified before."""
    checked = [_check(release, name) for name in sorted(release.manifest.files)]
    return checked + _list_extras(release)


def verify_assets(release: Release) -> list[FileStatus]:
    """Hash the assets of a release that are on this machine; any may be absent."""
    return [_check_asset(release, name) for name in sorted(release.manifest.assets)]


def fetch_release(release: Release, names: Iterable[str] = ()) -> dict[str, Path]:
    """Bring files of a release to this machine, by default all, and verify them.

    Raises
    ------
    UnknownNameError
        Before any download, if the release has no such file.
    NetworkError, IntegrityError
        At the first file that can't be had.
    """
    wanted = tuple(names) or tuple(sorted(release.manifest.files))
    for name in wanted:
        release.remote(name)
    return {name: release.get_path(name) for name in wanted}


def _check(release: Release, name: str) -> FileStatus:
    try:
        path = release.local_path(name, always=True)
    except (IntegrityError, InputError) as error:
        return FileStatus(name, DAMAGED, None, f"found {error.found}")
    if path is None:
        return FileStatus(name, ABSENT, None)
    return FileStatus(name, INTACT, str(path))


def _check_asset(release: Release, name: str) -> FileStatus:
    if not release.is_here(name):
        return FileStatus(name, ABSENT, None, ASSET)
    status = _check(release, name)
    return status._replace(reason="; ".join(filter(None, (ASSET, status.reason))))


def _list_extras(release: Release) -> list[FileStatus]:
    """List what lies in the folder of the release beside its files."""
    if release.folder is None:
        return []
    expected = {*release.manifest.files, MANIFEST, CHECKSUM}
    found = sorted(path for path in release.folder.iterdir())
    return [
        FileStatus(path.name, EXTRA, str(path))
        for path in found
        if path.name not in expected
    ]
