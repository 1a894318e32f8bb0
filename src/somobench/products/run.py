"""Predict a gridded store block by block, resumable, and rename it at the end."""

from __future__ import annotations

import pickle
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.catalog.storage.atomic import replace_file
from somobench.parallel import map_items
from somobench.products.applied import NETWORK, AppliedNetwork, Block
from somobench.products.begin import begin_run, check_disk, check_out, map_staged
from somobench.products.forcing import ForcingStore, open_forcing
from somobench.products.models import (
    PreparedModel,
    measure_climate,
    prepare_model,
)
from somobench.products.plan import Plan, plan_blocks
from somobench.products.write import NETCDF, write_block, write_netcdf

MEMORY = 1_000  # MB of each process
Tile = tuple[slice, ...]


class Produced(NamedTuple):
    """A product that was written.

    Attributes
    ----------
    path : Path
    plan : Plan
    resumed : blocks that an earlier run had finished
    inside : share of the cells within the area of applicability, of those with an index
    """

    path: Path
    plan: Plan
    resumed: int
    inside: float | None


class _Work(NamedTuple):
    """What a process needs to predict blocks."""

    store: ForcingStore
    model: PreparedModel
    plan: Plan
    folder: Path


def _write_to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def predict_store(
    model: str,
    forcing: Path,
    out: Path,
    *,
    release: str | None = None,
    split: str | None = None,
    memory: int = MEMORY,
    processes: int = 1,
    scheduler: str | None = None,
    overwrite: bool = False,
    echo: Callable[[str], None] = _write_to_stderr,
) -> Produced:
    """Apply a model to a gridded store of daily weather and write its soil moisture.

    The bytes don't depend on the number of processes. A run that was killed goes on
    where it stopped, if it is asked the same; what is unfinished lies beside `out`.

    Parameters
    ----------
    model : str
        `rung@release/split`, a folder of `somobench train`, `module:function` or
        `path.py:function`.
    forcing : netCDF file, or folder or zip of Zarr
        Daily; see `somobench.products.forcing`.
    out : Path
        `.nc` for netCDF; otherwise a folder of Zarr.
    release, split : str, optional
        What a function was trained on; a rung names it.
    memory : MB of each process
    processes : int
    scheduler : address of a Dask scheduler, optional
    overwrite : bool
    echo : callable
        Gets a line beforehand that says how much will be read and written.

    Raises
    ------
    UsageError, InputError
        For a model, a store or a memory with which nothing can be made.
    """
    check_out(out, forcing, overwrite=overwrite)
    store = open_forcing(forcing)
    prepared = prepare_model(
        model, store, _read_trial(store), release=release, split=split
    )
    store = store.limit(prepared.variables)
    libraries = NETWORK if isinstance(prepared.applied, AppliedNetwork) else 0
    plan = plan_blocks(store, len(prepared.layers), memory * 1_000_000, libraries)
    check_disk(out, plan)
    echo(plan.describe())
    folder = out.with_name(f".{out.name}.unfinished")
    done = begin_run(folder, store, prepared, plan)
    run = partial(map_items, processes=processes, scheduler=scheduler)
    read = partial(_read_work, folder, forcing)
    if plan.slabs:
        run(
            stage_slab, [n for n in range(len(plan.slabs)) if f"s{n}" not in done], read
        )
    left = [n for n in range(len(plan.tiles)) if f"b{n}" not in done]
    run(predict_block, left, read)
    inside = _measure_inside(folder / "result.zarr", prepared)
    _finish(folder, out)
    return Produced(out, plan, len(plan.tiles) - len(left), inside)


def _read_trial(store: ForcingStore) -> Block:
    """Read the first year of one cell in the middle."""
    middle = tuple(slice(size // 2, size // 2 + 1) for size in store.places.shape)
    days = min(len(store.days), 365)
    time = {store.time_name: slice(0, days)}
    where = dict(zip(store.places.dims, middle, strict=True)) | time
    weather = {
        name: store.read(name, where).reshape(1, days) for name in store.variables
    }
    return _make_block(store, middle, weather, store.days[:days])


def _make_block(
    store: ForcingStore,
    tile: Tile,
    weather: dict[str, NDArray[np.float32]],
    days: NDArray[np.datetime64],
) -> Block:
    latitude, longitude = store.places.latitude, store.places.longitude
    if store.places.is_grid:
        latitude, longitude = np.meshgrid(
            latitude[tile[0]], longitude[tile[1]], indexing="ij"
        )
    else:
        latitude, longitude = latitude[tile], longitude[tile]
    longitude = (longitude + 180) % 360 - 180  # as releases count
    statics = {name: item[tile].reshape(-1) for name, item in store.statics.items()}
    return Block(weather, statics, latitude.reshape(-1), longitude.reshape(-1), days)


def _read_work(folder: Path, forcing: Path) -> _Work:
    """Open the store and the prepared model in a process."""
    # Written by this run a moment ago, beside its own output.
    model, plan = pickle.loads((folder / "model.pickle").read_bytes())  # noqa: S301
    store = open_forcing(forcing).limit(model.variables)
    return _Work(store, model, plan, folder)


def stage_slab(work: _Work, number: int) -> None:
    """Lay one part of the weather down by cell."""
    slab = work.plan.slabs[number]
    dims = (*work.store.places.dims, work.store.time_name)
    where = dict(zip(dims, slab, strict=True))
    for name in work.store.variables:
        staged = map_staged(work.folder, name, work.plan, "r+")
        staged[slab] = work.store.read(name, where)
        staged.flush()
    (work.folder / "done" / f"s{number}").touch()


def predict_block(work: _Work, number: int) -> None:
    """Predict one block and write it."""
    tile, store = work.plan.tiles[number], work.store
    where = dict(zip(store.places.dims, tile, strict=True))
    weather = {}
    for name in store.variables:
        if work.plan.slabs:
            values = np.array(map_staged(work.folder, name, work.plan, "r")[tile])
        else:
            values = store.read(name, where)
        weather[name] = values.reshape(-1, len(store.days))
    block = _make_block(store, tile, weather, store.days)
    space, index, threshold = work.model.space, None, 0.0
    if space is not None:
        predictors = measure_climate(weather) | dict(block.statics)
        index, threshold = space.measure(predictors), space.threshold
    predicted = work.model.applied.predict(block)
    write_block(work.folder / "result.zarr", tile, predicted, index, threshold)
    (work.folder / "done" / f"b{number}").touch()


def _measure_inside(path: Path, model: PreparedModel) -> float | None:
    """Return the share of cells within the area of applicability."""
    if model.space is None:
        return None
    import zarr

    from somobench.products.write import INSIDE

    array: Any = zarr.open_group(path, mode="r", use_consolidated=False)[INSIDE]
    flags = np.asarray(array[...])
    known = flags[flags >= 0]
    return float((known == 1).mean()) if known.size else None


def _finish(folder: Path, out: Path) -> None:
    """Move the finished store to its name; drop what was needed on the way."""
    result = folder / "result.zarr"
    if out.suffix in NETCDF:
        write_netcdf(result, folder / "result.nc")
        result = folder / "result.nc"
    with replace_file(out) as partial_path:
        result.rename(partial_path)
    shutil.rmtree(folder)
