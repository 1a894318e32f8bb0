"""Keyword-only builders of small tables and grids that hold every contract."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from somobench.schemas.variables import get_attrs

POSITIONS = ((41.875, -111.625), (50.125, 10.375), (-30.125, 145.625))


def cell_ids(count: int = 2) -> list[str]:
    """Return sorted cell ids."""
    return sorted(
        f"{latitude}_{longitude}" for latitude, longitude in POSITIONS[:count]
    )


def days(count: int = 10, start: str = "2018-01-01") -> pd.DatetimeIndex:
    """Return consecutive days, in nanoseconds."""
    return pd.date_range(start, periods=count, unit="ns")


def make_sensors(*, count: int = 2) -> pd.DataFrame:
    """Return a stations table: one 5 cm sensor in each of `count` cells."""
    rows = []
    for cell in cell_ids(count):
        latitude, longitude = (float(part) for part in cell.split("_"))
        rows.append(
            {
                "sensor_id": f"NET/S{cell}/5-5/probe",
                "station_id": f"NET/S{cell}",
                "network": "NET",
                "station": f"S{cell}",
                "sensor": "probe",
                "latitude": latitude,
                "longitude": longitude,
                "elevation": 100.0,
                "depth_from": 0.05,
                "depth_to": 0.05,
                "depth_from_cm": np.int16(5),
                "depth_to_cm": np.int16(5),
                "layer": np.int8(1),
                "cell_id": cell,
                "day_definition": "UTC",
                "start": pd.Timestamp("2018-01-01"),
                "end": pd.Timestamp("2018-12-31"),
                "valid_days": np.int32(365),
                "value_count": np.int32(8760),
                "source_file": f"NET/S{cell}.stm",
            }
        )
    frame = pd.DataFrame(rows).sort_values("sensor_id", ignore_index=True)
    types = {
        "depth_from_cm": "int16",
        "depth_to_cm": "int16",
        "layer": "int8",
        "start": "datetime64[ns]",
        "end": "datetime64[ns]",
        "valid_days": "int32",
        "value_count": "int32",
    }
    return frame.astype(types)


def make_observations(*, count: int = 2, length: int = 10) -> pd.DataFrame:
    """Return an observations table for the sensors of `make_sensors`."""
    parts = [
        pd.DataFrame(
            {
                "sensor_id": sensor,
                "time": days(length),
                "soil_moisture": np.linspace(0.1, 0.3, length),
                "observation_count": np.full(length, 24, "int16"),
            }
        )
        for sensor in make_sensors(count=count)["sensor_id"]
    ]
    return pd.concat(parts, ignore_index=True)


def make_cells(*, count: int = 2) -> pd.DataFrame:
    """Return a cells table with one water-limited climate."""
    cells = cell_ids(count)
    parts = [cell.split("_") for cell in cells]
    return pd.DataFrame(
        {
            "cell_id": cells,
            "latitude": [float(latitude) for latitude, _ in parts],
            "longitude": [float(longitude) for _, longitude in parts],
            "region": "europe",
            "mean_air_temperature": 285.0,
            "mean_precipitation": 2.0,
            "mean_net_radiation": 9.8,
            "dryness": 2.0,  # 9.8 / (2.45 * 2)
            "regime": "water-limited",
            "node_count": np.full(count, 4, "int8"),
        }
    )


def make_splits(*, count: int = 2) -> pd.DataFrame:
    """Return a temporal split: five train, two validation, three test days."""
    ranges = (("01", "05", "train"), ("06", "07", "validation"), ("08", "10", "test"))
    rows = [
        ("temporal", cell, f"2018-01-{start}", f"2018-01-{end}", role)
        for cell in cell_ids(count)
        for start, end, role in ranges
    ]
    frame = pd.DataFrame(rows, columns=["split", "cell_id", "start", "end", "role"])
    return frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})


def grid_coords(
    *, count: int = 2, length: int = 10, layers: tuple[int, ...] = (1, 2, 3)
) -> dict[str, object]:
    """Return the coordinates that every grid carries."""
    cells = cell_ids(count)
    bounds = {1: (0.0, 0.1), 2: (0.1, 0.3), 3: (0.3, 0.5)}
    return {
        "cell": cells,
        "latitude": ("cell", [float(cell.split("_")[0]) for cell in cells]),
        "longitude": ("cell", [float(cell.split("_")[1]) for cell in cells]),
        "layer": np.array(layers, "int8"),
        "layer_depth_from": ("layer", [bounds[layer][0] for layer in layers]),
        "layer_depth_to": ("layer", [bounds[layer][1] for layer in layers]),
        "time": days(length),
    }


def make_forcing(*, count: int = 2, length: int = 10) -> xr.Dataset:
    """Return rain, temperature and reanalysis soil moisture."""
    shape = (count, length)
    wave = np.linspace(0, 1, count * length).reshape(shape)
    values = {
        "precipitation": 4 * wave,
        "air_temperature": 280 + 10 * wave,
        "skin_temperature": 281 + 10 * wave,
    }
    dataset = xr.Dataset(coords=grid_coords(count=count, length=length))
    for name, array in values.items():
        dataset[name] = (("cell", "time"), array.astype("float32"), get_attrs(name))
    reference = np.stack([0.2 + 0.1 * wave, 0.25 + 0.05 * wave, 0.3 + 0.02 * wave])
    dataset["reanalysis_soil_moisture"] = (
        ("layer", "cell", "time"),
        reference.astype("float32"),
        get_attrs("reanalysis_soil_moisture"),
    )
    return dataset


def make_targets(*, count: int = 2, length: int = 10) -> xr.Dataset:
    """Return targets of three layers: slope 2, offset 0.1, day 4 missing."""
    dataset = xr.Dataset(coords=grid_coords(count=count, length=length))
    series = ("layer", "cell", "time")
    shape = (3, count, length)
    in_situ = np.linspace(0.05, 0.15, 3 * count * length).reshape(shape)
    in_situ = np.round(in_situ, 5).astype("float32")
    in_situ[:, :, 3] = np.nan
    dataset["soil_moisture"] = (
        series,
        np.round(0.1 + 2 * in_situ.astype("float64"), 5).astype("float32"),
        get_attrs("soil_moisture"),
    )
    dataset["soil_moisture_in_situ"] = (
        series,
        in_situ,
        get_attrs("soil_moisture_in_situ"),
    )
    dataset["is_gapfilled"] = (series, np.zeros(shape, "int8"))
    counts = np.where(np.isnan(in_situ), 0, 24).astype("int16")
    dataset["observation_count"] = (series, counts)
    for name, dtype, value in (
        ("scale_slope", "float64", 2.0),
        ("scale_offset", "float64", 0.1),
        ("overlap_days", "int32", length - 1),
        ("station_count", "int16", 1),
        ("accepted_count", "int16", 0),
        ("used_count", "int16", 0),
        ("station_spread", "float32", np.nan),
    ):
        dataset[name] = (series[:2], np.full(shape[:2], value, dtype))
    for name in ("depth_from", "depth_to"):
        depths = np.repeat(np.array([[0.05], [0.2], [0.4]], "float32"), count, axis=1)
        dataset[name] = (series[:2], depths)
    for name in ("primary_network", "primary_station", "primary_sensor"):
        dataset[name] = (series[:2], np.full(shape[:2], name.split("_")[1]))
    return dataset


def make_features(*, count: int = 2) -> xr.Dataset:
    """Return features of one split."""
    coords = grid_coords(count=count)
    del coords["time"]
    coords["split"] = ["temporal"]
    coords["day_of_year"] = np.arange(1, 367, dtype="int16")
    coords["variable"] = ["precipitation", "air_temperature"]
    dataset = xr.Dataset(coords=coords)
    by_split = ("split", "layer", "cell")
    shape = (1, 3, count)
    for name, dtype, value in (
        ("scale_slope", "float64", 1.5),
        ("scale_offset", "float64", 0.12),
        ("scale_is_full_record", "int8", 0),
        ("climatology_source", "int8", 0),
    ):
        dataset[name] = (by_split, np.full(shape, value, dtype))
    dataset["climatology"] = (
        (*by_split, "day_of_year"),
        np.full((*shape, 366), 0.25, "float32"),
        get_attrs("climatology"),
    )
    dataset["normalisation_mean"] = (("split", "variable"), np.array([[2.0, 285.0]]))
    dataset["normalisation_std"] = (("split", "variable"), np.array([[3.0, 5.0]]))
    return dataset
