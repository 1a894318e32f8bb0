"""What changed between two releases: cells, days, schema, splits and scores.

Manifests tell what is there and which arrays have other values; how many days changed
and by how much is read from the files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.release_files import TARGETS, raise_file_errors
from somobench.catalog.resolve import Release
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.view import view_roles
from somobench.schemas.errors import UnknownNameError
from somobench.schemas.manifest import ArrayRecord, Manifest
from somobench.schemas.scores import ALL_LAYERS

CELLS, SPLITS, SCORES = "cells.parquet", "splits.parquet", "scores.parquet"
SERIES = ("soil_moisture", "soil_moisture_in_situ")
FACTS = (
    "schema_version",
    "period",
    "grid_resolution",
    "layers",
    "licence_spdx",
    "redistributable",
    "target_moments_from",
)
"""Fields of a manifest that are compared as they are."""

Content = dict[str, Any]


def compare_releases(
    first: Release, second: Release, metrics: Collection[str] | None = None
) -> Content:
    """Say what the second release has that the first hasn't, and the other way round.

    Parameters
    ----------
    first, second : Release
    metrics : collection of str, optional
        Of scores; by default those that lead (correlations and anomaly measures), and
        whatever lies beyond its interval.

    Returns
    -------
    dict
        Fit for JSON. `facts` that differ, `schema` of files and arrays, `cells`,
        `days` by layer and variable, `feature_sets`, `splits`, and `scores`: of every
        rung on every split, over all layers, with `beyond_interval` where the second
        value lies outside the first one's 90 % interval. Soil moisture in m3 m-3.

    Raises
    ------
    UnknownNameError
        If neither release has a metric of `metrics`.
    SomobenchError
        If a file of a release isn't here and can't be fetched, or is damaged.
    """
    manifests = first.manifest, second.manifest
    return {
        "first": first.id,
        "second": second.id,
        "facts": _compare_facts(*manifests),
        "schema": _compare_schema(*manifests),
        "cells": _compare_cells(first, second),
        "days": _compare_days(first, second),
        "feature_sets": _compare_records(
            first.manifest.feature_sets, second.manifest.feature_sets
        ),
        "splits": _compare_splits(first, second),
        "scores": _compare_scores(first, second, metrics),
    }


def _compare_facts(first: Manifest, second: Manifest) -> Content:
    one, two = (
        manifest.model_dump(mode="json", include=set(FACTS))
        for manifest in (first, second)
    )
    return {
        name: {"first": one[name], "second": two[name]}
        for name in FACTS
        if one[name] != two[name]
    }


def _compare_names(first: Iterable[str], second: Iterable[str]) -> Content:
    """Return names that came and went."""
    one, two = set(first), set(second)
    return {"added": sorted(two - one), "dropped": sorted(one - two)}


def _compare_records(first: Mapping[str, Any], second: Mapping[str, Any]) -> Content:
    """Return names that came and went, and those whose record is another one."""
    common = sorted(set(first) & set(second))
    changed = [name for name in common if first[name] != second[name]]
    return _compare_names(first, second) | {"changed": changed}


def _compare_schema(first: Manifest, second: Manifest) -> Content:
    """Compare files and arrays; an array's dtype, dims and units are its schema."""
    one, two = _list_arrays(first), _list_arrays(second)
    common = sorted(set(one) & set(two))
    redefined = [
        name
        for name in common
        if _describe_array(one[name]) != _describe_array(two[name])
    ]
    other = [name for name in common if one[name].sha256 != two[name].sha256]
    return {
        "files": _compare_names(first.files, second.files),
        "arrays": _compare_names(one, two),
        "redefined": {
            name: {
                "first": _describe_array(one[name]),
                "second": _describe_array(two[name]),
            }
            for name in redefined
        },
        "other_values": other,
        "same_values": len(common) - len(other),
    }


def _list_arrays(manifest: Manifest) -> dict[str, ArrayRecord]:
    return {
        f"{file}/{name}": array
        for file, record in manifest.files.items()
        for name, array in record.arrays.items()
    }


def _describe_array(array: ArrayRecord) -> Content:
    return {"dtype": array.dtype, "dims": list(array.dims), "units": array.units}


def _read_table(release: Release, name: str) -> pd.DataFrame | None:
    if name not in release.manifest.files:
        return None
    path = release.get_path(name)
    with raise_file_errors(path):
        return pd.read_parquet(path)


def _read_targets(release: Release) -> xr.Dataset:
    path = release.get_path(TARGETS)
    with raise_file_errors(path), open_zarr_zip(path) as grid:
        return grid[list(SERIES)].load()


def _compare_cells(first: Release, second: Release) -> Content:
    """Compare cells by id, and the columns of those that both have."""
    one, two = (_read_table(release, CELLS) for release in (first, second))
    if one is None or two is None:
        return {}
    one, two = one.set_index("cell_id"), two.set_index("cell_id")
    common = one.index.intersection(two.index)
    changed = {
        name: count
        for name in one.columns.intersection(two.columns)
        if (count := _count_unequal(one.loc[common, name], two.loc[common, name]))
    }
    return _compare_names(one.index, two.index) | {
        "common": len(common),
        "columns": _compare_names(one.columns, two.columns),
        "changed": changed,
    }


def _count_unequal(one: pd.Series, two: pd.Series) -> int:
    return int((~((one == two) | (one.isna() & two.isna()))).sum())


def _compare_days(first: Release, second: Release) -> Content:
    """Count values that came, went and changed, by layer and variable."""
    one, two = xr.align(_read_targets(first), _read_targets(second), join="outer")
    return {
        str(layer): {
            name: _compare_arrays(
                one[name].sel(layer=layer).transpose("cell", "time").to_numpy(),
                two[name].sel(layer=layer).transpose("cell", "time").to_numpy(),
            )
            for name in SERIES
        }
        for layer in one["layer"].to_numpy().tolist()
    }


def _compare_arrays(one: np.ndarray[Any, Any], two: np.ndarray[Any, Any]) -> Content:
    """Compare two arrays on (cell, time)."""
    had, has = np.isfinite(one), np.isfinite(two)
    both = had & has
    differences = np.abs(two.astype("float64") - one)[both]
    changed = both & (one != two)
    return {
        "added": int((has & ~had).sum()),
        "dropped": int((had & ~has).sum()),
        "common": int(both.sum()),
        "changed": int(changed.sum()),
        "cells_changed": int(changed.any(axis=1).sum()),
        "largest_change": round(float(differences.max(initial=0.0)), 9),
    }


def _compare_splits(first: Release, second: Release) -> Content:
    """Compare splits by the hash of their rows, and count days of another role."""
    one, two = first.manifest.splits, second.manifest.splits
    common = sorted(set(one) & set(two))
    changed = [name for name in common if one[name].sha256 != two[name].sha256]
    roles = _compare_roles(first, second, changed) if changed else {}
    return _compare_names(one, two) | {
        "changed": roles,
        "same": sorted(set(common) - {*changed}),
    }


def _compare_roles(first: Release, second: Release, names: Iterable[str]) -> Content:
    grids = xr.align(_read_targets(first), _read_targets(second), join="outer")
    rows = [_read_table(release, SPLITS) for release in (first, second)]
    found: Content = {}
    for name in names:
        one, two = (
            view_roles(table, grid, name).to_numpy()
            for table, grid in zip(rows, grids, strict=True)
            if table is not None
        )
        found[name] = {"cell_days_of_another_role": int((one != two).sum())}
    return found


def _compare_scores(
    first: Release, second: Release, metrics: Collection[str] | None
) -> list[Content]:
    """Compare scores: by default of the leading metrics, and all that moved far."""
    from somobench.metrics.registry import METRICS
    from somobench.scoring.models import LEADING

    one, two = (_read_scores(release) for release in (first, second))
    two.columns = [f"{name}_second" for name in two.columns]
    joined = one.join(two, how="outer")
    known = sorted(set(joined.index.get_level_values("metric")))
    unknown = sorted(set(metrics or ()) - {*known, *METRICS})
    if unknown:
        raise UnknownNameError("metric", found=unknown[0], expected=", ".join(known))
    shifts = [_shift(*row) for row in joined.itertuples(name=None)]
    wanted = LEADING if metrics is None else metrics
    moved = metrics is None
    return [
        item
        for item in shifts
        if item["metric"] in wanted or (moved and item["beyond_interval"])
    ]


def _read_scores(release: Release) -> pd.DataFrame:
    """Return value, low and high by split, rung and metric, over all layers."""
    keys, columns = ["split", "model", "metric"], ["value", "low", "high"]
    table = _read_table(release, SCORES)
    if table is None:
        return pd.DataFrame(columns=[*keys, *columns]).set_index(keys)
    rows = table[
        (table["layer"] == ALL_LAYERS)
        & (table["pool_kind"] == "plain")
        & (table["against"] == "")
    ]
    return rows.astype(dict.fromkeys(keys, "object")).set_index(keys)[columns]


def _shift(key: tuple[str, str, str], *numbers: float) -> Content:
    value, low, high, other = (
        None if pd.isna(number) else float(number) for number in numbers[:4]
    )
    shift = None if value is None or other is None else round(other - value, 6)
    beyond = None
    if other is not None and low is not None and high is not None:
        beyond = not low <= other <= high
    return {
        "split": key[0],
        "rung": key[1],
        "metric": key[2],
        "first": value,
        "interval": [low, high],
        "second": other,
        "shift": shift,
        "beyond_interval": beyond,
    }
