"""What one split learns from its train cells and days: factors, climatology, moments.

Pure: grids in, a grid out. No value of a validation or test day reaches a result but
the full-record factors of cells without enough train days, which are flagged and enter
nothing else.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.scaling import KNOWS_OTHER_DAYS, LEFT_OUT, scale_by_train_days
from somobench.catalog.view import average_known
from somobench.metrics.anomalies import LEAP_YEAR, seasonal_climatology
from somobench.pipelines.features.climatology import (
    DAYS_A_YEAR,
    NONE,
    REANALYSIS,
    SOURCES,
    Climatology,
    complete_climatologies,
)
from somobench.pipelines.targets.cells import name_reference
from somobench.pipelines.targets.matching import Matching, match_moments, quantise
from somobench.schemas.grids import list_complete
from somobench.schemas.recipe import Recipe
from somobench.schemas.variables import DYNAMIC_FORCING, STATE_FORCING, TRAIN, get_attrs
from somobench.splits.feature_audit import MEASURED

GRID = ("layer", "cell")
CLIMATOLOGY_DECIMALS = 6  # m3 m-3; far finer than any sensor
TOO_SHORT = "train overlap with the reference below the minimum"

Mask = NDArray[np.bool_]
Array = NDArray[np.float64]


def derive_features(
    targets: xr.Dataset, forcing: xr.Dataset, train: Mask, recipe: Recipe
) -> xr.Dataset:
    """Derive the features of one split from its train days.

    Parameters
    ----------
    targets : Dataset of schema TARGETS, in memory
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
    role = xr.DataArray(np.where(train, TRAIN, 0), dims=("cell", "time"))
    scaled = scale_by_train_days(targets, factors, role)
    own_factors = factors["scale_is_full_record"].to_numpy() == 0
    usable = train[None] & own_factors[..., None]
    series = np.where(usable, scaled.to_numpy().astype(np.float64), np.nan)
    climatology = derive_climatology(targets, forcing, series, train, recipe)
    moments = derive_normalisation(forcing, series, train, targets["layer"].to_numpy())
    return factors.merge(climatology).merge(moments)


def derive_climatology(
    targets: xr.Dataset, forcing: xr.Dataset, series: Array, train: Mask, recipe: Recipe
) -> xr.Dataset:
    """Return the climatology of every layer and cell that has a target, and its source.

    Parameters
    ----------
    targets, forcing : Dataset
        As of `derive_features`.
    series : array, (layer, cell, day), m3 m-3
        Train-scaled targets, NaN wherever a value must not be used.
    train : array, (cell, day), bool
    recipe : Recipe
    """
    days = targets["time"].dt.dayofyear.to_numpy().astype(np.int64)
    window: Mask = np.asarray(train.any(axis=0))
    attributes = derive_cell_climate(forcing, window, recipe)
    has_target = np.isfinite(targets["scale_slope"].to_numpy())
    values = np.full((*has_target.shape, LEAP_YEAR), np.nan)
    source = np.full(has_target.shape, NONE, np.int8)
    for place, layer in enumerate(targets["layer"].to_numpy().tolist()):
        found = derive_layer_climatology(series[place], days, attributes, recipe)
        if name_reference(layer, recipe) != "none":
            reference = np.where(window, _select_reference(forcing, layer), np.nan)
            found = fill_with_reanalysis(found, reference, days, recipe)
        values[place, has_target[place]] = found.values[has_target[place]]
        source[place, has_target[place]] = found.source[has_target[place]]
    meaning = {
        "flag_values": list(range(len(SOURCES))),
        "flag_meanings": " ".join(SOURCES),
    }
    return xr.Dataset(
        {
            "climatology": (
                (*GRID, "day_of_year"),
                np.round(values, CLIMATOLOGY_DECIMALS).astype(np.float32),
                get_attrs("climatology") | {"scaling": "train"},
            ),
            "climatology_source": (GRID, source, meaning),
        },
        coords={"day_of_year": np.arange(1, LEAP_YEAR + 1, dtype=np.int16)},
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
    measured = _select_measured(targets)
    for place, layer in enumerate(targets["layer"].to_numpy().tolist()):
        if name_reference(layer, recipe) == "none":
            continue
        reference = _select_reference(forcing, layer)
        for cell in np.flatnonzero(np.isfinite(slope[place])):
            matching = match_moments(
                np.where(train[cell], measured[place, cell], np.nan),
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
    """Return what the primary measured, (layer, cell, day), m3 m-3."""
    in_situ = targets["soil_moisture_in_situ"].to_numpy().astype(np.float64)
    is_filled = targets["is_gapfilled"].to_numpy() == 1
    hidden = targets[MEASURED].to_numpy() if MEASURED in targets else np.nan
    return np.where(is_filled, hidden, in_situ)


def derive_layer_climatology(
    series: Array, days: NDArray[np.int64], attributes: Array, recipe: Recipe
) -> Climatology:
    """Return the climatology of each cell of a layer from its usable train values.

    Parameters
    ----------
    series : array, (cell, day), m3 m-3
        NaN outside train days.
    days : array, (day,), day of the year
    attributes : array, (cell, attribute), see `derive_cell_climate`
    recipe : Recipe
    """
    params = recipe.features
    count = np.isfinite(series).sum(axis=1)
    donors = count >= params.climatology_minimum_days
    own = seasonal_climatology(series, days, params.climatology_window)
    return complete_climatologies(
        own,
        count / DAYS_A_YEAR,
        donors,
        attributes,
        params.climatology_shrinkage_years,
    )


def fill_with_reanalysis(
    found: Climatology, reference: Array, days: NDArray[np.int64], recipe: Recipe
) -> Climatology:
    """Give cells that no train cell can stand for the climatology of the reanalysis.

    `reference` is (cell, day), NaN on days that are a train day of no cell.
    """
    missing = found.source == NONE
    values, source = found.values.copy(), found.source.copy()
    values[missing] = seasonal_climatology(
        reference[missing], days, recipe.features.climatology_window
    )
    source[missing] = REANALYSIS
    return Climatology(values, source)


def derive_cell_climate(forcing: xr.Dataset, window: Mask, recipe: Recipe) -> Array:
    """Return latitude, mean temperature and log dryness, over the days of `window`.

    Forcing is an input and known everywhere, so held-out cells have a climate as well,
    but only of days that are train days of some cell.

    Returns
    -------
    array, (cell, 3)
        NaN where the forcing lacks a variable or dryness isn't positive.
    """

    def mean_of(name: str) -> Array:
        if name not in forcing:
            return np.full(forcing.sizes["cell"], np.nan)
        values = forcing[name].transpose("cell", "time").to_numpy()[:, window]
        return average_known(values.astype(np.float64))

    water = recipe.forcing.latent_heat * mean_of("precipitation")
    complete = list_complete(forcing)
    energy = mean_of("net_radiation" if "net_radiation" in complete else "")
    if recipe.forcing.dryness == "reference_evapotranspiration":
        energy = recipe.forcing.latent_heat * mean_of(recipe.forcing.dryness)
    with np.errstate(divide="ignore", invalid="ignore"):
        dryness = energy / water
        log_dryness = np.where(dryness > 0, np.log(dryness), np.nan)
    log_dryness[~np.isfinite(log_dryness)] = np.nan
    latitude = forcing["latitude"].to_numpy().astype(np.float64)
    return np.stack([latitude, mean_of("air_temperature"), log_dryness], axis=1)


def derive_normalisation(
    forcing: xr.Dataset, series: Array, train: Mask, layers: NDArray[np.int8]
) -> xr.Dataset:
    """Return mean and standard deviation (`ddof=0`) over train cells and days.

    Of every weather and land-surface variable of the forcing, over the days that have
    it, and of the train-scaled
    target as `soil_moisture_layer<n>`; NaN for a layer without train values.

    Parameters
    ----------
    forcing : Dataset, (cell, time)
    series : array, (layer, cell, day), m3 m-3
        Train-scaled targets, NaN outside train days.
    train : array, (cell, day), bool
    layers : array, (layer,)
    """
    moments: dict[str, tuple[float, float]] = {}
    for name in (*DYNAMIC_FORCING, *STATE_FORCING):
        if name in forcing:
            values = forcing[name].transpose("cell", "time").to_numpy()
            given = values[train].astype(np.float64)
            moments[name] = _measure_moments(given[np.isfinite(given)])
    for layer, values in zip(layers.tolist(), series, strict=True):
        moments[f"soil_moisture_layer{layer}"] = _measure_moments(
            values[np.isfinite(values)]
        )
    mean, std = (
        quantise(np.array([pair[place] for pair in moments.values()]))
        for place in (0, 1)
    )
    return xr.Dataset(
        {
            "normalisation_mean": ("variable", mean),
            "normalisation_std": ("variable", std, {"ddof": 0}),
        },
        coords={"variable": np.array(list(moments))},
    )


def _measure_moments(values: Array) -> tuple[float, float]:
    if not values.size:
        return float("nan"), float("nan")
    return float(values.mean()), float(values.std())


def _select_reference(forcing: xr.Dataset, layer: int) -> Array:
    """Return the reference of a layer, (cell, day)."""
    chosen = forcing["reanalysis_soil_moisture"].sel(layer=layer)
    return chosen.transpose("cell", "time").to_numpy().astype(np.float64)
