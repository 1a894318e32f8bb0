"""Submissions: read safely, and checked against their layout.

A file is read by a child process (`submission_reader`) whose results are plain arrays.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.storage.hashing import decoded_sha256, sha256_file
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.submission_names import LONGEST_NAME, PREDICTION
from somobench.schemas.submissions import submission_schema
from somobench.schemas.validate import validate_grid
from somobench.submissions.inspect import kind_of
from somobench.submissions.layout import grid_of_dataset, grid_of_table
from somobench.submissions.reader import FACTS, REFUSAL, REFUSED

TIMEOUT = 900  # s that reading may take
# The child loads no filter from this machine's plug-in folders and starts no threads.
ENVIRONMENT = {"HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1"}

_CLIP = "clip negative predictions at 0, .clip(min=0); missing ones have to be NaN"

Predictions = Path | str | xr.DataArray | xr.Dataset | pd.DataFrame


@dataclass(frozen=True, kw_only=True, eq=False)
class Submission:
    """Predictions that hold the schema of submissions.

    Attributes
    ----------
    name : str
        File name, or "predictions" for those handed over in Python.
    grid : Dataset of schema `submission_schema`
    file_sha256, file_size : str and int, or None
        Of the file as it was read; of a Zarr folder over its files.
    values_sha256 : str
        Of the decoded predictions with their labels, whatever the file's format.
    """

    name: str
    grid: xr.Dataset
    file_sha256: str | None
    file_size: int | None
    values_sha256: str

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

    def at_lead(self, lead: int | None) -> xr.DataArray:
        """Return the predictions of one lead time; of all where there is none."""
        array = self.grid[PREDICTION]
        return array if lead is None else array.sel(lead_time=lead, drop=True)


def open_submission(predictions: Predictions, name: str | None = None) -> Submission:
    """Read and check predictions.

    Parameters
    ----------
    predictions : path, DataArray, Dataset or DataFrame
        A netCDF, Zarr or Parquet file, or what it would hold; see docs/submissions.md.
    name : str, optional
        Of predictions that don't come from a file.

    Raises
    ------
    InputError
        If it can't be read, or hasn't the layout of a submission.
    ValidationError
        If values or labels aren't allowed, with all failures.
    """
    if isinstance(predictions, Path | str):
        return _from_file(Path(predictions))
    if isinstance(predictions, pd.DataFrame):
        grid = grid_of_table(predictions)
    elif isinstance(predictions, xr.DataArray):
        grid = grid_of_dataset(predictions.to_dataset(name=PREDICTION))
    elif isinstance(predictions, xr.Dataset):
        grid = grid_of_dataset(predictions)
    else:
        raise InputError(
            "predictions",
            found=f"an object of type {type(predictions).__name__}",
            expected="a path, an xarray DataArray or Dataset, or a pandas DataFrame",
            hint="values need labels: xarray.DataArray(values, coords, dims)",
        )
    return _checked(grid, name or "predictions", None, None)


def _from_file(path: Path) -> Submission:
    name = path.name or path.resolve().name
    if len(name) > LONGEST_NAME:
        raise InputError(
            f"submission {name}",
            found=f"a file name of {len(name)} letters",
            expected=f"{LONGEST_NAME} at most",
            hint="rename the file",
        )
    kind_of(path)
    digest, size = hash_submission(path)
    grid = _read_in_child(path)
    if hash_submission(path) != (digest, size):
        raise InputError(
            f"submission {path.name}", found="it changed while it was read"
        )
    return _checked(grid, name, digest, size)


def _checked(
    grid: xr.Dataset, name: str, digest: str | None, size: int | None
) -> Submission:
    what = f"submission {name}"
    if grid[PREDICTION].size == 0 or not np.isfinite(grid[PREDICTION]).any():
        infinite = int(np.isinf(grid[PREDICTION]).sum())
        if not infinite:
            raise InputError(
                what,
                found=f"all {grid[PREDICTION].size} predictions are missing",
                expected="a prediction wherever the split's test days have a target",
            )
    try:
        validate_grid(grid, submission_schema(_dims(grid)), what)
    except ValidationError as error:
        if not bool((grid[PREDICTION] < 0).any()):
            raise
        raise ValidationError(what, error.failures, hint=_CLIP) from None
    return Submission(
        name=name,
        grid=grid,
        file_sha256=digest,
        file_size=size,
        values_sha256=_values_sha256(grid),
    )


def _dims(grid: xr.Dataset) -> tuple[str, ...]:
    return tuple(str(dim) for dim in grid[PREDICTION].dims)


def _values_sha256(grid: xr.Dataset) -> str:
    digest = hashlib.sha256()
    for name in (*_dims(grid), PREDICTION):
        digest.update(f"{name}:{decoded_sha256(grid[name].to_numpy())}\n".encode())
    return digest.hexdigest()


def hash_submission(path: Path) -> tuple[str, int]:
    """Return sha256 and size of a file, or of a folder over its names and files."""
    if path.is_file():
        return sha256_file(path), path.stat().st_size
    digest, size = hashlib.sha256(), 0
    for file in sorted(path.rglob("*"), key=lambda item: item.as_posix()):
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise InputError(
                f"submission {path.name}",
                found=f"{file.name} is a link or device",
                expected="plain files",
            )
        if file.is_file():
            name = file.relative_to(path).as_posix()
            digest.update(f"{name}\0{sha256_file(file)}\n".encode())
            size += file.stat().st_size
    return digest.hexdigest(), size


def _read_in_child(path: Path) -> xr.Dataset:
    with tempfile.TemporaryDirectory(prefix="somobench-") as created:
        folder = Path(created)
        command = [sys.executable, "-P", "-m", "somobench.submissions.reader"]
        try:
            ended = subprocess.run(
                [*command, str(path.resolve()), str(folder)],
                cwd=folder,
                env=os.environ | ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                timeout=TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _unread(path, f"no end after {TIMEOUT} s") from None
        if ended.returncode == REFUSED:
            said = json.loads((folder / REFUSAL).read_text(encoding="utf-8"))
            raise InputError(said.pop("what"), **said)
        if ended.returncode != 0:
            last = ended.stderr.decode("utf-8", "replace").strip()[-200:]
            found = f"the reader ended with status {ended.returncode} {last}"
            raise _unread(path, found.strip())
        return _loaded(folder)


def _unread(path: Path, found: str) -> InputError:
    return InputError(
        f"submission {path.name}",
        found=found,
        expected="a file that is read within the limits on memory and time",
    )


def _loaded(folder: Path) -> xr.Dataset:
    """Load what the child left."""
    dims = json.loads((folder / FACTS).read_text(encoding="utf-8"))["dims"]
    arrays: dict[str, Any] = {
        name: np.load(folder / f"{name}.npy", allow_pickle=False)
        for name in (*dims, PREDICTION)
    }
    values = arrays.pop(PREDICTION)
    return xr.Dataset({PREDICTION: (tuple(dims), values)}, arrays)
