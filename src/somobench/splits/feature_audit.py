"""Look for test days in train targets and in what a split's features were learnt from.

Both are derived once more after everything that isn't train was taken away; what
differs then has seen something else.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.scaling import rescale, scale_by_train_days
from somobench.catalog.view import view_roles
from somobench.schemas.variables import TRAIN
from somobench.splits.audit import Finding
from somobench.splits.data import Mask, role_masks

Derive = Callable[[xr.Dataset, xr.Dataset, Mask], xr.Dataset]
"""Derives features of a split from targets, forcing and train days, (cell, day)."""

Rebuild = Callable[[int, Mask], NDArray[np.float64]]
"""Builds targets of a layer, (cell, day), from train days, (cell, day), alone."""

TRAIN_TARGETS, VALUES_LEFT_OUT = "train_targets", "train_values_left_out"
ONE_DECIMAL = 1.5e-5  # m3 m-3; a unit of the last decimal, and float32's share
TOLERANCE = 1e-9  # relative and absolute; derived by the same code, values are the same
OF_TRAIN_CELL_DAYS = ("normalisation_mean", "normalisation_std")
MEASURED = "soil_moisture_of_primary"
"""What the primary measured, (layer, cell, time); targets hide it on filled days."""
TARGET_SERIES = ("soil_moisture", "soil_moisture_in_situ", MEASURED)
TARGET_COUNTS = ("is_gapfilled", "observation_count")


def audit_features(
    features: xr.Dataset,
    targets: xr.Dataset,
    forcing: xr.Dataset,
    splits: pd.DataFrame,
    derive: Derive,
) -> dict[str, list[Finding]]:
    """Compare the features of every split with those of its train days alone.

    Scale factors, climatologies and their flags are derived with no target outside
    train days, and no forcing on days that no cell trains on: held-out cells keep
    their weather of train days, by which they find neighbours. Normalisation is
    derived with no forcing of other cells either.

    Parameters
    ----------
    features : Dataset of schema FEATURES
    targets : Dataset of schema TARGETS
    forcing : Dataset of schema FORCING
        On the cells and days of `targets`.
    splits : DataFrame of schema SPLITS
    derive : callable
        What derives the features of one split; the one that made `features`, so that
        only its inputs differ.

    Returns
    -------
    dict
        Findings by split. Failures name a variable and how many of its values differ;
        `full_record_factors` reports cells and layers whose factors know test days, as
        their flag says.
    """
    names = targets["cell"].to_numpy().astype(str)
    days = pd.DatetimeIndex(targets["time"].to_numpy())
    found: dict[str, list[Finding]] = {}
    for split in features["split"].to_numpy().astype(str).tolist():
        rows = splits[splits["split"] == split]
        train = role_masks(rows, names, days)["train"]
        own = features.sel(split=split)
        found[split] = _compare_features(
            own, _derive_from_train_days(targets, forcing, train, derive)
        )
        flagged = int(own["scale_is_full_record"].sum())
        text = f"{flagged} layers of cells keep factors of the full record, flagged"
        if flagged:
            found[split].append(
                Finding("full_record_factors", "reported", flagged, text)
            )
    return found


def audit_train_targets(
    features: xr.Dataset, targets: xr.Dataset, splits: pd.DataFrame, rebuild: Rebuild
) -> dict[str, list[Finding]]:
    """Compare the train targets of every split with those of its train days alone.

    Train targets are what `scaling="train"` gives on train days, filled values and
    values by factors of the full record included where it has any.

    Parameters
    ----------
    features : Dataset of schema FEATURES
    targets : Dataset of schema TARGETS
    splits : DataFrame of schema SPLITS
    rebuild : callable
        What builds targets from observations of which all that isn't train was taken
        away.

    Returns
    -------
    dict
        Findings by split. `train_targets` fails on values that differ by more than a
        unit of the last decimal, or that train days alone don't give;
        `train_values_left_out` reports train days whose target knows other days, so
        that `scaling="train"` has none.
    """
    found = {}
    for split in features["split"].to_numpy().astype(str).tolist():
        role = view_roles(splits, targets, split)
        counts = [
            _count_train_targets(
                targets.isel(layer=slice(place, place + 1)),
                features.sel(split=split).isel(layer=slice(place, place + 1)),
                role,
                rebuild,
            )
            for place in range(targets.sizes["layer"])
        ]
        found[split] = _report_train_targets(
            *(sum(column) for column in zip(*counts, strict=True))
        )
    return found


def _count_train_targets(
    targets: xr.Dataset, factors: xr.Dataset, role: xr.DataArray, rebuild: Rebuild
) -> tuple[int, int, int]:
    """Count the train values of a layer, those that are wrong, and those left out."""
    layer = targets[["soil_moisture_in_situ", "is_gapfilled"]].load()
    train = role.to_numpy() == TRAIN
    values = _mask_other_days(scale_by_train_days(layer, factors, role), train)
    every = _mask_other_days(_scale_every_day(layer, factors), train)
    expected = rebuild(int(targets["layer"].item()), train)
    given = np.isfinite(values)
    wrong = given & ~(np.abs(values - expected) <= ONE_DECIMAL)
    left_out = np.isfinite(every) & ~given
    return int(given.sum()), int(wrong.sum()), int(left_out.sum())


def _scale_every_day(targets: xr.Dataset, factors: xr.Dataset) -> xr.DataArray:
    in_situ = targets["soil_moisture_in_situ"]
    return rescale(in_situ, factors["scale_slope"], factors["scale_offset"])


def _mask_other_days(values: xr.DataArray, train: Mask) -> NDArray[np.float64]:
    """Return values of a layer on train days, (cell, day)."""
    ordered = values.transpose("layer", "cell", "time").to_numpy()[0]
    return np.where(train, ordered.astype(np.float64), np.nan)


def _report_train_targets(given: int, wrong: int, left_out: int) -> list[Finding]:
    findings = (
        Finding(
            TRAIN_TARGETS,
            "failure",
            wrong,
            f"{wrong} of {given} values aren't those of train days alone",
        ),
        Finding(
            VALUES_LEFT_OUT,
            "reported",
            left_out,
            f"{left_out} train values rest on other days of their cell",
        ),
    )
    return [item for item in findings if item.number]


def _derive_from_train_days(
    targets: xr.Dataset, forcing: xr.Dataset, train: Mask, derive: Derive
) -> xr.Dataset:
    """Derive features from train days, with everything else taken away."""
    kept = xr.DataArray(train, dims=("cell", "time"))
    seen = remove_days(targets, kept)
    some_cell = kept.any("cell")
    derived = derive(seen, _remove_forcing(forcing, some_cell), train)
    strict = derive(seen, _remove_forcing(forcing, kept), train)
    return derived.assign({name: strict[name] for name in OF_TRAIN_CELL_DAYS})


def remove_days(targets: xr.Dataset, kept: xr.DataArray) -> xr.Dataset:
    """Return targets with no value, fill or count outside the days that are kept."""
    names = [name for name in TARGET_SERIES if name in targets]
    series = {name: targets[name].where(kept) for name in names}
    counts = {name: targets[name].where(kept, 0) for name in TARGET_COUNTS}
    return targets.assign({**series, **counts})


def _remove_forcing(forcing: xr.Dataset, kept: xr.DataArray) -> xr.Dataset:
    daily = {
        name: values.where(kept).transpose(*values.dims)
        for name, values in forcing.items()
        if "time" in values.dims
    }
    return forcing.assign(daily)


def _compare_features(stored: xr.Dataset, derived: xr.Dataset) -> list[Finding]:
    found = []
    for name in sorted(map(str, derived.data_vars)):
        expected = derived[name].to_numpy().astype(np.float64)
        values = stored[name].transpose(*derived[name].dims).to_numpy()
        same = np.isclose(
            values.astype(np.float64), expected, TOLERANCE, TOLERANCE, equal_nan=True
        )
        count = int((~same).sum())
        if count:
            text = f"{count} of {same.size} values aren't those of train days alone"
            found.append(Finding(name, "failure", count, text))
    return found
