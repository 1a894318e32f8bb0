"""Grids in a zip: identity, the same bytes, and no chunk without a checksum."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from factories.days import make_forcing, make_targets
from factories.faults.faulty_calls import in_child
from factories.faults.harmless.grids import store_members, write_members
from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.members import Members
from somobench.schemas.errors import IntegrityError
from somobench.submissions.confine import limit_memory

pytestmark = pytest.mark.heavy


def test_write_then_read_is_identity(tmp_path: Path) -> None:
    for name, grid in (("targets", make_targets()), ("forcing", make_forcing())):
        write_zarr_zip(grid, tmp_path / f"{name}.zarr.zip")
        with open_zarr_zip(tmp_path / f"{name}.zarr.zip") as back:
            xr.testing.assert_identical(back.load(), grid)


@pytest.mark.parametrize("chunks", [None, {}], ids=["eager", "lazy"])
def test_texts_of_any_length_are_texts(
    tmp_path: Path, chunks: dict[str, int] | None
) -> None:
    path, grid = tmp_path / "a.zarr.zip", make_targets()
    name = "primary_network"
    any_length = grid.assign({name: grid[name].astype(object)})
    members = store_members(any_length, zarr_format=3, consolidated=False)
    write_members(path, members)
    found = open_zarr_zip(path, chunks)[name]
    assert found.to_numpy().astype(str).tolist() == grid[name].values.tolist()
    assert found.encoding["chunks"] == grid[name].shape


def test_same_data_gives_the_same_bytes_lazy_or_not(tmp_path: Path) -> None:
    grid = make_targets()
    write_zarr_zip(grid, tmp_path / "a.zarr.zip")
    write_zarr_zip(grid.chunk({"time": 3}), tmp_path / "b.zarr.zip")
    one, two = ((tmp_path / f"{name}.zarr.zip").read_bytes() for name in "ab")
    assert one == two


def test_members_are_stored_sorted_dated_1980_and_unique(tmp_path: Path) -> None:
    write_zarr_zip(make_targets(), tmp_path / "a.zarr.zip")
    with zipfile.ZipFile(tmp_path / "a.zarr.zip") as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    assert names == sorted(set(names))
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}


def test_every_array_ends_in_a_checksum(tmp_path: Path) -> None:
    write_zarr_zip(make_targets(), tmp_path / "a.zarr.zip")
    with zipfile.ZipFile(tmp_path / "a.zarr.zip") as archive:
        nodes = [
            json.loads(archive.read(name))
            for name in archive.namelist()
            if name.endswith("/zarr.json")
        ]
    assert len(nodes) > 10
    assert {node["codecs"][-1]["name"] for node in nodes} == {"crc32c"}


@pytest.mark.parametrize(("days", "block"), [(4096, 0), (4097, 262_144)])
def test_chunk_beyond_a_megabyte_has_blocks_for_few_cells(
    tmp_path: Path, days: int, block: int
) -> None:
    # 64 cells of float32: 1 MiB are 4096 days
    grid = xr.Dataset({"a": (("cell", "time"), np.zeros((64, days), np.float32))})
    write_zarr_zip(grid, tmp_path / "a.zarr.zip")
    with zipfile.ZipFile(tmp_path / "a.zarr.zip") as archive:
        (blosc,) = (
            codec["configuration"]
            for codec in json.loads(archive.read("a/zarr.json"))["codecs"]
            if codec["name"] == "blosc"
        )
    assert blosc["blocksize"] == block


def test_chunk_of_missing_values_is_written(tmp_path: Path) -> None:
    grid = make_targets()
    grid["soil_moisture"][2] = np.nan
    write_zarr_zip(grid, tmp_path / "a.zarr.zip")
    with zipfile.ZipFile(tmp_path / "a.zarr.zip") as archive:
        assert "soil_moisture/c/2/0/0" in archive.namelist()


def test_flipped_byte_in_a_chunk_is_an_error_on_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr.zip"
    write_zarr_zip(make_targets(), path)
    with zipfile.ZipFile(path) as archive:
        entry = archive.getinfo("soil_moisture/c/0/0/0")
    content = bytearray(path.read_bytes())
    start = content.index(b"soil_moisture/c/0/0/0") + len("soil_moisture/c/0/0/0")
    content[start + entry.file_size // 2] ^= 1
    path.write_bytes(content)
    with open_zarr_zip(path) as grid, pytest.raises(Exception, match="CRC|checksum"):
        grid["soil_moisture"].load()


@settings(max_examples=20, deadline=None)
@given(
    values=st.lists(
        st.floats(width=32, allow_nan=True, allow_infinity=False),
        min_size=1,
        max_size=50,
    )
)
def test_any_float_series_survives(
    values: list[float], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.zarr.zip"
    grid = xr.Dataset({"a": ("time", np.array(values, "float32"))})
    write_zarr_zip(grid, path)
    with open_zarr_zip(path) as back:
        np.testing.assert_array_equal(back["a"].to_numpy(), grid["a"].to_numpy())


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("gone", range(3))
def test_a_deleted_zip_spoils_no_dataset_of_forked_children(
    tmp_path: Path, gone: int
) -> None:
    grids = [make_targets(), make_targets(count=3), make_forcing()]
    names = ["soil_moisture", "soil_moisture", "precipitation"]
    opened = []
    for number, grid in enumerate(grids):
        write_zarr_zip(grid, tmp_path / f"{number}.zarr.zip")
        opened.append(open_zarr_zip(tmp_path / f"{number}.zarr.zip", {}))
    expected = [
        (dataset[name].compute(scheduler="synchronous"))
        for dataset, name in zip(opened, names, strict=True)
    ]
    (tmp_path / f"{gone}.zarr.zip").unlink()

    def read_often() -> None:
        for _ in range(10):
            for dataset, name, values in zip(opened, names, expected, strict=True):
                found = dataset[name].compute(scheduler="synchronous")
                xr.testing.assert_identical(found, values)

    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            os._exit(in_child(read_often) != 0)
        children.append(child)
    read_often()
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]


def test_an_open_file_is_read_whatever_has_its_name(tmp_path: Path) -> None:
    path, other = tmp_path / "a.zarr.zip", tmp_path / "b.zarr.zip"
    write_zarr_zip(make_targets(), path)
    write_zarr_zip(make_targets(count=3), other)
    with path.open("rb") as stream:
        other.replace(path)
        grid = open_zarr_zip(stream)
    xr.testing.assert_identical(grid.load(), make_targets())
    grid.close()


def test_a_zip_is_read_where_the_system_reads_by_offset_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_zarr_zip(make_targets(), tmp_path / "a.zarr.zip")
    monkeypatch.delattr(os, "pread")
    for chunks in (None, {}):
        with open_zarr_zip(tmp_path / "a.zarr.zip", chunks) as back:
            xr.testing.assert_identical(back.load(), make_targets())


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        (20, 2**31, "ends before"),
        (42, 2**31, "ends before"),
        (24, 2**31, "says 2147483648 bytes"),
    ],
)
def test_a_member_that_declares_too_much_takes_no_memory(
    tmp_path: Path, field: int, value: int, said: str
) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"x" * 1000)
    content = bytearray(path.read_bytes())
    # Packed size, size and place: 20, 24 and 42 bytes into the entry.
    struct.pack_into("<I", content, content.index(b"PK\x01\x02") + field, value)
    path.write_bytes(content)
    with pytest.raises(IntegrityError, match=said), limit_memory(100_000_000):
        Members(path)["a"]
