"""Refuse files that could do harm before any of their values is read.

Which format a file has is told by its first bytes, never by its name. What each format
may hold is an allow-list: links out of the file, code, unknown filters and sizes beyond
the limit are refused from the metadata alone. `submission_reader` runs this in a child
process with limits on memory and time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from somobench.schemas.errors import InputError
from somobench.submissions.hdf5 import declared_in_hdf5
from somobench.submissions.limits import refuse_size
from somobench.submissions.parquet import declared_in_parquet
from somobench.submissions.zarr import declared_in_zarr

Kind = Literal["hdf5", "netcdf3", "zarr", "zarr_zip", "parquet"]

MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"CDF\x01", "netcdf3"),
    (b"CDF\x02", "netcdf3"),
    (b"CDF\x05", "netcdf3"),
    (b"PAR1", "parquet"),
    (b"PK\x03\x04", "zarr_zip"),
)


class Inspected(NamedTuple):
    """Format of a file, and the bytes that its arrays take when unpacked."""

    kind: Kind
    declared_bytes: int


def inspect_submission(path: Path) -> Inspected:
    """Tell the format of a submission and refuse what could do harm.

    Parameters
    ----------
    path : Path
        A file, or the folder of a Zarr store.

    Raises
    ------
    InputError
        If it isn't a submission, or holds what isn't allowed.
    """
    kind = kind_of(path)
    if kind == "hdf5":
        return Inspected(kind, declared_in_hdf5(path))
    if kind == "netcdf3":
        return Inspected(kind, declared_in_netcdf3(path))
    if kind == "parquet":
        return Inspected(kind, declared_in_parquet(path))

    return Inspected(kind, declared_in_zarr(path))


def kind_of(path: Path) -> Kind:
    """Tell the format of a file by its first bytes.

    Raises
    ------
    InputError
        If it can't be read, or is none of the formats.
    """
    if path.is_dir():
        return "zarr"
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
            expected="a file that can be read",
        ) from error
    for magic, kind in MAGIC:
        if start.startswith(magic):
            return kind
    raise InputError(
        f"submission {path.name}",
        found=f"{path.stat().st_size} bytes that start with {start!r}",
        expected="netCDF, Zarr (a folder or a zip) or Parquet",
    )


def declared_in_netcdf3(path: Path) -> int:
    """Return the size of a classic netCDF file: its arrays lie in it unpacked."""
    size = path.stat().st_size
    refuse_size(size)
    return size
