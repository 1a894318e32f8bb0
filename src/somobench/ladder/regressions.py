"""Linear rungs: one variable, 27 clusters, and ridges on feature sets.

The first two adapt PLUMBER's `1lin` and `3km27` (Best et al. 2015,
doi:10.1175/JHM-D-14-0158.1) to soil moisture: the same inputs where the release has
them, no memory, no attributes of cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from somobench.ladder.fit import Outcome
from somobench.ladder.inputs import Column, Design, derive_design
from somobench.ladder.pooled import (
    Learned,
    Learner,
    Parts,
    Predict,
    Sample,
    fit_pooled,
    measure_errors,
)
from somobench.ladder.problem import Array, Problem
from somobench.schemas.baseline_params import BaselineParams

RADIATION = ("shortwave_radiation", "net_radiation")
TEMPERATURE = ("air_temperature",)
HUMIDITY = ("relative_humidity", "specific_humidity")
"""Each the input of PLUMBER first, then what stands in for it."""


def fit_linear_1(problem: Problem) -> Outcome:
    """Fit one line to radiation of the day."""
    return _fit_plumber(problem, (RADIATION,), learn_line)


def fit_cluster_regression(problem: Problem) -> Outcome:
    """Fit a regression in each k-means cluster of radiation, temperature, humidity."""
    learner = cluster_learner(problem.params)
    return _fit_plumber(problem, (RADIATION, TEMPERATURE, HUMIDITY), learner)


def fit_ridge(problem: Problem, feature_set: str) -> Outcome:
    """Fit a ridge regression on a feature set."""
    design = derive_design(problem, feature_set)
    return fit_pooled(problem, design, make_ridge_learner(problem.params.penalties))


def find_first_present(names: Sequence[str], problem: Problem) -> str | None:
    """Return the first of some variables that the forcing has."""
    return next((name for name in names if name in problem.forcing), None)


def _fit_plumber(
    problem: Problem, groups: Sequence[Sequence[str]], learn: Learner
) -> Outcome:
    names = [find_first_present(group, problem) for group in groups]
    columns = tuple(Column(name, 0) for name in names if name is not None)

    def learn_and_note(train: Sample, validation: Parts) -> Learned:
        learned = learn(train, validation)
        return Learned(learned.predict, {"variables": names, **learned.chosen})

    return fit_pooled(problem, Design(columns, statics=False), learn_and_note)


def learn_line(train: Sample, _validation: Parts) -> Learned:
    """Fit an ordinary least-squares regression."""
    return Learned(_fit_linear(train), {})


def make_ridge_learner(penalties: Sequence[float]) -> Learner:
    """Return a learner that takes the penalty with the least error on validation rows.

    A penalty counts for each train row, so that it means the same for any record: the
    sum of squared errors is weighed against rows x penalty x squared coefficients.
    Without validation rows the middle one of the sorted penalties is taken.
    """
    ordered = sorted(penalties)

    def learn(train: Sample, validation: Parts) -> Learned:
        if not validation:
            penalty = ordered[len(ordered) // 2]
            chosen = {"penalty": penalty, "penalty_source": "no validation values"}
            return Learned(_fit_ridge(train, penalty), chosen)
        fits = [_fit_ridge(train, penalty) for penalty in ordered]
        errors = measure_errors(lambda rows: [fit(rows) for fit in fits], validation)
        best = int(np.argmin(errors))
        chosen = {"penalty": ordered[best], "penalty_source": "validation values"}
        return Learned(fits[best], chosen)

    return learn


def cluster_learner(params: BaselineParams) -> Learner:
    """Return a learner that fits one regression a cluster of inputs.

    Clusters with too few train rows take the regression over all rows.
    """

    def learn(train: Sample, _validation: Parts) -> Learned:
        from sklearn.cluster import KMeans

        distinct = len(np.unique(train.inputs, axis=0))
        clusters = min(params.clusters, distinct)
        means = KMeans(
            clusters, n_init=params.cluster_starts, random_state=params.seed
        ).fit(train.inputs)
        overall = _fit_linear(train)
        fits, small = [], 0
        for cluster in range(clusters):
            rows = means.labels_ == cluster
            enough = rows.sum() >= params.cluster_minimum_values
            small += not enough
            part = Sample(train.inputs[rows], train.target[rows])
            fits.append(_fit_linear(part) if enough else overall)

        def predict(inputs: Array) -> Array:
            nearest = means.predict(inputs)
            result = np.empty(len(inputs))
            for cluster in np.unique(nearest):
                rows = nearest == cluster
                result[rows] = fits[cluster](inputs[rows])
            return result

        return Learned(predict, {"clusters": clusters, "small_clusters": int(small)})

    return learn


def _fit_linear(train: Sample) -> Predict:
    from sklearn.linear_model import LinearRegression

    return _predict_of(LinearRegression().fit(train.inputs, train.target))


def _fit_ridge(train: Sample, penalty: float) -> Predict:
    from sklearn.linear_model import Ridge

    rows = len(train.target) if train.weight is None else train.weight.sum()
    model = Ridge(alpha=penalty * rows, solver="cholesky")
    return _predict_of(model.fit(train.inputs, train.target, train.weight))


def _predict_of(model: object) -> Predict:
    predict: Predict = model.predict  # type: ignore[attr-defined]  # any regressor
    return predict
