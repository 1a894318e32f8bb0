"""Hostile submissions: refused from metadata, and what they point at isn't read."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from factories.scoring import predicted
from somobench.schemas.errors import InputError
from somobench.submissions.inspect import inspect_submission
from somobench.submissions.limits import MAXIMUM_BYTES
from somobench.submissions.submission import open_submission

pytestmark = pytest.mark.heavy

SECRET = b"SECRET--" * 64


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """Return a file that no submission may make us read."""
    path = tmp_path / "secret.bin"
    path.write_bytes(SECRET)
    return path


def refused(path: Path, match: str) -> None:
    """Expect a quick refusal whose message doesn't tell the secret."""
    start = time.monotonic()
    with pytest.raises(InputError, match=match) as raised:
        inspect_submission(path)
    assert time.monotonic() - start < 5
    assert "SECRET" not in str(raised.value)
    with pytest.raises(InputError) as raised:
        open_submission(path)
    assert "SECRET" not in str(raised.value)


def plain_netcdf(path: Path) -> Path:
    grid = predicted(0.3).to_dataset(name="soil_moisture")
    grid.to_netcdf(path, engine="h5netcdf")
    return path


def test_external_storage_is_refused_and_not_read(tmp_path: Path, secret: Path) -> None:
    path = tmp_path / "storage.nc"
    with h5py.File(path, "w") as file:
        file.create_dataset(
            "soil_moisture", (64,), "f8", external=[(str(secret), 0, len(SECRET))]
        )
        # Without the refusal, HDF5 hands the other file's bytes out as numbers.
        assert file["soil_moisture"][0] == np.frombuffer(SECRET, "f8")[0]
    before = secret.stat().st_atime_ns
    os.utime(secret, ns=(0, secret.stat().st_mtime_ns))
    refused(path, "values in another file")
    assert secret.stat().st_atime_ns == 0 < before


def test_external_link_is_refused_and_not_followed(
    tmp_path: Path, secret: Path
) -> None:
    other = plain_netcdf(tmp_path / "other.nc")
    path = plain_netcdf(tmp_path / "link.nc")
    with h5py.File(path, "a") as file:
        file["stolen"] = h5py.ExternalLink(str(other), "/soil_moisture")
    os.utime(other, ns=(0, other.stat().st_mtime_ns))
    refused(path, "/stolen\n *found: *external link")
    assert other.stat().st_atime_ns == 0


def with_hdf5(change: Callable[[h5py.File], object]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / "a.nc"
        with h5py.File(path, "w") as file:
            change(file)
        return path

    return make


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("soil_moisture", layout)


def _soft(file: h5py.File) -> None:
    file["soil_moisture"] = h5py.SoftLink("/nowhere")


def _large(file: h5py.File) -> None:
    file.create_dataset("soil_moisture", (10**6, 10**6), "f4", chunks=(1000, 1000))


def _deep(file: h5py.File) -> None:
    for number in range(2000):
        file.create_group(f"group{number}")


def _many_attributes(file: h5py.File) -> None:
    created = file.create_dataset("soil_moisture", (2,), "f4")
    for number in range(1001):
        created.attrs[f"a{number}"] = 0


HOSTILE_HDF5: dict[str, tuple[Callable[[h5py.File], object], str]] = {
    "virtual array": (_virtual, "a virtual array"),
    "soft link": (_soft, "soft link"),
    "four terabytes": (_large, f"at most {MAXIMUM_BYTES}"),
    "many groups": (_deep, "more objects"),
    "many attributes": (_many_attributes, "attributes of /soil_moisture"),
    "compound": (
        lambda file: file.create_dataset("soil_moisture", (2,), [("a", "f4")]),
        "type class",
    ),
    "unknown filter": (
        lambda file: file.create_dataset(
            "soil_moisture", (2,), "f4", compression="lzf"
        ),
        r"filters \[32000\]",
    ),
}


@pytest.mark.parametrize("name", HOSTILE_HDF5)
def test_hostile_hdf5_is_refused(name: str, tmp_path: Path) -> None:
    change, match = HOSTILE_HDF5[name]
    refused(with_hdf5(change)(tmp_path), match)


def zarr_folder(path: Path, version: int = 3) -> Path:
    predicted(0.3).to_dataset(name="soil_moisture").to_zarr(
        path, zarr_format=version, consolidated=False
    )
    return path


def changed(path: Path, name: str, **content: Any) -> Path:
    """Change keys of a metadata document."""
    document = json.loads((path / name).read_text())
    (path / name).write_text(json.dumps(document | content))
    return path


BYTES = {"name": "bytes", "configuration": {"endian": "little"}}
OBJECTS = {"dtype": "|O", "filters": [{"id": "pickle", "protocol": 5}]}
HOSTILE_V3: dict[str, tuple[dict[str, Any], str]] = {
    "pickle": ({"codecs": [BYTES, {"name": "numcodecs.pickle"}]}, "numcodecs.pickle"),
    "sharded pickle": (
        {
            "codecs": [
                {
                    "name": "sharding_indexed",
                    "configuration": {"codecs": [{"name": "numcodecs.pickle"}]},
                }
            ]
        },
        "numcodecs.pickle",
    ),
    "four terabytes": ({"shape": [10**6, 10**6, 1]}, f"at most {MAXIMUM_BYTES}"),
    "object type": ({"data_type": "variable_length_bytes"}, "numbers or texts"),
    "negative shape": ({"shape": [-1, 2, 3]}, "whole numbers"),
    "transformers": ({"storage_transformers": [{"name": "x"}]}, "transformers"),
}


@pytest.mark.parametrize("name", HOSTILE_V3)
@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
def test_hostile_zarr_3_is_refused(name: str, tmp_path: Path) -> None:
    content, match = HOSTILE_V3[name]
    path = zarr_folder(tmp_path / "a.zarr")
    refused(changed(path, "soil_moisture/zarr.json", **content), match)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (OBJECTS, "pickle"),
        ({"dtype": "|O", "filters": None}, "numbers or texts"),
        ({"dtype": [["a", "<f4"]]}, "numbers or texts"),
        ({"compressor": {"id": "evil"}}, "evil"),
    ],
)
def test_hostile_zarr_2_is_refused(
    content: dict[str, Any], match: str, tmp_path: Path
) -> None:
    path = zarr_folder(tmp_path / "a.zarr", version=2)
    refused(changed(path, "soil_moisture/.zarray", **content), match)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    sentinel = tmp_path / "sentinel"

    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return Path.touch, (sentinel,)

    path = zarr_folder(tmp_path / "a.zarr", version=2)
    changed(path, "soil_moisture/.zarray", **OBJECTS)
    for chunk in (path / "soil_moisture").glob("[0-9]*"):
        chunk.write_bytes(pickle.dumps([Bomb()]))
    refused(path, "pickle")
    assert not sentinel.exists()


@pytest.mark.filterwarnings("ignore:.*Zarr V3.*")
def test_link_out_of_a_zarr_folder_is_refused(tmp_path: Path, secret: Path) -> None:
    path = zarr_folder(tmp_path / "a.zarr")
    (path / "soil_moisture" / "extra").symlink_to(secret)
    refused(path, "a link or device")


def hostile_zip(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("zarr.json", json.dumps({"node_type": "group"}))
        for name, content in entries:
            archive.writestr(name, content)
    return path


def _linked() -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo("link")
    entry.external_attr = 0o120777 << 16
    return entry


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        ("../escape", "a name inside the zip"),
        ("/etc/passwd", "a name inside the zip"),
        ("a\\..\\b", "a name inside the zip"),
        ("c:x", "a name inside the zip"),
        (_linked(), "a link or device"),
    ],
)
def test_zip_member_that_leads_out_is_refused(
    entry: str | zipfile.ZipInfo, match: str, tmp_path: Path
) -> None:
    refused(hostile_zip(tmp_path / "a.zip", (entry, b"x")), match)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_metadata_given_again_and_again_are_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(30):
            attributes = {"a": "x" * 900_000, "number": number}
            content = {"node_type": "group", "attributes": attributes}
            archive.writestr("zarr.json", json.dumps(content))
    with pytest.raises(InputError, match=r"metadata of \d+ bytes that are there again"):
        inspect_submission(path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_zip_member_given_twice_is_refused(tmp_path: Path) -> None:
    refused(hostile_zip(tmp_path / "a.zip", ("x", b"1"), ("x", b"2")), "there twice")


def test_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = hostile_zip(tmp_path / "a.zip", ("c/0", b"0" * 1000))
    content = bytearray(path.read_bytes())
    # The declared size of the last member, in the table of contents at its offset 24.
    place = content.rfind(b"PK\x01\x02") + 24
    content[place : place + 4] = (4_294_967_294).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    refused(path, "members of the zip")


def test_zip_that_claims_a_million_members_is_refused(tmp_path: Path) -> None:
    path = hostile_zip(tmp_path / "a.zip")
    content = bytearray(path.read_bytes())
    # Length of the table of contents, at offset 12 of the end record.
    place = content.rfind(b"PK\x05\x06") + 12
    content[place : place + 4] = (400_000_000).to_bytes(4, "little")
    path.write_bytes(bytes(content))
    refused(path, "a table of contents of 400000000 bytes")


def zeros_in_zlib(blocks: int) -> bytes:
    """Return a whole zlib stream of so many times ten million zeros.

    After a full flush a block needs nothing of those before it, so one is enough.
    """
    size = 10_000_000
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    block = squeezed.compress(bytes(size)) + squeezed.flush(zlib.Z_FULL_FLUSH)
    # Adler-32 of n zeros: the sum of bytes stays 1, the sum of sums is n mod 65521.
    checksum = (blocks * size % 65521) << 16 | 1
    return b"\x78\x9c" + blocks * block + squeezed.flush() + checksum.to_bytes(4, "big")


def test_zeros_in_zlib_are_a_sound_stream() -> None:
    assert zlib.decompress(zeros_in_zlib(2)) == bytes(20_000_000)


@pytest.mark.slow
def test_decompression_bomb_in_a_chunk_fails_within_the_memory_limit(
    tmp_path: Path,
) -> None:
    path = zarr_folder(tmp_path / "a.zarr", version=2)
    changed(path, "soil_moisture/.zarray", compressor={"id": "zlib"})
    bomb = zeros_in_zlib(500)
    for chunk in (path / "soil_moisture").glob("[0-9]*"):
        chunk.write_bytes(bomb)
    with pytest.raises(InputError, match="memory that a submission may take"):
        open_submission(path)


def parquet(path: Path, **columns: pa.Array) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def test_nested_parquet_column_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", cell_id=pa.array([[1]]))
    refused(path, "column cell_id")


def test_parquet_with_a_huge_footer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + bytes(100) + (2**31).to_bytes(4, "little") + b"PAR1")
    refused(path, "a footer of 2147483648 bytes")


@pytest.mark.parametrize(
    ("start", "match"),
    [
        (b"", "0 bytes"),
        (b"<!DOCTYPE html>", "netCDF, Zarr"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "a sound HDF5 file"),
        (b"PK\x03\x04" + bytes(500), "a whole zip"),
        (b"PAR1" + bytes(500), "plain Parquet"),
        (pickle.dumps([1]), "netCDF, Zarr"),
    ],
)
def test_file_that_is_no_submission_is_refused(
    start: bytes, match: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.nc"
    path.write_bytes(start)
    refused(path, match)


@pytest.mark.parametrize(
    ("name", "start", "hint"),
    [
        ("a.csv", b"cell_id,time", "to_parquet"),
        ("A.CSV.gz", b"\x1f\x8b\x08", "to_parquet"),
        ("a.nc.gz", b"\x1f\x8b\x08", "gunzip"),
        ("a.grib", b"GRIB", "grib_to_netcdf"),
    ],
)
def test_refusal_of_a_known_format_says_what_to_do(
    name: str, start: bytes, hint: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(start)
    refused(tmp_path / name, f"(?s)try: .*{hint}")


def test_truncated_file_is_refused(tmp_path: Path) -> None:
    path = plain_netcdf(tmp_path / "a.nc")
    path.write_bytes(path.read_bytes()[:-500])
    refused(path, "a sound HDF5 file")


def test_missing_file_and_device_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        open_submission(tmp_path / "none.nc")
    with pytest.raises(InputError, match="no regular file"):
        open_submission("/dev/zero")


def test_folder_without_zarr_metadata_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    refused(tmp_path / "a", "without Zarr metadata")


def test_refusal_takes_little_memory(tmp_path: Path, secret: Path) -> None:
    path = with_hdf5(_large)(tmp_path)
    code = """
import re, sys
from pathlib import Path
from somobench.schemas.errors import InputError
from somobench.submissions.inspect import inspect_submission
try:
    inspect_submission(Path(sys.argv[1]))
except InputError:
    status = Path("/proc/self/status").read_text()
    print(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1])
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 512_000  # kB
