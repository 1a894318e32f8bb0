"""The record of raw inputs that a stage finds beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path


def record(path: Path, **changes: object) -> dict[str, object]:
    """Return what the raw stage records of an archive beside it."""
    content = path.read_bytes()
    return {
        "role": "stations",
        "source": "ismn",
        "name": "test stations",
        "path": path.name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "generated": True,
        "producer": "test",
        "version_producer": None,
        "licence": "CC0-1.0",
        "citation": "test",
        "url": None,
        "doi": None,
        "date_accessed": None,
    } | changes


def write_inputs(folder: Path, records: Sequence[Mapping[str, object]]) -> Path:
    path = folder / "inputs.json"
    path.write_text(json.dumps(records), encoding="utf-8")
    return path
