from __future__ import annotations

import numpy as np
import pytest

from factories.windows import make_opened, make_windows
from somobench.windows import BALANCES, open_windows
from somobench.windows.balances import Samples, balance_groups, weigh_extremes

SAMPLES = Samples(
    region=np.array(["africa", "asia", "asia", "asia"]),
    regime=np.array(["arid", "arid", "humid", "arid"]),
    level=np.array([0, 0, 0, -1], dtype=np.int8),
    deviation=np.array([0.0, 1.0, -2.0, -5.0]),
)


def test_every_group_with_samples_has_the_same_weight_in_all() -> None:
    weights = balance_groups(SAMPLES.region)
    # Two groups share four samples: 2 for the one, 2/3 each for the three.
    np.testing.assert_allclose(weights, [2, 2 / 3, 2 / 3, 2 / 3])


def test_extremes_weigh_by_their_squared_deviation_up_to_three() -> None:
    # 1, 2, 5 and, at three deviations, 10: 4.5 on average.
    expected = np.array([1, 2, 5, 10]) / 4.5
    np.testing.assert_allclose(weigh_extremes(SAMPLES.deviation), expected)


@pytest.mark.parametrize("name", BALANCES)
def test_weights_are_positive_finite_and_one_on_average(name: str) -> None:
    weights = BALANCES[name](SAMPLES)
    assert weights.shape == (4,)
    assert (weights > 0).all()
    assert np.isfinite(weights).all()
    assert weights.mean() == pytest.approx(1)


@pytest.mark.parametrize("name", BALANCES)
def test_no_sample_has_no_weight(name: str) -> None:
    nothing = Samples(*(part[:0] for part in SAMPLES))
    assert BALANCES[name](nothing).size == 0


def test_dry_and_wet_days_are_those_of_the_cells_own_train_days() -> None:
    # 100 train days whose target rises: days 0 to 9 are below the 10th percentile,
    # 90 to 99 above the 90th. The other cell trains on too few days.
    opened = make_opened(role=["1" * 100, "1" * 20 + "0" * 80])
    level = make_windows(opened).samples().level
    assert np.flatnonzero(level == -1).tolist() == [*range(10)]
    assert np.flatnonzero(level == 1).tolist() == [*range(90, 100)]


def test_quantile_balanced_draws_hold_as_many_dry_as_wet_and_normal_days() -> None:
    windows = open_windows(
        "forcing", release="virtual-2.0.0", split="temporal", layer=1, length=1
    )
    draws = windows.draws(30_000, sampler="quantile", seed=3)
    share = np.bincount(windows.samples().level[draws.draw(0)] + 1) / 30_000
    # Five standard errors of a third in 30,000 draws are 0.014.
    np.testing.assert_allclose(share, 1 / 3, atol=0.014)


def test_weights_of_the_loss_come_with_the_batch() -> None:
    windows = make_windows(make_opened(role=["1111111111", "1111111111", "1100000000"]))
    batch = windows.take(range(len(windows)), weights="region")
    # 20 samples in africa, 2 in europe: 22 / (2 * 20) and 22 / (2 * 2).
    np.testing.assert_allclose(batch.weight[[0, 21]], [0.55, 5.5], rtol=1e-6)
    assert windows.take([0]).weight.tolist() == [1]
