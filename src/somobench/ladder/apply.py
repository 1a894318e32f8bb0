"""Rungs that were fitted on a split, applied to cells that the release doesn't have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from somobench.ladder.boosting import make_boosting_learner
from somobench.ladder.fit import NotAvailable, make_layer_key
from somobench.ladder.inputs import Design, Places, derive_design, take_rows
from somobench.ladder.pooled import (
    ROWS_AT_ONCE,
    Learned,
    Learner,
    Parts,
    Predict,
    Sample,
    fit_pooled,
)
from somobench.ladder.problem import Array, Problem
from somobench.ladder.regressions import make_ridge_learner
from somobench.ladder.rungs import (
    RUNGS,
    bound_and_round,
    list_missing_inputs,
    use_one_thread,
)
from somobench.ladder.simulation import WEATHER
from somobench.ladder.water_balance import (
    RegionalModel,
    calibrate_region,
    run_regional,
)
from somobench.schemas.errors import UnknownNameError
from somobench.schemas.variables import TEST

Weather = Mapping[str, NDArray[np.float32]]
Statics = Mapping[str, Array]

_POOLED: Mapping[str, tuple[str, Callable[[Problem], Learner]]] = {
    "ridge_forcing": ("forcing", lambda it: make_ridge_learner(it.params.penalties)),
    "ridge_memory": ("memory", lambda it: make_ridge_learner(it.params.penalties)),
    "gradient_boosting": (
        "memory",
        lambda it: make_boosting_learner(it.params.boosting, it.params.seed),
    ),
}
APPLICABLE = (*_POOLED, "water_balance")
"""Rungs that predict cells that they never saw."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedRung:
    """A rung that was fitted; can be sent to another process.

    Attributes
    ----------
    name : str
    layers : labels that it predicts
    variables : weather that it needs on every day
    statics : attributes of cells that it reads; where a cell has none, it counts as the
        mean of train cells
    apply : callable
        Of weather, (cell, day), and statics, (cell,), to (layer, cell, day), m3 m-3.
    """

    name: str
    layers: tuple[int, ...]
    variables: tuple[str, ...]
    statics: tuple[str, ...]
    apply: Callable[[Weather, Statics], Array]

    def predict(self, weather: Weather, statics: Statics) -> NDArray[np.float32]:
        """Predict cells, (layer, cell, day), m3 m-3, rounded as published predictions.

        A day is missing where any of its weather is.
        """
        with use_one_thread():
            values = self.apply(weather, statics)
        known = np.all([np.isfinite(weather[name]) for name in self.variables], axis=0)
        return np.where(known, bound_and_round(values), np.float32(np.nan))


def fit_rung(name: str, problem: Problem) -> FittedRung | NotAvailable:
    """Fit a rung on the train cells and days of a split.

    Raises
    ------
    UnknownNameError
        If it isn't one that can be applied to other cells.
    """
    if name not in APPLICABLE:
        expected = ", ".join(APPLICABLE)
        raise UnknownNameError("rung for other cells", found=name, expected=expected)
    lacking = list_missing_inputs(RUNGS[name], problem)
    if lacking:
        return NotAvailable(lacking)
    untested = replace(
        problem.hide_observations(),
        role=np.where(problem.role == TEST, 0, problem.role).astype(np.int8),
    )
    with use_one_thread():
        if name == "water_balance":
            return _fit_water_balance(untested)
        return _fit_pooled(name, untested)


def _fit_pooled(name: str, problem: Problem) -> FittedRung | NotAvailable:
    feature_set, make_learner = _POOLED[name]
    learn, fitted = make_learner(problem), list[Predict]()

    def keep(train: Sample, validation: Parts) -> Learned:
        learned = learn(train, validation)
        fitted.append(learned.predict)
        return learned

    design = derive_design(problem, feature_set)
    outcome = fit_pooled(problem, design, keep)
    if isinstance(outcome, NotAvailable):
        return outcome
    layers = [
        layer
        for layer in problem.layers.tolist()
        if make_layer_key(layer) in outcome.chosen
    ]
    moments = measure_statics(problem)
    plain = Design(design.columns, statics=False)
    return FittedRung(
        name=name,
        layers=tuple(layers),
        variables=tuple(sorted({column.name for column in design.columns})),
        statics=tuple(moments),
        apply=partial(_apply_pooled, _strip(problem), plain, moments, tuple(fitted)),
    )


def _strip(problem: Problem) -> Problem:
    """Return what of a problem standardising needs, and none of its days."""
    none = np.empty((0, 0, 0))
    return replace(
        problem,
        train_target=none,
        validation_target=none,
        climatology=none,
        reanalysis=None,
        role=np.empty((0, 0), np.int8),
        forcing={},
        statics={},
    )


def measure_statics(problem: Problem) -> dict[str, tuple[float, float]]:
    """Return mean and deviation over train cells of the attributes that are read.

    They are those of `inputs.standardise_statics`, in its order.
    """
    trained = problem.train_cells
    moments = {}
    for name in sorted(problem.statics):
        values = problem.statics[name]
        if trained.any() and np.isfinite(values).all() and values[trained].std() > 0:
            own = values[trained]
            moments[name] = float(own.mean()), float(own.std())
    return moments


def _apply_pooled(  # noqa: PLR0917 - a partial holds the first ones
    problem: Problem,
    design: Design,
    moments: Mapping[str, tuple[float, float]],
    fitted: tuple[Predict, ...],
    weather: Weather,
    statics: Statics,
) -> Array:
    """Predict all cells and days, some rows at a time."""
    here = replace(problem, forcing=weather)
    cells, days = next(iter(weather.values())).shape
    attributes = np.zeros((cells, len(moments)))
    for place, (name, (mean, std)) in enumerate(moments.items()):
        given = statics.get(name, np.full(cells, np.nan))
        attributes[:, place] = np.nan_to_num((given - mean) / std)
    values = np.empty((len(fitted), cells * days))
    for start in range(0, cells * days, ROWS_AT_ONCE):
        rows = np.arange(start, min(start + ROWS_AT_ONCE, cells * days))
        places = Places(*np.divmod(rows, days))
        inputs = take_rows(here, design, places, *attributes[places.cells].T)
        for place, predict in enumerate(fitted):
            values[place, rows] = predict(inputs)
    return values.reshape(len(fitted), cells, days)


def _fit_water_balance(problem: Problem) -> FittedRung | NotAvailable:
    models = calibrate_region(problem)
    if not models:
        return NotAvailable("no cell has enough train values")
    return FittedRung(
        name="water_balance",
        layers=tuple(models),
        variables=WEATHER,
        statics=(),
        apply=partial(
            _apply_water_balance,
            tuple(models.values()),
            problem.latent_heat,
            problem.params.water_balance.spin_up_days,
        ),
    )


def _apply_water_balance(
    models: tuple[RegionalModel, ...],
    latent_heat: float,
    spin_up_days: int,
    weather: Weather,
    _statics: Statics,
) -> Array:
    """Run the water balance; cells with a gap in their weather have no prediction."""
    series = [weather[name].astype(np.float64) for name in WEATHER]
    whole = np.all([np.isfinite(part).all(axis=1) for part in series], axis=0)
    values = np.full((len(models), *series[0].shape), np.nan)
    if whole.any():
        values[:, whole] = run_regional(
            models, [part[whole] for part in series], latent_heat, spin_up_days
        )
    return values
