"""Parameters of a recipe's climatologies, as the climatologies themselves show them.

A release doesn't say how many train days a climatology of its own took, nor how far
short records were drawn to their neighbours' shape. Sources of climatologies bound the
one, and how near each series lies to its own shape gives the other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.split_view import SplitView
from somobench.schemas.recipe import FeatureParams
from somobench.schemas.variables import TRAIN
from somobench.statistics.climatology import DAYS_A_YEAR, OWN
from somobench.statistics.derive import take_train_values

ROUNDING = 1e-5  # m3 m-3, of climatologies
UNDRAWN, DRAWN = 0.0, 1e12  # years of shrinkage: own shape alone, neighbours' alone
APART = 1e-3  # m3 m-3 between both, from which a weight can be told
LEAST_WEIGHT = 0.05
DECIMALS = 2  # of years of shrinkage
Derive = Callable[[SplitView, FeatureParams], xr.Dataset]
Floats = NDArray[np.float64]


class Counted(NamedTuple):
    """Train days of every layer and cell with a target, and where it has its own."""

    view: SplitView
    days: Floats
    own: NDArray[np.bool_]
    known: NDArray[np.bool_]


def infer_params(
    views: Sequence[SplitView], derive: Derive, usual: FeatureParams
) -> FeatureParams:
    """Return parameters by which a release derives climatologies, as far as it shows.

    Parameters
    ----------
    views : splits of the release
    derive : callable
        Gives the features of a split by parameters.
    usual : FeatureParams
        Where nothing tells of others.
    """
    counted = [_count_days(view) for view in views]
    least = _infer_least_days(counted, usual.climatology_minimum_days)
    params = usual.model_copy(update={"climatology_minimum_days": least})
    years = [it for each in counted for it in _list_shrinkages(each, derive, params)]
    if not years:
        return params
    found = round(float(np.median(years)), DECIMALS)
    if abs(found - usual.climatology_shrinkage_years) <= 2 * 10**-DECIMALS:
        return params
    return params.model_copy(update={"climatology_shrinkage_years": found})


def _count_days(view: SplitView) -> Counted:
    train = view.has_role(TRAIN)
    days = [
        np.isfinite(take_train_values(view.targets, view.features, train, place)).sum(1)
        for place in range(view.targets.sizes["layer"])
    ]
    source = view.features["climatology_source"].transpose("layer", "cell").to_numpy()
    has_target = np.isfinite(view.targets["scale_slope"].to_numpy())
    return Counted(view, np.array(days), (source == OWN) & has_target, has_target)


def _infer_least_days(counted: Sequence[Counted], usual: int) -> int:
    """Return the usual number where it parts own climatologies from others.

    Else one that does, and where none does the usual one.
    """
    own = np.concatenate([it.days[it.own] for it in counted])
    others = np.concatenate([it.days[it.known & ~it.own] for it in counted])
    if not own.size:
        return usual
    least, most = int(own.min()), int(others.max(initial=0))
    return least if most < least and not most < usual <= least else usual


def _list_shrinkages(
    counted: Counted, derive: Derive, params: FeatureParams
) -> list[float]:
    """List the years of shrinkage that series of a split show, each by its weight."""
    near, far = (
        take_climatology(
            derive(
                counted.view,
                params.model_copy(update={"climatology_shrinkage_years": years}),
            )
        )[counted.own]
        for years in (UNDRAWN, DRAWN)
    )
    given = take_climatology(counted.view.features)[counted.own]
    between, moved = near - far, given - far
    power = (between**2).sum(axis=1)
    told = power > APART**2 * between.shape[1]
    weight = (moved * between).sum(axis=1)[told] / power[told]
    rest = np.abs(moved[told] - weight[:, None] * between[told]).max(axis=1, initial=0)
    kept = (rest <= ROUNDING) & (weight >= LEAST_WEIGHT)
    years = counted.days[counted.own][told][kept] / DAYS_A_YEAR
    return (years * (1 / weight[kept] - 1)).tolist()


def take_climatology(features: xr.Dataset) -> Floats:
    """Return climatologies, (layer, cell, day_of_year), m3 m-3."""
    ordered = features["climatology"].transpose("layer", "cell", "day_of_year")
    return ordered.to_numpy().astype("float64")
