"""From a release id to verified files: record, manifest, sha256, folder or cache."""

from __future__ import annotations

import hashlib
import json
import os
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from somobench.catalog.fetching.cache import (
    make_read_error,
    object_path,
    open_regular,
    read_verified,
)
from somobench.catalog.fetching.fetch import RemoteObject, open_object
from somobench.catalog.manifest_checksum import refuse_other_manifest
from somobench.catalog.registry import (
    MANIFEST,
    CatalogRecord,
    check_release,
    find_folders,
    is_there,
    list_places_of_release,
    local_roots,
    packaged_folder,
    read_record,
    unknown,
)
from somobench.schemas.errors import IntegrityError, SomobenchError, UsageError
from somobench.schemas.manifest import SCHEMA_VERSION, Manifest, parse_manifest

ASSETS = "assets"
"""Folder beside the releases with one folder a release, for what isn't packaged."""
MAXIMUM_MANIFEST = 64_000_000  # bytes


@dataclass(frozen=True, kw_only=True)
class Release:
    """A release whose manifest is checked, and the places that may have its files."""

    manifest: Manifest
    manifest_sha256: str
    folder: Path | None
    base_urls: tuple[str, ...] = ()
    withdrawn: str | None = None

    @property
    def id(self) -> str:
        """Release id, `<recipe>-<major.minor.patch>`."""
        return self.manifest.release

    def get_path(self, name: str) -> Path:
        """Return the path of a file of the release, verified, fetched if need be.

        What is read from the path later isn't verified: see `open_file`.

        Raises
        ------
        UnknownNameError
            If the release has no such file.
        IntegrityError
            If the file is missing or has other bytes.
        NetworkError
            If it has to be fetched and can't be.
        """
        with self.open_file(name) as stream:
            return Path(stream.name)

    def open_file(self, name: str, *, always: bool = False) -> BinaryIO:
        """Open a file of the release: the descriptor is the one that was verified.

        With `always`, a grid too is hashed whatever was verified before. Errors are
        those of `get_path`.
        """
        wanted, place = self.remote(name), self._place_of(name)
        if place is None:
            self._require_source(wanted)
            return open_object(wanted, always=always)
        _refuse_escape(place)
        return wanted.open_at(place, always=always)

    def read_file(self, name: str) -> bytes:
        """Return the bytes of a small file of the release, which are the verified ones.

        Errors are those of `get_path`.
        """
        with self.open_file(name) as stream:
            return read_verified(stream, self.remote(name).sha256)

    def is_here(self, name: str) -> bool:
        """Say whether a file is on this machine, whole or damaged."""
        return self._place_of(name) is not None or _is_cached(self.remote(name))

    def local_path(self, name: str, *, always: bool = False) -> Path | None:
        """Return the verified path of a file on this machine, or nothing.

        With `always`, the file is hashed whatever was verified before.
        """
        wanted, place = self.remote(name), self._place_of(name)
        if place is not None:
            _refuse_escape(place)
        elif not _is_cached(wanted):
            self._require_source(wanted)
            return None
        path = place or object_path(wanted.sha256)
        wanted.open_at(path, always=always).close()
        return path

    def _require_source(self, wanted: RemoteObject) -> None:
        if wanted.urls or _is_cached(wanted):
            return
        places = [str(place.parent) for place in self._list_places(wanted.name)]
        raise IntegrityError(
            f"file {wanted.name}",
            found=f"nothing in {', '.join(places) or 'the cache'}",
            expected=f"{wanted.size} bytes with sha256 {wanted.sha256}",
            hint="restore it, or build the release again; it has no address",
        )

    def _place_of(self, name: str) -> Path | None:
        """Return where a file lies on this machine outside the cache, if it does."""
        return next(filter(os.path.lexists, self._list_places(name)), None)

    def _list_places(self, name: str) -> list[Path]:
        """Return where a file may lie: an asset beside any releases, nearest first."""
        if name not in self.manifest.assets:
            return [self.folder / name] if self.folder else []
        nearest = [self.folder.parent] if self.folder else []
        roots = dict.fromkeys([*nearest, *local_roots(), packaged_folder()])
        return [root / ASSETS / self.id / name for root in roots]

    def remote(self, name: str) -> RemoteObject:
        """Return what a file of the release must be, and its addresses."""
        record = self.manifest.record_of(name)
        if record is None:
            kind = f"file of release {self.id}"
            names = sorted({*self.manifest.files, *self.manifest.assets})
            raise unknown(kind, name, names)
        return RemoteObject(
            name=name,
            sha256=record.sha256,
            size=record.size,
            urls=_build_urls(self.base_urls, name),
        )


def resolve(release: object, catalog: Path | None = None) -> Release:
    """Find a release and check its manifest.

    A catalogued release is the one whose manifest has the pinned sha256, wherever it
    lies; a local one must lie in one place only, or be the same in all of them.

    Parameters
    ----------
    release : str
        Full id, `<recipe>-<major.minor.patch>`.
    catalog : Path, optional
        Folder of the catalog whose pins count; by default the packaged one.

    Raises
    ------
    UnknownNameError
        If there is no such release.
    IntegrityError
        If its manifest isn't the pinned one, or has another checksum beside it.
    InputError
        If its manifest can't be read.
    """
    name = check_release(release, catalog)
    record = read_record(name, catalog)
    return _resolve_local(name) if record is None else _resolve_pinned(record)


def _resolve_pinned(record: CatalogRecord) -> Release:
    if record.withdrawn:
        message = f"release {record.release} is withdrawn: {record.withdrawn}"
        warnings.warn(message, UserWarning, stacklevel=2)
    passed: dict[Path, str] = {}
    for folder in list_places_of_release(record.release):
        text, found = _read_if_pinned(folder, record)
        if text is not None:
            _warn_of_passed_over(record, passed, folder)
            return _make_release(text, record.release, folder, record)
        passed[folder] = found
    wanted = RemoteObject(
        name=MANIFEST,
        sha256=record.manifest_sha256,
        size=record.manifest_size,
        urls=_build_urls(record.base_urls, MANIFEST),
    )
    if not wanted.urls and not _is_cached(wanted):
        raise _make_unpinned_error(record, passed)
    with open_object(wanted) as stream:
        text = read_verified(stream, wanted.sha256)
    _warn_of_passed_over(record, passed, Path(stream.name))
    return _make_release(text, record.release, None, record)


def _read_if_pinned(folder: Path, record: CatalogRecord) -> tuple[bytes | None, str]:
    """Return the manifest of a folder if it is the pinned one, else what it is."""
    if not is_there(folder / MANIFEST):
        return None, f"no {MANIFEST}"
    try:
        text = read_manifest(folder / MANIFEST)
    except SomobenchError as error:
        return None, f"{MANIFEST}: {error.found}"
    digest = hashlib.sha256(text).hexdigest()
    is_pinned = digest == record.manifest_sha256
    return text if is_pinned else None, f"{MANIFEST} with sha256 {digest}"


def _warn_of_passed_over(
    record: CatalogRecord, passed: Mapping[Path, str], read: Path
) -> None:
    for folder, found in passed.items():
        _warn_once(
            f"release {record.release}: {folder} is passed over ({found}, not sha256 "
            f"{record.manifest_sha256}, as the catalog pins it); read is {read}"
        )


@cache
def _warn_once(message: str) -> None:
    warnings.warn(message, UserWarning, stacklevel=2)


def _resolve_local(name: str) -> Release:
    texts: dict[bytes, Path] = {}
    for folder in find_folders(name):
        text = read_manifest(folder / MANIFEST)
        refuse_other_manifest(text, folder)
        texts.setdefault(text, folder)
    if len(texts) > 1:
        raise UsageError(
            f"release {name}",
            found="different contents in " + ", ".join(map(str, texts.values())),
            expected="one content for one id",
            hint="remove one, or give it another version",
        )
    if not texts:
        raise IntegrityError(
            f"release {name}",
            found="no folder of it any more",
            expected=f"a folder with a {MANIFEST}",
            hint="somebody is deleting or replacing it; try again",
        )
    text, folder = texts.popitem()
    return _make_release(text, name, folder, None)


def _make_release(
    text: bytes, name: str, folder: Path | None, record: CatalogRecord | None
) -> Release:
    manifest = _parse(text, name)
    return Release(
        manifest=manifest,
        manifest_sha256=hashlib.sha256(text).hexdigest(),
        folder=folder,
        base_urls=record.base_urls if record else (),
        withdrawn=record.withdrawn if record else None,
    )


def _parse(text: bytes, name: str) -> Manifest:
    """Check a manifest; one of a later schema is refused before its fields are."""
    what = f"manifest of release {name}"
    try:
        schema = json.loads(text)["schema_version"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise IntegrityError(what, found=error, expected="a JSON manifest") from error
    if not (isinstance(schema, str) and re.fullmatch(r"[1-9][0-9]{0,8}", schema)):
        raise IntegrityError(
            what, found=f"schema version {schema!r}"[:80], expected="a whole number"
        )
    if int(schema) > int(SCHEMA_VERSION):
        raise UsageError(
            what,
            found=f"schema version {schema}",
            expected=f"at most {SCHEMA_VERSION}",
            hint="pip install --upgrade somobench",
        )
    try:
        manifest = parse_manifest(text, what)
    except SomobenchError as error:
        raise IntegrityError(
            what,
            found=error.found,
            expected="the fields of its schema and no others",
            hint="restore it, or upgrade somobench if a later one wrote it",
        ) from error
    if manifest.release != name:
        raise IntegrityError(what, found=manifest.release, expected=name)
    return manifest


def read_manifest(path: Path) -> bytes:
    """Return a manifest's text, unchecked.

    Raises
    ------
    IntegrityError
        If it is no regular file of its folder, or too large.
    InputError
        If the system can't read it.
    """
    _refuse_escape(path)
    try:
        with open_regular(path) as stream:
            text = stream.read(MAXIMUM_MANIFEST + 1)
    except OSError as error:
        raise make_read_error(path, error) from error
    if len(text) > MAXIMUM_MANIFEST:
        raise IntegrityError(
            f"file {path}",
            found="a larger file",
            expected=f"at most {MAXIMUM_MANIFEST} bytes",
        )
    return text


def _refuse_escape(path: Path) -> None:
    """Refuse a link that leads out of the folder of its release.

    The packaged folder is exempt: a strict editable install consists of links.
    """
    folder = path.parent
    try:
        inside = path.resolve().parent == folder.resolve()
    except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle
        raise IntegrityError(
            f"file {path}", found=error, expected="a file of its release"
        ) from error
    if not inside and packaged_folder() not in folder.parents:
        raise IntegrityError(
            f"file {path}",
            found=f"a link to {path.resolve()}",
            expected="a file inside the folder of its release",
        )


def _is_cached(wanted: RemoteObject) -> bool:
    return os.path.lexists(object_path(wanted.sha256))


def _build_urls(base_urls: tuple[str, ...], name: str) -> tuple[str, ...]:
    return tuple(f"{base.rstrip('/')}/{quote(name)}" for base in base_urls)


def _make_unpinned_error(
    record: CatalogRecord, passed: Mapping[Path, str]
) -> IntegrityError:
    listed = "; ".join(f"{found} in {folder}" for folder, found in passed.items())
    return IntegrityError(
        f"manifest of release {record.release}",
        found=listed or "no copy on this machine, and no address to fetch it from",
        expected=f"sha256 {record.manifest_sha256}, as the catalog pins it",
        hint="restore its folder; a rebuilt release needs another version"
        if passed
        else "a checkout of SoMoBench holds it in `releases`: work in one, or name that"
        " folder in SOMOBENCH_RELEASES",
    )
