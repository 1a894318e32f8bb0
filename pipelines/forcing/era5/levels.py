"""Soil levels of ERA5, and their shares in the nominal layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from somobench.schemas.errors import InputError, UsageError

ERA5_LEVELS: Mapping[str, tuple[float, float]] = {
    "swvl1": (0.0, 7.0),
    "swvl2": (7.0, 28.0),
    "swvl3": (28.0, 100.0),
    "swvl4": (100.0, 289.0),
}
"""Depth interval of each soil level of ERA5 and ERA5-Land, cm."""


@dataclass(frozen=True)
class LayerWeights:
    """Share of each soil level in a layer; the shares sum to 1."""

    weights: Mapping[str, float]
    missing: tuple[str, ...] = ()
    """Levels that reach into the layer but aren't in the input."""

    def __str__(self) -> str:
        return " + ".join(f"{share:g} {name}" for name, share in self.weights.items())


def weigh_levels(
    depth_from: float,
    depth_to: float,
    available: frozenset[str] = frozenset(ERA5_LEVELS),
) -> LayerWeights:
    """Weigh soil levels by the thickness that they share with a layer.

    Where a level that reaches into the layer isn't available, the others carry its
    share in proportion, and it is listed as missing.

    Parameters
    ----------
    depth_from, depth_to : float, cm, positive down
    available : names of levels that the input has

    Raises
    ------
    UsageError
        If the layer isn't between the surface and the deepest level's end.
    InputError
        If no level that reaches into the layer is available.

    Notes
    -----
    Thickness weights as in the processing of SoMo.ml's author: 0-10 cm is
    0.7 swvl1 + 0.3 swvl2. Levels of HTESSEL: Balsamo et al. 2009,
    doi:10.1175/2008JHM1068.1.

    Examples
    --------
    >>> print(weigh_levels(10, 30))
    0.9 swvl2 + 0.1 swvl3
    >>> weigh_levels(0, 10, frozenset({"swvl1"}))
    LayerWeights(weights={'swvl1': 1.0}, missing=('swvl2',))
    """
    deepest = max(bottom for _, bottom in ERA5_LEVELS.values())
    if not 0 <= depth_from < depth_to <= deepest:
        raise UsageError(
            "depth of a layer",
            found=f"{depth_from:g} to {depth_to:g} cm",
            expected=f"an interval within 0 to {deepest:g} cm",
        )
    shared = {
        name: min(depth_to, bottom) - max(depth_from, top)
        for name, (top, bottom) in ERA5_LEVELS.items()
        if min(depth_to, bottom) > max(depth_from, top)
    }
    present = {name: shared[name] for name in shared if name in available}
    if not present:
        raise InputError(
            f"reference soil moisture of {depth_from:g} to {depth_to:g} cm",
            found=f"levels {', '.join(sorted(available)) or 'none'}",
            expected=f"at least one of {', '.join(shared)}",
            hint="leave the layer out of reference.layers",
        )
    total = sum(present.values())
    return LayerWeights(
        {name: thickness / total for name, thickness in present.items()},
        tuple(name for name in shared if name not in present),
    )
