"""Every invariance that a metric declares holds, and none that it doesn't declare.

Parametrised over the registry: a new metric is tested by being in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.signal import lfilter

from somobench.metrics.definition import Invariance, Metric
from somobench.metrics.registry import METRICS
from somobench.metrics.rows import Rows, score_rows
from somobench.scoring.models import LEADING

Array = NDArray[np.float64]

DAYS = 549  # as few as the shortest test period of a release: one and a half years
DAY = (np.arange(DAYS) + 181) % 366 + 1
CHANGES: tuple[Invariance, ...] = get_args(Invariance)
examples = settings(max_examples=15, deadline=None)  # a shared machine stalls
SEEDS = st.integers(0, 2**32 - 1)
SLOPES, SHIFTS = st.floats(0.1, 10), st.floats(-2, 2)


@dataclass(frozen=True)
class World:
    """Three series with gaps, droughts and a season, and their thresholds.

    `prediction` is (row, time), or (row, time, member).
    """

    prediction: Array
    target: Array
    thresholds: Mapping[str, Array]
    climatology: Array

    def score(self, metric: Metric) -> Array:
        """Score each row."""
        rows = Rows(
            self.prediction, self.target, DAY, self.climatology, self.thresholds
        )
        return score_rows(rows, [metric]).values[metric.name]


def make_world(metric: Metric, seed: int, gaps: float = 0.2) -> World:
    """Return persistent series with a season."""
    rng = np.random.default_rng(seed)

    def persistent(*shape: int) -> Array:
        noise = rng.standard_normal(shape)
        remembered: Array = lfilter([0.44], [1, -0.9], noise, axis=1)
        return remembered

    season = np.cos(2 * np.pi * DAY / 366 + rng.uniform(0, 6))
    target = 0.3 + 0.06 * season + 0.05 * persistent(3, DAYS)
    members = (3, DAYS, 4) if metric.needs == "members" else (3, DAYS)
    own = target.reshape(*target.shape, *(1 for _ in members[2:]))
    prediction = 0.1 + 0.7 * own + 0.04 * persistent(*members)
    target[rng.random(target.shape) < gaps] = np.nan
    limits = np.nanquantile(target, [0.15, 0.85], axis=1)
    return World(
        prediction,
        target,
        {"dry": limits[0], "wet": limits[1]},
        0.3 + 0.1 * rng.random((3, 366)),
    )


def both(world: World, change: Callable[[Array], Array]) -> World:
    """Change everything that is in the target's units."""
    return World(
        change(world.prediction),
        change(world.target),
        {side: change(limit) for side, limit in world.thresholds.items()},
        change(world.climatology),
    )


def exchanged(world: World) -> World:
    """Return the prediction as target; days with a pair stay the same."""
    gap = np.isnan(world.target)
    return replace(
        world,
        prediction=world.target,
        target=np.where(gap, np.nan, world.prediction),
    )


def reordered(world: World, seed: int) -> World:
    """Put the days of both series into another order."""
    order = np.random.default_rng(seed).permutation(DAYS)
    return replace(
        world, prediction=world.prediction[:, order], target=world.target[:, order]
    )


def with_seasons(world: World, slope: float, shift: float) -> World:
    """Add a harmonic of the year to each series, and to one the climatology.

    A season is at most 0.5 m3 m-3 high: beside a season 50 times as large departures
    count as none.
    """
    angle = 2 * np.pi * DAY / 366
    more = 0.05 * slope * np.cos(angle + shift) + world.climatology[:, DAY - 1]
    if world.prediction.ndim > world.target.ndim:
        more = more[..., None]
    return replace(
        world,
        prediction=world.prediction + more,
        target=world.target + shift * np.sin(angle),
    )


def changed(
    world: World, change: Invariance, slope: float, shift: float, seed: int
) -> World:
    """Return a world after a change of its kind."""
    x = world.prediction
    makers: dict[Invariance, Callable[[], World]] = {
        "prediction_shift": lambda: replace(world, prediction=x + shift),
        "prediction_affine": lambda: replace(world, prediction=slope * x + shift),
        "prediction_monotone": lambda: replace(world, prediction=slope * np.exp(3 * x)),
        "joint_shift": lambda: both(world, lambda a: a + shift),
        "joint_scale": lambda: both(world, lambda a: slope * a),
        "joint_affine": lambda: both(world, lambda a: slope * a + shift),
        "exchange": lambda: exchanged(world),
        "day_order": lambda: reordered(world, seed),
        "season": lambda: with_seasons(world, slope, shift),
    }
    return makers[change]()


DECLARED = [
    (metric, change)
    for metric in METRICS.values()
    for change in sorted(metric.invariances)
]
OTHERS = [
    (metric, change)
    for metric in METRICS.values()
    for change in CHANGES
    if change not in metric.invariances
    and (metric.needs, change) != ("members", "exchange")  # a target has no members
]


def name_of(value: object) -> str:
    return value.name if isinstance(value, Metric) else str(value)


@pytest.mark.parametrize(("metric", "change"), DECLARED, ids=name_of)
@examples
@given(SEEDS, SLOPES, SHIFTS, st.sampled_from([0.0, 0.2, 0.6]))
def test_declared_invariance_holds(
    metric: Metric,
    change: Invariance,
    seed: int,
    slope: float,
    shift: float,
    gaps: float,
) -> None:
    world = make_world(metric, seed, gaps)
    before = world.score(metric)
    after = changed(world, change, slope, shift, seed).score(metric)
    np.testing.assert_allclose(after, before, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("metric", "change"), OTHERS, ids=name_of)
def test_invariance_that_is_not_declared_does_not_hold(
    metric: Metric, change: Invariance
) -> None:
    for seed in range(3):
        world = make_world(metric, seed)
        before = world.score(metric)
        after = changed(world, change, 3.0, 0.1, 5).score(metric)
        if not np.allclose(after, before, rtol=0, atol=1e-4, equal_nan=True):
            return
    pytest.fail(f"{metric.name} holds under {change} and doesn't declare it")


@pytest.mark.parametrize(
    "metric", [m for m in METRICS.values() if m.units is None], ids=name_of
)
@examples
@given(SEEDS, SLOPES)
def test_score_in_the_targets_units_scales_with_them(
    metric: Metric, seed: int, slope: float
) -> None:
    world = make_world(metric, seed)
    scaled = changed(world, "joint_scale", slope, 0.0, seed).score(metric)
    np.testing.assert_allclose(scaled, slope * world.score(metric), rtol=1e-9)


@pytest.mark.parametrize(
    "metric", [m for m in METRICS.values() if m.needs == "members"], ids=name_of
)
def test_order_of_members_does_not_matter(metric: Metric) -> None:
    world = make_world(metric, 3)
    other = replace(world, prediction=world.prediction[..., ::-1])
    np.testing.assert_allclose(other.score(metric), world.score(metric), rtol=1e-12)


@pytest.mark.parametrize("name", LEADING)
def test_leading_metric_does_not_depend_on_mean_and_variance(name: str) -> None:
    assert "prediction_affine" in METRICS[name].invariances
    assert not METRICS[name].scores_moments


@pytest.mark.parametrize("metric", METRICS.values(), ids=name_of)
def test_metric_of_moments_says_so(metric: Metric) -> None:
    noted = "mean and variance of the reanalysis" in str(
        metric.attrs("m3 m-3").get("note")
    )
    assert noted == ("prediction_affine" not in metric.invariances)
