"""Depths of sensors: whole centimetres, and the target layer they belong to."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal, Protocol

Rounding = Literal["nearest", "down", "up"]

CENTIMETRE_DECIMALS = 6  # hides binary fractions, far finer than any delivered depth


class Layer(Protocol):
    """A nominal target layer in whole centimetres, as the recipe has it."""

    @property
    def layer(self) -> int:
        """Number of the layer."""
        ...

    @property
    def depth_from_cm(self) -> int:
        """Upper edge."""
        ...

    @property
    def depth_to_cm(self) -> int:
        """Lower edge."""
        ...


def whole_centimetres(depth: float, rounding: Rounding = "nearest") -> int:
    """Round a depth in m to whole centimetres.

    Half centimetres go down the profile with `nearest` (2.5 cm gives 3), the way a
    person rounds, not to the even number.

    Examples
    --------
    >>> [whole_centimetres(depth) for depth in (0.0508, 0.1016, 0.3048, 0.508)]
    [5, 10, 30, 51]
    >>> whole_centimetres(0.508, "down")
    50
    """
    centimetres = round(depth * 100, CENTIMETRE_DECIMALS)
    if rounding == "down":
        return math.floor(centimetres)
    if rounding == "up":
        return math.ceil(centimetres)
    return math.floor(centimetres + 0.5)


def layer_of(depth_from_cm: int, depth_to_cm: int, layers: Iterable[Layer]) -> int:
    """Find the layer that holds the whole interval of a sensor; 0 where none does.

    Below the surface layer the middle of the interval must lie below the upper
    edge, so that a point sensor on an edge belongs to the layer above it.

    Notes
    -----
    The SoMoBench rule: layer 1 `0 <= from, to <= 10`; layer 2 `10 <= from, to <= 30,
    middle > 10`; layer 3 `30 <= from, to <= 50, middle > 30` (cm).
    """
    middle = (depth_from_cm + depth_to_cm) / 2
    for layer in layers:
        inside = (
            layer.depth_from_cm <= depth_from_cm and depth_to_cm <= layer.depth_to_cm
        )
        if inside and (layer.depth_from_cm == 0 or middle > layer.depth_from_cm):
            return layer.layer
    return 0
