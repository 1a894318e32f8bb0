"""Scores of many rows and their replicates, chunk by chunk. Plain arrays.

A row is one cell and layer. Pairs are days on which prediction and target are finite;
everything, anomalies and climatologies too, is computed from pairs alone, so that gaps
of the target cost no model anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from somobench.metrics.anomalies import Integers, moving_anomalies
from somobench.metrics.days import ResampledDays
from somobench.metrics.definition import Metric
from somobench.metrics.distributions import distribution_family
from somobench.metrics.droughts import droughts_family
from somobench.metrics.ensembles import ensemble_family
from somobench.metrics.extremes import extremes_family
from somobench.metrics.moments import Additive, Floats, anomaly_family, moments_family
from somobench.metrics.ranks import ranks_family
from somobench.metrics.seasons import deseasonalised_family

MINIMUM_COUNT = 10  # pairs; pytesmo's and QA4SM's default (`min_obs`)
_CHUNK_VALUES = 80_000  # a row chunk's size: its arrays stay in the caches

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
    count = np.zeros(size, dtype=np.int64)
    values = {name: np.full(size, np.nan) for name in names}
    shape = (0 if days is None else days.draws, size)
    replicates = {name: np.full(shape, np.nan, dtype=np.float32) for name in names}
    families = tuple(dict.fromkeys(metric.family for metric in wanted))
    for part in _slice_chunks(rows):
        chunk = rows.part(part)
        paired = np.isfinite(chunk.target).astype(np.float64)
        count[part] = np.count_nonzero(paired, axis=1)
        enough = count[part] >= minimum_count
        drawn = None if days is None else days.sums([(paired,)])[0] >= minimum_count
        for family in families:
            additive = FAMILIES[family](chunk, days is not None)
            scores = additive.totals()
            for name in values.keys() & scores.keys():
                values[name][part] = np.where(enough, scores[name], np.nan)
            if days is None or drawn is None:
                continue
            scores = additive.finish(days.sums(additive.daily))
            for name in values.keys() & scores.keys():
                kept = np.where(drawn, scores[name], np.nan)
                replicates[name][:, part] = np.where(enough, kept, np.nan)
    return RowScores(count, values, replicates if days is not None else {})


def _slice_chunks(rows: Rows) -> Iterator[slice]:
    values = max(1, rows.prediction[:1].size)
    height = max(1, _CHUNK_VALUES // values)
    for start in range(0, rows.target.shape[0], height):
        yield slice(start, start + height)
