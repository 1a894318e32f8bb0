"""Targets and weather as models of an experiment learn from them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from somobench.experiments.world import World
from somobench.ladder.problem import Array, Mask

LEVEL, SPREAD = 0.4, 0.05  # m3 m-3, of a standardised target: all of it is physical
FEWEST_VALUES = 30  # in a half, from which a cell's mean and deviation are taken
STANDARDISED, MEASURED, MATCHED = "standardised", "as measured", "matched"


def scale_targets(
    world: World, layers: list[int], cells: NDArray[np.intp], days: Mask, scaling: str
) -> Array:
    """Return targets in a scaling that knows some days alone, (layer, cell, day)."""
    chosen = np.ix_(np.array(layers, dtype=np.intp), cells)
    measured = world.measured[chosen]
    if scaling == MEASURED:
        return measured
    if scaling == MATCHED and world.reanalysis is not None:
        reference = world.reanalysis[chosen]
        level, spread, _ = measure_moments(
            np.where(np.isfinite(measured), reference, np.nan), days
        )
        return standardise_cells(measured, days, level, spread)
    return standardise_cells(measured, days)


def standardise_cells(
    measured: Array,
    days: Mask,
    level: Array | float = LEVEL,
    spread: Array | float = SPREAD,
) -> Array:
    """Give each series level and spread by its mean and deviation over some days.

    Parameters
    ----------
    measured : (layer, cell, day), m3 m-3
    days : (day,)
    level, spread : float, or (layer, cell, 1), m3 m-3

    Returns
    -------
    (layer, cell, day), m3 m-3
        Missing where a series has fewer than 30 values there, or doesn't vary.
    """
    mean, deviation, count = measure_moments(measured, days)
    usable = (count >= FEWEST_VALUES) & (deviation > 0)
    result: Array = np.where(
        usable,
        level + spread * (measured - mean) / np.where(usable, deviation, 1),
        np.nan,
    )
    return result


def measure_moments(values: Array, days: Mask) -> tuple[Array, Array, NDArray[np.intp]]:
    """Return mean, deviation and number of values on some days, (layer, cell, 1)."""
    known = np.where(days, values, np.nan)
    count = np.isfinite(known).sum(axis=2, keepdims=True)
    filled = np.where(np.isfinite(known), known, 0.0)
    mean = filled.sum(axis=2, keepdims=True) / np.maximum(count, 1)
    squares = np.where(np.isfinite(known), (known - mean) ** 2, 0.0)
    deviation = np.sqrt(squares.sum(axis=2, keepdims=True) / np.maximum(count, 1))
    return mean, deviation, count


def fill_weather(values: NDArray[np.float32], days: Mask) -> NDArray[np.float32]:
    """Put the cell's mean over some days where a value is missing, (cell, day)."""
    missing = ~np.isfinite(values)
    if not missing.any():
        return values
    known = ~missing & days
    sums = np.where(known, values, 0).sum(axis=1, dtype=np.float64)
    count = known.sum(axis=1)
    overall = sums.sum() / max(count.sum(), 1)
    mean = np.where(count > 0, sums / np.maximum(count, 1), overall)
    filled: NDArray[np.float32] = np.where(missing, mean[:, None], values).astype(
        np.float32
    )
    return filled
