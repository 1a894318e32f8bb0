"""Small ERA5 files exactly as the places that people get them from lay them out.

Each builder takes hourly fields of `make_era5` and gives what that place delivers.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

ACCUMULATED = ("tp", "ssrd", "ssr", "str", "e")
NCAR = {"t2m": "VAR_2T", "d2m": "VAR_2D"}
PACKED_LEVELS = 65534


def new_cds(store: xr.Dataset, versions: object = "0001") -> xr.Dataset:
    """Climate Data Store since 2024: `valid_time`, `number`, `expver` by time."""
    renamed = store.rename(time="valid_time")
    renamed["valid_time"].attrs = {"long_name": "time", "standard_name": "time"}
    expver = np.broadcast_to(np.asarray(versions, dtype=object), store.sizes["time"])
    return renamed.assign_coords(
        number=0, expver=("valid_time", expver.astype(object).copy())
    )


def old_cds(store: xr.Dataset) -> dict[str, dict[str, Any]]:
    """Return the encoding of the store before 2024: 16 bits by scale and offset.

    Its formula maps the minimum to -32766 and the maximum to 32767, in the order of
    rounding that leaves zeros at about -1e-7.
    """
    encoding: dict[str, dict[str, Any]] = {}
    for name, array in store.data_vars.items():
        low, high = float(array.min()), float(array.max())
        scale = (high - low) / (PACKED_LEVELS - 1)
        encoding[str(name)] = {
            "dtype": "int16",
            "scale_factor": scale,
            "add_offset": low + 32766 * scale - 1e-7,
            "_FillValue": np.int16(-32767),
        }
    return encoding


def cfgrib_of_land_totals(daily: xr.DataArray) -> xr.Dataset:
    """cfgrib's netCDF of ERA5-Land totals at 00 UTC: `time` is the forecast's start.

    `daily` has the total of each day at the day's date.
    """
    start = daily["time"]
    total = daily.rename("tp").to_dataset()
    total["time"].attrs = {
        "long_name": "initial time of forecast",
        "standard_name": "forecast_reference_time",
    }
    day = np.timedelta64(24, "h").astype("timedelta64[ns]")
    return total.assign_coords(
        number=0,
        surface=0.0,
        step=((), day, {"standard_name": "forecast_period"}),
        valid_time=(
            "time",
            start.to_numpy() + day,
            {"standard_name": "time", "long_name": "time"},
        ),
    )


def by_start_and_step(
    hourly: xr.DataArray, starts: pd.DatetimeIndex, steps: np.ndarray
) -> np.ndarray:
    """Arrange hourly values as (start, step, latitude, longitude), NaN outside."""
    fields = []
    for start in starts:
        wanted = start + pd.to_timedelta(steps, unit="h")
        fields.append(hourly.reindex(time=wanted).to_numpy())
    return np.stack(fields)


def cfgrib_of_forecasts(
    store: xr.Dataset, *, keep_valid_time: bool = True
) -> xr.Dataset:
    """cfgrib's netCDF of ERA5 accumulations: `time` (06, 18 UTC) x `step` (1..12)."""
    starts = _starts(store)
    steps = np.arange(1, 13)
    dims = ("time", "step", "latitude", "longitude")
    found = xr.Dataset(
        {
            name: (dims, by_start_and_step(array, starts, steps), array.attrs)
            for name, array in store.data_vars.items()
        },
        coords={
            "time": ("time", starts, {"standard_name": "forecast_reference_time"}),
            "step": (
                "step",
                pd.to_timedelta(steps, unit="h").astype("timedelta64[ns]"),
                {"standard_name": "forecast_period"},
            ),
            "latitude": store["latitude"],
            "longitude": store["longitude"],
        },
    )
    if keep_valid_time:
        found = found.assign_coords(valid_time=found["time"] + found["step"])
        found["valid_time"].attrs = {"standard_name": "time", "long_name": "time"}
    return found


def _starts(store: xr.Dataset) -> pd.DatetimeIndex:
    times = store.get_index("time")
    first = times[0].floor("D") - pd.Timedelta(hours=6)
    return pd.date_range(first, times[-1], freq="12h", unit="ns")


def ncar(store: xr.Dataset) -> dict[str, xr.Dataset]:
    """NCAR's ds633.0: a file a variable, upper-case names, rain as two parts.

    Accumulations lie along `forecast_initial_time` x `forecast_hour`.
    """
    rain = store["tp"].to_numpy()
    parts = store.drop_vars("tp").assign(
        LSP=store["tp"].copy(data=rain * np.float32(0.25)),
        CP=store["tp"].copy(data=rain * np.float32(0.75)),
    )
    files = {}
    for name, array in parts.data_vars.items():
        theirs = NCAR.get(str(name), str(name).upper())
        plain = array.rename(theirs).to_dataset()
        if str(name) in {*ACCUMULATED, "LSP", "CP"}:
            plain = _ncar_forecast(plain)
        else:
            plain["time"].attrs = {"long_name": "time"}
            plain = plain.assign(utc_date=("time", _utc_dates(store)))
        files[f"e5.oper.{theirs.lower()}.ll025sc.nc"] = plain
    return files


def _ncar_forecast(store: xr.Dataset) -> xr.Dataset:
    forecast = cfgrib_of_forecasts(store, keep_valid_time=False)
    renamed = forecast.rename(time="forecast_initial_time", step="forecast_hour")
    hours = np.arange(1, 13, dtype=np.int32)
    renamed = renamed.assign_coords(
        forecast_hour=("forecast_hour", hours, {"units": "hours"})
    )
    renamed["forecast_initial_time"].attrs = {"long_name": "forecast initial time"}
    return renamed


def _utc_dates(store: xr.Dataset) -> np.ndarray:
    return store.get_index("time").strftime("%Y%m%d%H").astype(int).to_numpy()


def write_files(folder: Path, files: Mapping[str, xr.Dataset], **keywords: Any) -> Path:
    """Write netCDF files by their relative names."""
    for name, store in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        store.to_netcdf(folder / name, **keywords)
    return folder


def write_cds_zip(path: Path, store: xr.Dataset, folder: Path) -> Path:
    """Write the zip of a request for states and totals, as the store delivers it."""
    accumulated = [name for name in store.data_vars if name in ACCUMULATED]
    kinds = {
        "data_stream-oper_stepType-instant.nc": store.drop_vars(accumulated),
        "data_stream-oper_stepType-accum.nc": store[accumulated],
    }
    write_files(folder, {name: new_cds(part) for name, part in kinds.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in kinds:
            archive.write(folder / name, name)
    return path
