"""What experiments read of a release: targets as measured, weather, cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.release_files import CELLS, FORCING, TARGETS, ReleaseFiles
from somobench.catalog.resolve import Release
from somobench.catalog.split_view import index_cells
from somobench.ladder.problem import Array, Mask
from somobench.ladder.release import open_files
from somobench.schemas.manifest import FeatureSetRecord

ENERGY, WATER = "energy-limited", "water-limited"
REGIMES = (ENERGY, WATER)
READ = (TARGETS, FORCING, CELLS)
MINIMUM_KNOWN = 0.9  # of the cell-days with a target; a rarer input isn't used
REANALYSIS, STORE = "reanalysis", "modelled_water_store"
GAP = 15  # days at each end of a calendar year that no experiment uses


@dataclass(frozen=True, kw_only=True, eq=False)
class World:
    """A release as experiments read it; arrays aren't to be written to.

    Attributes
    ----------
    release : str
    files : mapping of name to sha256, of the files that were read
    layers : (layer,)
    cells : DataFrame by `cell_id`, a row a cell
    time : (day,), datetime64
    measured : (layer, cell, day), m3 m-3
        As measured, unscaled; days filled from other sensors are missing, since filling
        rests on all days of a cell.
    weather : mapping of variable to (cell, day), in its unit
        Those that are known on nine days in ten with a target.
    reanalysis : (layer, cell, day), m3 m-3, or None
    feature_sets, refused : as the release defines them
    left_out : mapping of variable to why it isn't used
    """

    release: str
    files: Mapping[str, str]
    layers: NDArray[np.int8]
    cells: pd.DataFrame
    time: NDArray[np.datetime64]
    measured: Array
    weather: Mapping[str, NDArray[np.float32]]
    reanalysis: Array | None
    feature_sets: Mapping[str, FeatureSetRecord]
    refused: Mapping[str, str]
    left_out: Mapping[str, str]

    def list_untrained(self) -> dict[str, Array]:
        """Return soil moisture that no model here learned, (layer, cell, day).

        That of the reanalysis, m3 m-3, and water stores of process models that came
        with the release, kg m-2, one store for every layer.
        """
        stores = {
            name: np.broadcast_to(values.astype(np.float64), self.measured.shape)
            for name, values in self.weather.items()
            if name.startswith(STORE)
        }
        own = {} if self.reanalysis is None else {REANALYSIS: self.reanalysis}
        return own | stores

    @property
    def log_dryness(self) -> Array:
        """Logarithm of each cell's dryness, (cell,)."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.cells["dryness"].to_numpy("float64")))

    @property
    def regimes(self) -> NDArray[np.object_]:
        """Regime of each cell, (cell,); empty where it isn't known."""
        return np.asarray(self.cells["regime"].astype(str).to_numpy(dtype=object))

    @property
    def halves(self) -> NDArray[np.int8]:
        """Half of each day, (day,): 0 in even calendar years, 1 in odd ones.

        -1 in the first and last 15 days of a year, so that a month lies between days
        of different halves.
        """
        days = pd.DatetimeIndex(self.time)
        left = np.where(days.is_leap_year, 366, 365) - days.day_of_year
        edge = (days.day_of_year <= GAP) | (left < GAP)
        return np.where(edge, -1, days.year % 2).astype(np.int8)


def read_world(release: Release) -> World:
    """Read what experiments need of a release; its files are verified.

    Raises
    ------
    UsageError
        If it has no weather.
    IntegrityError
        If a file isn't the published one.
    """
    manifest = release.manifest
    files = open_files(release)
    targets = files.targets(manifest.layers)
    measured = (
        targets["soil_moisture_in_situ"]
        .where(targets["is_gapfilled"] != 1)
        .transpose("layer", "cell", "time")
        .to_numpy()
        .astype(np.float64)
    )
    kept, left_out = choose_weather(
        files.weather(targets), np.asarray(np.isfinite(measured).any(axis=0))
    )
    return World(
        release=release.id,
        files=list_files(release),
        layers=targets["layer"].to_numpy(),
        cells=index_cells(files.table(CELLS), targets),
        time=targets["time"].to_numpy(),
        measured=measured,
        weather=kept,
        reanalysis=_read_reanalysis(files, targets),
        feature_sets=manifest.feature_sets,
        refused=manifest.feature_sets_refused,
        left_out=left_out,
    )


def list_files(release: Release) -> dict[str, str]:
    """Return the sha256 of each file that the numbers of an experiment depend on."""
    return {name: release.manifest.files[name].sha256 for name in READ}


def choose_weather(
    grid: xr.Dataset, has_target: Mask
) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """Return variables that are known often enough, and why others aren't used.

    Parameters
    ----------
    grid : Dataset, (cell, time)
    has_target : (cell, day)
    """
    kept, left_out = {}, {}
    for name in sorted(map(str, grid.data_vars)):
        values = grid[name].transpose("cell", "time").to_numpy()
        share = float(np.isfinite(values)[has_target].mean()) if has_target.any() else 0
        if share >= MINIMUM_KNOWN:
            kept[name] = values.astype(np.float32)
        else:
            left_out[name] = f"known on {share:.0%} of the cell-days with a target"
    return kept, left_out


def _read_reanalysis(files: ReleaseFiles, targets: xr.Dataset) -> Array | None:
    grid = files.reanalysis()
    if grid is None:
        return None
    chosen = grid.sel(
        layer=targets["layer"], cell=targets["cell"], time=targets["time"]
    )
    return chosen.transpose("layer", "cell", "time").to_numpy().astype(np.float64)
