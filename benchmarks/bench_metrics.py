"""Seven metrics against pytesmo, xskillscore and plain numpy on the same series.

    python benchmarks/bench_metrics.py [cells] [days]

float32 series with 30 % missing days. Each rival's scores are first checked to be equal
to ours; xskillscore gets float64, because its float32 sums err by 1e-6. Its Spearman is
left out: it doesn't skip missing days.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from somobench.metrics import score
from somobench.metrics.anomalies import moving_anomalies
from somobench.metrics.moments import centre_rows

NAMES = ("pearson_r", "bias", "rmse", "ubrmse", "nse", "kge_2009", "spearman_r")
Names = tuple[str, ...]
Scores = dict[str, np.ndarray]


def _case(cells: int, days: int) -> tuple[xr.DataArray, xr.DataArray]:
    rng = np.random.default_rng(1)
    target = rng.random((cells, days), dtype=np.float32)
    prediction = target + 0.3 * rng.random((cells, days), dtype=np.float32)
    target[rng.random((cells, days), dtype=np.float32) < 0.3] = np.nan
    coords = {
        "cell": np.arange(cells),
        "time": pd.date_range("2001-01-01", periods=days),
    }
    dims = ("cell", "time")
    return xr.DataArray(prediction, coords, dims), xr.DataArray(target, coords, dims)


def _ours(prediction: xr.DataArray, target: xr.DataArray, names: Names) -> Scores:
    scored = score(prediction, target, metrics=names)
    return {name: scored[name].values for name in names}


def _numpy(prediction: xr.DataArray, target: xr.DataArray, names: Names) -> Scores:
    both = np.isfinite(target.values)
    x = np.where(both, prediction.values.astype(float), np.nan)
    y = np.where(both, target.values.astype(float), np.nan)
    mean = [np.nanmean(z, axis=1) for z in (x, y)]
    spread = [np.nanstd(z, axis=1) for z in (x, y)]
    product = (x - mean[0][:, None]) * (y - mean[1][:, None])
    r = np.nanmean(product, axis=1) / (spread[0] * spread[1])
    bias, square = mean[0] - mean[1], np.nanmean((x - y) ** 2, axis=1)
    terms = (r - 1) ** 2 + (spread[0] / spread[1] - 1) ** 2
    found = {
        "pearson_r": r,
        "bias": bias,
        "rmse": np.sqrt(square),
        "ubrmse": np.sqrt(square - bias**2),
        "nse": 1 - square / spread[1] ** 2,
        "kge_2009": 1 - np.sqrt(terms + (mean[0] / mean[1] - 1) ** 2),
    }
    return {name: found[name] for name in names}


def _pytesmo(prediction: xr.DataArray, target: xr.DataArray, names: Names) -> Scores:
    from pytesmo.metrics import pairwise  # type: ignore[import-untyped]

    oracles = {
        "pearson_r": pairwise.pearson_r,
        "spearman_r": pairwise.spearman_r,
        "bias": pairwise.bias,
        "rmse": pairwise.rmsd,
        "ubrmse": pairwise.ubrmsd,
        "nse": lambda x, y: pairwise.nash_sutcliffe(y, x),
    }
    rows = []
    for x, y in zip(prediction.values, target.values, strict=True):
        both = np.isfinite(x) & np.isfinite(y)
        pair = x[both].astype(float), y[both].astype(float)
        rows.append([np.atleast_1d(oracles[name](*pair))[0] for name in names])
    return dict(zip(names, np.array(rows).T, strict=True))


def _xskillscore(
    prediction: xr.DataArray, target: xr.DataArray, names: Names
) -> Scores:
    import xskillscore  # type: ignore[import-untyped]

    both = np.isfinite(target)
    pair = prediction.where(both).astype(float), target.astype(float)
    oracles = {
        "pearson_r": xskillscore.pearson_r,
        "bias": xskillscore.me,
        "rmse": xskillscore.rmse,
    }
    return {name: oracles[name](*pair, "time", skipna=True).values for name in names}


def _best(action: Callable[[], Scores], repeats: int = 3) -> tuple[float, Scores]:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        result = action()
        times.append(time.process_time() - start)
    return min(times), result


def _compare(rival: str, function: Callable[..., Scores], *args: object) -> None:
    theirs, expected = _best(lambda: function(*args))
    ours, found = _best(lambda: _ours(*args))  # type: ignore[arg-type]
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-9, err_msg=name)
    print(
        f"{rival:28s} {len(expected)} metrics: theirs {theirs:6.3f} s,"
        f" ours {ours:6.3f} s, ratio {theirs / ours:5.1f}"
    )


def _anomaly(values: np.ndarray) -> np.ndarray:
    valid = np.isfinite(values)
    deviations, _ = centre_rows(values, valid)
    (anomaly,) = moving_anomalies([deviations], valid)
    return np.where(valid, anomaly, np.nan)


def _compare_anomalies(target: xr.DataArray) -> None:
    from pytesmo.time_series.anomaly import (  # type: ignore[import-untyped]
        calc_anomaly,
    )

    def theirs() -> Scores:
        rows = [calc_anomaly(row.astype(float).to_series()) for row in target]
        return {"anomaly": np.array(rows)}

    seconds, expected = _best(theirs, repeats=1)
    own, found = _best(lambda: {"anomaly": _anomaly(target.values.astype(float))})
    np.testing.assert_allclose(found["anomaly"], expected["anomaly"], atol=1e-10)
    print(
        f"{'pytesmo, 35-day anomaly':28s} theirs {seconds:6.3f} s,"
        f" ours {own:6.3f} s, ratio {seconds / own:5.1f}"
    )


def main() -> None:
    cells, days = map(int, sys.argv[1:3]) if len(sys.argv) > 2 else (150, 8000)
    prediction, target = _case(cells, days)
    print(f"{cells} cells x {days} days, CPU seconds, best of 3")
    warnings.simplefilter("ignore")
    _compare("numpy", _numpy, prediction, target, NAMES[:6])
    _compare("pytesmo", _pytesmo, prediction, target, NAMES[:5])
    _compare("pytesmo, Spearman", _pytesmo, prediction, target, NAMES[6:])
    _compare("xskillscore", _xskillscore, prediction, target, NAMES[:3])
    _compare_anomalies(target)


if __name__ == "__main__":
    main()
