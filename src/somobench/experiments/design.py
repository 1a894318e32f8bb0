"""Which cells train and which are tested, drawn so that arms differ in one thing.

Whole neighbourhoods are held out, so that no cell trains for one beside it. Every arm
of a layer trains on as many cells, and every cell gives as many days. Training days and
test days lie in different halves of the record, and both halves are tested in turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.experiments.settings import Settings
from somobench.experiments.world import World
from somobench.ladder.problem import Array
from somobench.schemas.errors import UsageError

EARTH_RADIUS = 6371.0  # km
FEWEST_DAYS = 120  # training values of a cell and layer in each half
FEWEST_CELLS = 4  # of an arm: two of each regime where it has both
TRIES = 50  # assignments of folds, of which the most even one is taken
VALIDATION_SHARE = 0.25

Cells = NDArray[np.intp]
Groups = NDArray[np.object_]


class Layer(NamedTuple):
    """A layer that an experiment can be done on.

    `place` is its position in the release, `days` the training values of a cell in each
    half, `able` the cells that have as many, and `cells` the training cells of an arm.
    """

    place: int
    days: int
    able: Cells
    cells: int


class Fold(NamedTuple):
    """A part of the cells, held out once; `able` are those that may train for it."""

    repeat: int
    number: int
    tested: Cells
    able: Cells


class Task(NamedTuple):
    """One training set and what it predicts: other cells, in the other half of days."""

    layer: int
    repeat: int
    fold: int
    half: int
    arm: str
    train: tuple[int, ...]
    validation: tuple[int, ...]
    tested: tuple[int, ...]
    days: int


Arms = Callable[[World, Fold, int, np.random.Generator], Mapping[str, Cells]]
"""Draws the cells of every arm for a fold, of the number of cells that is given."""


def measure_distances(latitude: Array, longitude: Array) -> Array:
    """Return great-circle distances, (cell, cell), km, from degrees."""
    north, east = np.radians(latitude), np.radians(longitude)
    half = np.sin((north[:, None] - north) / 2) ** 2
    half += (
        np.cos(north[:, None]) * np.cos(north) * np.sin((east[:, None] - east) / 2) ** 2
    )
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def find_neighbourhoods(world: World, apart_km: float) -> NDArray[np.intp]:
    """Return the number of each cell's neighbourhood, (cell,).

    Cells nearer than `apart_km` belong to one, and so do those that a chain of such
    cells joins.
    """
    places = world.cells[["latitude", "longitude"]].to_numpy("float64")
    near = measure_distances(places[:, 0], places[:, 1]) < apart_km
    labels = np.arange(len(places))
    while True:
        lowest = np.where(near, labels, len(labels)).min(axis=1)
        if (lowest == labels).all():
            return labels
        labels = np.minimum(labels, lowest)


def count_values(world: World, place: int) -> NDArray[np.int64]:
    """Count the target values of each cell in each half, (half, cell)."""
    known = np.isfinite(world.measured[place])
    return np.stack([known[:, world.halves == half].sum(axis=1) for half in (0, 1)])


def draw_folds(
    world: World, layer: Layer, settings: Settings, repeat: int, regimes: Groups
) -> list[Fold]:
    """Assign neighbourhoods to folds, as evenly as a number of tries gives.

    Parameters
    ----------
    regimes : (cell,)
        Groups of cells that all have to be left in training, whichever fold is tested.
    """
    places = find_neighbourhoods(world, settings.apart_km)
    names = np.unique(places)
    count = min(settings.folds, names.size)
    rng = np.random.default_rng([settings.seed, layer.place, repeat, 0])
    best, most = np.zeros(len(places), dtype=np.intp), -1
    for _ in range(TRIES):
        order = rng.permutation(names.size) % count
        fold = order[np.searchsorted(names, places)]
        left = [
            int(((fold[layer.able] != number) & (regimes[layer.able] == group)).sum())
            for number in range(count)
            for group in np.unique(regimes[layer.able])
        ]
        if min(left) > most:
            best, most = fold, min(left)
    return [
        Fold(repeat, number, np.flatnonzero(best == number), layer.able[out])
        for number in range(count)
        for out in [best[layer.able] != number]
    ]


def plan_layers(
    world: World, settings: Settings, regimes: Groups, groups: int
) -> tuple[list[Layer], dict[str, str]]:
    """Return the layers that carry an experiment, and why others don't.

    Parameters
    ----------
    regimes : (cell,)
        Groups of which each has to give an arm its cells.
    groups : int
        Groups that are needed.
    """
    chosen, refused = [], {}
    for place, name in enumerate(world.layers.tolist()):
        smaller = count_values(world, place).min(axis=0)
        enough = smaller[smaller >= FEWEST_DAYS]
        if not enough.size:
            refused[f"layer {name}"] = (
                f"no cell with {FEWEST_DAYS} values in even years and in odd ones"
            )
            continue
        days = min(int(np.percentile(enough, 20)), settings.most_days)
        able = np.flatnonzero((smaller >= days) & (regimes != ""))
        layer = Layer(place, days, able, 0)
        cells = _count_cells(world, layer, settings, regimes, groups)
        if cells < FEWEST_CELLS:
            refused[f"layer {name}"] = (
                f"{max(cells, 0)} training cells of a kind are left when a fold is held"
                f" out, {FEWEST_CELLS} needed"
            )
            continue
        chosen.append(layer._replace(cells=cells))
    return chosen, refused


def _count_cells(
    world: World, layer: Layer, settings: Settings, regimes: Groups, groups: int
) -> int:
    """Count the training cells that every group has in every fold; even, at most so."""
    if np.unique(regimes[layer.able]).size < groups:
        return 0
    least = settings.most_cells
    for repeat in range(settings.repeats):
        folds = draw_folds(world, layer, settings, repeat, regimes)
        if len(folds) < 2:  # noqa: PLR2004 - one would leave no cell to train on
            return 0
        for fold in folds:
            kinds = regimes[fold.able]
            counts = [
                int((kinds == kind).sum()) for kind in np.unique(regimes[layer.able])
            ]
            least = min(least, *counts)
    return least - least % 2


def list_tasks(
    world: World,
    layers: list[Layer],
    settings: Settings,
    regimes: Groups,
    arms: Arms,
) -> Iterator[Task]:
    """Yield every training set of every arm, and what it predicts."""
    for layer in layers:
        has_target = np.isfinite(world.measured[layer.place]).any(axis=1)
        for repeat in range(settings.repeats):
            for fold in draw_folds(world, layer, settings, repeat, regimes):
                rng = np.random.default_rng(
                    [settings.seed, layer.place, repeat, 1 + fold.number]
                )
                tested = fold.tested[
                    has_target[fold.tested] & (regimes[fold.tested] != "")
                ]
                if not tested.size:
                    continue
                for drawn in arms(world, fold, layer.cells, rng).items():
                    for half in (0, 1):
                        yield _make_task(layer, fold, half, drawn, tested)


def _make_task(
    layer: Layer, fold: Fold, half: int, drawn: tuple[str, Cells], tested: Cells
) -> Task:
    arm, cells = drawn
    share = round(VALIDATION_SHARE * cells.size)
    return Task(
        layer=layer.place,
        repeat=fold.repeat,
        fold=fold.number,
        half=half,
        arm=arm,
        train=tuple(cells[share:].tolist()),
        validation=tuple(cells[:share].tolist()),
        tested=tuple(tested.tolist()),
        days=layer.days,
    )


def refuse_unable(
    experiment: str, world: World, layers: list[Layer], refused: Mapping[str, str]
) -> None:
    """Refuse a release of which no layer carries an experiment.

    Raises
    ------
    UsageError
        With the reason of each layer.
    """
    if not layers:
        raise UsageError(
            f"experiment {experiment} on release {world.release}",
            found="; ".join(f"{name}: {why}" for name, why in refused.items()),
            expected="cells of both regimes, away from each other, with two years",
            hint="somobench info lists the cells and regimes of a release",
        )
