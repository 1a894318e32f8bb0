"""Reanalysis soil moisture of the nominal layers, which targets are matched to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.parallel import map_items
from somobench.pipelines.forcing.era5.daily import (
    MEAN_OF_HOURS,
    THE_DAYS_OWN,
    DayRule,
    Frequency,
)
from somobench.pipelines.forcing.era5.files.validity import list_times
from somobench.pipelines.forcing.era5.levels import (
    ERA5_LEVELS,
    LayerWeights,
    weigh_levels,
)
from somobench.pipelines.forcing.era5.opened import choose_processes, open_placement
from somobench.pipelines.forcing.era5.placement import Placement
from somobench.pipelines.forcing.era5.preliminary import (
    describe_days,
    describe_in_attrs,
    refuse_preliminary,
)
from somobench.pipelines.forcing.era5.variables import (
    Delivery,
    Derivation,
    describe_delivery,
)
from somobench.pipelines.forcing.precision import STORED_STEP, quantise
from somobench.pipelines.forcing.source import ForcingRequest
from somobench.progress import tell_step
from somobench.schemas.errors import UsageError

REFERENCE = "reanalysis_soil_moisture"

Floats = NDArray[np.float64]


def weigh_soil_moisture(
    placement: Placement, request: ForcingRequest
) -> tuple[xr.DataArray, dict[str, Any]]:
    """Weigh the input's soil levels to the recipe's layers.

    Layers that `reference.layers` doesn't list stay missing. A node whose soil water
    is zero on every day is sea and doesn't count. Zero is what is within one stored
    step of it, 2**-14: ERA5 itself packs soil water to 16 bits, about 2**-16, and files
    converted from it no longer say so.

    Returns
    -------
    tuple of DataArray and dict
        (layer, cell, time) float32, m3 m-3, with the weights in its attributes; and
        how it was made.

    Raises
    ------
    InputError
        If a listed layer has no level in the input.
    UsageError
        If the recipe lists no layer, or one that it doesn't define.
    """
    weights = _weigh_layers(placement, request)
    values, sea_nodes, preliminary = _average_levels(placement, weights, request)
    if request.recipe.forcing.preliminary == "refuse":
        refuse_preliminary({REFERENCE: preliminary})
    stored, zeroed = quantise(REFERENCE, values)
    listed = [index for index, item in enumerate(weights.values()) if item is not None]
    empty = np.isnan(stored[listed]).all(axis=2).any(axis=0)
    cells = request.cells["cell_id"].to_numpy().astype(str)
    layers = np.array(list(weights), np.int8)
    array = xr.DataArray(
        stored,
        dims=("layer", "cell", "time"),
        coords={
            "layer": layers,
            "cell": cells,
            "time": request.days.astype("datetime64[ns]"),
        },
        attrs=_make_attrs(weights) | describe_in_attrs(preliminary),
    )
    return array, {
        "boxes": placement.report() if request.reference_inputs else "of the forcing",
        "cells_without": cells[empty].tolist(),
        "daily": _choose_day_rule(_resolve_frequency(placement, request)).words,
        "layers": _describe_weights(weights),
        "preliminary_days": describe_days(preliminary),
        "sea_nodes_left_out": sea_nodes,
        "small_negatives_set_to_zero": zeroed,
    }


def _weigh_layers(
    placement: Placement, request: ForcingRequest
) -> dict[int, LayerWeights | None]:
    recipe = request.recipe
    delivery = describe_delivery(recipe.forcing)
    wanted = set(recipe.reference.layers)
    unknown = wanted - {layer.layer for layer in recipe.layers}
    if unknown or not wanted:
        raise UsageError(
            "reference.layers of the recipe",
            found=str(list(recipe.reference.layers)),
            expected="some of " + ", ".join(str(item.layer) for item in recipe.layers),
        )
    levels = frozenset(
        level for level in ERA5_LEVELS if placement.holds(level, delivery)
    )
    return {
        item.layer: weigh_levels(item.depth_from_cm, item.depth_to_cm, levels)
        if item.layer in wanted
        else None
        for item in recipe.layers
    }


def _average_levels(
    placement: Placement,
    weights: Mapping[int, LayerWeights | None],
    request: ForcingRequest,
) -> tuple[Floats, int, NDArray[np.datetime64]]:
    """Return (layer, cell, day) values, the number of sea nodes, preliminary days."""
    frequency = _resolve_frequency(placement, request)
    values = np.zeros((len(weights), len(request.cells), len(request.days)))
    values[[item is None for item in weights.values()]] = np.nan
    sea_nodes, preliminary = 0, request.days[:0]
    levels = [level for level in ERA5_LEVELS if _list_shares(weights, level)]
    delivery = _choose_delivery(request, frequency)
    found = map_items(
        partial(read_level, request, frequency),
        levels,
        partial(open_placement, request, request.reference_inputs or request.inputs),
        choose_processes(placement, levels, delivery, request),
        held=placement,
    )
    for level, read in zip(levels, found, strict=True):
        sea_nodes = max(sea_nodes, read.sea_nodes)
        preliminary = np.union1d(preliminary, read.preliminary)
        for index, share in _list_shares(weights, level).items():
            values[index] += share * read.at_cells
    return values, sea_nodes, preliminary


class SoilLevel(NamedTuple):
    """A soil level by day."""

    at_cells: Floats
    """(cell, day)"""
    sea_nodes: int
    preliminary: NDArray[np.datetime64]


def read_level(
    request: ForcingRequest, frequency: Frequency, placement: Placement, level: str
) -> SoilLevel:
    """Read a soil level, make it daily, and bring it to cells; sea is left out."""
    tell_step(f"making {level} daily")
    at_nodes = placement.daily(
        Derivation(raws=(level,)),
        _choose_delivery(request, frequency),
        request.days,
        _choose_day_rule(frequency),
    )
    sea = (np.abs(at_nodes.values) <= STORED_STEP[REFERENCE]).all(axis=0)
    at_nodes.values[:, sea] = np.nan
    at_cells, _ = placement.to_cells(at_nodes.values)
    return SoilLevel(at_cells, int(sea.sum()), at_nodes.preliminary)


def _choose_delivery(request: ForcingRequest, frequency: Frequency) -> Delivery:
    return replace(describe_delivery(request.recipe.forcing), frequency=frequency)


def _list_shares(
    weights: Mapping[int, LayerWeights | None], level: str
) -> dict[int, float]:
    """By position of the layer: the level's share, where it has one."""
    return {
        index: item.weights[level]
        for index, item in enumerate(weights.values())
        if item is not None and level in item.weights
    }


def _choose_day_rule(frequency: Frequency) -> DayRule:
    return THE_DAYS_OWN if frequency == "daily" else MEAN_OF_HOURS


def _resolve_frequency(placement: Placement, request: ForcingRequest) -> Frequency:
    """Take the recipe's frequency, or find that of separate reference inputs."""
    if not request.reference_inputs:
        return request.recipe.forcing.frequency
    steps = np.diff(list_times(placement.used[0][0].stores[0][1]))
    is_hourly = len(steps) > 0 and np.median(steps) < np.timedelta64(1, "D")
    return "hourly" if is_hourly else "daily"


def _make_attrs(weights: Mapping[int, LayerWeights | None]) -> dict[str, str]:
    held = {layer: item for layer, item in weights.items() if item is not None}
    attrs = {
        "layer_weights": "; ".join(f"{layer}: {item}" for layer, item in held.items())
    }
    missing = {layer: item.missing for layer, item in held.items() if item.missing}
    if missing:
        attrs["levels_missing"] = "; ".join(
            f"{layer}: {', '.join(names)}" for layer, names in missing.items()
        )
    return attrs


def _describe_weights(weights: Mapping[int, LayerWeights | None]) -> dict[str, Any]:
    return {
        str(layer): {
            "levels_missing": list(item.missing),
            "weights": {name: round(share, 6) for name, share in item.weights.items()},
        }
        for layer, item in weights.items()
        if item is not None
    }
