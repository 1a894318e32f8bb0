"""Units of meteorology: which spellings mean what, and what leads to ERA5's own."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import NamedTuple

M, J, K, PA, KG = "m", "J m-2", "K", "Pa", "kg kg-1"
PERCENT, FRACTION = "%", "m3 m-3"

DENSITY = 1000.0  # kg m-3 of water; 1 kg m-2 is 1 mm
ZERO_CELSIUS = 273.15  # K
SECONDS: Mapping[str, float] = {
    **dict.fromkeys(("s-1", "sec-1", "second-1"), 1.0),
    **dict.fromkeys(("h-1", "hr-1", "hour-1"), 3600.0),
    **dict.fromkeys(("d-1", "day-1"), 86400.0),
}
"""Endings of a rate, and how long the time is that it refers to."""


class Conversion(NamedTuple):
    """`value * factor + offset` is in ERA5's unit."""

    factor: float = 1.0
    offset: float = 0.0


KNOWN: Mapping[str, Mapping[str, Conversion]] = {
    M: {
        **dict.fromkeys(("m", "metre", "metres", "meter", "meters"), Conversion()),
        **dict.fromkeys(
            ("mm", "kg m-2", "millimetre", "millimeter", "millimetres", "millimeters"),
            Conversion(1 / DENSITY),
        ),
        "cm": Conversion(0.01),
    },
    J: {
        "j m-2": Conversion(),
        "kj m-2": Conversion(1e3),
        "mj m-2": Conversion(1e6),
        "w h m-2": Conversion(3600.0),
        "wh m-2": Conversion(3600.0),
    },
    K: {
        **dict.fromkeys(("k", "kelvin", "degrees kelvin"), Conversion()),
        **dict.fromkeys(
            ("c", "degc", "degree c", "celsius", "degrees celsius", "deg c", "\xb0c"),
            Conversion(1.0, ZERO_CELSIUS),
        ),
    },
    PA: {
        **dict.fromkeys(("pa", "pascal"), Conversion()),
        **dict.fromkeys(("hpa", "mb", "mbar", "millibar"), Conversion(100.0)),
        "kpa": Conversion(1000.0),
    },
    KG: {
        **dict.fromkeys(("kg kg-1", "1"), Conversion()),
        "g kg-1": Conversion(1e-3),
    },
    PERCENT: {
        **dict.fromkeys(("%", "percent"), Conversion()),
        **dict.fromkeys(("1", "fraction"), Conversion(100.0)),
    },
    FRACTION: {
        **dict.fromkeys(("m3 m-3", "1", "fraction"), Conversion()),
        **dict.fromkeys(("%", "percent"), Conversion(0.01)),
    },
}
"""By unit of ERA5: spellings of it and of its relatives, in lower case."""

WATER = re.compile(r"\s*(\(?of water( equivalent)?\)?|w\.?e\.?|water equivalent)$")
DIVISOR = re.compile(r"\s*(?:/|\bper\b)\s*([a-z]+)\s*(\d*)")


def find_conversion(
    found: str, wanted: str, count_covered_seconds: float | None = None
) -> Conversion | None:
    """Say how values of one unit become those of another; None if they can't.

    Parameters
    ----------
    found : str
        As a file or a recipe writes it, in any usual spelling.
    wanted : str
        ERA5's unit.
    covered_seconds : float, optional
        The time that a total covers: lets a rate (`W m-2`, `mm d-1`, `kg m-2 s-1`)
        become a total. Without it, rates are none.

    Examples
    --------
    >>> find_conversion("kg m**-2", "m")
    Conversion(factor=0.001, offset=0.0)
    >>> find_conversion("W/m^2", "J m-2", covered_seconds=3600.0)
    Conversion(factor=3600.0, offset=0.0)
    """
    spelt = normalise_unit(found)
    known = KNOWN[wanted]
    if spelt in known:
        return known[spelt]
    if count_covered_seconds is None:
        return None
    amount, seconds = _split_rate(spelt)
    if amount not in known:
        return None
    return Conversion(known[amount].factor * count_covered_seconds / seconds)


def _split_rate(spelt: str) -> tuple[str, float]:
    """Split `mm d-1` into `mm` and the seconds of a day; a watt is a joule a second."""
    if spelt in {"w m-2", "kw m-2"}:
        return spelt.replace("w", "j"), 1.0
    amount, _, ending = spelt.rpartition(" ")
    return (amount, SECONDS[ending]) if ending in SECONDS else ("", 1.0)


def normalise_unit(units: str) -> str:
    """Write a unit in plain lower case, exponents only, and without `of water`."""
    raised = unicodedata.normalize("NFKC", units).replace("\u2212", "-")
    plain = raised.lower().replace("**", "").replace("^", "")
    plain = plain.replace("*", " ").replace("\xb7", " ").replace("_", " ")
    divided = DIVISOR.sub(lambda found: f" {found[1]}-{found[2] or 1}", plain)
    dry = WATER.sub("", " ".join(divided.split()))
    moved = re.sub(r"^(.*\S) of water(?: equivalent)? (\S+)$", r"\1 \2", dry)
    return moved.strip()
