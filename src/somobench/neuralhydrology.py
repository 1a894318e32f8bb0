"""A split in the layout of NeuralHydrology's GenericDataset, and its results back.

Cells are its basins. NeuralHydrology itself is needed to train, and not here.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.storage.atomic import replace_file
from somobench.export import write_dataset
from somobench.open import open_dataset
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.variables import ROLES, STATIC_ATTRIBUTES, TRAIN, VARIABLES

TARGET = "soil_moisture"
DAILY = "1D"  # NeuralHydrology's name for the frequency of its results


def export_split(
    folder: str | os.PathLike[str],
    feature_set: str = "forcing",
    *,
    release: str,
    split: str,
    layer: int,
) -> dict[str, Any]:
    """Write a layer of a split for NeuralHydrology; return what its config needs.

    Targets are in train scaling. Train days are written as every period of a cell,
    validation and test days as one from the first to the last, since NeuralHydrology
    evaluates no others; `read_predictions` gives all days, and scores look at test
    days alone. A train sequence may read the weather of test days, which windows of
    `somobench.windows` may not; and NeuralHydrology normalises by itself, by the days
    that it trains on. Attributes that a cell lacks or that all train cells share are
    left out.

    Parameters
    ----------
    folder : path
        Must not exist.
    feature_set, release, split, layer
        As of `somobench.open_dataset`; of lagged inputs the day itself is written.

    Returns
    -------
    dict
        Entries of a configuration: the data set, its files, inputs and target.

    Raises
    ------
    UsageError
        If the folder exists, or for a name that doesn't.
    """
    path = Path(folder).absolute()
    if path.exists():
        expected = "a new folder"
        raise UsageError(f"folder {path}", found="it exists", expected=expected)
    opened = open_dataset(
        feature_set,
        release=release,
        split=split,
        layer=layer,
        scaling="train",
        include=("normalisation", "statics"),
    )
    names = opened["variable"].to_numpy().astype(str).tolist()
    inputs = [name for name in names if name not in STATIC_ATTRIBUTES]
    attributes = _read_attributes(opened)
    with replace_file(path, new=True) as partial:
        _write_series(opened[[TARGET, *inputs]], partial / "time_series")
        (partial / "attributes").mkdir()
        attributes.to_csv(partial / "attributes" / "attributes.csv")
        for number, role in enumerate(ROLES, TRAIN):
            days = (opened["role"] == number).transpose("cell", "time").to_numpy()
            _write_periods(opened, days, partial, role)
    files = {
        f"{role}_basin_file": str(path / f"{role}_cells.txt") for role in ROLES
    } | {
        f"per_basin_{role}_periods_file": str(path / f"{role}_periods.p")
        for role in ROLES
    }
    return {
        "dataset": "generic",
        "data_dir": str(path),
        "dynamic_inputs": inputs,
        "static_attributes": list(map(str, attributes.columns)),
        "target_variables": [TARGET],
        **files,
    }


def read_predictions(run: str | os.PathLike[str], *, layer: int) -> xr.DataArray:
    """Return the newest test results of a run as `somobench.evaluate` takes them.

    The results are a pickle, which may run anything: read only runs of your own.

    Parameters
    ----------
    run : path
        Folder of a run that was evaluated on period `test`.
    layer : int

    Returns
    -------
    DataArray, (layer, cell, time), m3 m-3, train scaling
        Bounded by what soil moisture can be.

    Raises
    ------
    InputError
        If the run has no test results.
    """
    files = sorted(Path(run).glob("test/model_epoch*/test_results.p"))
    if not files:
        hint = "run NeuralHydrology's eval_run(run_dir, period='test')"
        raise InputError(f"run {run}", found="no test results", hint=hint)
    results = pickle.loads(files[-1].read_bytes())  # noqa: S301 - said above
    limits = VARIABLES[TARGET]
    series = [
        found[DAILY]["xr"][f"{TARGET}_sim"].isel(time_step=-1, drop=True)
        for found in results.values()
    ]
    cells = pd.Index([*results], name="cell")
    grid = xr.concat(series, cells, join="outer").rename(date="time")
    grid = grid.clip(limits.minimum, limits.maximum).expand_dims(layer=[layer])
    grid.attrs = {"units": limits.units, "scaling": "train"}
    return grid.rename(TARGET).transpose("layer", "cell", "time")


def _write_series(opened: xr.Dataset, folder: Path) -> None:
    """Write a file a cell, with the days as `date`."""
    folder.mkdir(parents=True)
    if "lag" in opened.dims:
        opened = opened.sel(lag=0)
    plain = opened.reset_coords(drop=True)
    for cell in plain["cell"].to_numpy().tolist():
        series = plain.sel(cell=cell, drop=True).rename(time="date")
        write_dataset(series, folder / f"{cell}.nc")


def _read_attributes(opened: xr.Dataset) -> pd.DataFrame:
    """Return the numbers known of every cell that differ between train cells."""
    trained = (opened["role"] == TRAIN).any("time").to_numpy()
    names = [name for name in STATIC_ATTRIBUTES if name in opened.data_vars]
    table = opened[names].reset_coords(drop=True).to_dataframe()
    known = table[trained]
    kept = table.notna().all() & (known.max() > known.min())
    table.index = pd.Index(opened["cell"].to_numpy(), name="cell")
    return table.loc[:, kept]


def _write_periods(
    opened: xr.Dataset, days: NDArray[np.bool_], folder: Path, role: str
) -> None:
    """Write the cells of a role and their periods, as NeuralHydrology reads them."""
    cells, time = opened["cell"].to_numpy().tolist(), opened.indexes["time"]
    periods = {
        cell: _list_periods(own, time, whole=role != "train")
        for cell, own in zip(cells, days, strict=True)
        if own.any()
    }
    (folder / f"{role}_cells.txt").write_text("".join(f"{cell}\n" for cell in periods))
    (folder / f"{role}_periods.p").write_bytes(pickle.dumps(periods))


def _list_periods(
    own: NDArray[np.bool_], time: pd.Index[Any], *, whole: bool
) -> dict[str, list[Any]]:
    """Return first and last days of the runs of marked days, or of all in one."""
    padded = np.concatenate([[False], own, [False]]).astype(np.int8)
    first = np.flatnonzero(np.diff(padded) == 1)
    last = np.flatnonzero(np.diff(padded) == -1) - 1
    if whole:
        first, last = first[:1], last[-1:]
    return {"start_dates": list(time[first]), "end_dates": list(time[last])}
