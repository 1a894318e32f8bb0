"""An object to download, and what the cache holds of it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from somobench.catalog.fetching.cache import cache_folder
from somobench.catalog.fetching.fetch import RemoteObject

CONTENT = bytes(range(256)) * 400
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FLIPPED = CONTENT[:1000] + b"\xff" + CONTENT[1001:]


def wanted(*bases: str) -> RemoteObject:
    return RemoteObject(
        name="object.bin",
        sha256=SHA256,
        size=len(CONTENT),
        urls=tuple(f"{base}/object.bin" for base in bases),
    )


def cached_files() -> list[Path]:
    objects = cache_folder() / "sha256"
    return [path for path in objects.rglob("*") if path.is_file()]
