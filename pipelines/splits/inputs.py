"""What splits are made from, read out of the folder of the stages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.pipelines.stage import checked_table
from somobench.schemas.errors import InputError
from somobench.schemas.grids import FORCING, TARGETS
from somobench.schemas.recipe import Recipe
from somobench.schemas.tables import CELLS, SENSORS
from somobench.schemas.validate import validate_grid
from somobench.splits import SplitData
from somobench.splits.data import rows_named, sources_of

YEARLY = ("precipitation", "net_radiation")


def read_split_data(recipe: Recipe, folder: Path) -> SplitData:
    """Read what splits are made from out of the folder of the stages.

    Raises
    ------
    InputError
        If tables, report and grids don't name the same cells and sensors.
    ValidationError
        If an input breaks its schema.
    """
    cells = checked_table(folder / "cells.parquet", CELLS)
    stations = checked_table(folder / "stations.parquet", SENSORS)
    report = json.loads((folder / "targets.json").read_text(encoding="utf-8"))
    with open_zarr_zip(folder / "targets.zarr.zip") as targets:
        validate_grid(targets, TARGETS, "targets.zarr.zip")
        names = targets["cell"].to_numpy().astype(str)
        days = pd.DatetimeIndex(targets["time"].to_numpy())
        series = targets["soil_moisture"].transpose("layer", "cell", "time")
        available = np.isfinite(series.to_numpy())
        fills = targets["is_gapfilled"].transpose("layer", "cell", "time")
        filled = fills.to_numpy() == 1
    return SplitData(
        cells=rows_named(
            cells.set_index("cell_id", drop=False), names, "cells.parquet"
        ),
        days=days,
        available=available,
        sources=sources_of(report, stations),
        lags=recipe.features.lags,
        forcing=_read_forcing(folder / "forcing.zarr.zip", names, days),
        filled=filled,
    )


def _read_forcing(path: Path, names: Any, days: pd.DatetimeIndex) -> dict[str, Any]:
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
