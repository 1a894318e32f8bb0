"""One complete daily series of a cell out of its stations' own, or why there is none.

The station with most measured days is primary. Others only fill days that it lacks,
unadjusted, in the order of their measured days and then of their names. What is still
missing is filled where the gap is short (`gap_filling`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from somobench.pipelines.gap_filling import FILL_RULES, fill_gap, gaps_of

NOT_MEASURED = "no station measures it"
TOO_LITTLE = "too little measured around a gap"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StationSeries:
    """A station's daily values of a variable; NaN where it has none."""

    name: str
    values: Floats

    @property
    def measured(self) -> int:
        """Number of days with a value."""
        return int(np.isfinite(self.values).sum())


@dataclass(frozen=True)
class CellSeries:
    """A cell's daily values, complete unless `refused` says why they aren't."""

    values: Floats
    primary: str = ""
    origins: tuple[str, ...] = ()
    """By day: the station that measured it, or the rule that filled it."""
    refused: str = ""

    def runs(self) -> Iterator[tuple[str, int, int]]:
        """Give origin, first and last position of days that aren't the primary's."""
        position = 0
        for origin, days in groupby(self.origins):
            length = len(tuple(days))
            if origin != self.primary:
                yield origin, position, position + length - 1
            position += length


def merge_stations(
    name: str, stations: Sequence[StationSeries], maximum_gap: int
) -> CellSeries:
    """Make one complete daily series of a variable from a cell's stations.

    Parameters
    ----------
    name : of the variable
    stations : their (N,) series, in any order
    maximum_gap : days in a row that may be filled

    Returns
    -------
    CellSeries
        With `refused` set if nothing was measured or a gap can't be filled.
    """
    ordered = sorted(stations, key=lambda item: (-item.measured, item.name))
    if not ordered or ordered[0].measured == 0:
        return CellSeries(np.empty(0), refused=NOT_MEASURED)
    measured = ordered[0].values.copy()
    origin = np.where(np.isfinite(measured), ordered[0].name, "").astype(object)
    for other in ordered[1:]:
        taken = np.isnan(measured) & np.isfinite(other.values)
        measured[taken] = other.values[taken]
        origin[taken] = other.name
    gaps = gaps_of(measured)
    if any(gap.days > maximum_gap for gap in gaps):
        return CellSeries(measured, refused=f"a gap longer than {maximum_gap} days")
    values, rule = measured.copy(), FILL_RULES.get(name, "linear")
    for gap in gaps:
        estimate = fill_gap(measured, gap, rule)
        if estimate is None:
            return CellSeries(values, refused=TOO_LITTLE)
        values[gap.start : gap.stop] = estimate
        origin[gap.start : gap.stop] = rule
    return CellSeries(values, ordered[0].name, tuple(origin.tolist()))
