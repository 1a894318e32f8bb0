"""Names and units of stored weather, and whether its values are what they say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import normalise_units
from somobench.schemas.variables import VARIABLES
from somobench.submissions.units import decode_attribute

SLACK = 1e-5  # of a variable's range: what packing in 16 bits may add or take

ERA5_NAMES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "precipitation": (("tp",),),
    "air_temperature": (("t2m",), ("2t",)),
    "specific_humidity": (("q",),),
    "relative_humidity": (("rh",),),
    "shortwave_radiation": (("ssrd",),),
    "net_radiation": (("nr",), ("ssr", "str")),
}
"""Short names of ERA5 for ours; several ones are added."""

_FACTORS: Mapping[str, Mapping[str, tuple[float, float]]] = {
    "mm d-1": {
        **dict.fromkeys(("mmd-1", "mm/d", "mmday-1", "mm/day", "mm"), (1.0, 0.0)),
        **dict.fromkeys(("kgm-2d-1", "kgm-2day-1", "kgm-2"), (1.0, 0.0)),
        **dict.fromkeys(("kgm-2s-1", "mms-1", "mm/s"), (86_400.0, 0.0)),
        **dict.fromkeys(("m", "md-1", "m/day", "mday-1"), (1000.0, 0.0)),
    },
    "K": {"k": (1.0, 0.0), "degc": (1.0, 273.15), "celsius": (1.0, 273.15)},
    "MJ m-2 d-1": {
        **dict.fromkeys(("mjm-2d-1", "mjm-2day-1", "mjm-2"), (1.0, 0.0)),
        **dict.fromkeys(("jm-2", "jm-2d-1", "jm-2day-1"), (1e-6, 0.0)),
        **dict.fromkeys(("wm-2", "w/m2"), (0.0864, 0.0)),
    },
    "kg kg-1": dict.fromkeys(("kgkg-1", "kg/kg", "1"), (1.0, 0.0)),
    "%": {"%": (1.0, 0.0), "1": (100.0, 0.0)},
}
"""By our unit: factor and offset of others, blanks and signs of powers left out."""


class Part(NamedTuple):
    """A stored variable, and how its values become ours."""

    name: str
    factor: float
    offset: float


def find_part(name: str, variable: xr.Variable, units: str) -> Part:
    """Return how a stored variable becomes ours.

    Raises
    ------
    InputError
        If it holds no numbers, or has a unit that isn't known.
    """
    if variable.dtype.kind not in "fiu":
        raise InputError(
            f"{name} of the forcing",
            found=f"values of type {variable.dtype}",
            expected="numbers",
        )
    given = decode_attribute(variable.attrs.get("units"))
    known = _FACTORS.get(units, {normalise_units(units).lower(): (1.0, 0.0)})
    found = known.get(normalise_units(given).lower())
    if found is None:
        raise InputError(
            f"units of {name} of the forcing",
            found=given or "no attribute units",
            expected=f"{units}, or one of {', '.join(sorted(known))}",
        )
    return Part(name, *found)


def check_values(name: str, values: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return values within what a variable can be; NaN where one isn't finite.

    Parameters
    ----------
    name : ours
    values : in our unit

    Raises
    ------
    InputError
        If one lies beyond the limits of the vocabulary by more than packing can do.
    """
    known = VARIABLES[name]
    finite = np.isfinite(values)
    kept = np.where(finite, np.clip(values, known.minimum, known.maximum), np.nan)
    beyond = np.where(finite, np.abs(values - kept), 0.0)
    if beyond.size and beyond.max() > SLACK * (known.maximum - known.minimum):
        raise InputError(
            f"{name} of the forcing",
            found=f"{values.flat[beyond.argmax()]:g} {known.units}, as its unit says",
            expected=f"{known.minimum:g} to {known.maximum:g}",
            hint="correct the attribute units; where a value is missing, set it to NaN",
        )
    return kept.astype(np.float32)
