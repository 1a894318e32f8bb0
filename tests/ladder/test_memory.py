"""What the ladder holds: the series of its cells, and no table of all their days."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.problems import NAMES, make_inputs, make_recipe
from factories.two_layers import LENGTH
from somobench.ladder import pooled, problem, simulation
from somobench.ladder.climb import climb, join_predictions
from somobench.ladder.rungs import RUNGS
from somobench.pipelines.baselines import Inputs, build_split_problem
from somobench.schemas.recipe import Recipe

LAYERS, TEST_SHARE = 2, 200 / LENGTH
FLOAT, DOUBLE, NUMBER = 4, 8, 8  # bytes
SERIES = 4  # train, validation and all targets, climatology: as files have them
HELD = SERIES * FLOAT * LAYERS + 1  # and a role
RUNG = (DOUBLE + FLOAT) * LAYERS  # what it predicts, before and after it is rounded
ONE_LAYER = 2 * DOUBLE + NUMBER  # two series in double, and numbers of rows
LADDER = FLOAT * LAYERS * len(RUNGS) * TEST_SHARE  # what rungs before it predicted
BYTES_A_DAY = HELD + RUNG + ONE_LAYER + LADDER  # 99, of each cell
"""The table of a rung's inputs would take 320: 8 for each of 40 columns."""


def repeat_cells(inputs: Inputs, times: int) -> Inputs:
    """Repeat every cell under other names."""

    def rename(name: str, number: int) -> str:
        return f"{name}_{number}"

    def repeat_grid(grid: xr.Dataset) -> xr.Dataset:
        parts = [
            grid.assign_coords(cell=[rename(name, n) for name in grid["cell"].values])
            for n in range(times)
        ]
        return xr.concat(parts, "cell", data_vars="minimal", coords="minimal")

    def repeat_table(table: pd.DataFrame) -> pd.DataFrame:
        parts = [
            table.assign(cell_id=[rename(name, n) for name in table["cell_id"]])
            for n in range(times)
        ]
        return pd.concat(parts, ignore_index=True)

    return inputs._replace(
        targets=repeat_grid(inputs.targets),
        forcing=repeat_grid(inputs.forcing),
        features=repeat_grid(inputs.features),
        splits=repeat_table(inputs.splits),
        cells=repeat_table(inputs.cells),
    )


def climb_all(inputs: Inputs, recipe: Recipe) -> None:
    made = build_split_problem("temporal", inputs, recipe)
    join_predictions(climb(made), made, inputs.targets)


def measure_peak(inputs: Inputs, recipe: Recipe) -> int:
    """Return the most bytes that a split takes beside its inputs."""
    tracemalloc.start()
    climb_all(inputs, recipe)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.slow
def test_memory_grows_with_series_and_not_with_tables(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pooled, "ROWS_AT_ONCE", 1_000)
    monkeypatch.setattr(problem, "CELLS_AT_ONCE", len(NAMES))
    monkeypatch.setattr(simulation, "VALUES_AT_ONCE", 100_000)
    recipe = make_recipe(maximum_values=1_000)
    inputs = make_inputs(rng, recipe)
    few, many = 2, 6
    climb_all(inputs, recipe)  # what is imported on the way isn't measured
    peaks = [measure_peak(repeat_cells(inputs, times), recipe) for times in (few, many)]
    grown = (peaks[1] - peaks[0]) / ((many - few) * len(NAMES) * LENGTH)
    assert grown < BYTES_A_DAY
