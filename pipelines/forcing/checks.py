"""What a recipe may ask of a source, and daily forcing before it is stored: complete.

Bounds of values and magnitudes stand in the schema.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.checks import mark_missing_days
from somobench.schemas.errors import InputError, UsageError
from somobench.schemas.recipe import ForcingParams

SHOWN = 5  # missing days named in a message

REFERENCE = "reanalysis_soil_moisture"


def refuse_other_keys(
    params: ForcingParams,
    source: str,
    resolution: tuple[str, str],
    variables: Collection[str],
) -> None:
    """Refuse a frequency or variables that a source of station data doesn't have.

    Parameters
    ----------
    params : ForcingParams
    source : str
        For the message, such as "source points".
    resolution : frequency and accumulation
        What the source has.
    variables : names that the source has

    Raises
    ------
    UsageError
        Naming what the recipe asks for, and what there is.
    """
    if (params.frequency, params.accumulation) != resolution:
        raise UsageError(
            "forcing of the recipe",
            found=f"{params.frequency}, {params.accumulation}",
            expected=f"{', '.join(resolution)}, as {source} has them",
        )
    unknown = [name for name in params.variables if name not in variables]
    if unknown:
        raise UsageError(
            "forcing.variables of the recipe",
            found=", ".join(unknown),
            expected=f"some of {', '.join(variables)}, which {source} has",
        )


def refuse_missing_days(dataset: xr.Dataset) -> None:
    """Refuse forcing with a missing day.

    Of the reanalysis' soil moisture, a cell's layer without any value doesn't count:
    it was left out on purpose. Of variables that say so themselves (`AVAILABILITY`)
    days before and after a cell's record don't count, or no day at all.

    Parameters
    ----------
    dataset : dims cell, time and perhaps layer

    Raises
    ------
    InputError
        With each variable, its number of missing days and the first of them.
    """
    found = [
        f"{name}: {_format_days(days)}"
        for name, array in dataset.data_vars.items()
        if len(days := _find_missing_days(array))
    ]
    if found:
        times = dataset["time"].to_numpy().astype("datetime64[D]")
        raise InputError(
            "daily forcing",
            found="; ".join(found),
            expected=f"every day from {times[0]} to {times[-1]}",
            hint="complete the input, or shorten period in the recipe; an hourly total "
            "of the last day needs 00 UTC of the day after",
        )


def _find_missing_days(array: xr.DataArray) -> NDArray[np.datetime64]:
    missing = mark_missing_days(array)
    series = missing.reshape(-1, missing.shape[-1])
    held = series[~series.all(axis=1)] if array.name == REFERENCE else series
    return array["time"].to_numpy().astype("datetime64[D]")[held.any(axis=0)]


def _format_days(days: NDArray[np.datetime64]) -> str:
    first = ", ".join(str(day) for day in days[:SHOWN])
    return f"{len(days)} missing days: {first}{', ...' if len(days) > SHOWN else ''}"
