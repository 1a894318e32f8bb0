"""The stores and files under an input's path, by their content and not their names.

Folders are searched to the bottom. A zip as the Climate Data Store delivers it is
unpacked to a temporary folder, since netCDF can't be read within one. What is no store
is passed over, and said to be.
"""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from somobench.catalog.storage.scratch import make_scratch
from somobench.catalog.storage.zip_directory import ZIP_ERRORS, refuse_large_directory
from somobench.schemas.errors import InputError

Kind = Literal["netcdf", "grib", "zarr", "zarr.zip", "zip"]

MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89HDF\r\n\x1a\n", "netcdf"),
    (b"CDF", "netcdf"),
    (b"GRIB", "grib"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),  # of no member
)
DATA_SUFFIXES = frozenset(
    {".nc", ".nc4", ".cdf", ".netcdf", ".h5", ".zip", ".zarr"}
    | {".grib", ".grb", ".grib2", ".grb2", ".grib1"}
)
ZARR_MARKS = ("zarr.json", ".zgroup", ".zmetadata")
EXPECTED = "a Zarr store, netCDF or GRIB file with CF times, or a zip of such files"
MAXIMUM_RATIO = 1000  # unpacked to packed; a field that is zero everywhere packs well
MAXIMUM_MEMBERS = 10_000
BUFFER = 2**20
OPENING = 8  # bytes that tell a kind
ZIP_WITHOUT = "a zip without netCDF or GRIB files"


Refuse = Callable[[InputError], None]


def stop(error: InputError) -> None:
    """Raise a refusal: nothing is read where one file can't be."""
    raise error


@dataclass(frozen=True)
class Member:
    """A store or file: its name for messages, its place, and how it is stored."""

    name: str
    place: Path | str
    kind: Kind


@dataclass(frozen=True)
class PassedOver:
    """A file below an input that holds no meteorology, and why it wasn't read."""

    name: str
    reason: str


def find_members(
    path: Path | str, unpacked: ExitStack, refuse: Refuse = stop
) -> tuple[list[Member], list[PassedOver]]:
    """List what a store, file, zip, glob or folder holds, sorted by name.

    Parameters
    ----------
    path : Path or str
        With `://` the address of a Zarr store.
    unpacked : ExitStack
        Keeps the temporary folders of zips; closing it removes them.
    refuse : callable
        Given each refusal of a file; raises it, or notes it to go on.

    Raises
    ------
    InputError
        If nothing is there, a file isn't what its name says, or a zip is damaged,
        hostile, or larger than the room for temporary files.
    """
    text = str(path)
    if "://" in text:
        return [Member(text.rsplit("/", 1)[-1], text, "zarr")], []
    found: list[Member] = []
    passed_over: list[PassedOver] = []
    for name, file in _list_files(Path(path)):
        try:
            kind = _recognise_kind(file)
            if kind == "zip":
                inner = _unpack_zip(name, file, unpacked, passed_over)
                if file == Path(path) and not inner:
                    refuse(_make_empty_zip_error(name))
                found += inner
            elif kind is not None:
                found.append(Member(name, file, kind))
            elif file == Path(path) or _has_data_suffix(file.name):
                with file.open("rb") as stream:
                    opening = stream.read(OPENING)
                refuse(_make_kind_error(name, file.stat().st_size, opening))
            else:
                passed_over.append(PassedOver(name, "no netCDF, GRIB, Zarr or zip"))
        except InputError as error:
            refuse(error)
    return found, passed_over


def _list_files(path: Path) -> Iterator[tuple[str, Path]]:
    """Give a file, a glob's files, or those below a folder; a Zarr folder is one."""
    if not path.exists() and "*" in str(path):
        for file in sorted(path.parent.glob(path.name)):
            yield file.name, file
    elif not path.exists():
        raise InputError(f"forcing input {path}", found="nothing at this path")
    elif not path.is_dir() or _is_zarr(path):
        yield path.name, path
    else:
        for file in _walk_files(path):
            yield file.relative_to(path).as_posix(), file


def _walk_files(folder: Path) -> Iterator[Path]:
    for item in sorted(folder.iterdir()):
        if not item.is_dir() or _is_zarr(item):
            yield item
        else:
            yield from _walk_files(item)


def _is_zarr(path: Path) -> bool:
    return any((path / mark).exists() for mark in ZARR_MARKS)


def _recognise_kind(file: Path) -> Kind | None:
    if file.is_dir():
        return "zarr"
    if _is_hidden(file.name):
        return None
    if file.exists() and not file.is_file():
        raise InputError(
            f"forcing input {file}", found="a pipe or device", expected=EXPECTED
        )
    try:
        with file.open("rb") as stream:
            kind = _match_signature(stream.read(OPENING))
    except OSError as error:
        raise InputError(
            f"forcing input {file}", found=error, expected=EXPECTED
        ) from error
    if kind == "zip" and set(_list_zip_names(file)) & set(ZARR_MARKS):
        return "zarr.zip"
    return kind


def _match_signature(opening: bytes) -> Kind | None:
    return next((kind for mark, kind in MAGIC if opening.startswith(mark)), None)


def _has_data_suffix(name: str) -> bool:
    return not _is_hidden(name) and Path(name).suffix.lower() in DATA_SUFFIXES


def _is_hidden(name: str) -> bool:
    """Tell a companion that macOS or a file server left."""
    return name.startswith(".")


def _list_zip_names(file: Path) -> list[str]:
    refuse_large_directory(file, f"forcing input {file.name}")
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()
    except ZIP_ERRORS as error:
        raise _make_zip_error(file.name, error) from error


def _unpack_zip(
    name: str, file: Path, unpacked: ExitStack, passed_over: list[PassedOver]
) -> list[Member]:
    """Unpack the netCDF and GRIB files of a zip, and nothing else of it."""
    folder = unpacked.enter_context(make_scratch())
    found: list[Member] = []
    others: list[PassedOver] = []
    try:
        with zipfile.ZipFile(file) as archive:
            entries = [it for it in archive.infolist() if not it.filename.endswith("/")]
            entries.sort(key=lambda item: item.filename)
            _refuse_hostile(name, entries, folder)
            for number, entry in enumerate(entries):
                inside, place = f"{name}/{entry.filename}", folder / f"{number}.bin"
                kind = _unpack_member(archive, entry, inside, place)
                if kind is None:
                    others.append(PassedOver(inside, "no netCDF or GRIB file"))
                else:
                    found.append(Member(inside, place, kind))
    except ZIP_ERRORS as error:
        raise _make_zip_error(name, error) from error
    passed_over += others if found else [PassedOver(name, ZIP_WITHOUT)]
    return found


def _unpack_member(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, inside: str, place: Path
) -> Kind | None:
    """Write a member that is netCDF or GRIB to its place, and say which it is."""
    with archive.open(entry) as source:
        opening = source.read(OPENING)
        kind = _match_signature(opening)
        if kind in {"netcdf", "grib"}:
            with place.open("wb") as target:
                target.write(opening)
                shutil.copyfileobj(source, target, BUFFER)
            return kind
    if kind == "zip":
        raise InputError(
            f"forcing input {inside}",
            found="a zip within a zip",
            expected=EXPECTED,
            hint="unpack the outer zip into a folder",
        )
    if _has_data_suffix(Path(entry.filename).name):
        raise _make_kind_error(inside, entry.file_size, opening)
    return None


def _refuse_hostile(name: str, entries: list[zipfile.ZipInfo], folder: Path) -> None:
    if any(Path(item.filename).name in ZARR_MARKS for item in entries):
        first = next(i for i in entries if Path(i.filename).name in ZARR_MARKS)
        raise InputError(
            f"forcing input {name}",
            found=f"a zip with {first.filename} first",
            expected="zarr.json or .zgroup at its root",
            hint="zip the content of the store, not the folder that holds it",
        )
    size = sum(item.file_size for item in entries)
    packed = sum(item.compress_size for item in entries)
    room = shutil.disk_usage(folder).free
    for found, expected, is_bad in (
        (f"{len(entries)} members", MAXIMUM_MEMBERS, len(entries) > MAXIMUM_MEMBERS),
        (
            f"{size} bytes, packed to {packed}",
            f"at most {MAXIMUM_RATIO} to 1",
            size > MAXIMUM_RATIO * max(packed, BUFFER),
        ),
        (f"{size} bytes", f"room for them: {room} bytes in {folder}", size > room),
    ):
        if is_bad:
            raise InputError(
                f"forcing input {name}",
                found=found,
                expected=expected,
                hint="unpack the zip yourself, or set TMPDIR to a larger disk",
            )


def _make_kind_error(name: str, size: int, opening: bytes) -> InputError:
    return InputError(
        f"forcing input {name}",
        found=f"{size} bytes that begin with {opening!a}",
        expected=EXPECTED,
        hint="the download may have failed: get the file again",
    )


def _make_empty_zip_error(name: str) -> InputError:
    return InputError(f"forcing input {name}", found=ZIP_WITHOUT, expected=EXPECTED)


def _make_zip_error(name: str, error: object) -> InputError:
    return InputError(
        f"forcing input {name}",
        found=error,
        expected="a whole zip file",
        hint="get the file again",
    )
