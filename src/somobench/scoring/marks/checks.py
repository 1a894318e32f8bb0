"""Mark predictions that look like something else than a model's.

Each check compares a number with a limit that every rung of the ladder, and the same
with noise, keeps on every split of a virtual and of a real release (docs/zoo.md has the
counts). A mark is no verdict and costs no rank: it asks for a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from somobench.catalog.view import day_of_year
from somobench.scoring.case import ScoringCase
from somobench.scoring.marks.measures import (
    Floats,
    average_days_of_year,
    compare_layers,
    correlate,
    correlate_all,
    correlate_changes,
    leave_line,
    measure_lasting,
    spread,
    subtract_monthly_mean,
)
from somobench.scoring.marks.record import Check, MarkRecord
from somobench.scoring.models import Model

SKILLED = 0.4  # median r from which the errors say where the skill comes from
MOST = 0.9  # of series
FEWEST = 5  # series or cells that a median is taken of
NO_CHANGE = 1e-6  # m3 m-3
STILL = 0.95  # of days, as on the day before; of trees that learnt little 0.94
MEMORY, UNSKILLED = 0.02, 0.1  # correlations with the day before, and with the target
BIAS, WIDER = 0.2, 3.0  # m3 m-3, and times the target's standard deviation
# White noise keeps 1 / sqrt(30) = 0.18 and 1 / sqrt(90) = 0.11 in means of such blocks.
LASTING = {30: 0.21, 90: 0.10}
CLOSER = 0.4  # of the distance to 1 that the best reference leaves
PLAIN_CHANGES = 0.6  # correlation of changes, taken where there is no reference
SAME_SEASON, APART, SEASON = 0.05, 0.1, 0.5
"""Between years and off the train season, over the deviation; and r of what is left."""
LATE, EARLY, SHIFT_GAIN = 0.12, 0.3, 0.08
"""Correlation of changes: models without rain are early by themselves."""
PEAKS = 0.6  # of series
TURNED = 0.3  # gain in r
STRANGER, OWN, PLACE = 0.4, 0.5, 0.25
LAYERS, MOST_CELLS = 0.02, 0.7  # gain in r of both layers, in that share of cells


def find_marks(
    case: ScoringCase,
    predicted: Floats,
    references: Sequence[Model],
    *,
    is_forecast: bool = False,
) -> list[MarkRecord]:
    """Say what predictions look like, if not like those of a model.

    Parameters
    ----------
    case : ScoringCase
    predicted : array, (series, time), m3 m-3
        Of an ensemble its mean.
    references : sequence of Model
        The reanalysis and the rungs that read no observations.
    is_forecast : bool
        Whether the predictions start from observations, as those with a lead time do:
        their errors are short by nature.

    Returns
    -------
    list of MarkRecord
        The first that is found of each group: memory, levels, order, knowledge of the
        target. Where there is no skill, errors can't tell anything.
    """
    target = case.target.to_numpy().astype(np.float64)
    given = np.where(np.isfinite(target), predicted.astype(np.float64), np.nan)
    known = np.where(np.isfinite(given), target, np.nan)
    if mark := _find_constant(given):
        return [mark]
    groups: list[list[Callable[[], MarkRecord | None]]] = [
        [lambda: _find_memoryless(given, known)],
        [lambda: _find_levels(given, known)],
        [
            lambda: _find_cells(case, given, known),
            lambda: _find_order(given, known),
            lambda: _find_layers(case, given, known),
        ],
    ]
    if not is_forecast:
        groups[2].append(lambda: _find_shift(given, known))
        groups.append(
            [
                lambda: _find_cancelling(given, known),
                lambda: _find_day_to_day(given, known, references, case),
                lambda: _find_test_season(case, given, known),
            ]
        )
    first = (next(filter(None, (look() for look in group)), None) for group in groups)
    return [mark for mark in first if mark is not None]


def _mark(check: Check, value: float, limit: float, what: str = "") -> MarkRecord:
    return MarkRecord(
        check=check, value=round(float(value), 3), limit=round(limit, 3), what=what
    )


def _find_median(values: Floats) -> float:
    """Return the median over series; NaN where fewer than five have a value."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size >= FEWEST else float("nan")


def _find_constant(given: Floats) -> MarkRecord | None:
    """Find series that never change, or stand still on most days."""
    step = np.abs(np.diff(given, axis=1))
    count = np.isfinite(step).sum(axis=1)
    held = (step < NO_CHANGE).sum(axis=1) >= STILL * np.maximum(count, 1)
    share = float((held | (spread(given) < NO_CHANGE)).mean())
    return _mark("constant", share, MOST) if share >= MOST else None


def _find_memoryless(given: Floats, known: Floats) -> MarkRecord | None:
    if _find_median(correlate(given, known)) > UNSKILLED:
        return None
    before = np.full_like(given, np.nan)
    before[:, 1:] = given[:, :-1]
    memory = _find_median(correlate(given, before))
    return _mark("memoryless", memory, MEMORY) if memory < MEMORY else None


def _find_levels(given: Floats, known: Floats) -> MarkRecord | None:
    apart = np.abs(_average(given) - _average(known))
    wider = spread(given) / np.maximum(spread(known), NO_CHANGE)
    if (bias := _find_median(apart)) > BIAS:
        return _mark(
            "levels", bias, BIAS, "median distance from the target's mean, in m3 m-3,"
        )
    if (times := _find_median(wider)) > WIDER:
        return _mark(
            "levels", times, WIDER, "standard deviation is so many times wider:"
        )
    return None


def _average(values: Floats) -> Floats:
    finite = np.isfinite(values)
    return np.where(finite, values, 0.0).sum(axis=1) / np.maximum(finite.sum(axis=1), 1)


def _find_cells(case: ScoringCase, given: Floats, known: Floats) -> MarkRecord | None:
    """Find departures from the monthly mean that are those of other cells."""
    ours, theirs = subtract_monthly_mean(given), subtract_monthly_mean(known)
    own, best, place = [], [], []
    for layer in case.own_layers:
        rows = np.flatnonzero(case.series_layers == layer)
        if rows.size < FEWEST:
            continue
        every = correlate_all(ours[rows], theirs[rows])
        mine = np.diag(every)
        usable = np.isfinite(mine)
        better = np.where(np.isfinite(every), every > mine[:, None], False)
        own += mine[usable].tolist()
        best += np.nanmax(every[usable], axis=1).tolist()
        place += (better[usable].sum(axis=1) / (rows.size - 1)).tolist()
    stranger, mine_, rank = (_find_median(np.array(x)) for x in (best, own, place))
    if stranger >= STRANGER and mine_ <= OWN * stranger and rank >= PLACE:
        return _mark("cells", stranger, mine_)
    return None


def _find_order(given: Floats, known: Floats) -> MarkRecord | None:
    """Find a turned sign or time."""
    fits = _find_median(correlate(given, known))
    turned = _find_median(correlate(given[:, ::-1], known))
    if fits < -TURNED / 2 and -fits >= turned:
        return _mark("sign", fits, -TURNED / 2)
    if turned - fits > TURNED:
        return _mark("reversed", turned - fits, TURNED)
    return None


def _find_layers(case: ScoringCase, given: Floats, known: Floats) -> MarkRecord | None:
    for upper, lower, gain in compare_layers(
        given, known, case.series_layers, case.series_cells
    ):
        usable = gain[np.isfinite(gain)]
        if usable.size < FEWEST:
            continue
        share = float((usable > 0).mean())
        if share >= MOST_CELLS and float(np.median(usable)) >= LAYERS:
            return _mark("layers", share, MOST_CELLS, f"{upper} and {lower}")
    return None


def _find_shift(given: Floats, known: Floats) -> MarkRecord | None:
    """Find changes from day to day that come a day or two late or early."""
    moves = (-2, -1, 0, 1, 2)
    each = np.array([correlate_changes(given, known, days) for days in moves])
    usable = np.isfinite(each).all(axis=0)
    if usable.sum() < FEWEST:
        return None
    medians = np.median(each[:, usable], axis=1)
    peak, as_it_is = int(np.argmax(medians)), float(medians[2])
    days = moves[peak]
    share = float((each[:, usable].argmax(axis=0) == peak).mean())
    limit = LATE if days < 0 else EARLY
    gain = float(medians[peak]) - as_it_is
    if days == 0 or medians[peak] < limit or gain < SHIFT_GAIN or share < PEAKS:
        return None
    said = f"{abs(days)} d {'later' if days > 0 else 'earlier'}"
    return _mark("shifted", medians[peak], as_it_is, f"if they are moved {said}")


def _find_cancelling(given: Floats, known: Floats) -> MarkRecord | None:
    if not _find_median(correlate(given, known)) >= SKILLED:
        return None
    for block, limit in LASTING.items():
        left = _find_median(measure_lasting(given, known, block))
        if left <= limit:
            return _mark("errors_cancel", left, block**-0.5, str(block))
    return None


def _find_day_to_day(
    given: Floats, known: Floats, references: Sequence[Model], case: ScoringCase
) -> MarkRecord | None:
    """Find changes that follow the target's closer than weather can tell."""
    ours = _find_median(correlate_changes(given, known))
    if not ours > 1 - CLOSER:  # no limit below is lower
        return None
    best, name = PLAIN_CHANGES, "no reference"
    for model in references:
        values = model.load().transpose("series", "time").to_numpy().astype(np.float64)
        theirs = _find_median(correlate_changes(values, case.target.to_numpy()))
        if name == "no reference" or theirs > best:
            best, name = theirs, model.name
    limit = 1 - CLOSER * (1 - max(best, 0.0))
    said = f"those of {name} by {best:.2f}"
    return _mark("day_to_day", ours, limit, said) if ours >= limit else None


def _find_test_season(
    case: ScoringCase, given: Floats, known: Floats
) -> MarkRecord | None:
    """Find a season that test years alone can tell."""
    days = day_of_year(case.target["time"]).to_numpy()
    repeated = average_days_of_year(given, days)
    rest = spread(np.where(np.isfinite(repeated), given - repeated, np.nan))
    if not _find_median(rest / np.maximum(spread(given), NO_CHANGE)) <= SAME_SEASON:
        return None
    season = case.climatology.to_numpy().astype(np.float64)[:, days - 1]
    ours, theirs = leave_line(given, season), leave_line(known, season)
    if not _find_median(spread(ours) / np.maximum(spread(given), NO_CHANGE)) > APART:
        return None
    shared = _find_median(correlate(ours, theirs))
    return _mark("test_season", shared, SEASON) if shared >= SEASON else None
