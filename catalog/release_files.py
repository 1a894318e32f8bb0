"""The files of one release as a reader opens them: verified, complete, as defined.

What a manifest vouches for is believed to be the published bytes; that they make sense
together is checked here, since anybody can put a folder with a manifest on a machine.
"""

from __future__ import annotations

import io
import math
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import BinaryIO

import pandas as pd
import xarray as xr

from somobench.catalog.fetching.cache import make_read_error
from somobench.catalog.resolve import Release
from somobench.catalog.split_view import SplitView, view_split
from somobench.catalog.storage.archive import open_zarr_zip
from somobench.catalog.view import FACTORS, align_to_targets
from somobench.schemas.errors import IntegrityError, SomobenchError
from somobench.schemas.manifest import FeatureSetRecord

TARGETS = "targets.zarr.zip"
FORCING = "forcing.zarr.zip"
FEATURES = "features.zarr.zip"
SPLITS = "splits.parquet"
CELLS = "cells.parquet"
READ = ("soil_moisture", "soil_moisture_in_situ", "is_gapfilled", *FACTORS)
"""Variables of the targets that feature sets are views of."""
SCORED = (
    "soil_moisture_in_situ",
    "is_gapfilled",
    "primary_network",
    "station_count",
)
SCORED_IF_KNOWN = ("station_spread",)
"""Variables of the targets that scores need."""
REANALYSIS = "reanalysis_soil_moisture"
PLACES = ("latitude", "longitude", "layer_depth_from", "layer_depth_to")
LONGEST_LAG = 366  # d
DAILY = {"cell", "time"}


class ReleaseFiles:
    """The files of one release, in memory or Dask-backed.

    Every method raises IntegrityError where a file isn't the published one, or isn't
    what the feature sets of its manifest need.

    Parameters
    ----------
    release : Release
    lazy : bool
        Dask-backed, chunked as the files are.
    always : bool
        Hash a file at every opening, whatever was verified before.
    """

    def __init__(self, release: Release, *, lazy: bool, always: bool = False) -> None:
        self._release = release
        self._chunks: dict[str, int] | None = {} if lazy else None
        self._always = always

    def _open_grid(self, name: str) -> xr.Dataset:
        opened = self._release.open_file(name, always=self._always)
        with opened as stream, raise_file_errors(stream.name):
            check_members(stream)
            grid = open_zarr_zip(stream, self._chunks)
            check_chunks(grid, stream)
            check_axes(grid, name)
        grid.attrs = {}
        return grid

    def table(self, name: str) -> pd.DataFrame:
        """Return a table."""
        content = self._release.read_file(name)
        with raise_file_errors(name):
            return pd.read_parquet(io.BytesIO(content))

    def targets(self, layers: tuple[int, ...]) -> xr.Dataset:
        """Return the targets of some layers, as feature sets need them."""
        grid = self._open_grid(TARGETS)
        _require(TARGETS, "variable", READ, grid.variables)
        _require(TARGETS, "coordinate", PLACES, grid.coords)
        _require(TARGETS, "layer", layers, grid["layer"].to_numpy().tolist())
        _check_numbers(grid)
        return grid[list(READ)].sel(layer=list(layers))

    def places(self) -> xr.Dataset:
        """Return cells with their positions and layers with their depths, m."""
        grid = self._open_grid(TARGETS)
        _require(TARGETS, "coordinate", PLACES, grid.coords)
        return grid[list(PLACES)].load()

    def features(self) -> xr.Dataset:
        """Return the features of all splits."""
        return self._open_grid(FEATURES)

    def forcing(self, names: tuple[str, ...], targets: xr.Dataset) -> xr.Dataset:
        """Return some forcing variables on the cells and days of the targets."""
        grid = self._open_grid(FORCING)
        _require(FORCING, "variable", names, grid.data_vars)
        grid = grid[list(names)].drop_vars("layer", errors="ignore")
        return align_to_targets(grid, targets, FORCING)

    def weather(self, targets: xr.Dataset) -> xr.Dataset:
        """Return every daily variable, (cell, time), on cells and days of the targets.

        The reanalysis' soil moisture, which has layers, isn't among them.
        """
        grid = self._open_grid(FORCING)
        daily = [name for name in grid.data_vars if set(grid[name].dims) == DAILY]
        return align_to_targets(grid[daily], targets, FORCING)

    def reanalysis(self) -> xr.DataArray | None:
        """Return the reanalysis' soil moisture, (layer, cell, time), if there is one.

        Its values are read when they are needed.
        """
        if FORCING not in self._release.manifest.files:
            return None
        return self._open_grid(FORCING).get(REANALYSIS)

    def split(self, name: str) -> SplitView:
        """Return a split with all that predictions are scored by, in memory."""
        targets, features = self._open_grid(TARGETS), self._open_grid(FEATURES)
        _require(TARGETS, "variable", SCORED, targets.variables)
        kept = [key for key in (*SCORED, *SCORED_IF_KNOWN) if key in targets]
        with raise_file_errors(f"of release {self._release.id}"):
            return view_split(
                name,
                targets=targets[kept].load(),
                features=features.load(),
                splits=self.table(SPLITS),
                cells=self.table(CELLS),
            )


@contextmanager
def raise_file_errors(what: Path | str) -> Iterator[None]:
    """Raise whatever the libraries below raise as an error of this file.

    Raises
    ------
    InputError
        If the system can't read it.
    IntegrityError
        If it can't be read as what it should be.
    """
    try:
        yield
    except (SomobenchError, MemoryError):
        raise
    except RuntimeError as error:
        if "start new thread" in str(error):  # no room for its stack
            raise MemoryError(str(error)) from error
        raise _make_content_error(what, error) from error
    except OSError as error:
        raise make_read_error(Path(what), error) from error
    except Exception as error:
        raise _make_content_error(what, error) from error


def _make_content_error(what: Path | str, error: Exception) -> IntegrityError:
    return IntegrityError(
        f"file {what}",
        found=f"{type(error).__name__}: {error}"[:300],
        expected="a file as releases hold them",
    )


def check_definition(name: str, definition: FeatureSetRecord) -> None:
    """Refuse a feature set whose definition no release can mean."""
    lags, layers = definition.lags, definition.layers
    if len({*lags}) < len(lags) or not all(0 <= lag <= LONGEST_LAG for lag in lags):
        raise _make_definition_error(
            name, f"lags {lags}", f"days from 0 to {LONGEST_LAG}"
        )
    if not layers or len({*layers}) < len(layers):
        raise _make_definition_error(name, f"layers {layers}", "each layer once")


def _make_definition_error(name: str, found: str, expected: str) -> IntegrityError:
    return IntegrityError(
        f"definition of feature set {name!r}", found=found[:200], expected=expected
    )


def _require(
    file: str, kind: str, wanted: Iterable[object], present: Iterable[object]
) -> None:
    lacking = sorted({*map(str, wanted)} - {*map(str, present)})
    if lacking:
        raise IntegrityError(
            f"{file} of the release",
            found=f"no {kind} {', '.join(lacking)}",
            expected=f"every {kind} that the manifest promises",
        )


def check_members(stream: BinaryIO) -> None:
    """Refuse a zip with a member twice, or one that isn't stored as it is."""
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
    if len({member.filename for member in members}) < len(members):
        raise _make_archive_error(stream, "a member twice")
    if any(member.compress_type or member.flag_bits & 1 for member in members):
        raise _make_archive_error(stream, "a compressed or encrypted member")


def check_chunks(grid: xr.Dataset, stream: BinaryIO) -> None:
    """Refuse a grid that lacks a chunk, which would read as missing values."""
    with zipfile.ZipFile(stream) as archive:
        present = {*archive.namelist()}
    for name, variable in grid.variables.items():
        sizes = variable.encoding.get("chunks") or variable.shape
        counts = [
            math.ceil(length / size)
            for length, size in zip(variable.shape, sizes, strict=True)
        ]
        if math.prod(counts) > len(present):
            raise _make_archive_error(
                stream, f"{name} declared with {math.prod(counts)} chunks"
            )
        for place in product(*(range(count) for count in counts)):
            chunk = "/".join([str(name), "c", *map(str, place)])
            if chunk not in present:
                raise _make_archive_error(stream, f"no chunk {chunk}")


def _check_numbers(grid: xr.Dataset) -> None:
    """Refuse targets of other dims or kinds, which would be read as they are."""
    dims: dict[str, tuple[str, ...]] = dict.fromkeys(FACTORS, ("layer", "cell"))
    for name in set(READ) - set(FACTORS):
        dims[name] = ("layer", "cell", "time")
    for name in (*READ, *PLACES):
        array = grid[name]
        if array.dtype.kind not in "fiu" or {*array.dims} != {
            *dims.get(name, array.dims)
        }:
            raise IntegrityError(
                f"{name} of {TARGETS}",
                found=f"{array.dtype} over {', '.join(map(str, array.dims))}",
                expected=f"numbers over {', '.join(dims.get(name, ('its axis',)))}",
            )


ORDERED = ("cell", "time")


def check_axes(grid: xr.Dataset, name: str) -> None:
    """Refuse an axis without labels, with one twice, or days or cells out of order."""
    for dim in grid.dims:
        index = grid.indexes.get(dim)
        if index is None or not len(index):
            found = "no labels"
        elif not index.is_unique:
            found = "a label twice"
        elif dim == "time" and not isinstance(index, pd.DatetimeIndex):
            found = "other labels than days"
        elif dim in ORDERED and not index.is_monotonic_increasing:
            found = "labels out of order"
        else:
            continue
        raise IntegrityError(
            f"axis {dim} of {name}", found=found, expected="labels, each once, in order"
        )


def _make_archive_error(stream: BinaryIO, found: str) -> IntegrityError:
    return IntegrityError(
        f"file {stream.name}",
        found=found,
        expected="every member once, stored as it is",
    )
