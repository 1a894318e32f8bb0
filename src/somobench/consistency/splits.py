"""Splits audited again, with the targets and stations of their release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.schemas.errors import Failure, SomobenchError
from somobench.schemas.manifest import Manifest
from somobench.splits.audit import audit_split
from somobench.splits.data import SplitData, list_sources, select_rows

COUNTED = (
    *("cells", "cell_days", "cells_in_train_and_test", "days_in_two_roles"),
    *("empty_roles", "target_days_by_layer"),
)
"""What every audit has measured alike since the first release."""


def find_other_audits(
    manifest: Manifest,
    reports: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Audit every split again; return leakage, and counts other than the published."""
    if {"splits", "cells", "stations"} - set(tables) or "targets" not in grids:
        return []
    if "targets" not in reports:
        return []
    rows, failures = tables["splits"], []
    named = set(rows["split"].astype(str))
    if named != set(manifest.splits):
        expected = f"those of splits.parquet, {sorted(named)}"
        found = str(sorted(manifest.splits))
        failures.append(Failure("MANIFEST.json splits", found, expected))
    try:
        data = _collect_data(manifest, reports["targets"], tables, grids["targets"])
        for name in sorted(named & set(manifest.splits)):
            chosen = rows[rows["split"] == name]
            failures += _compare_audit(manifest, name, chosen, data)
    except SomobenchError as error:
        failures.append(Failure(str(error.what), str(error.found), str(error.expected)))
    return failures


def _collect_data(
    manifest: Manifest,
    report: Mapping[str, Any],
    tables: Mapping[str, pd.DataFrame],
    targets: xr.Dataset,
) -> SplitData:
    names = targets["cell"].to_numpy().astype(str)
    series = targets[["soil_moisture", "is_gapfilled"]].transpose("layer", "cell", ...)
    cells = tables["cells"].set_index("cell_id", drop=False)
    return SplitData(
        cells=select_rows(cells, names, "cells.parquet"),
        days=pd.DatetimeIndex(targets["time"].to_numpy()),
        available=np.isfinite(series["soil_moisture"].to_numpy()),
        sources=list_sources(report, tables["stations"]),
        filled=series["is_gapfilled"].to_numpy() == 1,
        lags=max(
            (lag for item in manifest.feature_sets.values() for lag in item.lags),
            default=0,
        ),
    )


def _compare_audit(
    manifest: Manifest, name: str, rows: pd.DataFrame, data: SplitData
) -> Iterator[Failure]:
    record = manifest.splits[name]
    audit = audit_split(rows, data, record.definition)
    for finding in audit.failures:
        where = f"splits.parquet {name}, {finding.check}"
        yield Failure(where, finding.found, "no leakage from train to test")
    measured = audit.content()
    for what in COUNTED:
        published = record.audit.get(what, measured[what])
        if measured[what] != published:
            where = f"splits.parquet {name}, {what}"
            yield Failure(where, str(measured[what]), f"{published}, as audited")
