"""What splits are made from, read out of the folder of the stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from somobench.pipelines.stage import load_table, open_grid, read_report
from somobench.schemas.errors import InputError
from somobench.schemas.grids import FORCING, TARGETS, list_complete
from somobench.schemas.recipe import Recipe
from somobench.schemas.tables import CELLS, SENSORS
from somobench.splits import SplitData
from somobench.splits.data import list_sources, select_rows

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
    cells = load_table(folder / "cells.parquet", CELLS)
    stations = load_table(folder / "stations.parquet", SENSORS)
    report = read_report(folder / "targets.json", "sources")
    with open_grid(folder / "targets.zarr.zip", TARGETS) as targets:
        names = targets["cell"].to_numpy().astype(str)
        days = pd.DatetimeIndex(targets["time"].to_numpy())
        series = targets["soil_moisture"].transpose("layer", "cell", "time")
        available = np.isfinite(series.to_numpy())
        fills = targets["is_gapfilled"].transpose("layer", "cell", "time")
        filled = fills.to_numpy() == 1
    return SplitData(
        cells=select_rows(
            cells.set_index("cell_id", drop=False), names, "cells.parquet"
        ),
        days=days,
        available=available,
        sources=list_sources(report, stations),
        lags=recipe.features.lags,
        forcing=_read_forcing(folder / "forcing.zarr.zip", names, days),
        filled=filled,
    )


def _read_forcing(path: Path, names: Any, days: pd.DatetimeIndex) -> dict[str, Any]:
    """Read the variables that tell dry years from wet ones, where there are any."""
    with open_grid(path, FORCING) as forcing:
        missing = sorted(set(names) - set(forcing["cell"].to_numpy().astype(str)))
        if missing or not days.isin(forcing["time"].to_numpy()).all():
            raise InputError(
                path.name,
                found=f"{len(missing)} cells missing, {forcing.sizes['time']} days",
                expected=f"{len(names)} cells on {len(days)} days of the targets",
                hint="run the stage forcing again",
            )
        complete = list_complete(forcing)
        chosen = forcing[[name for name in YEARLY if name in complete]]
        chosen = chosen.sel(cell=names, time=days).transpose("cell", "time")
        return {str(name): values.to_numpy() for name, values in chosen.items()}
