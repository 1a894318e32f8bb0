"""What daily forcing must be before it is stored: complete, and of the right size.

Bounds of single values stand in the schema. Here is what only many values show: a
wrong unit or a daily mean taken for a total leaves values that are possible one by
one, but never in a year.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import Failure, InputError, ValidationError
from somobench.schemas.variables import VARIABLES

SHOWN = 5  # missing days named in a message
ENOUGH_DAYS = 360

REFERENCE = "reanalysis_soil_moisture"
YEARLY_MAXIMUM: Mapping[str, float] = {
    "precipitation": 4.0,
    "shortwave_radiation": 5.0,
    "net_radiation": 2.0,
    "specific_humidity": 3e-4,
    "evaporation": 0.05,
    REFERENCE: 0.02,
}
"""What the largest value of the median cell reaches in any year on land, in the
variable's unit. Set well below what ERA5 has in deserts and at the poles, and above
what a daily mean of hourly values (1/24 of a total) or a scale factor applied twice
leaves."""


def refuse_missing_days(dataset: xr.Dataset) -> None:
    """Refuse forcing with a missing day.

    Of the reanalysis' soil moisture, a cell's layer without any value doesn't count:
    it was left out on purpose.

    Parameters
    ----------
    dataset : dims cell, time and perhaps layer

    Raises
    ------
    InputError
        With each variable, its number of missing days and the first of them.
    """
    found = [
        f"{name}: {_listed(days)}"
        for name, array in dataset.data_vars.items()
        if len(days := _missing_days(array))
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


def _missing_days(array: xr.DataArray) -> NDArray[np.datetime64]:
    missing = array.isnull().transpose(..., "time").to_numpy()
    series = missing.reshape(-1, missing.shape[-1])
    held = series[~series.all(axis=1)] if array.name == REFERENCE else series
    return array["time"].to_numpy().astype("datetime64[D]")[held.any(axis=0)]


def _listed(days: NDArray[np.datetime64]) -> str:
    first = ", ".join(str(day) for day in days[:SHOWN])
    return f"{len(days)} missing days: {first}{', ...' if len(days) > SHOWN else ''}"


def refuse_wrong_magnitudes(dataset: xr.Dataset) -> None:
    """Refuse values that are possible one by one but not as a climate.

    Raises
    ------
    ValidationError
        With every variable concerned.
    """
    checks = (_too_small(dataset), _wrong_sign(dataset))
    failures = [failure for check in checks for failure in check]
    if failures:
        raise ValidationError("daily forcing", failures)


def _too_small(dataset: xr.Dataset) -> list[Failure]:
    if dataset.sizes["time"] < ENOUGH_DAYS:
        return []
    return [
        Failure(
            name,
            f"a maximum of {largest:g} {VARIABLES[name].units} in the median cell",
            f"at least {least:g}: the unit may be wrong, a daily mean taken for a "
            "total, or a scale factor applied twice",
        )
        for name, least in YEARLY_MAXIMUM.items()
        if name in dataset and (largest := _median_maximum(dataset[name])) < least
    ]


def _median_maximum(array: xr.DataArray) -> float:
    return float(array.max("time").median())


def _wrong_sign(dataset: xr.Dataset) -> list[Failure]:
    if "evaporation" not in dataset or dataset.sizes["time"] < ENOUGH_DAYS:
        return []
    mean = float(dataset["evaporation"].mean(dtype="float64"))
    if mean >= 0:
        return []
    return [
        Failure(
            "evaporation",
            f"a mean of {mean:g} mm d-1",
            "a positive mean: ERA5 counts downward fluxes as positive",
        )
    ]
