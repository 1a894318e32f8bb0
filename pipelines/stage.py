"""What every stage shares: reading other stages' files, and running as a program.

Whatever is wrong with an input is a refusal in our words that names the file; what is
wrong with a program of ours stays a traceback.
"""

from __future__ import annotations

import json
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from somobench.progress import show_steps
from somobench.schemas.errors import InputError, SomobenchError

if TYPE_CHECKING:  # stage `inputs`, which runs every time, reads no grid and no table
    import pandas as pd
    import xarray as xr
    from pandera.pandas import DataFrameSchema
    from pandera.xarray import DatasetSchema

SMALL = 2**26  # bytes of a grid that is held as a whole, which takes less time
ROWS_A_BATCH = 1_000_000  # held as a table at a time, about 100 MB of observations
UNREADABLE = (
    EOFError,
    KeyError,
    OSError,
    RuntimeError,  # a member that says it is encrypted, or an unknown compression
    TypeError,
    ValueError,
    pa.ArrowException,
    zipfile.BadZipFile,
    zlib.error,
)
"""What libraries raise on a file that is absent, damaged or of another kind."""


@contextmanager
def refuse_unreadable(path: Path) -> Iterator[None]:
    """Turn what a library says of an unreadable file into a refusal."""
    try:
        yield
    except UNREADABLE as error:
        said = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise InputError(
            f"input {path}",
            found=said if path.exists() else "no such file",
            expected="the file that an earlier stage wrote",
            hint="dvc repro",
        ) from error


def load_grid(path: Path, schema: DatasetSchema) -> xr.Dataset:
    """Load a grid into memory.

    Raises
    ------
    InputError
        If it is absent or can't be read.
    ValidationError
        If it breaks the schema.
    """
    from somobench.schemas.validate import validate_grid

    with open_grid(path, None) as grid, refuse_unreadable(path):
        loaded = grid.load()
    return validate_grid(loaded, schema, path.name)


@contextmanager
def hold_grid(path: Path, schema: DatasetSchema) -> Iterator[xr.Dataset]:
    """Load a grid if it is small, else open it backed by Dask.

    Of a large one every use reads the chunks that it needs, and keeps none.

    Raises
    ------
    InputError
        If it is absent or can't be read.
    ValidationError
        If it breaks the schema.
    """
    from somobench.schemas.validate import validate_grid

    with open_grid(path, None, chunks={}) as grid:
        with refuse_unreadable(path):
            held = grid.load() if grid.nbytes <= SMALL else grid
            validate_grid(held, schema, path.name)
        yield held


@contextmanager
def open_grid(
    path: Path,
    schema: DatasetSchema | None,
    chunks: Mapping[str, int] | None = None,
) -> Iterator[xr.Dataset]:
    """Open a grid whose values are read where they are used.

    Parameters
    ----------
    path : Path
    schema : DatasetSchema, or None
        None for a file that has none: the truth of the virtual world.
    chunks : mapping of dim to length, optional
        Makes it backed by Dask, as of `open_zarr_zip`.

    Raises
    ------
    InputError
        If it is absent or can't be read.
    ValidationError
        If it breaks the schema.
    """
    from somobench.catalog.storage.archive import open_zarr_zip
    from somobench.schemas.validate import validate_grid

    with ExitStack() as opened:
        with refuse_unreadable(path):
            grid = opened.enter_context(open_zarr_zip(path, chunks))
            if schema is not None:
                validate_grid(grid, schema, path.name)
        yield grid


def load_table(path: Path, schema: DataFrameSchema) -> pd.DataFrame:
    """Load a table.

    Raises
    ------
    InputError
        If it is absent or can't be read.
    ValidationError
        If it breaks the schema.
    """
    import pandas as pd

    from somobench.schemas.validate import validate_table

    with refuse_unreadable(path):
        return validate_table(pd.read_parquet(path), schema, path.name)


def read_batches(
    path: Path, columns: Sequence[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Yield the rows of a table that may not fit into memory, part by part.

    Parameters
    ----------
    path : Path
    columns : sequence of str, optional
        Those to read; all by default. Nothing is checked but that they are there.

    Raises
    ------
    InputError
        If the table is absent or can't be read.
    """
    import pyarrow.parquet as pq

    with refuse_unreadable(path):
        file = pq.ParquetFile(path)
        missing = sorted(set(columns or ()) - set(file.schema_arrow.names))
        if missing:
            raise KeyError(*missing)
        batches = file.iter_batches(ROWS_A_BATCH, columns=columns)
    while True:
        with refuse_unreadable(path):
            batch = next(batches, None)
            if batch is None:
                return
            table = batch.to_pandas()
        yield table


def read_report(path: Path, *keys: str) -> dict[str, Any]:
    """Read the JSON account of a stage.

    Parameters
    ----------
    path : Path
    *keys : str
        Those that the reader is going to use.

    Raises
    ------
    InputError
        If it is absent, no JSON object, or lacks a key.
    """
    with refuse_unreadable(path):
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for key in keys:
            content[key]
        return content


def run_stage(main: Callable[[], None]) -> None:
    """Run `main`; end the program with the error's exit code if it is refused.

    On a terminal its steps and their seconds are shown.

    Parameters
    ----------
    main : callable
        The `main` of a module under `pipelines/`.
    """
    program = Path(sys.argv[0])
    name = program.parent.name if program.stem == "__main__" else program.stem
    try:
        with show_steps(name):
            main()
    except SomobenchError as error:
        _end_stage(str(error), error.exit_code)
    except OSError as error:  # a full disk, a folder that may not be written
        _end_stage(str(error), SomobenchError.exit_code)


def _end_stage(message: str, exit_code: int) -> None:
    sys.stderr.write(f"{message}\n")
    sys.exit(exit_code)
