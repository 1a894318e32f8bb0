"""Properties that hold for any pairs: bounds, identities, draws of days.

Invariances are in `test_invariances`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from somobench.metrics.days import ResampledDays
from somobench.metrics.registry import METRICS
from somobench.metrics.rows import Rows, score_rows

Array = NDArray[np.float64]

DAYS = 24
examples = settings(max_examples=40, deadline=None)  # a shared machine stalls
# Soil moisture in steps of 0.001: distinct enough to vary, coarse enough to tie.
VALUES = st.integers(0, 600).map(lambda number: number / 1000)
SERIES = arrays(np.float64, (1, DAYS), elements=VALUES)
GAPS = arrays(np.bool_, (1, DAYS), elements=st.booleans())
PAIRWISE = tuple(metric for metric in METRICS.values() if metric.needs != "members")


def scored(prediction: Array, target: Array) -> Mapping[str, float]:
    """Score one row with every metric that needs no members."""
    rows = Rows(
        prediction,
        target,
        np.arange(DAYS) + 1,
        thresholds={"dry": np.array([0.15]), "wet": np.array([0.45])},
    )
    result = score_rows(rows, PAIRWISE, minimum_count=2)
    return {name: float(values[0]) for name, values in result.values.items()}


def varies(*series: Array) -> bool:
    """Tell whether every series has a real spread."""
    return all(values.std() > 1e-3 for values in series)


@examples
@given(SERIES, SERIES, GAPS)
def test_every_score_lies_in_its_range(x: Array, y: Array, gaps: Array) -> None:
    values = scored(x, np.where(gaps, np.nan, y))
    for name, value in values.items():
        metric = METRICS[name]
        assert np.isnan(value) or metric.minimum <= value <= metric.maximum, name


@examples
@given(SERIES, GAPS)
def test_identical_series_score_perfect_or_nothing(y: Array, gaps: Array) -> None:
    y = np.where(gaps, np.nan, y)
    for name, value in scored(y, y).items():
        expected = METRICS[name].perfect
        assert np.isnan(value) or value == pytest.approx(expected, abs=1e-9), name


@examples
@given(SERIES, SERIES)
def test_squared_error_is_unbiased_part_plus_squared_bias(x: Array, y: Array) -> None:
    values = scored(x, y)
    parts = values["ubrmse"] ** 2 + values["bias"] ** 2
    assert values["rmse"] ** 2 == pytest.approx(parts, abs=1e-14)


@examples
@given(SERIES, SERIES)
def test_nse_is_one_minus_squared_standardised_rmse(x: Array, y: Array) -> None:
    assume(varies(y))
    values = scored(x, y)
    expected = 1 - values["standardised_rmse"] ** 2
    assert values["nse"] == pytest.approx(expected, rel=1e-9)


@examples
@given(SERIES, SERIES, st.floats(0.1, 10), st.floats(-2, 2))
def test_prediction_upside_down_turns_correlations_over(
    x: Array, y: Array, slope: float, offset: float
) -> None:
    assume(varies(x, y))
    before, flipped = scored(x, y), scored(offset - slope * x, y)
    for name in ("pearson_r", "spearman_r", "anomaly_r"):
        same = pytest.approx(before[name], rel=1e-6, abs=1e-7, nan_ok=True)
        assert -flipped[name] == same


@examples
@given(SERIES, SERIES, st.floats(-0.5, 0.5))
def test_shift_of_prediction_moves_only_the_bias(
    x: Array, y: Array, shift: float
) -> None:
    before, after = scored(x, y), scored(x + shift, y)
    assert after["bias"] - before["bias"] == pytest.approx(shift, abs=1e-12)
    assert after["ubrmse"] == pytest.approx(before["ubrmse"], abs=1e-9)


@examples
@given(SERIES, SERIES, GAPS)
def test_draw_of_every_day_once_gives_the_score_itself(
    x: Array, y: Array, gaps: Array
) -> None:
    y = np.where(gaps, np.nan, y)
    once = ResampledDays(3, 3, 3, np.ones(DAYS, dtype=bool), np.ones((1, 8)), 0)
    rows = Rows(
        x,
        y,
        np.arange(DAYS) + 1,
        thresholds={"dry": np.array([0.15]), "wet": np.array([0.45])},
    )
    result = score_rows(rows, PAIRWISE, minimum_count=2, days=once)
    for name, values in result.values.items():
        drawn = float(result.replicates[name][0, 0])
        same = pytest.approx(float(values[0]), rel=1e-5, abs=1e-6, nan_ok=True)
        assert drawn == same, name


@examples
@given(SERIES, SERIES, st.integers(1, 5))
def test_row_scores_do_not_depend_on_other_rows(x: Array, y: Array, rows: int) -> None:
    alone = score_rows(Rows(x, y, np.arange(DAYS) + 1), PAIRWISE[:13])
    many = score_rows(
        Rows(
            np.concatenate([x, *[y + 1] * rows]),
            np.concatenate([y, *[x * 2] * rows]),
            np.arange(DAYS) + 1,
        ),
        PAIRWISE[:13],
    )
    for name, values in alone.values.items():
        np.testing.assert_array_equal(many.values[name][:1], values, err_msg=name)


def test_float32_series_are_scored_in_float64(rng: np.random.Generator) -> None:
    x, y = (rng.random((1, DAYS)).astype(np.float32) for _ in range(2))
    narrow = scored(x, y)  # type: ignore[arg-type]
    wide = scored(x.astype(np.float64), y.astype(np.float64))
    assert narrow == pytest.approx(wide, nan_ok=True, rel=0, abs=0)
