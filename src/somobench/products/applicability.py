"""How far a place is from the climates and soils that a model was trained on.

Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650: the dissimilarity index is the
distance to the nearest training point in the space of standardised predictors, over the
mean distance between all pairs of training points. Within the area of applicability it
is at most the largest one, outliers apart, that training points have to points of other
folds. Here a training point is a cell, each cell is a fold, and predictors, climate
means and attributes of cells, all weigh the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from somobench.schemas.errors import InputError

Floats = NDArray[np.float64]

WHISKER = 1.5  # interquartile ranges over the upper quartile; of a box plot
FEWEST = 3  # train cells, below which there is no distance between others
_AT_ONCE = 2_000_000  # differences


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingSpace:
    """Training cells in the space of their predictors.

    Attributes
    ----------
    names : of predictors that differ between training cells
    mean, std : (predictor,)
    points : (cell, predictor), standardised
    mean_distance : between all pairs of points
    threshold : largest dissimilarity index within the area of applicability
    """

    names: tuple[str, ...]
    mean: Floats
    std: Floats
    points: Floats
    mean_distance: float
    threshold: float

    def measure(self, predictors: Mapping[str, Floats]) -> Floats:
        """Return the dissimilarity index of cells, (cell,); NaN where one is missing.

        Parameters
        ----------
        predictors : mapping of name to (cell,)
        """
        given = np.stack([predictors[name] for name in self.names], axis=1)
        scaled = (given - self.mean) / self.std
        index = np.full(len(scaled), np.nan)
        known = np.flatnonzero(np.isfinite(scaled).all(axis=1))
        count = max(1, _AT_ONCE // self.points.size)
        for start in range(0, known.size, count):
            part = known[start : start + count]
            nearest = _measure_distances(scaled[part], self.points).min(axis=1)
            index[part] = nearest / self.mean_distance
        return index


def describe_training(predictors: Mapping[str, Floats]) -> TrainingSpace:
    """Return the space of training cells, and where applicability ends.

    Parameters
    ----------
    predictors : mapping of name to (cell,)
        Those that aren't known of every cell, or are the same in all, are left out.

    Raises
    ------
    InputError
        For fewer than three cells, or nothing that differs between them.

    Examples
    --------
    >>> space = describe_training({"rain": np.array([0.0, 1.0, 3.0])})
    >>> space.measure({"rain": np.array([3.0, 5.0])}).round(6).tolist()
    [0.0, 1.0]
    """
    names = [
        name
        for name, values in sorted(predictors.items())
        if np.isfinite(values).all() and values.std() > 0
    ]
    count = len(next(iter(predictors.values()), []))
    if count < FEWEST or not names:
        raise InputError(
            "training climate",
            found=f"{count} train cells, {len(names)} predictors that differ",
            expected=f"at least {FEWEST} cells and a predictor",
        )
    values = np.stack([predictors[name] for name in names], axis=1)
    mean, std = values.mean(axis=0), values.std(axis=0)
    points = (values - mean) / std
    distances = _measure_distances(points, points)
    pairs = distances[np.triu_indices(count, k=1)]
    mean_distance = float(pairs.mean())
    np.fill_diagonal(distances, np.inf)
    own = distances.min(axis=1) / mean_distance
    return TrainingSpace(
        names=tuple(names),
        mean=mean,
        std=std,
        points=points,
        mean_distance=mean_distance,
        threshold=find_whisker(own),
    )


def find_whisker(values: Sequence[float] | Floats) -> float:
    """Return the largest value that is no outlier of a box plot.

    Examples
    --------
    >>> find_whisker([1.0, 2.0, 3.0, 4.0, 30.0])
    4.0
    """
    ordered = np.asarray(values, np.float64)
    low, high = np.quantile(ordered, [0.25, 0.75])
    return float(ordered[ordered <= high + WHISKER * (high - low)].max())


def _measure_distances(points: Floats, others: Floats) -> Floats:
    """Return Euclidean distances, (point, other)."""
    squares = ((points[:, None] - others[None]) ** 2).sum(axis=2)
    return np.asarray(np.sqrt(squares))
