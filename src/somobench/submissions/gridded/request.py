"""What a release wants of a model's grid, and how it is to be taken there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.gridded_options import GriddedOptions


@dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """Cells, layers and days that a release has.

    Attributes
    ----------
    cells : (N,) ids
    latitude, longitude : (N,), degrees
    layers : mapping of layer to its depths, m
    days : first and last one
    resolution : degrees
    options : GriddedOptions
    """

    cells: tuple[str, ...]
    latitude: NDArray[np.float64]
    longitude: NDArray[np.float64]
    layers: dict[int, tuple[float, float]]
    days: tuple[np.datetime64, np.datetime64]
    resolution: float
    options: GriddedOptions

    def list_days(self) -> NDArray[np.datetime64]:
        """Return all days from the first to the last."""
        first, last = (day.astype("datetime64[D]") for day in self.days)
        return np.arange(first, last + 1)

    def to_json(self) -> str:
        """Write what another process needs."""
        return json.dumps(
            {
                "cells": list(self.cells),
                "latitude": self.latitude.tolist(),
                "longitude": self.longitude.tolist(),
                "layers": {str(key): value for key, value in self.layers.items()},
                "days": [str(day.astype("datetime64[D]")) for day in self.days],
                "resolution": self.resolution,
                "options": asdict(self.options),
            }
        )


def parse_wanted(text: str) -> Wanted:
    """Read what `Wanted.to_json` wrote."""
    said: dict[str, Any] = json.loads(text)
    options = said["options"] | {"variables": tuple(said["options"]["variables"])}
    first, last = (np.datetime64(day) for day in said["days"])
    return Wanted(
        cells=tuple(said["cells"]),
        latitude=np.asarray(said["latitude"], np.float64),
        longitude=np.asarray(said["longitude"], np.float64),
        layers={
            int(key): cast(tuple[float, float], tuple(value))
            for key, value in said["layers"].items()
        },
        days=(first, last),
        resolution=said["resolution"],
        options=GriddedOptions(**options),
    )
