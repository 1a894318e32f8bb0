"""Classic netCDF: its header is believed only where the file has what it says."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from factories.faults.fuzzed import classic
from factories.faults.fuzzed.submissions import make_grid
from somobench.schemas.errors import InputError
from somobench.submissions.classic import inspect_classic
from somobench.submissions.submission import open_submission

FORMS = ("NETCDF3_CLASSIC", "NETCDF3_64BIT")


def write(path: Path, form: str = FORMS[0], engine: str = "scipy") -> Path:
    grid = make_grid().transpose("time", ...)
    grid.to_netcdf(path, engine=engine, format=form, unlimited_dims=["time"])
    return path


@pytest.mark.parametrize("engine", ["scipy", "netcdf4"])
@pytest.mark.parametrize("form", FORMS)
def test_good_file_of_any_writer_is_read(
    tmp_path: Path, form: str, engine: str
) -> None:
    path = write(tmp_path / "a.nc", form, engine)
    assert "soil_moisture" in inspect_classic(path).arrays
    found = open_submission(path).grid["soil_moisture"].to_numpy()
    np.testing.assert_array_equal(found, make_grid()["soil_moisture"])


def test_one_array_of_odd_records_is_not_filled_up(tmp_path: Path) -> None:
    # 3 records of 3 bytes take 9 bytes: the last may end where the file ends.
    values = xr.Dataset({"a": (("time", "x"), np.ones((3, 3), "int8"))})
    path = tmp_path / "a.nc"
    values.to_netcdf(path, engine="netcdf4", format=FORMS[0], unlimited_dims=["time"])
    assert inspect_classic(path).arrays == ("a",)


def cut(content: bytes) -> bytes:
    return content[:-100]


def cut_header(content: bytes) -> bytes:
    return content[:200]


def name_of_gigabytes(content: bytes) -> bytes:
    return classic.put(content, 16, struct.pack(">I", 2**31 - 4))


def many_records(content: bytes) -> bytes:
    return classic.put(content, classic.RECORDS, struct.pack(">I", 10**9))


def uncounted_records(content: bytes) -> bytes:
    return classic.put(content, classic.RECORDS, b"\xff" * 4)


def many_dims(content: bytes) -> bytes:
    return classic.put(content, 12, struct.pack(">I", 10**9))


def other_tag(content: bytes) -> bytes:
    return classic.put(content, 8, struct.pack(">I", 12))


def version_5(content: bytes) -> bytes:
    return classic.put(content, 3, b"\5")


def in_the_header(content: bytes) -> bytes:
    """Let the last array of the header begin at byte 8."""
    return classic.put(content, classic.measure_header(content) - 4, b"\0\0\0\x08")


DEFECTS: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "cut": (cut, "to byte [0-9]+ of a file of [0-9]+"),
    "cut header": (cut_header, "a header that is cut short, after 200 bytes"),
    "name of 2 GB": (name_of_gigabytes, "a name of 2147483644 bytes"),
    "a billion records": (many_records, "of a file of"),
    "records not counted": (uncounted_records, "records that nobody counted"),
    "a billion dims": (many_dims, "1000000000 dims"),
    "another tag": (other_tag, "tag 12 before dims"),
    "version 5": (version_5, "classic netCDF of version 5"),
    "values in the header": (in_the_header, "from byte 8 on"),
}


@pytest.mark.parametrize("case", DEFECTS)
def test_header_that_lies_is_refused_saying_how(tmp_path: Path, case: str) -> None:
    change, match = DEFECTS[case]
    path = write(tmp_path / "a.nc")
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(InputError, match=match):
        inspect_classic(path)
    with pytest.raises(InputError, match=match):
        open_submission(path)


def test_large_file_is_inspected_where_parts_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    make_grid().to_netcdf(path, engine="scipy", format=FORMS[0])
    with path.open("ab") as stream:
        stream.truncate(5_000_000_000)
    with pytest.raises(InputError, match="at most"):
        inspect_classic(path)
    assert inspect_classic(path, whole=False).declared_bytes == 5_000_000_000
