"""Defects of forcing in the fourth list, held to what the forcing alone contradicts.

Where a whole pipeline carries a fault along, features, fits and scores agree with it:
only weather itself, with the places of stations, is left to contradict it.
"""

from __future__ import annotations

import pandas as pd
import xarray as xr
from defect_lists import RELEASE

from factories.faults.fourth_list import FOURTH_LIST
from factories.faults.third_list.opened import Defect, Opened
from factories.faults.third_list.writing import put_values
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.consistency.weather import find_impossible_weather
from somobench.schemas.errors import ValidationError
from somobench.schemas.released import RELEASED_GRIDS
from somobench.schemas.validate import validate_grid


def count_alone() -> list[list[object]]:
    """Count defects of forcing, and those that the file and its sensors contradict."""
    with open_zarr_zip(RELEASE / "forcing.zarr.zip") as opened:
        forcing = opened.load()
    stations = pd.read_parquet(RELEASE / "stations.parquet")
    defects = FOURTH_LIST["forcing"]
    found = [is_found(spoil(forcing, defect), stations) for defect in defects]
    return [["forcing", len(defects), sum(found)]]


def spoil(forcing: xr.Dataset, defect: Defect) -> xr.Dataset:
    """Return the forcing after a defect."""
    opened = Opened(RELEASE)
    defect(opened)
    grid, changed = opened.forcing, forcing.copy()
    for name, values in grid.arrays.items():
        if name in changed.data_vars:
            new = put_values(changed[name], values, grid.attributes[name])
            changed = changed.assign({name: new})
    return changed


def is_found(forcing: xr.Dataset, stations: pd.DataFrame) -> bool:
    """Tell whether the schema or the weather itself refuses a forcing."""
    try:
        validate_grid(forcing, RELEASED_GRIDS["forcing"], "forcing")
    except ValidationError:
        return True
    return bool(find_impossible_weather(forcing, stations))
