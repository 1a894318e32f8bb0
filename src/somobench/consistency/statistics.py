"""Climatology and normalisation of every split, derived again from its train days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.split_view import view_split
from somobench.catalog.view import align_to_targets
from somobench.consistency.rules import has_rules_of_today
from somobench.consistency.targets import REANALYSIS
from somobench.folds.view import choose_options
from somobench.schemas.errors import Failure, SomobenchError
from somobench.schemas.manifest import Manifest
from somobench.schemas.variables import TRAIN
from somobench.statistics.derive import derive_statistics

NEEDED = {"targets", "forcing", "features"}
ROUNDING = 1e-5  # m3 m-3, of climatologies
DAMAGED = 1e-3  # m3 m-3: nearer than other rules come, and further than rounding
MOMENTS = 1e-6  # of a mean or deviation: sums run in another order elsewhere
DELAYS = range(-30, 31)  # days
LEAST_BETTER = 0.25  # share of the squares on its own days that a delay leaves
LEAST_ALIKE = 0.5  # share of series in one split that shows whose rules they are
ALTERNATIVES: tuple[Mapping[str, float], ...] = (
    {"climatology_shrinkage_years": 3.0},
    {"climatology_minimum_days": 30},
    {"climatology_minimum_days": 400},
)
"""Parameters of a recipe that change climatologies in some splits alone."""
Wrong = dict[str, NDArray[np.float64]]


class Compared(NamedTuple):
    """What is otherwise, and whether climatologies were judged by their own rules."""

    failures: list[Failure]
    derived: bool


def compare_statistics(
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> Compared:
    """Compare the features of splits with what the rules of recipes' defaults give.

    Of climatologies by other parameters, which a recipe may have, only the days are
    judged: they differ everywhere, and by more than damage does.
    """
    if NEEDED - set(grids) or {"splits", "cells"} - set(tables):
        return Compared([], derived=False)
    if not has_rules_of_today(manifest):
        return Compared([], derived=False)
    if lacking := _list_lacking_references(manifest, grids["forcing"]):
        found = f"no {REANALYSIS} of layer {', '.join(lacking)}"
        expected = "what the targets are said to be scaled to"
        return Compared([Failure("forcing.zarr.zip", found, expected)], derived=True)
    off: Wrong = {}
    late: dict[str, int] = {}
    others: dict[str, int] = {}
    failures: list[Failure] = []
    try:
        for split in sorted(manifest.splits):
            derived, given = _derive(split, manifest, tables, grids)
            off[split] = _measure_distance(derived, given)
            others[split] = _count_other_sources(derived, given)
            late[split] = _measure_delay(derived, given)
            failures += _compare_moments(split, derived, given)
    except SomobenchError as error:
        failures = [Failure("features.zarr.zip", str(error), "what train days give")]
        return Compared(failures, derived=True)
    alike = max((np.mean(it <= ROUNDING) for it in off.values() if it.size), default=0)
    largest = max((it.max() for it in off.values() if it.size), default=0.0)
    by_defaults = bool(alike >= LEAST_ALIKE or largest <= DAMAGED)
    if by_defaults:
        for split in _list_untold(off, manifest, tables, grids):
            off.pop(split)
            others.pop(split)
        failures += _judge_distance(off)
        failures += [
            Failure(
                f"features.zarr.zip climatology_source, split {split}",
                f"another of {count} series",
                "that of the climatology, derived again",
            )
            for split, count in others.items()
            if count
        ]
    failures += [
        Failure(
            f"features.zarr.zip climatology, split {split}",
            f"{days} days late",
            "the season of train days, on its days",
        )
        for split, days in late.items()
        if days and not (by_defaults and split in off)
    ]
    return Compared(failures, derived=by_defaults)


def _list_untold(
    off: Wrong,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> list[str]:
    """Return splits whose rules may differ from what the others show.

    They are otherwise as a whole, and depend on a parameter of which the splits that
    are as derived say nothing: where no cell needs another, shrinkage has no effect.
    """
    known = {split: it for split, it in off.items() if it.size}
    unlike = [
        split
        for split, it in known.items()
        if np.mean(it <= ROUNDING) < LEAST_ALIKE and it.max() > DAMAGED
    ]
    alike = [split for split in known if split not in unlike]
    untold: set[str] = set()
    for changed in ALTERNATIVES if alike and unlike else ():
        depends = {
            split: _depends(split, manifest, tables, grids, changed) for split in known
        }
        if not any(depends[split] for split in alike):
            untold |= {split for split in unlike if depends[split]}
    return sorted(untold)


def _depends(
    split: str,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
    changed: Mapping[str, float],
) -> bool:
    """Tell whether other parameters give a split other climatologies."""
    usual, _ = _derive(split, manifest, tables, grids)
    other, _ = _derive(split, manifest, tables, grids, changed)
    return bool((_measure_distance(usual, other) > ROUNDING).any())


def _list_lacking_references(manifest: Manifest, forcing: xr.Dataset) -> list[str]:
    """Return layers whose targets have the moments of what isn't there."""
    moments = manifest.target_moments_from.items()
    needed = {layer for layer, source in moments if source == "reanalysis"}
    given: set[str] = set()
    if REANALYSIS in forcing:
        given = {str(it) for it in forcing[REANALYSIS]["layer"].to_numpy().tolist()}
    return sorted(needed - given)


def _derive(
    split: str,
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
    changed: Mapping[str, float] = MappingProxyType({}),
) -> tuple[xr.Dataset, xr.Dataset]:
    """Return what the defaults, with changed parameters, give; and what is given."""
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
    options = options._replace(params=options.params.model_copy(update=dict(changed)))
    derived = derive_statistics(view.targets, view.features, forcing, train, options)
    return derived, view.features


def _measure_distance(derived: xr.Dataset, given: xr.Dataset) -> NDArray[np.float64]:
    """Return the largest difference of every series that has a climatology."""
    one, other = _take_climatologies(derived, given)
    apart = np.abs(one - other)
    apart = np.where(np.isnan(one) & np.isnan(other), 0, apart)
    apart = np.where(np.isnan(apart), np.inf, apart).max(axis=-1)
    return np.asarray(apart[np.isfinite(one).any(axis=-1)])


def _take_climatologies(*features: xr.Dataset) -> Iterator[NDArray[np.float64]]:
    """Give climatologies (layer, cell, day_of_year)."""
    for grid in features:
        ordered = grid["climatology"].transpose("layer", "cell", "day_of_year")
        yield ordered.to_numpy().astype("float64")


def _count_other_sources(derived: xr.Dataset, given: xr.Dataset) -> int:
    one, other = (
        grid["climatology_source"].transpose("layer", "cell").to_numpy()
        for grid in (derived, given)
    )
    return int((one != other).sum())


def _measure_delay(derived: xr.Dataset, given: xr.Dataset) -> int:
    """Return by how many days a climatology follows that of the same train days.

    Other parameters give other shapes, and the same days of the year.
    """
    one, other = _take_climatologies(derived, given)
    known = np.isfinite(one).all(axis=-1) & np.isfinite(other).all(axis=-1)
    shapes = [it[known] - it[known].mean(axis=-1, keepdims=True) for it in (one, other)]
    if not known.any():
        return 0
    rest = [
        float(((np.roll(shapes[0], lag, -1) - shapes[1]) ** 2).sum()) for lag in DELAYS
    ]
    best = int(np.argmin(rest))
    return DELAYS[best] if rest[best] < LEAST_BETTER * rest[DELAYS.index(0)] else 0


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
