"""Labelled series checked and flattened to rows, and row scores labelled again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from somobench.catalog.storage.processors import count_cores
from somobench.metrics.anomalies import (
    LEAP_YEAR,
    count_leap_year_days,
    seasonal_climatology,
)
from somobench.metrics.compiled import find_kernels, map_threads
from somobench.metrics.definition import Metric
from somobench.metrics.extremes import compute_extreme_thresholds
from somobench.metrics.registry import METRICS, metrics_named
from somobench.metrics.rows import Rows, RowScores
from somobench.schemas.errors import InputError, UsageError

MEMBER, TIME = "member", "time"


@dataclass(frozen=True, eq=False)
class LabelledRows:
    """Rows ready to be scored, and the labels that their scores get.

    Attributes
    ----------
    rows : Rows
    template : DataArray
        The target's dims and coordinates without time.
    units : str
        The target's.
    """

    rows: Rows
    template: xr.DataArray
    units: str

    def error(self, chosen: NDArray[np.intp]) -> NDArray[np.float64]:
        """Prediction minus target of some rows, NaN on days without a pair."""
        prediction, target = self.rows.prediction[chosen], self.rows.target[chosen]
        paired = Rows(prediction, target, self.rows.day_of_year).part(slice(None))
        return np.asarray(paired.mean - paired.target)

    @property
    def paired(self) -> NDArray[np.bool_]:
        """Days (row, time) that have a pair."""
        finite: NDArray[np.bool_] = np.isfinite(self.rows.prediction)
        if finite.ndim > self.rows.target.ndim:
            finite = np.asarray(finite.all(axis=-1))
        return np.asarray(finite & np.isfinite(self.rows.target))

    def metrics(self, names: Iterable[str] | None) -> tuple[Metric, ...]:
        """Return the metrics named, or all that these rows can give."""
        given = {"pairs"}
        given |= {"thresholds"} if self.rows.thresholds else set()
        given |= {"members"} if self.rows.prediction.ndim > 2 else set()  # noqa: PLR2004 (row, time)
        if names is None:
            return tuple(m for m in METRICS.values() if m.needs in given)
        wanted = metrics_named(names)
        lacking = [m.name for m in wanted if m.needs not in given]
        if lacking:
            raise UsageError(
                f"metrics {', '.join(lacking)}",
                found=f"input with {', '.join(sorted(given))}",
                expected="train days for extremes, a dim 'member' for ensembles",
                hint="pass train=..., or leave these metrics out",
            )
        return wanted

    def dataset(
        self, scores: RowScores, metrics: Iterable[Metric], minimum_count: int
    ) -> xr.Dataset:
        """Label the scores of all rows."""
        dims, shape = self.template.dims, self.template.shape
        enough = scores.count >= minimum_count
        count_attrs = {"long_name": "days with prediction and target", "units": "1"}
        variables: dict[str, Any] = {}
        for metric in metrics:
            values = scores.values[metric.name]
            undefined = int((enough & np.isnan(values)).sum())
            attrs = metric.attrs(self.units) | {"undefined_count": undefined}
            variables[metric.name] = (dims, values.reshape(shape), attrs)
        count = scores.count.astype(np.int32).reshape(shape)
        return xr.Dataset(
            variables | {"pair_count": (dims, count, count_attrs)},
            coords=self.template.coords,
            attrs={
                "minimum_count": minimum_count,
                "below_minimum_count": int((~enough).sum()),
            },
        )


def label_rows(
    prediction: xr.DataArray,
    target: xr.DataArray,
    *,
    train: xr.DataArray | None = None,
    scored: xr.DataArray | None = None,
    climatology: xr.DataArray | None = None,
    thresholds: Mapping[str, NDArray[np.float64]] | None = None,
) -> LabelledRows:
    """Check and flatten labelled series; arguments and errors as in `score`.

    `thresholds` are {"dry": (row,), "wet": (row,)}, by default of the train days.
    """
    _refuse_other_axes(prediction, target)
    leading = tuple(dim for dim in target.dims if dim != TIME)
    template = target.isel({TIME: 0}, drop=True).transpose(*leading)
    tail = (TIME, MEMBER) if MEMBER in prediction.dims else (TIME,)
    observed = _flatten_array(target.transpose(*leading, TIME), 1, "target")
    predicted = _flatten_array(
        prediction.transpose(*leading, *tail), len(tail), "prediction"
    )
    day_of_year = count_leap_year_days(target[TIME].to_numpy())
    trained = None
    if train is not None:
        trained = np.where(_mask(train, target, leading), observed, np.nan)
    own: NDArray[np.float64] | None
    if climatology is not None:
        own = _broadcast_climatology(climatology, template)
        day_of_year = target[TIME].dt.dayofyear.to_numpy()
    else:
        own = (
            None
            if trained is None
            else _derive_climatology_by_chunks(trained, day_of_year)
        )
    if scored is not None:
        observed = np.where(_mask(scored, target, leading), observed, np.nan)
    if thresholds is None:
        thresholds = {} if trained is None else compute_extreme_thresholds(trained)
    rows = Rows(predicted, observed, day_of_year, own, thresholds)
    return LabelledRows(rows, template, str(target.attrs.get("units", "1")))


def _derive_climatology_by_chunks(
    trained: NDArray[Any], day_of_year: NDArray[np.int64]
) -> NDArray[np.float64]:
    if find_kernels(trained.size) is not None:
        return seasonal_climatology(trained, day_of_year)
    parts = np.array_split(trained, max(1, trained.size // 500_000))
    return np.concatenate(
        [seasonal_climatology(part.astype(np.float64), day_of_year) for part in parts]
    )


def _refuse_other_axes(prediction: xr.DataArray, target: xr.DataArray) -> None:
    dims = [str(dim) for dim in prediction.dims if dim != MEMBER]
    if TIME not in target.dims or set(dims) != {str(dim) for dim in target.dims}:
        raise InputError(
            "dims of the prediction",
            found=", ".join(str(dim) for dim in prediction.dims),
            expected=f"{', '.join(str(d) for d in target.dims)} (and member)",
        )
    for dim in target.dims:
        ours, theirs = target.indexes.get(dim), prediction.indexes.get(dim)
        if ours is None or theirs is None or not ours.equals(theirs):
            raise InputError(
                f"coordinate {dim} of the prediction",
                found=_summarise_labels(prediction, str(dim)),
                expected=f"the target's: {_summarise_labels(target, str(dim))}",
                hint="prediction.reindex_like(target) leaves missing days as NaN",
            )
    if target.sizes[TIME] == 0:
        raise InputError("time of the target", found="no day", expected="at least one")
    steps = np.diff(target[TIME].to_numpy().astype("datetime64[D]").astype(np.int64))
    if (steps != 1).any():
        raise InputError(
            "time of the target",
            found=f"steps of {sorted(set(steps.tolist()))} days",
            expected="every day once, in order",
        )


def _summarise_labels(array: xr.DataArray, dim: str) -> str:
    if dim not in array.indexes:
        return f"{array.sizes.get(dim, 0)} without labels"
    index = array.indexes[dim]
    ends = f", {index[0]} to {index[-1]}" if len(index) else ""
    return f"{len(index)} labels{ends}"


def _flatten_array(array: xr.DataArray, kept: int, what: str) -> NDArray[Any]:
    values = array.to_numpy()
    if values.dtype.kind not in "fiu":
        raise InputError(what, found=f"dtype {values.dtype}", expected="numbers")
    rows = values.reshape(-1, *values.shape[values.ndim - kept :])
    if infinite := _count_infinite(rows):
        raise InputError(
            what,
            found=f"{infinite} infinite values",
            expected="finite numbers, or NaN for a missing day",
        )
    return rows


def _count_infinite(rows: NDArray[Any]) -> int:
    """Count infinite values; a compiled loop tells whether long series have any."""
    kernels, is_plain = find_kernels(rows.size), rows.dtype in (np.float32, np.float64)
    if kernels is not None and is_plain and rows.flags.c_contiguous:
        parts = np.array_split(rows.reshape(-1), count_cores())
        if not any(map_threads(kernels.has_infinite, parts, rows.size)):
            return 0
    return int(np.count_nonzero(np.isinf(rows)))


def _mask(
    days: xr.DataArray, target: xr.DataArray, leading: tuple[Any, ...]
) -> NDArray[np.bool_]:
    """Broadcast a mask of days over all rows."""
    if days.dtype != bool or not set(days.dims) <= set(target.dims):
        raise InputError(
            "mask of days",
            found=f"{days.dtype} over {', '.join(str(dim) for dim in days.dims)}",
            expected=f"bool over dims among {', '.join(str(d) for d in target.dims)}",
        )
    try:
        full, _ = xr.broadcast(*xr.align(days, target, join="exact"))
    except ValueError as error:
        raise InputError(
            "mask of days", found=str(error), expected="the target's coordinates"
        ) from error
    values = full.transpose(*leading, TIME).to_numpy()
    return np.asarray(values.reshape(-1, values.shape[-1]))


def _broadcast_climatology(
    climatology: xr.DataArray, template: xr.DataArray
) -> NDArray[np.float64]:
    """Broadcast a climatology by day of the year over all rows."""
    if climatology.sizes.get("day_of_year") != LEAP_YEAR:
        raise InputError(
            "climatology",
            found=f"sizes {dict(climatology.sizes)}",
            expected=f"a dim day_of_year of {LEAP_YEAR}",
        )
    try:
        aligned, like = xr.align(
            climatology, template, join="exact", exclude=["day_of_year"]
        )
        full, _ = xr.broadcast(aligned, like)
    except ValueError as error:
        raise InputError(
            "climatology", found=str(error), expected="the target's coordinates"
        ) from error
    values = full.transpose(*template.dims, "day_of_year").to_numpy()
    return np.asarray(values.reshape(-1, LEAP_YEAR), dtype=np.float64)
