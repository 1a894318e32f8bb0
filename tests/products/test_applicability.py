"""Distance to the training climate, with values by hand."""

from __future__ import annotations

import numpy as np
import pytest

from somobench.products.applicability import describe_training
from somobench.schemas.errors import InputError

TRAIN = {"rain": np.array([0.0, 2.0, 4.0]), "warm": np.array([0.0, 0.0, 3.0])}


def test_index_is_the_distance_over_the_mean_distance_of_training_cells() -> None:
    space = describe_training(TRAIN)
    # rain: mean 2, deviation sqrt(8/3); warm: mean 1, deviation sqrt(2).
    rain, warm = np.sqrt(8 / 3), np.sqrt(2)
    near = 2 / rain
    far = np.hypot(2 / rain, 3 / warm)
    farthest = np.hypot(4 / rain, 3 / warm)
    mean = (near + far + farthest) / 3
    assert space.mean_distance == pytest.approx(mean)
    index = space.measure({"rain": np.array([1.0]), "warm": np.array([0.0])})
    assert index[0] == pytest.approx(1 / rain / mean)


def test_area_ends_at_the_largest_distance_between_training_cells() -> None:
    space = describe_training(TRAIN)
    # Each to its nearest other cell: near, near, far; none is an outlier of three.
    rain, warm = np.sqrt(8 / 3), np.sqrt(2)
    expected = np.hypot(2 / rain, 3 / warm) / space.mean_distance
    assert space.threshold == pytest.approx(expected)


def test_a_training_cell_has_no_distance_and_an_unknown_one_no_index() -> None:
    space = describe_training(TRAIN)
    given = {"rain": np.array([2.0, np.nan]), "warm": np.array([0.0, 1.0])}
    index = space.measure(given)
    assert index[0] == 0
    assert np.isnan(index[1])


def test_what_is_the_same_everywhere_is_no_predictor() -> None:
    space = describe_training(TRAIN | {"flat": np.ones(3), "gap": np.full(3, np.nan)})
    assert space.names == ("rain", "warm")


def test_two_training_cells_have_no_distance_between_others() -> None:
    with pytest.raises(InputError, match="2 train cells"):
        describe_training({"rain": np.array([1.0, 2.0])})
