"""Open any store that xarray or eccodes read, in one shape; nothing is loaded."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.pipelines.forcing.era5.files.grib import open_grib
from somobench.pipelines.forcing.era5.files.layout import normalise_parts
from somobench.pipelines.forcing.era5.files.members import (
    EXPECTED,
    Member,
    PassedOver,
    Refuse,
    find_members,
    stop,
)
from somobench.schemas.errors import InputError

UNREADABLE = (OSError, ValueError, KeyError, TypeError, RuntimeError, AttributeError)


@dataclass(frozen=True)
class OpenedInputs:
    """Normalised stores by name, as `layout` describes them, and what isn't one."""

    stores: tuple[tuple[str, xr.Dataset], ...] = ()
    passed_over: tuple[PassedOver, ...] = ()


@contextmanager
def open_inputs(
    paths: Sequence[Path | str], refuse: Refuse = stop
) -> Iterator[OpenedInputs]:
    """Open and normalise stores, files, zips, globs and folders, in sorted order.

    They are closed, and what was unpacked is removed, at the end of the block. `refuse`
    is given each refusal of a file; it raises it, or notes it to go on.

    Raises
    ------
    InputError
        If one can't be read, or has no usable time or position.
    """
    with ExitStack() as stack:
        stores, passed_over = [], []
        for path in paths:
            members, others = find_members(path, stack, refuse)
            passed_over += others
            for member in members:
                try:
                    for store in _open_member(member, stack):
                        stores += [(member.name, part) for part in store]
                except InputError as error:
                    refuse(error)
        if paths and not stores and refuse is stop:
            raise InputError(
                "forcing inputs",
                found="no file" + _format_passed_over(passed_over),
                expected="at least one store or file: " + EXPECTED,
            )
        yield OpenedInputs(tuple(stores), tuple(passed_over))


def _format_passed_over(passed_over: Sequence[PassedOver]) -> str:
    names = ", ".join(item.name for item in passed_over[:5])
    return f" but {names}" if names else ""


def _open_member(member: Member, stack: ExitStack) -> Iterator[list[xr.Dataset]]:
    """Give the normalised parts of each dataset of a member.

    A GRIB file gives one dataset for each grid, version and set of times.
    """
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*consolidated metadata.*")
            opened = _open(member)
            for dataset in opened:
                stack.callback(dataset.close)
                yield normalise_parts(dataset, member.name)
    except UNREADABLE as error:
        raise InputError(
            f"forcing input {member.name}",
            found=f"{type(error).__name__}: {error}",
            expected=EXPECTED,
            hint="the file may be cut short or damaged: get it again",
        ) from error


def _open(member: Member) -> list[xr.Dataset]:
    place = member.place
    if member.kind == "grib":
        return open_grib(Path(place), member.name)
    if member.kind == "netcdf":
        return [
            _cast_dataset(xr.open_dataset(place, chunks=None, decode_timedelta=False))
        ]
    if member.kind == "zarr.zip":
        return [_open_zarr_zip(Path(place))]
    return [_cast_dataset(xr.open_zarr(place, chunks=None, decode_timedelta=False))]


def _cast_dataset(opened: object) -> xr.Dataset:
    """Give a type to what xarray's untyped openers return."""
    if not isinstance(opened, xr.Dataset):
        message = f"a {type(opened).__name__} instead of a dataset"
        raise TypeError(message)
    return opened


def _open_zarr_zip(path: Path) -> xr.Dataset:
    with zipfile.ZipFile(path) as archive:
        if "zarr.json" in archive.namelist():
            return open_zarr_zip(path)
    from zarr.storage import ZipStore

    return _cast_dataset(
        xr.open_zarr(ZipStore(path, mode="r"), chunks=None, zarr_format=2)
    )
