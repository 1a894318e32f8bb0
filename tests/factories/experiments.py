"""Small worlds whose truth is known: soil moisture by a rule of the weather.

Cells lie 200 km apart and have four years of days. In a world with a regime effect,
water-limited soil answers rain and energy-limited soil answers warmth; without one, all
soil answers rain.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from somobench.experiments.settings import QUICK, Settings
from somobench.experiments.world import ENERGY, WATER, World
from somobench.schemas.manifest import FeatureSetRecord

CELLS, DAYS = 20, 1461
VARIABLES = ("precipitation", "air_temperature", "net_radiation")
SMALL: Settings = QUICK.model_copy(update={"folds": 2, "repeats": 2})


def make_feature_set(
    variables: tuple[str, ...], lags: tuple[int, ...], **other: Any
) -> FeatureSetRecord:
    """Return the definition of a feature set."""
    needs = {"needs_observations": False, "layers": (1,), "description": "made up"}
    return FeatureSetRecord(variables=variables, lags=lags, **{**needs, **other})


def make_world(*, seed: int = 5, regime_effect: bool = True, **other: Any) -> World:
    """Return a world of one layer; `other` replaces fields."""
    rng = np.random.default_rng(seed)
    shape = (CELLS, DAYS)
    rain = rng.gamma(0.3, 8.0, shape)
    warmth = 288.0 + rng.normal(0.0, 4.0, shape)
    dry = np.arange(CELLS) >= CELLS // 2
    rises = fade(rain, 0.8) / 10
    falls = -fade(warmth - 288.0, 0.8) / 10
    signal = np.where(dry[:, None], rises, falls) if regime_effect else rises
    soil = 0.25 + 0.05 * signal + rng.normal(0.0, 0.01, shape)
    soil[rng.random(shape) < 0.1] = np.nan
    weather = {
        "precipitation": rain,
        "air_temperature": warmth,
        "net_radiation": 8.0 + rng.normal(0.0, 2.0, shape),
        "evaporation": 2.0 + np.where(dry[:, None], 8.0, -8.0) * (soil - 0.25),
    }
    fields: dict[str, Any] = {
        "release": "made-0.1.0",
        "files": {"targets.zarr.zip": "0" * 64},
        "layers": np.array([1], dtype=np.int8),
        "cells": make_cells(dry),
        "time": np.datetime64("2016-01-01") + np.arange(DAYS),
        "measured": soil[None],
        "weather": {name: v.astype(np.float32) for name, v in weather.items()},
        "reanalysis": None,
        "feature_sets": {
            "forcing": make_feature_set(VARIABLES, (0,)),
            "memory": make_feature_set(VARIABLES, (0, 1, 2, 3, 4)),
        },
        "refused": {},
        "left_out": {},
    }
    return World(**(fields | other))


def make_cells(dry: np.ndarray) -> pd.DataFrame:
    """Return cells in a row along the equator, dryness 0.5 to 0.9 and 1.2 to 3."""
    count = dry.size
    wet = np.linspace(0.5, 0.9, count)
    dryness = np.where(dry, np.linspace(1.2, 3.0, count), wet)
    return pd.DataFrame(
        {
            "latitude": 0.0,
            "longitude": 1.8 * np.arange(count),  # 200 km
            "dryness": dryness,
            "regime": np.where(dry, WATER, ENERGY),
        },
        index=pd.Index([f"cell_{place}" for place in range(count)], name="cell_id"),
    )


def fade(values: np.ndarray, keep: float) -> np.ndarray:
    """Add up values of the days before with weights that fade."""
    result = np.zeros_like(values)
    for day in range(1, values.shape[1]):
        result[:, day] = keep * result[:, day - 1] + values[:, day]
    return result - result.mean(axis=1, keepdims=True)


def take_row(table: pd.DataFrame, **wanted: Any) -> dict[str, Any]:
    """Return the one row with these values."""
    chosen = table
    for name, value in ({"layer": 0, "metric": "pearson_r"} | wanted).items():
        chosen = chosen[chosen[name] == value]
    (row,) = chosen.to_dict("records")
    return row
