"""Single defects of a published release, each harmful to whoever learns from it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.catalog.storage.archive import open_zarr_zip
from somobench.check_files import compare_splits, drop_categories
from somobench.schemas.checks.derived import find_other_derivations
from somobench.schemas.checks.release import validate_together
from somobench.schemas.errors import ValidationError
from somobench.schemas.manifest import parse_manifest
from somobench.schemas.released import RELEASED_GRIDS, RELEASED_TABLES
from somobench.schemas.validate import validate_grid, validate_table

Part = Any
Change = Callable[[Part], Part]


def scaled(name: str, factor: float, amount: float = 0.0) -> Change:
    def change(grid: xr.Dataset) -> xr.Dataset:
        array = grid[name]
        kept = (array * factor + amount).astype(array.dtype).assign_attrs(array.attrs)
        return grid.assign({name: kept})

    return change


def reversed_along(name: str, dim: str) -> Change:
    def change(grid: xr.Dataset) -> xr.Dataset:
        array = grid[name]
        turned = array.copy(data=array.isel({dim: slice(None, None, -1)}).to_numpy())
        return grid.assign({name: turned})

    return change


def rolled(name: str, dim: str, places: int) -> Change:
    def change(grid: xr.Dataset) -> xr.Dataset:
        moved = grid[name].roll({dim: places}, roll_coords=False)
        return grid.assign({name: grid[name].copy(data=moved.to_numpy())})

    return change


def placed(name: str, value: Any, places: int = 1) -> Change:
    """Put a value into the first places that have one."""

    def change(grid: xr.Dataset) -> xr.Dataset:
        array = grid[name].copy(deep=True)
        values = array.to_numpy().copy()
        held = values != "" if values.dtype.kind in "UO" else ~np.isnan(values)
        chosen = np.argwhere(held)[:places]
        values[tuple(chosen.T)] = value
        return grid.assign({name: array.copy(data=values)})

    return change


def swapped(one: str, other: str) -> Change:
    def change(grid: xr.Dataset) -> xr.Dataset:
        return grid.assign(
            {
                one: grid[one].copy(data=grid[other].to_numpy()),
                other: grid[other].copy(data=grid[one].to_numpy()),
            }
        )

    return change


def column(name: str, change: Callable[[pd.Series], Any]) -> Change:
    return lambda frame: frame.assign(**{name: change(frame[name])})


def cell(name: str, place: int, value: Any) -> Change:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame = frame.copy()
        frame[name] = frame[name].mask(np.arange(len(frame)) == place, value)
        return frame

    return change


def gap_of_30_days(grid: xr.Dataset) -> xr.Dataset:
    return grid.isel(time=np.r_[0:300, 330 : grid.sizes["time"]])


def inverted(name: str) -> Change:
    return lambda grid: grid.assign({name: grid[name].copy(data=1 - grid[name])})


def flipped_role(frame: pd.DataFrame) -> pd.DataFrame:
    return cell("role", 0, "test" if frame["role"].iloc[0] == "train" else "train")(
        frame
    )


CENTURY = pd.Timestamp("2100-01-01")

FORCING: dict[str, Change] = {
    "precipitation x 10": scaled("precipitation", 10),
    "precipitation x 1000": scaled("precipitation", 1000),
    "precipitation in m": scaled("precipitation", 0.001),
    "precipitation x 1.1": scaled("precipitation", 1.1),
    "negative precipitation": scaled("precipitation", 1, -1),
    "air temperature in Celsius": scaled("air_temperature", 1, -273.15),
    "air temperature + 2": scaled("air_temperature", 1, 2),
    "net radiation in W": scaled("net_radiation", 1 / 0.0864),
    "net radiation, sign": scaled("net_radiation", -1),
    "shortwave in J": scaled("shortwave_radiation", 1e6),
    "humidity in g": scaled("specific_humidity", 1000),
    "temperatures swapped with radiation": swapped("air_temperature", "net_radiation"),
    "reanalysis, layers reversed": reversed_along("reanalysis_soil_moisture", "layer"),
    "reanalysis in percent": scaled("reanalysis_soil_moisture", 100),
    "reanalysis x 1.2": scaled("reanalysis_soil_moisture", 1.2),
    "cells reversed": reversed_along("precipitation", "cell"),
    "a value missing": placed("air_temperature", np.nan),
    "an infinite value": placed("air_temperature", np.inf),
    "a year missing": lambda grid: grid.isel(time=slice(365, None)),
    "30 days left out": gap_of_30_days,
    "days reversed": lambda grid: grid.isel(time=slice(None, None, -1)),
    "a stuck month": lambda grid: grid.assign(
        air_temperature=grid["air_temperature"].where(
            grid["time"] < grid["time"][400], grid["air_temperature"][:, 400]
        )
    ),
    "no precipitation": lambda grid: grid.drop_vars("precipitation"),
}
TARGETS: dict[str, Change] = {
    "targets in percent": scaled("soil_moisture", 100),
    "unscaled in percent": scaled("soil_moisture_in_situ", 100),
    "scaled twice": scaled("soil_moisture", 0.8, 0.05),
    "slope missing": placed("scale_slope", np.nan),
    "slope x 2": placed("scale_slope", 2.0),
    "offset + 0.1": scaled("scale_offset", 1, 0.1),
    "a value missing from the scaled": placed("soil_moisture", np.nan),
    "a negative value": placed("soil_moisture", -0.1),
    "minus 9999": placed("soil_moisture_in_situ", -9999.0),
    "layers reversed": reversed_along("soil_moisture", "layer"),
    "cells reversed": reversed_along("soil_moisture", "cell"),
    "shifted by a day": rolled("soil_moisture", "time", 1),
    "filled where nothing is": lambda grid: grid.assign(
        is_gapfilled=xr.ones_like(grid["is_gapfilled"])
    ),
    "99 sensors used": placed("used_count", 99),
    "no primary station": placed("primary_station", ""),
    "a depth outside its layer": placed("depth_from", 5.0),
    "30 days left out": gap_of_30_days,
    "observations never counted": lambda grid: grid.assign(
        observation_count=xr.zeros_like(grid["observation_count"])
    ),
    "a cell moved": placed("latitude", 10.125),
    "units of percent": lambda grid: grid.assign(
        soil_moisture=grid["soil_moisture"].assign_attrs(units="%")
    ),
}
FEATURES: dict[str, Change] = {
    "standard deviation 0": placed("normalisation_std", 0.0),
    "mean and deviation swapped": swapped("normalisation_mean", "normalisation_std"),
    "slope missing": placed("scale_slope", np.nan),
    "climatology by 90 days": rolled("climatology", "day_of_year", 90),
    "climatology x 1.5": scaled("climatology", 1.5),
    "full record inverted": inverted("scale_is_full_record"),
    "climatology, layers reversed": reversed_along("climatology", "layer"),
    "climatology in percent": scaled("climatology", 100),
    "splits reversed": reversed_along("climatology", "split"),
    "source of climatology": placed("climatology_source", 9),
    "a day of climatology missing": placed("climatology", np.nan),
}
SPLITS: dict[str, Change] = {
    "a role flipped": flipped_role,
    "an unknown role": cell("role", 0, "tset"),
    "a row dropped": lambda frame: frame.drop(index=5).reset_index(drop=True),
    "a row twice": lambda frame: pd.concat([frame.iloc[:1], frame], ignore_index=True),
    "an end in 2100": cell("end", 0, CENTURY),
    "ends a day later": column("end", lambda ends: ends + pd.Timedelta(days=1)),
    "a start after its end": cell("start", 0, CENTURY),
    "an unknown cell": cell("cell_id", 0, "0.125_0.125"),
    "days in two roles": cell("start", 1, pd.Timestamp("2016-01-01")),
    "no rows": lambda frame: frame.iloc[:0],
}
CELLS: dict[str, Change] = {
    "dryness x 10": column("dryness", lambda values: values * 10),
    "regimes shifted": column("regime", lambda regimes: np.roll(regimes, 1)),
    "precipitation x 10": column("mean_precipitation", lambda values: values * 10),
    "latitudes reversed": column("latitude", lambda values: values[::-1].to_numpy()),
    "a cell dropped": lambda frame: frame.iloc[1:].reset_index(drop=True),
    "a cell twice": lambda frame: pd.concat([frame.iloc[:1], frame]),
    "no region": lambda frame: frame.drop(columns="region"),
    "five nodes": cell("node_count", 0, 5),
}
STATIONS: dict[str, Change] = {
    "an end in 2100": cell("end", 0, CENTURY),
    "depths in cm": column("depth_to", lambda values: values * 100),
    "coordinates swapped": lambda frame: frame.assign(
        latitude=frame["longitude"], longitude=frame["latitude"]
    ),
    "longitudes from 0 to 360": column("longitude", lambda values: values % 360),
    "a layer above": cell("layer", 0, 9),
    "a sensor twice": lambda frame: pd.concat([frame.iloc[:1], frame]),
    "more values than days": column("valid_days", lambda days: days * 100),
    "another cell": cell("cell_id", 0, "0.125_0.125"),
    "a start after its end": cell("start", 0, CENTURY),
}
MUTATIONS: dict[str, dict[str, Change]] = {
    "forcing": FORCING,
    "targets": TARGETS,
    "features": FEATURES,
    "splits": SPLITS,
    "cells": CELLS,
    "stations": STATIONS,
}


HARMLESS: dict[str, dict[str, Change]] = {
    "splits": {
        "a categorical role": column("role", lambda roles: roles.astype("category")),
        "columns in another order": lambda frame: frame[frame.columns[::-1]],
    },
    "stations": {
        "columns in another order": lambda frame: frame[frame.columns[::-1]],
        "a categorical network": column("network", lambda x: x.astype("category")),
    },
    "cells": {
        "one more column": lambda frame: frame.assign(note="x"),
        "columns in another order": lambda frame: frame[frame.columns[::-1]],
    },
}
"""Changes that change nothing for a reader."""


class Judge:
    """Holds one part of a release, changed, to all that `validate FOLDER` checks.

    The hashes of the manifest are left aside: the defect was there when it was written.
    """

    def __init__(self, folder: Path) -> None:
        self.manifest = parse_manifest((folder / "MANIFEST.json").read_bytes(), "it")
        self.tables = {
            name: pd.read_parquet(folder / f"{name}.parquet")
            for name in ("splits", "cells", "stations")
        }
        self.grids = {
            name: open_zarr_zip(folder / f"{name}.zarr.zip").load()
            for name in ("forcing", "targets", "features")
        }

    def find(self, kind: str, change: Change) -> str | None:
        """Return which check finds a change: of the file alone, or beside others."""
        try:
            if kind in self.tables:
                changed = drop_categories(change(self.tables[kind]))
                validate_table(changed, RELEASED_TABLES[kind], kind)
            else:
                changed = change(self.grids[kind])
                validate_grid(changed, RELEASED_GRIDS[kind], kind)
        except ValidationError:
            return "the file alone"
        changes = {kind: changed}
        tables = {name: changes.get(name, self.tables[name]) for name in self.tables}
        grids = {name: changes.get(name, self.grids[name]) for name in self.grids}
        try:
            validate_together(tables, grids, "it")
        except ValidationError:
            return "another file"
        if find_other_derivations(tables, grids):
            return "another file"
        found = compare_splits(self.manifest, tables["splits"])
        return "the manifest" if found else None
