"""Run a stage as a program: a refusal is a message and a status, not a traceback."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import xarray as xr
from pandera.pandas import DataFrameSchema
from pandera.xarray import DatasetSchema

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.schemas.errors import SomobenchError
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


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; end the program with the error's exit code if it is refused.

    Parameters
    ----------
    main : callable
        The `main` of a module under `pipelines/`.
    """
    try:
        main()
    except SomobenchError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
