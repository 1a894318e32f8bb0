"""Forecasts from the observed state of the issue day, one to ten days ahead.

The weather of the days between counts as known. A forecast of day t and lead time L
reads the target of day t - L, and none later; where that is unknown there is no
forecast. All is fitted on train days, and chosen on validation days.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from somobench.ladder.inputs import (
    Design,
    Places,
    derive_design,
    find_places,
    standardise,
    take_rows,
)
from somobench.ladder.pooled import Predict, Sample
from somobench.ladder.problem import Array, Mask, Problem, make_double
from somobench.ladder.references import read_observed, shift_days
from somobench.ladder.regressions import make_ridge_learner
from somobench.ladder.rungs import bound_and_round, use_one_thread
from somobench.schemas.errors import UsageError
from somobench.schemas.submission_names import LONGEST_LEAD

LEADS = tuple(range(1, LONGEST_LEAD + 1))
FEATURE_SET = "memory"


def measure_damping(error: Array, leads: Sequence[int] = LEADS) -> Array:
    """Return what share of an error is left after each lead time, (lead, layer).

    The slope, without intercept, from the error of a day to that of so many days later,
    over all cells; 0 where there is none.

    Parameters
    ----------
    error : (layer, cell, day), m3 m-3
        NaN on days that don't count.
    leads : sequence of int, days
    """
    shares = []
    for lead in leads:
        before = shift_days(error, lead)
        known = np.isfinite(error) & np.isfinite(before)
        now, then = (np.where(known, part, 0.0) for part in (error, before))
        squares = (then**2).sum(axis=(1, 2))
        shares.append(
            np.divide(
                (now * then).sum(axis=(1, 2)),
                squares,
                out=np.zeros_like(squares),
                where=squares > 0,
            )
        )
    return np.stack(shares)


def carry_error(
    base: Array,
    observed: Array,
    shares: Array,
    leads: Sequence[int] = LEADS,
) -> Array:
    """Add to a simulation what is left of its error on the issue day.

    Parameters
    ----------
    base, observed : (layer, cell, day), m3 m-3
    shares : (lead, layer), as `measure_damping` gives them

    Returns
    -------
    (lead, layer, cell, day), m3 m-3
        NaN where the issue day's target is unknown.
    """
    error = observed - base
    return np.stack(
        [
            base + share[:, None, None] * shift_days(error, lead)
            for lead, share in zip(leads, shares, strict=True)
        ]
    )


def forecast_damped_persistence(problem: Problem) -> Array:
    """Return the climatology plus what is left of the issue day's departure from it."""
    climatology = make_double(problem.climatology)
    shares = measure_damping(problem.train_target - climatology)
    return carry_error(climatology, make_double(read_observed(problem)), shares)


def forecast_ridge_direct(problem: Problem) -> Array:
    """Return ridge regressions on the day's weather and the issue day's state.

    One a layer and lead time, on feature set `memory`.
    """
    observed = make_double(read_observed(problem))
    design = derive_design(problem, FEATURE_SET)
    result = np.full((len(LEADS), *observed.shape), np.nan)
    for place in range(observed.shape[0]):
        for number, lead in enumerate(LEADS):
            predict = _fit_step(problem, design, place, lead)
            state = shift_days(observed[place], lead)
            result[number, place] = _step(problem, design, predict, place, state)
    return result


def forecast_ridge_rollout(problem: Problem) -> Array:
    """Return a ridge regression from day to day, fed with what it said the day before.

    It reads the weather of feature set `memory` and the state of the day before, which
    on the issue day is the observed one.
    """
    observed = make_double(read_observed(problem))
    design = derive_design(problem, FEATURE_SET)
    result = np.full((len(LEADS), *observed.shape), np.nan)
    for place in range(observed.shape[0]):
        predict = _fit_step(problem, design, place, 1)
        state = observed[place]
        for number in range(len(LEADS)):
            before = shift_days(state, 1)
            state = _step(problem, design, predict, place, before)
            result[number, place] = state
    return result


FORECASTS: Mapping[str, Callable[[Problem], Array]] = MappingProxyType(
    {
        "damped_persistence": forecast_damped_persistence,
        "ridge_direct": forecast_ridge_direct,
        "ridge_rollout": forecast_ridge_rollout,
    }
)
"""Forecasts by name."""


def forecast(name: str, problem: Problem) -> Array:
    """Return a forecast of test days, (lead, layer, cell, day), m3 m-3.

    Raises
    ------
    UsageError
        If the release lacks the feature set, or scikit-learn isn't installed.
    """
    if FEATURE_SET not in problem.feature_sets:
        raise UsageError(
            f"forecast {name}",
            found=problem.refused.get(FEATURE_SET, "no such feature set"),
            expected=f"feature set {FEATURE_SET}",
        )
    with use_one_thread():
        values = FORECASTS[name](problem)
    return finish_forecast(problem, values)


def finish_forecast(problem: Problem, values: Array) -> Array:
    """Bound and round a forecast, and keep the test days."""
    return np.where(problem.test, bound_and_round(values), np.nan)


def _fit_step(problem: Problem, design: Design, place: int, lead: int) -> Predict:
    """Fit a layer's step from the state so many days before to that of the day."""

    def gather(target: Array) -> Sample:
        state = shift_days(target, lead)
        places = find_places(np.isfinite(target) & np.isfinite(state))
        inputs = _stack_state(problem, design, places, place, state)
        return Sample(inputs, target[places])

    learn = make_ridge_learner(problem.params.penalties)
    validation = gather(make_double(problem.validation_target[place]))
    train = gather(make_double(problem.train_target[place]))
    parts = [lambda: validation] if len(validation.target) else []
    return learn(train, parts).predict


def _stack_state(
    problem: Problem, design: Design, places: Places, place: int, state: Array
) -> Array:
    name = f"soil_moisture_layer{problem.layers[place]}"
    column = standardise(problem, name, state[places])
    return take_rows(problem, design, places, column)


def _step(
    problem: Problem, design: Design, predict: Predict, place: int, state: Array
) -> Array:
    """Take a step from a state, (cell, day); NaN where it is unknown or not needed."""
    places = find_places(np.isfinite(state) & find_forecast_days(problem))
    result = np.full(state.shape, np.nan)
    if places.cells.size:
        result[places] = predict(_stack_state(problem, design, places, place, state))
    return result


def find_forecast_days(problem: Problem) -> Mask:
    """Mark test days and the ten before each, (cell, day)."""
    wanted = np.asarray(problem.test.any(axis=0))
    result: Mask = wanted.copy()
    for lead in LEADS:
        result[:, :-lead] |= wanted[:, lead:]
    return result
