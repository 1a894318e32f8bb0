"""Robustness and diversity: what was built in is found, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from factories.experiments import SMALL, make_world, take_row
from somobench.experiments import diversity, robustness
from somobench.experiments.robustness import BOTH, OTHER, SAME
from somobench.experiments.world import ENERGY, WATER
from somobench.schemas.errors import UsageError


@pytest.fixture
def few_models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robustness, "TRAINED", ("linear_1", "ridge_memory"))
    monkeypatch.setattr(diversity, "MODELS", ("ridge_memory",))


@pytest.mark.usefixtures("few_models")
def test_loss_in_the_other_regime_is_found_where_it_was_built_in() -> None:
    table = robustness.run_robustness(make_world(), SMALL, 1).table
    for tested in (ENERGY, WATER):
        asked = {"model": "ridge_memory", "tested": tested}
        other = take_row(table, **asked, arm=OTHER, against=SAME)
        assert other["low"] > 0.3  # soil answers another variable there
        both = take_row(table, **asked, arm=BOTH, against=SAME)
        assert other["value"] > both["value"] > 0
        assert take_row(table, **asked, arm=SAME, against="")["value"] > 0.7


@pytest.mark.usefixtures("few_models")
def test_no_loss_is_found_where_regimes_answer_alike() -> None:
    world = make_world(regime_effect=False)
    outcome = robustness.run_robustness(world, SMALL, 1)
    for arm, against in robustness.LOSSES:
        row = take_row(
            outcome.table, model="ridge_memory", tested="all", arm=arm, against=against
        )
        assert row["low"] < 0 < row["high"] or abs(row["value"]) < 0.002
        assert abs(row["value"]) < 0.01
    slope = take_row(
        outcome.table,
        model="ridge_memory",
        metric="pearson_r_by_distance",
        tested="all",
        arm=OTHER,
        against=SAME,
    )
    assert abs(slope["value"]) < 0.02


@pytest.mark.usefixtures("few_models")
def test_same_numbers_twice() -> None:
    world, once = make_world(), SMALL.model_copy(update={"repeats": 1, "draws": 10})
    first, second = (diversity.run_diversity(world, once, 1).table for _ in range(2))
    assert first.equals(second)


@pytest.mark.usefixtures("few_models")
def test_one_climate_teaches_less_where_regimes_differ() -> None:
    table = diversity.run_diversity(make_world(), SMALL, 1).table
    row = take_row(
        table,
        model="ridge_memory",
        tested="all",
        arm="one climate, 4",
        against="many climates, 4",
    )
    assert row["value"] > 0


def test_release_of_one_regime_is_refused_with_the_reason() -> None:
    world = make_world()
    cells = world.cells.assign(regime=ENERGY)
    with pytest.raises(UsageError, match="0 training cells of a kind"):
        robustness.run_robustness(make_world(cells=cells), SMALL, 1)


def test_release_of_one_year_is_refused_with_the_reason() -> None:
    world = make_world()
    measured = world.measured.copy()
    measured[..., 366:] = np.nan
    with pytest.raises(UsageError, match="120 values in even years and in odd ones"):
        robustness.run_robustness(make_world(measured=measured), SMALL, 1)


def test_one_climate_is_narrower_than_many() -> None:
    world = make_world()
    able = np.arange(len(world.cells))
    fold = diversity.Fold(0, 0, able[:0], able)
    arms = diversity.draw_climate_arms(
        world, fold, 8, np.random.default_rng(1), log_dryness=world.log_dryness
    )
    assert set(arms) == {
        f"{kind}, {size}" for kind in (diversity.ONE, diversity.MANY) for size in (4, 8)
    }
    for size in (4, 8):
        spread = [
            np.ptp(world.log_dryness[arms[f"{kind}, {size}"]])
            for kind in (diversity.ONE, diversity.MANY)
        ]
        assert spread[0] < spread[1]
        assert all(len(set(arms[name].tolist())) == len(arms[name]) for name in arms)
