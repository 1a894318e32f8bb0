"""Files of a submission that is a folder or a zip: plain ones inside it, or refused."""

from __future__ import annotations

import json
import os
import stat
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any

from somobench.catalog.storage.zip_directory import (
    measure_directory,
    refuse_large_directory,
)
from somobench.submissions.limits import MAXIMUM_METADATA, refuse, refuse_size

DOCUMENTS = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")
ATTRIBUTES_ALONE, CONSOLIDATED = ".zattrs", ".zmetadata"
REPEATED = ("attributes", "consolidated_metadata")
MAXIMUM_AGAIN = 20 * MAXIMUM_METADATA  # bytes of documents that are there again
MAXIMUM_MEMBERS = 100_000
MAXIMUM_DIRECTORY = 32_000_000  # bytes of a zip's table of contents
_ENCRYPTED = 0x1


def list_folder_members(path: Path) -> dict[str, int]:
    """Return the sizes of a folder's files by name; refuse links and devices."""
    sizes: dict[str, int] = {}
    pending = [path]
    while pending:
        for entry in os.scandir(pending.pop()):
            here = Path(entry.path)
            name = here.relative_to(path).as_posix()
            mode = entry.stat(follow_symlinks=False).st_mode
            if stat.S_ISDIR(mode):
                pending.append(here)
            elif stat.S_ISREG(mode):
                sizes[name] = entry.stat(follow_symlinks=False).st_size
            else:
                raise refuse(f"member {name}", "a link or device", "a plain file")
            if len(sizes) + len(pending) > MAXIMUM_MEMBERS:
                raise refuse(path.name, "more members", f"at most {MAXIMUM_MEMBERS}")
    return sizes


def refuse_large_zip(path: Path) -> None:
    """Refuse a zip without an end, or whose directory alone would fill the memory."""
    with path.open("rb") as stream:
        if measure_directory(stream) is None:
            raise refuse(path.name, "no end of the zip", "a whole zip")
        refuse_large_directory(
            stream, path.name, members=MAXIMUM_MEMBERS, size=MAXIMUM_DIRECTORY
        )


def list_zip_members(archive: zipfile.ZipFile) -> dict[str, int]:
    """Return the sizes of a zip's members by name; refuse those that could do harm.

    A member that zarr's own store wrote again has the same bytes, or is metadata that
    differ in attributes alone: the last one counts, as it does for zarr.
    """
    sizes: dict[str, int] = {}
    first: dict[str, zipfile.ZipInfo] = {}
    _refuse_metadata_again(archive)
    for item in archive.infolist():
        name = item.filename
        parts = PurePosixPath(name).parts
        leads_out = name.startswith("/") or ".." in parts or "\\" in name
        if leads_out or ":" in name or item.orig_filename != name:
            raise refuse(f"member {name[:80]!r}", "a path", "a name inside the zip")
        kind = stat.S_IFMT(item.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise refuse(f"member {name}", "a link or device", "a plain file")
        if item.flag_bits & _ENCRYPTED:
            raise refuse(f"member {name}", "encryption", "a plain file")
        if item.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            found = f"zip method {item.compress_type}"
            raise refuse(f"member {name}", found, ("stored", "deflated"))
        if name in first and not _adds_attributes(archive, first[name], item):
            found = "it is there twice, and differs"
            raise refuse(f"member {name}", found, "each member once")
        first[name] = item
        if not name.endswith("/"):
            sizes[name] = item.file_size
    refuse_size(sum(sizes.values()), "members of the zip")
    return sizes


def _refuse_metadata_again(archive: zipfile.ZipFile) -> None:
    """Refuse more repeated metadata than would be quick to compare, unread."""
    seen: set[str] = set()
    again = 0
    for item in archive.infolist():
        if PurePosixPath(item.filename).name in DOCUMENTS:
            again += item.file_size if item.filename in seen else 0
            seen.add(item.filename)
    if again > MAXIMUM_AGAIN:
        found = f"metadata of {again} bytes that are there again"
        raise refuse("members of the zip", found, f"at most {MAXIMUM_AGAIN}")


def _adds_attributes(
    archive: zipfile.ZipFile, one: zipfile.ZipInfo, other: zipfile.ZipInfo
) -> bool:
    """Tell whether a member holds the same as the one before it, or attributes more.

    Zarr writes the document of an array first, and again with its attributes.
    """
    if (one.file_size, one.CRC) == (other.file_size, other.CRC):
        return True
    name = PurePosixPath(one.filename).name
    if name not in DOCUMENTS or max(one.file_size, other.file_size) > MAXIMUM_METADATA:
        return False
    before, after = (json.loads(archive.read(item)) for item in (one, other))
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    if name == CONSOLIDATED:
        return True
    if name == ATTRIBUTES_ALONE:
        return _keeps(before, after)
    parts = {key: value for key, value in before.items() if key not in REPEATED}
    same = {key: value for key, value in after.items() if key not in REPEATED}
    old, new = (document.get("attributes") or {} for document in (before, after))
    return parts == same and _keeps(old, new)


def _keeps(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether attributes that were there are there still, unchanged."""
    return all(name in after and after[name] == before[name] for name in before)
