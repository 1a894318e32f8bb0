"""Keyword-only builders of what windows are made from, without a release."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from somobench.windows import Series, WindowSet
from somobench.windows.read import read_series

REGIONS = ("africa", "africa", "europe")


def make_opened(
    *,
    role: Sequence[str] = ("1111222333", "1111222333", "3333333333"),
    missing_inputs: Sequence[tuple[int, int]] = (),
    missing_targets: Sequence[tuple[int, int]] = (),
    statics: Mapping[str, Sequence[float]] | None = None,
) -> xr.Dataset:
    """Return a feature set of a layer: a text a cell, a figure a day, 0 is no role.

    On day d of cell c it rains 10 c + d mm, at 280 - d K; the target is
    0.1 c + 0.01 d. Rain has mean 5 and deviation 2, temperature 280 and 1, the target
    0.1 and 0.1.
    """
    cells, days = len(role), len(role[0])
    day = np.broadcast_to(np.arange(days, dtype=np.float32), (cells, days))
    cell = np.arange(cells, dtype=np.float32)[:, None]
    rain, target = 10 * cell + day, 0.1 * cell + 0.01 * day
    for place in missing_inputs:
        rain[place] = np.nan
    for place in missing_targets:
        target[place] = np.nan
    moments = {"precipitation": (5.0, 2.0), "air_temperature": (280.0, 1.0)}
    own = dict(statics or {})
    names = ["air_temperature", "precipitation", *own]
    mean = [moments.get(name, (0.0, 1.0))[0] for name in names]
    std = [moments.get(name, (0.0, 1.0))[1] for name in names]
    daily = ("cell", "time")
    return xr.Dataset(
        {
            "soil_moisture": (daily, target.astype(np.float32)),
            "precipitation": (daily, rain.astype(np.float32)),
            "air_temperature": (daily, 280 - day),
            "role": (daily, np.array([[int(d) for d in row] for row in role], "int8")),
            "normalisation_mean": ("variable", mean),
            "normalisation_std": ("variable", std),
            "target_mean": 0.1,
            "target_std": 0.1,
            **{name: ("cell", list(values)) for name, values in own.items()},
        },
        {
            "cell": [f"{place}.125_0.125" for place in range(cells)],
            "time": pd.date_range("2001-01-01", periods=days),
            "variable": names,
            "layer": 1,
            "region": ("cell", list(REGIONS[:cells])),
            "regime": ("cell", ["water-limited"] * cells),
        },
        {"release": "toy-1.0.0", "split": "temporal", "feature_set": "forcing"},
    )


def make_series(
    opened: xr.Dataset | None = None,
    *,
    length: int = 3,
    memory_limit: int = 2**30,
    scratch: Path | None = None,
) -> Series:
    """Return the arrays of a feature set, by default that of `make_opened`."""
    return read_series(
        make_opened() if opened is None else opened,
        length=length,
        memory_limit=memory_limit,
        scratch=scratch,
    )


def make_windows(
    opened: xr.Dataset | None = None,
    *,
    role: str = "train",
    length: int = 3,
    missing: str = "mask",
) -> WindowSet:
    """Return windows of a feature set, by default that of `make_opened`."""
    series = make_series(opened, length=length)
    return WindowSet(series, role=role, length=length, missing=missing)
