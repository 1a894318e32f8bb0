"""Trained networks: the same weights twice, after a kill too; no test day is seen."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories.problems import NAMES, make_problem
from somobench.ladder.problem import Problem
from somobench.ladder.simulation import read_weather
from somobench.ladder.swbm import Parameters, simulate_wetness
from somobench.neural.rungs import NEURAL
from somobench.neural.settings import NeuralSettings
from somobench.schemas.errors import IntegrityError, UsageError

torch = pytest.importorskip("torch")

from somobench.neural import fit  # noqa: E402 - it needs torch
from somobench.neural.ensemble import (  # noqa: E402
    Ensemble,
    describe_training,
    train_ensemble,
)
from somobench.neural.hybrid import gather_forcing  # noqa: E402

GROUPS = ["wet", "dry"] * (len(NAMES) // 2)
TINY: dict[str, Any] = {
    "hidden": 4,
    "days": 40,
    "warm_up": 20,
    "batch": 4,
    "updates": 12,
    "checks": 3,
    "dropout": 0.1,
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return make_problem(np.random.default_rng(3)).hide_observations()


def train(problem: Problem, name: str = "lstm", **other: Any) -> Ensemble:
    rung = NEURAL[name]
    folder = other.pop("folder", None)
    settings = NeuralSettings(**(dict(rung.changes) | TINY | other))
    return train_ensemble(
        rung, problem, settings, seeds=[1], groups=GROUPS, folder=folder
    )


def hash_of(ensemble: Ensemble) -> str:
    return str(ensemble.record["seeds"][0]["weights_sha256"])


@pytest.mark.parametrize("name", NEURAL)
def test_same_seed_gives_the_same_weights_on_any_number_of_threads(
    problem: Problem, name: str
) -> None:
    first = train(problem, name)
    torch.set_num_threads(2)
    again = train(problem, name)
    assert torch.get_num_threads() == 2
    assert hash_of(first) == hash_of(again)
    assert first.values.tobytes() == again.values.tobytes()


def test_other_seed_gives_other_weights(problem: Problem) -> None:
    rung, settings = NEURAL["lstm"], NeuralSettings(**TINY)
    both = train_ensemble(rung, problem, settings, seeds=[1, 2], groups=GROUPS)
    one, two = both.record["seeds"]
    assert one["weights_sha256"] != two["weights_sha256"]
    assert both.values.shape == (2, *problem.train_target.shape)


@pytest.mark.parametrize("name", ["lstm", "lstm_dro"])
def test_killed_training_ends_with_the_weights_that_it_would_have_had(
    problem: Problem, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(problem, name)
    check = fit._check
    calls = []

    def check_then_die(*given: Any) -> None:
        calls.append(None)
        if len(calls) == 2:
            raise KeyboardInterrupt
        check(*given)

    monkeypatch.setattr(fit, "_check", check_then_die)
    with pytest.raises(KeyboardInterrupt):
        train(problem, name, folder=tmp_path)
    monkeypatch.setattr(fit, "_check", check)
    steps: list[int] = []
    update = fit._update

    def count_then_update(*given: Any) -> None:
        steps.append(given[-1].update)
        update(*given)

    monkeypatch.setattr(fit, "_update", count_then_update)
    resumed = train(problem, name, folder=tmp_path)
    assert steps == [4, 5, 6, 7, 8, 9, 10, 11]  # a check each 4 of 12 updates
    assert hash_of(resumed) == hash_of(whole)


def test_checkpoint_of_other_settings_is_not_resumed(
    problem: Problem, tmp_path: Path
) -> None:
    train(problem, folder=tmp_path, hidden=4)
    other = hash_of(train(problem, folder=tmp_path, hidden=5))
    assert other == hash_of(train(problem, hidden=5))


def test_damaged_checkpoint_is_named(problem: Problem, tmp_path: Path) -> None:
    (tmp_path / "seed_1.pt").write_bytes(b"half")
    with pytest.raises(IntegrityError, match=r"seed_1\.pt.*\n.*\n.*\n.*remove"):
        train(problem, folder=tmp_path)


def test_last_weights_count_without_validation_days(problem: Problem) -> None:
    nothing = np.full_like(problem.validation_target, np.nan)
    trained = train(replace(problem, validation_target=nothing))
    (seed,) = trained.record["seeds"]
    assert seed["updates_kept"] == 12
    assert seed["validation_errors"] == []


def test_training_leaves_the_generator_of_its_caller_alone(problem: Problem) -> None:
    torch.manual_seed(9)
    expected = torch.rand(1)
    torch.manual_seed(9)
    train(problem)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("name", NEURAL)
def test_training_reads_no_observation(problem: Problem, name: str) -> None:
    assert problem.observed is None
    assert np.isfinite(train(problem, name).values).all()


def test_training_answers_to_the_train_days(problem: Problem) -> None:
    turned = replace(problem, train_target=0.9 - problem.train_target)
    assert hash_of(train(turned)) != hash_of(train(problem))


def test_weighting_changes_what_is_learned(problem: Problem) -> None:
    plain = hash_of(train(problem))
    assert hash_of(train(problem, weighting="extreme")) != plain


@pytest.mark.parametrize("name", [name for name in NEURAL if name != "hybrid"])
def test_network_learns_soil_moisture_that_follows_rain(
    problem: Problem, name: str
) -> None:
    # Targets of the factory are rain that decays, and a little noise.
    trained = train(
        problem, name, updates=150, hidden=8, batch=8, learning_rate=0.02, dropout=0.0
    )
    found, target = trained.values[0], problem.validation_target
    for layer in (0, 1):
        known = np.isfinite(target[layer])
        correlation = np.corrcoef(found[layer][known], target[layer][known])[0, 1]
        assert correlation > 0.7


def test_hybrid_learns_soil_moisture_of_a_water_balance(problem: Problem) -> None:
    # Capacity and shapes lie far from the middle of their ranges, where it begins.
    true = Parameters(*(np.array([[x]]) for x in (40.0, 1.2, 1.5, 0.9, 2.0)))
    weather = read_weather(problem.forcing, problem.latent_heat)
    wetness = simulate_wetness(true, weather, 60)[0]
    made = np.stack([0.1 + 0.3 * wetness] * 2)
    days = np.isfinite(problem.train_target), np.isfinite(problem.validation_target)
    train_target, validation_target = (np.where(known, made, np.nan) for known in days)
    changed = replace(
        problem, train_target=train_target, validation_target=validation_target
    )
    found = train(
        changed, "hybrid", updates=90, days=60, warm_up=60, learning_rate=0.05
    )
    first, last = (found.record["seeds"][0]["validation_errors"][x] for x in (0, -1))
    assert last < first / 2
    known = days[1][0]
    assert np.corrcoef(found.values[0, 0][known], made[0][known])[0, 1] > 0.95


@pytest.mark.parametrize("content", [b"", b"junk" * 99, b"PK\3\4" + bytes(500)])
def test_damaged_checkpoint_is_named_with_a_way_on(
    problem: Problem, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "seed_1.pt").write_bytes(content)
    with pytest.raises(IntegrityError, match="remove the file"):
        train(problem, folder=tmp_path)


def test_checkpoint_of_something_else_is_refused(
    problem: Problem, tmp_path: Path
) -> None:
    torch.save([1], tmp_path / "seed_1.pt")
    with pytest.raises(IntegrityError, match=r"seed_1\.pt"):
        train(problem, folder=tmp_path)


def test_training_that_diverges_is_refused(problem: Problem) -> None:
    with pytest.raises(UsageError, match="diverged"):
        train(problem, learning_rate=1e30)


def test_training_without_a_train_day_is_refused(problem: Problem) -> None:
    nothing = np.full_like(problem.train_target, np.nan)
    with pytest.raises(UsageError, match="no train day"):
        train(replace(problem, train_target=nothing))


def test_spin_up_may_be_longer_than_the_record(problem: Problem) -> None:
    days = problem.role.shape[1]
    given = gather_forcing(problem.forcing, problem.latent_heat, 2 * days + 1)
    np.testing.assert_array_equal(given[:days], given[days : 2 * days])
    assert len(given) == 3 * days + 1


def test_error_of_a_check_that_diverged_is_none_in_the_record() -> None:
    progress = fit.Progress(errors=[0.5, float("inf")])
    record = describe_training(1, progress, ["all"])
    assert record["validation_errors"] == [0.5, None]


def test_layer_without_a_train_target_has_no_prediction(problem: Problem) -> None:
    target = problem.train_target.copy()
    target[-1] = np.nan
    values = train(replace(problem, train_target=target)).values
    assert np.isnan(values[:, -1]).all()
    assert np.isfinite(values[:, 0]).any()
