"""Order-of-magnitude statistics: right units with wrong values.

A unit that is off by a factor leaves every value possible and the mean impossible.
Bounds of means hold for all cells and days of a file, and lie beyond every land
climate; a file of fewer than 90 days isn't judged. A daily mean taken for a total, or a
scale factor applied twice, shows in the largest values of a year.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from pandera.api.checks import Check

from somobench.schemas.checks import check_whole

MINIMUM_DAYS = 90
A_YEAR = 360  # d, from which the largest value is judged


class Bounds(NamedTuple):
    """Lowest and highest mean over a file, in the variable's unit."""

    low: float
    high: float


MEANS: Mapping[str, Bounds] = MappingProxyType(
    {
        # USCRN 2020: 0.016 the driest sensor, 0.54 the wettest; peat reaches 0.9.
        "soil_moisture": Bounds(0.01, 0.8),
        "soil_moisture_in_situ": Bounds(0.01, 0.8),
        "reanalysis_soil_moisture": Bounds(0.01, 0.8),
        # Yuma, Arizona, in 2020: 0.06. Record of a year: 72 (Cherrapunji, WMO 1860).
        "precipitation": Bounds(0.04, 75.0),
        # Annual means on land: 216 (Dome Fuji) to 308 (Dallol); seasons reach further.
        "air_temperature": Bounds(200.0, 318.0),
        "skin_temperature": Bounds(200.0, 325.0),
        # Saturation at 216 K and 600 hPa is 0.00003, at 303 K and 1000 hPa 0.027.
        "specific_humidity": Bounds(0.00003, 0.027),
        "relative_humidity": Bounds(5.0, 100.0),
        # Net radiation of a year is at most 160 W m-2 on land: 14.
        "net_radiation": Bounds(-5.0, 22.0),
        # Upward is positive; 12 is an irrigated oasis in summer.
        "evaporation": Bounds(0.005, 12.0),
        "evapotranspiration_observed": Bounds(0.005, 12.0),
        "reference_evapotranspiration": Bounds(0.1, 15.0),
        # In hPa the humid tropics have 8 and deserts 30: no mean in Pa is as low.
        "vapour_pressure_deficit": Bounds(40.0, 6000.0),
        "wind_speed": Bounds(0.2, 20.0),
        "latent_heat_flux": Bounds(0.1, 350.0),
    }
)

CLEARNESS = Bounds(0.2, 0.85)
"""Mean shortwave radiation over that at the top of the atmosphere, of any cell.
Measured 0.34 to 0.68 (86 USCRN stations of 2020); 0.78 is a cloudless year at altitude.
kW h m-2 gives 0.15, W m-2 6."""


LARGEST: Mapping[str, float] = MappingProxyType(
    {
        "precipitation": 4.0,
        "shortwave_radiation": 5.0,
        "net_radiation": 2.0,
        "specific_humidity": 3e-4,
        "evaporation": 0.05,
        "reanalysis_soil_moisture": 0.02,
    }
)
"""What the largest value of the median cell reaches in any year on land. Set well below
what ERA5 has in deserts and at the poles, and above what a daily mean of hourly values
(1/24 of a total) or a scale factor applied twice leaves."""


def magnitude_checks(name: str) -> tuple[Check, ...]:
    """Return the checks of a variable's magnitude that its quantity allows."""
    means = (check_mean(name),) if name in MEANS else ()
    return (*means, check_largest(name)) if name in LARGEST else means


def check_largest(name: str) -> Check:
    """Return a check of the largest value of a year in the median cell."""
    least = LARGEST[name]

    def find(values: xr.DataArray) -> str | None:
        if values.sizes.get("time", 0) < A_YEAR:
            return None
        by_cell = values.max("time").to_numpy()
        known = by_cell[~np.isnan(by_cell)]
        if not known.size or (largest := float(np.median(known))) >= least:
            return None
        return f"a maximum of {largest:.6g} in the median cell"

    return check_whole(
        f"{name} of at least {least} once a year: less is a wrong unit, a daily mean "
        "taken for a total, or a scale factor applied twice",
        find,
    )


def check_mean(name: str) -> Check:
    """Return a check of the mean of a variable over all that a file holds."""
    low, high = MEANS[name]

    def find(values: xr.DataArray) -> str | None:
        if values.sizes.get("time", 0) < MINIMUM_DAYS:
            return None
        mean = float(values.mean(dtype="float64"))
        return (
            None if low <= mean <= high or np.isnan(mean) else f"a mean of {mean:.6g}"
        )

    return check_whole(f"a mean {name} from {low} to {high}", find)


def compute_extraterrestrial_radiation(
    latitude: NDArray[np.float64], day_of_year: NDArray[np.number[Any]]
) -> NDArray[np.float64]:
    """Return daily radiation at the top of the atmosphere.

    Parameters
    ----------
    latitude : (N,) degrees north
    day_of_year : (M,) int or float, 1 to 366

    Returns
    -------
    (N, M) MJ m-2 d-1

    Notes
    -----
    FAO Irrigation and Drainage Paper 56, equations 21 to 25.

    Examples
    --------
    Its example 8: 20 degrees south, 3 September.

    >>> latitude, day = np.array([-20.0]), np.array([246])
    >>> radiation = compute_extraterrestrial_radiation(latitude, day)
    >>> radiation.round(1).tolist()
    [[32.2]]
    """
    phi = np.radians(latitude)[:, None]
    angle = 2 * np.pi * day_of_year / 365
    distance = 1 + 0.033 * np.cos(angle)
    declination = 0.409 * np.sin(angle - 1.39)
    sunset = np.arccos(np.clip(-np.tan(phi) * np.tan(declination), -1, 1))
    high = sunset * np.sin(phi) * np.sin(declination)
    low = np.cos(phi) * np.cos(declination) * np.sin(sunset)
    radiation: NDArray[np.float64] = 24 * 60 / np.pi * 0.0820 * distance * (high + low)
    return radiation


def _find_impossible_radiation(dataset: xr.Dataset) -> str | None:
    if dataset.sizes["time"] < MINIMUM_DAYS:
        return None
    above = compute_extraterrestrial_radiation(
        dataset["latitude"].to_numpy(), dataset["time"].dt.dayofyear.to_numpy()
    )
    values = dataset["shortwave_radiation"].transpose("cell", "time")
    above = np.where(np.isfinite(values.to_numpy()), above, np.nan)
    mean = values.mean("time", dtype="float64").to_numpy()
    ratio = mean / np.nanmean(above, axis=1)
    wrong = (ratio < CLEARNESS.low) | (ratio > CLEARNESS.high)
    if not wrong.any():
        return None
    cell = dataset["cell"].to_numpy()[wrong][0]
    return f"{ratio[wrong][0]:.3g} of it in cell {cell}"


CLEAR_SKY = check_whole(
    f"{CLEARNESS.low} to {CLEARNESS.high} of the radiation above the atmosphere",
    _find_impossible_radiation,
    needs=("shortwave_radiation", "latitude", "time", "cell"),
)
