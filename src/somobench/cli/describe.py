"""What `list` and `info` say of releases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from somobench.catalog.fetching.addresses import redact_url
from somobench.catalog.recipes import list_buildable, read_build_record
from somobench.catalog.registry import (
    MANIFEST,
    find_folders,
    list_openable_releases,
    packaged_folder,
    read_record,
)
from somobench.catalog.resolve import Release, read_manifest
from somobench.cite import merge_sources
from somobench.cli.output import format_size
from somobench.folds import POOLED, SPATIAL
from somobench.schemas.errors import SomobenchError
from somobench.schemas.manifest import SplitRecord

LONGEST_TITLE = 200  # letters of it that `list` shows


def list_titles() -> list[dict[str, str]]:
    """Return release, origin and title of every release that can be opened or built.

    The origin of one that has to be built first is the command that builds it.
    """
    openable = list_openable_releases()
    rows = [
        {
            "release": name,
            "from": name_origin(name),
            "title": _read_title(name),
        }
        for name in openable
    ]
    records = (read_build_record(name) for name in list_buildable())
    return rows + [
        {"release": item.release, "from": item.command, "title": item.title}
        for item in records
        if item is not None and item.release not in openable
    ]


def name_origin(name: str) -> str:
    """Return where a release comes from: `package`, `local` or `network`.

    What lies beside the packaged ones without a record in the catalog was built here.
    """
    if read_record(name) is None:
        return "local"
    if (packaged_folder() / name / MANIFEST).exists():
        return "package"
    return "local" if find_folders(name) else "network"


def _read_title(name: str) -> str:
    """Return the title; a folder that can't be read is listed nevertheless."""
    record = read_record(name)
    if record is not None:
        return record.title + (" (withdrawn)" if record.withdrawn else "")
    try:
        content = json.loads(read_manifest(find_folders(name)[0] / MANIFEST))
        return str(content["title"])[:LONGEST_TITLE]
    except (SomobenchError, LookupError, TypeError, ValueError, RecursionError):
        return "(unreadable manifest)"


def describe_release(release: Release) -> dict[str, Any]:
    """Return all of the manifest but the arrays, and where the release was found."""
    content = release.manifest.model_dump(mode="json")
    content["files"] = {
        name: {"size": record.size, "sha256": record.sha256}
        for name, record in release.manifest.files.items()
    }
    content["assets"] = {
        name: {
            "size": record.size,
            "sha256": record.sha256,
            "here": release.is_here(name),
        }
        for name, record in release.manifest.assets.items()
    }
    return content | {
        "manifest_sha256": release.manifest_sha256,
        "from": name_origin(release.id),
        "folder": None if release.folder is None else str(release.folder),
        "base_urls": [redact_url(url) for url in release.base_urls],
        "withdrawn": release.withdrawn,
    }


def describe_sections(release: Release) -> Iterator[tuple[str, list[str]]]:
    """Yield headings with their lines."""
    manifest = release.manifest
    start, end = manifest.period
    yield (
        f"{manifest.release}: {manifest.title}",
        [
            manifest.description,
            f"period {start} to {end}, grid {manifest.grid_resolution} degrees",
            f"licence {manifest.licence_spdx}",
            f"from {name_origin(release.id)}: "
            f"{release.folder or 'fetched into the cache when needed'}",
            f"manifest sha256 {release.manifest_sha256}",
            *([f"withdrawn: {release.withdrawn}"] if release.withdrawn else []),
        ],
    )
    carried = [
        f"{name}: {record.description}"
        for name, record in sorted(manifest.feature_sets.items())
    ]
    yield "feature sets", carried + _list_refused(manifest.feature_sets_refused)
    layers = [str(layer) for layer in manifest.layers]
    yield "layers", layers + _list_refused(manifest.layers_left_out, "layer ")
    splits = [
        _describe_audit(name, split) for name, split in sorted(manifest.splits.items())
    ]
    if SPATIAL in manifest.splits:
        splits.append(f"{POOLED}: all folds of {SPATIAL}, pooled, to be scored on")
    yield "splits", splits + _list_refused(manifest.splits_left_out)
    yield (
        "files",
        [
            f"{name}: {format_size(record.size)}"
            for name, record in sorted(manifest.files.items())
        ],
    )
    if manifest.assets:
        yield (
            "assets, on request",
            [
                f"{name}: {format_size(record.size)}, "
                f"{_describe_presence(release, name)}"
                for name, record in sorted(manifest.assets.items())
            ],
        )
    yield (
        "sources",
        [
            f"{source.title}: {source.note} ({source.licence})"
            for source in merge_sources(manifest.sources)
        ],
    )


def _describe_audit(name: str, split: SplitRecord) -> str:
    """Say of a split how its audit ended, if the manifest holds one."""
    findings, checks = (split.audit.get(key) for key in ("findings", "checks"))
    if not isinstance(findings, list):
        return name
    counted = f" of {len(checks)} checks" if isinstance(checks, list) else ""
    severities = [item.get("severity") for item in findings if isinstance(item, dict)]
    failures = severities.count("failure")
    return f"{name}: audit{counted}, {failures or 'no'} failure{'s' * (failures > 1)}"


def describe_assets(release: Release) -> str:
    """Say how the assets of a release come to this machine."""
    if release.base_urls:
        return f"`somobench fetch {release.id} --file NAME`"
    return (
        f"looked for in assets/{release.id}/ of the releases folder of a checkout and "
        "of those that SOMOBENCH_RELEASES names; `make release` puts "
        "them in a checkout that builds this release"
    )


def _describe_presence(release: Release, name: str) -> str:
    return "here" if release.is_here(name) else "not here"


def _list_refused(reasons: dict[str, str], kind: str = "") -> list[str]:
    return [f"no {kind}{name}: {reason}" for name, reason in sorted(reasons.items())]
