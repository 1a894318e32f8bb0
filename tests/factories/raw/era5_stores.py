"""Keyword-only builders of small ERA5-like stores and recipes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.schemas.recipe import Recipe, load_recipe

UNITS = {
    "tp": "m",
    "t2m": "K",
    "d2m": "K",
    "sp": "Pa",
    "ssrd": "J m**-2",
    "ssr": "J m**-2",
    "str": "J m**-2",
    "skt": "K",
    "e": "m of water equivalent",
    "swvl1": "m**3 m**-3",
    "swvl2": "m**3 m**-3",
    "swvl3": "m**3 m**-3",
}
MIDDLE = {  # value, amplitude over time, step from node to node
    "tp": (2e-4, 2e-4, 1e-5),
    "t2m": (285.0, 8.0, 0.5),
    "d2m": (280.0, 3.0, 0.5),
    "sp": (98_000.0, 500.0, 100.0),
    "ssrd": (7e5, 6e5, 1e3),
    "ssr": (5e5, 4e5, 1e3),
    "str": (-1.5e5, 5e4, 1e3),
    "skt": (286.0, 9.0, 0.5),
    "e": (-8e-5, 7e-5, 1e-7),
    "swvl1": (0.25, 0.1, 0.001),
    "swvl2": (0.30, 0.05, 0.001),
    "swvl3": (0.35, 0.02, 0.001),
}
LATITUDES = (50.25, 50.0, 49.75)
LONGITUDES = (10.0, 10.25, 10.5)
CELLS = ("49.875_10.125", "49.875_10.375", "50.125_10.125", "50.125_10.375")


def hours(days: int = 3, start: str = "2018-01-01") -> pd.DatetimeIndex:
    """Return the hours of some days and 00 UTC of the day after."""
    return pd.date_range(start, periods=24 * days + 1, freq="h", unit="ns")


def make_era5(
    *,
    days: int = 3,
    times: pd.DatetimeIndex | None = None,
    latitudes: Sequence[float] = LATITUDES,
    longitudes: Sequence[float] = LONGITUDES,
    names: Sequence[str] = tuple(UNITS),
) -> xr.Dataset:
    """Return an hourly store on nodes whose values differ in time and space."""
    stamps = hours(days) if times is None else times
    phase = np.sin(np.arange(len(stamps)) * 0.7)[:, None, None]
    shape = 1, len(latitudes), len(longitudes)
    place = np.arange(len(latitudes) * len(longitudes), dtype=float).reshape(shape)
    dataset = xr.Dataset(
        coords={
            "time": stamps,
            "latitude": list(latitudes),
            "longitude": list(longitudes),
        }
    )
    for name in names:
        middle, amplitude, step = MIDDLE[name]
        values = middle + amplitude * phase + step * place
        dataset[name] = (
            ("time", "latitude", "longitude"),
            values.astype("float32"),
            {"units": UNITS[name]},
        )
    return dataset


def make_cell_table(*, cells: Sequence[str] = CELLS) -> pd.DataFrame:
    """Return cell_id, latitude and longitude of cells."""
    parts = [cell.split("_") for cell in sorted(cells)]
    return pd.DataFrame(
        {
            "cell_id": pd.Series(sorted(cells), dtype="str"),
            "latitude": [float(latitude) for latitude, _ in parts],
            "longitude": [float(longitude) for _, longitude in parts],
        }
    )


def make_recipe(
    repository: Path,
    *,
    name: str = "virtual",
    start: str = "2018-01-01",
    end: str = "2018-01-03",
    **blocks: dict[str, Any],
) -> Recipe:
    """Return a recipe of the repository with another period and changed keys."""
    recipe = load_recipe(repository / "conf" / "recipe" / f"{name}.yaml")
    content = recipe.model_dump(mode="json")
    content["period"] = {"start": start, "end": end}
    for block, changes in blocks.items():
        content[block] |= changes
    return Recipe.model_validate(content)
