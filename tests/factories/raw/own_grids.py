"""Files as models write them: a globe, points, layers, odd times; values by hand.

Every field is linear in latitude, longitude, day and hour, so that interpolation,
weights and daily means have exact values.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from somobench.schemas.gridded_options import GriddedOptions
from somobench.submissions.gridded.request import Wanted

FIRST_DAY = "2018-01-01"
DEPTHS = ((0.0, 0.1), (0.1, 0.4))
LAYER_STEP = 0.1  # m3 m-3 more in each layer
VOLUMETRIC = {
    "units": "m3 m-3",
    "standard_name": "volume_fraction_of_condensed_water_in_soil",
}
MASS = {
    "units": "kg m-2",
    "standard_name": "mass_content_of_water_in_soil_layer",
}


def moisture(latitude: Any, longitude: Any, day: Any = 0, hour: Any = 0) -> Any:
    """Return the upper layer's soil moisture, m3 m-3; longitude -180..180."""
    return 0.2 + 0.001 * latitude + 0.0005 * longitude + 0.001 * day + 0.0001 * hour


def make_globe(
    *, step: float = 10.0, days: int = 4, hours: int = 6, mass: bool = False
) -> xr.Dataset:
    """Return a globe: north first, 0 to 360 degrees, two layers with bounds."""
    north = np.arange(90.0, -90.1, -step)
    east = np.arange(0.0, 360.0, step)
    stamps = np.arange(0, 24 * days, hours)
    level = LAYER_STEP * np.arange(len(DEPTHS))
    turned = (east + 180) % 360 - 180
    values = moisture(
        north[:, None],
        turned,
        (stamps // 24)[:, None, None, None],
        (stamps % 24)[:, None, None, None],
    )
    values = values + level[:, None, None]
    if mass:
        values = values * 1000.0 * np.diff(DEPTHS)[:, :, None]
    return xr.Dataset(
        {
            "mrsol": (
                ("time", "depth", "lat", "lon"),
                values,
                MASS if mass else VOLUMETRIC,
            ),
            "depth_bnds": (("depth", "bnds"), np.array(DEPTHS)),
            "air_temperature": (("time", "lat", "lon"), values[:, 0], {"units": "K"}),
        },
        {
            "time": (
                "time",
                stamps,
                {"units": f"hours since {FIRST_DAY}", "standard_name": "time"},
            ),
            "depth": (
                "depth",
                [0.05, 0.25],
                {"units": "m", "positive": "down", "bounds": "depth_bnds"},
            ),
            "lat": ("lat", north, {"standard_name": "latitude"}),
            "lon": ("lon", east, {"units": "degrees_east"}),
        },
    )


def make_wanted(
    cells: tuple[tuple[float, float], ...] = ((40.125, 10.125), (41.375, 10.125)),
    *,
    days: int = 4,
    **options: Any,
) -> Wanted:
    """Return what a release with two layers of 10 and 20 cm wants."""
    first = np.datetime64(FIRST_DAY)
    return Wanted(
        cells=tuple(f"{north}_{east}" for north, east in cells),
        latitude=np.array([north for north, _ in cells]),
        longitude=np.array([east for _, east in cells]),
        layers={1: (0.0, 0.1), 2: (0.1, 0.3)},
        days=(first, first + days - 1),
        resolution=0.25,
        options=GriddedOptions(**options),
    )
