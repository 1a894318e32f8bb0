"""Score one submission with 500 bootstrap draws and all pools: seconds, peak memory.

    python benchmarks/harness.py bench_scoring

1,500 cells x 8,000 days, 30 % missing: block length, draws, 28 metrics, replicates of
all, 39 groups of cells. The aim is 5 s and 1.5 GB on two cores.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from harness import CELLS, DAYS, Arrays, Race

from somobench.uncertainty.bootstrap import bootstrap_scores, draw_days
from somobench.uncertainty.pooling import pool_scores
from somobench.uncertainty.pools import label_standard_pools

NETWORKS, REGIONS = 25, 6


def _persistent(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    noise = rng.standard_normal(shape, dtype=np.float32)
    for day in range(1, shape[1]):
        noise[:, day] = 0.95 * noise[:, day - 1] + 0.31 * noise[:, day]
    return noise


def make_case(
    cells: int = CELLS, days: int = DAYS
) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
    """Return a target and two predictions."""
    rng = np.random.default_rng(1)
    signal = _persistent(rng, (cells, days))
    coords = {
        "cell": [f"{number:05d}" for number in range(cells)],
        "time": pd.date_range("2001-01-01", periods=days),
    }
    series = []
    for share in (0.3, 0.4, 0.5):
        values = 0.25 + 0.04 * (signal + share * _persistent(rng, (cells, days)))
        series.append(xr.DataArray(values, coords, ("cell", "time")))
    target = series[0].where(rng.random((cells, days), dtype=np.float32) > 0.3)
    return target.astype(np.float32), series[1], series[2]


def _labels(target: xr.DataArray, prefix: str, groups: int) -> xr.DataArray:
    cells = target["cell"]
    numbers = np.arange(cells.size) * 7919 % groups
    return cells.copy(data=np.array([f"{prefix}{n}" for n in numbers], dtype=object))


def score_ours(case: tuple[xr.DataArray, xr.DataArray, xr.DataArray]) -> Arrays:
    """Score a submission beside one rung, with draws and pools."""
    target, ours, theirs = case
    cells, days = target.shape
    train = xr.DataArray(
        np.arange(days) < days // 2, {"time": target["time"]}, ("time",)
    )
    drawn = draw_days([ours, theirs], target)
    scored = bootstrap_scores(ours, target, days=drawn, train=train)
    pools = label_standard_pools(
        scored.scores,
        region=_labels(target, "region ", REGIONS),
        regime=_labels(target, "regime ", 2),
        network=_labels(target, "network ", NETWORKS),
        valid_days=np.isfinite(target).sum("time"),
        station_count=target["cell"].copy(data=np.arange(cells) % 4 + 1),
    )
    pooled = pool_scores(scored, pools)
    return {name: pooled[name].to_numpy() for name in ("score", "lower", "upper")}


RACES = {
    "bootstrap": Race(
        "28 metrics, 500 draws, 39 groups, 1,500 x 8,000",
        make_case,
        {"ours": score_ours},
        {"ours": 5.0},
    )
}
