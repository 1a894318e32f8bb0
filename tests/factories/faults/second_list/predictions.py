"""Defects of predictions beside a release, with the hash that the manifest lists."""

from __future__ import annotations

import numpy as np

from factories.faults.second_list.folder import Folder, defect

NAME = "predictions_temporal"


def predictions(words: str):
    """Register a defect that edits the predictions of the split in time."""

    def register(edit):
        def apply(folder: Folder) -> None:
            other = edit(folder.get_grid(NAME), folder)
            if other is not None:
                folder.set_grid(NAME, other)

        return defect("predictions", words)(apply)

    return register


def place(grid, rung) -> int:
    """Return where a rung lies."""
    return list(grid["rung"].values).index(rung)


@predictions("all rungs are one day late")
def _(grid, folder):
    values = grid["soil_moisture"].values
    values[...] = np.roll(values, 1, -1)


@predictions("two rungs changed places")
def _(grid, folder):
    names = grid["rung"].values.copy()
    names[[4, 5]] = names[[5, 4]]
    return grid.assign_coords(rung=("rung", names))


@predictions("layers 1 and 2 changed places")
def _(grid, folder):
    values = grid["soil_moisture"].values
    values[:, [0, 1]] = values[:, [1, 0]]


@predictions("two cells changed places")
def _(grid, folder):
    values = grid["soil_moisture"].values
    values[:, :, [0, 20]] = values[:, :, [20, 0]]


@predictions("half of the days are missing")
def _(grid, folder):
    grid["soil_moisture"].values[..., ::2] = np.nan


@predictions("a rung is gone")
def _(grid, folder):
    return grid.drop_isel(rung=4)


@predictions("days are labelled a year early")
def _(grid, folder):
    return grid.assign_coords(time=grid["time"] - np.timedelta64(365, "D"))


@predictions("the reanalysis rung isn't the reanalysis")
def _(grid, folder):
    grid["soil_moisture"].values[place(grid, "reanalysis")] += 0.02


@predictions("the climatology rung is half a year off")
def _(grid, folder):
    values = grid["soil_moisture"].values
    where = place(grid, "climatology")
    values[where] = np.roll(values[where], 182, -1)


@predictions("persistence repeats the day itself")
def _(grid, folder):
    targets = folder.get_grid("targets").sel(cell=grid["cell"], time=grid["time"])
    where = place(grid, "persistence")
    grid["soil_moisture"].values[where] = (
        targets["soil_moisture"].transpose("layer", "cell", "time").values
    )


@predictions("no rung is said to need observations")
def _(grid, folder):
    grid["needs_observations"].values[...] = 0


@predictions("one rung is 0.03 too wet")
def _(grid, folder):
    grid["soil_moisture"].values[place(grid, "ridge_memory")] += 0.03


@predictions("they are of another split")
def _(grid, folder):
    grid.attrs["split"] = "spatial"


@predictions("soil moisture in percent")
def _(grid, folder):
    grid["soil_moisture"].values[...] *= 100
