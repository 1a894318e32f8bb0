"""How a user is harmed by what a defect changed: the measure of this list."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from factories.faults.third_list.opened import Grid, Opened

SOIL_MOISTURE = 0.01  # m3 m-3, what probes are good for
TEMPERATURE = 0.5  # K
RAIN_IN_A_DAY = 1.0  # mm
RAIN_IN_TOTAL = 0.1
SHARE_OF_DEVIATION = 0.05
A_TENTH_OF_A_CELL = 0.025  # degrees
ROUNDING = 1e-4  # of published scores; others are rounded more finely
ACCURACIES = {
    "soil_moisture": SOIL_MOISTURE,
    "soil_moisture_in_situ": SOIL_MOISTURE,
    "reanalysis_soil_moisture": SOIL_MOISTURE,
    "climatology": SOIL_MOISTURE,
    "air_temperature": TEMPERATURE,
    "skin_temperature": TEMPERATURE,
    "latitude": A_TENTH_OF_A_CELL,
    "longitude": A_TENTH_OF_A_CELL,
}
GRIDS = ("targets", "forcing", "features")
TABLES = ("cells", "stations", "splits", "scores", "shift_costs")


def find_harm(changed: Opened, folder: Path, part: str) -> list[str]:
    """Return what of a part moved by more than the accuracy of its measurement."""
    before = Opened(folder)
    if part in GRIDS:
        return [*_compare_grids(before.grid(part), changed.grid(part))]
    if part in TABLES:
        return [*_compare_tables(before.table(part), changed.table(part))]
    names = [it for it, text in changed.texts.items() if text != before.text(it)]
    documents = changed.documents.items()
    return names + [it for it, content in documents if content != before.document(it)]


def _compare_grids(before: Grid, after: Grid) -> Iterator[str]:
    if before.attributes != after.attributes:
        yield "attributes"
    for name, old in before.arrays.items():
        new = after[name]
        if old.dtype.kind != "f":
            if (moved := old != new).any():
                yield f"{name}: {int(moved.sum())} differ"
            continue
        if (entered := np.isfinite(old) != np.isfinite(new)).any():
            yield f"{name}: {int(entered.sum())} days or values enter or leave"
        yield from _compare_values(name, old.astype(np.float64), new)


def _compare_values(name: str, old: np.ndarray, new: np.ndarray) -> Iterator[str]:
    difference = np.nan_to_num(np.abs(new - old))
    if name.startswith("normalisation"):
        # (split, variable): a mean or deviation of each, in its own unit.
        scale = SHARE_OF_DEVIATION * old.mean(axis=0)
        if name.endswith("mean"):
            scale = 0.01 * np.abs(old.mean(axis=0))
        if (difference > scale).any():
            yield f"{name}: by up to {(difference / scale).max():.3g} of its accuracy"
    elif name == "precipitation":
        total = np.abs(new.sum(axis=1) / old.sum(axis=1) - 1).max()
        if difference.max() > RAIN_IN_A_DAY or total > RAIN_IN_TOTAL:
            yield f"{name}: {difference.max():.3g} mm in a day, {total:.3g} of a total"
    else:
        allowed = ACCURACIES.get(name, SHARE_OF_DEVIATION * np.nanstd(old))
        if difference.max() > allowed:
            yield f"{name}: by up to {difference.max():.3g}, {allowed:.3g} is accurate"


def _compare_tables(before: pd.DataFrame, after: pd.DataFrame) -> Iterator[str]:
    if len(before) != len(after):
        yield f"{len(after) - len(before)} rows"
        return
    for name in before:
        old, new = before[name], after[name]
        if pd.api.types.is_float_dtype(old):
            difference = float((new - old).abs().max())
            if difference > ACCURACIES.get(str(name), ROUNDING):
                yield f"{name}: by up to {difference:.3g}"
        elif moved := int((old.astype(str) != new.astype(str)).sum()):
            yield f"{name}: {moved} differ"
