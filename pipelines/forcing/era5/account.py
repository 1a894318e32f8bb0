"""What a delivery of ERA5 holds, what it lacks, and which recipe keys fit it.

For `somobench validate`: before any build, and without reading more than a few values.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.accumulation import find_accumulation
from somobench.pipelines.forcing.era5.daily import Accumulation, Frequency
from somobench.pipelines.forcing.era5.fields import Box, Field, group_boxes
from somobench.pipelines.forcing.era5.files.stores import OpenedInputs, open_inputs
from somobench.pipelines.forcing.era5.files.validity import list_times
from somobench.pipelines.forcing.era5.needs import list_lacks
from somobench.pipelines.forcing.era5.nodes import (
    NodeSet,
    check_registration,
    find_spacing,
)
from somobench.pipelines.forcing.era5.variables import RAW, Delivery, describe_delivery
from somobench.schemas.errors import InputError
from somobench.schemas.recipe import Recipe

HOUR = np.timedelta64(1, "h")
DAY = np.timedelta64(1, "D")
SHOWN = 5
HOURS_A_DAY = 24
REMAPPING = {"node": "corner_mean", "cell": "none", "points": "corner_mean"}


def account_for(path: Path, recipe: Recipe | None = None) -> dict[str, Any]:
    """Account for every file and variable of a delivery.

    Parameters
    ----------
    path : Path
        File, zip or folder.
    recipe : Recipe, optional
        What it is meant for; names and units of its `forcing` are used.

    Returns
    -------
    dict
        `reader`; `files` found, read, rejected and passed over; `rejected_files`;
        `grids`; `variables` with unit, period, gaps and preliminary times;
        `lacks`, of the recipe or of all that ERA5 can give; `keys`, the recipe's keys
        that fit; `lines`, the same for people.
    """
    refusals: list[InputError] = []
    with open_inputs([path], refusals.append) as opened:
        boxes = group_boxes(opened.stores)
        delivery = _derive_delivery(boxes, recipe)
        grids = [_describe_grid(box) for box in boxes]
        variables = []
        for box in boxes:
            variables += _describe_variables(box, delivery, refusals)
        keys = _suggest_keys(boxes, delivery, grids, variables)
        unknown = _find_unknown_names(boxes, delivery)
        lacks = list_lacks(boxes, delivery, (variables, grids), recipe)
        files = _count_files(opened, refusals)
    account = {
        "reader": "era5",
        "files": files,
        "rejected_files": [_describe_rejection(error) for error in refusals],
        "passed_over": [vars(item) for item in opened.passed_over],
        "grids": grids,
        "variables": variables,
        "unknown_variables": unknown,
        "keys": keys,
        "lacks": lacks,
        "asked_by": None if recipe is None else recipe.release.recipe,
    }
    return account | {"lines": _format_account(account)}


def _count_files(
    opened: OpenedInputs, refusals: Sequence[InputError]
) -> dict[str, int]:
    read = len({name for name, _ in opened.stores})
    return {
        "found": read + len(refusals) + len(opened.passed_over),
        "read": read,
        "rejected": len(refusals),
        "passed over": len(opened.passed_over),
    }


def _describe_rejection(error: InputError) -> dict[str, str]:
    return {
        "file": error.what,
        "reason": "refused",
        "found": str(error.found),
        "expected": str(error.expected)
        + (f" ({error.hint})" if error.hint is not None else ""),
    }


def _derive_delivery(boxes: Sequence[Box], recipe: Recipe | None) -> Delivery:
    """Take names and units of the recipe, and the frequency of the files."""
    steps = [
        float(np.median(np.diff(times) / HOUR))
        for box in boxes
        for _, store in box.stores
        if len(times := list_times(store)) > 1
    ]
    frequency: Frequency = (
        "daily" if steps and np.median(steps) >= HOURS_A_DAY else "hourly"
    )
    accumulation: Accumulation = (
        "daily_total" if frequency == "daily" else "hour_ending"
    )
    if recipe is None:
        return Delivery(frequency, accumulation)
    given = describe_delivery(recipe.forcing)
    return Delivery(frequency, accumulation, given.names, given.units)


def _describe_grid(box: Box) -> dict[str, Any]:
    nodes = box.nodes
    return {
        "files": len({name for name, _ in box.stores}),
        "nodes": len(nodes.latitude) * (len(nodes.longitude) if nodes.is_grid else 1),
        "latitude": _round_extent(nodes.latitude),
        "longitude": _round_extent(nodes.longitude),
        "spacing": round(find_spacing(nodes.latitude, 0.0), 6)
        if nodes.is_grid
        else None,
        "registration": _name_registration(nodes),
    }


def _round_extent(axis: NDArray[np.float64]) -> list[float]:
    return [round(float(axis.min()), 4), round(float(axis.max()), 4)]


def _name_registration(nodes: NodeSet) -> str | None:
    """Name the registration that the positions allow; None if neither."""
    if not nodes.is_grid:
        return "points"
    for name in ("node", "cell"):
        try:
            check_registration(nodes, name, find_spacing(nodes.latitude, 0.25), "")
        except InputError:
            continue
        return name
    return None


def _describe_variables(
    box: Box, delivery: Delivery, refusals: list[InputError]
) -> list[dict[str, Any]]:
    found = []
    for raw in RAW.values():
        if not box.holds(raw.name, delivery):
            continue
        try:
            found.append(
                _describe_variable(box.field(raw, delivery), delivery.frequency)
            )
        except InputError as error:
            refusals.append(error)
    return found


def _describe_variable(field: Field, frequency: Frequency) -> dict[str, Any]:
    times = field.times
    step = DAY if frequency == "daily" else HOUR
    jumps = np.flatnonzero(np.diff(times) > step)
    flags = {
        time: bool(flag)
        for part in field.parts
        for time, flag in zip(part.times, part.preliminary, strict=True)
    }
    return {
        "variable": field.raw.name,
        **field.described(),
        "start": str(times[0])[:16],
        "end": str(times[-1])[:16],
        "times": len(times),
        "gaps": [
            {"after": str(times[at])[:16], "before": str(times[at + 1])[:16]}
            for at in jumps
        ],
        "preliminary_times": sum(flags.values()),
        "accumulates": None if frequency == "daily" else find_accumulation(field),
    }


def _suggest_keys(
    boxes: Sequence[Box],
    delivery: Delivery,
    grids: Sequence[dict[str, Any]],
    variables: Sequence[dict[str, Any]],
) -> dict[str, Any]:
    """Say which keys of a recipe fit what the files hold."""
    if not boxes:
        return {}
    largest = max(grids, key=lambda grid: grid["nodes"])
    seen = [item["accumulates"] for item in variables if item["accumulates"]]
    keys: dict[str, Any] = {"forcing.frequency": delivery.frequency}
    if delivery.frequency == "daily":
        keys["forcing.accumulation"] = (
            "daily_total, or since_00_utc if a total stands at 00 UTC of the day after"
        )
    elif seen:
        keys["forcing.accumulation"] = max(set(seen), key=seen.count)
    if largest["registration"] is not None:
        keys["forcing.registration"] = largest["registration"]
        keys["forcing.remapping"] = REMAPPING[largest["registration"]]
    if any(item["preliminary_times"] for item in variables):
        keys["forcing.preliminary"] = "accept (counted), or refuse"
    return keys


def _find_unknown_names(boxes: Sequence[Box], delivery: Delivery) -> list[str]:
    known = {name for raw in RAW.values() for name in delivery.get_names(raw)}
    held = {str(name) for box in boxes for _, store in box.stores for name in store}
    return sorted(held - known)


def _format_account(account: dict[str, Any]) -> list[str]:
    """Say it in lines for a terminal."""
    lines = []
    for grid in account["grids"]:
        where = f"latitude {grid['latitude'][0]:g} to {grid['latitude'][1]:g}, "
        where += f"longitude {grid['longitude'][0]:g} to {grid['longitude'][1]:g}"
        kind = f"{grid['spacing']:g} degrees" if grid["spacing"] else "points"
        lines.append(
            f"grid: {kind}, {where}; {grid['nodes']} nodes in {grid['files']} files; "
            f"registration: {grid['registration'] or 'neither node nor cell'}"
        )
    lines += _format_periods(account["variables"])
    if account["unknown_variables"]:
        names = ", ".join(account["unknown_variables"])
        lines.append(f"not known: {names} (a name goes into forcing.names)")
    lines += _format_passed_over(account["passed_over"])
    lines += [f"recipe: {key}: {value}" for key, value in account["keys"].items()]
    if account["asked_by"] is None:
        lines += [f"lacks for every variable: {item}" for item in account["lacks"]]
    return lines


def _format_passed_over(files: Sequence[dict[str, str]]) -> list[str]:
    """Name the first files of each reason."""
    names: dict[str, list[str]] = {}
    for item in files:
        names.setdefault(item["reason"], []).append(item["name"])
    return [
        f"{len(held)} files passed over: {reason}: {', '.join(held[:SHOWN])}"
        + (", ..." if len(held) > SHOWN else "")
        for reason, held in names.items()
    ]


def _format_periods(variables: Sequence[dict[str, Any]]) -> list[str]:
    """Name together the variables of one period, with their units; then the gaps."""
    together: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for item in variables:
        period = f"{item['start']} to {item['end']}, {item['times']} times"
        if item["preliminary_times"]:
            period += f" ({item['preliminary_times']} preliminary)"
        gaps = "; ".join(
            f"after {gap['after']} until {gap['before']}"
            for gap in item["gaps"][:SHOWN]
        )
        more = len(item["gaps"]) - SHOWN
        gaps += f" and {more} more" if more > 0 else ""
        together.setdefault((period, gaps), []).append(item)
    lines = []
    for (period, gaps), items in together.items():
        names = ", ".join(
            f"{item['variable']} [{' or '.join(item['units'])}]" for item in items
        )
        lines += [f"{names}: {period}", *([f"  gaps: {gaps}"] if gaps else [])]
    return lines
