"""Checks between the variables of the features of each split."""

from __future__ import annotations

import re

import numpy as np
import xarray as xr

from somobench.schemas.checks import wide
from somobench.schemas.variables import VARIABLES

LEAP_DAYS = 366
NO_CLIMATOLOGY = 3
OF_A_LAYER = re.compile(r"_layer\d$")  # statistics of soil moisture are kept by layer


def _other_days(days: xr.DataArray) -> str | None:
    values = days.to_numpy()
    if np.array_equal(values, np.arange(1, LEAP_DAYS + 1)):
        return None
    return f"{len(values)} days, from {values.min()} to {values.max()}"


DAYS_OF_YEAR = wide("days 1 to 366 in order", _other_days)


def _source_contradicted(dataset: xr.Dataset) -> str | None:
    dims = ("split", "layer", "cell", "day_of_year")
    climatology = dataset["climatology"].transpose(*dims).to_numpy()
    source = dataset["climatology_source"].transpose(*dims[:3]).to_numpy()
    present = np.isfinite(climatology)
    whole, some = present.all(axis=-1), present.any(axis=-1)
    wrong = (whole != (source != NO_CLIMATOLOGY)) | (some != whole)
    return f"{int(wrong.sum())} series otherwise" if wrong.any() else None


SOURCE_TELLS = wide(
    "a whole climatology, or none where climatology_source is 3",
    _source_contradicted,
    needs=("climatology", "climatology_source"),
)


def _other_mean(dataset: xr.Dataset) -> str | None:
    means = dataset["normalisation_mean"].transpose("split", "variable").to_numpy()
    spreads = dataset["normalisation_std"].transpose("split", "variable").to_numpy()
    for column, name in enumerate(dataset["variable"].to_numpy().tolist()):
        variable = VARIABLES.get(OF_A_LAYER.sub("", name))
        if variable is None:
            return f"variable {name}"
        width = variable.maximum - variable.minimum
        mean, spread = means[:, column], spreads[:, column]
        low, high = mean < variable.minimum, mean > variable.maximum
        if (low | high | (spread > width)).any():
            return f"{name} with mean {mean.tolist()} and deviation {spread.tolist()}"
        if (np.isfinite(mean) != np.isfinite(spread)).any():
            return f"{name} with a mean and no deviation, or the reverse"
    return None


STATISTICS_FIT = wide(
    "means and deviations that the variable can have",
    _other_mean,
    needs=("normalisation_mean", "normalisation_std", "variable"),
)
