"""By which rules a release was built: those of the package that built it."""

from __future__ import annotations

from somobench.schemas.manifest import Manifest

FIRST_ALIKE = (2, 0)
"""Major and minor version from which train targets, scores and their notes are made by
the rules of today. What earlier releases derive isn't derived again."""


def has_rules_of_today(manifest: Manifest) -> bool:
    """Tell whether targets and scores of a release follow the rules of today."""
    numbers = manifest.package_version.split(".")[:2]
    return all(map(str.isdecimal, numbers)) and tuple(map(int, numbers)) >= FIRST_ALIKE
