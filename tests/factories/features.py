"""A world of four cells and two layers for the tests of the stage `features`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from factories.two_layers import LENGTH, SERIES, coords_of, splits_of, targets_of
from somobench.schemas.variables import get_attrs

NAMES = ["-30.125_145.625", "40.125_10.125", "41.125_10.125", "50.125_10.375"]


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
