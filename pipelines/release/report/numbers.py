"""Every number that the report of a release shows.

They are part of `validation.json` (under `report`), so that the page can be drawn from
that file and the recipe alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.pipelines.release.report.availability import (
    count_days,
    count_depths,
    list_cells,
)
from somobench.pipelines.release.report.examples import (
    average_by_month,
    choose_examples,
    list_sensors_shown,
)
from somobench.pipelines.release.report.losses import count_losses
from somobench.pipelines.release.report.reanalysis import (
    correlate_with_reanalysis,
    describe_values,
)
from somobench.pipelines.release.report.station_numbers import (
    Comparison,
    compare_sensors,
    describe_several_sources,
    list_roles,
    read_sensor_days,
    summarise_by_role,
)
from somobench.pipelines.release.report.statistics import summarise
from somobench.schemas.recipe import Recipe

REANALYSIS = "reanalysis_soil_moisture"


def figure_numbers(
    recipe: Recipe, data: Path, reports: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Derive the numbers of the report from the outputs of the stages.

    Arrays are read one layer at a time. What a release doesn't have (a reference, a
    target in a layer, sensors named in `targets.json`) is left out of the result.

    Parameters
    ----------
    recipe : Recipe
    data : Path
        Folder with the outputs of the stages.
    reports : contents of ingest.json, targets.json, ..., by stage

    Returns
    -------
    dict
        `losses`, `cells`, `layers` by number as text, `examples` by layer; fit for
        JSON, rounded.
    """
    stations = pd.read_parquet(data / "stations.parquet")
    cells = pd.read_parquet(data / "cells.parquet")
    with (
        open_zarr_zip(data / "targets.zarr.zip") as targets,
        open_zarr_zip(data / "forcing.zarr.zip") as forcing,
    ):
        path = data / "observations.parquet"
        compared = _compared(path, stations, targets, reports["targets"])
        return {
            "losses": count_losses(reports["ingest"], reports["targets"]),
            "cells": list_cells(cells, targets),
            "layers": {
                str(layer): _layer(layer, targets, forcing, cells, compared)
                for layer in targets["layer"].to_numpy().tolist()
            },
            "examples": _examples(recipe, path, targets, reports["targets"]),
        }


def _compared(
    path: Path, stations: pd.DataFrame, targets: xr.Dataset, report: Mapping[str, Any]
) -> list[Comparison]:
    if "sources" not in report:
        return []
    return list(compare_sensors(path, stations, targets, list_roles(report)))


def _layer(
    layer: int,
    targets: xr.Dataset,
    forcing: xr.Dataset,
    cells: pd.DataFrame,
    compared: list[Comparison],
) -> dict[str, Any]:
    one = targets.sel(layer=layer)
    values = _of_cells(one["soil_moisture"])
    valid = np.isfinite(values)
    found = {"depths": count_depths(targets, layer), "days": int(valid.sum())}
    if not valid.any():
        return found
    days = pd.DatetimeIndex(targets.get_index("time"))
    found["gapfilled_days"] = int((one["is_gapfilled"].to_numpy() == 1).sum())
    found["availability"] = count_days(valid, days)
    sensors = [item for item in compared if item.layer == layer]
    found["stations"] = summarise_by_role(sensors)
    found["sources"] = describe_several_sources(targets, layer, sensors)
    regions = cells.set_index("cell_id")["region"].loc[
        one["cell"].to_numpy().astype(str)
    ]
    return found | _beside_the_reanalysis(one, values, forcing, regions.tolist())


def _beside_the_reanalysis(
    one: xr.Dataset, values: NDArray[Any], forcing: xr.Dataset, regions: list[str]
) -> dict[str, Any]:
    reference = None
    if REANALYSIS in forcing:
        place = {"layer": int(one["layer"]), "cell": one["cell"].to_numpy()}
        reference = _of_cells(forcing[REANALYSIS].sel(place))
    if reference is not None and not np.isfinite(reference).any():
        reference = None
    is_scaled = one["overlap_days"].to_numpy() > 0
    scaled = values if is_scaled.any() else None
    in_situ = _of_cells(one["soil_moisture_in_situ"])
    found = {"distributions": describe_values(in_situ, scaled, reference)}
    if scaled is not None:
        found["scale_slope"] = summarise(one["scale_slope"].to_numpy()[is_scaled])
    if reference is not None:
        found["reanalysis"] = correlate_with_reanalysis(values, reference, regions)
    return found


def _of_cells(values: xr.DataArray) -> NDArray[Any]:
    return values.transpose("cell", "time").to_numpy()


def _examples(
    recipe: Recipe, path: Path, targets: xr.Dataset, report: Mapping[str, Any]
) -> dict[str, Any]:
    """Average example sensors by month, where their values may be passed on."""
    if not recipe.release.redistributable or "sources" not in report:
        return {}
    first_day = targets["time"].to_numpy().astype("datetime64[ns]")[0]
    chosen = choose_examples(report)
    wanted = {name for source in chosen.values() for name in list_sensors_shown(source)}
    sensors = {
        sensor.sensor_id: sensor
        for sensor in read_sensor_days(path, first_day)
        if sensor.sensor_id in wanted
    }
    return {
        str(layer): average_by_month(source, targets, sensors)
        for layer, source in sorted(chosen.items())
    }
