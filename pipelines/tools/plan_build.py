"""Plan a build from its station archives alone and print the plan as JSON.

Run as `python -m somobench.pipelines.tools.plan_build RECIPE.yaml`. Stations are read
as by the build, so that cells and layers are those that it will have, but for cells
without meteorology. What ERA5 has to hold follows from them.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from somobench.pipelines.forcing.cells import list_observed_cells
from somobench.pipelines.ingest.reading import read_stations
from somobench.pipelines.ingest.report import (
    Ingested,
    list_used,
    make_stations_table,
)
from somobench.pipelines.inputs import (
    AbsentInput,
    input_root,
    make_absence_error,
    measure_file,
    relative_path,
)
from somobench.pipelines.stage import run_stage
from somobench.pipelines.tools.era5_request import (
    DATASET,
    find_nodes,
    list_variables,
    make_last_request,
    make_request,
    measure_years,
    pack_boxes,
)
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.recipe import Recipe, SplitParams, load_recipe

# Measured on 2 cores (AMD EPYC, 2026): the virtual release, 105 series of 2,192 days,
# takes 240 s of processor for the ladder and its scores, and ERA5 as netCDF is read at
# 0.2 GB/s. Memory is that of two processes, one a core.
HASH_RATE = 1e9  # bytes a second, in each of the stages inputs and forcing
ERA5_RATE = 0.2e9  # bytes of float32 a second, unpacked and made daily
SECONDS_A_SERIES_DAY = 7.5e-5  # of each split: ladder, scores, report
FIXED_SECONDS = 60.0  # starting ten stages, whatever the recipe
BYTES_A_SERIES_DAY = 2300.0  # of the stage that takes most, the ladder on all features
FIXED_MEMORY = 0.5e9
DISK_A_SERIES_DAY = 40.0  # bytes of each split, in the stages' outputs and DVC's cache
SPLITS = len(SplitParams.model_fields)


def plan_build(recipe: Recipe) -> dict[str, Any]:
    """Say what a build will have and take.

    Parameters
    ----------
    recipe : Recipe
        Of real archives; those of its stations have to be here.

    Returns
    -------
    dict
        Fit for JSON. `stations`: archives, sensors kept and dropped by reason, cells by
        layer; `era5`: variables, nodes, boxes, bytes by year and every request, or None
        where the recipe needs none; `estimate`: seconds, and bytes of memory and
        disk.

    Raises
    ------
    InputError
        If a station archive is absent or damaged, no sensor is usable, or all inputs
        are generated.
    """
    archives = _find_archives(recipe)
    begun = time.perf_counter()
    ingested = read_stations(archives, recipe)
    seconds = time.perf_counter() - begun
    stations = make_stations_table(ingested.sensors, recipe.grid.resolution)
    observed = [record.sensor_id for record in list_used(ingested.sensors)]
    cells = list_observed_cells(stations, observed)
    used = stations[stations["sensor_id"].isin(observed)]
    size = sum(measure_size(path) for _, path in archives)
    era5 = _plan_era5(recipe, cells)
    series = int(used.groupby("layer")["cell_id"].nunique().sum())
    return {
        "recipe": recipe.release.id,
        "period": [str(recipe.period.start), str(recipe.period.end)],
        "stations": {
            "archives": [path.name for _, path in archives],
            "bytes": size,
            **_count_sensors(ingested),
            "stations": used["station_id"].nunique(),
            "networks": sorted(set(used["network"])),
            "cells": len(cells),
            "cells_by_layer": _count_cells(used, recipe),
        },
        "era5": era5,
        "estimate": _estimate(recipe, series, seconds, size, era5),
    }


def _find_archives(recipe: Recipe) -> list[tuple[str, Path]]:
    inputs = [item for item in recipe.raw_inputs() if item.role == "stations"]
    if all(item.params.generated for item in inputs):
        raise InputError(
            f"recipe {recipe.release.recipe}",
            found="stations that the build itself generates",
            expected="a recipe of real archives, which have to be planned for",
        )
    found = [
        (item, input_root() / relative_path(item.params.path))
        for item in inputs
        if not item.params.generated
    ]
    absent = [
        AbsentInput(item.params.name, path, item.params.url)
        for item, path in found
        if not path.exists()
    ]
    if absent:
        raise make_absence_error(absent)
    return [(item.source, path) for item, path in found]


def measure_size(path: Path) -> int:
    """Return the bytes of a file, or of all files below a folder."""
    return measure_file(path, lambda _: "")[0]


def _count_sensors(ingested: Ingested) -> dict[str, Any]:
    dropped = Counter(str(item.drop_reason) for item in ingested.sensors)
    kept = dropped.pop("None", 0)
    return {
        "sensors_kept": kept,
        "sensors_dropped": dict(dropped),
        "files_rejected": dict(Counter(item.reason for item in ingested.rejections)),
    }


def _count_cells(used: pd.DataFrame, recipe: Recipe) -> dict[str, int]:
    return {
        str(layer.layer): int(
            used.loc[used["layer"] == layer.layer, "cell_id"].nunique()
        )
        for layer in recipe.layers
    }


def _plan_era5(recipe: Recipe, cells: pd.DataFrame) -> dict[str, Any] | None:
    variables = list_variables(recipe)
    if not variables:
        return None
    nodes = find_nodes(
        cells["latitude"].to_numpy(),
        cells["longitude"].to_numpy(),
        recipe.grid.resolution,
    )
    boxes = pack_boxes(nodes)
    total = sum(box.nodes for box in boxes)
    years = measure_years(recipe.period, total, len(variables))
    requests = [
        make_request(box, variables, row["year"], recipe.period)
        for row in years
        for box in boxes
    ]
    last = [make_last_request(box, variables, recipe.period) for box in boxes]
    return {
        "dataset": DATASET,
        "recipe_takes": recipe.forcing.frequency,
        "variables": variables,
        "nodes_needed": len(nodes),
        "nodes_in_boxes": total,
        "boxes": [{"area": box.area, "nodes": box.nodes} for box in boxes],
        "years": years,
        "bytes": sum(row["bytes"] for row in years),
        "requests": [*requests, *filter(None, last)],
    }


def _estimate(
    recipe: Recipe, series: int, seconds: float, size: int, era5: dict[str, Any] | None
) -> dict[str, float]:
    days = (recipe.period.end - recipe.period.start).days + 1
    load = series * days
    meteorology = era5["bytes"] if era5 else 0
    time_taken = (
        FIXED_SECONDS
        + seconds
        + 2 * (size + meteorology) / HASH_RATE
        + meteorology / ERA5_RATE
        + load * SPLITS * SECONDS_A_SERIES_DAY
    )
    return {
        "series": series,
        "seconds": round(time_taken),
        "seconds_of_stations": round(seconds, 1),
        "memory_bytes": round(FIXED_MEMORY + load * BYTES_A_SERIES_DAY),
        "disk_bytes": round(size + meteorology + load * DISK_A_SERIES_DAY * SPLITS),
    }


def main() -> None:
    """Print the plan of the recipe that is named."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its argument
        found = " ".join(sys.argv[1:]) or "none"
        raise UsageError("arguments", found=found, expected="the file of a recipe")
    plan = plan_build(load_recipe(sys.argv[1]))
    sys.stdout.write(json.dumps(plan, indent=2) + "\n")


if __name__ == "__main__":
    run_stage(main)
