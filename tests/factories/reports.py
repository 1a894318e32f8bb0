"""Stage outputs of a small release, for reports: 2 cells, 3 layers, 120 days."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from factories.days import (
    cell_ids,
    days,
    make_cells,
    make_forcing,
    make_sensors,
    make_targets,
)
from somobench.catalog.storage.archive import write_zarr_zip
from somobench.catalog.storage.atomic import write_parquet
from somobench.schemas.scores import SHIFT_COSTS
from somobench.schemas.validate import validate_table

LENGTH = 120
HOSTILE = "<script>alert(1)</script><img src=http://127.0.0.1:9/pixel.png>"


def report_targets() -> xr.Dataset:
    """Return targets whose first cell has a second sensor; layer 3 has none."""
    targets = make_targets(length=LENGTH)
    targets["accepted_count"][0, 0] = 1
    targets["station_spread"][0, 0] = 0.25
    targets["is_gapfilled"][0, 0, -5:] = 1
    for name in ("soil_moisture", "soil_moisture_in_situ", "scale_slope"):
        targets[name][2] = np.nan
    targets["overlap_days"][2] = 0
    return targets


def report_sensors() -> pd.DataFrame:
    """Return the primaries of layer 1, and a filling one with a hostile name."""
    sensors = make_sensors()
    filling = sensors.iloc[[0]].copy()
    filling["sensor_id"] = filling["sensor_id"] + "-2"
    filling["sensor"] = HOSTILE
    table = pd.concat([sensors, filling])
    return table.sort_values("sensor_id", ignore_index=True)


def report_observations(targets: xr.Dataset, sensors: pd.DataFrame) -> pd.DataFrame:
    """Return primaries equal to targets, and a filling sensor 0.05 above."""
    parts = []
    for row in sensors.itertuples(index=False):
        values = targets["soil_moisture_in_situ"].sel(layer=1, cell=row.cell_id)
        series = values.to_numpy().astype("float64")
        if row.sensor_id.endswith("-2"):
            series = series + 0.05
        elif row.cell_id == cell_ids()[0]:
            series[-5:] = np.nan  # filled by the other sensor
        valid = np.isfinite(series)
        parts.append(
            pd.DataFrame(
                {
                    "sensor_id": row.sensor_id,
                    "time": days(LENGTH)[valid],
                    "soil_moisture": series[valid],
                    "observation_count": np.full(valid.sum(), 24, "int16"),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def report_stages(sensors: pd.DataFrame) -> dict[str, Any]:
    """Return the reports of the stages, with hostile names in every list of names."""
    first, filling, second = sensors["sensor_id"]
    return {
        "ingest": {
            "files": {"found": 5, "read": 4, "rejected": 1},
            "rejected_by_reason": {"header": 1},
            "rejected_files": [
                {
                    "file": f"{HOSTILE}.stm",
                    "reason": "header",
                    "found": HOSTILE,
                    "expected": "a header",
                }
            ],
            "values": {"read": 100, "good": 80, "dropped": {"flag D03": 20}},
            "days": {"kept": 50, "dropped": {"fewer than 6 good values": 10}},
            "sensors": {"kept": 3, "dropped": {"in no layer": 1}},
            "dropped_sensors": [{"sensor_id": HOSTILE, "reason": "in no layer"}],
        },
        "forcing": {},
        "targets": {
            "sensors": {"candidates": 3, "primary": 2, "gap-filling": 1},
            "rejected_by_reason": {},
            "rejected_sensors": [],
            "sources": [
                {
                    "layer": 1,
                    "cell_id": cell_ids()[0],
                    "primary": first,
                    "gap-filling": [filling],
                },
                {
                    "layer": 1,
                    "cell_id": cell_ids()[1],
                    "primary": second,
                    "gap-filling": [],
                },
            ],
        },
        "splits": {"splits": {}, "left_out": {"spatial": f"2 cells {HOSTILE}"}},
        "features": {"feature_sets": {}, "refused": {}},
    }


def write_report_data(folder: Path, *, reference: bool = True) -> dict[str, Any]:
    """Write what the numbers of a report are derived from; return stage reports."""
    targets, sensors = report_targets(), report_sensors()
    forcing = make_forcing(length=LENGTH)
    if not reference:
        forcing = forcing.drop_vars("reanalysis_soil_moisture")
        targets["overlap_days"][:] = 0
    write_zarr_zip(targets, folder / "targets.zarr.zip")
    write_zarr_zip(forcing, folder / "forcing.zarr.zip")
    write_parquet(make_cells(), folder / "cells.parquet")
    write_parquet(sensors, folder / "stations.parquet")
    write_parquet(
        report_observations(targets, sensors), folder / "observations.parquet"
    )
    return report_stages(sensors)


def make_validation(stages: dict[str, Any], report: dict[str, Any]) -> dict[str, Any]:
    """Return the content of validation.json."""
    return {
        "release": "virtual-0.1.0",
        "stages": stages,
        "scaled_targets_against_reference": {
            "compared": 4,
            "went_negative": 0,
            "largest_mean_difference": 1e-7,
            "largest_std_difference": 2e-7,
            "tolerance": 1e-5,
        },
        "report": report,
    }


def make_sources() -> list[dict[str, Any]]:
    """Return rows of inputs.json, one with a hostile name."""
    return [
        {
            "role": "stations",
            "name": HOSTILE,
            "producer": "SoMoBench",
            "licence": "CC0-1.0",
            "citation": 'None "quoted" & ampersand.',
            "doi": None,
            "url": "javascript:alert(1)",
        }
    ]


def make_costs(*changed: dict[str, object]) -> pd.DataFrame:
    """Return rows of costs, each with some columns changed."""
    row: dict[str, object] = {
        "split": "dry_years",
        "reference_split": "temporal",
        "model": "ridge_memory",
        "layer": 0,
        "metric": "pearson_r",
        "shifted": 0.691,
        "reference": 0.787,
        "cost": 0.0594,
        "low": 0.0191,
        "high": 0.1152,
        "cell_count": 23,
        "day_count": 6174,
    }
    names = list(SHIFT_COSTS.columns)
    frame = pd.DataFrame([row | other for other in changed], columns=names)
    types = {name: str(SHIFT_COSTS.columns[name].dtype) for name in names}
    return validate_table(frame.astype(types), SHIFT_COSTS, "costs")
