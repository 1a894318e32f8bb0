"""What a metric is: name, unit, range, perfect value, orientation, source."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from somobench.metrics.moments import Floats

Orientation = Literal["higher", "lower", "nearest", "none"]
Needs = Literal["pairs", "thresholds", "members"]


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A score of predicted against observed days.

    Attributes
    ----------
    family : str
        Metrics of one family come from the same daily sums.
    units : str or None
        None: the target's.
    perfect : float
        Value of a prediction equal to the target.
    orientation : {"higher", "lower", "nearest", "none"}
        What is better; "nearest" to the perfect value from either side; "none" for
        a number that is read beside another one.
    needs : {"pairs", "thresholds", "members"}
        Beyond pairs: thresholds from train days, or members of an ensemble.
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
    note: str = ""

    def attrs(self, target_units: str) -> dict[str, object]:
        """Return the attributes of an array of this metric."""
        attrs: dict[str, object] = {
            "long_name": self.long_name,
            "units": target_units if self.units is None else self.units,
            "valid_range": [self.minimum, self.maximum],
            "perfect_value": self.perfect,
            "better": self.orientation,
            "source": self.source,
        }
        return attrs | ({"note": self.note} if self.note else {})

    def gain(self, ours: Floats, theirs: Floats) -> Floats:
        """Return how much better `ours` is than `theirs`; NaN without orientation."""
        if self.orientation == "higher":
            return ours - theirs
        if self.orientation == "lower":
            return theirs - ours
        if self.orientation == "nearest":
            return np.abs(theirs - self.perfect) - np.abs(ours - self.perfect)
        return np.full_like(ours, np.nan)
