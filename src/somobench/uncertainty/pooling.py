"""One number for many cells, with its interval: medians over pools of cells.

A pool's replicate is the median of cell scores on one draw of days and one draw of
cells, cells drawn with replacement within each group. Two models are compared on the
same draws of both and on the cells where both have a score.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.metrics.compiled import map_threads
from somobench.metrics.days import ResampledDays
from somobench.metrics.definition import Metric
from somobench.metrics.moments import Floats
from somobench.schemas.errors import InputError
from somobench.uncertainty.bootstrap import BootstrappedScores
from somobench.uncertainty.cells import (
    Counts,
    Group,
    Pooled,
    append_balanced,
    draw_groups,
    pool_metric,
)
from somobench.uncertainty.intervals import Resampled, make_pooled_interval
from somobench.uncertainty.pools import flatten_labels

LEVEL = 0.9  # of the intervals

_ENDS = ("", "_lower", "_upper")

Pools = Mapping[str, xr.DataArray]
Labels = tuple[Hashable, ...]
Marks = NDArray[np.bool_]


def pool_scores(
    scored: BootstrappedScores,
    pools: Pools,
    *,
    balanced: Iterable[str] = ("region",),
    clusters: xr.DataArray | None = None,
    level: float = LEVEL,
) -> xr.Dataset:
    """Pool scores over groups of cells, with intervals.

    Parameters
    ----------
    scored : BootstrappedScores
    pools : mapping of DataArray of str, dims among the scores'
        Group labels by pool, as of `somobench.uncertainty.pools.label_standard_pools`.
    balanced : iterable of str
        Pools that also give one number in which every group counts alike: the mean of
        the medians of groups with at least 5 scored cells, or clusters, as
        `<pool>_balanced`.
    clusters : DataArray of labels, dims among the scores', optional
        Cells that are drawn together because their skill is alike; by default each
        cell is drawn on its own.
    level : float
        Of the intervals.

    Returns
    -------
    Dataset
        `score`, `lower`, `upper` and `cell_count` (metric, group); `group_size`
        (group). Coordinates `pool`, `label` and `balanced` (group).

    Notes
    -----
    Intervals are those of `somobench.uncertainty.intervals.make_pooled_interval`,
    within the metric's range; NaN where fewer than 91 days are scored. A cell without a
    score is left out and shows as `cell_count` below `group_size`. A group of fewer
    than five cells, or clusters, with a score has an interval over days alone.
    """
    template = scored.scores["pair_count"]
    groups = _draw_groups(scored, *_flatten(pools, clusters, template))
    over = [pool for pool in balanced if pool in pools]

    def pool(metric: Metric) -> Pooled:
        values, drawn = _get_row_values(scored, metric), scored.replicates[metric.name]
        return append_balanced(pool_metric(values, drawn, groups), groups, over)

    pooled = map_threads(pool, scored.metrics, _count_replicates(scored))
    values = np.array([item.values for item in pooled])
    drawn = Resampled(*map(np.array, zip(*(p.drawn for p in pooled), strict=True)))
    units = np.array([item.units for item in pooled])
    lower, upper = _bound_scores(values, drawn, units, scored.days, level)
    least, most = (
        np.array([[getattr(metric, end)] for metric in scored.metrics])
        for end in ("minimum", "maximum")
    )
    lower, upper = np.maximum(lower, least), np.minimum(upper, most)
    counts = np.array([item.counts for item in pooled])
    arrays = {"score": values, "lower": lower, "upper": upper, "cell_count": counts}
    return _label_groups(scored, groups, over, arrays, level)


def pool_differences(
    ours: BootstrappedScores,
    theirs: BootstrappedScores,
    pools: Pools,
    *,
    balanced: Iterable[str] = ("region",),
    clusters: xr.DataArray | None = None,
    level: float = LEVEL,
) -> xr.Dataset:
    """Compare the pooled scores of two models on the same draws of days and cells.

    Only cells where both models have a score count.

    Parameters
    ----------
    ours, theirs : BootstrappedScores
        Of the same cells and on the same `days`.
    pools, balanced, clusters, level
        As in `pool_scores`.

    Returns
    -------
    Dataset
        (metric, group): `difference`, pooled score of ours minus theirs, and `gain`,
        the same with the sign turned so that above 0 ours is better (for a bias by its
        distance from 0), each with `_lower` and `_upper`; `better` is 1 where the whole
        interval of the gain lies above 0, -1 where below, else 0; `cell_count`.

    Raises
    ------
    InputError
        If the cells, the metrics or the draws differ.
    """
    template = ours.scores["pair_count"]
    _refuse_unpaired(ours, theirs)
    labels = _flatten(pools, clusters, template)
    groups = _draw_groups(ours, *labels)
    over = [pool for pool in balanced if pool in pools]

    def take_medians(model: BootstrappedScores, metric: Metric, both: Marks) -> Pooled:
        # A model is compared with many others, mostly on the same cells.
        key = (metric.name, both.tobytes(), labels, tuple(over))
        if key not in model.pooled:
            values = np.where(both, _get_row_values(model, metric), np.nan)
            pooled = pool_metric(values, model.replicates[metric.name], groups)
            model.pooled[key] = append_balanced(pooled, groups, over)
        return model.pooled[key]

    def compare(metric: Metric) -> dict[str, NDArray[Any]]:
        models = (ours, theirs)
        values = [_get_row_values(model, metric) for model in models]
        both = np.isfinite(values[0]) & np.isfinite(values[1])
        pair = [take_medians(model, metric, both) for model in models]
        return _compare_pooled(metric, pair, ours.days, level)

    compared = map_threads(compare, ours.metrics, _count_replicates(ours))
    names = [f"{what}{end}" for what in ("difference", "gain") for end in _ENDS]
    names += ["better", "cell_count"]
    shape = (len(compared), len(groups) + len(over))
    arrays = {
        name: np.reshape([item[name] for item in compared], shape) for name in names
    }
    return _label_groups(ours, groups, over, arrays, level)


def _compare_pooled(
    metric: Metric, pair: list[Pooled], days: ResampledDays, level: float
) -> dict[str, NDArray[Any]]:
    """Return what `pool_differences` says of one metric, (group,)."""
    ours, theirs = pair
    found: dict[str, NDArray[Any]] = {"cell_count": ours.counts}
    for what, join in (("difference", np.subtract), ("gain", metric.gain)):
        values = join(ours.values, theirs.values)
        drawn = ours.drawn.join_draws(theirs.drawn, join)
        lower, upper = _bound_scores(values, drawn, ours.units, days, level)
        arrays = (values, lower, upper)
        found |= {f"{what}{end}": a for end, a in zip(_ENDS, arrays, strict=True)}
    return found | {"better": (lower > 0).astype(np.int8) - (upper < 0)}


def _bound_scores(
    values: Floats,
    drawn: Resampled,
    units: Counts,
    days: ResampledDays,
    level: float,
) -> tuple[Floats, Floats]:
    """Return bounds of pooled scores; NaN below a season, and without draws."""
    if not (days.enough and days.draws):
        return np.full_like(values, np.nan), np.full_like(values, np.nan)
    return make_pooled_interval(
        values, drawn, blocks=days.blocks, cells=units, level=level
    )


def _refuse_unpaired(ours: BootstrappedScores, theirs: BootstrappedScores) -> None:
    if not ours.days.same_as(theirs.days):
        raise InputError(
            "two models to compare",
            found="scores on different draws of days",
            expected="the same draws",
            hint="give both the days of one draw_days([ours, theirs], target)",
        )
    for dim in ours.scores["pair_count"].dims:
        if not ours.scores.indexes[dim].equals(theirs.scores.indexes[dim]):
            raise InputError(f"coordinate {dim}", found="different in both models")
    if ours.metrics != theirs.metrics:
        raise InputError(
            "metrics",
            found=", ".join(metric.name for metric in theirs.metrics),
            expected=", ".join(metric.name for metric in ours.metrics),
        )


def _count_replicates(scored: BootstrappedScores) -> int:
    return sum(drawn.size for drawn in scored.replicates.values())


def _get_row_values(scored: BootstrappedScores, metric: Metric) -> Floats:
    return np.asarray(scored.scores[metric.name].to_numpy().ravel(), dtype=np.float64)


def _flatten(
    pools: Pools, clusters: xr.DataArray | None, template: xr.DataArray
) -> tuple[tuple[tuple[str, Labels], ...], Labels | None]:
    """Return labels of rows by the name of their pool, and clusters of rows."""
    flat = {name: flatten_labels(labels, template) for name, labels in pools.items()}
    together = None if clusters is None else tuple(flatten_labels(clusters, template))
    return tuple((name, tuple(labels)) for name, labels in flat.items()), together


def _draw_groups(
    scored: BootstrappedScores,
    pools: tuple[tuple[str, Labels], ...],
    clusters: Labels | None,
) -> list[Group]:
    days = scored.days
    drawn = draw_groups(
        dict(pools), draws=days.draws, seed=days.seed, clusters=clusters
    )
    return list(drawn)


def _label_groups(
    scored: BootstrappedScores,
    groups: list[Group],
    balanced: list[str],
    arrays: Mapping[str, NDArray[Any]],
    level: float,
) -> xr.Dataset:
    """Return arrays (metric, group) with the names of groups and their sizes."""
    names = [f"{pool}_balanced" for pool in balanced]
    sizes = dict.fromkeys(balanced, 0)
    for group in groups:
        if group.pool in sizes:
            sizes[group.pool] += group.rows.size
    group_sizes = [group.rows.size for group in groups] + list(sizes.values())
    variables = {name: (("metric", "group"), array) for name, array in arrays.items()}
    return xr.Dataset(
        {"group_size": ("group", np.array(group_sizes, dtype=np.int64)), **variables},
        coords={
            "metric": [metric.name for metric in scored.metrics],
            "group": [group.name for group in groups] + names,
            "pool": ("group", [group.pool for group in groups] + balanced),
            "label": ("group", [group.label for group in groups] + [""] * len(names)),
            "balanced": ("group", np.arange(len(groups) + len(names)) >= len(groups)),
        },
        attrs=dict(scored.scores.attrs) | {"confidence_level": level},
    )
