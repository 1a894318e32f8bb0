"""Features against the train days that they are derived from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.consistency.targets import (
    get_arrays,
    measure_moments,
    select_reanalysis,
)
from somobench.metrics.anomalies import seasonal_climatology
from somobench.schemas.errors import Failure
from somobench.schemas.variables import ROLES, TRAIN
from somobench.splits.data import role_masks

TOLERANCE = 1e-6  # of a mean or deviation: sums run in another order elsewhere
MOMENT_TOLERANCE = 1e-4  # m3 m-3
FILLED_TOLERANCE = 0.01  # m3 m-3, where filled days hide what the primary measured
LEVEL_TOLERANCE = 0.005  # m3 m-3, of a mean over the year: windows fill other gaps
FEWEST_DAYS = 3 * 365  # of a series whose climatology is judged
LEAST_LIKE = 0.5  # correlation with the climatology of its own train days
LAGS = (*range(-60, -5, 5), *range(-5, 6), *range(10, 61, 5))
MOST_DAYS_LATE = 15
ROUGHEST = 1e-3  # m3 m-3, second difference of the median climatology: it is smoothed
LEAST_SEASON = 0.005  # m3 m-3, deviation of a climatology that has a shape to judge
ROUNDING = 1e-5  # m3 m-3, of climatologies
OWN, OTHERS = 0, 1  # of `climatology_source`
GRID = ("layer", "cell")
Array = NDArray[Any]


class _Inputs(NamedTuple):
    """What the features of every split are made from, (layer, cell, time)."""

    measured: Array
    filled: Array
    slope: Array
    offset: Array
    reference: Array | None
    forcing: Mapping[str, Array]
    """(cell, time)"""
    days_of_year: NDArray[np.int64]


def find_other_features(
    tables: Mapping[str, pd.DataFrame],
    grids: Mapping[str, xr.Dataset],
    *,
    derived: bool = False,
) -> list[Failure]:
    """Compare factors, climatology and statistics with those of train days.

    Where climatologies were `derived` again by their rules, shapes aren't judged: a
    mean of few days may be rough, and far from that of its neighbours.
    """
    if "splits" not in tables or set(grids) < {"targets", "forcing", "features"}:
        return []
    targets, forcing, features = (
        grids[name] for name in ("targets", "forcing", "features")
    )
    cells = targets["cell"].to_numpy().astype(str)
    days = pd.DatetimeIndex(targets["time"].to_numpy())
    variables = features["variable"].to_numpy().astype(str)
    try:
        places = {
            "cell": targets["cell"].to_numpy(),
            "time": targets["time"].to_numpy(),
        }
        weather = forcing[[it for it in variables if it in forcing]].sel(places)
        features = features.sel({dim: targets[dim].to_numpy() for dim in GRID})
    except KeyError:  # other cells, layers or days, which are refused elsewhere
        return []
    measured, filled, slope, offset = get_arrays(
        targets,
        *("soil_moisture_in_situ", "is_gapfilled", "scale_slope", "scale_offset"),
    )
    inputs = _Inputs(
        measured,
        filled,
        slope,
        offset,
        select_reanalysis(forcing, targets),
        {str(it): weather[it].transpose("cell", "time").to_numpy() for it in weather},
        targets["time"].dt.dayofyear.to_numpy().astype(np.int64),
    )
    failures: list[Failure] = []
    for split in features["split"].to_numpy().astype(str):
        rows = tables["splits"][tables["splits"]["split"] == split]
        train = role_masks(rows, cells, days)[ROLES[TRAIN - 1]]
        part = features.sel(split=split)
        failures += _compare_statistics(split, part, inputs, train)
        failures += _compare_factors(split, part, inputs, train)
        if not derived:
            failures += _compare_climatology(split, part, inputs, train)
            failures += _judge_roughness(split, part, inputs, train)
        failures += _compare_held_out(split, part)
    return failures


def _fail(split: str, what: str, found: str, expected: str) -> Failure:
    return Failure(f"features.zarr.zip {what}, split {split}", found, expected)


def _compare_statistics(
    split: str, features: xr.Dataset, inputs: _Inputs, train: Array
) -> Iterator[Failure]:
    """Compare mean and deviation of the weather with those of train cells and days."""
    for name, values in inputs.forcing.items():
        given = values[train].astype("float64")
        given = given[np.isfinite(given)]
        if not given.size:
            continue
        for kind, expected in (("mean", given.mean()), ("std", given.std())):
            found = features[f"normalisation_{kind}"].sel(variable=name).item()
            if not np.isclose(found, expected, TOLERANCE, TOLERANCE**2):
                what = f"normalisation_{kind} of {name}"
                yield _fail(
                    split, what, f"{found:.8g}", f"{expected:.8g} on train days"
                )


def _compare_factors(
    split: str, features: xr.Dataset, inputs: _Inputs, train: Array
) -> Iterator[Failure]:
    """Own factors give the reanalysis's moments on train days; others are the full."""
    slope, offset, full = (
        features[name].transpose(*GRID).to_numpy()
        for name in ("scale_slope", "scale_offset", "scale_is_full_record")
    )
    other = (full == 1) & ((slope != inputs.slope) | (offset != inputs.offset))
    other &= np.isfinite(inputs.slope)
    if other.any():
        found = f"others in {int(other.sum())} series of scale_is_full_record"
        yield _fail(split, "scale factors", found, "those of targets.zarr.zip")
    if inputs.reference is None:
        return
    scaled = offset[..., None] + slope[..., None] * inputs.measured.astype("float64")
    known = np.isfinite(scaled) & np.isfinite(inputs.reference) & train
    shared = known & (inputs.filled == 0)
    count, mean, spread = measure_moments(scaled, shared)
    _, its_mean, its_spread = measure_moments(inputs.reference, shared)
    off = np.maximum(np.abs(mean - its_mean), np.abs(spread - its_spread))
    has_filled = (known & (inputs.filled == 1)).any(axis=-1)
    allowed = np.where(has_filled, FILLED_TOLERANCE, MOMENT_TOLERANCE)
    scaled_ones = (inputs.slope != 1) & (full == 0) & (count > 1)
    wrong = scaled_ones & (off > allowed)
    if wrong.any():
        found = f"{int(wrong.sum())} series up to {off[wrong].max():.4f} m3 m-3 off"
        expected = "mean and deviation of the reanalysis on train days"
        yield _fail(split, "scale factors", found, expected)


def _judge_roughness(
    split: str, features: xr.Dataset, inputs: _Inputs, train: Array
) -> Iterator[Failure]:
    """Judge that a climatology which isn't smooth has the roughness of its days."""
    given = features["climatology"].transpose(*GRID, "day_of_year").to_numpy()
    (source,) = get_arrays(features, "climatology_source")
    own = (source == OWN) & np.isfinite(given).all(axis=-1)
    slope, offset = get_arrays(features, "scale_slope", "scale_offset")
    scaled = offset[..., None] + slope[..., None] * inputs.measured.astype("float64")
    series = np.where(train, scaled, np.nan)[own]
    daily = seasonal_climatology(series, inputs.days_of_year, 1)
    held, its_own = (_bend(it) for it in (given[own].astype("float64"), daily))
    known = np.isfinite(its_own).all(axis=-1)
    held, its_own = held[known], its_own[known]
    rough = np.sqrt((held**2).mean(axis=-1))
    if not rough.size or np.median(rough) <= ROUGHEST:
        return
    size = np.sqrt((held**2).sum(axis=-1) * (its_own**2).sum(axis=-1))
    alike = np.median((held * its_own).sum(axis=-1) / np.maximum(size, ROUNDING**2))
    if alike < LEAST_LIKE:
        found = f"second differences of {np.median(rough):.2g} m3 m-3"
        expected = f"at most {ROUGHEST}, or those of train days"
        yield _fail(split, "climatology", found, expected)


def _bend(cycles: Array) -> Array:
    """Return second differences around the year, (row, day)."""
    turned = np.concatenate([cycles, cycles[:, :2]], axis=-1)
    return np.asarray(np.diff(turned, 2, axis=-1))


def _compare_held_out(split: str, features: xr.Dataset) -> Iterator[Failure]:
    """Climatologies of held-out cells are means of those of train cells."""
    given = features["climatology"].transpose(*GRID, "day_of_year").to_numpy()
    (source,) = get_arrays(features, "climatology_source")
    for place, own in enumerate(source == OWN):
        others = given[place][source[place] == OTHERS]
        if not own.any() or not len(others):
            continue
        low, high = given[place][own].min(axis=0), given[place][own].max(axis=0)
        off = np.maximum(low - others, others - high).max(axis=-1)
        if (off > ROUNDING).any():
            found = (
                f"{int((off > ROUNDING).sum())} series up to {off.max():.4f} outside"
            )
            yield _fail(split, "climatology", found, "a mean of those of train cells")


def _compare_climatology(
    split: str, features: xr.Dataset, inputs: _Inputs, train: Array
) -> Iterator[Failure]:
    """Compare a climatology of a cell's own days with the smoothed mean of these.

    It is drawn to the shape of its neighbours, around its own mean.
    """
    given = features["climatology"].transpose(*GRID, "day_of_year").to_numpy()
    slope, offset, source, full = (
        features[name].transpose(*GRID).to_numpy()
        for name in (
            *("scale_slope", "scale_offset"),
            *("climatology_source", "scale_is_full_record"),
        )
    )
    usable = np.isfinite(inputs.measured) & train
    judged = (source == OWN) & (full == 0) & (usable.sum(axis=-1) >= FEWEST_DAYS)
    judged &= ~(usable & (inputs.filled == 1)).any(
        axis=-1
    )  # some splits leave them out
    if not judged.any():
        return
    scaled = offset[..., None] + slope[..., None] * inputs.measured.astype("float64")
    series = np.where(usable, scaled, np.nan)[judged]
    own = seasonal_climatology(series, inputs.days_of_year)
    held = given[judged][np.isfinite(own).all(axis=-1)].astype("float64")
    own = own[np.isfinite(own).all(axis=-1)]
    off = np.abs(held.mean(axis=-1) - own.mean(axis=-1))
    if (off > LEVEL_TOLERANCE).any():
        wrong = int((off > LEVEL_TOLERANCE).sum())
        found = f"{wrong} series up to {off.max():.4f} m3 m-3 off"
        yield _fail(split, "climatology", found, "the mean of train days")
    shape = held - held.mean(axis=-1, keepdims=True)
    season = own - own.mean(axis=-1, keepdims=True)
    size = float(np.sqrt((shape**2).sum() * (season**2).sum()))
    alike = float((shape * season).sum()) / size if size else 0.0
    if not len(season) or season.std() <= LEAST_SEASON:
        return
    products = [float((np.roll(shape, lag, -1) * season).sum()) for lag in LAGS]
    late = -LAGS[int(np.argmax(products))]
    if alike < LEAST_LIKE or abs(late) > MOST_DAYS_LATE:
        found = f"a correlation of {alike:.2f}, best {late} days later"
        expected = f"at least {LEAST_LIKE} with the season of train days, on its days"
        yield _fail(split, "climatology", found, expected)
