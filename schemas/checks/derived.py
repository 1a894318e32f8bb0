"""Checks of what the files of a release derive from each other.

A factor, a shift or a swap leaves every value of a file possible; it shows where
another file holds what the values were made of. Thresholds lie far from what releases
have and near what a slip makes. `somobench validate` asks them; they stop no build.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import Failure
from somobench.schemas.variables import ROLES, TRAIN

MEANS = ("air_temperature", "precipitation", "net_radiation")
MEAN_TOLERANCE = 1e-3  # of the mean over all days, or in the unit where that is small
REANALYSIS_TOLERANCE = 0.015  # m3 m-3: targets have its mean but for days filled later
CLIMATOLOGY_TOLERANCE = 0.02  # m3 m-3, of the median series
MOST_LEFT = 1.05  # variance about the climatology over variance, of the median series
A_YEAR = 365  # days; recipes may ask a series for more than there are in fewer
TWO_YEARS = 730  # days: of shorter series climatologies say what neighbours have
LATENT_HEAT = 2.45  # MJ kg-1, FAO-56
EVAPORATIVE = (0.01, 1.5)
"""Latent heat over net radiation, means of a cell: 0.03 in deserts, about 1 where warm
air is drawn over wet land."""
FEWEST_DAYS = 60  # of a series that is judged
FEWEST_SERIES = 5  # that a median is taken of
TRAIN_ROLE = ROLES[TRAIN - 1]


def find_other_derivations(
    tables: Mapping[str, pd.DataFrame], grids: Mapping[str, xr.Dataset]
) -> list[Failure]:
    """Return where a file isn't what it says of another; absent ones are left aside.

    Parameters
    ----------
    tables, grids : as of `validate_together`, which agree
    """
    failures: list[Failure] = []
    if "forcing" in grids and "cells" in tables:
        failures += _compare_means(grids["forcing"], tables["cells"])
    if "forcing" in grids:
        failures += _balance_energy(grids["forcing"])
    if "forcing" in grids and "targets" in grids:
        failures += _compare_reanalysis(grids["forcing"], grids["targets"])
    if "forcing" in grids and "features" in grids:
        failures += _compare_normalisation(grids["forcing"], grids["features"])
    if "splits" in tables and {"targets", "features"} <= set(grids):
        failures += _compare_features(tables["splits"], grids)
    return failures


def _compare_means(forcing: xr.Dataset, cells: pd.DataFrame) -> list[Failure]:
    """Compare the means of cells with those of the forcing's days."""
    failures = []
    listed = cells.set_index("cell_id")
    for name in MEANS:
        if f"mean_{name}" not in listed:
            continue
        if name not in forcing:
            if listed[f"mean_{name}"].notna().any():
                means = "one, as cells.parquet has its means"
                where = f"forcing.zarr.zip {name}"
                failures.append(Failure(where, "no such variable", means))
            continue
        found = _average_days(forcing[name])
        expected = listed[f"mean_{name}"].reindex(found.index)
        allowed = MEAN_TOLERANCE * expected.abs().clip(lower=1)
        wrong = ((found - expected).abs() > allowed).to_numpy()
        if wrong.any():
            place = int(wrong.argmax())
            failures.append(
                Failure(
                    f"forcing.zarr.zip {name}",
                    f"a mean of {found.iloc[place]:.4g} in cell {found.index[place]}, "
                    f"and {int(wrong.sum()) - 1} more",
                    f"{expected.iloc[place]:.4g}, as in cells.parquet",
                )
            )
    return failures


def _balance_energy(forcing: xr.Dataset) -> list[Failure]:
    """Compare evaporation with the energy for it, in the median cell."""
    names = ("evaporation", "net_radiation")
    if not {*names} <= {*forcing.data_vars} or forcing.sizes["time"] < A_YEAR:
        return []
    water, heat = (_average_days(forcing[name]) for name in names)
    share = (water * LATENT_HEAT / heat.where(heat > 0)).median()
    if np.isnan(share) or EVAPORATIVE[0] <= share <= EVAPORATIVE[1]:
        return []
    found = f"{share:.3g} of net radiation in the median cell"
    expected = f"{EVAPORATIVE[0]} to {EVAPORATIVE[1]}"
    return [Failure("forcing.zarr.zip evaporation", found, expected)]


def _average_days(values: xr.DataArray) -> pd.Series:
    """Average the days of each cell; those of calendar months where some are missing.

    A plain mean would be that of the seasons in which most was measured.
    """
    whole = values.mean("time", skipna=False).to_series()
    months = values.groupby("time.month").mean().mean("month", skipna=False)
    return whole.fillna(months.to_series())


def _compare_reanalysis(forcing: xr.Dataset, targets: xr.Dataset) -> list[Failure]:
    """Compare the means of targets with those of the reanalysis on the same days.

    Layers that aren't scaled to the reanalysis say so: their slope is 1.
    """
    name = "reanalysis_soil_moisture"
    if name not in forcing or forcing.get_index("time").size == 0:
        return []
    known = np.intersect1d(targets["cell"], forcing["cell"])
    order = ("layer", "cell", "time")
    scaled = targets["soil_moisture"].sel(cell=known).transpose(*order)
    days = {"layer": targets["layer"], "cell": known, "time": targets["time"]}
    try:
        given = forcing[name].sel(days).transpose(*order)
    except KeyError:  # other layers or days, which are refused elsewhere
        return []
    off = abs((scaled - given).mean(dim="time"))
    own = targets["scale_slope"].sel(cell=known).transpose("layer", "cell") != 1
    off = off.where(own & (scaled.count("time") >= FEWEST_DAYS))
    failures = []
    for layer in off:
        values = layer.to_numpy()[np.isfinite(layer.to_numpy())]
        if values.size >= FEWEST_SERIES and np.median(values) > REANALYSIS_TOLERANCE:
            found = (
                f"{np.median(values):.3f} m3 m-3 from the targets of the median cell"
            )
            where = f"forcing.zarr.zip {name}, layer {int(layer['layer'])}"
            expected = f"at most {REANALYSIS_TOLERANCE}: they are scaled to it"
            failures.append(Failure(where, found, expected))
    return failures


def _compare_normalisation(forcing: xr.Dataset, features: xr.Dataset) -> list[Failure]:
    """Compare means and deviations of variables with the range of their values."""
    failures = []
    for label in features["variable"].to_numpy().astype(str):
        if label not in forcing:
            continue
        low, high = float(forcing[label].min()), float(forcing[label].max())
        mean = features["normalisation_mean"].sel(variable=label).to_numpy()
        deviation = features["normalisation_std"].sel(variable=label).to_numpy()
        wrong = (mean < low) | (mean > high) | (deviation > high - low)
        if wrong.any():
            place = int(wrong.argmax())
            found = f"mean {mean[place]:.4g}, deviation {deviation[place]:.4g}"
            failures.append(
                Failure(
                    f"features.zarr.zip normalisation of {label}",
                    found,
                    f"within {low:.4g} to {high:.4g}, its values in forcing.zarr.zip",
                )
            )
    return failures


class _Series(NamedTuple):
    """A cell's layer in a split."""

    train: NDArray[np.bool_]
    target: NDArray[Any]
    """(time), in train scaling, NaN where there is none."""
    climatology: NDArray[Any]
    """(time)"""
    is_full_record: bool
    is_scaled: bool
    """Not so where there is no reference: the factors are 1 and 0."""


def _list_series(
    splits: pd.DataFrame, grids: Mapping[str, xr.Dataset], split: str
) -> Iterator[_Series]:
    targets = grids["targets"]
    layers, cells, time = (targets[dim].to_numpy() for dim in ("layer", "cell", "time"))
    features = grids["features"].sel(split=split, layer=layers, cell=cells)
    measured = targets["soil_moisture_in_situ"].transpose("layer", "cell", "time")
    slope, offset, full = (
        features[name].transpose("layer", "cell").to_numpy()
        for name in ("scale_slope", "scale_offset", "scale_is_full_record")
    )
    climatology = features["climatology"].transpose("layer", "cell", "day_of_year")
    values, daily = measured.to_numpy(), climatology.to_numpy()
    days = targets["time"].dt.dayofyear.to_numpy() - 1
    chosen = splits[(splits["split"] == split) & (splits["role"] == TRAIN_ROLE)]
    for cell, name in enumerate(cells.astype(str)):
        train = np.zeros(time.size, bool)
        rows = chosen[chosen["cell_id"] == name]
        for start, end in zip(rows["start"], rows["end"], strict=True):
            train |= (time >= np.datetime64(start)) & (time <= np.datetime64(end))
        for place in ((layer, cell) for layer in range(layers.size)):
            if np.isfinite(values[place]).any():
                factors = slope[place], offset[place]
                target = offset[place] + slope[place] * values[place]
                flags = bool(full[place]), factors != (1, 0)
                yield _Series(train, target, daily[place][days], *flags)


def _compare_features(
    splits: pd.DataFrame, grids: Mapping[str, xr.Dataset]
) -> list[Failure]:
    """Compare factors and climatology of every split with the targets on train days."""
    failures: list[Failure] = []
    shared = set(grids["features"]["split"].to_numpy().astype(str))
    for split in sorted(shared & set(splits["split"])):
        held_out: list[bool] = []
        trained: list[bool] = []
        left: list[float] = []
        bias: list[float] = []
        for series in _list_series(splits, grids, split):
            known = (series.train & np.isfinite(series.target)).sum()
            if series.is_scaled and not series.train.any():
                held_out.append(series.is_full_record)
            elif series.is_scaled and known >= A_YEAR:
                trained.append(series.is_full_record)
            rest = series.target - series.climatology
            judged = series.train & np.isfinite(rest)
            variance = float(np.var(series.target[judged])) if judged.any() else 0.0
            if judged.sum() >= TWO_YEARS and variance > 0:
                left.append(float(np.mean(rest[judged] ** 2)) / variance)
                bias.append(abs(float(np.mean(rest[judged]))))
        failures += _judge_split(split, held_out, trained)
        failures += _judge_climatology(split, left, bias)
    return failures


def _judge_split(
    split: str, held_out: list[bool], trained: list[bool]
) -> list[Failure]:
    where = f"features.zarr.zip scale_is_full_record, split {split}"
    if not all(held_out):
        found = f"0 for {held_out.count(False)} series without train days"
        return [Failure(where, found, "1, since no train day gives factors")]
    if len(trained) >= FEWEST_SERIES and np.mean(trained) > 1 / 2:
        found = f"1 for {sum(trained)} of {len(trained)} series with train days"
        return [Failure(where, found, "0 for most of them")]
    return []


def _judge_climatology(
    split: str, left: list[float], bias: list[float]
) -> list[Failure]:
    if len(left) < FEWEST_SERIES:
        return []
    where = f"features.zarr.zip climatology, split {split}"
    failures = []
    if np.median(left) > MOST_LEFT:
        found = f"{np.median(left):.2f} of the variance of train targets left"
        failures.append(
            Failure(where, found, f"at most {MOST_LEFT}, the median series")
        )
    if np.median(bias) > CLIMATOLOGY_TOLERANCE:
        found = f"{np.median(bias):.3f} m3 m-3 from the mean of train targets"
        expected = f"at most {CLIMATOLOGY_TOLERANCE}, the median series"
        failures.append(Failure(where, found, expected))
    return failures
