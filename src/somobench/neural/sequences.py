"""What a network reads of a problem: standardised sequences of whole records.

Plain arrays, without PyTorch. Weather and attributes of cells are standardised by their
mean and deviation over train days and train cells, rain after log(1 + P); a day that
isn't known counts as average. Targets are standardised by layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.ladder.problem import Array, Problem, Series, make_double
from somobench.schemas.variables import TRAIN

FEATURE_SET = "forcing"
Values = NDArray[np.float32]


class Scaling(NamedTuple):
    """Names of some inputs, and the mean and deviation that standardise them."""

    names: tuple[str, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def apply(self, series: Mapping[str, NDArray[np.floating]]) -> Values:
        """Stack inputs along a last axis, standardised, 0 where one isn't known."""
        parts = []
        scales = zip(self.names, self.mean, self.deviation, strict=True)
        for name, mean, deviation in scales:
            values = (transform(name, series[name]) - mean) / deviation
            parts.append(np.where(np.isfinite(values), values, 0.0))
        return np.stack(parts, axis=-1).astype(np.float32)


class Inputs(NamedTuple):
    """How a network's inputs are standardised, and its targets restored."""

    weather: Scaling
    statics: Scaling
    target_mean: tuple[float, ...]
    target_deviation: tuple[float, ...]

    def apply_statics(self, statics: Mapping[str, Array], cells: int) -> Values:
        """Return attributes of cells, (cell, static); one of zeros where none count.

        An attribute that isn't given, or a cell doesn't have, counts as average.
        """
        if not self.statics.names:
            return np.zeros((cells, 1), np.float32)
        unknown = dict.fromkeys(self.statics.names, np.full(cells, np.nan))
        return self.statics.apply({**unknown, **statics})

    def restore(self, values: NDArray[np.floating]) -> Array:
        """Return (layer, cell, day), m3 m-3, from standardised (day, cell, layer)."""
        restored = np.asarray(self.target_mean) + values * self.target_deviation
        return np.asarray(restored.transpose(2, 1, 0), dtype=np.float64)


def transform(name: str, values: NDArray[np.floating]) -> Array:
    """Return an input as it is standardised: rain as log(1 + P), else as it is."""
    wide = np.asarray(values, dtype=np.float64)
    return np.log1p(np.maximum(wide, 0.0)) if name == "precipitation" else wide


def measure_inputs(problem: Problem) -> Inputs:
    """Measure how inputs and targets of a problem are standardised, on train days."""
    trained = problem.role == TRAIN
    names = [
        name
        for name in problem.feature_sets[FEATURE_SET].variables
        if name in problem.forcing
    ]
    cells = problem.train_cells
    known = [
        name
        for name, values in sorted(problem.statics.items())
        if np.isfinite(values).all() and values[cells].std() > 0
    ]
    targets = [make_double(layer[np.isfinite(layer)]) for layer in problem.train_target]
    return Inputs(
        _measure(names, {name: problem.forcing[name][trained] for name in names}),
        _measure(known, {name: problem.statics[name][cells] for name in known}),
        tuple(float(part.mean()) if part.size else 0.0 for part in targets),
        tuple(float(part.std() or 1.0) if part.size else 1.0 for part in targets),
    )


def _measure(names: list[str], values: Mapping[str, NDArray[np.floating]]) -> Scaling:
    means, deviations = [], []
    for name in names:
        transformed = transform(name, values[name])
        means.append(float(np.nanmean(transformed)))
        deviations.append(float(np.nanstd(transformed)) or 1.0)
    return Scaling(tuple(names), tuple(means), tuple(deviations))


def standardise_target(inputs: Inputs, target: Series) -> Values:
    """Return targets as a network learns them, (day, cell, layer)."""
    scaled = (target.transpose(2, 1, 0) - inputs.target_mean) / inputs.target_deviation
    return scaled.astype(np.float32)
