"""The child process that reads a submission: limits first, then checks, then values.

Run as `python -m somobench.submissions.reader FILE FOLDER`; leaves the ordered values
and labels as plain `.npy` files in the folder, or `refusal.json` saying why not.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from somobench.schemas.errors import InputError
from somobench.submissions.inspect import Inspected, inspect_submission

if TYPE_CHECKING:
    import xarray as xr

BASE_MEMORY = 3_000_000_000  # bytes of address space that libraries and checks take
MEMORY_A_BYTE = 4  # times the size of the arrays: decoding and ordering make copies
SECONDS = 600  # of processor time
REFUSAL = "refusal.json"
FACTS = "facts.json"
REFUSED = 3  # exit code


def main(arguments: list[str]) -> int:
    """Read one submission under limits; return the exit code."""
    path, folder = Path(arguments[0]), Path(arguments[1])
    try:
        _limit(BASE_MEMORY)
        inspected = inspect_submission(path)
        _limit(BASE_MEMORY + MEMORY_A_BYTE * inspected.declared_bytes)
        _write(read_inspected(path, inspected), inspected, folder)
    except InputError as error:
        return _refused(error, folder)
    except MemoryError:
        return _refused(
            InputError(
                f"submission {path.name}",
                found="values that don't fit the memory that a submission may take",
                expected="no more than its metadata say",
            ),
            folder,
        )
    except Exception as error:  # noqa: BLE001 - whatever a damaged file makes libraries raise
        found = f"{type(error).__name__}: {error}"[:300]
        refusal = InputError(
            f"submission {path.name}", found=found, expected="values that can be read"
        )
        return _refused(refusal, folder)
    return 0


def _limit(memory: int) -> None:
    """Limit memory and processor time of this process, where the system can."""
    for kind, wanted in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(kind, (soft, hard))
        except (ValueError, OSError):
            continue


def read_inspected(path: Path, inspected: Inspected) -> xr.Dataset:
    """Read the predictions of a file that was inspected, ordered."""
    from somobench.submissions.layout import grid_of_dataset, grid_of_table

    if inspected.kind == "parquet":
        from somobench.submissions.parquet import read_columns

        return grid_of_table(read_columns(path).to_pandas())
    return grid_of_dataset(_decoded(_opened(path, inspected)))


def _opened(path: Path, inspected: Inspected) -> xr.Dataset:
    """Open a grid as it is stored."""
    import xarray as xr

    if inspected.kind == "hdf5":
        return xr.open_dataset(path, engine="h5netcdf", decode_cf=False)
    if inspected.kind == "netcdf3":
        try:
            return xr.open_dataset(path, engine="scipy", decode_cf=False)
        except (ImportError, ValueError) as error:
            raise InputError(
                f"submission {path.name}",
                found="classic netCDF, which scipy would read",
                expected="netCDF 4",
                hint="nccopy -k nc4 IN OUT, or pip install scipy",
            ) from error
    from zarr.storage import LocalStore, ZipStore

    store: Any = (
        LocalStore(path, read_only=True)
        if inspected.kind == "zarr"
        else ZipStore(path, mode="r")
    )
    return xr.open_dataset(
        store, engine="zarr", decode_cf=False, chunks=None, consolidated=False
    )


def _decoded(stored: xr.Dataset) -> xr.Dataset:
    """Decode the predictions and their labels, and nothing else of the file."""
    import xarray as xr

    from somobench.schemas.submission_names import DIMS, PREDICTION

    wanted = [name for name in (PREDICTION, *DIMS) if name in stored.variables]
    variables = {name: stored.variables[name] for name in wanted}
    part = xr.Dataset(variables)
    decoded = xr.decode_cf(part, decode_timedelta=False)
    labels = [name for name in DIMS if name in decoded.variables]
    return decoded.set_coords(labels)


def _write(grid: xr.Dataset, inspected: Inspected, folder: Path) -> None:
    from somobench.schemas.submission_names import PREDICTION

    array = grid[PREDICTION]
    np.save(folder / f"{PREDICTION}.npy", array.to_numpy(), allow_pickle=False)
    for dim in array.dims:
        labels = array[str(dim)].to_numpy()
        np.save(folder / f"{dim}.npy", labels, allow_pickle=False)
    facts = {"kind": inspected.kind, "dims": [str(dim) for dim in array.dims]}
    (folder / FACTS).write_text(json.dumps(facts), encoding="utf-8")


def _refused(error: InputError, folder: Path) -> int:
    said = {
        "what": error.what,
        "found": None if error.found is None else str(error.found),
        "expected": None if error.expected is None else str(error.expected),
        "hint": error.hint,
    }
    (folder / REFUSAL).write_text(json.dumps(said), encoding="utf-8")
    return REFUSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
