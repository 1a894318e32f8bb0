"""Units of a submission's variables and coordinates: read, never assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import InputError
from somobench.schemas.submission_names import (
    PREDICTION,
    is_volumetric,
    normalise_units,
)

VOLUME_FRACTION = "volume_fraction_of_condensed_water_in_soil"
"""CF standard name of volumetric soil moisture, whose unit is 1 (or %)."""
_FACTORS = {"1": 1.0, "%": 0.01, "percent": 0.01}
_VOLUME_PERCENT = frozenset({"vol%", "%vol", "volume%", "%volume", "%v/v"})
_WATER = frozenset({"mm", "kgm-2", "kg/m2", "cm", "m"})
"""Water in a layer, which is a content only beside the layer's thickness."""

_DAY = np.timedelta64(1, "D")
_DAYS = {
    "days": 1.0,
    "hours": 1 / 24,
    "minutes": 1 / 1440,
    "seconds": 1 / 86_400,
    "milliseconds": 1 / 86_400e3,
    "microseconds": 1 / 86_400e6,
    "nanoseconds": 1 / 86_400e9,
}
_SHORT = {
    "d": "days", "h": "hours", "hr": "hours", "hrs": "hours", "min": "minutes",
    "mins": "minutes", "s": "seconds", "sec": "seconds", "secs": "seconds",
    "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds",
}  # fmt: skip
_NORTH = ("degreesnorth", "degreenorth", "degreesn", "degreen")
_EAST = ("degreeseast", "degreeeast", "degreese", "degreee")
_DEGREES = ("degrees", "degree", "deg", "\u00b0")
_COUNTED = ("", "1", "level", "layer", "number", "count")
_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "layer": _COUNTED,
    "member": (*_COUNTED, "member", "realization"),
    "cell": _COUNTED,
    "latitude": ("", *_NORTH, *_DEGREES),
    "longitude": ("", *_EAST, *_DEGREES),
}


def find_moisture_factor(attrs: Mapping[Any, Any], notes: list[str]) -> float:
    """Return by what predictions are multiplied to be m3 m-3.

    Parameters
    ----------
    attrs : attributes `units` and, where there is one, `standard_name`
    notes : list that gets what was understood

    Raises
    ------
    InputError
        For no units, and units that aren't a ratio of volumes.
    """
    units = decode_attribute(attrs.get("units"))
    if is_volumetric(units):
        return 1.0
    plain = normalise_units(units).lower()
    is_fraction = decode_attribute(attrs.get("standard_name")) == VOLUME_FRACTION
    factor = _FACTORS.get(plain) if is_fraction else None
    if plain in _VOLUME_PERCENT:
        factor = 0.01
    if factor is None:
        raise InputError(
            f"units of {PREDICTION}",
            found=units[:80] or "no attribute units",
            expected="m3 m-3",
            hint=_choose_hint(plain),
        )
    notes.append(f"{PREDICTION} in {units} was multiplied by {factor:g} to be m3 m-3")
    return factor


def _choose_hint(plain: str) -> str:
    if plain in _WATER:
        return "divide the water in a layer by its thickness (and by 1000 kg m-3)"
    if plain in _FACTORS:
        return (
            "say of what it is a share: vol%, or standard_name="
            f"{VOLUME_FRACTION}; a degree of saturation has to be converted"
        )
    return "convert the values and set the attribute units"


def check_units(name: str, attrs: Mapping[Any, Any]) -> None:
    """Refuse a coordinate in another unit than the one that its labels have.

    Raises
    ------
    InputError
        For a layer in metres, a latitude in radians and the like.
    """
    units = decode_attribute(attrs.get("units"))
    allowed = _ALLOWED.get(name)
    plain = normalise_units(units).lower().replace("_", "")
    if allowed is not None and plain not in allowed:
        named = next((item for item in allowed if item), "no units")
        raise InputError(
            f"units of {name}", found=units[:80], expected=f"{named}, or none"
        )


def convert_lead_times(
    labels: NDArray[Any], units: str, notes: list[str]
) -> NDArray[np.float64]:
    """Return lead times in days.

    Parameters
    ----------
    labels : (N,) numbers or timedelta64
    units : of numbers; without any they are days, as the layout says
    notes : list that gets what was understood

    Raises
    ------
    InputError
        For units that are no span of time, and labels that are no numbers.
    """
    if labels.dtype.kind == "m":
        return np.asarray(labels / _DAY, dtype=np.float64)
    if labels.dtype.kind not in "iuf":
        raise InputError(
            "lead_time of the submission",
            found=f"labels of dtype {labels.dtype}",
            expected="spans of time, or numbers with units",
        )
    plain = units.strip().lower()
    name = _SHORT.get(plain, plain if plain.endswith("s") else f"{plain}s")
    if not plain:
        notes.append("lead_time has no units and is taken as days")
        name = "days"
    if name not in _DAYS:
        raise InputError(
            "units of lead_time", found=units[:80], expected="days, hours or the like"
        )
    if name != "days":
        notes.append(f"lead_time in {units} was read as days")
    days = labels.astype(np.float64) * _DAYS[name]
    return np.where(np.abs(days - np.round(days)) < 1e-9, np.round(days), days)  # noqa: PLR2004 (digits of a division)


def decode_attribute(value: object) -> str:
    """Return an attribute as text; empty where there is none."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return "" if value is None else str(value).strip()
