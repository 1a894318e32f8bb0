"""Find predictions that are those of something else: target, reanalysis or a rung.

Such numbers can be scored and say nothing of a model. They are recognised where the
target was read by mistake, or a reference was handed in under another name. What only
looks like a copy, such as the target with noise, is marked (`marks`).

A series counts with at least 30 days and 5 changes from one day to the next, so that
a sensor that stands still is no copy of the day before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.scoring.case import ScoringCase
from somobench.scoring.hidden_copies import find_monotone, find_partly_equal
from somobench.scoring.models import Forecast, Model
from somobench.scoring.record import TARGET, FindingRecord

MINIMUM_DAYS = 30
MINIMUM_CHANGES = 5
SAME = 1e-6  # m3 m-3; float32 holds soil moisture to 1e-7
DECIMALS = (5, 4, 3, 2)  # to which copies are rounded, most first
EQUAL = 0.5 * 10.0 ** -DECIMALS[0] + SAME / 2  # m3 m-3; targets and rungs are rounded
SCATTER = 0.02  # of a copy times a factor plus a constant, over its standard deviation
MOST_SERIES = 0.9  # from which a rung or the reanalysis was handed in

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Predictions and what they may be a copy of, (series, time), NaN elsewhere."""

    predicted: Floats
    source: Floats

    @property
    def days(self) -> NDArray[np.int64]:
        """Days with both, (series,)."""
        return np.isfinite(self.predicted).sum(axis=1)

    def mark_comparable(self) -> Mask:
        """Mark series with enough days and changes of the prediction."""
        changes = np.array([_count_changes(row) for row in self.predicted])
        return (self.days >= MINIMUM_DAYS) & (changes >= MINIMUM_CHANGES)


def find_copies(
    case: ScoringCase,
    forecast: Forecast,
    asked: Sequence[int | None],
    references: Iterable[Model],
) -> list[FindingRecord]:
    """Say whether predictions are the target, the reanalysis or a rung.

    Parameters
    ----------
    case : ScoringCase
    forecast : callable
        Gives the predictions of a lead time, (series, time) and optionally member; of
        an ensemble the mean is looked at, as it is scored.
    asked : lead times, days; None alone where there are none
    references : iterable of Model
        The reanalysis and the rungs.

    Returns
    -------
    list of FindingRecord
        The target is found in single series, equal on every test day or times a factor
        plus a constant of the series, whose scatter is at most 2 % of the standard
        deviation of the predictions; equal also means rounded to 2 decimals or more.
        So it is where it is met on single days, or through a rising or falling curve.
        The reanalysis and rungs are found where 90 % of series are equal to them: a
        model may fall back on a reference in some.
    """
    sources = [Model(TARGET, lambda: case.target), *references]
    found: list[FindingRecord] = []
    for lead in asked:
        predicted = average_members(forecast(lead))
        for model in sources:
            pairs = _pair(predicted, average_members(model.load()), case)
            found += _compare(pairs, model.name, lead)
    return found


def average_members(grid: xr.DataArray) -> Floats:
    """Return the mean of members, where there are some, (series, time)."""
    if "member" in grid.dims:
        grid = grid.mean("member", skipna=False)
    return grid.transpose("series", "time").to_numpy().astype(np.float64)


def _pair(predicted: Floats, source: Floats, case: ScoringCase) -> _Pairs:
    """Keep the test days with a target that both have."""
    scored = np.isfinite(case.target.to_numpy())
    both = scored & np.isfinite(predicted) & np.isfinite(source)
    return _Pairs(np.where(both, predicted, np.nan), np.where(both, source, np.nan))


def _compare(pairs: _Pairs, name: str, lead: int | None) -> Iterator[FindingRecord]:
    known = pairs.mark_comparable()
    exact, decimals = find_equal(pairs.predicted, pairs.source)
    equal = known & (exact | (decimals > 0))
    least = 1 if name == TARGET else max(1, MOST_SERIES * known.sum())
    if equal.sum() >= least:
        rounded = decimals[equal & ~exact]
        yield FindingRecord(
            source=name,
            relation="equal",
            lead_time=lead,
            of_series=len(known),
            series=int(equal.sum()),
            cell_days=int(pairs.days[equal].sum()),
            decimals=int(rounded.min()) if rounded.size else None,
            slope=None,
            offset=None,
        )
    if name != TARGET:
        return
    slope, offset, is_line = find_lines(pairs.predicted, pairs.source)
    line = known & is_line & ~equal
    yield from _find_hidden(pairs, lead, known & ~equal & ~line)
    if line.any():
        yield FindingRecord(
            source=name,
            relation="affine",
            lead_time=lead,
            of_series=len(known),
            series=int(line.sum()),
            cell_days=int(pairs.days[line].sum()),
            decimals=None,
            slope=_round_ends(slope[line]),
            offset=_round_ends(offset[line]),
        )


def _find_hidden(
    pairs: _Pairs, lead: int | None, asked: Mask
) -> Iterator[FindingRecord]:
    """Find the target on single days and behind a curve, in the series asked for."""
    partly, days = find_partly_equal(pairs.predicted, pairs.source, EQUAL)
    curve = find_monotone(pairs.predicted, pairs.source, SCATTER) & asked
    partly &= asked & ~curve
    relations: tuple[tuple[Literal["partly", "monotone"], Mask, Any], ...] = (
        ("partly", partly, days),
        ("monotone", curve, pairs.days),
    )
    for relation, found, counted in relations:
        if found.any():
            yield FindingRecord(
                source=TARGET,
                relation=relation,
                lead_time=lead,
                of_series=len(asked),
                series=int(found.sum()),
                cell_days=int(counted[found].sum()),
                decimals=None,
                slope=None,
                offset=None,
            )


def find_equal(predicted: Floats, source: Floats) -> tuple[Mask, NDArray[np.int64]]:
    """Find series that equal another, exactly or to a number of decimals.

    Parameters
    ----------
    predicted, source : (series, time)
        NaN on the same days.

    Returns
    -------
    exact : (series,), bool
        Where no prediction lies further away than half a unit of the fifth decimal, to
        which targets and rungs are stored.
    decimals : (series,), int
        The most to which they are equal, of 5 to 2; 0 where they aren't. Predictions
        have that many decimals then, and none lies further than half a unit away.
    """
    apart = np.abs(predicted - source)
    exact = np.asarray(~(apart > EQUAL).any(axis=1))
    decimals = np.zeros(len(predicted), dtype=np.int64)
    for places in DECIMALS:
        off_grid = np.abs(predicted - np.round(predicted, places)) > SAME / 2
        far = apart > 0.5 * 10.0**-places + SAME / 2
        same = ~(off_grid | far).any(axis=1)
        decimals = np.where((decimals == 0) & same, places, decimals)
    return exact, decimals


def find_lines(predicted: Floats, source: Floats) -> tuple[Floats, Floats, Mask]:
    """Find series that are another times a factor plus a constant.

    Parameters
    ----------
    predicted, source : (series, time), m3 m-3
        NaN on the same days.

    Returns
    -------
    slope, offset : (series,)
        By least squares.
    is_line : (series,), bool
        Where no prediction lies further from the line than 2 % of the standard
        deviation of the predictions. A day's persistence of a smooth yearly cycle
        lies 2.4 % away (2 pi / 365 times the square root of 2).
    """
    count = np.maximum(np.isfinite(predicted).sum(axis=1), 1)
    means = [np.nansum(part, axis=1) / count for part in (predicted, source)]
    ours, theirs = (
        part - mean[:, None]
        for part, mean in zip((predicted, source), means, strict=True)
    )
    spread = np.nansum(theirs**2, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.nansum(ours * theirs, axis=1) / spread
    offset = means[0] - slope * means[1]
    scatter = np.abs(ours - slope[:, None] * theirs)
    bound = SCATTER * np.sqrt(np.nansum(ours**2, axis=1) / count)
    is_line = np.isfinite(slope) & ~(scatter > bound[:, None]).any(axis=1)
    return slope, offset, is_line


def _count_changes(row: Floats) -> int:
    known = row[np.isfinite(row)]
    return int((np.abs(np.diff(known)) > SAME).sum())


def _round_ends(values: Floats) -> tuple[float, float]:
    low, high = np.round([values.min(), values.max()], 4) + 0.0
    return float(low), float(high)
