"""Stage `targets`: daily observations and a reference to gridded targets.

Reads stations.parquet, observations.parquet, forcing.zarr.zip and forcing.json; writes
targets.zarr.zip and targets.json. Sensors in cells without forcing are left out.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_json
from somobench.pipelines.stage import (
    load_table,
    open_grid,
    read_batches,
    read_report,
)
from somobench.pipelines.targets.cells import DenseSeries, build_targets
from somobench.pipelines.targets.grid import TargetGrid
from somobench.pipelines.targets.report import TargetReport
from somobench.schemas.errors import InputError
from somobench.schemas.grids import FORCING, TARGETS, list_complete
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.tables import OBSERVATIONS, SENSORS
from somobench.schemas.validate import validate_grid, validate_table
from somobench.schemas.variables import AVAILABILITY, OF_RECORD

DATA = Path("data")


def main() -> None:
    """Run the stage on the recipe and folder of the checkout."""
    write_targets(load_recipe(), DATA)


def write_targets(recipe: Recipe, folder: Path) -> None:
    """Write targets.zarr.zip and targets.json from the tables and forcing in a folder.

    The report is written first, so that it also explains a stage that finds no target.

    Raises
    ------
    InputError
        If inputs don't fit together or no sensor passes the rule.
    ValidationError
        If an input or the result breaks its schema.
    """
    days = pd.date_range(recipe.period.start, recipe.period.end, unit="ns")
    sensors = load_table(folder / "stations.parquet", SENSORS)
    with open_grid(folder / "forcing.zarr.zip", FORCING) as forcing:
        _check_days(forcing, days)
        positions = forcing[["latitude", "longitude"]].to_dataframe()
        reference = forcing.get("reanalysis_soil_moisture")
        decimals = recipe.targets.decimals
        observations = folder / "observations.parquet"
        everything = read_series(observations, sensors, days, decimals)
        series = everything.exclude_cells(_read_dropped_cells(folder))
        series, uncovered = exclude_uncovered_days(series, forcing)
        _check_cells(series, positions)
        grid = TargetGrid(series, positions, recipe)
        outside = everything.count_measured() - series.count_measured()
        report = TargetReport(series, recipe, outside, uncovered)
        for result in build_targets(series, _load_reference(reference), recipe):
            grid.add(result)
            report.add(result)
    write_json(report.content(), folder / "targets.json")
    dataset = grid.dataset()
    validate_grid(dataset, TARGETS, "targets.zarr.zip")
    write_zarr_zip(dataset, folder / "targets.zarr.zip")


def read_series(
    path: Path, sensors: pd.DataFrame, days: pd.DatetimeIndex, decimals: int
) -> DenseSeries:
    """Read observations into one dense row a sensor, a batch of rows at a time.

    Daily means are rounded, as the published rule does before it scales them. Only
    sensors in a layer get a row. Memory is that of the dense rows, 10 bytes a sensor
    and day, however many rows the table has.

    Raises
    ------
    InputError
        If the table holds a sensor or a day that it can't have.
    ValidationError
        If a batch of rows breaks schema OBSERVATIONS.
    """
    kept = sensors[sensors["layer"] > 0].sort_values("sensor_id", ignore_index=True)
    index = pd.Index(kept["sensor_id"])
    shape = len(kept), len(days)
    values, counts = np.full(shape, np.nan), np.zeros(shape, np.int16)
    for table in read_batches(path):
        validate_table(table, OBSERVATIONS, path.name)
        row, day = (
            index.get_indexer(pd.Index(table["sensor_id"])),
            days.get_indexer(pd.DatetimeIndex(table["time"])),
        )
        _check_places(path, table, row, day)
        values[row, day] = table["soil_moisture"].round(decimals)
        counts[row, day] = table["observation_count"]
    return DenseSeries(kept, days, values, counts)


def exclude_uncovered_days(
    series: DenseSeries, forcing: xr.Dataset
) -> tuple[DenseSeries, int]:
    """Leave out days of sensors that lie outside the record of their cell's forcing.

    Sensors in cells without forcing keep theirs.

    Returns
    -------
    tuple
        The series, and how many values were left out.
    """
    names = [
        name
        for name in list_complete(forcing)
        if forcing[name].attrs.get(AVAILABILITY) == OF_RECORD
    ]
    if not names:
        return series, 0
    covered = np.all(
        [np.isfinite(forcing[name].transpose("cell", "time")) for name in names], axis=0
    )
    place = forcing.get_index("cell").get_indexer(pd.Index(series.sensors["cell_id"]))
    uncovered = ~covered[place] & (place >= 0)[:, None]
    lacking = uncovered & np.isfinite(series.values)
    kept = replace(
        series,
        values=np.where(lacking, np.nan, series.values),
        counts=np.where(lacking, 0, series.counts).astype(series.counts.dtype),
    )
    return kept, int(lacking.sum())


def _read_dropped_cells(folder: Path) -> list[str]:
    report = read_report(folder / "forcing.json", "dropped_cells")
    return [row["cell_id"] for row in report["dropped_cells"]]


def _load_reference(reference: xr.DataArray | None) -> xr.DataArray | None:
    return None if reference is None else reference.load()


def _check_days(forcing: xr.Dataset, days: pd.DatetimeIndex) -> None:
    found = forcing.get_index("time")
    if not found.equals(days):
        raise InputError(
            "forcing.zarr.zip",
            found=f"{len(found)} days from {found[0]:%Y-%m-%d} to {found[-1]:%Y-%m-%d}",
            expected=f"the {len(days)} days of the recipe's period",
            hint="run the stage forcing again",
        )


def _check_cells(series: DenseSeries, positions: pd.DataFrame) -> None:
    measured = np.isfinite(series.values).any(axis=1)
    needed = set(series.sensors["cell_id"].to_numpy()[measured])
    missing = sorted(needed - set(positions.index))
    if missing:
        raise InputError(
            "forcing.zarr.zip",
            found=f"no cell {', '.join(missing[:5])} ({len(missing)} missing)",
            expected="every cell that has sensors",
            hint="run the stage forcing again",
        )


def _check_places(
    path: Path, table: pd.DataFrame, row: NDArray[np.intp], day: NDArray[np.intp]
) -> None:
    wrong = (row < 0) | (day < 0)
    if wrong.any():
        first = table[wrong].iloc[0]
        raise InputError(
            path.name,
            found=f"{first['sensor_id']} on {first['time']:%Y-%m-%d} and "
            f"{int(wrong.sum()) - 1} more rows",
            expected="sensors of stations.parquet in a layer, days of the period",
            hint="run the stage ingest again",
        )
