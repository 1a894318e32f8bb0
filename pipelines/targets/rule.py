"""The published target rule on arrays: matching, gap filling, choice of a depth.

Steps 3 to 5 of the SoMoBench target construction (S. O, `osungmin/somobench`, README
and scripts 01 and 02 of 2026). Every array is a whole period of days, NaN where a day
has no value. Files, tables and grids belong to the stage `targets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.targets.matching import (
    Matching,
    Rejection,
    Series,
    apply_matching,
    correlate,
    match_moments,
)

NO_SOURCE = -1  # days without a value
IN_SITU_GUARD_DECIMALS = 2  # further decimals of unscaled values, see `take_in_situ`

OVERLAP_REFERENCE = "overlap with the reference below the minimum"
OVERLAP_PRIMARY = "overlap with the primary below the minimum"
OVERLAP_NEGATIVES = "overlap below the minimum without negative values"
TOO_FEW_DAYS = "valid days below the minimum"
LOW_CORRELATION = "correlation with the primary below the minimum"
OTHER_DEPTH = "another depth interval chosen for the layer"


class Thresholds(NamedTuple):
    """Numbers of the rule: days, correlation, decimals of stored values."""

    minimum_overlap: int = 90
    minimum_days: int = 90
    secondary_minimum_overlap: int = 90
    secondary_minimum_correlation: float = 0.30
    decimals: int = 5


@dataclass(frozen=True, eq=False)
class Candidate:
    """A sensor's series in its own units and scaled to the reference (step 3).

    `name` orders candidates as the published file names do; `sensor_id` tells apart
    two sensors with one name. `row` is where the caller keeps the sensor.
    """

    name: str
    sensor_id: str
    row: int
    raw: Series = field(repr=False)
    values: Series = field(repr=False)
    matching: Matching

    @property
    def valid_days(self) -> int:
        """Days that are left after scaling."""
        return int(np.isfinite(self.values).sum())


class Secondary(NamedTuple):
    """A series accepted for gap filling, matched to the primary (step 4)."""

    candidate: Candidate
    values: Series
    correlation: float
    overlap_days: int


class Filling(NamedTuple):
    """What became of the sensors beside a primary, and the series with gaps filled."""

    accepted: tuple[Secondary, ...]
    rejected: tuple[tuple[Candidate, Rejection], ...]
    values: Series
    source: NDArray[np.int16]


@dataclass(frozen=True, eq=False)
class IntervalTarget:
    """The target of one cell at one depth interval.

    `source` holds, for each day, 0 for the primary, i for `accepted[i - 1]` and
    `NO_SOURCE` for a day without a value.
    """

    depth_from_cm: int
    depth_to_cm: int
    primary: Candidate
    accepted: tuple[Secondary, ...]
    rejected: tuple[tuple[Candidate, Rejection], ...]
    values: Series = field(repr=False)
    source: NDArray[np.int16] = field(repr=False)

    @property
    def name(self) -> str:
        """What orders the intervals of a cell as the published file names do.

        Those are `IDX_<cell>_dep<from>-<to>.dat`, whole centimetres without leading
        zeros, compared as texts: `0-10` comes before `5-5`.
        """
        return f"dep{self.depth_from_cm}-{self.depth_to_cm}.dat"

    @property
    def length(self) -> int:
        """Days with a value, filled ones included."""
        return int((self.source != NO_SOURCE).sum())

    @property
    def used(self) -> tuple[Secondary, ...]:
        """The accepted series that filled at least one day."""
        filled = set(np.unique(self.source).tolist())
        return tuple(
            item for place, item in enumerate(self.accepted, 1) if place in filled
        )


def scale_candidate(
    name: str,
    sensor_id: str,
    row: int,
    *,
    raw: Series,
    reference: Series | None,
    thresholds: Thresholds,
) -> Candidate | Rejection:
    """Scale a sensor's series to the reference and round it (step 3).

    Without a reference the series keeps its units: slope 1, offset 0.

    Returns
    -------
    Candidate or Rejection
        A rejection where the overlap is too short, a standard deviation isn't
        positive, or too few valid days are left.
    """
    matching: Matching | Rejection = Matching(1.0, 0.0, 0)
    if reference is not None:
        matching = match_moments(
            raw, reference, thresholds.minimum_overlap, OVERLAP_REFERENCE
        )
    if isinstance(matching, Rejection):
        return matching
    values = np.round(apply_matching(raw, matching), thresholds.decimals)
    candidate = Candidate(name, sensor_id, row, raw, values, matching)
    if candidate.valid_days < thresholds.minimum_days:
        return Rejection(TOO_FEW_DAYS, candidate.valid_days, thresholds.minimum_days)
    return candidate


def match_secondary(
    primary: Candidate, candidate: Candidate, thresholds: Thresholds
) -> Secondary | Rejection:
    """Match a series to the primary and test whether it may fill gaps (step 4)."""
    minimum = thresholds.secondary_minimum_overlap
    matching = match_moments(candidate.values, primary.values, minimum, OVERLAP_PRIMARY)
    if isinstance(matching, Rejection):
        return matching
    values = apply_matching(candidate.values, matching)
    shared = np.isfinite(values) & np.isfinite(primary.values)
    overlap = int(shared.sum())
    if overlap < minimum:
        return Rejection(OVERLAP_NEGATIVES, overlap, minimum)
    correlation = correlate(values[shared], primary.values[shared])
    if not correlation >= thresholds.secondary_minimum_correlation:
        return Rejection(
            LOW_CORRELATION,
            None if np.isnan(correlation) else correlation,
            thresholds.secondary_minimum_correlation,
        )
    return Secondary(candidate, values, correlation, overlap)


def fill_gaps(
    depth_from_cm: int,
    depth_to_cm: int,
    candidates: Iterable[Candidate],
    thresholds: Thresholds,
) -> IntervalTarget:
    """Choose the primary of a depth interval and fill its gaps (step 4).

    Primary is the series with most valid days, then the first name. The others fill
    only days that are still missing, best correlation first; nothing is averaged.
    The result doesn't depend on the order of `candidates`.
    """
    primary, *others = sorted(
        candidates, key=lambda item: (-item.valid_days, item.name, item.sensor_id)
    )
    filling = fill_primary(primary, others, thresholds)
    return IntervalTarget(depth_from_cm, depth_to_cm, primary, *filling)


def fill_primary(
    primary: Candidate, others: Iterable[Candidate], thresholds: Thresholds
) -> Filling:
    """Fill the gaps of a given primary from the others that pass the rule."""
    accepted: list[Secondary] = []
    rejected: list[tuple[Candidate, Rejection]] = []
    for candidate in others:
        outcome = match_secondary(primary, candidate, thresholds)
        if isinstance(outcome, Rejection):
            rejected.append((candidate, outcome))
        else:
            accepted.append(outcome)
    accepted.sort(key=make_filling_key)
    values, source = _fill_days(primary, accepted, thresholds.decimals)
    return Filling(tuple(accepted), tuple(rejected), values, source)


def make_filling_key(item: Secondary) -> tuple[float, int, int, str, str]:
    """Return the sort key of accepted series: the first fills first."""
    return (
        -item.correlation,
        -item.overlap_days,
        -item.candidate.valid_days,
        item.candidate.name,
        item.candidate.sensor_id,
    )


def _fill_days(
    primary: Candidate, accepted: Sequence[Secondary], decimals: int
) -> tuple[Series, NDArray[np.int16]]:
    values = primary.values.copy()
    source = np.where(np.isfinite(values), 0, NO_SOURCE).astype(np.int16)
    for place, item in enumerate(accepted, 1):
        gaps = (source == NO_SOURCE) & np.isfinite(item.values)
        values[gaps] = np.round(item.values[gaps], decimals)
        source[gaps] = place
    return values, source


def choose_interval(
    intervals: Iterable[IntervalTarget], midpoint_cm: float, minimum_days: int
) -> IntervalTarget | None:
    """Choose the depth interval of a layer (step 5); None if all are too short.

    Nearest to the nominal midpoint, then longest, then first name of the interval.
    """
    long_enough = [item for item in intervals if item.length >= minimum_days]
    return min(
        long_enough,
        key=lambda item: (
            abs((item.depth_from_cm + item.depth_to_cm) / 2 - midpoint_cm),
            -item.length,
            item.name,
        ),
        default=None,
    )


def take_in_situ(target: IntervalTarget, decimals: int) -> Series:
    """Return the target in the primary's own units.

    The primary's raw value where no other series filled the day, also where its
    scaled value was negative; the filled value mapped back on filled days. Two more
    decimals than the scaled target keep `offset + slope * in_situ` true to its last
    decimal for slopes up to 100.
    """
    slope, offset, overlap = target.primary.matching
    mapped = (target.values - offset) / slope
    unscaled = np.where(target.source > 0, mapped, target.primary.raw)
    guard = 0 if overlap == 0 else IN_SITU_GUARD_DECIMALS
    return unscaled.round(decimals + guard)


def station_spread(target: IntervalTarget) -> float:
    """Spread of station means, `std(ddof=1) / mean`, of unscaled whole series.

    Over the primary and every accepted series; NaN where the primary is alone.
    """
    members = (target.primary, *(item.candidate for item in target.accepted))
    means = np.array([np.nanmean(item.raw) for item in members])
    if means.size <= 1 or not means.mean() > 0:
        return float("nan")
    return float(means.std(ddof=1) / means.mean())
