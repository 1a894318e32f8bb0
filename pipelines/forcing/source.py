"""What a forcing source gives: daily meteorology of cells, and what it left out.

A source reads, aggregates and places on cells. What is stored, checked and counted
is decided after it, so that every source passes through the same rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.pipelines.adapters import make_adapter
from somobench.schemas.recipe import Recipe

FORCING_SOURCES: Mapping[str, str] = {
    "era5": "somobench.pipelines.forcing.era5:Era5Source",
    "points": "somobench.pipelines.forcing.points:PointMeteorology",
    "site_reanalysis": "somobench.pipelines.forcing.station:SiteReanalysis",
    "station": "somobench.pipelines.forcing.station:StationMeteorology",
}


@dataclass(frozen=True)
class ForcingRequest:
    """What a source is asked for.

    `cells` has columns cell_id, latitude and longitude, sorted by cell_id.
    `reference_inputs` is empty where `inputs` carry the reference too.
    """

    recipe: Recipe
    cells: pd.DataFrame
    inputs: tuple[Path, ...]
    reference_inputs: tuple[Path, ...] = ()
    processes: int = 1
    """At once, where the source can; the result doesn't depend on it."""

    @property
    def days(self) -> NDArray[np.datetime64]:
        """Every day of the recipe's period, datetime64[D]."""
        period = self.recipe.period
        return np.arange(
            np.datetime64(period.start, "D"), np.datetime64(period.end, "D") + 1
        )


@dataclass(frozen=True)
class DailyForcing:
    """Daily meteorology on all cells asked for.

    `dataset` holds the recipe's forcing variables, (cell, time), in the units of the
    vocabulary, quantised; where the recipe has a reference also
    `reanalysis_soil_moisture`, (layer, cell, time). Cells in `dropped` have no data
    and are left out later; a missing day of another cell is refused later.
    """

    dataset: xr.Dataset
    node_count: NDArray[np.int8]
    """By cell: nodes averaged, 0 where the source already is on cells."""
    dropped: Mapping[str, str]
    """Cell to the reason why nothing could be given."""
    report: dict[str, Any] = field(default_factory=dict)
    """How it was made, for `forcing.json`."""


class ForcingSource(Protocol):
    """A reader of one kind of meteorology."""

    def daily(self, request: ForcingRequest) -> DailyForcing:
        """Give the whole period on the cells asked for."""
        ...


def find_forcing_source(name: str) -> ForcingSource:
    """Find a forcing source by its name in the recipe.

    Raises
    ------
    UnknownNameError
        If there is no such source.
    """
    return cast(ForcingSource, make_adapter("forcing source", name, FORCING_SOURCES))
