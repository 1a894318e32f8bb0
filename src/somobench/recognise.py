"""Tell what a file or folder holds by its content: which schema, which reader.

Names and suffixes decide nothing but how a table or grid is opened.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from somobench.schemas.errors import InputError, UnknownNameError

TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "observations": frozenset({"sensor_id", "soil_moisture"}),
        "splits": frozenset({"split", "role"}),
        "stations": frozenset({"station_id", "depth_from", "depth_to"}),
        "cells": frozenset({"regime", "dryness", "region"}),
    }
)
GRIDS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "features": frozenset({"climatology", "normalisation_mean"}),
        "targets": frozenset({"soil_moisture", "soil_moisture_in_situ", "scale_slope"}),
        "forcing": frozenset(
            {"precipitation", "air_temperature", "reanalysis_soil_moisture"}
        ),
    }
)
"""Names that mark a kind; the kind with the largest share of them present is meant."""
RELEASE, STATIONS_ARCHIVE = "release", "archive"
KINDS = (*TABLES, *GRIDS, RELEASE, STATIONS_ARCHIVE)

PARQUET, HDF5, NETCDF3, ZIP = b"PAR1", b"\x89HDF\r\n\x1a\n", b"CDF", b"PK"
TABLE, ZARR_ZIP, ZARR, NETCDF = "table", "zarr.zip", "zarr", "netcdf"
ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata")


def storage_of(path: Path) -> str:
    """Say how a path is stored: `table`, `netcdf`, `zarr`, `zarr.zip`, or a kind.

    Raises
    ------
    InputError
        If it is absent, or nothing that SoMoBench writes or reads.
    """
    if not path.exists():
        raise InputError(f"{path}", found="nothing there", expected="a file or folder")
    if path.is_dir():
        return _storage_of_folder(path)
    with path.open("rb") as stream:
        opening = stream.read(8)
    if opening.startswith(PARQUET):
        return TABLE
    if opening.startswith((HDF5, NETCDF3)):
        return NETCDF
    if opening.startswith(ZIP):
        return ZARR_ZIP if _is_zarr_zip(path) else STATIONS_ARCHIVE
    if path.suffix == ".stm":
        return STATIONS_ARCHIVE
    raise InputError(
        f"{path}",
        found=f"{path.stat().st_size} bytes that begin with {opening!a}",
        expected="Parquet, netCDF, Zarr, a release folder or a station archive",
    )


def _storage_of_folder(path: Path) -> str:
    if (path / "MANIFEST.json").is_file():
        return RELEASE
    if any((path / name).is_file() for name in ZARR_FILES):
        return ZARR
    return STATIONS_ARCHIVE


def _is_zarr_zip(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise InputError(f"{path}", found=error, expected="a whole zip file") from error
    return bool(names & set(ZARR_FILES))


def kind_of(names: Any, kinds: Mapping[str, frozenset[str]], path: Path) -> str:
    """Return the kind whose marks are among the names of columns or variables.

    Raises
    ------
    InputError
        If it has none of the marks.
    """
    present = {str(name) for name in names}
    share = {kind: len(marks & present) / len(marks) for kind, marks in kinds.items()}
    best = max(share, key=lambda kind: share[kind])
    if not share[best]:
        raise InputError(
            f"{path}",
            found=f"{', '.join(sorted(present)[:8]) or 'nothing'}",
            expected=f"names of one of: {', '.join(kinds)}",
            hint="name the schema with --kind",
        )
    return best


def check_kind(kind: str | None) -> None:
    """Refuse a kind that doesn't exist.

    Raises
    ------
    UnknownNameError
        With those that do.
    """
    if kind is not None and kind not in KINDS:
        raise UnknownNameError(
            "kind", found=kind, expected=f"one of {', '.join(KINDS)}"
        )
