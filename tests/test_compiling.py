"""Sums of compiled loops against numpy's."""

from __future__ import annotations

import numpy as np
import pytest

from somobench.compiling import LANES, sum_pairwise


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 127, 128, 129, 136, 1000, 8001])
def test_pairwise_sum_has_the_bits_of_numpys(
    rng: np.random.Generator, size: int
) -> None:
    values = rng.standard_normal((3, size + 4))
    expected = values[:, 2 : size + 2].copy().sum(axis=1)
    found = [sum_pairwise(row, 2, size + 2, np.empty(LANES)) for row in values]
    np.testing.assert_array_equal(found, expected)
