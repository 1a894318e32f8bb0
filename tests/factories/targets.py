"""Sensors of two cells and a reference for the tests of the stage `targets`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from factories.days import cell_ids, days, grid_coords, make_sensors
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_json
from somobench.pipelines.targets.cells import DenseSeries
from somobench.schemas.recipe import Recipe, load_recipe

LENGTH = 400
SERIES = ("layer", "cell", "time")


def make_recipe(repository: Path, **blocks: dict[str, Any]) -> Recipe:
    """Return the committed recipe over 400 days, with keys of its blocks replaced."""
    content = load_recipe(repository / "params.yaml").model_dump()
    period = days(LENGTH)
    content["period"] = {"start": period[0].date(), "end": period[-1].date()}
    for block, keys in blocks.items():
        content[block] |= keys
    return Recipe.model_validate(content)


def sensor(
    name: str, depth: tuple[int, int], *, layer: int, cell: int = 0
) -> dict[str, Any]:
    """Return one row of a stations table, with what differs from the factory's."""
    row = make_sensors(count=2).iloc[0].to_dict()
    cell_id = cell_ids()[cell]
    latitude, longitude = (float(part) for part in cell_id.split("_"))
    return row | {
        "sensor_id": f"NET/{name}/{depth[0]}-{depth[1]}/probe",
        "station_id": f"NET/{name}",
        "station": name,
        "depth_from": depth[0] / 100,
        "depth_to": depth[1] / 100,
        "depth_from_cm": depth[0],
        "depth_to_cm": depth[1],
        "layer": layer,
        "cell_id": cell_id,
        "latitude": latitude,
        "longitude": longitude,
    }


def make_series(rng: np.random.Generator) -> DenseSeries:
    """Return two cells: layer 1 with gap filling, layer 2 with two depths.

    Cell 0, layer 1, 5 cm: `long` is primary, `good` fills, `twin` comes too late,
    `noise` doesn't correlate, `brief` is too short; layer 2: `mid` at 20 cm is
    chosen before `low` at 25 cm. Cell 1, layer 1: only `stuck`, a constant.
    """
    rows = [
        sensor("long", (5, 5), layer=1),
        sensor("good", (5, 5), layer=1),
        sensor("twin", (5, 5), layer=1),
        sensor("noise", (5, 5), layer=1),
        sensor("brief", (5, 5), layer=1),
        sensor("mid", (20, 20), layer=2),
        sensor("low", (25, 25), layer=2),
        sensor("stuck", (5, 5), layer=1, cell=1),
        sensor("deep", (90, 100), layer=0, cell=1),
    ]
    day = np.arange(LENGTH)
    truth = 0.25 + 0.08 * np.sin(day / 20)
    missing = {
        "long": (day >= 100) & (day < 120),
        "good": day >= 350,
        "twin": day >= 340,
        "noise": day >= 330,
        "brief": day >= 89,
        "mid": day >= 200,
        "deep": day >= 0,
    }
    noise = {"good": 0.005, "twin": 0.03, "stuck": 0.0}
    values = np.full((len(rows), LENGTH), np.nan)
    for place, row in enumerate(rows):
        name = row["station"]
        base = {"stuck": np.full(LENGTH, 0.2), "noise": rng.uniform(0.1, 0.4, LENGTH)}
        series = base.get(name, truth) + rng.normal(0, noise.get(name, 0.002), LENGTH)
        if name == "long":
            series = 0.5 * series + 0.05
        values[place] = np.where(missing.get(name, day < 0), np.nan, np.abs(series))
    table = pd.DataFrame(rows).astype(make_sensors().dtypes.to_dict())
    counts = np.where(np.isfinite(values), np.arange(len(rows))[:, None] + 10, 0)
    return DenseSeries(table, days(LENGTH), values, counts.astype(np.int16))


def make_reference(rng: np.random.Generator) -> xr.DataArray:
    day = np.arange(LENGTH)
    layers = [0.3 + scale * np.sin(day / 20 - 0.2) for scale in (0.04, 0.03, 0.02)]
    values = np.stack([layers, layers], axis=1) + rng.normal(0, 0.01, (3, 2, LENGTH))
    grid = xr.Dataset(coords=grid_coords(length=LENGTH))
    grid["reference"] = (SERIES, values.astype("float32"))
    return grid["reference"]


def write_inputs(
    folder: Path, series: DenseSeries, reference: xr.DataArray
) -> pd.DataFrame:
    """Write the tables and the forcing that the stage reads."""
    table = series.sensors.sort_values("sensor_id")
    parts = []
    for row, sensor_id in table["sensor_id"].items():
        valid = np.isfinite(series.values[row])
        if valid.any():
            parts.append(
                pd.DataFrame(
                    {
                        "sensor_id": sensor_id,
                        "time": series.days[valid],
                        "soil_moisture": series.values[row, valid],
                        "observation_count": series.counts[row, valid],
                    }
                )
            )
    observations = pd.concat(parts, ignore_index=True)
    table.to_parquet(folder / "stations.parquet", index=False)
    observations.to_parquet(folder / "observations.parquet", index=False)
    forcing = xr.Dataset(coords=grid_coords(length=LENGTH))
    forcing["reanalysis_soil_moisture"] = reference.assign_attrs(units="m3 m-3")
    write_zarr_zip(forcing, folder / "forcing.zarr.zip")
    write_json({"dropped_cells": []}, folder / "forcing.json")
    return observations
