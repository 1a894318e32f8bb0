"""Scores of series far from zero, against exact arithmetic.

A float is a fraction, so sums, means and variances of floats have an exact value. Only
the last step, a root or a quotient, is rounded.
"""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray

from somobench.metrics.days import resample_days
from somobench.metrics.definition import Metric
from somobench.metrics.registry import METRICS, metrics_named
from somobench.metrics.rows import Rows, RowScores, score_rows

Array = NDArray[np.floating]
Fractions = list[Fraction]

DAYS, WINDOW = 240, 35
OFFSETS = (0.0, 1e3, 1e6, 1e9)
DTYPES = ("float32", "float64")
MOMENTS = tuple(name for name, m in METRICS.items() if m.family == "moments")
SHIFTED = [m for m in METRICS.values() if "joint_shift" in m.invariances]


def make_pair(
    rng: np.random.Generator, offset: float, dtype: str
) -> tuple[Array, Array]:
    """Return a prediction (1, day) and a target with gaps, as they are stored."""
    wave = 8 * np.sin(np.arange(DAYS) * 2 * np.pi / 90)  # with a drought in each trough
    target = wave + rng.standard_normal((1, DAYS))
    prediction = 0.3 + 0.8 * target + 2 * rng.standard_normal((1, DAYS))
    target[rng.random((1, DAYS)) < 0.2] = np.nan
    return (offset + prediction).astype(dtype), (offset + target).astype(dtype)


def pairs_of(prediction: Array, target: Array) -> tuple[Fractions, Fractions]:
    """Return paired values exactly as they are stored."""
    kept = np.isfinite(target[0])
    x, y = ([Fraction(float(v)) for v in a[0, kept]] for a in (prediction, target))
    return x, y


def mean(values: Fractions) -> Fraction:
    return sum(values, Fraction()) / len(values)


def less(values: Fractions, centre: Fraction) -> Fractions:
    return [value - centre for value in values]


def product(one: Fractions, other: Fractions) -> Fraction:
    """Average of products."""
    return mean([a * b for a, b in zip(one, other, strict=True)])


def root(value: Fraction) -> float:
    return math.sqrt(float(value))


def exact_r(x: Fractions, y: Fractions) -> float:
    x, y = less(x, mean(x)), less(y, mean(y))
    return float(product(x, y)) / root(product(x, x) * product(y, y))


def exact_moments(x: Fractions, y: Fractions) -> dict[str, float]:
    """Every metric of the moments, rounded once or twice."""
    error = [a - b for a, b in zip(x, y, strict=True)]
    bias, square = mean(error), product(error, error)
    dx, dy = less(x, mean(x)), less(y, mean(y))
    vx, vy = product(dx, dx), product(dy, dy)
    r, alpha = exact_r(x, y), root(vx / vy)
    beta = float(mean(x) / mean(y))
    from_one = (r - 1) ** 2 + (beta - 1) ** 2
    return {
        "pearson_r": r,
        "bias": float(bias),
        "absolute_bias": abs(float(bias)),
        "rmse": root(square),
        "ubrmse": root(square - bias**2),
        "standardised_rmse": root(square / vy),
        "sd_difference": abs(1 - alpha),
        "nse": float(1 - square / vy),
        "kge_2009": 1 - math.sqrt(from_one + (alpha - 1) ** 2),
        "kge_2012": 1 - math.sqrt(from_one + (alpha / beta - 1) ** 2),
    }


def exact_anomalies(values: Array, paired: NDArray[np.bool_]) -> Fractions:
    """Subtract the mean over the pairs within 17 days of each."""
    days = np.flatnonzero(paired)
    exact = {day: Fraction(float(values[0, day])) for day in days}
    half = WINDOW // 2
    return [
        exact[day] - mean([exact[d] for d in days if abs(d - day) <= half])
        for day in days
    ]


def scored(prediction: Array, target: Array, metrics: list[Metric]) -> RowScores:
    days = resample_days(np.ones(DAYS, dtype=bool), length=20, draws=5)
    limits = np.nanquantile(target.astype(float), [0.3, 0.7], axis=1)
    rows = Rows(
        prediction,
        target,
        np.arange(DAYS) + 1,
        thresholds={"dry": limits[0], "wet": limits[1]},
    )
    return score_rows(rows, metrics, days=days)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", OFFSETS)
def test_moments_are_exact_far_from_zero(
    rng: np.random.Generator, offset: float, dtype: str
) -> None:
    if dtype == "float32" and offset > 1e6:
        offset = 1e5  # float32 has steps of 64 at 1e9
    pair = make_pair(rng, offset, dtype)
    found = scored(*pair, list(metrics_named(MOMENTS))).values
    for name, expected in exact_moments(*pairs_of(*pair)).items():
        assert float(found[name][0]) == pytest.approx(expected, rel=1e-13), name


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("offset", OFFSETS[:3])
def test_anomaly_r_is_exact_far_from_zero(
    rng: np.random.Generator, offset: float, dtype: str
) -> None:
    prediction, target = make_pair(rng, offset, dtype)
    paired = np.isfinite(target[0])
    expected = exact_r(*(exact_anomalies(a, paired) for a in (prediction, target)))
    found = scored(prediction, target, list(metrics_named(["anomaly_r"]))).values
    assert float(found["anomaly_r"][0]) == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("metric", SHIFTED, ids=lambda metric: metric.name)
@pytest.mark.parametrize(
    ("dtype", "offset"),
    [("float32", 1e3), ("float32", 1e6), ("float64", 1e3), ("float64", 1e6)],
)
def test_shift_costs_no_digit_of_a_score_or_its_replicates(
    rng: np.random.Generator, metric: Metric, dtype: str, offset: float
) -> None:
    # sixteenths, which float32 holds exactly at 1e6: the shift itself rounds nothing
    prediction, target = (np.round(a * 16) / 16 for a in make_pair(rng, 0.0, "float64"))
    if metric.needs == "members":
        spread = rng.integers(-20, 20, (1, DAYS, 4)) / 16
        prediction = prediction[..., None] + spread
    near, far = (
        scored((prediction + by).astype(dtype), (target + by).astype(dtype), [metric])
        for by in (0.0, offset)
    )
    name = metric.name
    assert np.isfinite(near.values[name]).all()
    np.testing.assert_allclose(far.values[name], near.values[name], rtol=1e-12)
    np.testing.assert_allclose(far.replicates[name], near.replicates[name], rtol=2e-7)


@pytest.mark.parametrize("offset", OFFSETS)
def test_replicates_of_bias_and_nse_are_exact_far_from_zero(
    rng: np.random.Generator, offset: float
) -> None:
    prediction, target = make_pair(rng, offset, "float64")
    found = scored(prediction, target, list(metrics_named(["bias", "nse"])))
    days = resample_days(np.ones(DAYS, dtype=bool), length=20, draws=5)
    for draw in range(5):
        used = np.repeat(
            np.arange(DAYS), np.repeat(days.weights[draw], days.step).astype(int)
        )
        expected = exact_moments(*pairs_of(prediction[:, used], target[:, used]))
        for name in ("bias", "nse"):
            drawn = float(found.replicates[name][draw, 0])
            assert drawn == pytest.approx(expected[name], rel=1e-6), name
