"""Ensemble scores derived by hand, and reliable ensembles."""

from __future__ import annotations

import numpy as np
import pytest

from somobench.metrics.ensembles import average_member_difference, crps, ensemble_family
from somobench.metrics.moments import Scores


def totals(members: np.ndarray, target: np.ndarray) -> Scores:
    """Score all days."""
    return ensemble_family(members, target).totals()


def test_crps_of_two_members_is_derived_by_hand() -> None:
    # members 1 and 3, target 2: mean error 1; pairs differ by 0 2 2 0, mean 1.
    # Empirical: 1 - 1/2. Fair, over the two different pairs: 1 - 2/2.
    members, target = np.array([1.0, 3.0]), np.array(2.0)
    assert average_member_difference(members) == pytest.approx(1.0)
    assert crps(members, target) == pytest.approx(0.5)
    assert crps(members, target, fair=True) == pytest.approx(0.0)


def test_crps_of_one_member_is_its_absolute_error(rng: np.random.Generator) -> None:
    members, target = rng.random((8, 1)), rng.random(8)
    np.testing.assert_allclose(crps(members, target), abs(members[:, 0] - target))
    assert np.isnan(crps(members, target, fair=True)).all()


def test_crps_is_missing_where_a_member_is() -> None:
    members = np.array([[1.0, np.nan], [1.0, 2.0]])
    assert np.isnan(crps(members, np.array([1.0, np.nan]))).all()


def test_spread_and_skill_are_derived_by_hand() -> None:
    # Days: members (1, 3) and target 3; members (2, 2) and target 2; no target.
    # Variances (n - 1): 2 and 0; errors of the mean: -1 and 0.
    members = np.array([[[1.0, 3.0], [2.0, 2.0], [9.0, 9.0]]])
    scores = totals(members, np.array([[3.0, 2.0, np.nan]]))
    assert scores["ensemble_spread"][0] == pytest.approx(1.0)
    assert scores["ensemble_rmse"][0] == pytest.approx(np.sqrt(0.5))
    assert scores["spread_skill_ratio"][0] == pytest.approx(np.sqrt(3 / 2 * 2))


def test_day_with_a_missing_member_does_not_count() -> None:
    members = np.array([[[1.0, 3.0], [2.0, np.nan]]])
    scores = totals(members, np.array([[2.0, 5.0]]))
    assert scores["crps"][0] == pytest.approx(0.5)


def test_reliable_ensemble_has_a_ratio_of_one(rng: np.random.Generator) -> None:
    members, target = (
        rng.standard_normal((1, 20_000, 4)),
        rng.standard_normal((1, 20_000)),
    )
    scores = totals(members, target)
    # 20,000 days leave about 1 % of noise
    assert scores["spread_skill_ratio"][0] == pytest.approx(1.0, abs=0.02)


def test_fair_score_does_not_favour_many_members(rng: np.random.Generator) -> None:
    target = rng.standard_normal((1, 20_000))
    few, many = (
        totals(rng.standard_normal((1, 20_000, size)), target) for size in (3, 12)
    )
    assert few["crps_fair"][0] == pytest.approx(many["crps_fair"][0], abs=0.015)
    assert few["crps"][0] > many["crps"][0] + 0.1
