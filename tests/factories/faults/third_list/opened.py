"""A release folder read into memory, to be changed in place by a defect.

Tables are frames, grids are arrays by name beside their attributes, documents are JSON
or text. Only what was asked for is loaded; the rest of the folder stays as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import zarr

Arrays = dict[str, np.ndarray]
Attributes = dict[str, dict[str, Any]]


@dataclass
class Grid:
    """Arrays by name, their attributes by name, those of the grid under ''."""

    arrays: Arrays
    attributes: Attributes

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def __setitem__(self, name: str, values: np.ndarray) -> None:
        self.arrays[name] = values


@dataclass
class Opened:
    """What of a folder was read so far, by name; defects change it in place."""

    folder: Path
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    grids: dict[str, Grid] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)

    def table(self, name: str) -> pd.DataFrame:
        if name not in self.tables:
            self.tables[name] = pd.read_parquet(self.folder / f"{name}.parquet")
        return self.tables[name]

    def grid(self, name: str) -> Grid:
        if name not in self.grids:
            self.grids[name] = read_grid(self.folder / f"{name}.zarr.zip")
        return self.grids[name]

    def document(self, name: str) -> Any:
        if name not in self.documents:
            text = (self.folder / name).read_text(encoding="utf-8")
            self.documents[name] = json.loads(text)
        return self.documents[name]

    def text(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text that must be there."""
        text = self.texts.get(name, self.text(name))
        if old not in text:
            message = f"{name} has no {old!r}"
            raise LookupError(message)
        self.texts[name] = text.replace(old, new)

    @property
    def manifest(self) -> Any:
        return self.document("MANIFEST.json")

    @property
    def validation(self) -> Any:
        return self.document("validation.json")

    @property
    def targets(self) -> Grid:
        return self.grid("targets")

    @property
    def forcing(self) -> Grid:
        return self.grid("forcing")

    @property
    def features(self) -> Grid:
        return self.grid("features")

    @property
    def cells(self) -> pd.DataFrame:
        return self.table("cells")

    def place(self, cell_id: str) -> int:
        """Return the number of a cell."""
        return list(self.cells["cell_id"]).index(cell_id)

    def region(self, name: str) -> np.ndarray:
        """Return the numbers of a region's cells."""
        return np.flatnonzero((self.cells["region"] == name).to_numpy())

    def split(self, name: str) -> int:
        """Return the number of a split in the features."""
        return [str(each) for each in self.features["split"]].index(name)

    def days(self, start: str, end: str) -> slice:
        """Return the days from start to end, both inside."""
        time = pd.DatetimeIndex(self.forcing["time"])
        first, last = time.get_indexer([pd.Timestamp(start), pd.Timestamp(end)])
        return slice(int(first), int(last) + 1)

    def role_mask(self, split: str, *roles: str) -> np.ndarray:
        """Return where (cell, time) the split has one of the roles."""
        mask = np.zeros(self.forcing["air_temperature"].shape, dtype=bool)
        rows = self.table("splits")
        rows = rows[(rows["split"] == split) & rows["role"].isin(roles)]
        for row in rows.itertuples():
            mask[self.place(row.cell_id), self.days(str(row.start), str(row.end))] = 1
        return mask


def read_grid(path: Path) -> Grid:
    """Read every array of a grid."""
    with zarr.storage.ZipStore(path, mode="r") as store:
        group = zarr.open_group(store, mode="r")
        arrays = {name: np.array(array[...]) for name, array in group.arrays()}
        attributes = {name: dict(array.attrs) for name, array in group.arrays()}
        attributes[""] = dict(group.attrs)
    time = arrays.get("time")
    if time is not None and time.dtype.kind != "M":
        arrays["time"] = _decode_time(time, attributes["time"])
    return Grid(arrays, attributes)


def _decode_time(values: np.ndarray, attributes: dict[str, Any]) -> np.ndarray:
    unit, _, origin = attributes["units"].partition(" since ")
    step = pd.to_timedelta(values, unit={"days": "D", "hours": "h"}.get(unit, unit))
    return (pd.Timestamp(origin.strip()) + step).to_numpy()


Defect = Callable[[Opened], None]
"""Changes an opened release in place."""
