"""Audit rows of a split against a release by name, or against data of one's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from somobench.catalog.registry import unknown
from somobench.catalog.release_files import ReleaseFiles, raise_file_errors
from somobench.catalog.resolve import Release, resolve
from somobench.schemas.errors import UsageError
from somobench.splits.audit import SplitAudit, audit_split
from somobench.splits.data import SplitData, list_sources, select_rows

CELLS, STATIONS, VALIDATION = "cells.parquet", "stations.parquet", "validation.json"


def audit_rows(
    rows: pd.DataFrame,
    release: str | SplitData,
    definition: Mapping[str, Any] | None = None,
) -> SplitAudit:
    """Look for leakage in rows of a split, your own or a published one.

    Parameters
    ----------
    rows : DataFrame
        cell_id, start, end (both inside, 00:00), role of one split; further columns
        are passed over.
    release : str or SplitData
        Full id, such as `virtual-1.0.0`, or what `open_split_data` returns, or data of
        your own.
    definition : mapping, optional
        What the split promises to keep apart, as `split_definition` returns it. Without
        it only what holds for every split is looked at.

    Returns
    -------
    SplitAudit
        The split can be used if `failures` is empty.

    Raises
    ------
    InputError
        If something isn't a table or lacks a column, or the definition no definition.
    ValidationError
        With all that is wrong in the rows, or in data of your own.
    UnknownNameError
        If there is no such release.
    UsageError
        If the release may not pass on where its stations are.
    """
    data = release if isinstance(release, SplitData) else open_split_data(release)
    return audit_split(rows, data, definition)


def open_split_data(release: str) -> SplitData:
    """Return what the splits of a release are made from, without forcing.

    Raises
    ------
    UnknownNameError
        If there is no such release.
    UsageError
        If the release may not pass on where its stations are.
    IntegrityError
        If a file isn't the published one.
    """
    found = resolve(release)
    manifest = found.manifest
    if STATIONS not in manifest.files:
        raise UsageError(
            f"sensors of release {found.id}",
            found=f"no {STATIONS}: its licence forbids passing it on",
            expected="where the stations behind targets are",
            hint="build the release on your machine and give a SplitData of your own",
        )
    files = ReleaseFiles(found, lazy=False)
    targets = files.targets(manifest.layers)
    names = targets["cell"].to_numpy().astype(str)
    series = targets["soil_moisture"].transpose("layer", "cell", "time")
    fills = targets["is_gapfilled"].transpose("layer", "cell", "time")
    cells = files.table(CELLS).set_index("cell_id", drop=False)
    return SplitData(
        cells=select_rows(cells, names, CELLS),
        days=pd.DatetimeIndex(targets["time"].to_numpy()),
        available=np.isfinite(series.to_numpy()),
        sources=list_sources(_read_target_report(found), files.table(STATIONS)),
        filled=fills.to_numpy() == 1,
        lags=max(lag for item in manifest.feature_sets.values() for lag in item.lags),
    )


def split_definition(release: str, split: str) -> dict[str, Any]:
    """Return how a split of a release was made: kind, parameters, thresholds, notes.

    Raises
    ------
    UnknownNameError
        If there is no such release or split; the reason, where a split was left out.
    """
    manifest = resolve(release).manifest
    if split not in manifest.splits:
        kind = f"split of release {release}"
        reason = manifest.splits_left_out.get(split)
        raise unknown(kind, split, sorted(manifest.splits), reason)
    return dict(manifest.splits[split].definition)


def _read_target_report(release: Release) -> Mapping[str, Any]:
    text = release.read_file(VALIDATION)
    with raise_file_errors(VALIDATION):
        content = json.loads(text)
        report: Mapping[str, Any] = content["stages"]["targets"]
    return report
