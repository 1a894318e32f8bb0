"""What several defects of the list do: pick a series, change it, carry it along."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from factories.faults.fourth_list.deriving import follow_features, follow_matching
from factories.faults.third_list.following import (
    follow_forcing,
    follow_scaled,
    follow_targets,
    store,
)
from factories.faults.third_list.opened import Opened
from somobench.pipelines.targets.matching import Matching, match_moments

IN_SITU_DECIMALS = 7
Fitted = tuple[float, float, int] | None
Line = Callable[[np.ndarray, np.ndarray], Fitted]
EVERYWHERE = slice(None)  # every cell
ARRAYS = ("soil_moisture", "soil_moisture_in_situ")


def network_places(release: Opened, network: str) -> list[tuple[int, int]]:
    """Return (layer, cell) whose primary belongs to a network."""
    found = np.argwhere(release.targets["primary_network"] == network)
    return [(int(layer), int(cell)) for layer, cell in found]


def change_measured(
    release: Opened,
    places: list[tuple[int, int]],
    change: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Change in-situ series and work out again what rests on them."""
    measured = release.targets["soil_moisture_in_situ"]
    for place in places:
        changed = change(measured[place].astype(np.float64))
        measured[place] = changed.round(IN_SITU_DECIMALS)
    clear_missing(release)
    follow_matching(release)


def clear_missing(release: Opened) -> None:
    """Take counts and marks from days without a value."""
    targets = release.targets
    missing = ~np.isfinite(targets["soil_moisture_in_situ"])
    targets["observation_count"][missing] = 0
    targets["is_gapfilled"][missing] = 0


def move_days(release: Opened, places: list[tuple[int, int]], days: np.ndarray) -> None:
    """Give each day of some series what another day has; `days` are their numbers."""
    for name in (*ARRAYS, "observation_count", "is_gapfilled"):
        array = release.targets[name]
        for place in places:
            array[place] = array[place][days]
    follow_matching(release)


def refit(
    release: Opened,
    places: list[tuple[int, int]],
    line: Line,
    reference: np.ndarray | None = None,
) -> None:
    """Give series another line to the reference, and scale with it."""
    targets = release.targets
    if reference is None:
        reference = release.forcing["reanalysis_soil_moisture"]
    for layer, cell in places:
        measured = targets["soil_moisture_in_situ"][layer, cell].astype(np.float64)
        measured[targets["is_gapfilled"][layer, cell] == 1] = np.nan
        if fitted := line(measured, reference[layer, cell].astype(np.float64)):
            targets["scale_slope"][layer, cell] = float(f"{fitted[0]:.12g}")
            targets["scale_offset"][layer, cell] = float(f"{fitted[1]:.12g}")
            targets["overlap_days"][layer, cell] = fitted[2]
    follow_scaled(release)
    follow_features(release)


def fit(measured: np.ndarray, reference: np.ndarray) -> Matching | None:
    found = match_moments(measured, reference, 90, "too short")
    return found if isinstance(found, Matching) else None


def carry_targets(release: Opened) -> None:
    """Carry changed scaled values into features and the report."""
    follow_targets(release)
    follow_features(release)


def change_weather(
    release: Opened,
    name: str,
    cells: np.ndarray | slice,
    change: Callable[[np.ndarray], np.ndarray],
) -> None:
    """Change a forcing variable of some cells and carry it along."""
    values = release.forcing[name].astype(np.float64)
    values[cells] = change(values[cells])
    store(release, name, values)
    follow_forcing(release)


def shift(values: np.ndarray, days: int) -> np.ndarray:
    """Give each day what `days` days earlier had, the ends what is next to them."""
    number = np.clip(np.arange(values.shape[-1]) - days, 0, values.shape[-1] - 1)
    return values[..., number]


def time_of(release: Opened) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(release.forcing["time"])
