"""Bring a model's own grid to the cells, layers and days of a release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import PREDICTION
from somobench.submissions.gridded.layers import (
    LEAST_COVERED,
    ModelLayer,
    find_model_layers,
    weigh_layers,
)
from somobench.submissions.gridded.nodes import ENOUGH, Nodes, find_nodes
from somobench.submissions.gridded.places import Places, find_place_names, find_places
from somobench.submissions.gridded.request import Wanted
from somobench.submissions.gridded.slabs import (
    SLAB_BYTES,
    Plan,
    count_bytes,
    plan_reading,
    read_slabs,
)
from somobench.submissions.gridded.times import (
    Times,
    find_time_name,
    read_times,
    select_whole_days,
)
from somobench.submissions.layout import Understood

Floats = NDArray[np.float64]

MAXIMUM_READ = 100_000_000_000  # bytes unpacked; what the processor time allows
SMALLEST = -1e-4  # m3 m-3; packing in 16 bits leaves values this far below 0


class Gridded(NamedTuple):
    """What of a file is read, known from its metadata alone.

    Attributes
    ----------
    places, times, nodes : where, when, and which nodes stand for the cells
    weights : by layer of the release, the model's layers and their weights
    covered : by layer of the release, the share that the model's layers cover
    days, day_of : days that are whole, and the day of each value, -1 for none
    lost : counts of days that aren't
    used : distinct nodes, in which `plans` count
    plans : by variable
    """

    places: Places
    times: Times
    nodes: Nodes
    weights: dict[int, dict[ModelLayer, float]]
    covered: dict[int, float]
    days: NDArray[np.datetime64]
    day_of: NDArray[np.int64]
    lost: dict[str, int]
    used: NDArray[np.int64]
    plans: dict[str, Plan]

    def measure_memory(self, stored: xr.Dataset) -> int:
        """Return the bytes that the largest chunk, boxes and results take together."""
        chunk = max(
            plan.chunk_values * stored[name].dtype.itemsize
            for name, plan in self.plans.items()
        )
        by_day = len(self.days) * (16 * len(self.used) + 40 * len(self.nodes.number))
        return chunk + SLAB_BYTES + by_day


def is_gridded(dataset: xr.Dataset) -> bool:
    """Tell whether a file has latitude, longitude and time, and no ids of cells."""
    if {"cell", "cell_id"} & {*map(str, dataset.variables), *map(str, dataset.dims)}:
        return False
    return len(find_place_names(dataset)) == 2 and find_time_name(dataset) is not None  # noqa: PLR2004 (latitude and longitude)


def plan_gridded(stored: xr.Dataset, wanted: Wanted) -> Gridded:
    """Find what of a file a release wants, without reading its values.

    Parameters
    ----------
    stored : Dataset as it is stored, not decoded
    wanted : Wanted

    Raises
    ------
    InputError
        For a file without position, time, soil moisture or known depths and units;
        far from all cells, without a day or layer in common; or too much to read.
    """
    places, times = find_places(stored), read_times(stored)
    model = find_model_layers(
        stored,
        (times.name, *places.dims),
        variables=wanted.options.variables,
        scheme=wanted.options.layers,
    )
    weights, covered, depths = {}, {}, wanted.layers
    for layer, edges in depths.items():
        found, share = weigh_layers(model, edges)
        covered[layer] = share
        if share >= LEAST_COVERED:
            weights[layer] = found
    if not weights:
        raise InputError(
            "layers of the file",
            found=", ".join(item.name for item in model),
            expected=f"at least {LEAST_COVERED:.0%} of a layer of the release: "
            + ", ".join(
                f"{a * 100:g}-{b * 100:g} cm" for a, b in wanted.layers.values()
            ),
        )
    nodes = find_nodes(places, wanted)
    days, day_of, lost = select_whole_days(times, wanted.list_days())
    used = np.unique(nodes.number[nodes.number >= 0])
    stamps = np.flatnonzero(day_of >= 0)
    span = int(stamps[0]), int(stamps[-1]) + 1
    chosen = {item.variable for found in weights.values() for item in found}
    plans = {
        name: plan_reading(stored.variables[name], times.name, places.dims, used, span)
        for name in sorted(chosen)
    }
    readings = [item for found in weights.values() for item in found]
    total = sum(
        count_bytes(stored.variables[item.variable], times.name, plans[item.variable])
        for item in dict.fromkeys(readings)
    )
    if total > MAXIMUM_READ:
        raise InputError(
            "size of what is read",
            found=f"{total} bytes in the chunks of {len(used)} nodes",
            expected=f"at most {MAXIMUM_READ}",
            hint="cut out the region and the days of the release beforehand",
        )
    return Gridded(
        places, times, nodes, weights, covered, days, day_of, lost, used, plans
    )


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
    for item in dict.fromkeys(item for part in plan.weights.values() for item in part):
        daily = _average_days(stored, item, plan)
        if wanted.options.method == "nearest":
            taken = _choose_nodes(daily, position) if taken is None else taken
            at_cells = _take(daily, taken)
        else:
            at_cells = _interpolate(daily, position, plan.nodes.weight[inside])
        for place, part in enumerate(plan.weights.values()):
            if item in part:
                values[place] += (part[item] * item.factor * at_cells).T
    values[(values < 0) & (values >= SMALLEST)] = 0.0
    order = np.argsort(np.array(wanted.cells)[inside], kind="stable")
    grid = xr.Dataset(
        {PREDICTION: (("layer", "cell", "time"), values[:, order])},
        {
            "layer": np.array([*plan.weights], np.int8),
            "cell": np.array(wanted.cells)[inside][order],
            "time": plan.days.astype("datetime64[ns]"),
        },
    )
    column = (position == taken[:, None]).argmax(axis=1) if taken is not None else 0
    distance = plan.nodes.distance[inside, column]
    facts = _describe(wanted, plan, distance, values)
    return Understood(grid, (*_say(facts, plan), *plan.times.notes), facts)


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


def _describe(
    wanted: Wanted, plan: Gridded, distance: Floats, values: NDArray[np.float32]
) -> dict[str, Any]:
    """Say what was done, as numbers."""
    model = dict.fromkeys(item for part in plan.weights.values() for item in part)
    return {
        "method": wanted.options.method,
        "asked_reach_km": wanted.options.reach_km,
        "asked_layers": wanted.options.layers,
        "asked_variables": list(wanted.options.variables),
        "reach_km": round(plan.nodes.reach, 3),
        "median_distance_km": round(float(np.median(distance)), 3),
        "greatest_distance_km": round(float(distance.max()), 3),
        "cells": len(wanted.cells),
        "cells_within_reach": int(plan.nodes.inside.sum()),
        "cells_without_values": int((~np.isfinite(values).any(axis=(0, 2))).sum()),
        "model_layers": {
            item.name: {"units": item.units, "factor": float(f"{item.factor:.6g}")}
            for item in model
        },
        "weights": {
            str(layer): {item.name: round(share, 6) for item, share in part.items()}
            for layer, part in plan.weights.items()
        },
        "covered": {str(layer): share for layer, share in plan.covered.items()},
        "values_a_day": plan.times.per_day,
        "days": len(plan.days),
        "days_partial": plan.lost["partial"],
        "days_outside": plan.lost["outside"],
    }


def _say(facts: Mapping[str, Any], plan: Gridded) -> list[str]:
    """Say what was done, in sentences."""
    how = "bilinear interpolation of the nodes around"
    if facts["method"] == "nearest":
        how = "the nearest node with values"
    lost = facts["cells"] - facts["cells_within_reach"]
    notes = [
        f"a gridded file was brought to cells by {how}, within"
        f" {facts['reach_km']:g} km: median distance {facts['median_distance_km']:g},"
        f" greatest {facts['greatest_distance_km']:g} km; {lost} of {facts['cells']}"
        f" cells out of reach, {facts['cells_without_values']} without values",
    ]
    for layer, share in facts["covered"].items():
        weights = facts["weights"].get(layer)
        if weights is None:
            notes.append(f"layer {layer} is left out: {share:.0%} of it is covered")
            continue
        parts = ", ".join(f"{part:.3g} x {name}" for name, part in weights.items())
        notes.append(f"layer {layer} is {parts}; {share:.0%} of it is covered")
    converted = {
        item["units"]: item["factor"]
        for item in facts["model_layers"].values()
        if item["factor"] != 1.0
    }
    if converted:
        notes.append(f"values in {', '.join(converted)} were converted to m3 m-3")
    if facts["values_a_day"] == 1:
        day = f"the value of {plan.times.clock} UTC stands for its day"
    else:
        day = f"a day is the mean of its {facts['values_a_day']} values"
    notes.append(
        f"{day}; of the release's days {facts['days']} have one,"
        f" {facts['days_partial']} are partial, {facts['days_outside']} lie outside the"
        " file's period"
    )
    return notes
