"""Forcing source `station`: the meteorology that stations measure, on their cells.

The inputs are archives of the recipe's own station source. Days are the days of that
source: USCRN's daily01 counts them in local standard time, as its soil moisture does.
In a cell with several stations the one with most measured days of a variable is
primary (`merge_stations`); short gaps are filled (`gap_filling`), longer ones drop the
cell. Every day that isn't the primary station's own is listed in the report.

Two keys of the recipe ask for less: `coverage: record` lets a cell begin and end with
its stations, and variables in `as_measured` may lack any day and are never filled.
Source `site_reanalysis` reads the reanalysis that is delivered beside each station.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from somobench.pipelines.forcing.checks import refuse_other_keys
from somobench.pipelines.forcing.era5.files.stores import open_inputs
from somobench.pipelines.forcing.era5.opened import place_request
from somobench.pipelines.forcing.era5.reference import (
    REFERENCE,
    weigh_soil_moisture,
)
from somobench.pipelines.forcing.precision import quantise
from somobench.pipelines.forcing.source import DailyForcing, ForcingRequest
from somobench.pipelines.forcing.station.days import (
    DAY_RULES,
    StationDayRule,
    is_hourly,
    make_station_days,
)
from somobench.pipelines.forcing.station.merging import (
    CellSeries,
    StationSeries,
    keep_common_record,
    merge_stations,
    take_primary,
)
from somobench.pipelines.forcing.station.report import Read, report_of_stations
from somobench.pipelines.grid import cell_id, locate_cells
from somobench.pipelines.stations import (
    Rejection,
    SensorSeries,
    StationSource,
    find_station_source,
)
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.recipe import ForcingParams, Recipe
from somobench.schemas.variables import AS_MEASURED, AVAILABILITY, OF_RECORD

NO_ERROR_FLAGS = ("", "0")  # hourly02: no flag column, or good (readme)


class StationMeteorology:
    """Read stations' own meteorology; see `ForcingSource`."""

    def name_readers(self, source: str) -> tuple[str, ...]:
        """Name the sources that variables are taken from; the first that has one."""
        return (source,)

    def daily(self, request: ForcingRequest) -> DailyForcing:
        """Give the recipe's variables for the whole period, complete.

        Raises
        ------
        InputError
            If an archive can't be opened, or none of its stations is in a cell.
        UsageError
            If the stations don't have a variable, or the recipe's keys don't fit them.
        """
        recipe = request.recipe
        readers = {
            name: find_station_source(name, recipe.stations)
            for name in self.name_readers(recipe.stations.source)
        }
        rules = _resolve_rules(recipe.forcing, readers)
        read = {
            name: _read(name, rule, readers[source], request)
            for name, (source, rule) in rules.items()
        }
        if not any(item.by_cell for item in read.values()):
            raise InputError(
                "station meteorology",
                found=f"no station in any of {len(request.cells)} cells",
                expected="stations that measure " + ", ".join(rules),
                hint="see forcing.inputs of the recipe",
            )
        merged = {
            name: _merge_cells(name, item, request) for name, item in read.items()
        }
        if recipe.forcing.coverage == "record":
            merged |= keep_common_record(
                {
                    name: by_cell
                    for name, by_cell in merged.items()
                    if name not in recipe.forcing.as_measured
                }
            )
        dropped = _explain_dropped_cells(merged)
        dataset = build_dataset(merged, request)
        definition = next(iter(readers.values())).day_definition
        dataset.attrs["day_definition"] = definition
        report = {
            "day_definition": definition,
            "reader": " ".join(readers),
            **report_of_stations(read, merged, dropped, request),
        }
        if recipe.reference.source != "none":
            dataset[REFERENCE], report["reference"] = _read_reference(request)
        nodes = np.zeros(len(request.cells), np.int8)
        return DailyForcing(dataset, nodes, dropped, report)


class SiteReanalysis(StationMeteorology):
    """Read the reanalysis that a station's producer delivers beside its data.

    What the reanalysis doesn't have, such as fluxes, is the station's own.
    """

    def name_readers(self, source: str) -> tuple[str, ...]:
        """Name the reader of a source's reanalysis, and the source itself."""
        return f"{source}_reanalysis", source


def _resolve_rules(
    params: ForcingParams, readers: Mapping[str, StationSource]
) -> dict[str, tuple[str, StationDayRule]]:
    """Find source and rule of every variable, and refuse keys that don't fit."""
    source, reader = next(iter(readers.items()))
    is_daily = reader.minimum_count == 1
    resolution = ("daily", "daily_total") if is_daily else ("hourly", "hour_ending")
    known = {
        variable: (name, rule)
        for name in reversed(list(readers))
        for variable, rule in DAY_RULES.get(name, {}).items()
    }
    refuse_other_keys(params, f"station source {source}", resolution, known)
    return {name: known[name] for name in params.variables}


def _read(
    name: str, rule: StationDayRule, reader: StationSource, request: ForcingRequest
) -> Read:
    """Read a variable of all archives and keep the stations that are in a cell."""
    recipe = request.recipe
    result = Read(rule.words(hourly=reader.minimum_count is None))
    wanted = frozenset(request.cells["cell_id"])
    flags = recipe.stations.good_flags if reader.has_flags else NO_ERROR_FLAGS
    minimum = reader.minimum_count or recipe.forcing.minimum_hours
    for path in request.inputs:
        for item in reader.read(path, variable=rule.code):
            if isinstance(item, Rejection):
                result.rejections.append(item)
                continue
            cell = _locate_series(item, recipe.grid.resolution)
            if cell not in wanted:
                continue
            if reader.minimum_count is None and not is_hourly(item):
                result.rejections.append(
                    Rejection(item.metadata.source_file, "not hourly", "", "hours")
                )
                continue
            daily = make_station_days(
                item,
                name,
                rule,
                days=request.days,
                good_flags=flags,
                minimum_count=minimum,
                minimum_quality=_choose_quality(name, item, recipe),
            )
            result.notes.update(item.notes)
            result.dropped.update(daily.dropped)
            series = StationSeries(_name_series(item), daily.values)
            result.by_cell.setdefault(cell, []).append(series)
    return result


def _choose_quality(name: str, series: SensorSeries, recipe: Recipe) -> float | None:
    """Ask a quality of what is given as measured, where the file tells one."""
    if name not in recipe.forcing.as_measured or series.quality is None:
        return None
    return recipe.stations.minimum_quality


def _locate_series(series: SensorSeries, resolution: float) -> str:
    place = series.metadata
    latitude, longitude = locate_cells(place.latitude, place.longitude, resolution)
    return cell_id(float(latitude), float(longitude))


def _name_series(series: SensorSeries) -> str:
    item = series.metadata
    return f"{item.network}/{item.station}/{item.sensor}"


def _merge_cells(
    name: str, read: Read, request: ForcingRequest
) -> dict[str, CellSeries]:
    params = request.recipe.forcing
    if name in params.as_measured:
        return {
            cell: take_primary(read.by_cell.get(cell, []), len(request.days))
            for cell in request.cells["cell_id"]
        }
    limit = maximum_gap(name, params)
    of_record = params.coverage == "record"
    return {
        cell: merge_stations(
            name, read.by_cell.get(cell, []), limit, of_record=of_record
        )
        for cell in request.cells["cell_id"]
    }


def maximum_gap(name: str, params: ForcingParams) -> int:
    """Return how many missing days in a row of a variable the recipe lets be filled."""
    if name == "precipitation":
        return params.maximum_precipitation_gap
    return params.maximum_gap


def describe_availability(name: str, params: ForcingParams) -> dict[str, str]:
    """Return what an array must say of its days and of its making; often nothing."""
    attrs = {} if params.comment is None else {"comment": params.comment}
    if name in params.as_measured:
        attrs[AVAILABILITY] = AS_MEASURED
    elif params.coverage == "record":
        attrs[AVAILABILITY] = OF_RECORD
    return attrs


def _explain_dropped_cells(
    merged: Mapping[str, Mapping[str, CellSeries]],
) -> dict[str, str]:
    """By cell, what is wrong with any of its variables."""
    reasons: dict[str, list[str]] = {}
    for name, by_cell in merged.items():
        for cell, series in by_cell.items():
            if series.refused:
                reasons.setdefault(cell, []).append(f"{name}: {series.refused}")
    return {cell: "; ".join(found) for cell, found in reasons.items()}


def build_dataset(
    merged: Mapping[str, Mapping[str, CellSeries]], request: ForcingRequest
) -> xr.Dataset:
    """Build forcing (cell, time) of series by variable and cell; refused ones are NaN.

    Parameters
    ----------
    merged : mapping of variable to cell to CellSeries
    request : ForcingRequest
    """
    cells = request.cells["cell_id"].to_numpy().astype(str)
    dataset = xr.Dataset(
        coords={"cell": cells, "time": request.days.astype("datetime64[ns]")}
    )
    absent = np.full(len(request.days), np.nan)
    for name, by_cell in merged.items():
        rows = [
            absent if by_cell[cell].refused else by_cell[cell].values for cell in cells
        ]
        stored, _ = quantise(name, np.stack(rows))
        attrs = describe_availability(name, request.recipe.forcing)
        dataset[name] = (("cell", "time"), stored, attrs)
    return dataset


def _read_reference(request: ForcingRequest) -> tuple[xr.DataArray, dict[str, Any]]:
    """Read the reanalysis soil moisture that comes as inputs of its own."""
    if not request.reference_inputs:
        raise UsageError(
            "reference.inputs of the recipe",
            found="none",
            expected="some, because station meteorology has no reanalysis",
        )
    with open_inputs(request.reference_inputs) as opened:
        placement = place_request(opened.stores, request)
        return weigh_soil_moisture(placement, request)
