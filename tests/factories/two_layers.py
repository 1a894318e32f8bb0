"""Small worlds of two layers and 900 days: recipe, grid, splits, one of four cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from factories.days import days
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.variables import get_attrs

LENGTH = 900
TRAIN_DAYS = 600
VALIDATION_DAYS = 100
PERIOD = days(LENGTH, "2016-01-01")
SERIES = ("layer", "cell", "time")
NAMES = ["-30.125_145.625", "40.125_10.125", "41.125_10.125", "50.125_10.375"]


def recipe_of_two_layers(*, scaled: tuple[int, ...] = (1, 2), **blocks: Any) -> Recipe:
    """Return the committed recipe with two layers, those of `scaled` scaled."""
    root = Path(__file__).resolve().parents[2]
    content = load_recipe(root / "params.yaml").model_dump()
    content["layers"] = content["layers"][:2]
    content["reference"] |= {"layers": scaled}
    return Recipe.model_validate(content | blocks)


def coords_of(names: Sequence[str]) -> dict[str, Any]:
    """Return the coordinates of cells named by their centres."""
    parts = [name.split("_") for name in names]
    return {
        "cell": list(names),
        "latitude": ("cell", [float(part[0]) for part in parts]),
        "longitude": ("cell", [float(part[1]) for part in parts]),
        "layer": np.array([1, 2], "int8"),
        "layer_depth_from": ("layer", [0.0, 0.1]),
        "layer_depth_to": ("layer", [0.1, 0.3]),
        "time": PERIOD,
    }


def targets_of(
    names: Sequence[str],
    in_situ: NDArray[np.float64],
    *,
    slope: float,
    offset: float,
    is_gapfilled: NDArray[np.bool_] | None = None,
) -> xr.Dataset:
    """Return targets of measurements on one line; none in layer 2 of the last cell."""
    dataset = xr.Dataset(coords=coords_of(names))
    shape, grid = in_situ.shape[:2], SERIES[:2]
    slopes, offsets = np.full(shape, slope), np.full(shape, offset)
    slopes[1, -1] = offsets[1, -1] = np.nan
    for name, array in (
        ("soil_moisture", np.round(offset + slope * in_situ, 5)),
        ("soil_moisture_in_situ", in_situ),
    ):
        dataset[name] = (SERIES, array.astype("float32"), get_attrs(name))
    filled = np.zeros(in_situ.shape) if is_gapfilled is None else is_gapfilled
    dataset["is_gapfilled"] = (SERIES, filled.astype("int8"))
    counts = np.where(np.isnan(in_situ), 0, 24).astype("int16")
    dataset["observation_count"] = (SERIES, counts)
    dataset["scale_slope"], dataset["scale_offset"] = (grid, slopes), (grid, offsets)
    for name, dtype in (
        ("overlap_days", "int32"),
        ("station_count", "int16"),
        ("accepted_count", "int16"),
        ("used_count", "int16"),
        ("station_spread", "float32"),
        ("depth_from", "float32"),
        ("depth_to", "float32"),
    ):
        dataset[name] = (grid, np.zeros(shape, dtype))
    for name in ("primary_network", "primary_station", "primary_sensor"):
        dataset[name] = (grid, np.full(shape, "x"))
    return dataset.assign_attrs(reference="era5", reference_by_layer="era5 era5")


def splits_of(names: Sequence[str], held_out: Mapping[str, str]) -> pd.DataFrame:
    """Return a split by time for all cells, and one that gives cells other roles.

    `held_out` names those that don't train in the second.
    """
    day = pd.Timedelta(days=1)
    first, last = PERIOD[0], PERIOD[-1]
    border, later = PERIOD[TRAIN_DAYS], PERIOD[TRAIN_DAYS + VALIDATION_DAYS]
    rows = []
    for name in names:
        rows += [
            ("temporal", name, first, border - day, "train"),
            ("temporal", name, border, later - day, "validation"),
            ("temporal", name, later, last, "test"),
            ("spatial", name, first, last, held_out.get(name, "train")),
        ]
    frame = pd.DataFrame(rows, columns=["split", "cell_id", "start", "end", "role"])
    frame = frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    return frame.sort_values(["split", "cell_id", "start"], ignore_index=True)


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
    dataset = xr.Dataset(coords=coords_of(NAMES))
    for name, array in values.items():
        dataset[name] = (SERIES[1:], array.astype("float32"), get_attrs(name))
    reference = 0.3 - 0.05 * season + rng.normal(0, 0.02, (2, *shape))
    dataset["reanalysis_soil_moisture"] = (
        SERIES,
        reference.astype("float32"),
        get_attrs("reanalysis_soil_moisture"),
    )
    return dataset


def make_targets(rng: np.random.Generator) -> xr.Dataset:
    """Return four cells: layer 2 has no target in the last of them."""
    shape = (2, len(NAMES), LENGTH)
    season = np.sin(2 * np.pi * np.arange(LENGTH) / 365.25)
    in_situ = 0.2 - 0.08 * season + rng.normal(0, 0.03, shape)
    in_situ[rng.random(shape) < 0.2] = np.nan
    in_situ[1, -1] = np.nan
    filled = rng.random(shape) < 0.1
    return targets_of(NAMES, in_situ, slope=0.7, offset=0.15, is_gapfilled=filled)


def make_splits() -> pd.DataFrame:
    """Return a split by time for all cells, and one that holds a cell out."""
    return splits_of(NAMES, {NAMES[1]: "test"})
