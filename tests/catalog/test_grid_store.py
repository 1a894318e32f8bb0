"""Grids read chunk by chunk: what zarr itself reads, on any grid and any part of it."""

from __future__ import annotations

import json
import pickle
import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numcodecs import blosc

from factories.days import make_targets
from somobench.catalog.storage.archive import (
    _open_by_zarr,
    open_zarr_zip,
    write_zarr_zip,
)
from somobench.catalog.storage.blosc_blocks import HEADER, decode_range
from somobench.catalog.storage.grid_store import GridStore
from somobench.catalog.storage.members import Members
from somobench.schemas.errors import IntegrityError

pytestmark = [pytest.mark.heavy, pytest.mark.filterwarnings("ignore")]

DTYPES = ("float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool")
DTYPES_OF_TEXT = ("<U1", "<U7")
ENCODINGS: tuple[dict[str, Any], ...] = (
    {},
    {"_FillValue": -99, "dtype": "int16"},
    {"_FillValue": 3.5},
    {"scale_factor": 0.5, "add_offset": 2.0, "dtype": "int16", "_FillValue": -1},
)


@st.composite
def grids(draw: st.DrawFn) -> tuple[xr.Dataset, dict[str, int]]:
    """Draw a grid of up to three dims, and chunk lengths that needn't divide them."""
    sizes = {"layer": draw(st.integers(1, 3)), "cell": draw(st.integers(1, 9))}
    sizes["time"] = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    grid = xr.Dataset(coords={"time": np.arange(sizes["time"]).astype("datetime64[D]")})
    for number in range(draw(st.integers(1, 3))):
        count = draw(st.integers(0, 3))
        dims = draw(st.permutations(sorted(sizes)))[:count]
        dtype = draw(st.sampled_from((*DTYPES, *DTYPES_OF_TEXT)))
        shape = [sizes[dim] for dim in dims]
        values = rng.integers(0, 100, shape).astype(dtype)
        if np.dtype(dtype).kind == "f":
            values = np.where(rng.random(shape) < 0.2, np.nan, values).astype(dtype)
        grid[f"v{number}"] = xr.Variable(dims, values, {"units": "1"})
    chunks = {dim: draw(st.integers(1, size)) for dim, size in sizes.items()}
    return grid, chunks


def _draw_key(draw: st.DrawFn, length: int) -> Any:
    place = st.integers(-length, length - 1)
    part = st.slices(length)
    return draw(st.one_of(place, part, st.lists(place, min_size=1, max_size=5)))


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(drawn=grids(), data=st.data())
def test_any_part_of_any_grid_is_what_zarr_reads(
    tmp_path: Path, drawn: tuple[xr.Dataset, dict[str, int]], data: st.DataObject
) -> None:
    grid, chunks = drawn
    path = tmp_path / "a.zarr.zip"
    write_zarr_zip(grid, path, chunks)
    assert GridStore.recognise(Members(path)) is not None
    keys = {
        dim: data.draw(st.composite(_draw_key)(length=size))
        for dim, size in grid.sizes.items()
    }
    with open_zarr_zip(path) as ours, _open_by_zarr(Members(path)) as theirs:
        part = ours.isel(keys).load()
        xr.testing.assert_identical(ours.load(), theirs.load())
        xr.testing.assert_identical(part, theirs.isel(keys))
    with open_zarr_zip(path, {}) as lazy:
        xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), ours)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_fill_values_scales_and_types_are_decoded_as_by_zarr(
    tmp_path: Path, encoding: dict[str, Any]
) -> None:
    import zarr
    from zarr.codecs import BloscCodec, Crc32cCodec

    grid = xr.Dataset({"a": ("time", np.array([1.0, np.nan, 3.5, -4.0]))})
    compressors = (BloscCodec(), Crc32cCodec())
    store = zarr.storage.ZipStore(tmp_path / "a.zarr.zip", mode="w")
    grid.to_zarr(
        store,
        zarr_format=3,
        consolidated=False,
        encoding={"a": {"compressors": compressors, "chunks": (3,), **encoding}},
    )
    store.close()
    path = tmp_path / "a.zarr.zip"
    assert GridStore.recognise(Members(path)) is not None
    with open_zarr_zip(path) as ours, _open_by_zarr(Members(path)) as theirs:
        xr.testing.assert_identical(ours.load(), theirs.load())


@pytest.mark.parametrize("noise", [0, 1, 2**31 - 1])
def test_rows_of_a_chunk_of_several_blocks_are_its_rows(
    tmp_path: Path, noise: int
) -> None:
    # 64 x 8,000 int32 are 2 MB: four blocks of 512 KiB and a short one, of which
    # a row of 32 kB needs one or two; noise that doesn't compress is stored as it is.
    values = np.arange(70 * 8000, dtype="int32").reshape(70, 8000)
    values ^= np.random.default_rng(1).integers(0, noise + 1, values.shape, "int32")
    grid = xr.Dataset({"a": (("cell", "time"), values)})
    write_zarr_zip(grid, tmp_path / "a.zarr.zip")
    with open_zarr_zip(tmp_path / "a.zarr.zip") as back:
        for cell in range(70):
            np.testing.assert_array_equal(back["a"][cell], values[cell])
        np.testing.assert_array_equal(
            back["a"][[69, 3, 40], 7990:], values[[69, 3, 40], 7990:]
        )


@pytest.mark.parametrize("shuffle", [0, 1, 2])
@pytest.mark.parametrize("codec", [b"zstd", b"lz4", b"blosclz", b"zlib"])
def test_blocks_are_decoded_alone_or_with_all_others(
    codec: bytes, shuffle: int
) -> None:
    values = np.arange(700_003, dtype="int32")
    buffer = memoryview(blosc.compress(values, codec, 7, shuffle))
    block = HEADER.unpack_from(buffer)[5]
    assert values.nbytes % block
    whole = values.view("u1")
    for start in range(0, whole.size, block // 2):
        stop = min(start + 9, whole.size)
        target = np.zeros_like(whole)
        decode_range(buffer, target, start, stop)
        np.testing.assert_array_equal(target[start:stop], whole[start:stop])
        assert (target != 0).sum() <= 2 * block


@pytest.mark.parametrize("at", [3, 4, 9, 13, 17])
def test_damage_in_the_head_of_a_buffer_is_refused(at: int) -> None:
    content = bytearray(
        blosc.compress(np.arange(700_000, dtype="int32"), b"zstd", 7, 2)
    )
    content[at] ^= 0x55
    target = np.zeros(2_800_000, "u1")
    try:
        decode_range(memoryview(bytes(content)), target, 1_000_000, 1_000_100)
    except (ValueError, RuntimeError):
        return
    assert at == 3  # the size of an element: other values, never other memory


def test_what_isnt_written_here_is_left_to_zarr(tmp_path: Path) -> None:
    import zarr

    grid = make_targets()
    path = tmp_path / "a.zarr.zip"
    with zarr.storage.ZipStore(path, mode="w") as store:
        grid.to_zarr(store, zarr_format=3, consolidated=False)
    assert GridStore.recognise(Members(path)) is None
    with open_zarr_zip(path) as back:
        xr.testing.assert_identical(back.load(), grid)


def test_a_grid_without_a_chunk_is_left_to_zarr(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr.zip"
    write_zarr_zip(make_targets(), path)
    _rewrite(path, drop="soil_moisture/c/0/0/0")
    assert GridStore.recognise(Members(path)) is None
    with open_zarr_zip(path) as back:
        assert np.isnan(back["soil_moisture"][0].to_numpy()).all()


def test_a_deflated_zip_is_read_as_a_stored_one(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr.zip"
    write_zarr_zip(make_targets(), path)
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        _rewrite(path, method=method)
        with open_zarr_zip(path) as back:
            xr.testing.assert_identical(back.load(), make_targets())


def test_an_attribute_of_the_metadata_that_is_unknown_leaves_it_to_zarr(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.zarr.zip"
    write_zarr_zip(make_targets(), path)
    with zipfile.ZipFile(path) as archive:
        node = json.loads(archive.read("soil_moisture/zarr.json"))
    assert GridStore.recognise(Members(path)) is not None
    node["codecs"].insert(
        0, {"name": "transpose", "configuration": {"order": [0, 1, 2]}}
    )
    _rewrite(path, replace={"soil_moisture/zarr.json": json.dumps(node).encode()})
    assert GridStore.recognise(Members(path)) is None


def test_a_pickled_grid_reads_the_file_or_says_that_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr.zip"
    write_zarr_zip(make_targets(), path)
    with open_zarr_zip(path, {}) as grid:
        copy = pickle.dumps(grid)
    xr.testing.assert_identical(
        pickle.loads(copy).compute(scheduler="synchronous"), make_targets()
    )
    write_zarr_zip(make_targets(count=3), path)
    with pytest.raises(IntegrityError, match="other members"):
        pickle.loads(copy)["soil_moisture"].compute(scheduler="synchronous")


@pytest.mark.parametrize("left", [0.0, 0.3])
def test_a_file_that_is_cut_while_it_is_open_is_no_shorter_grid(
    tmp_path: Path, left: float
) -> None:
    path = tmp_path / "a.zarr.zip"
    write_zarr_zip(make_targets(), path)
    with open_zarr_zip(path) as grid:
        with path.open("r+b") as stream:
            stream.truncate(int(path.stat().st_size * left))
        with pytest.raises(IntegrityError, match=r"a\.zarr\.zip"):
            grid.load()


def test_a_chunk_that_another_takes_the_place_of_is_refused(tmp_path: Path) -> None:
    # Noise is stored as it is, so that chunks are as long as each other, and each
    # agrees with the checksum behind it.
    path, rng = tmp_path / "a.zarr.zip", np.random.default_rng(1)
    noise = rng.integers(-100, 100, (2, 64, 100), dtype="int8")
    grid = xr.Dataset({n: (("cell", "time"), noise[i]) for i, n in enumerate("ab")})
    write_zarr_zip(grid, path)
    with open_zarr_zip(path) as back:
        back["a"][3].load()
        with zipfile.ZipFile(path) as archive:
            chunks = [archive.read(f"{name}/c/0/0") for name in "ab"]
        assert len(chunks[0]) == len(chunks[1])
        path.write_bytes(path.read_bytes().replace(chunks[0], chunks[1]))
        with pytest.raises(IntegrityError, match="CRC-32"):
            back["a"][3].load()


def _rewrite(
    path: Path,
    *,
    drop: str = "",
    replace: dict[str, bytes] | None = None,
    method: int = zipfile.ZIP_STORED,
) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= replace or {}
    members.pop(drop, None)
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_reading_takes_no_more_processor_time_than_zarr(tmp_path: Path) -> None:
    # Measured: four fifths for all, three fifths for one cell. Both are bounded at 1.3.
    path = tmp_path / "a.zarr.zip"
    rng = np.random.default_rng(1)
    values = np.round(rng.standard_normal((256, 4000)) * 128).astype("float32")
    grid = xr.Dataset({f"v{n}": (("cell", "time"), values + n) for n in range(4)})
    write_zarr_zip(grid, path)
    with open_zarr_zip(path) as ours, _open_by_zarr(Members(path)) as theirs:
        for cells in (slice(None), 100):
            times = [_measure(each, cells) for each in (ours, theirs)]
            assert times[0] <= 1.3 * times[1], cells


def _measure(grid: xr.Dataset, cells: slice | int) -> float:
    """Return the least processor time of five readings, s."""
    times = []
    for _ in range(5):
        start = time.process_time()
        grid.isel(cell=cells).load()
        times.append(time.process_time() - start)
    return min(times)
