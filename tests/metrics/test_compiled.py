"""Compiled loops against the plain functions whose work they take over."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from somobench.metrics import compiled, kernels, score
from somobench.metrics.anomalies import seasonal_climatology, take_moving_anomalies
from somobench.metrics.days import resample_days
from somobench.metrics.registry import METRICS
from somobench.metrics.rows import Rows, RowScores, score_rows
from somobench.schemas.errors import InputError

Array = NDArray[np.floating]

DAYS = 130
PAIRWISE = tuple(metric for metric in METRICS.values() if metric.needs != "members")
MOMENTS = tuple(metric for metric in PAIRWISE if metric.family == "moments")
# Coarse values tie and lie on the edges of bins; a few make long droughts.
STEPS = st.sampled_from([0.001, 0.03, 0.2])
SERIES = arrays(np.int64, (3, DAYS), elements=st.integers(0, 400))
GAPS = arrays(np.bool_, (2, 3, DAYS), elements=st.booleans())
DTYPES = st.sampled_from([np.float32, np.float64])
examples = settings(max_examples=40, deadline=None)


@pytest.fixture(autouse=True)
def always_worth_it() -> Iterator[None]:
    """Compile for the smallest series, whose plain results `plainly` asks for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "WORTH_IT", 0)
        yield


class plainly:  # noqa: N801 (reads as a word of the test)
    """Let plain functions do the work."""

    def __enter__(self) -> None:
        """Put the bar out of reach."""
        compiled.WORTH_IT = 10**12

    def __exit__(self, *_: object) -> None:
        """Put it back on the ground."""
        compiled.WORTH_IT = 0


def assert_same(found: RowScores, expected: RowScores) -> None:
    np.testing.assert_array_equal(found.count, expected.count)
    for name, values in expected.values.items():
        np.testing.assert_allclose(
            found.values[name], values, rtol=1e-9, atol=1e-10, err_msg=name
        )
    for name, drawn in expected.replicates.items():
        np.testing.assert_allclose(
            found.replicates[name], drawn, rtol=1e-5, atol=1e-6, err_msg=name
        )


@examples
@given(SERIES, SERIES, GAPS, STEPS, DTYPES, st.booleans())
def test_scores_and_replicates_are_those_of_the_plain_families(
    x: Array, y: Array, gaps: Array, step: float, dtype: type, seasonal: bool
) -> None:
    series = [(0.1 + step * values).astype(dtype) for values in (x, y)]
    for values, gap in zip(series, gaps, strict=True):
        values[:2][gap[:2]] = np.nan  # the third row is whole
    season = np.cos(np.arange(366) / 20) + np.zeros((3, 1))
    rows = Rows(
        series[0],
        series[1],
        np.arange(DAYS) * 3 % 366 + 1,
        climatology=season if seasonal else None,
        thresholds={"dry": np.array([0.2, np.nan, 4]), "wet": np.full(3, 0.35)},
    )
    with plainly():
        expected = score_rows(rows, PAIRWISE)
        alone = score_rows(rows, MOMENTS)
    assert_same(score_rows(rows, PAIRWISE), expected)
    assert_same(score_rows(rows, MOMENTS), alone)
    # What a draw leaves of a series may be constant but for rounding, whose verdict no
    # other order of a sum repeats: drawn series vary from day to day.
    ripple = np.sin(np.arange(DAYS)).astype(dtype)
    rows = replace(rows, prediction=series[0] + ripple, target=series[1] - ripple)
    paired = np.isfinite(series[0]) & np.isfinite(series[1])
    days = resample_days(paired.any(axis=0), length=30, draws=8)
    with plainly():
        expected = score_rows(rows, PAIRWISE, days=days)
    assert_same(score_rows(rows, PAIRWISE, days=days), expected)


def test_series_that_are_empty_constant_or_infinite_in_pairs_score_alike() -> None:
    x = np.full((4, DAYS), 0.25)
    y = np.full((4, DAYS), 0.3)
    x[0], y[1], y[2] = np.nan, np.nan, np.linspace(0.1, 0.4, DAYS)
    limits = {"dry": np.full(4, 0.15), "wet": np.full(4, 0.35)}
    rows = Rows(x, y, np.arange(DAYS) + 1, thresholds=limits)
    with plainly():
        expected = score_rows(rows, PAIRWISE)
    assert_same(score_rows(rows, PAIRWISE), expected)


def test_series_that_differ_by_the_smallest_number_share_a_bin() -> None:
    x = np.where(np.arange(DAYS) % 3, 0.0, 5e-324)[None]
    limits = {"dry": np.zeros(1), "wet": np.zeros(1)}
    rows = Rows(x, np.zeros((1, DAYS)), np.arange(DAYS) + 1, thresholds=limits)
    with plainly():
        expected = score_rows(rows, PAIRWISE)
    assert expected.values["pdf_overlap"].item() == 1.0
    assert_same(score_rows(rows, PAIRWISE), expected)


def test_ensembles_are_scored_by_their_mean_and_their_members(
    rng: np.random.Generator,
) -> None:
    target = rng.random((2, DAYS))
    members = target[..., None] + rng.random((2, DAYS, 4))
    members[0, 5, 2] = np.nan
    limits = {"dry": np.full(2, 0.15), "wet": np.full(2, 0.85)}
    rows = Rows(members, target, np.arange(DAYS) + 1, thresholds=limits)
    with plainly():
        expected = score_rows(rows, METRICS.values())
        alone = score_rows(rows, MOMENTS)
    assert_same(score_rows(rows, METRICS.values()), expected)
    assert_same(score_rows(rows, MOMENTS), alone)


@pytest.mark.parametrize("window", [1, 5, 35, 301])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_anomalies_and_climatologies_have_the_same_bits(
    rng: np.random.Generator, window: int, dtype: type
) -> None:
    values = (3 + rng.random((4, 5000))).astype(dtype)
    values[rng.random(values.shape) < 0.3] = np.nan
    values[0], values[1, 100:] = np.nan, np.nan
    days = np.arange(5000) % 365 + 1
    with plainly():
        wide = values.astype(np.float64)
        anomalies = take_moving_anomalies(wide, window)
        climatology = seasonal_climatology(wide, days, window)
    np.testing.assert_array_equal(take_moving_anomalies(values, window), anomalies)
    np.testing.assert_array_equal(
        seasonal_climatology(values, days, window), climatology
    )


def test_places_sort_signs_zeros_and_small_numbers() -> None:
    row = np.array([0.5, -1e-300, np.nan, 0.0, -3.0, -0.0, 1e300, np.nan, 5e-324])
    places, counts = np.empty((1, 9), dtype=np.int32), np.empty(1, dtype=np.int64)
    kernels.sort_rows(row[None], places, counts)
    # -3, -1e-300, both zeros in the order in which they came, then upwards
    assert places[0, : counts[0]].tolist() == [4, 1, 3, 5, 8, 0, 6]


def measure(work: Callable[[], object]) -> float:
    """Return the least processor time of five calls after one, s."""
    work()
    times = []
    for _ in range(5):
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)


PATHS: dict[str, Callable[[Rows], object]] = {
    "moments": lambda rows: score_rows(rows, MOMENTS),
    "anomalies": lambda rows: take_moving_anomalies(rows.target),
    "climatology": lambda rows: seasonal_climatology(rows.target, rows.day_of_year),
    "replicates": lambda rows: score_rows(
        rows, PAIRWISE, days=resample_days(np.ones(4000, bool), length=91, draws=50)
    ),
}


@pytest.mark.parametrize("path", PATHS)
def test_compiled_path_takes_less_processor_time_than_the_plain_one(
    rng: np.random.Generator, path: str
) -> None:
    target = rng.random((90, 4000))
    target[rng.random(target.shape) < 0.3] = np.nan
    limits = {"dry": np.full(90, 0.15), "wet": np.full(90, 0.85)}
    days = np.arange(4000) % 365 + 1
    rows = Rows(rng.random((90, 4000)), target, days, thresholds=limits)
    own = measure(lambda: PATHS[path](rows))
    with plainly():
        plain = measure(lambda: PATHS[path](rows))
    assert plain / own > 1.1  # three and more where nothing disturbs


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("days", [100, 700, 1500])
def test_series_whose_first_days_are_far_from_their_mean_score_alike(
    rng: np.random.Generator, dtype: type, days: int
) -> None:
    x = rng.random((4, days))
    y = x + 0.3 * rng.random((4, days))
    x[:, :80] += 1e5  # the first days tell nothing of the others
    y[:, :80] -= 1e5
    y[1, :50] = np.nan
    y[2, 90:] = 0.4
    x[3] = y[3] + np.where(np.arange(days) < 80, 1e4, 1e-3 * x[3])
    rows = Rows(x.astype(dtype), y.astype(dtype), np.arange(days) % 366 + 1)
    with plainly():
        expected = score_rows(rows, MOMENTS)
    assert_same(score_rows(rows, MOMENTS), expected)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("place", [0, 255, 4096, 9999])
@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_an_infinite_value_is_found_wherever_it_is(
    dtype: type, place: int, value: float
) -> None:
    values = np.full(10_000, np.nan, dtype=dtype)
    values[::3] = np.finfo(dtype).max
    assert not kernels.has_infinite(values)
    values[place] = value
    assert kernels.has_infinite(values)


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "f2", "i2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_numbers_of_any_kind_are_scored_and_searched_for_infinite_ones(
    rng: np.random.Generator, dtype: str, order: str
) -> None:
    labels = {"cell": np.arange(3), "time": pd.date_range("2001-01-01", periods=DAYS)}
    pair = [
        xr.DataArray(
            np.asarray(rng.integers(0, 9, (3, DAYS)), dtype, order=order), labels
        )
        for _ in range(2)
    ]
    for part in pair:
        part.to_numpy().flags.writeable = False
    with plainly():
        expected = score(*pair, metrics=["pearson_r", "rmse"])
    xr.testing.assert_allclose(score(*pair, metrics=["pearson_r", "rmse"]), expected)
    if pair[0].dtype.kind == "f":
        spoilt = pair[0].copy(data=pair[0].to_numpy().copy(order=order))
        spoilt[2, 7] = -np.inf
        with pytest.raises(InputError, match="1 infinite values"):
            score(spoilt, pair[1], metrics=["rmse"])
