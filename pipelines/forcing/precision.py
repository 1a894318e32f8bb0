"""How finely each forcing variable is stored: as whole multiples of a power of two.

Such numbers are exact in float32, equal on every processor, and compress well.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

STORED_STEP: Mapping[str, float] = {
    "precipitation": 2.0**-7,
    "air_temperature": 2.0**-7,
    "specific_humidity": 2.0**-17,
    "relative_humidity": 2.0**-4,
    "shortwave_radiation": 2.0**-7,
    "net_radiation": 2.0**-7,
    "skin_temperature": 2.0**-7,
    "evaporation": 2.0**-7,
    "vapour_pressure_deficit": 2.0**-2,
    "wind_speed": 2.0**-7,
    "daytime_net_radiation": 2.0**-5,
    "latent_heat_flux": 2.0**-5,
    "evapotranspiration_observed": 2.0**-10,
    "reference_evapotranspiration": 2.0**-7,
    "vegetation_index": 2.0**-13,
    "absorbed_radiation_fraction": 2.0**-13,
    "modelled_water_store_1": 2.0**-7,
    "modelled_water_store_2": 2.0**-7,
    "modelled_water_store_3": 2.0**-7,
    "reanalysis_soil_moisture": 2.0**-14,
}
"""Stored step in the variable's unit; half of it is the largest rounding error."""

SMALL_NEGATIVES: Mapping[str, float] = {
    "precipitation": -0.1,  # mm d-1; what packing to 16 bits leaves in a day
    "reanalysis_soil_moisture": -0.01,  # m3 m-3; overshoot of the land analysis
}
"""Negative values down to here, of variables that can't be negative, become zero."""


def quantise(name: str, values: NDArray[np.float64]) -> tuple[NDArray[np.float32], int]:
    """Round values to the variable's stored step.

    Parameters
    ----------
    name : of a forcing variable
    values : any shape, in the variable's unit; NaN stays NaN

    Returns
    -------
    tuple of array and int
        float32 values, and how many small negatives were set to zero.
    """
    step = STORED_STEP[name]
    small = (values < 0) & (values >= SMALL_NEGATIVES.get(name, 0.0))
    rounded = np.round(np.where(small, 0.0, values) / step) * step
    # Adding zero turns -0.0 into 0.0, which has other bytes.
    return (rounded + 0.0).astype(np.float32), int(small.sum())
