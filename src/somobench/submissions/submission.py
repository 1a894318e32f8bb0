"""Submissions: read safely, and checked against their layout.

A file is read by a child process (`reader`) whose results are plain arrays.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import xarray as xr

from somobench.catalog.storage.hashing import decoded_sha256, sha256_file
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.submission_names import LONGEST_NAME, PREDICTION
from somobench.schemas.submissions import make_submission_schema
from somobench.schemas.validate import validate_grid
from somobench.submissions.child import read_in_child
from somobench.submissions.gridded.arrange import arrange_gridded
from somobench.submissions.gridded.plan import is_gridded
from somobench.submissions.gridded.request import Wanted
from somobench.submissions.inspect import recognise_format
from somobench.submissions.layout import Understood, arrange_dataset, arrange_table
from somobench.submissions.limits import FREE_BYTES, LARGEST_RATIO
from somobench.submissions.members import list_folder_members
from somobench.submissions.parquet import convert_arrow_table, refuse_columns

_MISSING = "missing predictions have to be NaN, or have a _FillValue that says so"
_CLIP = "clip negative predictions at 0, .clip(min=0); missing ones have to be NaN"
_DIVIDE = "values look like percent: divide them by 100, or name their units vol%"
BLOCK = 512  # bytes, in which systems count what is written
MARKED = -1.0  # what is below marks missing values, -9999 and others
PERCENT_FROM, PERCENT = 1.5, 100.0  # medians between them are no ratio of volumes

Predictions = Path | str | xr.DataArray | xr.Dataset | pd.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class Submission:
    """Predictions that hold the schema of submissions.

    Attributes
    ----------
    name : str
        File name, or "predictions" for those handed over in Python.
    grid : Dataset of schema `make_submission_schema`
    file_sha256, file_size : str and int, or None
        Of the file as it was read; of a Zarr folder over its files.
    values_sha256 : str
        Of the decoded predictions with their labels, whatever the file's format.
    notes : tuple of str
        What was understood where the layout has another form: units that were
        converted, ids without their blanks, times at noon.
    gridded : dict, optional
        How a model's own grid was brought to the cells, where it was one: as measured
        values are, its values aren't scaled.
    """

    name: str
    grid: xr.Dataset
    file_sha256: str | None
    file_size: int | None
    values_sha256: str
    notes: tuple[str, ...] = ()
    gridded: dict[str, Any] | None = None

    @property
    def leads(self) -> list[int]:
        """Lead times in days; empty where the submission has none."""
        return self.grid["lead_time"].to_numpy().tolist() if self.has_leads else []

    @property
    def shortest_lead(self) -> int | None:
        """The lead time that is scored, days; None where there is none."""
        return next(iter(self.leads), None)

    @property
    def has_leads(self) -> bool:
        """Tell whether there is a dim `lead_time`."""
        return "lead_time" in self.grid.dims

    def select_lead(self, lead: int | None) -> xr.DataArray:
        """Return the predictions of one lead time; of all where there is none."""
        array = self.grid[PREDICTION]
        return array if lead is None else array.sel(lead_time=lead, drop=True)


def open_submission(
    predictions: Predictions,
    name: str | None = None,
    *,
    asked: int | None = None,
    wanted: Wanted | None = None,
) -> Submission:
    """Read and check predictions.

    Parameters
    ----------
    predictions : path, DataArray, Dataset, DataFrame or Arrow table
        A netCDF, Zarr or Parquet file, or what it would hold; see docs/submissions.md.
        Arrow tables are those of pyarrow, polars and others of its kind.
    name : str, optional
        Of predictions that don't come from a file.
    asked : int, optional
        Values that a release has (cells x layers x days), far more than which are
        refused before they are read.
    wanted : Wanted, optional
        What a model's own grid is brought to; without it there has to be the layout of
        a submission.

    Raises
    ------
    InputError
        If it can't be read, or hasn't the layout of a submission.
    ValidationError
        If values or labels aren't allowed, with all failures.
    """
    if isinstance(predictions, Path | str):
        return _read_file(Path(predictions), asked, wanted)
    if isinstance(predictions, pd.DataFrame):
        understood = arrange_table(predictions, asked)
    elif isinstance(predictions, xr.DataArray):
        understood = arrange_dataset(predictions.to_dataset(name=PREDICTION), asked)
    elif isinstance(predictions, xr.Dataset):
        if wanted and (wanted.options.are_asked or is_gridded(predictions)):
            understood = arrange_gridded(predictions, wanted)
        else:
            understood = arrange_dataset(predictions, asked)
    elif hasattr(predictions, "__arrow_c_stream__"):
        understood = arrange_table(_convert_arrow(predictions), asked)
    else:
        raise InputError(
            "predictions",
            found=f"an object of type {type(predictions).__name__}",
            expected="a path, an xarray DataArray or Dataset, a pandas DataFrame or an"
            " Arrow table",
            hint="values need labels: xarray.DataArray(values, coords, dims)",
        )
    return _check_submission(understood, name or "predictions", None, None)


def _convert_arrow(predictions: Any) -> pd.DataFrame:
    """Return the columns of a table of pyarrow, polars or another of Arrow's kind."""
    try:
        table = pa.table(predictions)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise InputError(
            "predictions",
            found=f"an object of type {type(predictions).__name__}",
            expected="a table with columns cell_id, time, layer and soil_moisture",
        ) from error
    refuse_columns(table.schema, {})
    return convert_arrow_table(table)


def _read_file(path: Path, asked: int | None, wanted: Wanted | None) -> Submission:
    name = path.name or path.resolve().name
    if len(name) > LONGEST_NAME:
        raise InputError(
            f"submission {name}",
            found=f"a file name of {len(name)} letters",
            expected=f"{LONGEST_NAME} at most",
            hint="rename the file",
        )
    recognise_format(path)
    digest, size = hash_submission(path)
    understood = read_in_child(path, asked, wanted)
    if hash_submission(path) != (digest, size):
        raise InputError(
            f"submission {path.name}", found="it changed while it was read"
        )
    return _check_submission(understood, name, digest, size)


def _check_submission(
    understood: Understood, name: str, digest: str | None, size: int | None
) -> Submission:
    grid, what = understood.grid, f"submission {name}"
    if grid[PREDICTION].size == 0 or not np.isfinite(grid[PREDICTION]).any():
        infinite = int(np.isinf(grid[PREDICTION]).sum())
        if not infinite:
            raise InputError(
                what,
                found=f"all {grid[PREDICTION].size} predictions are missing",
                expected="a prediction wherever the split's test days have a target",
            )
    try:
        validate_grid(grid, make_submission_schema(_list_dims(grid)), what)
    except ValidationError as error:
        hint = _choose_hint(grid[PREDICTION])
        raise ValidationError(what, error.failures, hint=hint) from None
    return Submission(
        name=name,
        grid=grid,
        file_sha256=digest,
        file_size=size,
        values_sha256=_hash_values(grid),
        notes=tuple(dict.fromkeys(understood.notes)),
        gridded=understood.gridded,
    )


def _choose_hint(predictions: xr.DataArray) -> str | None:
    """Say what to do about values that aren't allowed, where they tell."""
    lowest = float(predictions.min())
    if lowest < 0:
        return _CLIP if lowest > MARKED else _MISSING
    finite = predictions.values[np.isfinite(predictions.values)]
    median = float(np.median(finite)) if finite.size else 0.0
    return _DIVIDE if PERCENT_FROM < median <= PERCENT else None


def _list_dims(grid: xr.Dataset) -> tuple[str, ...]:
    return tuple(str(dim) for dim in grid[PREDICTION].dims)


def _hash_values(grid: xr.Dataset) -> str:
    digest = hashlib.sha256()
    for name in (*_list_dims(grid), PREDICTION):
        digest.update(f"{name}:{decoded_sha256(grid[name].to_numpy())}\n".encode())
    return digest.hexdigest()


def hash_submission(path: Path) -> tuple[str, int]:
    """Return sha256 and size of a file, or of a folder over its names and files.

    Raises
    ------
    InputError
        For what isn't plain files, can't be read, or was never written.
    """
    try:
        if path.is_file():
            _refuse_holes(path)
            return sha256_file(path), path.stat().st_size
        digest, sizes = hashlib.sha256(), list_folder_members(path)
        for name in sorted(sizes):
            _refuse_holes(path / name)
            digest.update(f"{name}\0{sha256_file(path / name)}\n".encode())
    except OSError as error:
        raise InputError(
            f"submission {path.name}",
            found=f"{error.strerror}: {error.filename}",
            expected="files that can be read",
        ) from error
    return digest.hexdigest(), sum(sizes.values())


def _refuse_holes(path: Path) -> None:
    """Refuse a file most of which was never written, which takes long to read.

    Where a system doesn't tell what was written, all was.
    """
    status = path.stat()
    written = getattr(status, "st_blocks", 0) * BLOCK
    if written and status.st_size > max(FREE_BYTES, LARGEST_RATIO * written):
        raise InputError(
            f"submission {path.name}",
            found=f"{status.st_size} bytes, {written} of which were ever written",
            expected="a file that was written as a whole",
        )
