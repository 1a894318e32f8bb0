"""Predictions of every candidate in every arm, joined over folds and halves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.resolve import resolve
from somobench.experiments.design import Task, find_neighbourhoods
from somobench.experiments.fit import Candidate, fit_task
from somobench.experiments.settings import Settings
from somobench.experiments.world import World, read_world
from somobench.parallel import map_items

FEWEST_TEST_DAYS = 90
FEWEST_CLUSTERS = 10
MODEL_ARM = tuple[str, str]


@dataclass(frozen=True, eq=False)
class Crossfit:
    """What was predicted, and for which series.

    Attributes
    ----------
    target : DataArray, (series, time), m3 m-3
        As measured, on days that either half tests; coordinates layer and cell.
    predictions : by candidate and arm, then repeat: (series, time), float32
    refused : by candidate, why a layer of it can't be fitted
    tasks : tuple of Task
    """

    target: xr.DataArray
    predictions: Mapping[MODEL_ARM, Sequence[NDArray[np.float32]]]
    refused: Mapping[str, str]
    tasks: tuple[Task, ...]

    @property
    def places(self) -> NDArray[np.intp]:
        """Position of each series' cell in the release, (series,)."""
        return np.asarray(self.target["place"].to_numpy(), dtype=np.intp)

    def label(self, values: NDArray[np.float32]) -> xr.DataArray:
        """Return predictions with the labels of the target."""
        return self.target.copy(data=values)


def run_tasks(
    world: World,
    tasks: Sequence[Task],
    candidates: tuple[Candidate, ...],
    settings: Settings,
    processes: int,
) -> Crossfit:
    """Fit every candidate on every training set, and join what they predict.

    Several processes open the release again by its name; the result doesn't depend on
    their number.
    """
    work = partial(_fit, candidates=candidates, settings=settings)
    read = partial(_open, world.release) if processes > 1 else lambda: world
    found = map_items(work, tasks, read, processes)
    target = take_target(world, tasks, settings)
    rows = {
        (layer, cell): row
        for row, (layer, cell) in enumerate(
            zip(target["layer_place"].values, target["place"].values, strict=True)
        )
    }
    repeats = 1 + max(task.repeat for task in tasks)
    joined: dict[MODEL_ARM, list[NDArray[np.float32]]] = {}
    refused: dict[str, str] = {}
    for task, outcomes in zip(tasks, found, strict=True):
        days = world.halves == 1 - task.half
        for name, values in outcomes.items():
            if isinstance(values, str):
                refused.setdefault(name, values)
                continue
            parts = joined.setdefault(
                (name, task.arm),
                [np.full(target.shape, np.nan, np.float32) for _ in range(repeats)],
            )
            for place, cell in enumerate(task.tested):
                row = rows.get((task.layer, cell))
                if row is not None:
                    parts[task.repeat][row, days] = values[place, days]
    fitted = {name for name, _ in joined}
    return Crossfit(
        target,
        joined,
        {name: why for name, why in refused.items() if name not in fitted},
        tuple(tasks),
    )


def _open(release: str) -> World:
    return read_world(resolve(release))


def _fit(
    world: World, task: Task, *, candidates: tuple[Candidate, ...], settings: Settings
) -> dict[str, Any]:
    return fit_task(world, task, candidates, settings)


def take_target(
    world: World, tasks: Sequence[Task], settings: Settings
) -> xr.DataArray:
    """Return the series that are tested, with 90 test days at least, (series, time)."""
    wanted = sorted({(task.layer, cell) for task in tasks for cell in task.tested})
    layer, cell = (np.array(part, dtype=np.intp) for part in zip(*wanted, strict=True))
    values = np.where(world.halves >= 0, world.measured[layer, cell], np.nan)
    enough = np.isfinite(values).sum(axis=1) >= FEWEST_TEST_DAYS
    layer, cell, values = layer[enough], cell[enough], values[enough]
    names = world.cells.index.to_numpy().astype(str)[cell]
    layers = world.layers[layer]
    return xr.DataArray(
        values,
        {
            "series": [f"{a}/{b}" for a, b in zip(layers, names, strict=True)],
            "layer": ("series", layers),
            "cell": ("series", names),
            "layer_place": ("series", layer),
            "place": ("series", cell),
            "cluster": ("series", find_clusters(world, cell, settings)),
            "time": world.time,
        },
        ("series", "time"),
        attrs={"units": "m3 m-3"},
    )


def find_clusters(
    world: World, cells: NDArray[np.intp], settings: Settings
) -> NDArray[np.intp]:
    """Return which cells are drawn together for intervals, (series,).

    Cells of a neighbourhood, since their skill is alike. A release with fewer than ten
    neighbourhoods in a regime draws each cell on its own.
    """
    places = find_neighbourhoods(world, settings.apart_km)[cells]
    regimes = world.regimes[cells]
    counts = [np.unique(places[regimes == each]).size for each in np.unique(regimes)]
    return places if min(counts) >= FEWEST_CLUSTERS else cells
