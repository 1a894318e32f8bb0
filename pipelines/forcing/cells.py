"""Cells and what is constant about them: position, climate, regime, region."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.grid import cell_id
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import RegionParams
from somobench.schemas.variables import ARIDITY, DRYNESS_SOURCES

ELSEWHERE = "other"
MEAN_DECIMALS = 6
AVERAGED = ("air_temperature", "precipitation", "net_radiation")
MONTHS = 12
MINIMUM_MONTH_DAYS = 20  # of a calendar month over all years, where days are missing


def list_observed_cells(
    stations: pd.DataFrame, observed: Sequence[str]
) -> pd.DataFrame:
    """List the cells that have an observation in some layer.

    Parameters
    ----------
    stations : table SENSORS
    observed : sensor ids that have observations

    Returns
    -------
    DataFrame
        cell_id, latitude, longitude (degrees); sorted by cell_id, each once.

    Raises
    ------
    InputError
        If there is none, or an id isn't one of a cell.
    """
    counted = stations[(stations["layer"] > 0) & stations["sensor_id"].isin(observed)]
    ids = sorted(set(counted["cell_id"]))
    if not ids:
        raise InputError(
            "cells with observations",
            found=f"none: {len(stations)} sensors, but no valid day in a layer",
            expected="at least one",
            hint="see ingest.json for what was dropped and why",
        )
    positions = np.array([_parse_position(name) for name in ids])
    return pd.DataFrame(
        {
            "cell_id": pd.Series(ids, dtype="str"),
            "latitude": positions[:, 0],
            "longitude": positions[:, 1],
        }
    )


def _parse_position(name: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in name.split("_"))
    except ValueError:
        latitude = longitude = float("nan")
    if cell_id(latitude, longitude) != name:
        raise InputError(
            "cell_id in stations.parquet",
            found=repr(name),
            expected='"{latitude}_{longitude}" of a cell centre',
            hint="run the stage ingest again",
        )
    return latitude, longitude


def describe_cells(
    forcing: xr.Dataset,
    node_count: NDArray[np.int8],
    regions: Sequence[RegionParams],
    latent_heat: float,
) -> pd.DataFrame:
    """Describe each cell by its position and long-term climate.

    Parameters
    ----------
    forcing : (cell, time), schema FORCING
    node_count : (cell,) nodes averaged
    latent_heat : MJ kg-1

    Returns
    -------
    DataFrame
        Table CELLS. Means cover the whole period; NaN where the variable is absent.
    """
    means = {f"mean_{name}": _average_over_time(forcing, name) for name in AVERAGED}
    dryness = compute_dryness(
        means["mean_net_radiation"], means["mean_precipitation"], latent_heat
    )
    latitude = forcing["latitude"].to_numpy().astype(np.float64)
    longitude = forcing["longitude"].to_numpy().astype(np.float64)
    found = [
        name_region(north, east, regions)
        for north, east in zip(latitude, longitude, strict=True)
    ]
    return pd.DataFrame(
        {
            "cell_id": pd.Series(forcing["cell"].to_numpy().astype(str), dtype="str"),
            "latitude": latitude,
            "longitude": longitude,
            "region": pd.Series(found, dtype="str"),
            **means,
            "dryness": dryness,
            "regime": pd.Series([name_regime(value) for value in dryness], dtype="str"),
            "node_count": node_count.astype(np.int8),
        }
    )


def _average_over_time(forcing: xr.Dataset, name: str) -> NDArray[np.float64]:
    if name not in forcing:
        return np.full(forcing.sizes["cell"], np.nan)
    values = forcing[name].transpose("cell", "time").to_numpy().astype(np.float64)
    means = values.mean(axis=1)
    months = forcing["time"].dt.month.to_numpy()
    for cell in np.flatnonzero(np.isnan(means)):
        means[cell] = average_months(values[cell], months)
    return np.asarray(np.round(means, MEAN_DECIMALS))


def average_months(values: NDArray[np.float64], months: NDArray[np.int64]) -> float:
    """Average a series that lacks days: the mean of its twelve calendar months.

    A plain mean would be that of the seasons in which most was measured.

    Parameters
    ----------
    values : (N,) NaN where missing
    months : (N,) 1 to 12

    Returns
    -------
    float
        NaN where a calendar month has fewer than 20 days over all years.
    """
    present = np.isfinite(values)
    counts = np.bincount(months[present] - 1, minlength=MONTHS)
    if counts.min() < MINIMUM_MONTH_DAYS:
        return float("nan")
    sums = np.bincount(months[present] - 1, values[present], minlength=MONTHS)
    return float((sums / counts).mean())


def state_dryness(
    cells: pd.DataFrame, forcing: xr.Dataset, source: str
) -> pd.DataFrame:
    """Return cells with the dryness of another source than net radiation, and its name.

    Parameters
    ----------
    cells : table CELLS
        With column `aridity` for source `table`.
    forcing : (cell, time)
        With `reference_evapotranspiration` for the source of that name.
    source : key of `DRYNESS_SOURCES`

    Raises
    ------
    InputError
        If what the source needs isn't there.
    """
    result = cells.copy()
    if source == "table":
        if ARIDITY not in cells:
            raise _make_dryness_error(source, "no table with it")
        dryness = cells[ARIDITY].to_numpy(np.float64)
    else:
        if source not in forcing:
            raise _make_dryness_error(source, f"no {source} in forcing.variables")
        demand = _average_over_time(forcing, source)
        result[f"mean_{source}"] = demand
        dryness = compute_dryness(
            demand, cells["mean_precipitation"].to_numpy(np.float64), 1.0
        )
    result["dryness"] = dryness
    result["regime"] = pd.Series(
        [name_regime(value) for value in dryness], dtype="str", index=cells.index
    )
    result["dryness_source"] = pd.Series(source, dtype="str", index=cells.index)
    return result


def _make_dryness_error(source: str, found: str) -> InputError:
    return InputError(
        "forcing.dryness of the recipe",
        found=f"{source}, but {found}",
        expected=DRYNESS_SOURCES[source],
    )


def compute_dryness(
    net_radiation: NDArray[np.float64],
    precipitation: NDArray[np.float64],
    latent_heat: float,
) -> NDArray[np.float64]:
    """Divide net radiation by the energy that evaporates the precipitation.

    Parameters
    ----------
    net_radiation : MJ m-2 d-1, long-term mean
    precipitation : mm d-1, which is kg m-2 d-1, long-term mean
    latent_heat : MJ kg-1

    Returns
    -------
    array
        Dimensionless; NaN where net radiation is missing or negative, or where
        there is no precipitation: the ratio means nothing there.

    Notes
    -----
    Budyko's radiative index of dryness. FAO-56 (Allen et al. 1998) takes
    2.45 MJ kg-1 for the latent heat.

    Examples
    --------
    >>> compute_dryness(np.array([4.9, 4.9]), np.array([1.0, 0.0]), 2.45).tolist()
    [2.0, nan]
    """
    defined = (net_radiation >= 0) & (precipitation > 0)
    divisor = np.where(defined, latent_heat * precipitation, np.nan)
    return np.asarray(np.round(net_radiation / divisor, MEAN_DECIMALS))


def name_regime(dryness: float) -> str:
    """Name the regime: below 1 energy limits evaporation, from 1 on water does."""
    if np.isnan(dryness):
        return "unknown"
    return "energy-limited" if dryness < 1 else "water-limited"


def name_region(
    latitude: float, longitude: float, regions: Sequence[RegionParams]
) -> str:
    """Name the first box that holds a position, edges included, else `other`.

    A box whose west lies east of its east crosses 180 degrees.
    """
    for box in regions:
        eastward = box.west <= longitude <= box.east
        if box.west > box.east:
            eastward = longitude >= box.west or longitude <= box.east
        if eastward and box.south <= latitude <= box.north:
            return box.name
    return ELSEWHERE
