"""The ladder's rungs, trained once for each fold, and what they predict together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

import xarray as xr

from somobench.catalog.resolve import Release, resolve
from somobench.folds.names import POOLED
from somobench.folds.view import Folds, read_folds
from somobench.ladder.climb import climb, join_predictions
from somobench.ladder.fit import NotAvailable
from somobench.ladder.problem import Problem, build_problem
from somobench.ladder.release import LATENT_HEAT
from somobench.ladder.rungs import RUNGS
from somobench.parallel import map_items
from somobench.schemas.baseline_params import BaselineParams
from somobench.schemas.errors import UsageError
from somobench.schemas.grids import PREDICTIONS
from somobench.schemas.submission_names import PREDICTION
from somobench.schemas.validate import validate_grid
from somobench.schemas.variables import TEST


class Opened(NamedTuple):
    """A release and its folds."""

    release: Release
    folds: Folds


class FoldRungs(NamedTuple):
    """What rungs predict of one fold, and why others don't, by name.

    `tested` are the layers that have a target on a test day.
    """

    grid: xr.Dataset
    refused: Mapping[str, str]
    tested: frozenset[int] = frozenset()


def open_folds(release: str) -> Opened:
    """Resolve a release and read its folds; errors as of `read_folds`."""
    found = resolve(release)
    return Opened(found, read_folds(found))


def build_fold_problem(opened: Opened, fold: int) -> Problem:
    """Return a fold as a model meets it, by recipes' default parameters."""
    manifest = opened.release.manifest
    return build_problem(
        opened.folds.view(fold),
        forcing=opened.folds.forcing,
        feature_sets=manifest.feature_sets,
        refused=manifest.feature_sets_refused,
        latent_heat=LATENT_HEAT,
        params=BaselineParams(),
    )


def climb_fold(opened: Opened, fold: int) -> FoldRungs:
    """Train every rung on a fold's train cells and predict its test cells."""
    problem = build_fold_problem(opened, fold)
    outcomes = climb(problem)
    refused = {
        name: outcome.reason
        for name, outcome in outcomes.items()
        if isinstance(outcome, NotAvailable)
    }
    targets = opened.folds.published.targets
    grid = join_predictions(outcomes, problem, targets)
    tested = targets["soil_moisture_in_situ"].where(opened.folds.roles(fold) == TEST)
    return FoldRungs(grid, refused, _list_layers(tested))


def _list_layers(values: xr.DataArray) -> frozenset[int]:
    """Return the layers that have a value."""
    there = values.notnull().any([dim for dim in values.dims if dim != "layer"])
    return frozenset(values["layer"].to_numpy()[there.to_numpy()].tolist())


def predict_folds(release: str, *, processes: int = 1) -> FoldRungs:
    """Train the ladder once for each fold, and join what each predicts of its own.

    The result doesn't depend on the number of processes.

    Parameters
    ----------
    release : str
        Full id.
    processes : int

    Returns
    -------
    FoldRungs
        Grid of schema PREDICTIONS for split `spatial_folds`: rungs that every fold
        has, on all its test cells, in the order of the release.

    Raises
    ------
    UsageError
        If no rung is there in every fold; otherwise as of `read_folds`.
    """
    opened = open_folds(release)
    parts = map_items(
        climb_fold,
        range(opened.folds.count),
        (lambda: opened) if processes <= 1 else partial(open_folds, release),
        processes,
    )
    joined = join_folds(parts, release)
    order = opened.folds.published.targets["cell"].to_numpy()
    kept = [cell for cell in order if cell in set(joined.grid["cell"].to_numpy())]
    grid = joined.grid.sel(cell=kept)
    validate_grid(grid, PREDICTIONS, f"predictions of split {POOLED}")
    return joined._replace(grid=grid)


def join_folds(parts: Sequence[FoldRungs], release: str) -> FoldRungs:
    """Join what rungs predict of the folds; each cell is in one of them.

    A rung that lacks in a fold, or lacks a layer there which it has in another one, is
    left out of all, for it would be scored on other cells than the rest.
    """
    refused: dict[str, str] = {}
    for fold, part in enumerate(parts):
        for name, reason in part.refused.items():
            refused.setdefault(name, f"fold {fold}: {reason}")
    found = [set(part.grid["rung"].to_numpy().tolist()) for part in parts]
    whole = [name for name in RUNGS if name in set.intersection(*found)]
    partly = _find_partial_rungs(parts, whole)
    refused |= partly
    kept = [name for name in whole if name not in partly]
    if not kept:
        raise UsageError(
            f"ladder of release {release}, split {POOLED}",
            found="; ".join(f"{name}: {why}" for name, why in refused.items())[:300],
            expected="a rung that every fold can train",
        )
    grids = [part.grid.sel(rung=kept) for part in parts]
    marks = grids[0]["needs_observations"]
    joined = xr.concat(
        [grid.drop_vars("needs_observations") for grid in grids],
        dim="cell",
        coords="different",
        compat="equals",
        join="exact",
    )
    joined["needs_observations"] = marks
    tested = frozenset[int]().union(*(part.tested for part in parts))
    return FoldRungs(joined.assign_attrs(split=POOLED), refused, tested)


def _find_partial_rungs(
    parts: Sequence[FoldRungs], names: Sequence[str]
) -> dict[str, str]:
    """Return the rungs that lack a tested layer in some folds alone, and which."""
    found: dict[str, str] = {}
    for name in names:
        chosen = [part.grid[PREDICTION].sel(rung=name) for part in parts]
        layers = [_list_layers(values) for values in chosen]
        known = frozenset[int]().union(*layers)
        for fold, part in enumerate(parts):
            for layer in sorted((part.tested & known) - layers[fold]):
                reason = f"fold {fold}: no prediction of layer {layer}"
                found.setdefault(name, reason)
    return found
