"""A world of four cells and two layers for the tests of the stage `features`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from factories import days
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.variables import attrs_of

LENGTH = 900
TRAIN_DAYS = 600
PERIOD = days(LENGTH, "2016-01-01")
NAMES = ["-30.125_145.625", "40.125_10.125", "41.125_10.125", "50.125_10.375"]
SERIES = ("layer", "cell", "time")
LEARNED = (
    "climatology",
    "climatology_source",
    "normalisation_mean",
    "normalisation_std",
)


def make_recipe(repository: Path, *, layers: tuple[int, ...] = (1, 2)) -> Recipe:
    """Return the committed recipe with two layers, those of `layers` scaled."""
    content = load_recipe(repository / "params.yaml").model_dump()
    content["layers"] = content["layers"][:2]
    content["reference"] |= {"layers": layers}
    return Recipe.model_validate(content)


def coords() -> dict[str, Any]:
    parts = [name.split("_") for name in NAMES]
    return {
        "cell": NAMES,
        "latitude": ("cell", [float(part[0]) for part in parts]),
        "longitude": ("cell", [float(part[1]) for part in parts]),
        "layer": np.array([1, 2], "int8"),
        "layer_depth_from": ("layer", [0.0, 0.1]),
        "layer_depth_to": ("layer", [0.1, 0.3]),
        "time": PERIOD,
    }


def make_forcing(rng: np.random.Generator) -> xr.Dataset:
    """Return rain, temperature, net radiation, skin temperature and a reference."""
    shape = (len(NAMES), LENGTH)
    season = np.sin(2 * np.pi * np.arange(LENGTH) / 365.25)
    values = {
        "precipitation": rng.gamma(0.5, 4, shape),
        "air_temperature": 285 + 8 * season + rng.normal(0, 2, shape),
        "net_radiation": 8 + 6 * season + rng.normal(0, 1, shape),
        "skin_temperature": 286 + 9 * season + rng.normal(0, 2, shape),
    }
    dataset = xr.Dataset(coords=coords())
    for name, array in values.items():
        dataset[name] = (SERIES[1:], array.astype("float32"), attrs_of(name))
    reference = 0.3 - 0.05 * season + rng.normal(0, 0.02, (2, *shape))
    dataset["reanalysis_soil_moisture"] = (
        SERIES,
        reference.astype("float32"),
        attrs_of("reanalysis_soil_moisture"),
    )
    return dataset


def make_targets(rng: np.random.Generator) -> xr.Dataset:
    """Return four cells: layer 2 has no target in the last of them."""
    shape = (2, len(NAMES), LENGTH)
    season = np.sin(2 * np.pi * np.arange(LENGTH) / 365.25)
    in_situ = 0.2 - 0.08 * season + rng.normal(0, 0.03, shape)
    in_situ[rng.random(shape) < 0.2] = np.nan
    in_situ[1, -1] = np.nan
    dataset = xr.Dataset(coords=coords())
    grid = SERIES[:2]
    slope, offset = np.full(shape[:2], 0.7), np.full(shape[:2], 0.15)
    slope[1, -1] = offset[1, -1] = np.nan
    scaled = np.round(0.15 + 0.7 * in_situ, 5).astype("float32")
    for name, array in (("soil_moisture", scaled), ("soil_moisture_in_situ", in_situ)):
        dataset[name] = (SERIES, array.astype("float32"), attrs_of(name))
    dataset["is_gapfilled"] = (SERIES, (rng.random(shape) < 0.1).astype("int8"))
    dataset["observation_count"] = (SERIES, np.full(shape, 24, "int16"))
    dataset["scale_slope"], dataset["scale_offset"] = (grid, slope), (grid, offset)
    for name, dtype in (
        ("overlap_days", "int32"),
        ("station_count", "int16"),
        ("accepted_count", "int16"),
        ("used_count", "int16"),
        ("station_spread", "float32"),
        ("depth_from", "float32"),
        ("depth_to", "float32"),
    ):
        dataset[name] = (grid, np.zeros(shape[:2], dtype))
    for name in ("primary_network", "primary_station", "primary_sensor"):
        dataset[name] = (grid, np.full(shape[:2], "x"))
    return dataset.assign_attrs(reference="era5", reference_by_layer="era5 era5")


def make_splits(held_out: str = NAMES[1]) -> pd.DataFrame:
    """Return a split by time for all cells, and one that holds a cell out."""
    first, last = PERIOD[0], PERIOD[-1]
    border = PERIOD[TRAIN_DAYS]
    day = pd.Timedelta(days=1)
    rows = []
    for name in NAMES:
        rows += [
            ("temporal", name, first, border - day, "train"),
            ("temporal", name, border, border + 99 * day, "validation"),
            ("temporal", name, border + 100 * day, last, "test"),
            ("spatial", name, first, last, "test" if name == held_out else "train"),
        ]
    frame = pd.DataFrame(rows, columns=["split", "cell_id", "start", "end", "role"])
    frame = frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    return frame.sort_values(["split", "cell_id", "start"], ignore_index=True)
