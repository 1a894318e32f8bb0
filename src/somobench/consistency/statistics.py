"""Climatology and normalisation of every split, derived again from its train days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.split_view import view_split
from somobench.catalog.view import align_to_targets
from somobench.consistency.rules import has_rules_of_today
from somobench.folds.view import choose_options
from somobench.schemas.errors import Failure, SomobenchError
from somobench.schemas.manifest import Manifest
from somobench.schemas.variables import TRAIN
from somobench.statistics.derive import derive_statistics

NEEDED = {"targets", "forcing", "features"}
ROUNDING = 1e-5  # m3 m-3, of climatologies
DAMAGED = 1e-3  # m3 m-3: nearer than other rules come, and further than rounding
MOMENTS = 1e-6  # of a mean or deviation: sums run in another order elsewhere
LEAST_ALIKE = 0.5  # share of series in one split that shows whose rules they are
Wrong = dict[str, NDArray[np.float64]]


def find_other_statistics(
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[Failure]:
    """Compare the features of splits with what the rules of recipes' defaults give.

    Climatologies by other parameters, which a recipe may have, are left aside: they
    differ everywhere, and by more than damage does.
    """
    if NEEDED - set(grids) or {"splits", "cells"} - set(tables):
        return []
    if not has_rules_of_today(manifest):
        return []
    off: Wrong = {}
    failures: list[Failure] = []
    try:
        for split in sorted(manifest.splits):
            derived, given = _derive(split, manifest, tables, grids)
            off[split] = _measure_distance(derived, given)
            failures += _compare_moments(split, derived, given)
    except SomobenchError as error:
        return [Failure("features.zarr.zip", str(error), "what train days give")]
    alike = max((np.mean(it <= ROUNDING) for it in off.values() if it.size), default=0)
    largest = max((it.max() for it in off.values() if it.size), default=0.0)
    if alike >= LEAST_ALIKE or largest <= DAMAGED:
        failures += _judge_distance(off)
    return failures


def _derive(
    split: str,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> tuple[xr.Dataset, xr.Dataset]:
    view = view_split(
        split,
        targets=grids["targets"],
        features=grids["features"],
        splits=tables["splits"],
        cells=tables["cells"],
    )
    forcing = align_to_targets(grids["forcing"], view.targets, "forcing")
    train = view.has_role(TRAIN)
    options = choose_options(manifest, tables["cells"])
    derived = derive_statistics(view.targets, view.features, forcing, train, options)
    return derived, view.features


def _measure_distance(derived: xr.Dataset, given: xr.Dataset) -> NDArray[np.float64]:
    """Return the largest difference of every series that has a climatology."""
    dims = ("layer", "cell", "day_of_year")
    one, other = (
        grid["climatology"].transpose(*dims).to_numpy().astype("float64")
        for grid in (derived, given)
    )
    apart = np.abs(one - other)
    apart = np.where(np.isnan(one) & np.isnan(other), 0, apart)
    apart = np.where(np.isnan(apart), np.inf, apart).max(axis=-1)
    return np.asarray(apart[np.isfinite(one).any(axis=-1)])


def _judge_distance(off: Wrong) -> Iterator[Failure]:
    for split, apart in off.items():
        wrong = apart > ROUNDING
        if wrong.any():
            found = f"{int(wrong.sum())} series up to {apart.max():.4g} m3 m-3 off"
            where = f"features.zarr.zip climatology, split {split}"
            yield Failure(where, found, "that of train days, derived again")


def _compare_moments(
    split: str, derived: xr.Dataset, given: xr.Dataset
) -> Iterator[Failure]:
    for name in derived["variable"].to_numpy().astype(str):
        if name not in given["variable"].to_numpy():
            continue
        for kind in ("normalisation_mean", "normalisation_std"):
            found, expected = (
                float(grid[kind].sel(variable=name)) for grid in (given, derived)
            )
            if not np.isclose(found, expected, MOMENTS, MOMENTS**2, equal_nan=True):
                where = f"features.zarr.zip {kind} of {name}, split {split}"
                yield Failure(where, f"{found:.8g}", f"{expected:.8g} on train days")
