"""Scores of many rows and their replicates, chunk by chunk. Plain arrays.

A row is one cell and layer. Pairs are days on which prediction and target are finite;
everything, anomalies and climatologies too, is computed from pairs alone, so that gaps
of the target cost no model anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.catalog.storage.processors import count_cores
from somobench.metrics.anomalies import Integers, moving_anomalies
from somobench.metrics.compiled import (
    find_kernels,
    map_threads,
    share_rows,
)
from somobench.metrics.days import ResampledDays
from somobench.metrics.definition import Metric
from somobench.metrics.distributions import distribution_family
from somobench.metrics.droughts import droughts_family
from somobench.metrics.ensembles import ensemble_family
from somobench.metrics.extremes import extremes_family
from somobench.metrics.moments import (
    Additive,
    Floats,
    Scores,
    anomaly_family,
    moments_family,
)
from somobench.metrics.ranks import ranks_family
from somobench.metrics.seasons import deseasonalised_family

MINIMUM_COUNT = 10  # pairs; pytesmo's and QA4SM's default (`min_obs`)
_CHUNK_VALUES = 80_000  # a row chunk's size: its arrays stay in the caches
_COMPILED_VALUES = 400_000  # where arrays are fewer, and every core has a chunk

Array = NDArray[Any]
Replicates = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rows:
    """Series to be scored.

    Attributes
    ----------
    prediction : (row, time) or (row, time, member)
    target : (row, time)
    day_of_year : (time,), 1 to 366
        As `climatology` counts them, else as `count_leap_year_days` does.
    climatology : (row, 366), optional
        A known shape of the season, removed from both series with the harmonic.
    thresholds : {"dry": (row,), "wet": (row,)}, optional
    """

    prediction: Array
    target: Array
    day_of_year: Integers
    climatology: Floats | None = None
    thresholds: Mapping[str, Floats] = field(default_factory=dict)

    def part(self, rows: slice) -> Rows:
        """Return some rows as paired float64 series, NaN on days without a pair."""
        prediction = self.prediction[rows].astype(np.float64)
        target = self.target[rows].astype(np.float64)
        finite = np.isfinite(prediction)
        ensemble = prediction.ndim > target.ndim
        paired = np.isfinite(target) & (finite.all(axis=-1) if ensemble else finite)
        np.copyto(target, np.nan, where=~paired)
        apart = ~paired[..., None] if ensemble else ~paired
        np.copyto(prediction, np.nan, where=apart)
        return replace(
            self,
            prediction=prediction,
            target=target,
            climatology=None if self.climatology is None else self.climatology[rows],
            thresholds={side: limit[rows] for side, limit in self.thresholds.items()},
        )

    @property
    def mean(self) -> Floats:
        """The prediction, or the mean of its members."""
        ensemble = self.prediction.ndim > self.target.ndim
        return self.prediction.mean(axis=-1) if ensemble else self.prediction


@dataclass(frozen=True, eq=False)
class RowScores:
    """Scores by metric name, (row,), and replicates of them, (draw, row).

    `count` (row,) is the number of pairs; rows below the minimum have NaN everywhere.
    """

    count: Integers
    values: Mapping[str, Floats]
    replicates: Mapping[str, Replicates]

    @classmethod
    def empty(
        cls, rows: int, names: list[str], days: ResampledDays | None
    ) -> RowScores:
        """Return room for scores; for replicates if there are draws."""
        drawn = {} if days is None else dict.fromkeys(names, (days.draws, rows))
        return cls(
            np.zeros(rows, dtype=np.int64),
            {name: np.full(rows, np.nan) for name in names},
            {n: np.full(shape, np.nan, np.float32) for n, shape in drawn.items()},
        )


def _score_moving_anomalies(rows: Rows, _replicated: bool) -> Additive:
    return anomaly_family(
        "anomaly_r",
        rows.mean,
        rows.target,
        moving_anomalies,
    )


FAMILIES: Mapping[str, Callable[[Rows, bool], Additive]] = {
    "moments": lambda rows, _: moments_family(rows.mean, rows.target),
    "ranks": lambda rows, replicated: ranks_family(
        rows.mean, rows.target, replicated=replicated
    ),
    "moving_anomaly": _score_moving_anomalies,
    "deseasonalised": lambda rows, replicated: deseasonalised_family(
        rows.mean,
        rows.target,
        rows.day_of_year,
        rows.climatology,
        replicated=replicated,
    ),
    "distribution": lambda rows, _: distribution_family(rows.mean, rows.target),
    "extremes_dry": lambda rows, _: extremes_family(
        "dry", rows.mean, rows.target, rows.thresholds["dry"]
    ),
    "extremes_wet": lambda rows, _: extremes_family(
        "wet", rows.mean, rows.target, rows.thresholds["wet"]
    ),
    "droughts": lambda rows, _: droughts_family(
        rows.mean, rows.target, rows.thresholds["dry"]
    ),
    "ensemble": lambda rows, _: ensemble_family(rows.prediction, rows.target),
}


def score_rows(
    rows: Rows,
    metrics: Iterable[Metric],
    *,
    minimum_count: int = MINIMUM_COUNT,
    days: ResampledDays | None = None,
) -> RowScores:
    """Score every row, and again on every draw of resampled days.

    Parameters
    ----------
    rows : Rows
    metrics : iterable of Metric
    minimum_count : int
        Pairs that a row, or a draw of it, needs; with fewer every metric is NaN.
    days : ResampledDays, optional
        Without it there are no replicates.

    Returns
    -------
    RowScores
    """
    wanted = tuple(metrics)
    size, names = rows.target.shape[0], [metric.name for metric in wanted]
    result = RowScores.empty(size, names, days)
    families = tuple(dict.fromkeys(metric.family for metric in wanted))
    compiled = find_kernels(rows.target.size) is not None
    if compiled and days is None and families == ("moments",):
        return _score_moments(rows, result, minimum_count)
    sum_chunk = _sum_compiled if compiled else _sum_plainly

    def score_part(part: slice) -> None:
        chunk = rows.part(part)
        paired = np.isfinite(chunk.target).astype(np.float64)
        result.count[part] = np.count_nonzero(paired, axis=1)
        enough = result.count[part] >= minimum_count
        drawn = enough if days is None else days.sums([(paired,)])[0] >= minimum_count
        for family in families:
            scores, draws = sum_chunk(chunk, family, days)
            for name in result.values.keys() & scores.keys():
                result.values[name][part] = np.where(enough, scores[name], np.nan)
            for name in result.replicates.keys() & draws.keys():
                kept = np.where(drawn, draws[name], np.nan)
                result.replicates[name][:, part] = np.where(enough, kept, np.nan)

    height = (_COMPILED_VALUES if compiled else _CHUNK_VALUES) // max(
        1, rows.prediction[:1].size
    )
    values, parts = rows.target.size * compiled, share_rows(size, height)
    map_threads(score_part, parts, values, multiplies=True)
    return result


def _score_moments(rows: Rows, result: RowScores, minimum_count: int) -> RowScores:
    """Fill scores of moments alone, in one pass over series as they came."""
    from somobench.metrics.summed import sum_moments

    whole = np.array([0, rows.target.shape[1]])

    def score_part(part: slice) -> None:
        pair = rows.prediction[part], rows.target[part]
        if rows.prediction.ndim > rows.target.ndim or not _are_floats(*pair):
            chunk = rows.part(part)
            pair = np.ascontiguousarray(chunk.mean), chunk.target
        found = sum_moments(*pair, whole)
        result.count[part] = found.sums[0, :, 0]
        enough = result.count[part] >= minimum_count
        scores = found.totals()
        for name, values in result.values.items():
            values[part] = np.where(enough, scores[name], np.nan)

    size = len(rows.target)
    height = -(-size // count_cores())
    map_threads(score_part, share_rows(size, height), rows.target.size)
    return result


def _are_floats(*arrays: Array) -> bool:
    """Tell whether the compiled loop for moments takes arrays as they are."""
    return all(
        array.dtype == arrays[0].dtype
        and array.dtype in (np.float32, np.float64)
        and array.flags.c_contiguous
        and array.flags.writeable
        for array in arrays
    )


def _sum_plainly(
    chunk: Rows, family: str, days: ResampledDays | None
) -> tuple[Scores, Scores]:
    """Return the scores of a family, and those of every draw."""
    additive = FAMILIES[family](chunk, days is not None)
    draws = {} if days is None else additive.finish(days.sums(additive.daily))
    return additive.totals(), draws


def _sum_compiled(
    chunk: Rows, family: str, days: ResampledDays | None
) -> tuple[Scores, Scores]:
    """Do the same by compiled loops, where the family has one."""
    from somobench.metrics import summed

    if family not in summed.FAMILIES:
        return _sum_plainly(chunk, family, days)
    pairs = summed.Pairs(
        np.ascontiguousarray(chunk.mean),
        chunk.target,
        chunk.day_of_year,
        chunk.climatology,
        chunk.thresholds,
        np.array([0, chunk.target.shape[1]]) if days is None else days.bounds,
        days is not None,
    )
    found = summed.FAMILIES[family](pairs)
    return found.totals(), {} if days is None else found.drawn(days)
