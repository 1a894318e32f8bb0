"""Train targets built once more from the train days of each cell, for the audit.

The rule is that of the stage `targets`, on daily values of which all that isn't a train
day of the cell was taken away. The primary of each layer and cell is the published one:
which sensor is predicted has to be the same on train and on test days.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.stage import load_table, read_report, refuse_unreadable
from somobench.pipelines.targets import exclude_uncovered_days, read_series
from somobench.pipelines.targets.cells import (
    DenseSeries,
    collect_thresholds,
    format_published_name,
    select_reference,
)
from somobench.pipelines.targets.matching import Rejection, Series
from somobench.pipelines.targets.rule import (
    Candidate,
    fill_primary,
    scale_candidate,
)
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe
from somobench.schemas.tables import SENSORS
from somobench.splits.feature_audit import MEASURED

INTERVAL = ["layer", "cell_id", "depth_from_cm", "depth_to_cm"]
ANY_LENGTH = 1  # of a primary's train days; the rule asks 90 of its whole record


@dataclass(frozen=True, eq=False)
class TargetInputs:
    """What targets are built from.

    Parameters
    ----------
    series : DenseSeries
        On the days of the targets.
    primaries : mapping of layer and cell_id to row of `series`
    reference : DataArray, (layer, cell, time), m3 m-3, optional
    recipe : Recipe
    """

    series: DenseSeries
    primaries: Mapping[tuple[int, str], int]
    reference: xr.DataArray | None
    recipe: Recipe


def read_target_inputs(
    recipe: Recipe, folder: Path, targets: xr.Dataset, forcing: xr.Dataset
) -> TargetInputs:
    """Read observations, stations and the names of primaries from the stages' folder.

    Parameters
    ----------
    recipe : Recipe
    folder : Path
    targets : Dataset of schema TARGETS
    forcing : Dataset of schema FORCING
        On the cells and days of `targets`.

    Raises
    ------
    InputError
        If the tables and the targets don't fit together.
    ValidationError
        If a table breaks its schema.
    """
    sensors = load_table(folder / "stations.parquet", SENSORS)
    observations = folder / "observations.parquet"
    days = pd.DatetimeIndex(targets["time"].to_numpy())
    everything = read_series(observations, sensors, days, recipe.targets.decimals)
    series, _ = exclude_uncovered_days(everything, forcing)
    primaries = _read_primaries(folder / "targets.json", series.sensors, targets)
    reference = forcing.get("reanalysis_soil_moisture")
    return TargetInputs(series, primaries, reference, recipe)


def _read_primaries(
    path: Path, sensors: pd.DataFrame, targets: xr.Dataset
) -> dict[tuple[int, str], int]:
    """Read which row of `sensors` is the primary of a layer and cell."""
    sources = read_report(path, "sources")["sources"]
    with refuse_unreadable(path):
        named = {
            (int(item["layer"]), str(item["cell_id"])): str(item["primary"])
            for item in sources
        }
    rows = pd.Index(sensors["sensor_id"]).get_indexer(pd.Index(named.values()))
    layers = set(targets["layer"].to_numpy().tolist())
    cells = set(targets["cell"].to_numpy().astype(str))
    wrong = [
        f"{sensor} in layer {layer} of cell {cell}"
        for ((layer, cell), sensor), row in zip(named.items(), rows, strict=True)
        if row < 0 or layer not in layers or cell not in cells
    ]
    if wrong:
        raise InputError(
            path.name,
            found=f"{wrong[0]} and {len(wrong) - 1} more",
            expected="sensors of stations.parquet, cells of targets.zarr.zip",
            hint="run the stage targets again",
        )
    return dict(zip(named, rows.tolist(), strict=True))


def add_measured(targets: xr.Dataset, inputs: TargetInputs) -> xr.Dataset:
    """Add what the primary measured to targets, filled days and others alike.

    Parameters
    ----------
    targets : Dataset of schema TARGETS
    inputs : TargetInputs

    Returns
    -------
    Dataset
        With `MEASURED`, (layer, cell, time), m3 m-3, NaN without a primary.
    """
    layers = targets["layer"].to_numpy().tolist()
    cells = targets["cell"].to_numpy().astype(str).tolist()
    shape = tuple(targets.sizes[dim] for dim in ("layer", "cell", "time"))
    measured = np.full(shape, np.nan)
    for (layer, cell), row in inputs.primaries.items():
        measured[layers.index(layer), cells.index(cell)] = inputs.series.values[row]
    added = xr.DataArray(measured, dims=("layer", "cell", "time"))
    return targets.assign({MEASURED: added.chunk(layer=1) if targets.chunks else added})


def rebuild_train_targets(
    inputs: TargetInputs,
    cells: Sequence[str],
    layer: int,
    train: NDArray[np.bool_],
) -> Series:
    """Build the targets of a layer on a split's train days from those days alone.

    Parameters
    ----------
    inputs : TargetInputs
    cells : sequence of str
        Those of the targets, in their order.
    layer : int
    train : array, (cell, day), bool

    Returns
    -------
    array, (cell, day), m3 m-3
        NaN where a cell has too few train days for a line of its own.
    """
    members = inputs.series.sensors.groupby(INTERVAL).indices
    inputs = replace(inputs, reference=_load_layer(inputs.reference, layer))
    found = np.full(train.shape, np.nan)
    for place, cell in enumerate(cells):
        row = inputs.primaries.get((layer, cell))
        if row is not None and train[place].any():
            interval = tuple(inputs.series.sensors.loc[row, INTERVAL])
            others = [int(other) for other in members[interval] if other != row]
            found[place] = _rebuild(inputs, layer, row, others, train[place])
    return found


def _load_layer(reference: xr.DataArray | None, layer: int) -> xr.DataArray | None:
    if reference is None or layer not in reference["layer"].to_numpy():
        return reference
    return reference.sel(layer=[layer]).load()


def _rebuild(
    inputs: TargetInputs,
    layer: int,
    row: int,
    others: list[int],
    days: NDArray[np.bool_],
) -> Series:
    primary = _scale_days(inputs, layer, row, days, minimum_days=ANY_LENGTH)
    if isinstance(primary, Rejection):
        return np.full(days.shape, np.nan)
    scaled = [_scale_days(inputs, layer, other, days) for other in others]
    accepted = [item for item in scaled if isinstance(item, Candidate)]
    return fill_primary(primary, accepted, collect_thresholds(inputs.recipe)).values


def _scale_days(
    inputs: TargetInputs,
    layer: int,
    row: int,
    days: NDArray[np.bool_],
    minimum_days: int | None = None,
) -> Candidate | Rejection:
    """Scale a sensor's values of some days to the reference."""
    sensor = inputs.series.sensors.iloc[row]
    thresholds = collect_thresholds(inputs.recipe)
    if minimum_days is not None:
        thresholds = thresholds._replace(minimum_days=minimum_days)
    return scale_candidate(
        format_published_name(sensor.to_dict()),
        str(sensor["sensor_id"]),
        row,
        raw=np.where(days, inputs.series.values[row], np.nan),
        reference=select_reference(
            inputs.reference, layer, str(sensor["cell_id"]), inputs.recipe
        ),
        thresholds=thresholds,
    )
