"""What one split gives a model: inputs, targets by role, and nothing it must not see.

Targets of train and of validation days are arrays of their own, so a fit can't meet a
test day. `observed` holds every day and is meant for models that say that they read
observations of the cell that they predict; `hide_observations` takes it away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.split_view import SplitView
from somobench.catalog.view import align_to_targets, average_known, day_of_year
from somobench.schemas.baseline_params import BaselineParams
from somobench.schemas.grids import list_complete
from somobench.schemas.manifest import FeatureSetRecord
from somobench.schemas.tables import CELLS
from somobench.schemas.variables import ARIDITY, TEST, TRAIN, VALIDATION

Array = NDArray[np.float64]
Series = NDArray[np.float32] | Array
Mask = NDArray[np.bool_]
CELLS_AT_ONCE = 256  # scaled in double precision at a time


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """One split as a model meets it; arrays aren't to be written to.

    Series are in the precision of the release's files, or in double: whoever computes
    with them makes them double first.

    Attributes
    ----------
    split : name of the split
    layers : array, (layer,)
    role : array, (cell, day), int8
        0 none, 1 train, 2 validation, 3 test.
    has_target : array, (layer, cell), bool
        Whether there is a target on any day.
    train_target, validation_target : array, (layer, cell, day), m3 m-3
        Train-scaled targets, NaN on all other days, and wherever the scale factors
        know a test day.
    observed : array, (layer, cell, day), m3 m-3, or None
        Train-scaled targets of all days, test days included.
    forcing : mapping of variable to array, (cell, day), in its unit
        Those that every day of a cell's record has; NaN before and after it.
    reanalysis : array, (layer, cell, day), m3 m-3, or None
    climatology : array, (layer, cell, day), m3 m-3
    statics : mapping of name to array, (cell,)
        Attributes of cells; those of the climate are means over train days.
    normalisation : mapping of variable to mean and standard deviation
        Over train cells and days.
    feature_sets : mapping of name to FeatureSetRecord
    refused : mapping of name of a feature set to why the release lacks it
    latent_heat : float, MJ kg-1
    params : BaselineParams
    incomplete : frozenset of str
        Variables that the release has and that lack days, so no rung reads them.
    train_weight, validation_weight : array, (layer, cell, day), or None
        How much each of these days counts, for rungs that can be weighted; by default
        all count alike.
    """

    split: str
    layers: NDArray[np.int8]
    role: NDArray[np.int8]
    has_target: Mask
    train_target: Series
    validation_target: Series
    observed: Series | None
    forcing: Mapping[str, NDArray[np.float32]]
    reanalysis: Series | None
    climatology: Series
    statics: Mapping[str, Array]
    normalisation: Mapping[str, tuple[float, float]]
    feature_sets: Mapping[str, FeatureSetRecord]
    refused: Mapping[str, str]
    latent_heat: float
    params: BaselineParams
    incomplete: frozenset[str] = frozenset()
    train_weight: Array | None = None
    validation_weight: Array | None = None

    @property
    def test(self) -> Mask:
        """Where a prediction is asked for, (layer, cell, day)."""
        return self.has_target[..., None] & (self.role == TEST)

    @property
    def train_cells(self) -> Mask:
        """Cells with a train day, (cell,)."""
        trained: Mask = (self.role == TRAIN).any(axis=1)
        return trained

    def hide_observations(self) -> Problem:
        """Return the same problem without observations of test days."""
        return replace(self, observed=None)


def make_double(values: Series) -> Array:
    """Return values in double precision; themselves, where they are."""
    return values.astype(np.float64, copy=False)


def build_problem(
    view: SplitView,
    *,
    forcing: xr.Dataset,
    feature_sets: Mapping[str, FeatureSetRecord],
    refused: Mapping[str, str],
    latent_heat: float,
    params: BaselineParams,
) -> Problem:
    """Gather what one split gives a model from the files of a release.

    Parameters
    ----------
    view : SplitView
    forcing : Dataset of schema FORCING
    feature_sets, refused : mapping
        As the release defines them.
    latent_heat : float, MJ kg-1
    params : BaselineParams

    Raises
    ------
    IntegrityError
        If a cell or day of the targets has no forcing.
    """
    targets, features = view.targets, view.features
    forcing = align_to_targets(forcing, targets, "forcing")
    trained, tested = view.has_role(TRAIN), view.has_role(TEST)
    trained_days = np.asarray(trained.any(axis=0))
    values = _scale_targets(view)
    own_factors = features["scale_is_full_record"].to_numpy() == 0
    daily = view.climatology().sel(day_of_year=day_of_year(targets["time"]))
    series = {
        name: forcing[name].transpose("cell", "time").to_numpy()
        for name in sorted(list_complete(forcing))
        if name != "reanalysis_soil_moisture"
    }
    return Problem(
        split=view.split,
        layers=targets["layer"].to_numpy(),
        role=view.role.to_numpy(),
        has_target=np.isfinite(targets["scale_slope"].to_numpy()),
        train_target=_keep_role(values, trained, own_factors),
        validation_target=_keep_role(
            values, view.has_role(VALIDATION), own_factors | ~tested.any(axis=1)
        ),
        observed=values,
        forcing=series,
        reanalysis=_read_reanalysis(forcing, targets),
        climatology=daily.transpose("layer", "cell", "time").to_numpy(),
        statics=collect_statics(forcing, series, trained_days, view.cells),
        normalisation=_read_normalisation(features),
        feature_sets=feature_sets,
        refused=refused,
        latent_heat=latent_heat,
        params=params,
        incomplete=frozenset(map(str, forcing.data_vars)) - {*list_complete(forcing)},
    )


def _scale_targets(view: SplitView) -> NDArray[np.float32]:
    """Return targets in train scaling, (layer, cell, day), m3 m-3."""
    sizes = view.targets.sizes
    values = np.empty([sizes[dim] for dim in ("layer", "cell", "time")], np.float32)
    for start in range(0, sizes["cell"], CELLS_AT_ONCE):
        cells = slice(start, start + CELLS_AT_ONCE)
        values[:, cells] = view.take_cells(cells).train_scaled()
    return values


def _keep_role(values: Series, has_role: Mask, usable: Mask) -> Series:
    """Keep the values of a role where scale factors know no test day."""
    return np.where(has_role & usable[..., None], values, np.nan)


def _read_reanalysis(forcing: xr.Dataset, targets: xr.Dataset) -> Series | None:
    if "reanalysis_soil_moisture" not in forcing:
        return None
    series = forcing["reanalysis_soil_moisture"].sel(layer=targets["layer"])
    return series.transpose("layer", "cell", "time").to_numpy()


def collect_statics(
    forcing: xr.Dataset,
    series: Mapping[str, NDArray[np.float32]],
    window: Mask,
    cells: pd.DataFrame,
) -> dict[str, Array]:
    """Return latitude, climate of the train days, and the table's further numbers.

    Parameters
    ----------
    forcing : Dataset with latitude, (cell,)
    series : mapping of forcing variable to array, (cell, day)
    window : array, (day,), bool
        Days that are a train day of some cell.
    cells : DataFrame, a row a cell
    """
    means = {
        name: average_known(series[name][:, window])
        for name in ("air_temperature", "precipitation", "net_radiation")
        if name in series
    }
    statics = {"latitude": forcing["latitude"].to_numpy().astype(np.float64)}
    if "air_temperature" in means:
        statics["mean_air_temperature"] = means["air_temperature"]
    if {"precipitation", "net_radiation"} <= set(means):
        with np.errstate(divide="ignore", invalid="ignore"):
            statics["log_dryness"] = np.log(
                means["net_radiation"] / means["precipitation"]
            )
    elif set(cells.get("dryness_source", ())) == {"table"}:
        statics["log_dryness"] = np.log(cells["dryness"].to_numpy("float64"))
        cells = cells.drop(columns=ARIDITY)
    known = [*CELLS.columns, "mean_reference_evapotranspiration"]
    numbers = cells.drop(columns=known, errors="ignore").select_dtypes("float64")
    return statics | {
        name: numbers[name].to_numpy("float64") for name in sorted(map(str, numbers))
    }


def _read_normalisation(chosen: xr.Dataset) -> dict[str, tuple[float, float]]:
    names = chosen["variable"].to_numpy().astype(str).tolist()
    mean = chosen["normalisation_mean"].to_numpy().tolist()
    std = chosen["normalisation_std"].to_numpy().tolist()
    return dict(zip(names, zip(mean, std, strict=True), strict=True))
