"""Stage `forcing`: raw meteorology to daily forcing of the cells with stations.

Reads stations.parquet, observations.parquet, statics.parquet and the raw inputs; writes
forcing.zarr.zip, cells.parquet and forcing.json.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_json, write_parquet
from somobench.catalog.storage.processors import count_cores
from somobench.pipelines.forcing.cells import (
    describe_cells,
    list_observed_cells,
    state_dryness,
)
from somobench.pipelines.forcing.checks import refuse_missing_days
from somobench.pipelines.forcing.precision import STORED_STEP
from somobench.pipelines.forcing.source import (
    DailyForcing,
    ForcingRequest,
    find_forcing_source,
)
from somobench.pipelines.forcing.summary import summarise_forcing
from somobench.pipelines.inputs import InputRecord, verify_inputs
from somobench.pipelines.stage import load_table, read_batches
from somobench.pipelines.stations.statics import append_static_attributes
from somobench.schemas.errors import InputError
from somobench.schemas.grids import FORCING
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import CELLS, SENSORS, STATICS
from somobench.schemas.validate import validate_grid, validate_table
from somobench.schemas.variables import get_attrs

DATA = Path("data")
REPORT_DECIMALS = 6


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    report = write_forcing(load_recipe(), DATA, processes=count_cores())
    sys.stdout.write("\n".join(summarise_forcing(report)) + "\n")


def write_forcing(
    recipe: Recipe, folder: Path, *, processes: int = 1
) -> dict[str, Any]:
    """Write forcing.zarr.zip, cells.parquet and forcing.json into a folder.

    Raw inputs are those that `raw/inputs.json` in the folder records. Cells for which
    the source has nothing are left out and reported; a cell with a missing day is
    refused. With several processes, or on Dask, each makes other variables; the bytes
    are the same. Returns the content of forcing.json.

    Raises
    ------
    InputError
        If inputs can't be read, don't cover the cells or the period, or hold values
        that their variable can't have.
    ValidationError
        If an input table or a result breaks its schema.
    """
    inputs_file = folder / "raw" / "inputs.json"
    inputs = verify_inputs(inputs_file, "forcing")
    references = (
        verify_inputs(inputs_file, "reference") if recipe.reference.inputs else []
    )
    stations, observed = _load_sensors(folder)
    statics = load_table(folder / "statics.parquet", STATICS)
    request = ForcingRequest(
        recipe=recipe,
        cells=list_observed_cells(stations, observed),
        inputs=tuple(path for _, path in inputs),
        reference_inputs=tuple(path for _, path in references),
        processes=processes,
    )
    given = find_forcing_source(recipe.forcing.source).daily(request)
    kept = _mark_kept_cells(request.cells, given)
    dataset = finish_forcing(given.dataset.isel(cell=kept), request.cells[kept], recipe)
    climate = describe_cells(
        dataset, given.node_count[kept], recipe.regions, recipe.forcing.latent_heat
    )
    used = stations[(stations["layer"] > 0) & stations["sensor_id"].isin(observed)]
    table, described_by = append_static_attributes(climate, used, statics)
    if recipe.forcing.dryness != "net_radiation":
        table = state_dryness(table, dataset, recipe.forcing.dryness)
    validate_grid(dataset, FORCING, "forcing.zarr.zip")
    validate_table(table, CELLS, "cells.parquet")
    records = [record for record, _ in (*inputs, *references)]
    write_zarr_zip(dataset, folder / "forcing.zarr.zip")
    write_parquet(table, folder / "cells.parquet")
    report = report_forcing(given, dataset, table, records)
    report["static_attributes_of"] = described_by
    write_json(report, folder / "forcing.json")
    return report


def _load_sensors(folder: Path) -> tuple[pd.DataFrame, list[str]]:
    """Return the table of sensors, and the ids of those that have observations."""
    stations = load_table(folder / "stations.parquet", SENSORS)
    observed: set[str] = set()
    for batch in read_batches(folder / "observations.parquet", ["sensor_id"]):
        observed.update(batch["sensor_id"].unique())
    return stations, sorted(observed)


def _mark_kept_cells(cells: pd.DataFrame, given: DailyForcing) -> NDArray[np.bool_]:
    kept = ~cells["cell_id"].isin(list(given.dropped)).to_numpy()
    if not kept.any():
        raise InputError(
            "forcing inputs",
            found=f"data for none of {len(cells)} cells: "
            + "; ".join(sorted(set(given.dropped.values()))),
            expected="data for at least one cell",
        )
    return np.asarray(kept)


def finish_forcing(
    dataset: xr.Dataset, cells: pd.DataFrame, recipe: Recipe
) -> xr.Dataset:
    """Add coordinates and attributes, and refuse what isn't complete.

    Parameters
    ----------
    dataset : daily forcing of the cells, as a source gives it
    cells : cell_id, latitude, longitude of the same cells

    Raises
    ------
    InputError
        If a day is missing.
    """
    refuse_missing_days(dataset)
    layers = recipe.layers
    result = dataset.assign_coords(
        latitude=("cell", cells["latitude"].to_numpy(np.float64)),
        longitude=("cell", cells["longitude"].to_numpy(np.float64)),
        layer=np.array([layer.layer for layer in layers], np.int8),
        layer_depth_from=("layer", [layer.depth_from_cm / 100 for layer in layers]),
        layer_depth_to=("layer", [layer.depth_to_cm / 100 for layer in layers]),
    )
    for name, array in result.data_vars.items():
        step = {"quantisation_step": STORED_STEP[str(name)]}
        array.attrs = get_attrs(str(name)) | step | array.attrs
    for name, attrs in _COORD_ATTRS.items():
        result[name].attrs = dict(attrs)
    result.attrs = {
        "day_definition": dataset.attrs.get("day_definition", "UTC"),
        "grid_registration": recipe.forcing.registration,
        "grid_resolution": recipe.grid.resolution,
        "remapping": recipe.forcing.remapping,
        "title": "daily forcing of cells with stations",
    }
    return result


_COORD_ATTRS = {
    "cell": {"cf_role": "timeseries_id", "long_name": "cell centre"},
    "latitude": {"units": "degrees_north", "standard_name": "latitude"},
    "longitude": {"units": "degrees_east", "standard_name": "longitude"},
    "layer_depth_from": {"units": "m", "standard_name": "depth", "positive": "down"},
    "layer_depth_to": {"units": "m", "standard_name": "depth", "positive": "down"},
}


def report_forcing(
    given: DailyForcing,
    dataset: xr.Dataset,
    table: pd.DataFrame,
    records: Sequence[InputRecord],
) -> dict[str, Any]:
    """Say what went in, what came out, and what was left out for which reason."""
    counts = Counter(table["node_count"].tolist())
    return dict(given.report) | {
        "cells": {
            "kept": len(table),
            "dropped": len(given.dropped),
            "by_node_count": {str(count): counts[count] for count in sorted(counts)},
        },
        "dropped_cells": [
            {"cell_id": name, "reason": reason}
            for name, reason in sorted(given.dropped.items())
        ],
        "days": dataset.sizes["time"],
        "grid": {key: value for key, value in dataset.attrs.items() if key != "title"},
        "inputs": [
            {"name": item.name, "path": item.path, "sha256": item.sha256}
            for item in records
        ],
        "statistics": {
            str(name): _summarise_values(array)
            for name, array in dataset.data_vars.items()
        },
    }


def _summarise_values(array: xr.DataArray) -> dict[str, Any]:
    values = array.to_numpy().astype(np.float64)
    present = values[np.isfinite(values)]
    return {
        "units": array.attrs["units"],
        "minimum": round(float(present.min()), REPORT_DECIMALS),
        "maximum": round(float(present.max()), REPORT_DECIMALS),
        "mean": round(float(present.mean()), REPORT_DECIMALS),
    }
