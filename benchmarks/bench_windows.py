"""Random windows of 365 days x 12 inputs, 256 a batch, against other loaders.

    OMP_NUM_THREADS=1 python benchmarks/bench_windows.py           samples a second
    OMP_NUM_THREADS=1 python benchmarks/bench_windows.py --memory  peak memory

One thread, processor time. Outputs are compared before they are timed; rounds of all
loaders take turns, and the median round counts. Loaders that aren't installed are left
out.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import pandas as pd
import xarray as xr

from somobench.windows import WindowSet
from somobench.windows.read import read_series

LENGTH, INPUTS, SIZE = 365, 12, 256
NAMES = [f"input_{number:02}" for number in range(INPUTS)]
ROUNDS = 7
MEBIBYTE = 2**20
BUDGET = 64 * MEBIBYTE

Take = Callable[[np.ndarray], np.ndarray]


def make_world(cells: int, days: int) -> xr.Dataset:
    """Return a feature set of one layer as `open_windows` meets it, lazy-like."""
    rng = np.random.default_rng(1)
    daily = ("cell", "time")
    shape = (cells, days)
    variables = {name: (daily, rng.random(shape, dtype=np.float32)) for name in NAMES}
    return xr.Dataset(
        {
            "soil_moisture": (daily, rng.random(shape, dtype=np.float32)),
            "role": (daily, np.ones(shape, dtype=np.int8)),
            **variables,
            "normalisation_mean": ("variable", np.full(INPUTS, 0.5)),
            "normalisation_std": ("variable", np.full(INPUTS, 0.25)),
            "target_mean": 0.5,
            "target_std": 0.25,
        },
        {
            "cell": [f"{place}.125_0.125" for place in range(cells)],
            "time": pd.date_range("2001-01-01", periods=days),
            "variable": NAMES,
            "layer": 1,
            "region": ("cell", ["africa"] * cells),
            "regime": ("cell", ["arid"] * cells),
        },
        {"release": "bench", "split": "temporal", "feature_set": "forcing"},
    )


def open_all(world: xr.Dataset, limit: int, scratch: Path | None = None) -> WindowSet:
    series = read_series(world, length=LENGTH, memory_limit=limit, scratch=scratch)
    return WindowSet(series, role="train", length=LENGTH)


def normalise(values: np.ndarray) -> np.ndarray:
    return (values - np.float32(0.5)) / np.float32(0.25)


# Rows are (cell, day) numbers of a small world, cell * days + day, day >= LENGTH - 1.
def use_isel(world: xr.Dataset) -> Take:
    days = world.sizes["time"]
    stacked = world[NAMES].to_dataarray().transpose("cell", "time", "variable").load()

    def take(rows: np.ndarray) -> np.ndarray:
        places = [divmod(row, days) for row in rows.tolist()]
        return np.stack(
            [
                stacked.isel(cell=c, time=slice(d + 1 - LENGTH, d + 1)).to_numpy()
                for c, d in places
            ]
        )

    return take


def use_xbatcher(world: xr.Dataset, *, bare: bool) -> Take:
    """Use a data set with its labels, as in xbatcher's manual, or one array without."""
    import xbatcher

    days = world.sizes["time"]
    if bare:
        stacked = world[NAMES].to_dataarray().transpose("cell", "time", "variable")
        source = stacked.drop_vars([*stacked.coords]).to_dataset(name="inputs")
    else:
        source = world[NAMES].reset_coords(drop=True)
    generator = xbatcher.BatchGenerator(
        source,
        input_dims={"cell": 1, "time": LENGTH},
        input_overlap={"cell": 0, "time": LENGTH - 1},
        preload_batch=False,
    )
    per_cell = days - LENGTH + 1

    def read(number: int) -> np.ndarray:
        batch = generator[number]
        if bare:
            return batch["inputs"].to_numpy()[0]
        return np.stack([batch[name].to_numpy()[0] for name in NAMES], axis=-1)

    def take(rows: np.ndarray) -> np.ndarray:
        places = [divmod(row, days) for row in rows.tolist()]
        return np.stack([read(c * per_cell + d + 1 - LENGTH) for c, d in places])

    return take


def use_neuralhydrology(world: xr.Dataset, folder: Path) -> Take:
    from neuralhydrology.datasetzoo.genericdataset import GenericDataset
    from neuralhydrology.utils.config import Config

    days = world.sizes["time"]
    cells = world["cell"].to_numpy().tolist()
    (folder / "time_series").mkdir()
    for cell in cells:
        series = world[[*NAMES, "soil_moisture"]].sel(cell=cell, drop=True)
        series = series.rename(time="date").reset_coords(drop=True)
        series.to_netcdf(folder / "time_series" / f"{cell}.nc")
    (folder / "cells.txt").write_text("\n".join(cells))
    first, last = (world.indexes["time"][place] for place in (LENGTH - 1, -1))
    config = Config(
        {
            "dataset": "generic",
            "data_dir": folder,
            "train_basin_file": folder / "cells.txt",
            "train_start_date": first.strftime("%d/%m/%Y"),
            "train_end_date": last.strftime("%d/%m/%Y"),
            "dynamic_inputs": NAMES,
            "target_variables": ["soil_moisture"],
            "seq_length": LENGTH,
            "predict_last_n": 1,
            "train_dir": folder,
            "loss": "MSE",
            "verbose": 0,
        }
    )
    data = GenericDataset(config, is_train=True, period="train")
    per_cell = days - LENGTH + 1
    spread, centre = (
        np.array([float(data.scaler[kind][name]) for name in NAMES], np.float32)
        for kind in ("xarray_feature_scale", "xarray_feature_center")
    )

    def take(rows: np.ndarray) -> np.ndarray:
        places = [divmod(row, days) for row in rows.tolist()]
        numbers = [c * per_cell + d + 1 - LENGTH for c, d in places]
        batch = data.collate_fn([data[number] for number in numbers])
        return np.concatenate([batch["x_d"][name].numpy() for name in NAMES], axis=-1)

    take.restore = lambda values: values * spread + centre
    return take


def use_copies(windows: WindowSet) -> Take:
    """Copy as many bytes from one place each time: no loader can be faster."""
    flat = windows.series().padded.values.reshape(-1, INPUTS)
    rng = np.random.default_rng(2)

    def take(rows: np.ndarray) -> np.ndarray:
        start = int(rng.integers(len(flat) - rows.size * LENGTH))
        return flat[start : start + rows.size * LENGTH].copy()

    return take


def use_torch(windows: WindowSet) -> Take:
    import torch

    torch.set_num_threads(1)
    data = windows.torch_dataset(SIZE, seed=1, epochs=1000)
    number = iter(range(10**9))
    return lambda _rows: data[next(number)].inputs


def compare_outputs(
    others: dict[str, Take], small: WindowSet, rows: np.ndarray, days: int
) -> None:
    index = {divmod(row, days): place for place, row in enumerate(rows.tolist())}
    batch = small.take([cell * days + day for cell, day in index])
    for name, take in others.items():
        values = take(rows)
        restore = getattr(take, "restore", None)
        values = normalise(restore(values) if restore else values)
        np.testing.assert_allclose(values, batch.inputs, atol=1e-4, err_msg=name)


def time_rounds(takes: dict[str, tuple[Take, Callable[[], np.ndarray], int]]) -> None:
    rates: dict[str, list[float]] = {name: [] for name in takes}
    for _ in range(ROUNDS):
        for name, (take, draw, batches) in takes.items():
            rows = [draw() for _ in range(batches)]
            start = time.process_time()
            for each in rows:
                take(each)
            rates[name].append(batches * SIZE / (time.process_time() - start))
    own = np.median(rates["somobench, take"])
    print(f"{'loader':28} {'samples/s':>10} {'least':>10} {'most':>10} {'ours is':>9}")
    for name, found in rates.items():
        middle = np.median(found)
        print(
            f"{name:28} {middle:10,.0f} {min(found):10,.0f} {max(found):10,.0f}"
            f" {own / middle:8.2f}x"
        )


def compare_speed() -> None:
    days, cells, few = 4000, 400, 8
    world = make_world(cells, days)
    windows = open_all(world, 2**40)
    part = world.isel(cell=slice(few))
    small = open_all(part, 2**40)
    rng = np.random.default_rng(3)
    with tempfile.TemporaryDirectory() as folder:
        others = {"xarray isel": use_isel(part)}
        if find_spec("xbatcher"):
            others["xbatcher, data set"] = use_xbatcher(part, bare=False)
            others["xbatcher, one bare array"] = use_xbatcher(part, bare=True)
        if find_spec("neuralhydrology"):
            others["NeuralHydrology dataset"] = use_neuralhydrology(part, Path(folder))

        def draw_few() -> np.ndarray:
            day = rng.integers(LENGTH - 1, days, SIZE)
            return rng.integers(few, size=SIZE) * days + day

        compare_outputs(others, small, draw_few()[:32], days)
        takes = {
            "memory copy, same bytes": (use_copies(windows), draw_few, 100),
            "somobench, take": (
                windows.take,
                lambda: rng.integers(len(windows), size=SIZE),
                100,
            ),
            **{name: (take, draw_few, 2) for name, take in others.items()},
        }
        if find_spec("torch"):
            takes["somobench, torch_dataset"] = (use_torch(windows), draw_few, 100)
        time_rounds(takes)


def read_peak() -> float:
    """Return the peak of resident memory, MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (peak,) = [line for line in lines if line.startswith("VmHWM")]
    return int(peak.split()[1]) / 1024


def measure_memory() -> None:
    """Take windows of a store ten times the budget, in this process alone."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER")) as name:
        folder = Path(name)
        store = folder / "store.zarr"
        if os.fork() == 0:  # the peak of what makes the store isn't ours
            warnings.simplefilter("ignore")
            make_world(1500, 8000).chunk(cell=64).to_zarr(store)
            os._exit(0)
        os.wait()
        warnings.simplefilter("ignore")
        world = xr.open_zarr(store)
        before = read_peak()
        start = time.perf_counter()
        windows = open_all(world, BUDGET, folder)
        opened = time.perf_counter() - start
        after_opening = read_peak()
        series = windows.series()
        arrays = (series.padded, series.known, series.observed, series.roles)
        held = sum(array.values.nbytes for array in arrays)
        held += windows._rows.values.nbytes
        start = time.perf_counter()
        for number, batch in enumerate(windows.batches(SIZE, seed=1)):
            assert batch.inputs.shape == (SIZE, LENGTH, INPUTS)
            if number == 199:
                break
        rate = 200 * SIZE / (time.perf_counter() - start)
        print(f"arrays {held / MEBIBYTE:.0f} MiB, budget {BUDGET / MEBIBYTE:.0f} MiB")
        print(
            f"samples {len(windows):,}; opened in {opened:.1f} s; {rate:,.0f} a second"
        )
        print(
            f"peak of resident memory above that of the imports, {before:.0f} MiB:"
            f" {after_opening - before:.0f} MiB after opening,"
            f" {read_peak() - before:.0f} MiB after 200 batches"
        )


if __name__ == "__main__":
    measure_memory() if "--memory" in sys.argv[1:] else compare_speed()
