"""Do 90 % intervals cover the true score in 85 to 95 % of repeated simulations?

    python benchmarks/bench_coverage.py [repetitions] [--seed N] [--csv FILE]

A repetition is a virtual world with new weather and new cells (`coverage_world.py`).
Two fixed models are scored on it, a regression and a biased reanalysis, with the draws,
block length, pools and intervals that published scores have. The true score of a case
is the pooled score's expectation over worlds and cells: the mean over all OTHER
repetitions, so that a repetition never helps to make its own truth. What is found, and
what that means, is in docs/decisions/0009-intervals.md.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import xarray as xr
from coverage_world import TEST, TEST_START, World, simulate

from somobench.scoring.shift_costs import measure_series_losses
from somobench.uncertainty.bootstrap import bootstrap_scores, draw_days
from somobench.uncertainty.pooling import pool_differences, pool_scores
from somobench.uncertainty.pools import label_standard_pools

CELLS = 80  # drawn in a repetition; cases use some of them
METRICS = (
    "pearson_r",
    "anomaly_r",
    "deseasonalised_r",
    "rmse",
    "ubrmse",
    "bias",
    "kge_2009",
)
SHORT = 550  # days, as long as the test period of the virtual release's split
MODELS = ("regression", "reanalysis")
KEY = ["world", "cells", "days", "pool", "of", "metric"]

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Case:
    """Which cells and how many days of a repetition are scored."""

    world: str
    cells: int
    days: int

    def chosen(self, region: npt.NDArray[np.str_]) -> npt.NDArray[np.intp]:
        """Return cells: all, every second, or the first ones of one region."""
        if self.world == "one region":
            return np.flatnonzero(region == "africa")[: self.cells]
        return np.arange(0, region.size, region.size // self.cells)


CASES = tuple(
    Case(world, cells, days)
    for world, cells in (("four regions", 40), ("one region", 12), ("many", CELLS))
    for days in (SHORT, TEST)
)
FIXED = Case("same cells", 40, SHORT)


def _arrays(world: World, case: Case) -> dict[str, xr.DataArray]:
    """Label a repetition's series, test days alone, (layer, cell, time)."""
    cells = case.chosen(world.region)
    coords = {
        "layer": np.array([1, 2, 3], dtype=np.int8),
        "cell": [f"{cell:03d}" for cell in cells],
        "time": pd.date_range(str(TEST_START), periods=case.days),
    }
    dims = ("layer", "cell", "time")
    return {
        name: xr.DataArray(getattr(world, name)[:, cells, : case.days], coords, dims)
        for name in ("target", *MODELS)
    }


def _climatology(world: World, like: xr.DataArray) -> xr.DataArray:
    """Return the climatology of train days, as published splits use."""
    cells = like["cell"].to_numpy().astype(int)
    values = world.climatology[:, cells]
    coords = {
        "layer": like["layer"].to_numpy(),
        "cell": like["cell"].to_numpy(),
        "day_of_year": np.arange(1, 367),
    }
    return xr.DataArray(values, coords, ("layer", "cell", "day_of_year"))


def intervals(world: World, case: Case) -> pd.DataFrame:
    """Return pooled scores and differences of a repetition with their intervals.

    `difference` is that of two medians, `paired` the median of series' differences, as
    shift costs are. Layers of a cell are drawn together in pools over all layers, as in
    published tables. Columns pool, of, metric, value, low, high and block_length.
    """
    arrays = _arrays(world, case)
    target = arrays["target"]
    days = draw_days([arrays[name] for name in MODELS], target)
    climatology = _climatology(world, target)
    ours, theirs = (
        bootstrap_scores(
            arrays[name], target, days=days, metrics=METRICS, climatology=climatology
        )
        for name in MODELS
    )
    cells = target["cell"]
    labels = cells.copy(data=world.region[cells.to_numpy().astype(int)].astype(object))
    pools = label_standard_pools(ours.scores, region=labels)
    parts = []
    for kept, clusters in ((("all", "region"), cells), (("layer",), None)):
        asked = {name: pools[name] for name in kept}
        for name, scored in zip(MODELS, (ours, theirs), strict=True):
            pooled = pool_scores(scored, asked, clusters=clusters)
            parts.append(_rows(pooled, name, ("score", "lower", "upper")))
        pooled = pool_differences(ours, theirs, asked, clusters=clusters)
        what = "difference"
        parts.append(_rows(pooled, what, (what, f"{what}_lower", f"{what}_upper")))
        pooled = pool_scores(
            measure_series_losses(theirs, ours), asked, clusters=clusters
        )
        parts.append(_rows(pooled, "paired", ("score", "lower", "upper")))
    return pd.concat(parts).assign(block_length=days.length)


def _rows(pooled: xr.Dataset, of: str, names: tuple[str, str, str]) -> pd.DataFrame:
    frame = pooled[list(names)].to_dataframe().reset_index()
    frame = frame.rename(
        columns=dict(zip(names, ("value", "low", "high"), strict=True))
    )
    return frame.assign(of=of)[["group", "of", "metric", "value", "low", "high"]]


def run(numbers: range, seed: int) -> Iterator[pd.DataFrame]:
    """Score every case of every repetition."""
    new = simulate(numbers, CELLS, seed)
    same = simulate(numbers, FIXED.cells, seed, same_cells=True)
    for number, world, known in zip(numbers, new, same, strict=True):
        for case in CASES:
            yield _placed(intervals(world, case), case, number)
        yield _placed(intervals(known, FIXED), FIXED, number)


def _placed(frame: pd.DataFrame, case: Case, number: int) -> pd.DataFrame:
    frame = frame.rename(columns={"group": "pool"})
    return frame.assign(
        repetition=number, world=case.world, cells=case.cells, days=case.days
    )


def judge(rows: pd.DataFrame) -> pd.DataFrame:
    """Add each row's truth, the mean over the other repetitions, and what it covers."""
    groups = rows.groupby(KEY)["value"]
    total, count = groups.transform("sum"), groups.transform("count")
    truth = (total - rows["value"]) / (count - 1)
    covered = (rows["low"] <= truth) & (truth <= rows["high"])
    return rows.assign(
        truth=truth,
        covered=covered,
        above=truth > rows["high"],
        below=truth < rows["low"],
        count=count,
    )


def _per_cent(judged: pd.DataFrame, over: list[str]) -> pd.DataFrame:
    table = judged.pivot_table("covered", over, "metric", "mean", sort=False)
    table = (100.0 * table[list(METRICS)]).round(1)
    return table.assign(block=judged.groupby(over, sort=False)["block_length"].median())


def report(rows: pd.DataFrame) -> None:
    """Print coverage of the main pools, and what falls out of 85 to 95 %."""
    judged = judge(rows)
    repetitions = rows["repetition"].nunique()
    noise = 100.0 * np.sqrt(0.9 * 0.1 / repetitions)
    print(f"{repetitions} repetitions: one standard error is {noise:.1f} per cent")
    over = ["world", "days", "pool", "of"]
    main = judged[~judged["pool"].str.startswith("region")]
    print(_per_cent(main, over).to_string())
    print("\nmean over regions, all layers")
    one = judged[judged["pool"].str.startswith("region=") & (judged["world"] != "many")]
    print(_per_cent(one, ["world", "days", "of"]).to_string())
    share = main.groupby(KEY)["covered"].mean()
    inside = share.between(0.85, 0.95)
    print(f"\n{inside.sum()} of {inside.size} coverages lie in 85 to 95 %;")
    print(f"{(share < 0.85).sum()} below, {(share > 0.95).sum()} above;")
    print(
        f"misses above {judged['above'].mean():.3f}, below {judged['below'].mean():.3f}"
    )
    _report_long(judged)


def _report_long(judged: pd.DataFrame) -> None:
    """Print how often short test periods cover the expectation of long ones."""
    plain = judged[(judged["pool"] == "all") & (judged["world"] != FIXED.world)]
    keys = ["world", "of", "metric"]
    long = plain[plain["days"] == TEST].groupby(keys)["value"].mean()
    short = plain[plain["days"] == SHORT].join(long.rename("long"), on=keys)
    inside = (short["low"] <= short["long"]) & (short["long"] <= short["high"])
    print(f"\nintervals of {SHORT} days that cover the expectation of {TEST} days")
    print(_per_cent(short.assign(covered=inside), ["world", "of"]).to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("repetitions", nargs="?", type=int, default=200)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--first", type=int, default=0, help="a multiple of 5")
    parser.add_argument("--csv", type=Path)
    given = parser.parse_args()
    start = time.process_time()
    numbers = range(given.first, given.repetitions)
    rows = pd.concat(run(numbers, given.seed), ignore_index=True)
    report(rows)
    print(f"\n{time.process_time() - start:.0f} s of CPU")
    if given.csv is not None:
        rows.to_csv(given.csv, index=False)


if __name__ == "__main__":
    main()
