"""Tell what a file or folder holds by its content: which schema, which reader.

Names and suffixes decide nothing but how a table or grid is opened.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from somobench.catalog.storage.zip_directory import ZIP_ERRORS, refuse_large_directory
from somobench.schemas.errors import InputError, UnknownNameError
from somobench.schemas.recipe import CSV

TABLES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "observations": frozenset({"sensor_id", "soil_moisture"}),
        "splits": frozenset({"split", "role"}),
        "stations": frozenset({"station_id", "depth_from", "depth_to"}),
        "cells": frozenset({"regime", "dryness", "region"}),
        "scores": frozenset({"metric", "pool_kind", "pool", "against"}),
        "shift_costs": frozenset({"metric", "reference_split", "shifted", "cost"}),
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
RELEASE, STATIONS_ARCHIVE, METEOROLOGY = "release", "archive", "meteorology"
KINDS = (*TABLES, *GRIDS, RELEASE, STATIONS_ARCHIVE, METEOROLOGY)
GRIDS_AND_METEOROLOGY: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **GRIDS,
        METEOROLOGY: frozenset(
            {"tp", "t2m", "d2m", "sp", "ssrd", "ssr", "str", "skt", "e"}
            | {"swvl1", "swvl2", "swvl3", "total_precipitation", "2m_temperature"}
            | {"surface_pressure", "skin_temperature", "evaporation"}
            | {"volumetric_soil_water_layer_1", "VAR_2T", "VAR_2D", "LSP", "SWVL1"}
        ),
    }
)
"""With the names that ERA5's distributors give its variables."""
METEOROLOGY_FILES = (".nc", ".nc4", ".grib", ".grb", ".grib2", ".grb2", ".zarr")

PARQUET, HDF5, NETCDF3, ZIP = b"PAR1", b"\x89HDF\r\n\x1a\n", b"CDF", b"PK"
GRIB = b"GRIB"
STATION_FILE = ".stm"
TABLE, ZARR_ZIP, ZARR, NETCDF = "table", "zarr.zip", "zarr", "netcdf"
ZARR_FILES = ("zarr.json", ".zgroup", ".zmetadata")


def recognise_storage(path: Path) -> str:
    """Say how a path is stored: `table`, `netcdf`, `zarr`, `zarr.zip`, or a kind.

    Raises
    ------
    InputError
        If it is absent, or nothing that SoMoBench writes or reads.
    """
    if not path.exists():
        raise InputError(f"{path}", found="nothing there", expected="a file or folder")
    if path.is_dir():
        return _recognise_folder(path)
    if not path.is_file():
        expected = "a file or folder"
        raise InputError(f"{path}", found="a pipe or device", expected=expected)
    with path.open("rb") as stream:
        opening = stream.read(8)
    if opening.startswith(PARQUET):
        return TABLE
    if opening.startswith((HDF5, NETCDF3)):
        return NETCDF
    if opening.startswith(GRIB):
        return METEOROLOGY
    if opening.startswith(ZIP):
        return _recognise_zip(path)
    if path.suffix in {STATION_FILE, CSV}:
        return STATIONS_ARCHIVE
    raise InputError(
        f"{path}",
        found=f"{path.stat().st_size} bytes that begin with {opening!a}",
        expected="Parquet, netCDF, GRIB, Zarr, a release folder or a station archive",
    )


def _recognise_folder(path: Path) -> str:
    if (path / "MANIFEST.json").is_file():
        return RELEASE
    if any((path / name).is_file() for name in ZARR_FILES):
        return ZARR
    for folder, _, names in os.walk(path):
        held = [name for name in names if not name.startswith(".")]
        if any(name.endswith(STATION_FILE) for name in held):
            return STATIONS_ARCHIVE
        if Path(folder).suffix == ".zarr" or _are_meteorology(held):
            return METEOROLOGY
        zips = (Path(folder, name) for name in held if name.endswith(".zip"))
        if any(_is_zip_of_meteorology(item) for item in zips):
            return METEOROLOGY
    return STATIONS_ARCHIVE


def _is_zip_of_meteorology(path: Path) -> bool:
    try:
        return _recognise_zip(path) == METEOROLOGY
    except InputError:  # the reader of the folder says what is wrong with it
        return False


def _are_meteorology(names: Iterable[str]) -> bool:
    return any(name.lower().endswith(METEOROLOGY_FILES) for name in names)


def _recognise_zip(path: Path) -> str:
    refuse_large_directory(path, f"{path}")
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except ZIP_ERRORS as error:
        raise InputError(f"{path}", found=error, expected="a whole zip file") from error
    if names & set(ZARR_FILES):
        return ZARR_ZIP
    return METEOROLOGY if _are_meteorology(names) else STATIONS_ARCHIVE


def recognise_kind(names: Any, kinds: Mapping[str, frozenset[str]], path: Path) -> str:
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
