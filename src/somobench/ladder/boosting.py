"""Gradient-boosted trees on feature set `memory`, stopped on validation rows."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from somobench.ladder.fit import Outcome
from somobench.ladder.inputs import derive_design
from somobench.ladder.pooled import (
    Learned,
    Learner,
    Parts,
    Sample,
    fit_pooled,
    measure_errors,
)
from somobench.ladder.problem import Array, Problem
from somobench.schemas.baseline_params import BoostingParams


def fit_gradient_boosting(problem: Problem) -> Outcome:
    """Fit boosted trees on feature set `memory`."""
    learner = make_boosting_learner(problem.params.boosting, problem.params.seed)
    return fit_pooled(problem, derive_design(problem, "memory"), learner)


def make_boosting_learner(params: BoostingParams, seed: int) -> Learner:
    """Return a learner that grows all trees and keeps the first that serve best.

    How many serve is where the error on validation rows is least; without such rows
    all of them. Nothing else is chosen.
    """

    def learn(train: Sample, validation: Parts) -> Learned:
        from sklearn.ensemble import HistGradientBoostingRegressor

        model = HistGradientBoostingRegressor(
            max_iter=params.trees,
            learning_rate=params.learning_rate,
            max_leaf_nodes=params.leaves,
            min_samples_leaf=params.leaf_minimum_values,
            early_stopping=False,
            random_state=seed,
        ).fit(train.inputs, train.target, train.weight)
        trees = count_best_trees(model, validation) or params.trees

        return Learned(partial(_predict_stage, model, trees), {"trees": trees})

    return learn


def _predict_stage(model: Any, trees: int, inputs: Array) -> Array:
    result: Array = next(islice(model.staged_predict(inputs), trees - 1, None))
    return result


def count_best_trees(model: Any, validation: Parts) -> int:
    """Count the trees with the least error on validation rows; 0 without rows."""
    if not validation:
        return 0
    return int(np.argmin(measure_errors(model.staged_predict, validation))) + 1
