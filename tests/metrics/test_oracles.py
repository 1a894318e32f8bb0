"""Equality with pytesmo, xskillscore, scores, arch, scipy and numpy, where present."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from factories.anomalies import moving_anomaly
from somobench.metrics import METRICS, score
from somobench.metrics.anomalies import (
    average_moving,
    count_leap_year_days,
    seasonal_climatology,
)
from somobench.metrics.distributions import compute_row_quantiles
from somobench.metrics.ensembles import crps
from somobench.metrics.ranks import average_ranks
from somobench.uncertainty.block_length import (
    choose_politis_white_length,
    estimate_autocovariance,
)

pytestmark = pytest.mark.heavy

DAYS = 1200


# How series are stored, and how far from zero. Far off they vary by tens, since
# float32 has steps of 1/16 at 1e6.
STORED = [
    (dtype, offset) for dtype in ("float32", "float64") for offset in (0, 1e3, 1e6)
]


def assert_equal(ours: Any, expected: Any, atol: float = 1e-12) -> None:
    """Compare to 1e-10, relative."""
    np.testing.assert_allclose(ours, expected, rtol=1e-10, atol=atol)


@pytest.fixture(params=STORED, ids=lambda stored: f"{stored[0]}-{stored[1]:g}")
def pairs(
    rng: np.random.Generator, request: pytest.FixtureRequest
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return a seasonal target with gaps and ties, and a prediction."""
    dtype, offset = request.param
    scale = 100 if offset else 1
    season = 0.1 * np.sin(np.arange(DAYS) * 2 * np.pi / 365.25)
    target = np.round(0.3 + season + 0.03 * rng.standard_normal((4, DAYS)), 2)
    prediction = 0.02 + 0.8 * target + 0.04 * rng.standard_normal((4, DAYS))
    target[rng.random((4, DAYS)) < 0.3] = np.nan
    prediction[:, 40:60] = np.nan
    coords = {"cell": list("abcd"), "time": pd.date_range("2015-11-20", periods=DAYS)}
    stored = (
        (offset + scale * values).astype(dtype) for values in (prediction, target)
    )
    x, y = (xr.DataArray(values, coords, ("cell", "time")) for values in stored)
    return x, y


def _complete(
    pairs: tuple[xr.DataArray, xr.DataArray],
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return the paired values of each cell in float64."""
    kept = []
    for x, y in zip(
        *(series.to_numpy().astype(float) for series in pairs), strict=True
    ):
        both = np.isfinite(x) & np.isfinite(y)
        kept.append((x[both], y[both]))
    return kept


def _assert_rows(scored: xr.DataArray, expected: list[Any]) -> None:
    assert_equal(scored, np.array(expected, dtype=float))


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("pearson_r", "pearson_r"),
        ("spearman_r", "spearman_r"),
        ("bias", "bias"),
        ("rmse", "rmsd"),
        ("ubrmse", "ubrmsd"),
    ],
)
def test_pair_metric_equals_pytesmo(
    pairs: tuple[xr.DataArray, xr.DataArray], name: str, oracle: str
) -> None:
    pairwise = pytest.importorskip("pytesmo.metrics.pairwise")
    function = getattr(pairwise, oracle)
    expected = [np.atleast_1d(function(x, y))[0] for x, y in _complete(pairs)]
    _assert_rows(score(*pairs, metrics=[name])[name], expected)


def test_nse_equals_pytesmo(pairs: tuple[xr.DataArray, xr.DataArray]) -> None:
    pairwise = pytest.importorskip("pytesmo.metrics.pairwise")
    expected = [pairwise.nash_sutcliffe(y, x) for x, y in _complete(pairs)]
    _assert_rows(score(*pairs, metrics=["nse"])["nse"], expected)


@pytest.mark.parametrize(
    ("name", "oracle"),
    [
        ("pearson_r", "pearson_r"),
        ("spearman_r", "spearman_r"),
        ("bias", "me"),
        ("rmse", "rmse"),
    ],
)
def test_pair_metric_equals_xskillscore(
    pairs: tuple[xr.DataArray, xr.DataArray], name: str, oracle: str
) -> None:
    xskillscore = pytest.importorskip("xskillscore")
    function = getattr(xskillscore, oracle)
    expected = [
        function(*(xr.DataArray(series, dims="time") for series in pair), "time")
        for pair in _complete(pairs)  # its ranks and me() don't skip gaps
    ]
    _assert_rows(score(*pairs, metrics=[name])[name], expected)


@pytest.mark.parametrize("year", ["2009", "2012"])
def test_kge_equals_scores(pairs: tuple[xr.DataArray, xr.DataArray], year: str) -> None:
    continuous = pytest.importorskip("scores.continuous")
    for cell, scored in zip("abcd", score(*pairs)[f"kge_{year}"].values, strict=True):
        x, y = (series.sel(cell=cell).astype(float) for series in pairs)
        expected = float(continuous.kge(x, y, method=year))
        assert scored == pytest.approx(expected, rel=1e-10)


def test_nse_equals_scores(pairs: tuple[xr.DataArray, xr.DataArray]) -> None:
    continuous = pytest.importorskip("scores.continuous")
    both = np.isfinite(pairs[0]) & np.isfinite(pairs[1])
    x, y = (series.where(both).astype(float) for series in pairs)
    expected = continuous.nse(x, y, preserve_dims="cell")
    _assert_rows(score(*pairs, metrics=["nse"])["nse"], list(expected.values))


def _series(array: xr.DataArray, row: int) -> pd.Series:
    return array[row].astype(float).to_series()


def test_moving_anomaly_equals_pytesmo(
    pairs: tuple[xr.DataArray, xr.DataArray],
) -> None:
    anomaly = pytest.importorskip("pytesmo.time_series.anomaly")
    target = pairs[1]
    ours = moving_anomaly(target.to_numpy().astype(float))
    for row in range(4):
        expected = anomaly.calc_anomaly(_series(target, row), window_size=35)
        # its difference of value and mean is rounded as the values are
        assert_equal(ours[row], expected, 1e-12 + np.spacing(4 * float(target.max())))


@pytest.mark.parametrize("window", [1, 4, 5, 35])
def test_moving_mean_that_fills_equals_pytesmo(
    pairs: tuple[xr.DataArray, xr.DataArray], window: int
) -> None:
    filtering = pytest.importorskip("pytesmo.time_series.filtering")
    target = pairs[1]
    ours = average_moving(target.to_numpy().astype(float), window, fill=True)
    expected = filtering.moving_average(_series(target, 0), window, fillna=True)
    assert_equal(ours[0], expected)


@pytest.mark.parametrize("last", [DAYS, 150])
def test_seasonal_climatology_equals_pytesmo(
    pairs: tuple[xr.DataArray, xr.DataArray], last: int
) -> None:
    anomaly = pytest.importorskip("pytesmo.time_series.anomaly")
    target = pairs[1][:, :last]  # 150 days leave most of the year without a value
    day = count_leap_year_days(target["time"].to_numpy())
    values = target.to_numpy().astype(float)
    climatology = seasonal_climatology(values, day)
    for row in range(4):
        series = _series(target, row)
        expected = anomaly.calc_climatology(series)
        assert_equal(climatology[row], expected)


def test_anomaly_r_equals_pytesmo_on_paired_days(
    pairs: tuple[xr.DataArray, xr.DataArray],
) -> None:
    anomaly = pytest.importorskip("pytesmo.time_series.anomaly")
    both = np.isfinite(pairs[0]) & np.isfinite(pairs[1])
    expected = []
    for row in range(4):
        x, y = (
            anomaly.calc_anomaly(_series(array.where(both), row), window_size=35)
            for array in pairs
        )
        expected.append(x.corr(y))
    _assert_rows(score(*pairs, metrics=["anomaly_r"])["anomaly_r"], expected)


def test_deseasonalised_r_equals_the_partial_correlation_of_statsmodels(
    pairs: tuple[xr.DataArray, xr.DataArray],
) -> None:
    regression = pytest.importorskip("statsmodels.api")
    scored = score(*pairs, metrics=["deseasonalised_r"])["deseasonalised_r"]
    angle = 2 * np.pi * count_leap_year_days(pairs[1]["time"].to_numpy()) / 366
    season = regression.add_constant(np.array([np.cos(angle), np.sin(angle)]).T)
    for row in range(4):
        x, y = (array.to_numpy()[row].astype(float) for array in pairs)
        both = np.isfinite(x) & np.isfinite(y)
        left = [regression.OLS(z[both], season[both]).fit().resid for z in (x, y)]
        expected = np.corrcoef(*left)[0, 1]
        assert float(scored[row]) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("fair", [False, True])
def test_crps_equals_scores(rng: np.random.Generator, fair: bool) -> None:
    probability = pytest.importorskip("scores.probability")
    members, target = rng.random((30, 7)), rng.random(30)
    expected = probability.crps_for_ensemble(
        xr.DataArray(members, dims=("time", "member")),
        xr.DataArray(target, dims="time"),
        "member",
        method="fair" if fair else "ecdf",
        preserve_dims="all",
    )
    assert_equal(crps(members, target, fair=fair), expected)


def test_crps_equals_xskillscore(rng: np.random.Generator) -> None:
    xskillscore = pytest.importorskip("xskillscore")
    members, target = rng.random((30, 7)), rng.random(30)
    expected = xskillscore.crps_ensemble(
        xr.DataArray(target, dims="time"),
        xr.DataArray(members, dims=("time", "member")),
        dim=[],
    )
    assert_equal(crps(members, target), expected)


@pytest.mark.parametrize("side", ["dry", "wet"])
def test_extreme_scores_equal_scores(
    pairs: tuple[xr.DataArray, xr.DataArray], side: str
) -> None:
    categorical = pytest.importorskip("scores.categorical")
    train = xr.ones_like(pairs[1]["time"], dtype=bool)
    scored = score(*pairs, train=train)
    for row in range(4):
        x, y = (array[row].astype(float) for array in pairs)
        both = np.isfinite(x) & np.isfinite(y)
        limit = float(np.nanquantile(y, 0.1 if side == "dry" else 0.9))
        events = [(z < limit if side == "dry" else z > limit) for z in (x, y)]
        manager = categorical.BinaryContingencyManager(
            *(event.astype(float).where(both) for event in events)
        ).transform()
        for name, oracle in (
            ("hit_rate", "probability_of_detection"),
            ("false_alarm_rate", "probability_of_false_detection"),
            ("frequency_bias", "frequency_bias"),
            ("sedi", "symmetric_extremal_dependence_index"),
        ):
            expected = float(getattr(manager, oracle)())
            assert expected > 0
            ours = float(scored[f"{name}_{side}"][row])
            assert ours == pytest.approx(expected, rel=1e-10)


def test_plumber_metrics_equal_their_formulas(
    pairs: tuple[xr.DataArray, xr.DataArray],
) -> None:
    scored = score(*pairs)
    for row, (x, y) in enumerate(_complete(pairs)):
        edges = np.linspace(min(x.min(), y.min()), max(x.max(), y.max()), 26)
        shares = [np.histogram(z, edges)[0] / y.size for z in (x, y)]
        expected = {
            "absolute_bias": abs(x.mean() - y.mean()),
            "normalised_mean_error": abs(x - y).sum() / abs(y - y.mean()).sum(),
            "sd_difference": abs(1 - x.std() / y.std()),
            "p5_difference": abs(np.quantile(x, 0.05) - np.quantile(y, 0.05)),
            "p95_difference": abs(np.quantile(x, 0.95) - np.quantile(y, 0.95)),
            "pdf_overlap": np.minimum(*shares).sum(),
        }
        for name, value in expected.items():
            assert float(scored[name][row]) == pytest.approx(value, rel=1e-10), name


def test_average_ranks_equal_scipy(pairs: tuple[xr.DataArray, xr.DataArray]) -> None:
    stats = pytest.importorskip("scipy.stats")
    values = pairs[1].to_numpy().astype(float)
    expected = stats.rankdata(values, axis=1, nan_policy="omit")
    np.testing.assert_array_equal(average_ranks(values), expected)


def test_row_quantiles_equal_numpy(pairs: tuple[xr.DataArray, xr.DataArray]) -> None:
    values, levels = pairs[1].to_numpy().astype(float), [0.0, 0.05, 0.1, 0.5, 1.0]
    expected = np.nanquantile(values, levels, axis=1).T
    assert_equal(compute_row_quantiles(values, levels), expected)


def test_row_quantiles_are_interpolated_in_float64(rng: np.random.Generator) -> None:
    values = rng.random((4, 100)).astype(np.float32)
    wide = compute_row_quantiles(values.astype(np.float64), [0.1, 0.9])
    np.testing.assert_array_equal(compute_row_quantiles(values, [0.1, 0.9]), wide)


def test_autocovariance_equals_numpy(rng: np.random.Generator) -> None:
    series = np.cumsum(rng.standard_normal(300))
    x = series - series.mean()
    expected = [(x[: x.size - lag] * x[lag:]).sum() / x.size for lag in range(20)]
    ours = estimate_autocovariance(series[None], 19)[0]
    assert_equal(ours, expected)


@pytest.mark.parametrize("rho", [0.3, 0.8, 0.95])
def test_politis_white_length_equals_arch(rng: np.random.Generator, rho: float) -> None:
    bootstrap = pytest.importorskip("arch.bootstrap")
    series = rng.standard_normal(900)
    for day in range(1, series.size):
        series[day] += rho * series[day - 1]
    expected = bootstrap.optimal_block_length(series)["circular"].item()
    assert choose_politis_white_length(series[None])[0] == pytest.approx(
        expected, rel=1e-10
    )


def test_every_metric_has_a_test_of_its_value() -> None:
    """A new metric joins this list together with its oracle or hand-derived case."""
    here = {"pearson_r", "spearman_r", "bias", "rmse", "ubrmse", "nse"}
    here |= {"kge_2009", "kge_2012", "anomaly_r", "deseasonalised_r"}
    here |= {"absolute_bias", "normalised_mean_error", "sd_difference"}
    here |= {"p5_difference", "p95_difference", "pdf_overlap", "crps", "crps_fair"}
    for side in ("dry", "wet"):
        names = ("sedi", "hit_rate", "frequency_bias", "false_alarm_rate")
        here |= {f"{name}_{side}" for name in names}
    elsewhere = {
        "standardised_rmse",
        "drought_detection_rate",
        "drought_onset_lag",
        "drought_recovery_lag",
        "ensemble_rmse",
        "ensemble_spread",
        "spread_skill_ratio",
    }
    assert set(METRICS) == here | elsewhere
