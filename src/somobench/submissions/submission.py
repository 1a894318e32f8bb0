"""Submissions: read safely, and checked against their layout.

A file is read by a child process (`reader`) whose results are plain arrays.
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
import pyarrow as pa
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.storage.hashing import decoded_sha256, sha256_file
from somobench.schemas.errors import InputError, ValidationError
from somobench.schemas.submission_names import DIMS, LONGEST_NAME, PREDICTION
from somobench.schemas.submissions import submission_schema
from somobench.schemas.validate import validate_grid
from somobench.submissions.inspect import kind_of
from somobench.submissions.layout import Understood, grid_of_dataset, grid_of_table
from somobench.submissions.parquet import refuse_columns, table_of_arrow
from somobench.submissions.reader import FACTS, REFUSAL, REFUSED

TIMEOUT = 900  # s that reading may take
MAXIMUM_REPLY = 100_000  # bytes of what the child says
NEEDED = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH")
"""Variables by which Python finds its libraries; the child inherits no other."""
# The child loads no filter from this machine's plug-in folders, starts no threads, and
# takes no address space for threads that it doesn't have.
ENVIRONMENT = {
    "HDF5_PLUGIN_PRELOAD": "::",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "PYTHONUTF8": "1",
}
_KINDS = {"lead_time": "i", "layer": "i", "cell": "U", "time": "M", "member": "i"}
"""Kinds of dtype in which the child hands labels over."""

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
    notes : tuple of str
        What was understood where the layout has another form: units that were
        converted, ids without their blanks, times at noon.
    """

    name: str
    grid: xr.Dataset
    file_sha256: str | None
    file_size: int | None
    values_sha256: str
    notes: tuple[str, ...] = ()

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


def open_submission(
    predictions: Predictions, name: str | None = None, *, asked: int | None = None
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

    Raises
    ------
    InputError
        If it can't be read, or hasn't the layout of a submission.
    ValidationError
        If values or labels aren't allowed, with all failures.
    """
    if isinstance(predictions, Path | str):
        return _from_file(Path(predictions), asked)
    if isinstance(predictions, pd.DataFrame):
        understood = grid_of_table(predictions, asked)
    elif isinstance(predictions, xr.DataArray):
        understood = grid_of_dataset(predictions.to_dataset(name=PREDICTION), asked)
    elif isinstance(predictions, xr.Dataset):
        understood = grid_of_dataset(predictions, asked)
    elif hasattr(predictions, "__arrow_c_stream__"):
        understood = grid_of_table(_frame_of_arrow(predictions), asked)
    else:
        raise InputError(
            "predictions",
            found=f"an object of type {type(predictions).__name__}",
            expected="a path, an xarray DataArray or Dataset, a pandas DataFrame or an"
            " Arrow table",
            hint="values need labels: xarray.DataArray(values, coords, dims)",
        )
    return _checked(understood, name or "predictions", None, None)


def _frame_of_arrow(predictions: Any) -> pd.DataFrame:
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
    return table_of_arrow(table)


def _from_file(path: Path, asked: int | None) -> Submission:
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
    understood = _read_in_child(path, asked)
    if hash_submission(path) != (digest, size):
        raise InputError(
            f"submission {path.name}", found="it changed while it was read"
        )
    return _checked(understood, name, digest, size)


def _checked(
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
        notes=tuple(dict.fromkeys(understood.notes)),
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


def _read_in_child(path: Path, asked: int | None) -> Understood:
    with tempfile.TemporaryDirectory(prefix="somobench-") as created:
        folder = Path(created).resolve()
        command = [sys.executable, "-P", "-m", "somobench.submissions.reader"]
        arguments = [str(path.resolve()), str(folder), *([str(asked)] if asked else [])]
        inherited = {name: os.environ[name] for name in NEEDED if name in os.environ}
        with (folder / "errors.txt").open("wb") as errors:
            try:
                ended = subprocess.run(
                    [*command, *arguments],
                    cwd=folder,
                    env=inherited | ENVIRONMENT | {"TMPDIR": str(folder)},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    timeout=TIMEOUT,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                raise _unread(path, f"no end after {TIMEOUT} s") from None
        if ended.returncode == REFUSED:
            raise _refusal(path, folder)
        if ended.returncode != 0:
            raise _unread(path, _why_ended(ended.returncode, folder / "errors.txt"))
        return _loaded(path, folder)


def _why_ended(status: int, errors: Path) -> str:
    """Say how the reader ended; where it could not start, with Python's last words."""
    if status < 0:
        return f"its reader was stopped by signal {-status}"
    with errors.open("rb") as stream:
        stream.seek(max(0, errors.stat().st_size - LONGEST_NAME))
        last = stream.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
    return f"its reader ended with status {status}: {last}"


def _unread(path: Path, found: str) -> InputError:
    return InputError(
        f"submission {path.name}",
        found=found,
        expected="a file that is read within the limits on memory and time",
    )


def _refusal(path: Path, folder: Path) -> InputError:
    """Return what the child refused, its texts alone."""
    said = _reply(path, folder / REFUSAL)
    what, found, expected, hint = (
        None if said.get(key) is None else str(said[key])
        for key in ("what", "found", "expected", "hint")
    )
    return InputError(
        what or f"submission {path.name}", found=found, expected=expected, hint=hint
    )


def _reply(path: Path, reply: Path) -> dict[str, Any]:
    """Read a small JSON object that the child left."""
    try:
        if reply.stat().st_size > MAXIMUM_REPLY:
            raise _unread(path, f"a reply of {reply.stat().st_size} bytes")
        said = json.loads(reply.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unread(path, "no reply of its reader") from error
    if not isinstance(said, dict):
        raise _unread(path, "no reply of its reader")
    return said


def _loaded(path: Path, folder: Path) -> Understood:
    """Map what the child left into memory, each array of the kind that it must be.

    Values are read from the file as they are used; none of it is copied.
    """
    facts = _reply(path, folder / FACTS)
    dims = [dim for dim in DIMS if dim in facts.get("dims", ())]
    try:
        labels = {
            dim: _array(folder / f"{dim}.npy", kind=_KINDS[dim], dims=1) for dim in dims
        }
        values = _array(folder / f"{PREDICTION}.npy", kind="f", dims=len(dims))
    except (OSError, ValueError, EOFError) as error:
        raise _unread(path, "no arrays of its reader") from error
    notes = tuple(str(note)[:LONGEST_NAME] for note in facts.get("notes", ()))
    return Understood(xr.Dataset({PREDICTION: (tuple(dims), values)}, labels), notes)


def _array(path: Path, *, kind: str, dims: int) -> NDArray[Any]:
    """Map an array whose size is that of its file."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if array.dtype.kind != kind or array.ndim != dims:
        message = f"{array.dtype} over {array.ndim} dims"
        raise ValueError(message)
    return np.asarray(array)
