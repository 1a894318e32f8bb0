"""Submissions of the formats that fuzzing damages, and odd things in their place."""

from __future__ import annotations

import gzip
import os
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numcodecs
import numpy as np
import xarray as xr
from zarr.codecs import GzipCodec

from factories.faults.fuzzed import classic, stores, zips
from factories.faults.harmless.grids import store_members
from factories.scoring import predicted

Random = np.random.Generator
Write = Callable[[Path, Random], object]
DAYS = 30


def make_grid() -> xr.Dataset:
    """Return predictions of 2 layers, 6 cells and 30 days."""
    return predicted(0.3).isel(time=slice(DAYS)).to_dataset(name="soil_moisture")


def write_classic(path: Path, form: Any) -> None:
    make_grid().to_netcdf(path, engine="scipy", format=form)


def make_members(version: int) -> dict[str, bytes]:
    """Return the files of a store whose chunks are packed with a checksum each."""
    grid = make_grid()
    packed: dict[str, Any] = {"compressors": (GzipCodec(level=5),)}
    if version == 2:
        packed = {"compressors": (numcodecs.GZip(5),)}
    encoding = dict.fromkeys(map(str, grid.variables), packed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return store_members(
            grid, zarr_format=version, consolidated=False, encoding=encoding
        )


def write_folder(path: Path, members: Mapping[str, bytes]) -> None:
    for name, content in members.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)


def make_csv() -> bytes:
    frame = make_grid().to_dataframe().reset_index().rename(columns={"cell": "cell_id"})
    return frame.to_csv(index=False).encode()


CLASSIC = MappingProxyType(
    {
        "classic netCDF": "NETCDF3_CLASSIC",
        "classic netCDF, 64-bit offsets": "NETCDF3_64BIT",
    }
)


def list_classic(form: str, seeds: int) -> Iterator[tuple[str, Write]]:
    """Give defects of a classic file, and how each is written."""

    def write(path: Path, rng: Random, *, change: classic.Defect) -> None:
        write_classic(path, CLASSIC[form])
        path.write_bytes(change(path.read_bytes(), rng))

    for name, change in classic.SEEDED.items():
        yield from [(name, partial(write, change=change))] * seeds
    for name, change in classic.ONCE.items():
        yield name, partial(write, change=change)


def list_stores(
    version: int, seeds: int, *, zipped: bool
) -> Iterator[tuple[str, Write]]:
    """Give defects of the documents and chunks of a store, a folder or a zip."""

    def write(path: Path, rng: Random, *, change: stores.Defect) -> None:
        members = change(make_members(version), rng)
        if zipped:
            path.write_bytes(zips.pack(members))
        else:
            write_folder(path, members)

    for name, change in stores.SEEDED.items():
        yield from [(name, partial(write, change=change))] * seeds
    for name, change in stores.ONCE[version].items():
        yield name, partial(write, change=change)


def list_zips(version: int, seeds: int) -> Iterator[tuple[str, Write]]:
    """Give defects of the zip around a store."""

    def write(path: Path, rng: Random, *, name: str) -> None:
        path.write_bytes(zips.spoil(zips.pack(make_members(version)), name, rng))

    for name in zips.DEFECTS:
        count = seeds if name in zips.SEEDED else 1
        yield from [(name, partial(write, name=name))] * count


def in_store(name: str, put: Callable[[Path], object], version: int = 2) -> Write:
    """Put something odd in the place of a file of a store."""

    def write(path: Path, _: Random) -> None:
        write_folder(path, make_members(version))
        (path / name).unlink(missing_ok=True)
        put(path / name)

    return write


def put_content(content: Callable[[], bytes]) -> Write:
    return lambda path, _: path.write_bytes(content())


def link_to(target: str) -> Callable[[Path], object]:
    return lambda path: path.symlink_to(target)


def make_device(path: Path) -> None:
    os.mknod(path, 0o020644, os.makedev(1, 5))


def write_deep_folder(path: Path, _: Random) -> None:
    """Make a folder of 400 folders, each in the one before."""
    path.joinpath(*["d"] * 400).mkdir(parents=True)


def write_sparse(path: Path, _: Random) -> None:
    """Write a classic file whose 8 GB were never written."""
    write_classic(path, "NETCDF3_CLASSIC")
    os.truncate(path, 8_000_000_000)


def write_grid_of_text(path: Path, _: Random) -> None:
    grid = make_grid()
    text = grid["soil_moisture"].astype(str)
    grid.assign(soil_moisture=text).to_netcdf(path, engine="scipy")


CHUNK = "soil_moisture/0.0.0"
ODD: Mapping[str, Write] = MappingProxyType(
    {
        "CSV": put_content(make_csv),
        "CSV, packed": put_content(lambda: gzip.compress(make_csv())),
        "CSV, packed 1000 to 1": put_content(lambda: gzip.compress(bytes(10**8))),
        "CSV, cut": put_content(lambda: gzip.compress(make_csv())[:100]),
        "CSV with formulas": put_content(lambda: b"=cmd|' /C calc'!A0,1\n"),
        "an empty file": put_content(lambda: b""),
        "a byte": put_content(lambda: b"C"),
        "zeros": put_content(lambda: bytes(10_000)),
        "noise": lambda path, rng: path.write_bytes(rng.bytes(10_000)),
        "a page of a web site": put_content(lambda: b"<!DOCTYPE html><html></html>"),
        "a pickle": put_content(lambda: b"\x80\x04cos\nsystem\n(S'id'\ntR."),
        "text in place of numbers": write_grid_of_text,
        "8 GB that were never written": write_sparse,
        "a folder of nothing": lambda path, _: path.mkdir(),
        "a folder of 400 folders": write_deep_folder,
        "a pipe": lambda path, _: os.mkfifo(path),
        "a device": lambda path, _: make_device(path),
        "a link to nothing": lambda path, _: path.symlink_to("nowhere"),
        "a link to itself": lambda path, _: path.symlink_to(path.name),
        "a link to a device": lambda path, _: path.symlink_to("/dev/zero"),
        "a link to a folder of the system": lambda path, _: path.symlink_to("/proc"),
        "a chunk that is a link": in_store(CHUNK, link_to("/etc/passwd")),
        "a chunk that is a pipe": in_store(CHUNK, os.mkfifo),
        "a chunk that is a device": in_store(CHUNK, make_device),
        "a chunk that is a folder": in_store(CHUNK, Path.mkdir),
        "a document that is a link": in_store("soil_moisture/.zarray", link_to("x")),
        "a document that is a pipe": in_store("soil_moisture/.zarray", os.mkfifo),
        "a group that is a link": in_store("more", link_to("/")),
        "a document in a pipe": in_store(".zmetadata", os.mkfifo),
    }
)
"""What isn't a format, or no file at all."""
