"""The ladder: reference models in order of the information that they use.

A rung is a record in `RUNGS`; `fit_predict` runs one on a problem. Fitting is done by
scikit-learn on one thread, so that a result doesn't depend on the machine's cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.ladder.boosting import fit_gradient_boosting
from somobench.ladder.fit import NotAvailable, Outcome
from somobench.ladder.problem import Problem, Series, make_double
from somobench.ladder.references import (
    predict_climatology,
    predict_persistence,
    predict_reanalysis,
)
from somobench.ladder.regressions import (
    HUMIDITY,
    RADIATION,
    TEMPERATURE,
    fit_cluster_regression,
    fit_linear_1,
    fit_ridge,
)
from somobench.ladder.water_balance import fit_water_balance
from somobench.schemas.errors import UnknownNameError, UsageError
from somobench.schemas.variables import VARIABLES

DECIMALS = 5  # as targets are published

Needs = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """A reference model.

    Attributes
    ----------
    name, title, description : str
    needs : tuple of tuples of variables
        One variable of each group; the first that the release has is taken.
    feature_set : str or None
        The feature set that it reads, as the release defines it.
    needs_observations : bool
        Whether it reads observations of the cell and days that it predicts, so that it
        is compared with other rungs on common cell-days only.
    reference : bool
        Whether it is one of SoMoBench's four published baselines.
    fit : callable
    """

    name: str
    title: str
    description: str
    fit: Callable[[Problem], Outcome]
    needs: Needs = ()
    feature_set: str | None = None
    needs_observations: bool = False
    reference: bool = False


class Prediction(NamedTuple):
    """What a rung predicts on a split, and how it came about.

    `values` is (layer, cell, day), m3 m-3, float32, five decimals, within the physical
    range of soil moisture; NaN outside test days. `chosen` holds hyper-parameters and
    `summary` facts of the fit, both by layer.
    """

    values: NDArray[np.float32]
    chosen: dict[str, Any]
    summary: dict[str, Any]


_LADDER = (
    Rung(
        name="climatology",
        title="Climatology",
        description="Smoothed day-of-year mean of train days; of a held-out cell that "
        "of the train cells most like it.",
        fit=predict_climatology,
        feature_set="climatology",
        reference=True,
    ),
    Rung(
        name="linear_1",
        title="One-variable regression",
        description="Linear regression on radiation of the day, after PLUMBER's 1lin.",
        fit=fit_linear_1,
        needs=(RADIATION,),
    ),
    Rung(
        name="cluster_regression",
        title="Three-variable cluster regression",
        description="Linear regressions in k-means clusters of radiation, temperature "
        "and humidity of the day, after PLUMBER's 3km27.",
        fit=fit_cluster_regression,
        needs=(RADIATION, TEMPERATURE, HUMIDITY),
    ),
    Rung(
        name="ridge_forcing",
        title="Ridge, forcing",
        description="Pooled ridge regression on feature set forcing.",
        fit=partial(fit_ridge, feature_set="forcing"),
        feature_set="forcing",
        reference=True,
    ),
    Rung(
        name="ridge_memory",
        title="Ridge, forcing and memory",
        description="Pooled ridge regression on feature set memory.",
        fit=partial(fit_ridge, feature_set="memory"),
        feature_set="memory",
        reference=True,
    ),
    Rung(
        name="gradient_boosting",
        title="Gradient boosting",
        description="Pooled gradient-boosted trees on feature set memory.",
        fit=fit_gradient_boosting,
        feature_set="memory",
    ),
    Rung(
        name="water_balance",
        title="Water-balance model",
        description="Simple Water Balance Model (SWBM) on all weather so far, "
        "calibrated on train days.",
        fit=fit_water_balance,
        needs=(("precipitation",), ("net_radiation",), ("air_temperature",)),
    ),
    # The place of a regional LSTM: all weather so far, as the water balance.
    Rung(
        name="reanalysis",
        title="Reanalysis",
        description="Soil moisture of the reanalysis, unchanged; targets have its mean "
        "and variance by construction.",
        fit=predict_reanalysis,
        needs=(("reanalysis_soil_moisture",),),
    ),
    Rung(
        name="persistence",
        title="Persistence",
        description="Target of the day before, where it is known.",
        fit=predict_persistence,
        needs_observations=True,
    ),
    Rung(
        name="ridge_state",
        title="Ridge, state-augmented",
        description="Pooled ridge regression on feature set state: memory, skin "
        "temperature, and below the first layer the observed layer above.",
        fit=partial(fit_ridge, feature_set="state"),
        feature_set="state",
        needs_observations=True,
        reference=True,
    ),
)

RUNGS: Mapping[str, Rung] = MappingProxyType({rung.name: rung for rung in _LADDER})
"""Every rung by name, lowest first: climate, weather, model, observations."""


def fit_predict(name: str, problem: Problem) -> Prediction | NotAvailable:
    """Train a rung on the train cells and days of a split and predict its test days.

    Only rungs that are marked `needs_observations` get to see targets of other than
    train and validation days. The same problem gives the same values, on any number of
    threads.

    Parameters
    ----------
    name : str
        A key of `RUNGS`.
    problem : Problem

    Returns
    -------
    Prediction, or NotAvailable with the reason

    Raises
    ------
    UnknownNameError
        If there is no such rung.
    UsageError
        If scikit-learn isn't installed.
    """
    if name not in RUNGS:
        raise UnknownNameError("rung", found=name, expected=", ".join(RUNGS))
    rung = RUNGS[name]
    lacking = list_missing_inputs(rung, problem)
    if lacking:
        return NotAvailable(lacking)
    if not rung.needs_observations:
        problem = problem.hide_observations()
    with use_one_thread():
        outcome = rung.fit(problem)
    if isinstance(outcome, NotAvailable):
        return outcome
    values = np.empty(outcome.values.shape, np.float32)
    for place, layer in enumerate(outcome.values):
        values[place] = bound_and_round(layer)
    return Prediction(values, outcome.chosen, outcome.summary)


def list_missing_inputs(rung: Rung, problem: Problem) -> str:
    """Say which inputs of a rung the release lacks; empty where it lacks none."""
    present = set(problem.forcing)
    if problem.reanalysis is not None:
        present.add("reanalysis_soil_moisture")
    lacking = [
        " or ".join(_name_lacking(name, problem) for name in group)
        for group in rung.needs
        if not present.intersection(group)
    ]
    if lacking:
        return f"the forcing has no {', no '.join(lacking)}"
    if rung.feature_set is None or rung.feature_set in problem.feature_sets:
        return ""
    reason = problem.refused.get(rung.feature_set, "not defined by the release")
    return f"feature set {rung.feature_set}: {reason}"


def _name_lacking(name: str, problem: Problem) -> str:
    """Name a variable, and that it is there but lacks days."""
    return f"{name} on every day" if name in problem.incomplete else name


def bound_and_round(values: Series) -> NDArray[np.float32]:
    """Bring predictions into the physical range and round them as targets are."""
    physical = VARIABLES["soil_moisture"]
    bounded = np.clip(make_double(values), physical.minimum, physical.maximum)
    return np.round(bounded, DECIMALS).astype(np.float32) + np.float32(0)


@contextmanager
def use_one_thread() -> Iterator[None]:
    """Keep scikit-learn and linear algebra on one thread.

    Sums of several threads depend on their number. Libraries are loaded first, since
    the limit doesn't reach one that comes later.
    """
    try:
        import sklearn.cluster
        import sklearn.ensemble  # noqa: F401  # loads the thread pools to limit
        from threadpoolctl import (  # type: ignore[import-untyped]  # ships no types
            threadpool_limits,
        )
    except ImportError as error:
        raise UsageError(
            "the ladder",
            found=error,
            expected="scikit-learn",
            hint="pip install 'somobench[models]'",
        ) from error
    with threadpool_limits(limits=1):
        yield
