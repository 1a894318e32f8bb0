"""Ridge regressions fitted again."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from somobench.consistency.fits import fit_ridge
from somobench.ladder.pooled import Sample


@pytest.mark.parametrize("penalty", [0.0, 1e-4, 0.1])
def test_ridge_is_that_of_scikit_learn(penalty: float) -> None:
    rng = np.random.default_rng(1)
    inputs, target = rng.normal(size=(200, 4)), rng.normal(size=200)
    again = rng.normal(size=(50, 4))
    model = Ridge(alpha=penalty * 200, solver="cholesky").fit(inputs, target)
    found = fit_ridge(Sample(inputs, target), penalty)(again)
    np.testing.assert_allclose(found, model.predict(again), atol=1e-12)


def test_ridge_of_three_points_is_the_one_by_hand() -> None:
    # Inputs -1, 0, 1 and targets 0, 1, 5: mean 2, sum of products 5, of squares 2.
    # A penalty of 1/3 for each of three rows adds 1: slope 5 / 3.
    sample = Sample(np.array([[-1.0], [0.0], [1.0]]), np.array([0.0, 1.0, 5.0]))
    found = fit_ridge(sample, 1 / 3)(np.array([[3.0]]))
    np.testing.assert_allclose(found, [2 + 3 * 5 / 3])


def test_input_that_does_not_vary_has_no_slope() -> None:
    sample = Sample(np.full((3, 1), 0.5), np.array([0.0, 1.0, 5.0]))
    found = fit_ridge(sample, 0.0)(np.array([[0.7]]))
    np.testing.assert_allclose(found, [2.0])
