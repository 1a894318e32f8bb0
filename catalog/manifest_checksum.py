"""The checksum beside the manifest of a release, for releases that no catalog pins.

Publishing writes it. A folder without one is believed, as releases before had none.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from somobench.catalog.fetching.cache import make_read_error
from somobench.catalog.registry import MANIFEST
from somobench.schemas.errors import IntegrityError

CHECKSUM = f"{MANIFEST}.sha256"


def format_checksum(manifest: bytes) -> bytes:
    """Return what the checksum file holds: a line that `sha256sum --check` reads."""
    return f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()


def refuse_other_manifest(manifest: bytes, folder: Path) -> None:
    """Refuse a manifest that isn't the one that was published in its folder.

    Raises
    ------
    IntegrityError
        If the checksum beside it is another one, or none.
    InputError
        If the system can't read the checksum.
    """
    path, line = folder / CHECKSUM, format_checksum(manifest)
    if not os.path.lexists(path):
        return
    try:
        is_line = path.is_file() and path.stat().st_size == len(line)
        pinned = path.read_bytes() if is_line else b""
    except OSError as error:
        raise make_read_error(path, error) from error
    if pinned != line:
        known = re.match(rb"[0-9a-f]{64}", pinned)
        raise IntegrityError(
            f"manifest in {folder}",
            found=f"sha256 {line.split()[0].decode()}",
            expected=f"{known[0].decode() if known else 'one line'}, in {CHECKSUM}",
            hint="restore both files, or remove the folder and build the release again",
        )
