"""A small world of six cells, two layers and two splits for the ladder's tests.

Soil moisture is rain that decays, so that every rung has something to learn. In layer 2
the last cell has no target, and cell FEW has too few train days in split `temporal` for
scale factors of its own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from factories import days
from somobench.pipelines.baselines import Inputs, problem_of
from somobench.pipelines.feature_sets import define_feature_sets
from somobench.pipelines.features import build_features
from somobench.problem import Problem
from somobench.schemas.recipe import Recipe, load_recipe
from somobench.schemas.variables import attrs_of

LENGTH = 900
TRAIN_DAYS = 600
VALIDATION_DAYS = 100
PERIOD = days(LENGTH, "2016-01-01")
NAMES = [
    "-30.125_145.625",
    "40.125_10.125",
    "41.125_10.125",
    "50.125_10.375",
    "51.125_10.375",
    "52.125_10.375",
]
FEW, HELD_OUT, VALIDATING = 2, 1, 4  # places in NAMES
SERIES = ("layer", "cell", "time")
SMALL: dict[str, Any] = {
    "clusters": 4,
    "boosting": {"trees": 20, "leaf_minimum_values": 20},
    "water_balance": {"parameter_sets": 12, "spin_up_days": 60},
}


def make_recipe(**baselines: Any) -> Recipe:
    """Return the committed recipe with two layers and a small ladder."""
    root = Path(__file__).resolve().parents[1]
    content = load_recipe(root / "params.yaml").model_dump()
    content["layers"] = content["layers"][:2]
    content["reference"] |= {"layers": (1, 2)}
    return Recipe.model_validate(content | {"baselines": SMALL | baselines})


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
    """Return every variable that a rung may ask for."""
    shape = (len(NAMES), LENGTH)
    season = np.sin(2 * np.pi * np.arange(LENGTH) / 365.25)
    wetter = np.linspace(0.5, 1.5, len(NAMES))[:, None]
    values = {
        "precipitation": wetter * rng.gamma(0.3, 8, shape),
        "air_temperature": 283 + 9 * season + rng.normal(0, 3, shape),
        "specific_humidity": 0.008 + 0.003 * season + rng.normal(0, 5e-4, shape),
        "shortwave_radiation": 15 + 8 * season + rng.normal(0, 2, shape),
        "net_radiation": 7 + 5 * season + rng.normal(0, 1, shape),
        "skin_temperature": 284 + 10 * season + rng.normal(0, 3, shape),
    }
    dataset = xr.Dataset(coords=coords())
    for name, array in values.items():
        dataset[name] = (SERIES[1:], array.astype("float32"), attrs_of(name))
    soil = np.stack([decaying(values["precipitation"], keep) for keep in (0.8, 0.95)])
    dataset["reanalysis_soil_moisture"] = (
        SERIES,
        (soil + rng.normal(0, 0.01, soil.shape)).clip(0.01).astype("float32"),
        attrs_of("reanalysis_soil_moisture"),
    )
    return dataset


def decaying(rain: np.ndarray[Any, Any], keep: float) -> np.ndarray[Any, Any]:
    """Return soil moisture that keeps a share of its water from day to day."""
    water = np.zeros_like(rain)
    for day in range(1, rain.shape[1]):
        water[:, day] = keep * water[:, day - 1] + (1 - keep) * rain[:, day]
    return 0.15 + 0.02 * water


def make_targets(rng: np.random.Generator, forcing: xr.Dataset) -> xr.Dataset:
    """Return noisy measurements with gaps; see the module for what is absent."""
    rain = forcing["precipitation"].to_numpy().astype(float)
    in_situ = np.stack([decaying(rain, keep) for keep in (0.75, 0.93)])
    in_situ += rng.normal(0, 0.005, in_situ.shape)
    in_situ[rng.random(in_situ.shape) < 0.15] = np.nan
    in_situ[1, -1] = np.nan
    in_situ[1, FEW, 40:TRAIN_DAYS] = np.nan
    dataset = xr.Dataset(coords=coords())
    shape, grid = in_situ.shape[:2], SERIES[:2]
    slope, offset = np.full(shape, 0.9), np.full(shape, 0.02)
    slope[1, -1] = offset[1, -1] = np.nan
    in_situ = np.round(in_situ, 5)
    for name, array in (
        ("soil_moisture", np.round(0.02 + 0.9 * in_situ, 5)),
        ("soil_moisture_in_situ", in_situ),
    ):
        dataset[name] = (SERIES, array.astype("float32"), attrs_of(name))
    dataset["is_gapfilled"] = (SERIES, np.zeros(in_situ.shape, "int8"))
    counts = np.where(np.isnan(in_situ), 0, 24).astype("int16")
    dataset["observation_count"] = (SERIES, counts)
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
        dataset[name] = (grid, np.zeros(shape, dtype))
    for name in ("primary_network", "primary_station", "primary_sensor"):
        dataset[name] = (grid, np.full(shape, "x"))
    return dataset.assign_attrs(reference="era5", reference_by_layer="era5 era5")


def make_splits() -> pd.DataFrame:
    """Return a split by time for all cells, and one that holds cells out."""
    day = pd.Timedelta(days=1)
    first, last = PERIOD[0], PERIOD[-1]
    border, later = PERIOD[TRAIN_DAYS], PERIOD[TRAIN_DAYS + VALIDATION_DAYS]
    rows = []
    for place, name in enumerate(NAMES):
        role = {HELD_OUT: "test", VALIDATING: "validation"}.get(place, "train")
        rows += [
            ("temporal", name, first, border - day, "train"),
            ("temporal", name, border, later - day, "validation"),
            ("temporal", name, later, last, "test"),
            ("spatial", name, first, last, role),
        ]
    frame = pd.DataFrame(rows, columns=["split", "cell_id", "start", "end", "role"])
    frame = frame.astype({"start": "datetime64[ns]", "end": "datetime64[ns]"})
    return frame.sort_values(["split", "cell_id", "start"], ignore_index=True)


def make_cells() -> pd.DataFrame:
    """Return the table of cells, with one attribute beyond the schema."""
    places = [tuple(float(part) for part in name.split("_")) for name in NAMES]
    return pd.DataFrame(
        {
            "cell_id": NAMES,
            "latitude": [place[0] for place in places],
            "longitude": [place[1] for place in places],
            "region": "europe",
            "mean_air_temperature": 283.0,
            "mean_precipitation": 2.4,
            "mean_net_radiation": 7.0,
            "dryness": 7 / (2.45 * 2.4),
            "regime": "water-limited",
            "node_count": np.full(len(NAMES), 4, "int8"),
            "sand_fraction": np.linspace(0.2, 0.7, len(NAMES)),
        }
    )


def make_inputs(
    rng: np.random.Generator, recipe: Recipe, *, without: tuple[str, ...] = ()
) -> Inputs:
    """Return what the stage reads; `without` drops variables of the forcing."""
    complete = make_forcing(rng)
    targets = make_targets(rng, complete)
    return inputs_of(targets, complete, recipe, without=without)


def inputs_of(
    targets: xr.Dataset,
    forcing: xr.Dataset,
    recipe: Recipe,
    *,
    without: tuple[str, ...] = (),
) -> Inputs:
    """Return what the stage reads for targets, with features made from them."""
    features = build_features(targets, forcing, make_splits(), recipe)
    forcing = forcing.drop_vars(list(without))
    names = [str(name) for name in forcing.data_vars]
    return Inputs(
        targets=targets,
        forcing=forcing,
        features=features,
        splits=make_splits(),
        cells=make_cells(),
        definitions=define_feature_sets(names, [1, 2], recipe.features.lags),
    )


def make_problem(
    rng: np.random.Generator,
    split: str = "temporal",
    *,
    without: tuple[str, ...] = (),
    **baselines: Any,
) -> Problem:
    """Return the problem of a split of the small world."""
    recipe = make_recipe(**baselines)
    return problem_of(split, make_inputs(rng, recipe, without=without), recipe)
