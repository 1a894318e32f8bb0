"""Do intervals of a pooled score cover, when every fold has a model of its own?

    python benchmarks/bench_folds.py [repetitions] [--seed N] [--first N --csv FILE]

A repetition is a small world with new cells and new weather. A linear model is trained
once a fold on the cells of the other folds, and predicts its own; the pooled score is
the median Pearson r over cells, with the interval that published scores have. The true
score is that of the way to train: the mean of pooled scores over all OTHER repetitions,
whose training cells are others too. Beside it stand the score of one fold alone, and
the difference to a model with fewer inputs. What is found is in
docs/decisions/0019-folds-as-one-score.md.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from somobench.uncertainty.bootstrap import (
    BootstrappedScores,
    bootstrap_scores,
    draw_days,
)
from somobench.uncertainty.pooling import pool_differences, pool_scores

FOLDS = 5
MEMORY = 0.95  # day-to-day correlation of soil and of what models don't know
RIDGE = 1.0  # penalty, in cells' days


class Case(NamedTuple):
    """A kind of world: cells, days, attributes that models read, and what is shared.

    `alike` is the share of a cell's character, and of its weather and errors, that it
    has in common with the three cells of its block; whole blocks are held out.
    """

    name: str
    cells: int
    days: int
    attributes: int
    alike: float


CASES = (
    Case("many cells, two attributes", 40, 730, 2, 0.0),
    Case("many cells, eight attributes", 40, 730, 8, 0.0),
    Case("neighbours alike, two attributes", 40, 730, 2, 0.7),
    Case("neighbours alike, eight attributes", 40, 730, 8, 0.7),
    Case("few cells, two attributes", 15, 730, 2, 0.0),
)

Floats = NDArray[np.float64]


class World(NamedTuple):
    """Inputs (cell, day, input), target (cell, day) and the fold of each cell."""

    inputs: Floats
    target: Floats
    fold: NDArray[np.intp]


def simulate(case: Case, rng: np.random.Generator) -> World:
    """Return new cells under new weather."""
    blocks = np.arange(case.cells) // 3
    count = blocks[-1] + 1

    def draw(*shape: int) -> Floats:
        shared = rng.standard_normal((count, *shape))[blocks]
        own = rng.standard_normal((case.cells, *shape))
        return np.sqrt(case.alike) * shared + np.sqrt(1 - case.alike) * own

    def remember(steps: Floats) -> Floats:
        values = steps.copy()
        for day in range(1, case.days):
            values[:, day] = MEMORY * values[:, day - 1]
            values[:, day] += np.sqrt(1 - MEMORY**2) * steps[:, day]
        return values

    common = rng.standard_normal((1, case.days, 2))  # weather of the region
    weather = [
        remember(np.sqrt(0.5) * common[..., k] + np.sqrt(0.5) * draw(case.days))
        for k in (0, 1)
    ]
    known, hidden = draw(case.attributes), draw(1)[:, 0]
    answer = 0.6 * known[:, 0] + 0.5 * hidden  # how a cell answers the weather
    signal = (1 + 0.5 * answer)[:, None] * weather[0]
    signal = signal + (0.7 - 0.5 * answer)[:, None] * weather[1]
    noise = np.exp(0.3 * draw(1))[:, 0][:, None] * remember(draw(case.days))
    columns = [*weather]
    columns += [w * known[:, [k]] for w in weather for k in range(case.attributes)]
    fold = rng.permutation(count)[blocks] % FOLDS
    return World(np.stack(columns, axis=-1), signal + noise, fold)


def predict_folds(world: World, inputs: int) -> Floats:
    """Return what each fold's model predicts of its own cells, (cell, day)."""
    known = world.inputs[..., :inputs]
    predicted = np.empty_like(world.target)
    for fold in range(FOLDS):
        train = world.fold != fold
        rows = known[train].reshape(-1, inputs)
        square = rows.T @ rows + RIDGE * np.eye(inputs)
        weights = np.linalg.solve(square, rows.T @ world.target[train].ravel())
        predicted[~train] = known[~train] @ weights
    return predicted


def bound(world: World, case: Case) -> list[dict[str, object]]:
    """Return pooled scores of a world with their intervals."""
    cells = [f"{cell:03d}" for cell in range(case.cells)]
    time_axis = pd.date_range("2001-01-01", periods=case.days)
    coords = {"cell": cells, "time": time_axis}
    target = xr.DataArray(world.target, coords, ("cell", "time"))
    models = [
        target.copy(data=predict_folds(world, count))
        for count in (world.inputs.shape[-1], 2)
    ]
    days = draw_days(models, target)
    ours, theirs = (
        bootstrap_scores(model, target, days=days, metrics=["pearson_r"])
        for model in models
    )
    labels = xr.DataArray(["all"] * case.cells, {"cell": cells}, ("cell",))
    one = labels.copy(data=np.where(world.fold == 0, "0", "").astype(object))
    pools = {"all": labels.astype(object), "fold": one}
    return [
        *_list_rows(pool_scores(ours, pools), "score", ("score", "lower", "upper")),
        *_list_differences(ours, theirs, {"all": pools["all"]}),
    ]


def _list_differences(
    ours: BootstrappedScores,
    theirs: BootstrappedScores,
    pools: dict[str, xr.DataArray],
) -> list[dict[str, object]]:
    names = ("difference", "difference_lower", "difference_upper")
    return _list_rows(pool_differences(ours, theirs, pools), "difference", names)


def _list_rows(
    pooled: xr.Dataset, of: str, names: tuple[str, str, str]
) -> list[dict[str, object]]:
    found = pooled.sel(metric="pearson_r")
    return [
        {"of": of, "pool": str(pool)}
        | dict(
            zip(
                ("value", "low", "high"),
                (float(found[name].to_numpy()[place]) for name in names),
                strict=True,
            )
        )
        for place, pool in enumerate(found["pool"].to_numpy().astype(str).tolist())
    ]


def main() -> None:
    """Run the repetitions and print what is covered."""
    parser = argparse.ArgumentParser()
    parser.add_argument("repetitions", type=int, nargs="?", default=200)
    parser.add_argument("--seed", type=int, default=29)
    parser.add_argument("--first", type=int, default=0, help="of a part of a run")
    parser.add_argument("--csv", type=Path, help="holds earlier parts, and gets this")
    options = parser.parse_args()
    started = time.process_time()
    numbers = range(options.first, options.first + options.repetitions)
    rows = []
    for place, case in enumerate(CASES):
        for number in numbers:
            rng = np.random.default_rng([options.seed, place, number])
            rows += [
                row | {"case": case.name} for row in bound(simulate(case, rng), case)
            ]
    table = pd.DataFrame(rows)
    if options.csv is not None:
        earlier = [pd.read_csv(options.csv)] if options.csv.exists() else []
        table = pd.concat([*earlier, table], ignore_index=True)
        table.to_csv(options.csv, index=False)
    key = ["case", "of", "pool"]
    groups = table.groupby(key, sort=False)["value"]
    total, count = groups.transform("sum"), groups.transform("count")
    table["truth"] = (total - table["value"]) / (count - 1)
    table["covered"] = table["truth"].between(table["low"], table["high"])
    table["width"] = table["high"] - table["low"]
    shown = table.groupby(key, sort=False).agg(
        covered=("covered", "mean"),
        truth=("truth", "mean"),
        spread=("value", "std"),
        width=("width", "median"),
    )
    # An exact 90 % interval of a normal score is 3.29 standard deviations wide.
    shown["width_wanted"] = 3.29 * shown["spread"]
    print(shown.round(3).to_string())
    print(f"{time.process_time() - started:.0f} s of CPU")


if __name__ == "__main__":
    main()
