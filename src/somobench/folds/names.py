"""The pooled split's name, and what a release has to carry for it."""

from __future__ import annotations

from somobench.catalog.request import DatasetRequest
from somobench.schemas.manifest import Manifest

SPATIAL = "spatial"
POOLED = "spatial_folds"
"""All folds of `SPATIAL`, each cell predicted by a model that didn't see its fold."""


FOLD = "fold"
"""Pool of the cells that one model predicted; column of the pooled split's cells."""


def name_base(split: str) -> str:
    """Return the split of a release that a split is derived from, or itself."""
    return SPATIAL if split == POOLED else split


def list_scored(splits: list[str]) -> list[str]:
    """Return splits of a release, and what is scored beside them."""
    return [*splits, POOLED] if SPATIAL in splits else splits


def check_split(manifest: Manifest, split: str) -> None:
    """Refuse a split that predictions can't be scored on.

    Raises
    ------
    UnknownNameError
        With the reason, where the release leaves it out.
    """
    request = DatasetRequest(
        feature_set="climatology", scaling="train", split=name_base(split)
    )
    request.check_against(manifest)


def name_folds(count: int) -> list[str]:
    """Return the names by which rows of all folds are hashed."""
    return [f"{SPATIAL}_{fold}" for fold in range(count)]
