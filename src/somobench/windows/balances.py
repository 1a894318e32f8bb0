"""How often a sample is drawn, or how much it weighs: pure functions of samples.

Each returns (sample,) weights, finite, positive and 1 on average.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
MOST_DEVIATIONS = 3.0  # from where on a day counts as equally extreme


class Samples(NamedTuple):
    """What a balance may know of the samples of a role.

    Attributes
    ----------
    region, regime : array of str, (sample,)
    level : array, (sample,), int8
        -1 dry, 0 normal, 1 wet: below the 10th and above the 90th percentile of the
        train days of its cell; 0 where a cell has too few.
    deviation : array, (sample,)
        From the mean of the train days of its cell, in their standard deviations; 0
        where a cell has too few.
    """

    region: NDArray[np.str_]
    regime: NDArray[np.str_]
    level: NDArray[np.int8]
    deviation: NDArray[np.float64]


def balance_groups(labels: NDArray[np.generic]) -> Weights:
    """Give every group that has samples the same weight in all.

    Examples
    --------
    >>> balance_groups(np.array(["humid", "arid", "arid", "arid"]))
    array([2.        , 0.66666667, 0.66666667, 0.66666667])
    """
    names, group, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(labels.size / (names.size * counts[group]), dtype=np.float64)


def weigh_extremes(deviation: NDArray[np.float64]) -> Weights:
    """Give a day the more weight the farther it is from the mean: 1 plus its square.

    Beyond three standard deviations it grows no more: such a day counts ten times one
    at the mean.
    """
    square = 1 + np.minimum(np.abs(deviation), MOST_DEVIATIONS) ** 2
    return np.asarray(square / square.mean() if square.size else square)


BALANCES: Mapping[str, Callable[[Samples], Weights]] = MappingProxyType(
    {
        "uniform": lambda samples: np.ones(samples.level.size),
        "region": lambda samples: balance_groups(samples.region),
        "regime": lambda samples: balance_groups(samples.regime),
        "quantile": lambda samples: balance_groups(samples.level),
        "extreme": lambda samples: weigh_extremes(samples.deviation),
    }
)
"""Every region, regime, or dry, normal and wet days as much as the others; extremes
more."""
