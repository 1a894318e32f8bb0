"""The published target rule applied to every cell and layer that has sensors.

Pure: tables and arrays in, targets and the outcome of every sensor out. The rule itself
is in `target_rule`, the layout of the grid in `target_grid`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.targets.matching import Rejection, Series
from somobench.pipelines.targets.rule import (
    OTHER_DEPTH,
    TOO_FEW_DAYS,
    Candidate,
    IntervalTarget,
    Thresholds,
    choose_interval,
    fill_gaps,
    scale_candidate,
)
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe

PRIMARY = "primary"
GAP_FILLING = "gap-filling"
UNUSED = "accepted, filled no day"
REJECTED = "rejected"


@dataclass(frozen=True, eq=False)
class DenseSeries:
    """Daily series of sensors on the days of the period.

    Row i of `values` (m3 m-3, NaN where missing) and of `counts` belongs to row i of
    `sensors`, a table of schema SENSORS in any order.
    """

    sensors: pd.DataFrame
    days: pd.DatetimeIndex
    values: Series
    counts: NDArray[np.int16]

    def exclude_cells(self, cells: Collection[str]) -> DenseSeries:
        """Return the series of the sensors that lie in none of these cells."""
        kept = ~self.sensors["cell_id"].isin(list(cells)).to_numpy()
        return DenseSeries(
            self.sensors[kept].reset_index(drop=True),
            self.days,
            self.values[kept],
            self.counts[kept],
        )

    def count_measured(self) -> int:
        """Count the sensors with at least one value."""
        return int(np.isfinite(self.values).any(axis=1).sum())


class Outcome(NamedTuple):
    """What became of one sensor; `rejection` where it is rejected."""

    row: int
    outcome: str
    rejection: Rejection | None = None


class CellTarget(NamedTuple):
    """What the rule made of the sensors of one layer and cell."""

    layer: int
    cell_id: str
    target: IntervalTarget | None
    outcomes: tuple[Outcome, ...]


def build_targets(
    series: DenseSeries, reference: xr.DataArray | None, recipe: Recipe
) -> Iterator[CellTarget]:
    """Apply the published rule to each layer and cell that has sensors, in order.

    Sensors in no layer and sensors without a value are passed over; every other one
    has exactly one outcome. Nothing depends on the order of sensors. Results are made
    one by one: whoever keeps them all needs memory for all scaled series.

    Parameters
    ----------
    series : DenseSeries
    reference : DataArray, (layer, cell, time), m3 m-3, optional
        On the days of `series`; needed for the layers that the recipe scales.
    recipe : Recipe

    Raises
    ------
    InputError
        If a layer is to be scaled and has no reference.
    """
    thresholds = collect_thresholds(recipe)
    has_values = np.isfinite(series.values).any(axis=1)
    table = series.sensors.reset_index(drop=True)
    for layer in recipe.layers:
        sensors = table[has_values & (table["layer"] == layer.layer).to_numpy()]
        for cell, group in sensors.groupby("cell_id", sort=True):
            scaled_to = select_reference(reference, layer.layer, str(cell), recipe)
            intervals, rejected = _build_intervals(group, series, scaled_to, thresholds)
            chosen = choose_interval(
                intervals, layer.midpoint_cm, thresholds.minimum_days
            )
            settled = [_settle_outcomes(interval, chosen) for interval in intervals]
            outcomes = (*rejected, *(item for part in settled for item in part))
            yield CellTarget(layer.layer, str(cell), chosen, outcomes)


def collect_thresholds(recipe: Recipe) -> Thresholds:
    """Collect the rule's numbers from a recipe."""
    return Thresholds(
        recipe.reference.minimum_overlap,
        recipe.targets.minimum_days,
        recipe.targets.secondary_minimum_overlap,
        recipe.targets.secondary_minimum_correlation,
        recipe.targets.decimals,
    )


def name_reference(layer: int, recipe: Recipe) -> str:
    """Name the reference of a layer: `era5`, or `none` where it stays unscaled."""
    source = recipe.reference.source
    return source if layer in recipe.reference.layers else "none"


def format_published_name(sensor: Mapping[Any, Any]) -> str:
    """Return the name by which the published rule orders a sensor.

    That of its file without the ending: with it, `probe-2` would come before `probe`.
    """
    return (
        f"{sensor['network']}_{sensor['station']}_sD{sensor['depth_from_cm']}"
        f"-sD{sensor['depth_to_cm']}_{sensor['sensor']}"
    )


def select_reference(
    reference: xr.DataArray | None, layer: int, cell: str, recipe: Recipe
) -> Series | None:
    """Return the reference of a layer of a cell; None where it stays unscaled.

    Raises
    ------
    InputError
        If the layer is to be scaled and has no reference.
    """
    if name_reference(layer, recipe) == "none":
        return None
    known = require_layer(reference, layer)
    return known.sel(layer=layer, cell=cell).to_numpy().astype(np.float64)


def require_layer(reference: xr.DataArray | None, layer: int) -> xr.DataArray:
    """Return the reference, which has a layer.

    Raises
    ------
    InputError
        If there is no reference, or it lacks the layer.
    """
    if reference is None or layer not in reference["layer"].to_numpy():
        raise InputError(
            f"reference soil moisture of layer {layer}",
            found="none in the forcing",
            expected="reanalysis_soil_moisture, as reference.layers of the recipe says",
            hint="take the layer out of reference.layers to keep its targets unscaled",
        )
    return reference


def _build_intervals(
    sensors: pd.DataFrame,
    series: DenseSeries,
    reference: Series | None,
    thresholds: Thresholds,
) -> tuple[list[IntervalTarget], list[Outcome]]:
    """Scale the sensors of one cell and layer and fill gaps at each depth interval."""
    by_depth: dict[tuple[int, int], list[Candidate]] = {}
    rejected: list[Outcome] = []
    for row, sensor in zip(sensors.index, sensors.to_dict("records"), strict=True):
        scaled = scale_candidate(
            format_published_name(sensor),
            str(sensor["sensor_id"]),
            int(row),
            raw=series.values[row],
            reference=reference,
            thresholds=thresholds,
        )
        if isinstance(scaled, Rejection):
            rejected.append(Outcome(int(row), REJECTED, scaled))
            continue
        depth = int(sensor["depth_from_cm"]), int(sensor["depth_to_cm"])
        by_depth.setdefault(depth, []).append(scaled)
    filled = [
        fill_gaps(*depth, members, thresholds)
        for depth, members in sorted(by_depth.items())
    ]
    return filled, rejected


def _settle_outcomes(
    interval: IntervalTarget, chosen: IntervalTarget | None
) -> list[Outcome]:
    """Settle every candidate of an interval; its first rejection stands."""
    rejected = [
        Outcome(candidate.row, REJECTED, rejection)
        for candidate, rejection in interval.rejected
    ]
    members = [interval.primary, *(item.candidate for item in interval.accepted)]
    if interval is not chosen:
        reason = TOO_FEW_DAYS if chosen is None else OTHER_DEPTH
        passed_over = Rejection(reason, None, None)
        return rejected + [Outcome(m.row, REJECTED, passed_over) for m in members]
    used = {item.candidate.row for item in interval.used}
    kept = [
        Outcome(member.row, GAP_FILLING if member.row in used else UNUSED)
        for member in members[1:]
    ]
    return [Outcome(interval.primary.row, PRIMARY), *kept, *rejected]
