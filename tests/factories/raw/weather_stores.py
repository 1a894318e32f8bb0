"""A small gridded store of weather, and functions that predict from it by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

DAYS, NORTH, EAST = 40, 4, 6
BUCKET = """
import os, pathlib, signal

def predict(forcing):
    kill = pathlib.Path(__file__).parent / "kill"
    if kill.exists() and forcing.sizes["cell"] > 1:
        kill.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    for flag in pathlib.Path(__file__).parent.glob("fail-*"):
        if float(forcing["latitude"].min()) == float(flag.name.split("-")[1]):
            if forcing.sizes["time"] == 40 and forcing.sizes["cell"] > 1:
                raise ValueError("stopped")
    return (0.2 + 0.001 * forcing["precipitation"].cumsum("time")).transpose()
"""
"""A store that only fills, so that every day depends on all days before it."""


def make_weather(*, era5: bool = False) -> xr.Dataset:
    """Return daily rain and temperature on a grid that runs south to north."""
    rng = np.random.default_rng(4)
    dims = ("time", "latitude", "longitude")
    rain = np.round(rng.gamma(0.4, 6.0, (DAYS, NORTH, EAST)), 3).astype("float32")
    warm = np.round(283 + rng.normal(0, 4, rain.shape), 2).astype("float32")
    units = "m" if era5 else "mm d-1"
    names = ("tp", "t2m") if era5 else ("precipitation", "air_temperature")
    return xr.Dataset(
        {
            names[0]: (dims, rain / 1000 if era5 else rain, {"units": units}),
            names[1]: (dims, warm, {"units": "K"}),
        },
        {
            "time": np.datetime64("2020-01-01", "ns")
            + np.arange(DAYS) * np.timedelta64(1, "D"),
            "latitude": (
                "latitude",
                40.0 + np.arange(NORTH),
                {"units": "degrees_north"},
            ),
            "longitude": (
                "longitude",
                5.0 + np.arange(EAST),
                {"units": "degrees_east"},
            ),
        },
    )


def write_weather(
    path: Path, chunks: tuple[int, int, int], *, era5: bool = False
) -> Path:
    """Write the store as Zarr in chunks of days, rows and columns."""
    grid = make_weather(era5=era5)
    for name in grid.data_vars:
        grid[name].encoding = {"chunks": chunks}
    grid.to_zarr(path, zarr_format=3, consolidated=False)
    return path


def write_bucket(folder: Path) -> str:
    """Write the function to a file and name it."""
    path = folder / "bucket.py"
    path.write_text(BUCKET, encoding="utf-8")
    return f"{path}:predict"
