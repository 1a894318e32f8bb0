"""Seven metrics, and Spearman's rank correlation, against others on the same series.

    python benchmarks/harness.py bench_metrics

1,500 cells x 8,000 days, float32, 30 % missing. xskillscore gets float64, because its
float32 sums err by 1e-6.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr
from harness import CELLS, DAYS, Arrays, Race

from somobench.catalog.storage.processors import count_cores
from somobench.metrics import score
from somobench.metrics.compiled import map_threads

SEVEN = ("pearson_r", "bias", "rmse", "ubrmse", "kge_2009", "nse")  # and their number
Pair = tuple[xr.DataArray, xr.DataArray]


def make_pairs(cells: int = CELLS, days: int = DAYS) -> Pair:
    """Return predictions and a target with gaps."""
    rng = np.random.default_rng(1)
    target = rng.random((cells, days), dtype=np.float32)
    prediction = target + 0.3 * rng.random((cells, days), dtype=np.float32)
    target[rng.random((cells, days), dtype=np.float32) < 0.3] = np.nan
    time = pd.date_range("2001-01-01", periods=days)
    coords = {"cell": np.arange(cells), "time": time}
    dims = ("cell", "time")
    return xr.DataArray(prediction, coords, dims), xr.DataArray(target, coords, dims)


def shorten(pair: Pair) -> Pair:
    """Keep two cells."""
    return pair[0][:2], pair[1][:2]


def score_ours(pair: Pair) -> Arrays:
    """Score by the package."""
    found = score(*pair, metrics=SEVEN)
    return {str(name): array.to_numpy() for name, array in found.data_vars.items()}


def score_numpy(pair: Pair) -> Arrays:
    """Score with whole-array functions, in float64."""
    both = np.isfinite(pair[1].to_numpy())
    x, y = (np.where(both, part.to_numpy().astype(float), np.nan) for part in pair)
    mean = [np.nanmean(z, axis=1) for z in (x, y)]
    spread = [np.nanstd(z, axis=1) for z in (x, y)]
    product = (x - mean[0][:, None]) * (y - mean[1][:, None])
    r = np.nanmean(product, axis=1) / (spread[0] * spread[1])
    bias, square = mean[0] - mean[1], np.nanmean((x - y) ** 2, axis=1)
    terms = (r - 1) ** 2 + (spread[0] / spread[1] - 1) ** 2
    return {
        "pair_count": both.sum(axis=1),
        "pearson_r": r,
        "bias": bias,
        "rmse": np.sqrt(square),
        "ubrmse": np.sqrt(square - bias**2),
        "nse": 1 - square / spread[1] ** 2,
        "kge_2009": 1 - np.sqrt(terms + (mean[0] / mean[1] - 1) ** 2),
    }


def _score_rows(pair: Pair, oracles: dict[str, object]) -> Arrays:
    rows = []
    for x, y in zip(*(part.to_numpy() for part in pair), strict=True):
        both = np.isfinite(x) & np.isfinite(y)
        own = x[both].astype(float), y[both].astype(float)
        rows.append([np.atleast_1d(f(*own))[0] for f in oracles.values()])  # type: ignore[operator]
    return dict(zip(oracles, np.array(rows).T, strict=True))


def score_pytesmo(pair: Pair) -> Arrays:
    """Score row by row with pytesmo, which has no KGE."""
    from pytesmo.metrics import pairwise

    return _score_rows(
        pair,
        {
            "pearson_r": pairwise.pearson_r,
            "bias": pairwise.bias,
            "rmse": pairwise.rmsd,
            "ubrmse": pairwise.ubrmsd,
            "nse": lambda x, y: pairwise.nash_sutcliffe(y, x),
        },
    )


def score_xskillscore(pair: Pair) -> Arrays:
    """Score with xskillscore, which has these three."""
    import xskillscore

    both = np.isfinite(pair[1])
    own = pair[0].where(both).astype(float), pair[1].astype(float)
    oracles = {
        "pearson_r": xskillscore.pearson_r,
        "bias": xskillscore.me,
        "rmse": xskillscore.rmse,
    }
    return {
        name: function(*own, "time", skipna=True).to_numpy()
        for name, function in oracles.items()
    }


def read_alone(pair: Pair) -> Arrays:
    """Look at every value once, on all cores: what memory allows."""
    values = [part.to_numpy().reshape(-1) for part in pair]
    parts = [half for flat in values for half in np.array_split(flat, count_cores())]
    map_threads(np.max, parts, values[0].size)
    return {}


def rank_ours(pair: Pair) -> Arrays:
    """Correlate ranks by the package."""
    found = score(*pair, metrics="spearman_r")
    return {"spearman_r": found["spearman_r"].to_numpy()}


def rank_pytesmo(pair: Pair) -> Arrays:
    """Correlate ranks row by row."""
    from pytesmo.metrics import pairwise

    return _score_rows(pair, {"spearman_r": pairwise.spearman_r})


RACES = {
    "seven": Race(
        "n, r, bias, RMSE, ubRMSE, KGE, NSE, 1,500 x 8,000",
        make_pairs,
        {
            "ours": score_ours,
            "numpy": score_numpy,
            "pytesmo": score_pytesmo,
            "xskillscore": score_xskillscore,
            "reading both alone": read_alone,
        },
        {"pytesmo": 80, "xskillscore": 200},
        shorten=shorten,
    ),
    "ranks": Race(
        "Spearman, 1,500 x 8,000",
        make_pairs,
        {"ours": rank_ours, "pytesmo": rank_pytesmo},
        shorten=shorten,
    ),
}
