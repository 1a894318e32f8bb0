"""What a delivery of ERA5 lacks for a recipe, and which key would help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from somobench.pipelines.forcing.era5.fields import Box
from somobench.pipelines.forcing.era5.levels import ERA5_LEVELS, weigh_levels
from somobench.pipelines.forcing.era5.variables import (
    RAW,
    Delivery,
    find_derivation,
    list_derivable_variables,
)
from somobench.schemas.errors import InputError, SomobenchError
from somobench.schemas.recipe import ForcingParams, PeriodParams, Recipe


def list_lacks(
    boxes: Sequence[Box],
    delivery: Delivery,
    seen: tuple[Sequence[dict[str, Any]], Sequence[dict[str, Any]]],
    recipe: Recipe | None,
) -> list[str]:
    """List what is missing for a recipe, or for all variables that ERA5 can give.

    Parameters
    ----------
    seen : pair of lists
        The account's `variables` and `grids`.
    """
    variables, grids = seen
    if not boxes:
        return ["any readable file"]
    wanted = list_derivable_variables() if recipe is None else recipe.forcing.variables
    found = []
    for name in wanted:
        try:
            derivation = find_derivation(
                name, delivery.names, lambda raw: _is_held(boxes, raw, delivery)
            )
        except SomobenchError as error:
            found.append(f"{name}: {error.hint or error.found}")
            continue
        absent = [raw for raw in derivation.raws if not _is_held(boxes, raw, delivery)]
        if absent:
            others = " or ".join(delivery.get_names(RAW[absent[0]])[:2])
            found.append(
                f"{name}: no {', '.join(absent)} (looked for {others}; another name "
                f"goes into forcing.names: {{{absent[0]}: ...}})"
            )
    if recipe is not None:
        found += _list_contradicting_keys(variables, delivery, grids, recipe.forcing)
        found += _list_missing_periods(variables, recipe.period, recipe.forcing)
        found += _list_absent_levels(boxes, delivery, recipe)
    return found


def _is_held(boxes: Sequence[Box], raw: str, delivery: Delivery) -> bool:
    return any(box.holds(raw, delivery) for box in boxes)


def _list_contradicting_keys(
    variables: Sequence[dict[str, Any]],
    delivery: Delivery,
    grids: Sequence[dict[str, Any]],
    params: ForcingParams,
) -> list[str]:
    """List the recipe's keys that say something else than the files."""
    grown = {item["accumulates"] for item in variables} - {None}
    seen = {
        "frequency": {delivery.frequency},
        "registration": {grid["registration"] for grid in grids},
        "accumulation": grown if params.frequency == "hourly" else set(),
    }
    return [
        f"forcing.{key}: {getattr(params, key)} in the recipe; the files look like "
        f"{' and '.join(sorted(str(item) for item in held))}"
        for key, held in seen.items()
        if held - {getattr(params, key)}
    ]


def _list_missing_periods(
    variables: Sequence[dict[str, Any]], period: PeriodParams, params: ForcingParams
) -> list[str]:
    """List what of the period files don't cover: its begin, its end, gaps within."""
    start, end = np.datetime64(period.start, "h"), np.datetime64(period.end, "h")
    found: dict[str, list[str]] = {}
    for item in variables:
        needs_next = RAW[item["variable"]].accumulated and (
            params.frequency == "hourly" or params.accumulation == "since_00_utc"
        )
        hours = 24 if needs_next else 23 if params.frequency == "hourly" else 0
        last = end + np.timedelta64(hours, "h")
        first_held, last_held = (np.datetime64(item[key]) for key in ("start", "end"))
        inside = [
            gap
            for gap in item["gaps"]
            if np.datetime64(gap["before"]) > start
            and np.datetime64(gap["after"]) < last
        ]
        for text, is_lacking in (
            (
                f"begins at {item['start']}, the period on {period.start}",
                first_held.astype("datetime64[D]") > start,
            ),
            (f"ends at {item['end']}, the period needs {last}", last_held < last),
            (f"{len(inside)} gaps within the period", bool(inside)),
        ):
            if is_lacking:
                found.setdefault(text, []).append(item["variable"])
    return [f"{', '.join(names)}: {text}" for text, names in found.items()]


def _list_absent_levels(
    boxes: Sequence[Box], delivery: Delivery, recipe: Recipe
) -> list[str]:
    if recipe.reference.source == "none" or recipe.reference.inputs:
        return []
    held = frozenset(level for level in ERA5_LEVELS if _is_held(boxes, level, delivery))
    found = []
    for layer in recipe.layers:
        if layer.layer not in recipe.reference.layers:
            continue
        try:
            missing = weigh_levels(layer.depth_from_cm, layer.depth_to_cm, held).missing
        except InputError:
            missing = ("any level",)
        if missing:
            found.append(f"reference of layer {layer.layer}: no {', '.join(missing)}")
    return found
