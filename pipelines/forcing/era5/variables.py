"""What ERA5 calls its variables, in which units, and how ours follow from them.

Names and bounds of OUR variables stand in `somobench.schemas.variables`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import specific_humidity
from somobench.schemas.errors import UnknownNameError, UsageError
from somobench.schemas.variables import VARIABLES

Combine = Callable[..., NDArray[np.float64]]

_METRES = ("m", "metre", "metres", "meter", "meters", "m of water equivalent")
_JOULES = ("J m-2", "J/m2")
_FRACTION = ("m3 m-3", "m3/m3", "1")


@dataclass(frozen=True, kw_only=True)
class RawVariable:
    """A variable as ERA5 stores it; bounds hold for any hourly or daily value."""

    name: str
    units: tuple[str, ...]
    minimum: float
    maximum: float
    accumulated: bool = False
    aliases: tuple[str, ...] = ()


_RAW = (
    RawVariable(
        name="tp",
        units=_METRES,
        minimum=-1e-4,  # packing to 16 bits leaves small negatives
        maximum=2.0,
        accumulated=True,
        aliases=("total_precipitation",),
    ),
    RawVariable(
        name="t2m",
        units=("K", "kelvin"),
        minimum=150.0,
        maximum=340.0,
        aliases=("2t", "2m_temperature"),
    ),
    RawVariable(
        name="d2m",
        units=("K", "kelvin"),
        minimum=130.0,
        maximum=330.0,
        aliases=("2d", "2m_dewpoint_temperature"),
    ),
    RawVariable(
        name="sp",
        units=("Pa", "pascal"),
        minimum=30_000.0,
        maximum=110_000.0,
        aliases=("surface_pressure",),
    ),
    RawVariable(
        name="ssrd",
        units=_JOULES,
        minimum=-5e4,
        maximum=6e7,
        accumulated=True,
        aliases=("surface_solar_radiation_downwards",),
    ),
    RawVariable(
        name="ssr",
        units=_JOULES,
        minimum=-5e4,
        maximum=6e7,
        accumulated=True,
        aliases=("surface_net_solar_radiation",),
    ),
    RawVariable(
        name="str",
        units=_JOULES,
        minimum=-4e7,
        maximum=2e7,
        accumulated=True,
        aliases=("surface_net_thermal_radiation",),
    ),
    RawVariable(name="nr", units=_JOULES, minimum=-4e7, maximum=6e7, accumulated=True),
    RawVariable(
        name="e",
        units=_METRES,
        minimum=-0.05,
        maximum=0.05,
        accumulated=True,
        aliases=("evaporation", "total_evaporation"),
    ),
    RawVariable(
        name="skt",
        units=("K", "kelvin"),
        minimum=150.0,
        maximum=370.0,
        aliases=("skin_temperature",),
    ),
    RawVariable(name="q", units=("kg kg-1", "kg/kg", "1"), minimum=0.0, maximum=0.05),
    RawVariable(name="rh", units=("%", "percent"), minimum=0.0, maximum=110.0),
    *(
        RawVariable(
            name=f"swvl{level}",
            units=_FRACTION,
            minimum=-0.01,  # the land data assimilation overshoots in deserts
            maximum=1.0,
            aliases=(f"volumetric_soil_water_layer_{level}",),
        )
        for level in (1, 2, 3, 4)
    ),
)
RAW: Mapping[str, RawVariable] = {variable.name: variable for variable in _RAW}


@dataclass(frozen=True, kw_only=True)
class Derivation:
    """Our variable from ERA5's: combined at each time, aggregated, then scaled."""

    raws: tuple[str, ...]
    factor: float = 1.0
    combine: Combine = np.asarray

    @property
    def accumulated(self) -> bool:
        """Whether values are sums over time."""
        return RAW[self.raws[0]].accumulated


_MM = 1e3  # m to mm
_MJ = 1e-6  # J to MJ

_USUAL: Mapping[str, Derivation] = {
    "precipitation": Derivation(raws=("tp",), factor=_MM),
    "air_temperature": Derivation(raws=("t2m",)),
    "specific_humidity": Derivation(raws=("d2m", "sp"), combine=specific_humidity),
    "shortwave_radiation": Derivation(raws=("ssrd",), factor=_MJ),
    "net_radiation": Derivation(raws=("ssr", "str"), factor=_MJ, combine=np.add),
    "skin_temperature": Derivation(raws=("skt",)),
    "evaporation": Derivation(raws=("e",), factor=-_MM),  # ERA5 counts down positive
}
_READY_MADE: Mapping[str, Derivation] = {
    "specific_humidity": Derivation(raws=("q",)),
    "relative_humidity": Derivation(raws=("rh",)),
    "net_radiation": Derivation(raws=("nr",), factor=_MJ),
}
"""For inputs that hold, under a name in the recipe, what ERA5 leaves to derive."""


def derivation_of(variable: str, names: Mapping[str, str]) -> Derivation:
    """Say which variables of the input give one of ours.

    Raises
    ------
    UnknownNameError
        If ERA5 can't give it.
    """
    if variable in names and variable in _READY_MADE:
        return _READY_MADE[variable]
    if variable in _USUAL:
        return _USUAL[variable]
    raise UnknownNameError(
        "forcing variable of source era5",
        found=variable,
        expected=f"one of {', '.join(sorted(_USUAL))}",
        hint=f"name it in forcing.names as {variable}: ..."
        if variable in _READY_MADE
        else None,
    )


def source_names(names: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return, for each variable of ERA5, the names to look for in the input.

    Keys of the recipe's `names` are our variables or ERA5's short names; a name
    given there is the only one looked for.

    Raises
    ------
    UsageError
        If a key is neither.
    """
    unknown = sorted(set(names) - set(RAW) - set(VARIABLES))
    if unknown:
        raise UsageError(
            "forcing.names of the recipe",
            found=", ".join(unknown),
            expected=f"our variables, or one of {', '.join(RAW)}",
        )
    found = {raw.name: (raw.name, *raw.aliases) for raw in _RAW}
    for key, name in names.items():
        raw_name = key if key in RAW else _single_raw(key, names)
        found[raw_name] = (name,)
    return found


def _single_raw(variable: str, names: Mapping[str, str]) -> str:
    return derivation_of(variable, names).raws[0]


def same_units(found: str, raw: RawVariable) -> bool:
    """Tell whether a unit text is one of the variable's, whatever its spelling."""
    return _spelling(found) in {_spelling(units) for units in raw.units}


def _spelling(units: str) -> str:
    plain = units.replace("**", "").replace("^", "").replace("*", " ")
    return " ".join(plain.split()).lower()
