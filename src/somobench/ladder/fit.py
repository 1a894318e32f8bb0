"""What a rung of the ladder hands back: predictions and how they came about."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from somobench.ladder.problem import Array, Problem, Series


class Fit(NamedTuple):
    """Predictions of a rung on one split.

    `values` is (layer, cell, day), m3 m-3, NaN where nothing is predicted. `chosen`
    holds hyper-parameters and `summary` facts of the fit, by layer, ready for JSON.
    """

    values: Series
    chosen: dict[str, Any]
    summary: dict[str, Any]


class NotAvailable(NamedTuple):
    """A rung that the release or split can't carry, and why."""

    reason: str


Outcome = Fit | NotAvailable


def make_layer_key(layer: int) -> str:
    """Return the key of a layer in `chosen` and `summary`."""
    return f"layer{layer}"


def make_empty_values(problem: Problem) -> Array:
    """Return (layer, cell, day) without any prediction."""
    return np.full(problem.train_target.shape, np.nan)


def round_finite(value: float, digits: int = 6) -> float | None:
    """Return a number as reports state it; None where it isn't finite."""
    return round(float(value), digits) if np.isfinite(value) else None


def join_layers(
    values: Series,
    chosen: dict[str, Any],
    summary: dict[str, Any],
    reasons: dict[str, str],
) -> Outcome:
    """Join the layers of a rung; without any that could be fitted, say why."""
    if not chosen:
        return NotAvailable("; ".join(f"{key}: {why}" for key, why in reasons.items()))
    notes = {key: {"not_available": why} for key, why in reasons.items()}
    return Fit(values, chosen, summary | notes)
