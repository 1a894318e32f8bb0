"""Grids and tables that stages hand to each other, read whole and checked."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import xarray as xr
from pandera.pandas import DataFrameSchema
from pandera.xarray import DatasetSchema

from somobench.catalog.archive import open_zarr_zip
from somobench.schemas.validate import validate_grid, validate_table


def checked_grid(path: Path, schema: DatasetSchema) -> xr.Dataset:
    """Load a grid into memory.

    Raises
    ------
    ValidationError
        If it breaks the schema.
    """
    with open_zarr_zip(path) as grid:
        return validate_grid(grid.load(), schema, path.name)


def checked_table(path: Path, schema: DataFrameSchema) -> pd.DataFrame:
    """Load a table.

    Raises
    ------
    ValidationError
        If it breaks the schema.
    """
    return validate_table(pd.read_parquet(path), schema, path.name)
