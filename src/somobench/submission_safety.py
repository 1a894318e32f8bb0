"""Refuse files that could do harm before any of their values is read.

Which format a file has is told by its first bytes, never by its name. What each format
may hold is an allow-list: links out of the file, code, unknown filters and sizes beyond
the limit are refused from the metadata alone. `submission_reader` runs this in a child
process with limits on memory and time.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

from somobench.schemas.errors import InputError

Kind = Literal["hdf5", "netcdf3", "zarr", "zarr_zip", "parquet"]

MAXIMUM_BYTES = 4_000_000_000  # of all arrays of a submission, unpacked
MAXIMUM_METADATA = 1_000_000  # bytes of one metadata document or attribute
MAXIMUM_OBJECTS = 1_000  # arrays and groups

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
        from somobench.submission_hdf5 import declared_in_hdf5

        return Inspected(kind, declared_in_hdf5(path))
    if kind == "netcdf3":
        return Inspected(kind, declared_in_netcdf3(path))
    if kind == "parquet":
        from somobench.submission_parquet import declared_in_parquet

        return Inspected(kind, declared_in_parquet(path))
    from somobench.submission_zarr import declared_in_zarr

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


def refuse_size(declared: int, what: str = "submission") -> None:
    """Refuse arrays that would take more memory than a submission may."""
    if declared > MAXIMUM_BYTES:
        raise InputError(
            what,
            found=f"arrays of {declared} bytes in all",
            expected=f"at most {MAXIMUM_BYTES}",
        )


def refuse(what: str, found: object, expected: str | Iterable[str]) -> InputError:
    """Return the refusal of something that a submission must not hold."""
    allowed = expected if isinstance(expected, str) else ", ".join(sorted(expected))
    return InputError(what, found=str(found)[:200], expected=allowed)
