"""Marks: measures by hand, checks on what they are for, and none on honest rungs."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import xarray as xr

from factories.faults.broken_submissions import ANIMALS, Zoo, open_zoo
from somobench.scoring.copies import average_members
from somobench.scoring.marks.checks import find_marks
from somobench.scoring.marks.measures import (
    average_days_of_year,
    compare_layers,
    correlate,
    correlate_all,
    correlate_changes,
    measure_lasting,
    move,
)
from somobench.scoring.marks.record import MARK_TEXTS, MarkRecord
from somobench.scoring.models import Model

pytestmark = pytest.mark.heavy

NAN = np.nan


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    return open_zoo()


def mark(zoo: Zoo, values: np.ndarray, **options: bool) -> list[str]:
    observing = zoo.ladder.needs_observations
    plain = [model for model in zoo.references if model.name not in observing]
    return [item.check for item in find_marks(zoo.case, values, plain, **options)]


def test_correlation_is_that_of_numpy_over_common_days() -> None:
    generator = np.random.default_rng(0)
    one, other = generator.standard_normal((2, 3, 100))
    one[0, :10] = NAN
    other[1, :50] = NAN
    found = correlate(one, other)
    assert found[0] == pytest.approx(np.corrcoef(one[0, 10:], other[0, 10:])[0, 1])
    assert np.isnan(found[1])  # 50 days of 60
    assert np.diag(correlate_all(one, other))[[0, 2]] == pytest.approx(found[[0, 2]])


def test_changes_are_moved_later() -> None:
    moved = move(np.array([[1.0, 2.0, 3.0]]), 1)
    np.testing.assert_array_equal(moved, [[NAN, 1.0, 2.0]])
    walk = np.cumsum(np.random.default_rng(0).standard_normal((1, 100)), axis=1)
    early = move(walk, -1)
    assert correlate_changes(early, walk, 1)[0] == pytest.approx(1.0)


def test_errors_that_last_keep_their_spread_and_white_ones_lose_it() -> None:
    generator = np.random.default_rng(0)
    target = np.cumsum(generator.standard_normal((1, 900)), axis=1)
    blocks = np.repeat(generator.standard_normal((1, 30)), 30, axis=1)
    # An error that is one number a block is its own block mean.
    assert measure_lasting(target + 0.1 * blocks, target, 30)[0] == pytest.approx(
        1.0, abs=0.02
    )
    many = np.repeat(target, 200, axis=0)
    white = many + generator.standard_normal(many.shape)
    # 1 / sqrt(30) = 0.183
    assert np.median(measure_lasting(white, many, 30)) == pytest.approx(0.18, abs=0.01)


def test_day_of_year_counts_where_two_years_have_it() -> None:
    values = np.array([[1.0, 2.0, 3.0, NAN]])
    found = average_days_of_year(values, np.array([1, 2, 1, 2]))
    np.testing.assert_array_equal(found, [[2.0, NAN, 2.0, NAN]])


def test_exchanged_layers_gain_in_both() -> None:
    target = np.random.default_rng(0).standard_normal((2, 100))
    layers, cells = np.array([1, 3]), np.array(["a", "a"])
    ((upper, lower, gain),) = compare_layers(target[::-1], target, layers, cells)
    assert (upper, lower) == (1, 3)
    # From r of two series that have nothing in common to 1.
    own = np.corrcoef(target)[0, 1]
    assert gain[0] == pytest.approx(1 - own)


@pytest.mark.parametrize(
    "name",
    [
        "climatology",
        "linear_1",
        "cluster_regression",
        "ridge_forcing",
        "ridge_memory",
        "gradient_boosting",
        "water_balance",
        "reanalysis",
        "ridge_state",
    ],
)
@pytest.mark.parametrize("noise", [0.0, 0.2, 1.0])
def test_rungs_are_never_marked(zoo: Zoo, name: str, noise: float) -> None:
    values = zoo.rung(name) + noise * zoo.deviation * zoo.draw(seed=3)
    assert mark(zoo, values) == []


def test_forecast_may_start_from_observations(zoo: Zoo) -> None:
    values = ANIMALS["damped_persistence"].make(zoo)
    assert "errors_cancel" in mark(zoo, values)
    assert mark(zoo, values, is_forecast=True) == []


def test_closeness_from_day_to_day_is_judged_by_the_best_reference(zoo: Zoo) -> None:
    values = ANIMALS["mixed"].make(zoo)
    assert mark(zoo, values) == ["day_to_day"]
    close = Model("close", partial(xr.DataArray, values, dims=("series", "time")))
    assert find_marks(zoo.case, values, [close]) == []


def test_few_series_are_too_few(zoo: Zoo) -> None:
    values = np.where(np.arange(len(zoo.target))[:, None] < 4, zoo.honest[:, ::-1], NAN)
    assert mark(zoo, values) == []


def test_predictions_of_every_rung_stay_as_they_were(zoo: Zoo) -> None:
    model = zoo.ladder.rungs[0]
    before = average_members(model.load()).copy()
    find_marks(zoo.case, average_members(model.load()), list(zoo.ladder.rungs))
    np.testing.assert_array_equal(average_members(model.load()), before)


@pytest.mark.parametrize("check", MARK_TEXTS)
def test_mark_says_what_why_and_what_to_say(check: str) -> None:
    record = MarkRecord(check=check, value=0.5, limit=0.25, what="a thing")  # type: ignore[arg-type]
    said = record.sentence
    assert said.startswith("the predictions look like ")
    assert ", because " in said
    assert "; if they are honest, " in said
    assert "{" not in said
