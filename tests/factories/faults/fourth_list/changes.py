"""Changes that several defects make: days moved, cells swapped, values per region."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from factories.faults.third_list.following import METEOROLOGY, follow_forcing, store
from factories.faults.third_list.opened import Opened

WEATHER = (*METEOROLOGY, "evaporation")
TARGET_SERIES = (
    "soil_moisture",
    "soil_moisture_in_situ",
    "is_gapfilled",
    "observation_count",
)


def delay(values: np.ndarray, days: int) -> np.ndarray:
    """Move series later by days, earlier by negative ones; the end's value repeats."""
    places = np.clip(np.arange(values.shape[-1]) - days, 0, values.shape[-1] - 1)
    return values[..., places]


def change_weather(
    release: Opened,
    name: str,
    values: np.ndarray,
    cells: np.ndarray | slice | int = slice(None),
    days: slice = slice(None),
) -> None:
    """Put values of some cells and days and carry them on."""
    changed = release.forcing[name].astype(np.float64)
    changed[cells, days] = values
    store(release, name, changed)
    follow_forcing(release)


def scale_weather(
    release: Opened,
    name: str,
    factor: float,
    cells: np.ndarray | slice | int = slice(None),
    days: slice = slice(None),
) -> None:
    """Multiply values of some cells and days and carry them on."""
    values = release.forcing[name].astype(np.float64)
    change_weather(release, name, values[cells, days] * factor, cells, days)


def move_series(
    release: Opened, layer: int, source: int | np.ndarray, cell: int | np.ndarray
) -> None:
    """Give cells the daily target arrays of others in a layer."""
    for name in TARGET_SERIES:
        release.targets[name][layer, cell] = release.targets[name][layer, source].copy()


def reorder_days(
    release: Opened, layer: int, cell: int, days: slice, order: Iterable[int]
) -> None:
    """Put the daily target arrays of a cell in another order."""
    for name in TARGET_SERIES:
        part = release.targets[name][layer, cell, days]
        release.targets[name][layer, cell, days] = part[np.asarray(list(order))]
