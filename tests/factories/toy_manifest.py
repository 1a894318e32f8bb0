"""The manifest of a release that holds a few files of no particular format."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from somobench.schemas.manifest import SCHEMA_VERSION

RELEASE = "toy-0.1.0"


def toy_manifest(files: Mapping[str, bytes], **changes: object) -> dict[str, Any]:
    """Return the manifest's content, with some fields changed."""
    return {
        "schema_version": SCHEMA_VERSION,
        "release": RELEASE,
        "title": "Toy",
        "description": "A few files.",
        "licence_spdx": "CC0-1.0",
        "redistributable": True,
        "predecessor": None,
        "period": ["2018-01-01", "2018-12-31"],
        "grid_resolution": 0.25,
        "layers": [1],
        "layers_left_out": {},
        "target_moments_from": {"1": "observations"},
        "feature_sets": {},
        "feature_sets_refused": {},
        "splits": {},
        "splits_left_out": {},
        "sources": [],
        "recipe_sha256": "0" * 64,
        "package_version": "0.1.0",
        "pipeline_sha256": "1" * 64,
        "files": {
            name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
    } | changes
