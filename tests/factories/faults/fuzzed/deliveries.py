"""Zips of stations and of weather as portals deliver them, to be damaged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import xarray as xr

from factories.faults.fuzzed import zips
from factories.raw.era5_deliveries import write_cds_zip
from factories.raw.era5_stores import make_era5
from factories.raw.fluxnet_files import portal_zips

Random = np.random.Generator
Write = Callable[[Path, Random], object]
SITES = {"DE-Geb": (51.1, 10.91, 3.0), "FI-Hyy": (61.85, 24.29, 2.0)}
WRONG_MEMBERS: dict[str, bytes] = {
    "a member of noise": np.random.default_rng(0).bytes(5000),
    "a member of text": b"TIMESTAMP,SWC_F_MDS_1\n20040227,x\n",
    "a member cut short": b"TIMESTAMP,SWC_F_MDS_1,SWC_F_MDS_1_QC\n20040227,20.0",
    "a member of a page": b"<!DOCTYPE html><html>log in</html>",
    "a member of one long line": b"TIMESTAMP," + b"x" * 3_000_000,
    "a member of 100,000 columns": b",".join([b"TIMESTAMP", *[b"a"] * 100_000]) + b"\n",
    "a member of quotes": b'TIMESTAMP,"a\n' + b'"' * 100_000,
    "a member of a pickle": b"\x80\x04cos\nsystem\n(S'id'\ntR.",
    "a member of 2 MB of digits": b"TIMESTAMP,SWC_F_MDS_1\n20040227,"
    + b"9" * 2_000_000,
    "a header of HDF5": b"\x89HDF\r\n\x1a\n" + bytes(500),
    "a header of classic netCDF": b"CDF\x01" + b"\xff" * 500,
    "a header of GRIB": b"GRIB" + b"\xff" * 500,
}


def make_site_zip() -> bytes:
    """Return the zip of one site."""
    return next(iter(portal_zips({"DE-Geb": SITES["DE-Geb"]}, 1).values()))


def make_zip_of_sites() -> bytes:
    """Return a zip of two sites' zips."""
    return zips.pack(portal_zips(SITES, 1))


def make_weather(folder: Path) -> bytes:
    """Return the zip of a request at the Climate Data Store."""
    store: xr.Dataset = make_era5()
    return write_cds_zip(folder / "era5.zip", store, folder / "parts").read_bytes()


WITHIN = "FLUXNET, a zip within"
GOOD: Mapping[str, Callable[[Path], bytes]] = MappingProxyType(
    {
        "FLUXNET, a site's zip": lambda _: make_site_zip(),
        "FLUXNET, a zip of zips": lambda _: make_zip_of_sites(),
        WITHIN: lambda _: make_zip_of_sites(),
        "ERA5, a zip": make_weather,
    }
)
"""Good zips by form; of one of them the zips within it are damaged."""


def list_defects(good: bytes, seeds: int) -> Iterator[tuple[str, Write]]:
    """Give defects of a zip, and of one of its members."""

    def spoil(path: Path, rng: Random, *, name: str) -> None:
        path.write_bytes(zips.spoil(good, name, rng))

    def replace(path: Path, _: Random, *, content: bytes) -> None:
        path.write_bytes(replace_member(good, content))

    for name in zips.DEFECTS:
        count = seeds if name in zips.SEEDED else 1
        yield from [(name, partial(spoil, name=name))] * count
    for name, content in WRONG_MEMBERS.items():
        yield name, partial(replace, content=content)


def replace_member(good: bytes, content: bytes) -> bytes:
    """Return a zip whose largest member holds something else."""
    members = zips.unpack(good)
    largest = max(members, key=lambda name: len(members[name]))
    return zips.pack(members | {largest: content})


def list_inner_defects(good: bytes, seeds: int) -> Iterator[tuple[str, Write]]:
    """Give defects of the first zip within a zip."""

    def spoil(path: Path, rng: Random, *, name: str) -> None:
        members = zips.unpack(good)
        first = min(members)
        path.write_bytes(
            zips.pack(members | {first: zips.spoil(members[first], name, rng)})
        )

    for name in zips.DEFECTS:
        count = seeds if name in zips.SEEDED else 1
        yield from [(name, partial(spoil, name=name))] * count
