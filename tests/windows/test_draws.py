from __future__ import annotations

import numpy as np
import pytest

from factories.windows import make_windows
from somobench.schemas.errors import UsageError
from somobench.windows.draws import Draws, shuffle

WEIGHTS = np.array([1.0, 0, 3, 0, 0])
SAMPLERS = {
    "sequential": Draws(5, 2, sampler="sequential"),
    "uniform": Draws(5, 2, seed=1),
    "weighted": Draws(5, 2, sampler="region", weights=WEIGHTS, seed=1),
}


def test_a_uniform_epoch_holds_every_row_once() -> None:
    draws = Draws(1000, 64, seed=1)
    rows = np.concatenate([draws.draw(number) for number in range(draws.per_epoch)])
    assert np.sort(rows).tolist() == [*range(1000)]
    assert rows.tolist() != [*range(1000)]


def test_every_count_of_rows_has_an_order() -> None:
    for count in range(1, 130):
        order = shuffle(np.arange(count), count, (1, count))
        assert np.sort(order).tolist() == [*range(count)]


def test_neighbours_in_a_random_order_are_as_far_apart_as_random_numbers() -> None:
    order = shuffle(np.arange(100_000), 100_000, (1, 0))
    # Two random numbers below n are n / 3 apart on average, with a deviation of
    # n / sqrt(18); five standard errors of 100,000 pairs are 0.0037 n.
    assert np.abs(np.diff(order)).mean() / 100_000 == pytest.approx(1 / 3, abs=0.0037)


def test_another_epoch_and_another_seed_have_another_order() -> None:
    first = Draws(1000, 1000, seed=1)
    assert first.draw(0).tolist() != first.draw(1).tolist()
    assert first.draw(0).tolist() != Draws(1000, 1000, seed=2).draw(0).tolist()


@pytest.mark.parametrize("name", SAMPLERS)
def test_a_batch_does_not_depend_on_those_before(name: str) -> None:
    draws = SAMPLERS[name]
    forwards = [draws.draw(number).tolist() for number in range(6)]
    backwards = [draws.draw(number).tolist() for number in reversed(range(6))]
    assert forwards == backwards[::-1]
    assert [len(rows) for rows in forwards] == [2, 2, 1, 2, 2, 1]


def test_rows_without_weight_are_never_drawn() -> None:
    draws = Draws(5, 4000, sampler="region", weights=WEIGHTS, seed=1)
    rows = np.concatenate([draws.draw(number) for number in range(2000)])
    counts = np.bincount(rows, minlength=5) / rows.size
    assert counts[[1, 3, 4]].tolist() == [0, 0, 0]
    # Three in four; five standard errors in 10,000 draws are 0.022.
    assert counts[2] == pytest.approx(0.75, abs=0.022)


def test_batches_go_on_where_a_run_stopped() -> None:
    windows = make_windows()
    whole = [batch.day.tolist() for batch in windows.batches(3, seed=4, epochs=2)]
    rest = [
        batch.day.tolist() for batch in windows.batches(3, seed=4, epochs=2, start=4)
    ]
    assert rest == whole[4:]
    assert len(whole) == 6


def test_a_start_before_the_first_batch_is_refused() -> None:
    with pytest.raises(UsageError, match="start"):
        make_windows().batches(2, start=-1)
    with pytest.raises(UsageError, match="start"):
        make_windows().torch_dataset(2, start=-1)


@pytest.mark.parametrize("wrong", [{"size": 0}, {"size": 2.5}, {"seed": -1}])
def test_batches_of_none_and_seeds_below_zero_are_refused(wrong: dict) -> None:
    with pytest.raises(UsageError, match="or more"):
        make_windows().draws(**{"size": 2} | wrong)
