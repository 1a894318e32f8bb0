"""Intervals of pooled scores: shape, variance components, few blocks and cells."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from somobench.uncertainty.intervals import Resampled, make_pooled_interval

LEVEL = 0.9
NORMAL = float(stats.norm.ppf(0.95))
MANY = 10**9
# A law of variance 1 and median 0 with unequal tails.
SHAPE = stats.gamma.ppf((np.arange(400) + 0.5) / 400, 4.0)
SHAPE = (SHAPE - np.median(SHAPE)) / SHAPE.std()
LOW, HIGH = np.quantile(SHAPE, [0.05, 0.95])


def made(both: float, days: float, cells: float) -> Resampled:
    """Return draws whose standard deviations are as given, far off the score."""
    return Resampled(*(7.0 + size * SHAPE[None] for size in (both, days, cells)))


def interval(
    drawn: Resampled, blocks: float = MANY, cells: int = MANY
) -> tuple[float, float]:
    """Return the interval around a score of 1."""
    lower, upper = make_pooled_interval(
        np.array([1.0]),
        drawn,
        blocks=blocks,
        cells=np.array([cells]),
        level=LEVEL,
    )
    return float(lower[0]), float(upper[0])


@pytest.mark.parametrize(
    ("both", "days", "cells", "expected"),
    [
        # of days 2^2, of cells 2^2, of both 3^2: 2 (4 + 4) - 9 = 7
        (3.0, 2.0, 2.0, np.sqrt(7.0)),
        # days alone, no cells drawn: 2 (4 + 0) - 4 = 4
        (2.0, 2.0, 0.0, 2.0),
        # never below the larger part: 2 (1 + 9) - 16 = 4 is below 9
        (4.0, 1.0, 3.0, 3.0),
    ],
)
def test_noise_is_counted_once(
    both: float, days: float, cells: float, expected: float
) -> None:
    lower, upper = interval(made(both, days, cells))
    assert lower == pytest.approx(1 + expected * LOW, rel=1e-6)
    assert upper == pytest.approx(1 + expected * HIGH, rel=1e-6)


@pytest.mark.parametrize("blocks", [4.0, 5.5, 12.0, 60.0])
def test_few_blocks_widen_as_students_t(blocks: float) -> None:
    lower, upper = interval(made(1.0, 1.0, 0.0), blocks)
    stretch = stats.t.ppf(0.95, blocks - 1) / NORMAL
    assert (upper - 1) / HIGH == pytest.approx(stretch, rel=3e-3)
    assert (lower - 1) / LOW == pytest.approx(stretch, rel=3e-3)


def test_freedom_is_that_of_a_sum_of_variances() -> None:
    # Of days 4 with 6 blocks, the rest 7 - 4 = 3 with 10 cells:
    # 7^2 / (4^2 / 5 + 3^2 / 9) = 49 / 4.2 degrees
    _, upper = interval(made(3.0, 2.0, 2.0), blocks=6.0, cells=10)
    stretch = stats.t.ppf(0.95, 49 / 4.2) / NORMAL
    assert (upper - 1) / HIGH / np.sqrt(7.0) == pytest.approx(stretch, rel=3e-3)


def test_fewer_than_three_degrees_count_as_three() -> None:
    _, upper = interval(made(1.0, 1.0, 0.0), blocks=2.0)
    assert (upper - 1) / HIGH == pytest.approx(stats.t.ppf(0.95, 3) / NORMAL, rel=3e-3)


def test_score_that_never_changes_has_no_width() -> None:
    assert interval(made(0.0, 0.0, 0.0), blocks=5.0, cells=6) == (1.0, 1.0)


def test_draws_without_a_value_count_for_nothing() -> None:
    drawn = made(1.0, 1.0, 0.0)
    drawn.both[0, :150] = drawn.days[0, :150] = np.nan
    kept = Resampled(*(part[:, 150:] for part in drawn))
    assert interval(drawn) == pytest.approx(interval(kept))
    drawn.both[0, :250] = np.nan
    assert np.isnan(interval(drawn)).all()


def test_two_models_are_joined_draw_by_draw() -> None:
    ours, theirs = made(3.0, 2.0, 2.0), made(1.0, 1.0, 1.0)
    joined = ours.join_draws(theirs, np.subtract)
    assert joined.both == pytest.approx(2.0 * SHAPE[None])
    assert joined.days == pytest.approx(SHAPE[None])
    assert joined.cells == pytest.approx(SHAPE[None])


def test_draws_that_pile_up_do_not_end_the_interval_at_the_score() -> None:
    # Six of ten draws are 0 and the rest lie up to 0.5; the score is 0.2.
    draws = np.concatenate([np.zeros(240), np.linspace(0.1, 0.5, 160)])[None]
    drawn = Resampled(draws, draws, np.full_like(draws, 0.2))
    lower, upper = make_pooled_interval(
        np.array([0.2]), drawn, blocks=MANY, cells=np.array([1]), level=LEVEL
    )
    assert lower[0] == 0.0
    assert upper[0] == pytest.approx(0.2 + np.quantile(draws, 0.95))
