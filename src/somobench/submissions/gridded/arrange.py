"""Bring a model's own grid to the cells, layers and days of a release."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.submission_names import PREDICTION
from somobench.submissions.gridded.describe import describe_gridded, say_gridded
from somobench.submissions.gridded.layers import ModelLayer
from somobench.submissions.gridded.nodes import ENOUGH
from somobench.submissions.gridded.plan import Gridded, plan_gridded
from somobench.submissions.gridded.request import Wanted
from somobench.submissions.gridded.slabs import read_slabs
from somobench.submissions.layout import Understood

Floats = NDArray[np.float64]

LEAST_WATER = 1e-4  # m3 m-3; packing in 16 bits leaves values this far from 0


def arrange_gridded(
    stored: xr.Dataset, wanted: Wanted, plan: Gridded | None = None
) -> Understood:
    """Bring a file's soil moisture to the cells, layers and days of a release.

    Parameters
    ----------
    stored : Dataset as it is stored, not decoded
    wanted : Wanted
    plan : of `plan_gridded`, where there is one

    Returns
    -------
    Understood
        (layer, cell, time), m3 m-3; cells within reach, layers that are covered, and
        whole days alone. `gridded` says what was done, ready for JSON.
    """
    plan = plan or plan_gridded(stored, wanted)
    inside = np.flatnonzero(plan.nodes.inside)
    shape = (len(plan.weights), len(inside), len(plan.days))
    values = np.zeros(shape, np.float32)
    position = np.searchsorted(plan.used, plan.nodes.number[inside])
    position[plan.nodes.number[inside] < 0] = -1
    taken: NDArray[np.int64] | None = None
    bare = np.zeros(len(plan.used), np.bool_)
    for item in plan.model_layers:
        daily = _average_days(stored, item, plan)
        bare |= _drop_bare_nodes(daily, item.factor)
        if wanted.options.method == "nearest":
            taken = _choose_nodes(daily, position) if taken is None else taken
            at_cells = _take(daily, taken)
        else:
            at_cells = _interpolate(daily, position, plan.nodes.weight[inside])
        for place, part in enumerate(plan.weights.values()):
            if item in part:
                values[place] += (part[item] * item.factor * at_cells).T
    values[(values < 0) & (values >= -LEAST_WATER)] = 0.0
    order = np.argsort(np.array(wanted.cells)[inside], kind="stable")
    grid = xr.Dataset(
        {PREDICTION: (("layer", "cell", "time"), values[:, order])},
        {
            "layer": np.array([*plan.weights], np.int8),
            "cell": np.array(wanted.cells)[inside][order],
            "time": plan.days.astype("datetime64[ns]"),
        },
    )
    distance = plan.nodes.distance[inside].min(axis=1)
    if taken is not None:
        column = (position == taken[:, None]).argmax(axis=1)
        distance = plan.nodes.distance[inside, column]
    facts = describe_gridded(wanted, plan, distance, values)
    facts["nodes_without_soil"] = int(bare.sum())
    return Understood(grid, (*say_gridded(facts, plan), *plan.times.notes), facts)


def _average_days(stored: xr.Dataset, item: ModelLayer, plan: Gridded) -> Floats:
    """Return daily means at the nodes, (day, node); NaN where a value is missing."""
    total = np.zeros((len(plan.days), len(plan.used)))
    reading = plan.plans[item.variable]
    for block, values in read_slabs(
        stored, item, plan.times.name, reading, len(plan.used)
    ):
        day = plan.day_of[block]
        # One value after the other: sums don't depend on how times are blocked.
        np.add.at(total, day[day >= 0], values[day >= 0])
    return total / plan.times.per_day


def _drop_bare_nodes(daily: Floats, factor: float) -> NDArray[np.bool_]:
    """Make nodes without water on any day missing, in place, and mark them, (node,).

    Such as the sea's, where ERA5 has 0 and packing leaves next to it.
    """
    with np.errstate(invalid="ignore"):
        has_water = (np.abs(daily * factor) > LEAST_WATER).any(axis=0)
    bare = np.isfinite(daily).any(axis=0) & ~has_water
    daily[:, bare] = np.nan
    return np.asarray(bare)


def _choose_nodes(daily: Floats, position: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the nearest node of each cell that has a value on some day."""
    has_value = np.append(np.isfinite(daily).any(axis=0), [False])  # last one: none
    usable = has_value[position]
    first = np.where(usable.any(axis=1), usable.argmax(axis=1), 0)
    return np.take_along_axis(position, first[:, None], axis=1)[:, 0]


def _take(daily: Floats, node: NDArray[np.int64]) -> Floats:
    return np.asarray(daily[:, node])


def _interpolate(daily: Floats, position: NDArray[np.int64], weight: Floats) -> Floats:
    """Return weighted means of corners; of those with values if they weigh enough."""
    total = np.zeros((len(daily), len(position)))
    given = np.zeros_like(total)
    for corner in range(position.shape[1]):
        values = daily[:, position[:, corner]]
        finite = np.isfinite(values)
        total += np.where(finite, values, 0.0) * weight[:, corner]
        given += finite * weight[:, corner]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(given >= ENOUGH, total / given, np.nan)
