"""What ERA5 calls its variables, in which units, and how ours follow from them.

Names and bounds of OUR variables stand in `somobench.schemas.variables`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.forcing.era5.daily import (
    Accumulation,
    Frequency,
    count_covered_seconds,
    derive_specific_humidity,
)
from somobench.pipelines.forcing.era5.units import (
    FRACTION,
    KG,
    PA,
    PERCENT,
    J,
    K,
    M,
)
from somobench.schemas.errors import UnknownNameError, UsageError
from somobench.schemas.recipe import ForcingParams
from somobench.schemas.variables import VARIABLES

Combine = Callable[..., NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class RawVariable:
    """A variable as ERA5 stores it; bounds hold for any hourly or daily value.

    `units` is ERA5's own; `units.conversion` knows what else a file may have.
    """

    name: str
    units: str
    minimum: float
    maximum: float
    accumulated: bool = False
    aliases: tuple[str, ...] = ()


_RAW = (
    RawVariable(
        name="tp",
        units=M,
        minimum=-1e-4,  # packing to 16 bits leaves small negatives
        maximum=2.0,
        accumulated=True,
        aliases=("total_precipitation", "mtpr", "avg_tprate"),
    ),
    *(
        RawVariable(
            name=name,
            units=M,
            minimum=-1e-4,
            maximum=2.0,
            accumulated=True,
            aliases=(alias,),
        )
        for name, alias in (
            ("lsp", "large_scale_precipitation"),
            ("cp", "convective_precipitation"),
        )
    ),
    RawVariable(
        name="t2m",
        units=K,
        minimum=150.0,
        maximum=340.0,
        aliases=("2t", "2m_temperature", "VAR_2T"),
    ),
    RawVariable(
        name="d2m",
        units=K,
        minimum=130.0,
        maximum=330.0,
        aliases=("2d", "2m_dewpoint_temperature", "VAR_2D"),
    ),
    RawVariable(
        name="sp",
        units=PA,
        minimum=30_000.0,
        maximum=110_000.0,
        aliases=("surface_pressure",),
    ),
    RawVariable(
        name="ssrd",
        units=J,
        minimum=-5e4,
        maximum=6e7,
        accumulated=True,
        aliases=("surface_solar_radiation_downwards", "msdwswrf", "avg_sdswrf"),
    ),
    RawVariable(
        name="ssr",
        units=J,
        minimum=-5e4,
        maximum=6e7,
        accumulated=True,
        aliases=("surface_net_solar_radiation", "msnswrf", "avg_snswrf"),
    ),
    RawVariable(
        name="str",
        units=J,
        minimum=-4e7,
        maximum=2e7,
        accumulated=True,
        aliases=("surface_net_thermal_radiation", "msnlwrf", "avg_snlwrf"),
    ),
    RawVariable(name="nr", units=J, minimum=-4e7, maximum=6e7, accumulated=True),
    RawVariable(
        name="e",
        units=M,
        minimum=-0.05,
        maximum=0.05,
        accumulated=True,
        aliases=("evaporation", "total_evaporation", "mer", "avg_ie"),
    ),
    RawVariable(
        name="skt",
        units=K,
        minimum=150.0,
        maximum=370.0,
        aliases=("skin_temperature",),
    ),
    RawVariable(name="q", units=KG, minimum=0.0, maximum=0.05),
    RawVariable(name="rh", units=PERCENT, minimum=0.0, maximum=110.0),
    *(
        RawVariable(
            name=f"swvl{level}",
            units=FRACTION,
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
    "specific_humidity": Derivation(
        raws=("d2m", "sp"), combine=derive_specific_humidity
    ),
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


PARTS: Mapping[str, Derivation] = {
    "precipitation": Derivation(raws=("lsp", "cp"), factor=_MM, combine=np.add),
}
"""For inputs that hold, in place of a total, its parts (NCAR's ds633.0)."""


def list_derivable_variables() -> tuple[str, ...]:
    """Return our variables that ERA5's own give."""
    return tuple(_USUAL)


def find_derivation(
    variable: str,
    names: Mapping[str, str],
    holds: Callable[[str], bool] = lambda _: True,
) -> Derivation:
    """Say which variables of the input give one of ours.

    Parameters
    ----------
    variable : str
        One of ours.
    names : mapping
        `forcing.names` of the recipe.
    holds : callable
        Tells whether the input has a variable of ERA5, by its short name.

    Raises
    ------
    UnknownNameError
        If ERA5 can't give it.
    """
    if variable in names and variable in _READY_MADE:
        return _READY_MADE[variable]
    if variable in _USUAL:
        usual, parts = _USUAL[variable], PARTS.get(variable)
        if parts and not holds(usual.raws[0]) and all(map(holds, parts.raws)):
            return parts
        return usual
    raise UnknownNameError(
        "forcing variable of source era5",
        found=variable,
        expected=f"one of {', '.join(sorted(_USUAL))}",
        hint=f"name it in forcing.names as {variable}: ..."
        if variable in _READY_MADE
        else None,
    )


@dataclass(frozen=True)
class Delivery:
    """How the recipe says that an input was made.

    Keys of `names` and `units` are our variables or ERA5's short names. A name given
    there is the only one looked for; a unit given there replaces what the file says.
    """

    frequency: Frequency = "hourly"
    accumulation: Accumulation = "hour_ending"
    names: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)

    def get_names(self, raw: RawVariable) -> tuple[str, ...]:
        """Return the names to look for in the input."""
        given = self._find_entry("names", raw)
        return (raw.name, *raw.aliases, raw.name.upper()) if given is None else (given,)

    def get_unit(self, raw: RawVariable) -> str | None:
        """Return the unit that the recipe gives, if any."""
        return self._find_entry("units", raw)

    def get_seconds(self, raw: RawVariable) -> float | None:
        """Return the time that one value covers; None for states and growing sums."""
        if not raw.accumulated:
            return None
        return count_covered_seconds(self.frequency, self.accumulation)

    def _find_entry(self, key: str, raw: RawVariable) -> str | None:
        """Find the recipe's entry for a variable of ERA5.

        Raises
        ------
        UsageError
            If an entry is for neither a variable of ours nor one of ERA5.
        """
        entries: Mapping[str, str] = getattr(self, key)
        unknown = sorted(set(entries) - set(RAW) - set(VARIABLES))
        if unknown:
            raise UsageError(
                f"forcing.{key} of the recipe",
                found=", ".join(unknown),
                expected=f"our variables, or one of {', '.join(RAW)}",
            )
        for name, content in entries.items():
            raw_name = name if name in RAW else _find_single_raw(name, self.names)
            if raw_name == raw.name:
                return content
        return None


def describe_delivery(params: ForcingParams) -> Delivery:
    """Return what a recipe says about the making of its forcing inputs."""
    return Delivery(params.frequency, params.accumulation, params.names, params.units)


def _find_single_raw(variable: str, names: Mapping[str, str]) -> str:
    return find_derivation(variable, names).raws[0]
