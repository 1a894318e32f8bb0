"""The arrays below windows: whole records, normalised as a network reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from somobench.schemas.variables import ROLES, TRAIN
from somobench.windows.flat import FlatArray

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Moments(NamedTuple):
    """Mean and standard deviation (`ddof=0`) over train cells and days, in a unit."""

    mean: float
    std: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Series:
    """Whole records of every cell; arrays aren't to be written to.

    Before the first day lie `before` days without inputs, so that the first day has a
    window too; properties leave them out, without a copy.

    Attributes
    ----------
    padded : FlatArray, (cell, before + day, input), float32
        Inputs minus their mean over their standard deviation; 0 where unknown.
    known : FlatArray, (cell, before + day), bool
        Days on which every input is known.
    observed : FlatArray, (cell, day), float32
        Target, normalised likewise; NaN where there is none.
    roles : FlatArray, (cell, day), int8
        0 none, 1 train, 2 validation, 3 test.
    statics : array, (cell, static), float32
        Normalised over train cells; 0 where unknown.
    input_names, static_names : tuple of str
    cells : array of str, (cell,)
    days : DatetimeIndex, (day,)
    layer : int
    before : int
    moments : mapping of input, or `soil_moisture`, to Moments
    groups : mapping of "region" and "regime" to an array of str, (cell,)
    source : mapping
        Release, split and feature set, for messages and attributes.
    """

    padded: FlatArray
    known: FlatArray
    observed: FlatArray
    roles: FlatArray
    statics: Floats
    input_names: tuple[str, ...]
    static_names: tuple[str, ...]
    cells: NDArray[np.str_]
    days: pd.DatetimeIndex
    layer: int
    before: int
    moments: Mapping[str, Moments]
    groups: Mapping[str, NDArray[np.str_]] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)

    @property
    def inputs(self) -> Floats:
        """Normalised inputs, (cell, day, input)."""
        return self.padded.values[:, self.before :]

    @property
    def is_present(self) -> Mask:
        """Days on which every input is known, (cell, day)."""
        return self.known.values[:, self.before :]

    @property
    def target(self) -> Floats:
        """Normalised target, (cell, day); NaN where there is none."""
        return self.observed.values

    @property
    def role(self) -> NDArray[np.int8]:
        """Role of each day: 0 none, 1 train, 2 validation, 3 test; (cell, day)."""
        return self.roles.values

    def mask(self, role: str) -> Mask:
        """Mark the days of a role that have a target, (cell, day)."""
        number = ROLES.index(role) + TRAIN
        return np.isfinite(self.target) & (self.role == number)

    @property
    def is_train(self) -> Mask:
        """Train days with a target, (cell, day)."""
        return self.mask("train")

    @property
    def is_validation(self) -> Mask:
        """Validation days with a target, (cell, day)."""
        return self.mask("validation")

    @property
    def is_test(self) -> Mask:
        """Test days with a target, (cell, day)."""
        return self.mask("test")

    def let_go(self) -> None:
        """Give the memory of mapped arrays back, between parts of a long read."""
        for array in (self.padded, self.known, self.observed, self.roles):
            array.let_go()

    def restore(self, values: Any) -> NDArray[np.float64]:
        """Return normalised soil moisture in m3 m-3."""
        mean, std = self.moments["soil_moisture"]
        return np.asarray(values, dtype=np.float64) * std + mean
