"""What splits are made from, read out of the folder of the stages."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.catalog.archive import open_zarr_zip
from somobench.schemas.errors import InputError
from somobench.schemas.grids import FORCING, TARGETS
from somobench.schemas.recipe import Recipe
from somobench.schemas.tables import CELLS, SENSORS
from somobench.schemas.validate import validate_grid, validate_table
from somobench.splits import SplitData

YEARLY = ("precipitation", "net_radiation")
SOURCE_COLUMNS = ["station_id", "network", "latitude", "longitude"]


def read_split_data(recipe: Recipe, folder: Path) -> SplitData:
    """Read what splits are made from out of the folder of the stages.

    Raises
    ------
    InputError
        If tables, report and grids don't name the same cells and sensors.
    ValidationError
        If an input breaks its schema.
    """
    cells = _table(folder / "cells.parquet", CELLS)
    stations = _table(folder / "stations.parquet", SENSORS)
    report = json.loads((folder / "targets.json").read_text(encoding="utf-8"))
    with open_zarr_zip(folder / "targets.zarr.zip") as targets:
        validate_grid(targets, TARGETS, "targets.zarr.zip")
        names = targets["cell"].to_numpy().astype(str)
        days = pd.DatetimeIndex(targets["time"].to_numpy())
        series = targets["soil_moisture"].transpose("layer", "cell", "time")
        available = np.isfinite(series.to_numpy())
    return SplitData(
        cells=_found(cells.set_index("cell_id", drop=False), names, "cells.parquet"),
        days=days,
        available=available,
        sources=sources_of(report, stations),
        lags=recipe.features.lags,
        forcing=_forcing(folder / "forcing.zarr.zip", names, days),
    )


def sources_of(report: Mapping[str, Any], stations: pd.DataFrame) -> pd.DataFrame:
    """List the sensors behind the targets of each cell, fillers of gaps included.

    Parameters
    ----------
    report : content of targets.json
    stations : DataFrame of schema SENSORS

    Returns
    -------
    DataFrame
        cell_id, sensor_id, station_id, network, latitude, longitude; sorted.
    """
    pairs = sorted(
        {
            (str(item["cell_id"]), str(sensor))
            for item in report["sources"]
            for sensor in (item["primary"], *item["gap-filling"])
        }
    )
    used = pd.DataFrame(pairs, columns=["cell_id", "sensor_id"], dtype="str")
    known = stations.set_index("sensor_id")[SOURCE_COLUMNS]
    placed = _found(known, used["sensor_id"].to_numpy(), "stations.parquet")
    return pd.concat([used, placed], axis=1)


def _found(table: pd.DataFrame, names: Any, what: str) -> pd.DataFrame:
    """Return the rows of some names, in their order."""
    missing = sorted(set(names) - set(table.index.astype(str)))
    if missing:
        raise InputError(
            what,
            found=f"no {', '.join(missing[:5])} ({len(missing)} missing)",
            expected="every cell and sensor of targets.zarr.zip and targets.json",
            hint="run the stages before this one again",
        )
    return table.loc[list(names)].reset_index(drop=True)


def _forcing(path: Path, names: Any, days: pd.DatetimeIndex) -> dict[str, Any]:
    """Read the variables that tell dry years from wet ones, where there are any."""
    with open_zarr_zip(path) as forcing:
        validate_grid(forcing, FORCING, path.name)
        missing = sorted(set(names) - set(forcing["cell"].to_numpy().astype(str)))
        if missing or not days.isin(forcing["time"].to_numpy()).all():
            raise InputError(
                path.name,
                found=f"{len(missing)} cells missing, {forcing.sizes['time']} days",
                expected=f"{len(names)} cells on {len(days)} days of the targets",
                hint="run the stage forcing again",
            )
        chosen = forcing[[name for name in YEARLY if name in forcing]]
        chosen = chosen.sel(cell=names, time=days).transpose("cell", "time")
        return {str(name): values.to_numpy() for name, values in chosen.items()}


def _table(path: Path, schema: Any) -> pd.DataFrame:
    return validate_table(pd.read_parquet(path), schema, path.name)
