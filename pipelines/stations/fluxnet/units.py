"""Units of FLUXNET's columns: what the layout documents, checked by size.

Files rewritten by others keep FLUXNET's names and not its units. Where the size of a
column fits one unit alone, that unit counts, and it is noted; where it fits none, the
column is refused. Bounds lie in the gaps between what units can give on land.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SECONDS_A_DAY = 86400.0


class Unit(NamedTuple):
    """A unit that a quantity comes in: sizes that fit it, and its factor to ours."""

    name: str
    low: float
    high: float
    factor: float
    offset: float = 0.0


class Quantity(NamedTuple):
    """A physical quantity: the statistic that tells its units apart, and these."""

    statistic: str
    units: tuple[Unit, ...]
    """Of which the first is the one that FLUXNET documents."""


class UnknownUnit(NamedTuple):
    """A column whose size fits no unit."""

    found: str
    expected: str


STATISTICS: Mapping[str, Callable[[Floats], float]] = {
    "maximum": lambda values: float(values.max()),
    "mean": lambda values: float(values.mean()),
    "median size": lambda values: float(np.median(np.abs(values))),
}

MOISTURE = Quantity(
    "maximum",
    (
        # 1.05 leaves room for a fraction of peat; the driest desert has 4 % once.
        Unit("% by volume", 1.5, 101.0, 0.01),
        Unit("m3 m-3", 0.0, 1.05, 1.0),
    ),
)
DEFICIT = Quantity(
    "mean",
    (
        # The mean of a record: 0.5 hPa in the Arctic, 30 hPa in the Sahel.
        Unit("hPa", 0.3, 45.0, 100.0),
        Unit("Pa", 60.0, 5000.0, 1.0),
    ),
)
LATENT_HEAT = Quantity(
    "median size",
    (
        Unit("W m-2", 0.5, 500.0, 1.0),
        Unit("J m-2 d-1", 5e4, 5e7, 1 / SECONDS_A_DAY),
    ),
)
HUMIDITY = Quantity(
    "maximum", (Unit("%", 1.5, 110.0, 1.0), Unit("1", 0.05, 1.1, 100.0))
)
TEMPERATURE = Quantity(
    "mean",
    (Unit("degrees Celsius", -60.0, 60.0, 1.0), Unit("K", 200.0, 335.0, 1.0, -273.15)),
)
RAIN = Quantity("mean", (Unit("mm d-1", 0.0, 80.0, 1.0),))
POWER = Quantity("median size", (Unit("W m-2", 0.5, 900.0, 1.0),))
SPEED = Quantity("mean", (Unit("m s-1", 0.05, 40.0, 1.0),))
INDEX = Quantity("maximum", (Unit("1", 0.0, 1.05, 1.0),))
STORE = Quantity("maximum", (Unit("mm", 1.0, 5000.0, 1.0),))

QUANTITIES: Mapping[str, Quantity] = {
    "SWC": MOISTURE,
    "VPD": DEFICIT,
    "LE": LATENT_HEAT,
    "RH": HUMIDITY,
    "TA": TEMPERATURE,
    "P": RAIN,
    "NETRAD": POWER,
    "SW": POWER,
    "LW": POWER,
    "WS": SPEED,
    "EVI": INDEX,
    "FAPAR": INDEX,
    "BUCKET": STORE,
}
"""By the begin of a column's name, up to its first underscore."""


def find_quantity(column: str) -> Quantity | None:
    """Return the quantity of a column; None where its name isn't known."""
    return QUANTITIES.get(column.partition("_")[0])


def find_unit(column: str, values: Floats) -> Unit | UnknownUnit:
    """Find the unit that the size of a column fits.

    Parameters
    ----------
    column : name, which has a quantity
    values : (N,) missing ones as NaN
        Without any finite value the documented unit is returned.
    """
    quantity = QUANTITIES[column.partition("_")[0]]
    present = values[np.isfinite(values)]
    if not len(present):
        return quantity.units[0]
    size = STATISTICS[quantity.statistic](present)
    for unit in quantity.units:
        if unit.low <= size <= unit.high:
            return unit
    choices = " or ".join(
        f"{unit.low:g} to {unit.high:g} in {unit.name}" for unit in quantity.units
    )
    return UnknownUnit(f"{quantity.statistic} {size:.6g}", choices)
