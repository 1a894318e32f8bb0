"""What one split learns from its train cells and days: factors, climatology, moments.

Pure: grids in, a grid out. No value of a validation or test day reaches a result but
the full-record factors of cells without enough train days, which are flagged and enter
nothing else.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from somobench.catalog.scaling import KNOWS_OTHER_DAYS, LEFT_OUT
from somobench.pipelines.targets.cells import name_reference, require_layer
from somobench.pipelines.targets.matching import Matching, match_moments
from somobench.schemas.recipe import Recipe
from somobench.splits.feature_audit import MEASURED
from somobench.statistics.derive import (
    GRID,
    Array,
    Mask,
    Options,
    derive_statistics,
    select_reference,
)
from somobench.statistics.digits import quantise

TOO_SHORT = "train overlap with the reference below the minimum"


def derive_features(
    targets: xr.Dataset, forcing: xr.Dataset, train: Mask, recipe: Recipe
) -> xr.Dataset:
    """Derive the features of one split from its train days.

    Parameters
    ----------
    targets : Dataset of schema TARGETS
    forcing : Dataset of schema FORCING
        On the cells and days of `targets`.
    train : array, (cell, day), bool
    recipe : Recipe

    Returns
    -------
    Dataset
        The arrays of schema FEATURES without dimension `split`.
    """
    factors = train_factors(targets, forcing, train, recipe)
    options = choose_options(targets, recipe)
    return factors.merge(derive_statistics(targets, factors, forcing, train, options))


def choose_options(targets: xr.Dataset, recipe: Recipe) -> Options:
    """Return what a recipe says of climatologies and of the climate of cells."""
    layers = targets["layer"].to_numpy().tolist()
    return Options(
        referenced=frozenset(n for n in layers if name_reference(n, recipe) != "none"),
        dryness=recipe.forcing.dryness,
        latent_heat=recipe.forcing.latent_heat,
        params=recipe.features,
    )


def train_factors(
    targets: xr.Dataset, forcing: xr.Dataset, train: Mask, recipe: Recipe
) -> xr.Dataset:
    """Fit the line from in-situ to scaled values on train days of the primary.

    A cell and layer with less overlap than the rule asks for keeps the factors of the
    full record and is flagged. Without a reference factors are 1 and 0, never flagged.
    Where `targets` have what the primary measured, days that were filled count too:
    which days are filled rests on factors of the full record.
    """
    slope = targets["scale_slope"].to_numpy().copy()
    offset = targets["scale_offset"].to_numpy().copy()
    flag = np.zeros(slope.shape, np.int8)
    for place, layer in enumerate(targets["layer"].to_numpy().tolist()):
        if name_reference(layer, recipe) == "none":
            continue
        require_layer(forcing.get("reanalysis_soil_moisture"), layer)
        reference = select_reference(forcing, layer)
        measured = _select_measured(targets.isel(layer=place))
        for cell in np.flatnonzero(np.isfinite(slope[place])):
            matching = match_moments(
                np.where(train[cell], measured[cell], np.nan),
                reference[cell],
                recipe.reference.minimum_overlap,
                TOO_SHORT,
            )
            if isinstance(matching, Matching):
                slope[place, cell], offset[place, cell] = matching[:2]
            else:
                flag[place, cell] = 1
    meaning = "1 where the factors are those of the full record, for lack of train days"
    return xr.Dataset(
        {
            "scale_slope": (GRID, quantise(slope), {"long_name": "train-day slope"}),
            "scale_offset": (
                GRID,
                quantise(offset),
                {"long_name": "train-day offset", "units": "m3 m-3"},
            ),
            "scale_is_full_record": (
                GRID,
                flag,
                {"long_name": meaning, LEFT_OUT: KNOWS_OTHER_DAYS},
            ),
        },
        coords=targets.drop_vars("time").coords,
    )


def _select_measured(targets: xr.Dataset) -> Array:
    """Return what the primary of a layer measured, (cell, day), m3 m-3."""
    in_situ = targets["soil_moisture_in_situ"].to_numpy().astype(np.float64)
    is_filled = targets["is_gapfilled"].to_numpy() == 1
    hidden = targets[MEASURED].to_numpy() if MEASURED in targets else np.nan
    return np.where(is_filled, hidden, in_situ)
