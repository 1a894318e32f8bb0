"""What of a model's own grid is read for a release, known from its metadata alone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import CELL_IDS, PREDICTION
from somobench.submissions.gridded.layers import (
    LEAST_COVERED,
    ModelLayer,
    find_model_layers,
    weigh_layers,
)
from somobench.submissions.gridded.nodes import Nodes, find_nodes
from somobench.submissions.gridded.places import Places, find_place_names, find_places
from somobench.submissions.gridded.request import Wanted
from somobench.submissions.gridded.slabs import (
    SLAB_BYTES,
    Plan,
    count_bytes,
    plan_reading,
)
from somobench.submissions.gridded.times import (
    Times,
    find_time_name,
    read_times,
    select_whole_days,
)

MAXIMUM_READ = 100_000_000_000  # bytes unpacked; what the processor time allows


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

    @property
    def model_layers(self) -> list[ModelLayer]:
        """The model's layers that are read, from the top."""
        parts = (item for part in self.weights.values() for item in part)
        return [*dict.fromkeys(parts)]

    def measure_memory(self, stored: xr.Dataset) -> int:
        """Return the bytes that the largest chunk, boxes and results take together."""
        chunk = max(
            plan.chunk_values * stored[name].dtype.itemsize
            for name, plan in self.plans.items()
        )
        by_day = len(self.days) * (16 * len(self.used) + 40 * len(self.nodes.number))
        return chunk + SLAB_BYTES + by_day


def is_gridded(dataset: xr.Dataset) -> bool:
    """Tell whether a file has latitude, longitude and time, and no ids of cells.

    A dim named cell is that of an unstructured grid, but for what is named as
    predictions are.
    """
    names = {*map(str, dataset.variables)}
    if PREDICTION in names:
        names |= {*map(str, dataset.dims)}
    if {"cell", CELL_IDS} & names:
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
    readings = dict.fromkeys(item for found in weights.values() for item in found)
    total = sum(
        count_bytes(stored.variables[item.variable], times.name, plans[item.variable])
        for item in readings
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
