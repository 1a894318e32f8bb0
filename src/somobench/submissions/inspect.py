"""Refuse files that could do harm before any of their values is read.

Which format a file has is judged by its first bytes, never by its name. What each
format may hold is an allow-list: links out of the file, code, unknown filters and sizes
beyond the limit are refused from the metadata alone. `reader` runs this in a child
process with limits on memory and time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Literal, NamedTuple

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import PREDICTION, UNNAMED
from somobench.submissions.classic import inspect_classic
from somobench.submissions.hdf5 import inspect_hdf5
from somobench.submissions.limits import Contents, refuse
from somobench.submissions.members import DOCUMENTS
from somobench.submissions.parquet import SUFFIXES, inspect_parquet
from somobench.submissions.zarr import inspect_zarr

Kind = Literal["hdf5", "netcdf3", "zarr", "zarr_zip", "parquet"]
ROOT = "."
DEEPEST = 8  # folders between the top and a part of a table

MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"CDF\x01", "netcdf3"),
    (b"CDF\x02", "netcdf3"),
    (b"CDF\x05", "netcdf3"),
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "zarr_zip"),
)
GRIB_HINT = "grib_to_netcdf -o OUT.nc IN, or xarray.open_dataset(IN, engine='cfgrib')"

TEXT_TABLES = (".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz")
CSV_HINT = "pandas.read_csv(IN, parse_dates=['time']).to_parquet(OUT)"


class Inspected(NamedTuple):
    """Format of a file, the bytes that its arrays take when unpacked, and its group."""

    kind: Kind
    declared_bytes: int
    group: str
    """Where the predictions lie, `.` for the top."""


def inspect_submission(path: Path) -> Inspected:
    """Tell the format of a submission and refuse what could do harm.

    Parameters
    ----------
    path : Path
        A file, or the folder of a Zarr store or of the parts of a table.

    Raises
    ------
    InputError
        If it isn't a submission, or holds what isn't allowed.
    """
    kind = recognise_format(path)
    contents = CONTENTS[kind](path)
    group = ROOT if kind in {"netcdf3", "parquet"} else group_of(contents.arrays)
    return Inspected(kind, contents.declared_bytes, group)


def inspect_parts(path: Path) -> tuple[Kind, Contents]:
    """Refuse what could do harm in a file of which parts alone are read.

    Raises
    ------
    InputError
        As of `inspect_submission`, but for the size of whole arrays.
    """
    kind = recognise_format(path)
    if kind == "parquet":
        return kind, CONTENTS[kind](path)
    return kind, CONTENTS[kind](path, whole=False)


def group_of(arrays: tuple[str, ...]) -> str:
    """Return the one group that holds predictions, or else the top.

    Parameters
    ----------
    arrays : paths, such as `model/soil_moisture`

    Raises
    ------
    InputError
        If several groups do, or none while all arrays lie in groups.
    """
    paths = [PurePosixPath(name) for name in arrays]
    for wanted in (PREDICTION, UNNAMED):
        groups = sorted({str(path.parent) for path in paths if path.name == wanted})
        if len(groups) > 1 and ROOT not in groups:
            found = f"{wanted} in the groups {', '.join(groups)}"
            raise refuse("groups of the submission", found, "predictions in one group")
        if groups:
            return ROOT if ROOT in groups else groups[0]
    if arrays and all("/" in name for name in arrays):
        found = f"in groups: {', '.join(arrays[:10])}"
        raise refuse("variables of the submission", found, PREDICTION)
    return ROOT


def recognise_format(path: Path) -> Kind:
    """Tell the format of a file by its first bytes.

    Raises
    ------
    InputError
        If it can't be read, or is none of the formats.
    """
    if path.is_dir():
        return _recognise_folder(path)
    try:
        if not path.is_file():
            raise InputError(
                f"submission {path.name}",
                found="no such file" if not path.exists() else "no regular file",
                expected="a netCDF, Zarr or Parquet file",
            )
        with path.open("rb") as stream:
            start = stream.read(8)
    except OSError as error:
        raise InputError(
            f"submission {path.name}",
            found=error.strerror,
            expected="a file or folder that can be read",
        ) from error
    for magic, kind in MAGIC:
        if start.startswith(magic):
            return kind
    raise InputError(
        f"submission {path.name}",
        found=f"{path.stat().st_size} bytes that start with {start!r}",
        expected="netCDF, Zarr (a folder or a zip) or Parquet (a file or a folder)",
        hint=_choose_hint(path.name.lower(), start),
    )


def _choose_hint(name: str, start: bytes) -> str | None:
    """Say how what is widely used becomes a submission."""
    if start.startswith(b"GRIB"):
        return GRIB_HINT
    if name.endswith(TEXT_TABLES):
        return CSV_HINT
    return "gunzip FILE" if start.startswith(b"\x1f\x8b") else None


def _recognise_folder(path: Path) -> Kind:
    """Tell a folder of Parquet files from a Zarr store, which has documents."""
    for folder, _, names in os.walk(path):
        if any(name in DOCUMENTS for name in names):
            return "zarr"
        if any(name.endswith(SUFFIXES) for name in names):
            return "parquet"
        if len(Path(folder).parts) - len(path.parts) > DEEPEST:
            break
    return "zarr"


CONTENTS: Mapping[Kind, Callable[..., Contents]] = MappingProxyType(
    {
        "hdf5": inspect_hdf5,
        "netcdf3": inspect_classic,
        "parquet": inspect_parquet,
        "zarr": inspect_zarr,
        "zarr_zip": inspect_zarr,
    }
)
