"""What a build of a real recipe will have and take, before any meteorology is here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from somobench.building.checks import (
    DATA_VARIABLE,
    find_checkout,
    list_recipes,
    require_known,
    resolve_data_folder,
)
from somobench.validate import ask_pipelines

PLANNER = "somobench.pipelines.tools.plan_build"
SHOWN_BOXES = 8
GIGA = 1e9
HOUR, MINUTE = 3600, 60
DAILY = (
    "the recipe takes daily values: for hourly files write frequency: hourly, "
    "accumulation: hour_ending, registration: node, remapping: corner_mean into forcing"
)
Plan = dict[str, Any]


def plan_recipe(recipe: str) -> Plan:
    """Plan the build of a recipe from its station archives alone.

    Parameters
    ----------
    recipe : str
        Name of a file in `conf/recipe`, or the path of a recipe's file.

    Returns
    -------
    dict
        As of `somobench.pipelines.tools.plan_build.plan_build`.

    Raises
    ------
    InputError
        If there is no checkout, a station archive is absent or damaged, or the recipe
        isn't sound.
    UnknownNameError
        If there is no such recipe.
    """
    path = Path(recipe)
    if path.suffix != ".yaml":
        root = find_checkout()
        require_known(recipe, list_recipes(root))
        path = root / f"conf/recipe/{recipe}.yaml"
        os.environ[DATA_VARIABLE] = str(resolve_data_folder(root))
    return ask_pipelines(PLANNER, str(path), what=f"plan of recipe {recipe}")


def describe_plan(plan: Plan) -> Iterator[tuple[str, list[str]]]:
    """Yield headings with their lines, for people."""
    start, end = plan["period"]
    yield f"{plan['recipe']}, {start} to {end}", _describe_stations(plan["stations"])
    if plan["era5"] is None:
        yield "ERA5", ["none is needed"]
    else:
        yield "ERA5 to download, hourly", _describe_era5(plan["era5"])
    yield (
        "estimate for the build, once all is here",
        _describe_estimate(plan["estimate"]),
    )


def _describe_stations(found: Plan) -> list[str]:
    layers = ", ".join(
        f"{count} in layer {layer}" for layer, count in found["cells_by_layer"].items()
    )
    dropped = [
        f"{n} sensors dropped: {why}" for why, n in found["sensors_dropped"].items()
    ]
    rejected = [
        f"{n} files rejected: {why}" for why, n in found["files_rejected"].items()
    ]
    return [
        f"{_count(found['sensors_kept'], 'sensor')} of "
        f"{_count(found['stations'], 'station')} in "
        f"{_count(len(found['networks']), 'network')}",
        *dropped,
        *rejected,
        f"{found['cells']} cells: {layers}",
    ]


def _describe_era5(era5: Plan) -> list[str]:
    boxes = era5["boxes"]
    shown = [
        f"  north, west, south, east {item['area']}: {item['nodes']} nodes"
        for item in boxes[:SHOWN_BOXES]
    ]
    more = len(boxes) - SHOWN_BOXES
    years = era5["years"]
    largest = max(row["bytes"] for row in years)
    return [
        f"{len(era5['variables'])} variables: {', '.join(era5['variables'])}",
        f"{_count(len(boxes), 'box')} with {era5['nodes_in_boxes']} nodes, of which "
        f"{era5['nodes_needed']} are needed",
        *shown,
        *([f"  and {more} more"] if more > 0 else []),
        f"{_count(len(years), 'year')} of at most {write_size(largest)} as float32, "
        f"{write_size(era5['bytes'])} in all; about half of that as it is packed",
        f"{_count(len(era5['requests']), 'request')} of {era5['dataset']}; where one "
        "is too large for the data centre, ask month by month",
        *([DAILY] if era5["recipe_takes"] == "daily" else []),
    ]


def _describe_estimate(estimate: Plan) -> list[str]:
    return [
        f"{write_time(estimate['seconds'])} on two cores, "
        f"{write_size(estimate['memory_bytes'])} of memory, "
        f"{write_size(estimate['disk_bytes'])} of disk",
        f"reading the stations took {write_time(estimate['seconds_of_stations'])}; "
        "the rest grows with bytes of ERA5 and series times days "
        f"({estimate['series']} series) and may be off by a factor of two",
    ]


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("x") else "s"
    return f"{number} {noun}{plural * (number != 1)}"


def write_size(size: float) -> str:
    """Write bytes in GB, with a digit that says something."""
    return f"{size / GIGA:.1f} GB" if size >= GIGA else f"{size / 1e6:.1f} MB"


def write_time(seconds: float) -> str:
    """Write a duration in the unit that fits."""
    if seconds >= HOUR:
        return f"{seconds / HOUR:.1f} hours"
    return (
        f"{seconds / MINUTE:.0f} minutes" if seconds >= MINUTE else f"{seconds:.0f} s"
    )
