"""What a metric is: name, unit, range, perfect value, invariances, source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from somobench.metrics.moments import Floats

Orientation = Literal["higher", "lower", "nearest", "none"]
Needs = Literal["pairs", "thresholds", "members"]
Invariance = Literal[
    "prediction_shift",  # x + a for the prediction x
    "prediction_affine",  # a + b x, b > 0
    "prediction_monotone",  # f(x), f strictly increasing
    "joint_shift",  # x + a and y + a for the target y, its thresholds and climatology
    "joint_scale",  # b x and b y, b > 0
    "joint_affine",  # a + b x and a + b y
    "exchange",  # y for x and x for y
    "day_order",  # both series with their days in another order
    "season",  # x + s and y + t, cosines of the year; s a climatology too
]

REFERENCE_MOMENTS = (
    "Scaled targets have the mean and variance of the reanalysis that they were matched"
    " to: this metric partly measures agreement with the reanalysis' climatology."
)


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A score of predicted against observed days.

    Attributes
    ----------
    family : str
        Metrics of one family come from the same daily sums.
    units : str or None
        None: the target's; the score of series in another unit is in that unit.
    perfect : float
        Value of a prediction equal to the target.
    orientation : {"higher", "lower", "nearest", "none"}
        What is better; "nearest" to the perfect value from either side; "none" for
        a number that is read beside another one.
    needs : {"pairs", "thresholds", "members"}
        Beyond pairs: thresholds from train days, or members of an ensemble.
    invariances : frozenset
        All changes of `Invariance` that leave the score as it is; tested for every
        metric, those that it has and those that it hasn't.
    """

    name: str = ""
    long_name: str = ""
    family: str = ""
    source: str = ""
    units: str | None = "1"
    minimum: float = -math.inf
    maximum: float = math.inf
    perfect: float
    orientation: Orientation
    needs: Needs = "pairs"
    invariances: frozenset[Invariance]
    note: str = ""

    @property
    def scores_moments(self) -> bool:
        """Tell whether the prediction's mean or variance counts."""
        return "prediction_affine" not in self.invariances

    def attrs(self, target_units: str) -> dict[str, object]:
        """Return the attributes of an array of this metric."""
        notes = (self.note, REFERENCE_MOMENTS if self.scores_moments else "")
        attrs: dict[str, object] = {
            "long_name": self.long_name,
            "units": target_units if self.units is None else self.units,
            "valid_range": [self.minimum, self.maximum],
            "perfect_value": self.perfect,
            "better": self.orientation,
            "invariant_to": ", ".join(sorted(self.invariances)),
            "source": self.source,
        }
        note = " ".join(filter(None, notes))
        return attrs | ({"note": note} if note else {})

    def gain(self, ours: Floats, theirs: Floats) -> Floats:
        """Return how much better `ours` is than `theirs`; NaN without orientation."""
        if self.orientation == "higher":
            return ours - theirs
        if self.orientation == "lower":
            return theirs - ours
        if self.orientation == "nearest":
            return np.abs(theirs - self.perfect) - np.abs(ours - self.perfect)
        return np.full_like(ours, np.nan)
