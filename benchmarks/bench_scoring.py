"""Score one submission with 500 bootstrap draws and all pools: seconds, peak memory.

    python benchmarks/bench_scoring.py [cells] [days]

The target record (30 % missing) is 1,500 cells x 8,000 days by default; the goal is
30 s and 1.5 GB on two cores.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from somobench.uncertainty.bootstrap import bootstrap_scores, draw_days
from somobench.uncertainty.pooling import pool_differences, pool_scores
from somobench.uncertainty.pools import label_standard_pools

NETWORKS, REGIONS = 25, 6


def _persistent(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    noise = rng.standard_normal(shape, dtype=np.float32)
    for day in range(1, shape[1]):
        noise[:, day] = 0.95 * noise[:, day - 1] + 0.31 * noise[:, day]
    return noise


def _case(cells: int, days: int) -> tuple[xr.DataArray, xr.DataArray, xr.DataArray]:
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


def _timed(what: str, action: Callable[[], Any]) -> Any:
    start, busy = time.perf_counter(), time.process_time()
    result = action()
    wall, busy = time.perf_counter() - start, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{what:42s} {wall:7.2f} s  CPU {busy:6.2f} s  peak {peak:5.2f} GB")
    return result


def main() -> None:
    cells, days = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (1500, 8000)
    target, ours, theirs = _timed("making the case", lambda: _case(cells, days))
    train = xr.DataArray(
        np.arange(days) < days // 2, {"time": target["time"]}, ("time",)
    )
    start = time.perf_counter()
    drawn = _timed("block length and draws", lambda: draw_days([ours, theirs], target))
    first = _timed(
        f"scores, {drawn.draws} draws, blocks of {drawn.length} days",
        lambda: bootstrap_scores(ours, target, days=drawn, train=train),
    )
    stations = target["cell"].copy(data=np.arange(cells) % 4 + 1)
    pools = label_standard_pools(
        first.scores,
        region=_labels(target, "region ", REGIONS),
        regime=_labels(target, "regime ", 2),
        network=_labels(target, "network ", NETWORKS),
        valid_days=np.isfinite(target).sum("time"),
        station_count=stations,
    )
    pooled = _timed("pools", lambda: pool_scores(first, pools))
    print(f"one submission: {time.perf_counter() - start:.2f} s")
    print(f"  {pooled.sizes['metric']} metrics, {pooled.sizes['group']} groups")
    second = _timed(
        "scores of a second model",
        lambda: bootstrap_scores(theirs, target, days=drawn, train=train),
    )
    _timed("differences", lambda: pool_differences(first, second, pools))


if __name__ == "__main__":
    main()
