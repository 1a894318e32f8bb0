"""Opening and reading: process start to dataset, a whole grid, one cell's series.

    python benchmarks/harness.py bench_open

The start opens a split of the release that the package brings, `virtual-2.0.0`; xarray
alone is the floor, and with its first array it loads Dask where that is installed.
Reading is of 1,500 cells x 8,000 days x 12 float32 variables, smooth and rounded as
forcing is: our file, and the same in a directory as zarr-python writes it by default.
"""

from __future__ import annotations

import functools
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import xarray as xr
from harness import CELLS, DAYS, FOLDER, HERE, Arrays, Race
from numcodecs import blosc

from somobench.catalog.storage.archive import open_zarr_zip, write_zarr_zip
from somobench.catalog.storage.grid_store import CHECKSUM
from somobench.catalog.storage.members import Members
from somobench.catalog.storage.processors import count_cores

RELEASE = {"release": "virtual-2.0.0", "split": "temporal", "scaling": "train"}
OPEN = f"import somobench; somobench.open_dataset('forcing', **{RELEASE})"
FILES = HERE.parent / "releases" / RELEASE["release"]
OPEN_BY_ZARR = f"""import xarray, zarr
for name in ("targets", "features", "forcing"):
    store = zarr.storage.ZipStore(f"{FILES}/{{name}}.zarr.zip")
    xarray.open_zarr(store, consolidated=False, chunks=None).load()
"""
VARIABLES, TAKEN = 12, 10
BYTES = CELLS * DAYS * VARIABLES * 4
OUR_GRID, DEFAULT_GRID, FLAT = (
    FOLDER / name for name in ("grid.zarr.zip", "default.zarr", "flat.npy")
)
Opener = Callable[[], xr.Dataset]


def _start(code: str) -> Arrays:
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
    return {}


def prepare_grids() -> None:
    """Write one grid three times, unless it is there."""
    if FLAT.exists():
        return
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((CELLS, DAYS), dtype=np.float32)
    for day in range(1, DAYS):
        noise[:, day] = 0.9 * noise[:, day - 1] + 0.44 * noise[:, day]
    arrays = [
        np.round(np.roll(noise, 700 * number, axis=1) * 512) / np.float32(128)
        for number in range(VARIABLES)
    ]
    grid = xr.Dataset(
        {f"v{n:02}": (("cell", "time"), array) for n, array in enumerate(arrays)},
        {
            "cell": [f"{cell:05}" for cell in range(CELLS)],
            "time": pd.date_range("2001-01-01", periods=DAYS),
        },
    )
    write_zarr_zip(grid, OUR_GRID)
    grid.to_zarr(DEFAULT_GRID)
    np.save(FLAT, np.stack(arrays))


def open_ours() -> xr.Dataset:
    """Open the zip as the package does."""
    return open_zarr_zip(OUR_GRID)


def open_zip_by_zarr() -> xr.Dataset:
    """Open the zip with zarr's own store."""
    import zarr

    store = zarr.storage.ZipStore(OUR_GRID)
    return xr.open_zarr(store, consolidated=False, chunks=None)


def open_default() -> xr.Dataset:
    """Open the directory."""
    return xr.open_zarr(DEFAULT_GRID, chunks=None)


def open_flat() -> xr.Dataset:
    """Open the memory map."""
    flat = np.load(FLAT, mmap_mode="r")
    dims = ("cell", "time")
    return xr.Dataset({f"v{n:02}": (dims, array) for n, array in enumerate(flat)})


def read_all(opener: Opener) -> Arrays:
    """Read every variable into memory; what is decoded is copied nowhere."""
    grid = opener()
    take = np.array if opener is open_flat else np.asarray
    return {str(name): take(array) for name, array in grid.data_vars.items()}


def decode_alone() -> Arrays:
    """Decode the chunks of our grid into new memory, on all cores, and compare nothing.

    Blosc's header says in its second number how many bytes a chunk decodes to.
    """
    members = Members(OUR_GRID)
    names = [name for name in members if name[:1] == "v" and "/c/" in name]

    def decode(name: str) -> np.ndarray:
        content = members.read_chunk(name)[:-CHECKSUM]
        size = int.from_bytes(content[4:8], "little")
        return blosc.decompress(content, np.empty(size, "u1"))

    with ThreadPoolExecutor(count_cores()) as pool:
        list(pool.map(decode, names))
    return {}


def sum_bits(found: Arrays) -> Arrays:
    """Sum the bits of every array, and keep some of its values."""
    return {
        name: np.append(
            values.reshape(-1)[::9973],
            values.view(np.uint32).sum(axis=1, dtype=np.uint64) % 65536,
        )
        for name, values in found.items()
    }


def remember_openers() -> dict[str, Opener]:
    """Return openers that open once: the call to warm up does."""
    openers = (open_ours, open_zip_by_zarr, open_default, open_flat)
    return {opener.__name__: functools.cache(opener) for opener in openers}


def take_cells(grid: xr.Dataset) -> Arrays:
    """Take all variables of some cells, one after the other."""
    cells = range(7, CELLS, CELLS // TAKEN)[:TAKEN]
    taken = [grid.isel(cell=cell).load() for cell in cells]
    return {"v03": np.stack([one["v03"].to_numpy() for one in taken])}


RACES = {
    "start": Race(
        "process start to first dataset",
        lambda: None,
        {
            "ours": lambda _: _start(OPEN),
            "the same files, zarr": lambda _: _start(OPEN_BY_ZARR),
            "import xarray": lambda _: _start("import xarray"),
            "xarray's first array": lambda _: _start(
                "import xarray as x; x.DataArray(1)"
            ),
        },
        {"import xarray": 1 / 1.2},
        seconds=40,
    ),
    "read": Race(
        "read 12 variables, 1,500 x 8,000, 576 MB",
        lambda: None,
        {
            "ours": lambda _: read_all(open_ours),
            "the same file, zarr": lambda _: read_all(open_zip_by_zarr),
            "zarr's defaults": lambda _: read_all(open_default),
            "decoding alone": lambda _: decode_alone(),
            "memory map": lambda _: read_all(open_flat),
        },
        {"ours": BYTES / 1e9, "zarr's defaults": 4},
        digest=sum_bits,
        prepare=prepare_grids,
        seconds=90,
    ),
    "cell": Race(
        "ten cells in turn, 12 variables, after open",
        remember_openers,
        {
            "ours": lambda given: take_cells(given["open_ours"]()),
            "the same file, zarr": lambda given: take_cells(
                given["open_zip_by_zarr"]()
            ),
            "zarr's defaults": lambda given: take_cells(given["open_default"]()),
            "memory map": lambda given: take_cells(given["open_flat"]()),
        },
        {"ours": 0.01 * TAKEN},
        prepare=prepare_grids,
        seconds=40,
    ),
}
