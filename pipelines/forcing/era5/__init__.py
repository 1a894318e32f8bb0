"""Forcing source `era5`: ERA5 or ERA5-Land, from any store, daily on cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.parallel import map_items
from somobench.pipelines.forcing.era5.daily import choose_day_rule
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.opened import (
    choose_processes,
    open_placement,
    place_request,
)
from somobench.pipelines.forcing.era5.placement import (
    Placement,
    check_remapping,
)
from somobench.pipelines.forcing.era5.preliminary import (
    describe_days,
    describe_in_attrs,
    refuse_preliminary,
)
from somobench.pipelines.forcing.era5.reference import (
    REFERENCE,
    weigh_soil_moisture,
)
from somobench.pipelines.forcing.era5.variables import (
    Derivation,
    describe_delivery,
    find_derivation,
)
from somobench.pipelines.forcing.precision import quantise
from somobench.pipelines.forcing.source import DailyForcing, ForcingRequest
from somobench.progress import tell_step

NO_NODE = "no node of the input lies at the cell"
ALL_MISSING = "all nodes are missing (sea)"


class Era5Source:
    """Read ERA5 and place it on cells; see `ForcingSource`."""

    def daily(self, request: ForcingRequest) -> DailyForcing:
        """Give the recipe's variables and reference for the whole period.

        Raises
        ------
        InputError
            If an input can't be read, lacks a variable, or holds impossible values.
        UsageError
            If the recipe's keys exclude each other.
        """
        recipe = request.recipe
        check_remapping(recipe.forcing)
        with (
            open_inputs(request.inputs) as opened,
            open_inputs(request.reference_inputs) as others,
        ):
            placement = place_request(opened.stores, request)
            forcing = _derive_meteorology(placement, request)
            passed_over = [
                vars(item) for item in (*opened.passed_over, *others.passed_over)
            ]
            forcing.report["files_passed_over"] = passed_over
            if recipe.reference.source == "none":
                return forcing
            soil = place_request(others.stores, request) if others.stores else placement
            reference, report = weigh_soil_moisture(soil, request)
        return replace(
            forcing,
            dataset=forcing.dataset.assign({REFERENCE: reference}),
            report=forcing.report | {"reference": report},
        )


def _derive_meteorology(placement: Placement, request: ForcingRequest) -> DailyForcing:
    params = request.recipe.forcing
    dataset = xr.Dataset(coords=_make_coords(request))
    counts, described, preliminary = [], {}, {}
    read = partial(open_placement, request, request.inputs)
    work = partial(derive_variable, request)
    raws = dict.fromkeys(
        raw
        for name in params.variables
        for raw in _find_derivation(placement, request, name).raws
    )
    delivery = describe_delivery(params)
    processes = choose_processes(placement, tuple(raws), delivery, request)
    for name, made in zip(
        params.variables,
        map_items(work, params.variables, read, processes, held=placement),
        strict=True,
    ):
        attrs = describe_in_attrs(made.preliminary)
        dataset[name] = (("cell", "time"), made.stored, attrs)
        counts.append(made.node_count)
        preliminary[name] = made.preliminary
        described[name] = made.description
    if params.preliminary == "refuse":
        refuse_preliminary(preliminary)
    report = {
        "boxes": placement.report(),
        "frequency": params.frequency,
        "accumulation": params.accumulation,
        "preliminary": params.preliminary,
        "variables": described,
    }
    return DailyForcing(
        dataset,
        _count_nodes(counts, request),
        _explain_dropped_cells(placement, counts, request),
        report,
    )


class DerivedVariable(NamedTuple):
    """A variable of ours on cells."""

    stored: NDArray[np.float32]
    """(cell, day), quantised."""
    node_count: NDArray[np.int8]
    preliminary: NDArray[np.datetime64]
    description: dict[str, Any]


def derive_variable(
    request: ForcingRequest, placement: Placement, name: str
) -> DerivedVariable:
    """Read what a variable is made of, make it daily, and bring it to cells."""
    params = request.recipe.forcing
    delivery = describe_delivery(params)
    tell_step(f"making {name} daily")
    derivation = _find_derivation(placement, request, name)
    rule = choose_day_rule(
        params.frequency, params.accumulation, accumulated=derivation.accumulated
    )
    at_nodes = placement.daily(derivation, delivery, request.days, rule)
    values, count = placement.to_cells(at_nodes.values)
    stored, zeroed = quantise(name, values)
    description = {
        "daily": rule.words,
        "from": list(derivation.raws),
        "preliminary_days": describe_days(at_nodes.preliminary),
        "read": at_nodes.read,
        "small_negatives_set_to_zero": zeroed,
    }
    return DerivedVariable(stored, count, at_nodes.preliminary, description)


def _find_derivation(
    placement: Placement, request: ForcingRequest, name: str
) -> Derivation:
    params = request.recipe.forcing
    delivery = describe_delivery(params)
    return find_derivation(
        name, params.names, lambda raw: placement.holds(raw, delivery)
    )


def _make_coords(request: ForcingRequest) -> dict[str, Any]:
    return {
        "cell": request.cells["cell_id"].to_numpy().astype(str),
        "time": request.days.astype("datetime64[ns]"),
    }


def _count_nodes(
    counts: Sequence[NDArray[np.int8]], request: ForcingRequest
) -> NDArray[np.int8]:
    """Return by cell the fewest nodes that any variable had; 0 if not remapped."""
    fewest = np.min(np.stack(counts), axis=0)
    if request.recipe.forcing.remapping == "none":
        return np.zeros_like(fewest)
    return np.asarray(fewest, dtype=np.int8)


def _explain_dropped_cells(
    placement: Placement, counts: Sequence[NDArray[np.int8]], request: ForcingRequest
) -> dict[str, str]:
    nowhere = np.asarray((placement.nodes < 0).all(axis=1))
    empty = np.asarray((np.stack(counts) == 0).any(axis=0))
    cells = request.cells["cell_id"].to_numpy()
    return {
        str(cells[index]): NO_NODE if nowhere[index] else ALL_MISSING
        for index in np.flatnonzero(nowhere | empty)
    }
