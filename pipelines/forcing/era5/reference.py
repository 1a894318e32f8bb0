"""Reanalysis soil moisture of the nominal layers, which targets are matched to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import (
    MEAN_OF_HOURS,
    THE_DAYS_OWN,
    DayRule,
    Frequency,
)
from somobench.pipelines.forcing.era5.files.validity import list_times
from somobench.pipelines.forcing.era5.placement import Placement
from somobench.pipelines.forcing.era5.preliminary import (
    describe_days,
    describe_in_attrs,
    refuse_preliminary,
)
from somobench.pipelines.forcing.era5.variables import Derivation, describe_delivery
from somobench.pipelines.forcing.precision import STORED_STEP, quantise
from somobench.pipelines.forcing.source import ForcingRequest
from somobench.schemas.errors import InputError, UsageError

ERA5_LEVELS: Mapping[str, tuple[float, float]] = {
    "swvl1": (0.0, 7.0),
    "swvl2": (7.0, 28.0),
    "swvl3": (28.0, 100.0),
    "swvl4": (100.0, 289.0),
}
"""Depth interval of each soil level of ERA5 and ERA5-Land, cm."""


@dataclass(frozen=True)
class LayerWeights:
    """Share of each soil level in a layer; the shares sum to 1."""

    weights: Mapping[str, float]
    missing: tuple[str, ...] = ()
    """Levels that reach into the layer but aren't in the input."""

    def __str__(self) -> str:
        return " + ".join(f"{share:g} {name}" for name, share in self.weights.items())


def weigh_levels(
    depth_from: float,
    depth_to: float,
    available: frozenset[str] = frozenset(ERA5_LEVELS),
) -> LayerWeights:
    """Weigh soil levels by the thickness that they share with a layer.

    Where a level that reaches into the layer isn't available, the others carry its
    share in proportion, and it is listed as missing.

    Parameters
    ----------
    depth_from, depth_to : float, cm, positive down
    available : names of levels that the input has

    Raises
    ------
    UsageError
        If the layer isn't between the surface and the deepest level's end.
    InputError
        If no level that reaches into the layer is available.

    Notes
    -----
    Thickness weights as in the processing of SoMo.ml's author: 0-10 cm is
    0.7 swvl1 + 0.3 swvl2. Levels of HTESSEL: Balsamo et al. 2009,
    doi:10.1175/2008JHM1068.1.

    Examples
    --------
    >>> print(weigh_levels(10, 30))
    0.9 swvl2 + 0.1 swvl3
    >>> weigh_levels(0, 10, frozenset({"swvl1"}))
    LayerWeights(weights={'swvl1': 1.0}, missing=('swvl2',))
    """
    deepest = max(bottom for _, bottom in ERA5_LEVELS.values())
    if not 0 <= depth_from < depth_to <= deepest:
        raise UsageError(
            "depth of a layer",
            found=f"{depth_from:g} to {depth_to:g} cm",
            expected=f"an interval within 0 to {deepest:g} cm",
        )
    shared = {
        name: min(depth_to, bottom) - max(depth_from, top)
        for name, (top, bottom) in ERA5_LEVELS.items()
        if min(depth_to, bottom) > max(depth_from, top)
    }
    present = {name: shared[name] for name in shared if name in available}
    if not present:
        raise InputError(
            f"reference soil moisture of {depth_from:g} to {depth_to:g} cm",
            found=f"levels {', '.join(sorted(available)) or 'none'}",
            expected=f"at least one of {', '.join(shared)}",
            hint="leave the layer out of reference.layers",
        )
    total = sum(present.values())
    return LayerWeights(
        {name: thickness / total for name, thickness in present.items()},
        tuple(name for name in shared if name not in present),
    )


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
    delivery = replace(describe_delivery(request.recipe.forcing), frequency=frequency)
    values = np.zeros((len(weights), len(request.cells), len(request.days)))
    values[[item is None for item in weights.values()]] = np.nan
    sea_nodes, preliminary = 0, request.days[:0]
    for level in ERA5_LEVELS:
        shares = _list_shares(weights, level)
        if not shares:
            continue
        daily = placement.daily(
            Derivation(raws=(level,)),
            delivery,
            request.days,
            _choose_day_rule(frequency),
        )
        at_nodes = daily.values
        sea = (np.abs(at_nodes) <= STORED_STEP[REFERENCE]).all(axis=0)
        at_nodes[:, sea] = np.nan
        sea_nodes = max(sea_nodes, int(sea.sum()))
        preliminary = np.union1d(preliminary, daily.preliminary)
        at_cells, _ = placement.to_cells(at_nodes)
        for index, share in shares.items():
            values[index] += share * at_cells
    return values, sea_nodes, preliminary


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
