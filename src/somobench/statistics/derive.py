"""Climatology and normalisation of a split, from its train cells and days alone.

Pure: grids in, a grid out. The stage `features` derives them for the splits that a
release publishes, and `somobench.folds` for the other folds of its spatial split.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.scaling import scale_by_train_days
from somobench.catalog.view import average_known
from somobench.metrics.anomalies import LEAP_YEAR, seasonal_climatology
from somobench.schemas.grids import list_complete
from somobench.schemas.recipe import FeatureParams
from somobench.schemas.variables import DYNAMIC_FORCING, STATE_FORCING, TRAIN, get_attrs
from somobench.statistics.climatology import (
    DAYS_A_YEAR,
    NONE,
    REANALYSIS,
    SOURCES,
    Climatology,
    complete_climatologies,
)
from somobench.statistics.digits import quantise

GRID = ("layer", "cell")
CLIMATOLOGY_DECIMALS = 6  # m3 m-3; far finer than any sensor
NET_RADIATION = "net_radiation"
REFERENCE_EVAPOTRANSPIRATION = "reference_evapotranspiration"

Mask = NDArray[np.bool_]
Array = NDArray[np.float64]


class Options(NamedTuple):
    """What a recipe says of climatologies and of the climate of cells.

    Attributes
    ----------
    referenced : layers whose targets have the moments of a reanalysis
    dryness : what the dryness of cells rests on, as in a recipe's `forcing`
    latent_heat : float, MJ kg-1
    params : FeatureParams
    """

    referenced: frozenset[int]
    dryness: str
    latent_heat: float
    params: FeatureParams


def derive_statistics(
    targets: xr.Dataset,
    factors: xr.Dataset,
    forcing: xr.Dataset,
    train: Mask,
    options: Options,
) -> xr.Dataset:
    """Derive climatology and normalisation of one split from its train days.

    Grids that are read where they are used are read a layer or a variable at a time.

    Parameters
    ----------
    targets : Dataset of schema TARGETS
    factors : Dataset, (layer, cell)
        Scale factors of the split; cells whose factors know other days give nothing.
    forcing : Dataset of schema FORCING
        On the cells and days of `targets`.
    train : array, (cell, day), bool
    options : Options

    Returns
    -------
    Dataset
        climatology (layer, cell, day_of_year), m3 m-3, climatology_source and
        normalisation.
    """
    window: Mask = np.asarray(train.any(axis=0))
    climate = derive_cell_climate(forcing, window, options)
    days = targets["time"].dt.dayofyear.to_numpy().astype(np.int64)
    moments = measure_weather(forcing, train)
    found = []
    for place, layer in enumerate(targets["layer"].to_numpy().tolist()):
        series = take_train_values(targets, factors, train, place)
        moments[f"soil_moisture_layer{layer}"] = measure_moments(series)
        derived = derive_layer_climatology(series, days, climate, options)
        if layer in options.referenced:
            reference = np.where(window, select_reference(forcing, layer), np.nan)
            derived = fill_with_reanalysis(derived, reference, days, options)
        found.append(derived)
    has_target = np.isfinite(targets["scale_slope"].to_numpy())
    return _join_climatologies(found, has_target).merge(_join_moments(moments))


def take_train_values(
    targets: xr.Dataset, factors: xr.Dataset, train: Mask, place: int
) -> Array:
    """Return the train-scaled targets of a layer, (cell, day), m3 m-3.

    NaN outside train days and where the factors of a cell know other days.

    Parameters
    ----------
    targets, factors, train
        As of `derive_statistics`.
    place : int
        Of the layer among those of `targets`.
    """
    role = xr.DataArray(np.where(train, TRAIN, 0), dims=("cell", "time"))
    one = {"layer": slice(place, place + 1)}
    layer = targets[["soil_moisture_in_situ", "is_gapfilled"]].isel(one).load()
    own = factors.isel(one)
    scaled = scale_by_train_days(layer, own, role).to_numpy()[0]
    own_factors = own["scale_is_full_record"].to_numpy()[0] == 0
    return np.where(train & own_factors[:, None], scaled.astype(np.float64), np.nan)


def _join_climatologies(
    found: Sequence[Climatology], has_target: NDArray[np.bool_]
) -> xr.Dataset:
    """Return the climatology of every layer and cell that has a target, and its source.

    `found` are those of layers, `has_target` is (layer, cell).
    """
    values = np.full((*has_target.shape, LEAP_YEAR), np.nan)
    source = np.full(has_target.shape, NONE, np.int8)
    for place, climatology in enumerate(found):
        values[place, has_target[place]] = climatology.values[has_target[place]]
        source[place, has_target[place]] = climatology.source[has_target[place]]
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


def derive_layer_climatology(
    series: Array, days: NDArray[np.int64], attributes: Array, options: Options
) -> Climatology:
    """Return the climatology of each cell of a layer from its usable train values.

    Parameters
    ----------
    series : array, (cell, day), m3 m-3
        NaN outside train days.
    days : array, (day,), day of the year
    attributes : array, (cell, attribute), see `derive_cell_climate`
    options : Options
    """
    params = options.params
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
    found: Climatology, reference: Array, days: NDArray[np.int64], options: Options
) -> Climatology:
    """Give cells that no train cell can stand for the climatology of the reanalysis.

    `reference` is (cell, day), NaN on days that are a train day of no cell. Days of the
    year without any get the mean of the others.
    """
    missing = found.source == NONE
    values, source = found.values.copy(), found.source.copy()
    seasonal = seasonal_climatology(
        reference[missing], days, options.params.climatology_window
    )
    level = average_known(seasonal)
    values[missing] = np.where(np.isfinite(seasonal), seasonal, level[:, None])
    source[missing] = np.where(np.isfinite(level), REANALYSIS, NONE)
    return Climatology(values, source)


def derive_cell_climate(forcing: xr.Dataset, window: Mask, options: Options) -> Array:
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

    water = options.latent_heat * mean_of("precipitation")
    complete = list_complete(forcing)
    energy = mean_of(NET_RADIATION if NET_RADIATION in complete else "")
    if options.dryness == REFERENCE_EVAPOTRANSPIRATION:
        energy = options.latent_heat * mean_of(options.dryness)
    with np.errstate(divide="ignore", invalid="ignore"):
        dryness = energy / water
        log_dryness = np.where(dryness > 0, np.log(dryness), np.nan)
    log_dryness[~np.isfinite(log_dryness)] = np.nan
    latitude = forcing["latitude"].to_numpy().astype(np.float64)
    return np.stack([latitude, mean_of("air_temperature"), log_dryness], axis=1)


def measure_weather(forcing: xr.Dataset, train: Mask) -> dict[str, tuple[float, float]]:
    """Measure every weather and land-surface variable over train cells and days.

    Parameters
    ----------
    forcing : Dataset, (cell, time)
    train : array, (cell, day), bool

    Returns
    -------
    dict
        By variable as of `measure_moments`, over the days that have it.
    """
    return {
        name: measure_moments(
            forcing[name].transpose("cell", "time").to_numpy()[train].astype(np.float64)
        )
        for name in (*DYNAMIC_FORCING, *STATE_FORCING)
        if name in forcing
    }


def measure_moments(values: Array) -> tuple[float, float]:
    """Return mean and standard deviation (`ddof=0`) of what is known, or NaN."""
    known = values[np.isfinite(values)]
    if not known.size:
        return float("nan"), float("nan")
    return float(known.mean()), float(known.std())


def _join_moments(moments: Mapping[str, tuple[float, float]]) -> xr.Dataset:
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


def select_reference(forcing: xr.Dataset, layer: int) -> Array:
    """Return the reference of a layer, (cell, day)."""
    chosen = forcing["reanalysis_soil_moisture"].sel(layer=layer)
    return chosen.transpose("cell", "time").to_numpy().astype(np.float64)
