"""The audit of every fold, and what the fold asks."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd

from somobench.catalog.resolve import Release
from somobench.folds.names import POOLED, SPATIAL
from somobench.folds.view import Folds
from somobench.schemas.errors import Failure, UsageError, ValidationError
from somobench.schemas.variables import TEST, TRAIN
from somobench.splits.audit import audit_split
from somobench.splits.data import role_masks
from somobench.splits.measures import measure_distances
from somobench.splits.release import open_split_data


class FoldAudit(NamedTuple):
    """A fold: its cells, how near train cells lie, and what its audit reports.

    `findings` is None where the release may not pass on where its stations are, so
    that nothing but distances can be measured.
    """

    fold: int
    test_cells: int
    train_cells: int
    nearest_km: float | None
    findings: tuple[str, ...] | None


def audit_folds(folds: Folds, release: Release) -> tuple[FoldAudit, ...]:
    """Audit every fold as its release would; a failure refuses them all.

    Raises
    ------
    ValidationError
        With every failure of every fold.
    """
    found = _find_findings(folds, release)
    return tuple(
        _describe_fold(folds, fold, None if found is None else found[fold])
        for fold in range(folds.count)
    )


def _find_findings(folds: Folds, release: Release) -> list[tuple[str, ...]] | None:
    try:
        data = open_split_data(release.id)
    except UsageError:
        return None
    definition: dict[str, Any] = release.manifest.splits[SPATIAL].definition
    audits = [
        audit_split(
            rows,
            data,
            definition | {"parameters": definition["parameters"] | {"fold": fold}},
        )
        for fold, rows in enumerate(folds.rows)
    ]
    failures = [
        Failure(f"fold {fold}", f"{item.number} {item.check}: {item.found}", "none")
        for fold, audit in enumerate(audits)
        for item in audit.failures
    ]
    if failures:
        raise ValidationError(f"split {POOLED}", failures)
    return [tuple(item.found for item in audit.findings) for audit in audits]


def _describe_fold(
    folds: Folds, fold: int, findings: tuple[str, ...] | None
) -> FoldAudit:
    targets = folds.published.targets
    cells = folds.published.cells.reset_index()
    days = pd.DatetimeIndex(targets["time"].to_numpy())
    masks = role_masks(folds.rows[fold], targets["cell"].to_numpy(), days[:1])
    apart = measure_distances(cells, masks, "train", "test")
    role = folds.roles(fold).isel(time=0)
    return FoldAudit(
        fold,
        int((role == TEST).sum()),
        int((role == TRAIN).sum()),
        None if apart is None else apart["nearest"],
        findings,
    )
