"""A small world of six cells, two layers and two splits for the ladder's tests.

Soil moisture is rain that decays, so that every rung has something to learn. In layer 2
the last cell has no target, and cell FEW has too few train days in split `temporal` for
scale factors of its own.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from factories.two_layers import (
    LENGTH,
    SERIES,
    TRAIN_DAYS,
    coords_of,
    recipe_of_two_layers,
    splits_of,
    targets_of,
)
from somobench.ladder.problem import Problem
from somobench.pipelines.baselines import Inputs, build_split_problem
from somobench.pipelines.features import build_features
from somobench.pipelines.features.sets import define_feature_sets
from somobench.schemas.recipe import Recipe
from somobench.schemas.variables import get_attrs

NAMES = [
    "-30.125_145.625",
    "40.125_10.125",
    "41.125_10.125",
    "50.125_10.375",
    "51.125_10.375",
    "52.125_10.375",
]
FEW, HELD_OUT, VALIDATING = 2, 1, 4  # places in NAMES
SMALL: dict[str, Any] = {
    "clusters": 4,
    "boosting": {"trees": 20, "leaf_minimum_values": 20},
    "water_balance": {"parameter_sets": 12, "spin_up_days": 60},
}


def make_recipe(**baselines: Any) -> Recipe:
    """Return the committed recipe with two layers and a small ladder."""
    return recipe_of_two_layers(baselines=SMALL | baselines)


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
    dataset = xr.Dataset(coords=coords_of(NAMES))
    for name, array in values.items():
        dataset[name] = (SERIES[1:], array.astype("float32"), get_attrs(name))
    soil = np.stack([decaying(values["precipitation"], keep) for keep in (0.8, 0.95)])
    dataset["reanalysis_soil_moisture"] = (
        SERIES,
        (soil + rng.normal(0, 0.01, soil.shape)).clip(0.01).astype("float32"),
        get_attrs("reanalysis_soil_moisture"),
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
    return targets_of(NAMES, np.round(in_situ, 5), slope=0.9, offset=0.02)


def make_splits() -> pd.DataFrame:
    """Return a split by time for all cells, and one that holds cells out."""
    held_out = {NAMES[HELD_OUT]: "test", NAMES[VALIDATING]: "validation"}
    return splits_of(NAMES, held_out)


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
    return build_split_problem(split, make_inputs(rng, recipe, without=without), recipe)
