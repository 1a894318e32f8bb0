"""Forcing source `points`: daily series at points, such as Open-Meteo's ERA5.

An input is a netCDF file with dims `station` and `time`, positions of the stations, and
one variable a quantity, whose name ends in its unit. Names of stations differ between
archives, so a cell takes the nearest point, if it is near enough (`maximum_distance`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.forcing.checks import refuse_other_keys
from somobench.pipelines.forcing.source import DailyForcing, ForcingRequest
from somobench.pipelines.forcing.station import build_dataset, maximum_gap
from somobench.pipelines.forcing.station.merging import (
    NO_DAY,
    CellSeries,
    StationSeries,
    keep_common_record,
    merge_stations,
)
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.recipe import ForcingParams
from somobench.schemas.variables import VARIABLES

Floats = NDArray[np.float64]
KELVIN = 273.15  # K at 0 degrees Celsius
DIMS = ("station", "time")
NEEDED = (*DIMS, "latitude", "longitude")
FAR, NOTHING = "no point near enough", "its point has no value"


@dataclass(frozen=True)
class PointRule:
    """A variable of the file, and how it becomes ours: `factor * value + offset`."""

    name: str
    factor: float = 1.0
    offset: float = 0.0


POINT_RULES: Mapping[str, PointRule] = MappingProxyType(
    {
        "precipitation": PointRule("precipitation_mm"),
        "air_temperature": PointRule("temperature_mean_c", offset=KELVIN),
        "shortwave_radiation": PointRule("solar_radiation_mj_m2"),
        "reference_evapotranspiration": PointRule("et0_mm"),
    }
)
"""What may be taken. Wind is left out: its name says m s-1 and its size km h-1, and
whether it is a mean isn't known. Humidity is left out: it is 60 % on every day."""


class PointMeteorology:
    """Read daily series at points and place them on cells; see `ForcingSource`."""

    def daily(self, request: ForcingRequest) -> DailyForcing:
        """Give the recipe's variables for the period, or for each cell's record.

        Raises
        ------
        InputError
            If the file can't be read, lacks a variable, or holds impossible values.
        UsageError
            If the recipe's keys don't fit the source.
        """
        params = request.recipe.forcing
        rules = _resolve_rules(params, request.inputs)
        points = read_points(request.inputs[0], rules, request.days)
        place, distance = match_points(points, request.cells)
        near = distance <= params.maximum_distance
        series = {
            name: {
                cell: _make_series(name, points, int(place[row]), params)
                if near[row]
                else CellSeries(np.empty(0), refused=FAR)
                for row, cell in enumerate(request.cells["cell_id"])
            }
            for name in rules
        }
        if params.coverage == "record":
            series = keep_common_record(series)
        dropped = {
            cell: "; ".join(
                sorted({one[cell].refused for one in series.values()} - {""})
            )
            for cell in request.cells["cell_id"]
        }
        dropped = {cell: reason for cell, reason in dropped.items() if reason}
        dataset = build_dataset(series, request)
        dataset.attrs["day_definition"] = "UTC"
        nodes = np.ones(len(request.cells), np.int8)
        names = points["station"].to_numpy().astype(str)
        matched = {
            cell: {"degrees": float(far), "point": str(names[at])}
            for cell, at, far in zip(
                request.cells["cell_id"], place, distance, strict=True
            )
        }
        report = _report(matched, rules, series, request)
        return DailyForcing(dataset, nodes, dropped, report)


def _resolve_rules(
    params: ForcingParams, inputs: Sequence[Path]
) -> dict[str, PointRule]:
    if len(inputs) != 1:
        raise UsageError(
            "forcing.inputs of the recipe", found=len(inputs), expected="one file"
        )
    resolution = "daily", "daily_total"
    refuse_other_keys(params, "source points", resolution, POINT_RULES)
    return {name: POINT_RULES[name] for name in params.variables}


def read_points(
    path: Path, rules: Mapping[str, PointRule], days: NDArray[np.datetime64]
) -> xr.Dataset:
    """Read the variables on the days of the period, in our units; absent days as NaN.

    Returns
    -------
    Dataset, (station, time)
        Float64, by our names, with latitude and longitude of each station.

    Raises
    ------
    InputError
        If the file isn't netCDF, lacks something, or holds impossible values.
    """
    try:
        with xr.open_dataset(path, engine="netcdf4") as file:
            stored = file.load()
    except (OSError, ValueError) as error:
        raise InputError(
            f"meteorology at points {path.name}", found=error, expected="a netCDF file"
        ) from error
    wanted = [*NEEDED, *(rule.name for rule in rules.values())]
    missing = [name for name in wanted if name not in stored.variables]
    if missing:
        raise InputError(
            f"meteorology at points {path.name}",
            found=f"no {', '.join(missing)}",
            expected=", ".join(wanted),
        )
    times = stored["time"].to_numpy()
    if len(np.unique(times)) < len(times) or (times != times.astype("M8[D]")).any():
        raise InputError(
            f"time of {path.name}",
            found="days twice, or hours",
            expected="every day once, at 00:00",
        )
    _refuse_other_dims(stored, rules, path)
    on_days = stored.reindex(time=days.astype("datetime64[ns]"))
    result = on_days[["latitude", "longitude"]].drop_vars("time", errors="ignore")
    for name, rule in rules.items():
        values = on_days[rule.name].transpose("station", "time").astype("float64")
        result[name] = rule.factor * values + rule.offset
        _refuse_impossible(name, rule, result[name], path)
    return result


def _refuse_other_dims(
    stored: xr.Dataset, rules: Mapping[str, PointRule], path: Path
) -> None:
    """Refuse variables that aren't series of stations, and positions that move."""
    wanted: dict[str, tuple[str, ...]] = {rule.name: DIMS for rule in rules.values()}
    wanted |= {"latitude": DIMS[:1], "longitude": DIMS[:1]}
    for name, dims in wanted.items():
        found = stored[name]
        if {*found.dims} != {*dims} or found.dtype.kind not in "fiu":
            raise InputError(
                f"{name} of {path.name}",
                found=f"{found.dtype} on ({', '.join(map(str, found.dims))})",
                expected=f"numbers on ({', '.join(dims)})",
            )


def _refuse_impossible(
    name: str, rule: PointRule, values: xr.DataArray, path: Path
) -> None:
    bounds = VARIABLES[name]
    low, high = float(values.min()), float(values.max())
    if np.isnan(low) or (low >= bounds.minimum and high <= bounds.maximum):
        return
    raise InputError(
        f"{rule.name} of {path.name}",
        found=f"{low:g} to {high:g} {bounds.units}",
        expected=f"{bounds.minimum:g} to {bounds.maximum:g} {bounds.units}",
    )


def match_points(
    points: xr.Dataset, cells: pd.DataFrame
) -> tuple[NDArray[np.intp], Floats]:
    """Find the point nearest to each cell's centre.

    Parameters
    ----------
    points : latitude, longitude of each station, degrees
    cells : latitude, longitude

    Returns
    -------
    tuple of (N,) arrays
        Place of the point, and the larger of its distances in latitude and longitude,
        degrees.
    """
    north = points["latitude"].to_numpy()[None] - cells["latitude"].to_numpy()[:, None]
    east = points["longitude"].to_numpy()[None] - cells["longitude"].to_numpy()[:, None]
    east = (east + 180) % 360 - 180
    distance = np.maximum(np.abs(north), np.abs(east))
    distance[np.isnan(distance)] = np.inf  # a point without a position is nowhere
    place = distance.argmin(axis=1)
    return place, distance[np.arange(len(cells)), place].round(9)


def _make_series(
    name: str, points: xr.Dataset, place: int, params: ForcingParams
) -> CellSeries:
    values = points[name].to_numpy()[place]
    if not np.isfinite(values).any():
        return CellSeries(values, refused=NOTHING)
    return merge_stations(
        name,
        [StationSeries(str(points["station"].to_numpy()[place]), values)],
        maximum_gap(name, params),
        of_record=params.coverage == "record",
    )


def _report(
    matched: Mapping[str, Mapping[str, Any]],
    rules: Mapping[str, PointRule],
    series: Mapping[str, Mapping[str, CellSeries]],
    request: ForcingRequest,
) -> dict[str, Any]:
    """Say which point stands for which cell, and which days were filled."""
    params = request.recipe.forcing
    return {
        "day_definition": "UTC",
        "limits": {
            "maximum_distance": params.maximum_distance,
            "maximum_gap": params.maximum_gap,
            "maximum_precipitation_gap": params.maximum_precipitation_gap,
        },
        "matched": dict(matched),
        "reader": "points",
        "variables": {
            name: {
                "daily": f"{rule.name}, times {rule.factor:g}, plus {rule.offset:g}",
                "days_filled": sum(
                    last - first + 1
                    for item in series[name].values()
                    if not item.refused
                    for origin, first, last in item.runs()
                    if origin != NO_DAY
                ),
            }
            for name, rule in rules.items()
        },
    }
