"""Climatology and normalisation of every split, derived again from its train days."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.split_view import SplitView, view_split
from somobench.catalog.view import align_to_targets
from somobench.consistency.feature_rules import (
    ROUNDING,
    infer_params,
    take_climatology,
)
from somobench.consistency.rules import has_rules_of_today
from somobench.consistency.targets import REANALYSIS
from somobench.folds.view import choose_options
from somobench.schemas.errors import Failure, SomobenchError
from somobench.schemas.manifest import Manifest
from somobench.schemas.recipe import FeatureParams
from somobench.schemas.variables import TRAIN
from somobench.statistics.derive import derive_statistics

NEEDED = {"targets", "forcing", "features"}
DAMAGED = 1e-3  # m3 m-3: nearer than other rules come, and further than rounding
MOMENTS = 1e-6  # of a mean or deviation: sums run in another order elsewhere
DELAYS = range(-30, 31)  # days
LEAST_BETTER = 0.25  # share of the squares on its own days that a delay leaves
FEWEST_SERIES = 10  # whose climatologies together follow late
LEAST_ALIKE = 0.5  # share of series in one split that shows whose rules they are
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
    """Compare the features of splits with what train days give.

    By the defaults of recipes, or by parameters that the climatologies show. Where
    neither gives most of them, as with another window, only their days are judged.
    """
    if NEEDED - set(grids) or {"splits", "cells"} - set(tables):
        return Compared([], derived=False)
    if not has_rules_of_today(manifest):
        return Compared([], derived=False)
    if lacking := _list_lacking_references(manifest, grids["forcing"]):
        found = f"no {REANALYSIS} of layer {', '.join(lacking)}"
        expected = "what the targets are said to be scaled to"
        return Compared([Failure("forcing.zarr.zip", found, expected)], derived=True)
    try:
        pairs = _derive_all(manifest, tables, grids)
        failures = [
            it for split, pair in pairs.items() for it in _compare_moments(split, *pair)
        ]
    except SomobenchError as error:
        failures = [Failure("features.zarr.zip", str(error), "what train days give")]
        return Compared(failures, derived=True)
    off = {split: _measure_distance(*pair) for split, pair in pairs.items()}
    alike = max((np.mean(it <= ROUNDING) for it in off.values() if it.size), default=0)
    largest = max((it.max() for it in off.values() if it.size), default=0.0)
    by_defaults = bool(alike >= LEAST_ALIKE or largest <= DAMAGED)
    if by_defaults:
        failures += _judge_distance(off)
        failures += [
            Failure(
                f"features.zarr.zip climatology_source, split {split}",
                f"another of {count} series",
                "that of the climatology, derived again",
            )
            for split, pair in pairs.items()
            if (count := _count_other_sources(*pair))
        ]
        return Compared(failures, derived=True)
    failures += [
        Failure(
            f"features.zarr.zip climatology, split {split}",
            f"{days} days late",
            "the season of train days, on its days",
        )
        for split, pair in pairs.items()
        if (days := _measure_delay(*pair))
    ]
    return Compared(failures, derived=False)


def _list_lacking_references(manifest: Manifest, forcing: xr.Dataset) -> list[str]:
    """Return layers whose targets have the moments of what isn't there."""
    moments = manifest.target_moments_from.items()
    needed = {layer for layer, source in moments if source == "reanalysis"}
    given: set[str] = set()
    if REANALYSIS in forcing:
        given = {str(it) for it in forcing[REANALYSIS]["layer"].to_numpy().tolist()}
    return sorted(needed - given)


def _derive_all(
    manifest: Manifest,
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
) -> dict[str, tuple[xr.Dataset, xr.Dataset]]:
    """Return, by split, what the rules give, and what is given.

    Rules are the defaults of recipes, and where something is otherwise those that the
    release shows.
    """
    usual = choose_options(manifest, tables["cells"])

    def derive(view: SplitView, params: FeatureParams) -> xr.Dataset:
        forcing = align_to_targets(grids["forcing"], view.targets, "forcing")
        options = usual._replace(params=params)
        train = view.has_role(TRAIN)
        return derive_statistics(view.targets, view.features, forcing, train, options)

    views = {
        split: view_split(
            split,
            targets=grids["targets"],
            features=grids["features"],
            splits=tables["splits"],
            cells=tables["cells"],
        )
        for split in sorted(manifest.splits)
    }
    params = usual.params
    found = {split: derive(view, params) for split, view in views.items()}
    if any(
        (_measure_distance(found[split], view.features) > ROUNDING).any()
        for split, view in views.items()
    ):
        params = infer_params(list(views.values()), derive, params)
    if params != usual.params:
        found = {split: derive(view, params) for split, view in views.items()}
    return {split: (found[split], view.features) for split, view in views.items()}


def _measure_distance(derived: xr.Dataset, given: xr.Dataset) -> NDArray[np.float64]:
    """Return the largest difference of every series that has a climatology."""
    one, other = take_climatology(derived), take_climatology(given)
    apart = np.abs(one - other)
    apart = np.where(np.isnan(one) & np.isnan(other), 0, apart)
    apart = np.where(np.isnan(apart), np.inf, apart).max(axis=-1)
    return np.asarray(apart[np.isfinite(one).any(axis=-1)])


def _count_other_sources(derived: xr.Dataset, given: xr.Dataset) -> int:
    one, other = (
        grid["climatology_source"].transpose("layer", "cell").to_numpy()
        for grid in (derived, given)
    )
    return int((one != other).sum())


def _measure_delay(derived: xr.Dataset, given: xr.Dataset) -> int:
    """Return by how many days a climatology follows that of the same train days.

    Other parameters give other shapes, and the same days of the year; of few series
    in short records they may draw all to the season of others.
    """
    one, other = take_climatology(derived), take_climatology(given)
    known = np.isfinite(one).all(axis=-1) & np.isfinite(other).all(axis=-1)
    shapes = [it[known] - it[known].mean(axis=-1, keepdims=True) for it in (one, other)]
    if known.sum() < FEWEST_SERIES:
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
